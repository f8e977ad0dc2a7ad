#include "services/autoscaling/controller.h"

#include <algorithm>

#include "base/log.h"
#include "services/autoscaling/mixed_instances.h"
#include "services/autoscaling/refresh_preferences.h"
#include "services/autoscaling/refresh_state.h"
#include "services/autoscaling/targets.h"
#include "services/autoscaling/texts.h"
#include "services/common/capacity_units.h"
#include "services/common/instance_states.h"

namespace brume::autoscaling {
namespace {

using std::chrono::seconds;

// A group is looked at this often although nothing seems to have happened. All that happens to a group wakes it, and
// what comes by the clock has a timer; this mends what nobody thought of.
constexpr seconds kResyncPeriod{600};
constexpr seconds kBackOff{1};
constexpr int kMaxRoundsAtOnce = 64;

}  // namespace

GroupController::GroupController(GroupState& state, ec2::Api& ec2, elbv2::Api& elbv2, Launches& launches,
                                 Transitions& transitions, WarmPoolController& warm_pools, RefreshController& refreshes,
                                 Cooldowns& cooldowns)
    : GroupPart(state),
      ec2_(ec2),
      elbv2_(elbv2),
      launches_(launches),
      transitions_(transitions),
      warm_pools_(warm_pools),
      refreshes_(refreshes),
      cooldowns_(cooldowns) {
  state.wake = [this](const std::string& group) { wake(group); };
}

void GroupController::start() {
  started_ = true;
  context_.hints.subscribe([this](std::string_view resource) {
    if (const auto group = state_.group_of.find(std::string(resource)); group != state_.group_of.end())
      wake(group->second);
    else if (const auto users = state_.users_of.find(std::string(resource)); users != state_.users_of.end())
      for (const std::string& name : users->second) wake(name);
  });
  refreshes_.resume();
  for (const auto& [name, record] : groups_.rows()) wake(name);
  resync();
}

void GroupController::resync() {
  // One group at a time, so that the cost of a thousand is spread over the period.
  const auto pause =
      std::chrono::duration_cast<env::Duration>(kResyncPeriod) / std::int64_t(std::max<std::size_t>(groups_.size(), 1));
  context_.env.loop.after(pause, [this] {
    auto next = groups_.rows().upper_bound(resynced_);
    if (next == groups_.rows().end()) next = groups_.rows().begin();
    if (next != groups_.rows().end()) {
      resynced_ = next->first;
      wake(resynced_);
    }
    resync();
  });
}

void GroupController::wake(const std::string& group) {
  Watch& watch = watches_[group];
  if (watch.queued || !started_) return;
  watch.queued = true;
  context_.env.loop.post([this, group] {
    watches_[group].queued = false;
    look(group);
  });
}

GroupView GroupController::view(const GroupRecord& record) const {
  GroupView view;
  view.desired = *record.group.DesiredCapacity;
  view.zones.assign(record.group.AvailabilityZones.begin(), record.group.AvailabilityZones.end());
  view.elb_checks = record.group.HealthCheckType->find("ELB") != std::string::npos;
  view.deleting = record.force_delete;
  if (record.group.MixedInstancesPolicy || !launching_refresh(state_, *record.group.AutoScalingGroupName).empty()) {
    const AutoScalingGroup launched = as_launched(state_, record).group;
    for (const std::string& zone : view.zones) view.launch_units[zone] = launches_.next_option(launched, zone).units;
    for (const LaunchOption& option : launch_options(launched))
      view.largest_units = std::max(view.largest_units, option.units);
  }
  view.has_policy = maintenance_policy(record.group).has_value() && !record.force_delete;
  for (const SuspendedProcess& process : record.group.SuspendedProcesses) view.suspended.insert(*process.ProcessName);
  view.may_launch = launches_.may_launch(*record.group.AutoScalingGroupName);
  view.failing_zones = launches_.failing_zones(*record.group.AutoScalingGroupName);
  return view;
}

Result<std::vector<MemberView>> GroupController::observe(const GroupRecord& record) {
  const std::string& name = *record.group.AutoScalingGroupName;
  const auto members = members_of(name);
  std::vector<MemberView> views;
  if (members.empty()) return views;
  const aws::Call call = context_.call("autoscaling");

  std::vector<std::string> ids;
  for (const MemberRecord* member : members) ids.push_back(*member->instance.InstanceId);
  BRUME_TRY(states, services::instance_states(ec2_, call, ids));

  std::set<std::string> registered, unhealthy, awaited;
  for (const std::string& arn : record.group.TargetGroupARNs) {
    elbv2::DescribeTargetHealthInput request;
    request.TargetGroupArn = arn;
    const auto health = elbv2_.DescribeTargetHealth(call, request);
    if (!health && health.error().code == "TargetGroupNotFound") continue;
    if (!health) return std::unexpected(health.error());
    for (const elbv2::TargetHealthDescription& d : health->TargetHealthDescriptions) {
      registered.insert(*d.Target->Id);
      if (*d.TargetHealth->State == "unhealthy") unhealthy.insert(*d.Target->Id);
      if (*d.TargetHealth->State == "initial") awaited.insert(*d.Target->Id);
    }
  }

  const Timestamp now = context_.env.clock.wall();
  const seconds grace(*record.group.HealthCheckGracePeriod);
  for (const MemberRecord* member : members) {
    const Instance& instance = member->instance;
    MemberView& view = views.emplace_back();
    view.id = *instance.InstanceId;
    view.zone = *instance.AvailabilityZone;
    view.units = services::units_of(instance);
    view.lifecycle = *instance.LifecycleState;
    const auto state = states.find(view.id);
    view.instance_state = state == states.end() ? "terminated" : state->second;
    view.marked_unhealthy = *instance.HealthStatus == "Unhealthy";
    view.elb_unhealthy = unhealthy.contains(view.id);
    view.in_grace = member->in_service_since && now - *member->in_service_since < grace;
    view.registered = registered.contains(view.id);
    view.is_protected = instance.ProtectedFromScaleIn.value_or(false);
    view.terminating_sent = member->terminating_sent;
    view.hooks = outcome(member->actions, now);
    view.awaited = awaited.contains(view.id);
    // Nothing takes the place of one whose group is being deleted.
    view.marked = !member->replacing.empty() && !record.force_delete;
    if (member->in_service_since) view.in_service_for = now - *member->in_service_since;
  }
  return views;
}

void GroupController::look(const std::string& name) {
  Watch& watch = watches_[name];
  context_.env.loop.cancel(std::exchange(watch.timer, 0));
  env::Duration next = env::Duration::max();
  const auto look_in = [&](env::Duration delay) { next = std::min(next, delay); };
  for (int round = 0;; ++round) {
    const GroupRecord* record = groups_.find(name);
    if (!record) {
      watches_.erase(name);
      launches_.forget(name);
      return;
    }
    ++rounds_;
    const auto members = observe(*record);
    if (!members) {
      log_warning("group {} cannot be looked at: {}", name, members.error().message);
      look_in(kBackOff);
      break;
    }
    const std::vector<Step> steps = decide(view(*record), *members);
    bool done = steps.empty();
    for (const Step& step : steps) {
      const auto carried = context_.store.transact([&]() -> Result<void> {
        if (step.kind == Step::Kind::launch) return launch(*record, step.zone);
        if (step.kind == Step::Kind::scale_in) return scale_in(*record, *members);
        return carry_out(name, step);
      });
      if (carried) continue;
      if (step.kind == Step::Kind::launch) {
        launches_.launch_failed(name, step.zone, carried.error());
      } else {
        log_warning("group {}: {}", name, carried.error().message);
        look_in(kBackOff);
        done = true;
      }
    }
    const bool waits = std::ranges::all_of(steps, [](const Step& s) { return s.kind == Step::Kind::report_protected; });
    if (done || waits) {
      cooldowns_.begin(name);
      // The capacity is as desired: what was said of it is told.
      if (!record->cause.empty() && steps.empty() && is_fulfilled(*record->group.DesiredCapacity, *members))
        (void)context_.store.transact([&]() -> Result<void> {
          groups_.modify(name, [](GroupRecord& r) { r.cause.clear(); });
          return {};
        });
      // Nothing more urgent is to be done: replace what could stay a while longer.
      if (steps.empty() || waits) {
        const auto warmed = warm_pools_.tend(*record, view(*record), *members);
        if (!warmed) {
          log_warning("group {}: its warm pool: {}", name, warmed.error().message);
          look_in(kBackOff);
        } else if (*warmed && round < kMaxRoundsAtOnce) {
          continue;
        }
        const auto replaced = maintain(name, *members);
        const auto refreshed =
            replaced && *replaced > env::Duration::zero() ? refreshes_.step(name, *members) : replaced;
        if (!refreshed) {
          log_warning("group {}: {}", name, refreshed.error().message);
          look_in(kBackOff);
        } else if (*refreshed == env::Duration::zero() && round < kMaxRoundsAtOnce) {
          continue;
        } else {
          look_in(std::min(*replaced, *refreshed));
        }
      }
      // Grace periods and back-offs end by the clock alone.
      const Timestamp now = context_.env.clock.wall();
      for (const MemberRecord* member : every_member_of(name)) {
        if (const auto timeout = next_timeout(member->actions)) look_in(std::max(*timeout, now) - now);
        if (!member->in_service_since) continue;
        const auto end = *member->in_service_since + seconds(*record->group.HealthCheckGracePeriod);
        if (end > now) look_in(end - now);
      }
      if (const env::Duration pause = launches_.pause_left(name); pause > env::Duration::zero()) look_in(pause);
      // A group that is being deleted goes when the last instance has gone.
      if (record->force_delete && every_member_of(name).empty()) {
        const auto gone = context_.store.transact([&] { return erase_group(name); });
        if (gone) continue;
        log_warning("group {} cannot be deleted: {}", name, gone.error().message);
        look_in(kBackOff);
      }
      break;
    }
    if (round == kMaxRoundsAtOnce) {  // let others have their turn
      look_in(env::Duration::zero());
      break;
    }
  }
  if (next != env::Duration::max())
    watches_[name].timer = context_.env.loop.after(next, [this, name] {
      watches_[name].timer = 0;
      look(name);
    });
}

Result<void> GroupController::launch(const GroupRecord& record, const std::string& zone) {
  // A group with a warm pool has no weights.
  BRUME_TRY(taken, warm_pools_.take(record, zone, launches_.launch_cause(record, 1)));
  if (taken) return {};
  return launches_.launch_instance(record, zone, Launches::Into::group);
}

Result<void> GroupController::carry_out(const std::string& name, const Step& step) {
  using Kind = Step::Kind;
  const GroupRecord& record = *groups_.find(name);
  const Timestamp now = context_.env.clock.wall();
  if (step.kind == Kind::report_protected) {
    Watch& watch = watches_[name];
    if (std::exchange(watch.said_protected, true)) return {};
    const std::string message =
        "Could not scale to desired capacity because all remaining instances are protected from scale-in.";
    std::string key = begin_activity(name, message, record.cause, "InProgress", 0, "", "");
    update_activity(key, [&](Activity& a) {
      a.StatusCode = "Cancelled";
      a.StatusMessage = message;
      a.EndTime = now;
      a.Progress = 100;
    });
    return {};
  }
  MemberRecord member = member_of(name, step.instance);
  announce(name);
  switch (step.kind) {
    case Kind::put_in_service:
      if (!is_suspended(record, "AddToLoadBalancer"))
        BRUME_CHECK(register_targets(context_, elbv2_, record.group.TargetGroupARNs, step.instance));
      member.in_service_since = now;
      transitions_.settle(std::move(member), "InService");
      launches_.succeeded(name);
      watches_[name].said_protected = false;
      return {};
    case Kind::proceed:
      transitions_.proceed(std::move(member));
      return {};
    case Kind::abandon: {
      const bool stopped = step.why == Step::Why::ec2;
      end_activity(member.activity, false,
                   stopped ? launch_failure_message("The instance stopped before it was in service.")
                           : "The lifecycle action of a launch hook was abandoned.");
      launches_.back_off(name);
      return transitions_.take_out(
          name, step.instance, "Terminating", termination_description(step.instance),
          at(now, stopped ? unhealthy_sentence(kEc2Failure) : abandoned_sentence(step.instance)));
    }
    case Kind::give_up_launch: {
      ec2::DescribeInstancesRequest request;
      request.Filters = {{"instance-id", {step.instance}}};
      BRUME_TRY(described, ec2_.DescribeInstances(context_.call("autoscaling"), request));
      std::string reason = "The instance ended before it was in service.", code;
      if (!described.Reservations.empty() && described.Reservations.front().Instances.front().StateReason) {
        const ec2::StateReason& why = *described.Reservations.front().Instances.front().StateReason;
        reason = why.Message.value_or(reason);
        code = why.Code.value_or("");
      }
      end_activity(member.activity, false, launch_failure_message(reason));
      erase_member(name, step.instance);
      (void)launches_.try_another(name, {step.zone, *member.instance.InstanceType, member.spot}, code);
      return {};
    }
    case Kind::replace: {
      if (step.why == Step::Why::none)  // the group is being deleted
        return transitions_.take_out(name, step.instance, "Terminating", termination_description(step.instance),
                                     record.cause);
      const std::string_view why = step.why == Step::Why::elb    ? kElbFailure
                                   : step.why == Step::Why::user ? kUserFailure
                                                                 : kEc2Failure;
      member.instance.HealthStatus = "Unhealthy";
      put_member(member);
      return transitions_.take_out(name, step.instance, "Terminating", termination_description(step.instance),
                                   at(now, unhealthy_sentence(why)));
    }
    case Kind::terminate:
      if (!record.force_delete && transitions_.wait_for_hooks(member)) return {};
      if (member.returning && !record.force_delete && record.group.WarmPoolConfiguration &&
          !record.group.WarmPoolConfiguration->Status) {
        member.returning = false;
        member.instance.LifecycleState = "Warmed:Pending";
        member.in_service_since.reset();
        put_member(member);
        return {};
      }
      return transitions_.send_termination(std::move(member));
    case Kind::rest:
      transitions_.settle(std::move(member), "Standby");
      return {};
    case Kind::forget:
    case Kind::release:
      transitions_.forget(member);
      return {};
    default:
      return {};
  }
}

}  // namespace brume::autoscaling
