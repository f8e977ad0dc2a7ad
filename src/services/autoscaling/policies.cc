#include "services/autoscaling/policies.h"

#include <algorithm>

#include "base/log.h"
#include "services/autoscaling/scaling/policy_check.h"
#include "services/autoscaling/scaling/step_scaling.h"
#include "services/autoscaling/scaling/tracking_alarms.h"
#include "services/common/ids.h"
#include "services/common/page.h"

namespace brume::autoscaling {
namespace {

constexpr std::size_t kMaxPolicies = 50;  // quota "Scaling policies per Auto Scaling group"

bool tracks(const ScalingPolicy& policy) {
  return policy.PolicyType == "TargetTrackingScaling";
}

Alarm named(const std::string& region, std::string name) {
  return {name, services::arn("cloudwatch", region, "alarm:" + name)};
}

}  // namespace

PolicyOperations::PolicyOperations(GroupState& state, elbv2::Api& elbv2, cloudwatch::Api& cloudwatch,
                                   services::AlarmActions& actions, Cooldowns& cooldowns, DecisionLog& decisions)
    : GroupPart(state),
      elbv2_(elbv2),
      cloudwatch_(cloudwatch),
      cooldowns_(cooldowns),
      decisions_(decisions),
      policies_(context_.store, "autoscaling.policies", context_.region) {
  actions.add("autoscaling", [this](const services::AlarmEvent& event) { return perform(event); });
  state.on_erase.emplace_back([this](const std::string& group) -> Result<void> {
    std::vector<PolicyRecord> policies;
    for (const PolicyRecord* record : policies_of(group)) policies.push_back(*record);
    for (const PolicyRecord& record : policies) BRUME_CHECK(erase_policy(record, true));
    return {};
  });
}

std::vector<const PolicyRecord*> PolicyOperations::policies_of(const std::string& group) const {
  std::vector<const PolicyRecord*> found;
  for (const auto& [key, record] : rows_under(policies_, group + ":")) found.push_back(&record);
  return found;
}

const PolicyRecord* PolicyOperations::find_policy(std::string_view arn) const {
  constexpr std::string_view kGroup = ":autoScalingGroupName/", kPolicy = ":policyName/";
  const std::size_t group = arn.find(kGroup);
  const std::size_t policy = arn.find(kPolicy, group == std::string_view::npos ? group : group + kGroup.size());
  if (policy == std::string_view::npos) return nullptr;
  const std::size_t begin = group + kGroup.size();
  const PolicyRecord* record =
      policies_.find(fmt::format("{}:{}", arn.substr(begin, policy - begin), arn.substr(policy + kPolicy.size())));
  // One that was deleted and made again has another ARN.
  return record && *record->policy.PolicyARN == arn ? record : nullptr;
}

Result<const PolicyRecord*> PolicyOperations::find_policy(const std::optional<std::string>& group,
                                                          const std::string& name) const {
  if (group) BRUME_CHECK(find_group(*group));
  const PolicyRecord* record = nullptr;
  if (name.starts_with("arn:")) {
    record = find_policy(std::string_view(name));
    if (record && group && record->policy.AutoScalingGroupName != *group) record = nullptr;
  } else if (group) {
    record = policies_.find(fmt::format("{}:{}", *group, name));
  } else {
    return fail("ValidationError", "AutoScalingGroupName must be specified unless PolicyName is an ARN");
  }
  if (!record) return fail("ValidationError", "Policy {} not found", name);
  return record;
}

Result<void> PolicyOperations::check_resource_label(const Call& call, const AutoScalingGroup& group,
                                                    const ScalingPolicy& policy) {
  if (!tracks(policy) || !policy.TargetTrackingConfiguration->PredefinedMetricSpecification) return {};
  const auto& given = policy.TargetTrackingConfiguration->PredefinedMetricSpecification->ResourceLabel;
  if (!given) return {};
  BRUME_TRY(label, parse_resource_label(*given));
  const auto ends_with = [](const std::string& arn, const std::string& part) { return arn.ends_with(":" + part); };
  const auto attached = std::ranges::find_if(
      group.TargetGroupARNs, [&](const std::string& arn) { return ends_with(arn, label.target_group); });
  if (attached == group.TargetGroupARNs.end())
    return fail("ValidationError", "The target group of the resource label {} is not attached to the group {}", *given,
                *group.AutoScalingGroupName);
  elbv2::DescribeTargetGroupsInput request;
  request.TargetGroupArns = {*attached};
  BRUME_TRY(described, elbv2_.DescribeTargetGroups(call, request));
  for (const std::string& arn : described.TargetGroups.at(0).LoadBalancerArns)
    if (ends_with(arn, "loadbalancer/" + label.load_balancer)) return {};
  return fail("ValidationError",
              "The load balancer of the resource label {} does not route traffic to its target group", *given);
}

Result<void> PolicyOperations::delete_alarm(const std::string& name) {
  cloudwatch::DeleteAlarmsInput request;
  request.AlarmNames = {name};
  const auto deleted = cloudwatch_.DeleteAlarms(context_.call("autoscaling"), request);
  // Somebody has deleted it already.
  if (!deleted && deleted.error().code != "ResourceNotFound" && deleted.error().code != "ResourceNotFoundException")
    return std::unexpected(deleted.error());
  return {};
}

Result<void> PolicyOperations::put_alarms(const List<Alarm>& before, ScalingPolicy& policy) {
  policy.Alarms.set_present();
  if (tracks(policy)) {
    const std::string& group = *policy.AutoScalingGroupName;
    for (const bool high : {true, false}) {
      if (!high && policy.TargetTrackingConfiguration->DisableScaleIn.value_or(false)) continue;
      const auto kept = std::ranges::find(before, high, [](const Alarm& a) { return is_high_alarm(*a.AlarmName); });
      policy.Alarms.push_back(
          kept != before.end() ? *kept
                               : named(context_.region, tracking_alarm_name(group, high, context_.env.random.uuid())));
    }
    for (const cloudwatch::PutMetricAlarmInput& alarm : tracking_alarms(policy)) {
      const auto put = cloudwatch_.PutMetricAlarm(context_.call("autoscaling"), alarm);
      if (!put && put.error().status < 500) return fail("ValidationError", "{}", put.error().message);
      if (!put) return std::unexpected(put.error());
    }
  }
  for (const Alarm& old : before)
    if (std::ranges::find(policy.Alarms, old.AlarmName, &Alarm::AlarmName) == policy.Alarms.end())
      BRUME_CHECK(delete_alarm(*old.AlarmName));
  return {};
}

Result<PolicyARNType> PolicyOperations::PutScalingPolicy(const Call& call, const PutScalingPolicyType& request) {
  const std::string& group = *request.AutoScalingGroupName;
  const std::string& name = *request.PolicyName;
  BRUME_TRY(found, find_group(group));
  if (found->group.Status)
    return fail("ScalingActivityInProgress", "AutoScalingGroup '{}' is pending delete and cannot be changed", group);
  BRUME_CHECK(check_policy(request));
  const std::string key = fmt::format("{}:{}", group, name);
  const PolicyRecord* existing = policies_.find(key);
  if (!existing && policies_of(group).size() >= kMaxPolicies)
    return fail("LimitExceeded", "The group {} has the {} scaling policies that a group may have", group, kMaxPolicies);
  PolicyRecord record;
  ScalingPolicy& policy = record.policy;
  policy.AutoScalingGroupName = group;
  policy.PolicyName = name;
  policy.PolicyARN = existing ? existing->policy.PolicyARN
                              : services::arn("autoscaling", context_.region,
                                              fmt::format("scalingPolicy:{}:autoScalingGroupName/{}:policyName/{}",
                                                          context_.env.random.uuid(), group, name));
  policy.PolicyType = request.PolicyType.value_or("SimpleScaling");
  policy.AdjustmentType = request.AdjustmentType;
  policy.MinAdjustmentStep = request.MinAdjustmentStep;
  policy.MinAdjustmentMagnitude = request.MinAdjustmentMagnitude;
  policy.ScalingAdjustment = request.ScalingAdjustment;
  policy.Cooldown = request.Cooldown;
  policy.StepAdjustments = request.StepAdjustments;
  policy.StepAdjustments.set_present();
  policy.MetricAggregationType = request.MetricAggregationType;
  if (policy.PolicyType == "StepScaling" && !policy.MetricAggregationType) policy.MetricAggregationType = "Average";
  policy.EstimatedInstanceWarmup = request.EstimatedInstanceWarmup;
  policy.TargetTrackingConfiguration = request.TargetTrackingConfiguration;
  if (policy.TargetTrackingConfiguration && !policy.TargetTrackingConfiguration->DisableScaleIn)
    policy.TargetTrackingConfiguration->DisableScaleIn = false;
  policy.Enabled = request.Enabled.value_or(true);
  BRUME_CHECK(check_resource_label(call, found->group, policy));
  BRUME_CHECK(put_alarms(existing ? existing->policy.Alarms : List<Alarm>(), policy));
  // What the metric was by another measure says nothing about this one.
  low_values_.erase(*policy.PolicyARN);
  PolicyARNType answer{policy.PolicyARN, policy.Alarms};
  policies_.put(key, std::move(record));
  return answer;
}

Result<List<Alarm>> PolicyOperations::alarms_that_call(const ScalingPolicy& policy) {
  if (tracks(policy)) return policy.Alarms;
  List<Alarm> alarms;
  alarms.set_present();
  cloudwatch::DescribeAlarmsInput request;
  request.ActionPrefix = policy.PolicyARN;
  do {
    BRUME_TRY(page, cloudwatch_.DescribeAlarms(context_.call("autoscaling"), request));
    for (const cloudwatch::MetricAlarm& alarm : page.MetricAlarms) alarms.push_back({alarm.AlarmName, alarm.AlarmArn});
    request.NextToken = page.NextToken;
  } while (request.NextToken);
  return alarms;
}

Result<PoliciesType> PolicyOperations::DescribePolicies(const Call&, const DescribePoliciesType& request) {
  if (request.AutoScalingGroupName) BRUME_CHECK(find_group(*request.AutoScalingGroupName));
  const auto among = [](const List<std::string>& wanted, const std::string& value) {
    return wanted.empty() || std::ranges::find(wanted, value) != wanted.end();
  };
  std::vector<ScalingPolicy> found;
  const auto add = [&](const ScalingPolicy& policy) {
    if (!among(request.PolicyTypes, *policy.PolicyType)) return;
    if (among(request.PolicyNames, *policy.PolicyName) || among(request.PolicyNames, *policy.PolicyARN))
      found.push_back(policy);
  };
  if (request.AutoScalingGroupName)
    for (const PolicyRecord* record : policies_of(*request.AutoScalingGroupName)) add(record->policy);
  else
    for (const auto& [key, record] : policies_.rows()) add(record.policy);
  BRUME_TRY(page, services::paginate(std::move(found), std::size_t(request.MaxRecords.value_or(50)), request.NextToken,
                                     [](const ScalingPolicy& policy) {
                                       return fmt::format("{}:{}", *policy.AutoScalingGroupName, *policy.PolicyName);
                                     }));
  for (ScalingPolicy& policy : page.items) {
    BRUME_TRY(alarms, alarms_that_call(policy));
    policy.Alarms = std::move(alarms);
  }
  return PoliciesType{std::move(page.items), std::move(page.next_token)};
}

Result<void> PolicyOperations::DeletePolicy(const Call&, const DeletePolicyType& request) {
  BRUME_TRY(record, find_policy(request.AutoScalingGroupName, *request.PolicyName));
  return erase_policy(*record, false);
}

Result<void> PolicyOperations::erase_policy(const PolicyRecord& record, bool with_its_group) {
  const ScalingPolicy policy = record.policy;
  for (const Alarm& alarm : policy.Alarms) {
    const auto deleted = delete_alarm(*alarm.AlarmName);
    if (deleted) continue;
    // CloudWatch will not let an alarm go that a composite alarm watches. A group does not stay for that.
    if (!with_its_group || deleted.error().status >= 500) return std::unexpected(deleted.error());
    log_warning("the alarm {} outlives its policy: {}", *alarm.AlarmName, deleted.error().message);
  }
  low_values_.erase(*policy.PolicyARN);
  policies_.erase(fmt::format("{}:{}", *policy.AutoScalingGroupName, *policy.PolicyName));
  return {};
}

Result<void> PolicyOperations::ExecutePolicy(const Call&, const ExecutePolicyType& request) {
  BRUME_TRY(found, find_policy(request.AutoScalingGroupName, *request.PolicyName));
  const ScalingPolicy policy = found->policy;
  const std::string& group = *policy.AutoScalingGroupName;
  const GroupRecord& record = *groups_.find(group);
  if (record.group.Status)
    return fail("ScalingActivityInProgress", "AutoScalingGroup '{}' is pending delete and cannot be changed", group);
  if (tracks(policy))
    return fail("ValidationError", "Policies of type TargetTrackingScaling cannot be executed: their alarms call them");
  if (!*policy.Enabled) return fail("ValidationError", "The policy {} is disabled", *policy.PolicyName);
  const bool stepped = policy.PolicyType == "StepScaling";
  if (stepped && (!request.MetricValue || !request.BreachThreshold))
    return fail("ValidationError", "MetricValue and BreachThreshold must be specified for a StepScaling policy");
  if (!stepped && (request.MetricValue || request.BreachThreshold))
    return fail("ValidationError", "MetricValue and BreachThreshold are not supported for a SimpleScaling policy");
  if (stepped && request.HonorCooldown)
    return fail("ValidationError", "HonorCooldown is not supported for a StepScaling policy");
  if (request.HonorCooldown.value_or(false))
    if (const auto busy = cooldowns_.why_waiting(group))
      return fail("ScalingActivityInProgress", "The policy has to wait: {}", *busy);

  const Capacity capacity = capacity_for(record, policy);
  Wish wish;
  if (stepped) {
    const StepAdjustment* step = step_for(policy.StepAdjustments, *request.MetricValue - *request.BreachThreshold);
    if (!step)
      return fail("ValidationError",
                  "No step adjustment of the policy is for a metric value of {} with a threshold of {}",
                  *request.MetricValue, *request.BreachThreshold);
    wish = step_scaling(capacity, adjustment_of(policy, *step->ScalingAdjustment));
  } else {
    wish = simple_scaling(capacity, adjustment_of(policy, *policy.ScalingAdjustment));
  }
  DecisionRecord decision;
  decision.by = "execution";
  decision.value = request.MetricValue;
  decision.threshold = request.BreachThreshold;
  BRUME_CHECK(follow(policy, wish, capacity, std::move(decision)));
  return {};
}

}  // namespace brume::autoscaling
