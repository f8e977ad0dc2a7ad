// What policies do when alarms or ExecutePolicy call them.
#include <algorithm>
#include <limits>

#include "services/autoscaling/decide.h"
#include "services/autoscaling/policies.h"
#include "services/autoscaling/scaling/combine.h"
#include "services/autoscaling/scaling/step_scaling.h"
#include "services/autoscaling/scaling/target_tracking.h"
#include "services/autoscaling/scaling/tracking_alarms.h"
#include "services/autoscaling/texts.h"
#include "services/common/capacity_units.h"

namespace brume::autoscaling {
namespace {

using std::chrono::seconds;

Wish stays(std::string reason) {
  return {std::nullopt, std::move(reason)};
}

}  // namespace

Adjustment PolicyOperations::adjustment_of(const ScalingPolicy& policy, int by) {
  return {*policy.AdjustmentType, by,
          policy.MinAdjustmentMagnitude ? policy.MinAdjustmentMagnitude : policy.MinAdjustmentStep};
}

Capacity PolicyOperations::capacity_for(const GroupRecord& record, const ScalingPolicy& policy) {
  const AutoScalingGroup& group = record.group;
  Capacity capacity;
  capacity.min = *group.MinSize;
  capacity.max = *group.MaxSize;
  capacity.desired = *group.DesiredCapacity;
  const auto warm_up = policy.EstimatedInstanceWarmup ? policy.EstimatedInstanceWarmup : group.DefaultInstanceWarmup;
  const env::Duration needs = context_.scaled(seconds(warm_up.value_or(*group.DefaultCooldown)));
  int present = 0, lightest = std::numeric_limits<int>::max();
  for (const MemberRecord* member : members_of(*group.AutoScalingGroupName)) {
    const std::string& lifecycle = *member->instance.LifecycleState;
    const int units = services::units_of(member->instance);
    if (member->replacing.empty() && (is_pending(lifecycle) || lifecycle == "InService")) {
      present += units;
      lightest = std::min(lightest, units);
    }
    if (lifecycle.starts_with("Pending"))
      capacity.warming += units;
    else if (lifecycle.starts_with("Terminating"))
      capacity.leaving += units;
    else if (lifecycle == "InService" &&
             state_.in_service.of(*member->instance.InstanceId, *member->in_service_since) < needs)
      capacity.warming += units;
    else if (lifecycle == "InService")
      capacity.ready += units;
  }
  const int excess = present - capacity.desired;
  if (excess > 0 && excess < lightest) capacity.above = excess;
  return capacity;
}

Result<std::string> PolicyOperations::perform(const services::AlarmEvent& event) {
  return context_.store.transact([&]() -> Result<std::string> {
    const PolicyRecord* found = find_policy(std::string_view(event.action_arn));
    if (!found) return fail("ValidationError", "The scaling policy {} does not exist", event.action_arn);
    const ScalingPolicy policy = found->policy;
    const GroupRecord& record = *groups_.find(*policy.AutoScalingGroupName);
    const Capacity capacity = capacity_for(record, policy);
    const std::optional<double> metric = policy.PolicyType == "StepScaling"
                                             ? aggregated(event.datapoints, *policy.MetricAggregationType)
                                             : event.newest();
    BRUME_TRY(wish, wish_on_alarm(record, policy, capacity, event, metric));
    DecisionRecord decision;
    decision.by = "policy";
    decision.alarm = event.alarm_name;
    decision.value = metric;
    decision.threshold = event.threshold;
    return follow(policy, wish, capacity, std::move(decision), event.state);
  });
}

Result<Wish> PolicyOperations::wish_on_alarm(const GroupRecord& record, const ScalingPolicy& policy,
                                             const Capacity& capacity, const services::AlarmEvent& event,
                                             std::optional<double> metric) {
  if (record.group.Status) return stays("the group is being deleted");
  if (!*policy.Enabled) return stays("the policy is disabled");
  if (is_suspended(record, "AlarmNotification")) return stays("the process AlarmNotification is suspended");
  if (policy.PolicyType == "SimpleScaling") {
    if (const auto busy = cooldowns_.why_waiting(*policy.AutoScalingGroupName)) return stays(*busy);
    return simple_scaling(capacity, adjustment_of(policy, *policy.ScalingAdjustment));
  }
  if (!metric) return stays("the alarm has no datapoint");
  if (policy.PolicyType == "StepScaling") {
    const StepAdjustment* step = step_for(policy.StepAdjustments, *metric - event.threshold);
    if (!step) return stays("no step of the policy is for this size of the breach");
    return step_scaling(capacity, adjustment_of(policy, *step->ScalingAdjustment));
  }
  return tracking_wish(record, policy, capacity, event, *metric);
}

Result<Wish> PolicyOperations::tracking_wish(const GroupRecord& record, const ScalingPolicy& policy,
                                             const Capacity& capacity, const services::AlarmEvent& event,
                                             double metric) {
  const TargetTrackingConfiguration& tracking = *policy.TargetTrackingConfiguration;
  if (std::ranges::find(policy.Alarms, std::optional(event.alarm_name), &Alarm::AlarmName) == policy.Alarms.end())
    return stays(fmt::format("the alarm {} is not one of the policy's own", event.alarm_name));
  if (event.state != "ALARM") return stays("the alarm is not in state ALARM");
  const double target = *tracking.TargetValue;
  if (is_high_alarm(event.alarm_name)) {
    if (metric <= target) return stays("the metric is back at its target");
    return target_tracking(capacity, metric, target, true);
  }
  if (metric > target) return stays("the metric is above its target");
  low_values_[*policy.PolicyARN] = metric;

  // All others that scale in have to agree.
  std::vector<Opinion> opinions{{*policy.PolicyName, target_tracking(capacity, metric, target, false)}};
  cloudwatch::DescribeAlarmsInput request;
  std::vector<const ScalingPolicy*> others;
  for (const PolicyRecord* other : policies_of(*policy.AutoScalingGroupName)) {
    const ScalingPolicy& one = other->policy;
    if (one.PolicyType != "TargetTrackingScaling" || one.PolicyName == policy.PolicyName || !*one.Enabled ||
        *one.TargetTrackingConfiguration->DisableScaleIn)
      continue;
    others.push_back(&one);
    request.AlarmNames.push_back(*one.Alarms.back().AlarmName);
  }
  if (others.empty() || !opinions.front().wish.desired) return opinions.front().wish;
  BRUME_TRY(described, cloudwatch_.DescribeAlarms(context_.call("autoscaling"), request));
  for (const ScalingPolicy* other : others) {
    const auto low =
        std::ranges::find(described.MetricAlarms, other->Alarms.back().AlarmName, &cloudwatch::MetricAlarm::AlarmName);
    // An alarm that is in ALARM calls its policy each period, so its metric is known soon after a start.
    const auto value = low_values_.find(*other->PolicyARN);
    Wish wish = stays("its metric is not low");
    if (low != described.MetricAlarms.end() && low->StateValue == "ALARM")
      wish = value == low_values_.end() ? stays("its metric is not known yet")
                                        : target_tracking(capacity_for(record, *other), value->second,
                                                          *other->TargetTrackingConfiguration->TargetValue, false);
    opinions.push_back({*other->PolicyName, std::move(wish)});
  }
  return combine(capacity.desired, opinions);
}

Result<std::string> PolicyOperations::follow(const ScalingPolicy& policy, const Wish& wanted, const Capacity& capacity,
                                             DecisionRecord decision, const std::string& alarm_state) {
  const std::string& group = *policy.AutoScalingGroupName;
  const std::string& name = *policy.PolicyName;
  const Wish wish = bounded(wanted, capacity);
  decision.name = name;
  decision.before = capacity.desired;
  decision.after = wish.desired.value_or(capacity.desired);
  decision.reason = wish.reason;
  const std::string alarm = decision.alarm;
  decisions_.add(group, std::move(decision));
  if (!wish.desired)
    return fmt::format("Policy {} left the desired capacity at {}: {}.", name, capacity.desired, wish.reason);
  const std::string sentence = alarm.empty()
                                   ? executed_sentence(name, capacity.desired, *wish.desired)
                                   : triggered_sentence(alarm, alarm_state, name, capacity.desired, *wish.desired);
  groups_.modify(group, [&](GroupRecord& record) {
    record.group.DesiredCapacity = wish.desired;
    record.cause = at(context_.env.clock.wall(), sentence);
  });
  if (policy.PolicyType == "SimpleScaling")
    cooldowns_.set(group, name, policy.Cooldown.value_or(*groups_.find(group)->group.DefaultCooldown));
  wake_after_commit(group);
  return fmt::format("Policy {} changed the desired capacity from {} to {}.", name, capacity.desired, *wish.desired);
}

}  // namespace brume::autoscaling
