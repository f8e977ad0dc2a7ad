#include "services/autoscaling/warm_pool_controller.h"

#include <algorithm>

#include "services/autoscaling/hooks.h"
#include "services/autoscaling/refresh_state.h"
#include "services/autoscaling/texts.h"
#include "services/common/instance_states.h"

namespace brume::autoscaling {
namespace {

using Kind = PoolStep::Kind;

bool is_pending_delete(const GroupRecord& record) {
  const auto& pool = record.group.WarmPoolConfiguration;
  return record.force_delete || !pool || pool->Status.has_value();
}

int wanted_size(const AutoScalingGroup& group) {
  const WarmPoolConfiguration& pool = *group.WarmPoolConfiguration;
  return pool_size(*group.DesiredCapacity, *group.MaxSize, pool.MaxGroupPreparedCapacity, *pool.MinSize);
}

}  // namespace

Result<std::vector<PoolMember>> WarmPoolController::observe(const GroupRecord& record) {
  const std::string& name = *record.group.AutoScalingGroupName;
  const auto members = pool_of(name);
  std::vector<PoolMember> views;
  if (members.empty()) return views;
  std::vector<std::string> ids;
  for (const MemberRecord* member : members) ids.push_back(*member->instance.InstanceId);
  BRUME_TRY(states, services::instance_states(ec2_, context_.call("autoscaling"), ids));
  // A refresh makes the pool new, a rollback makes that undone; one that is being cancelled does neither.
  const ActiveRefresh active = active_refresh(state_, name);
  const bool replaces = active && active.record->refresh.Status != "Cancelling";
  const auto& zones = record.group.AvailabilityZones;
  const Timestamp now = context_.env.clock.wall();
  for (const MemberRecord* member : members) {
    PoolMember& view = views.emplace_back();
    view.id = *member->instance.InstanceId;
    view.zone = *member->instance.AvailabilityZone;
    view.lifecycle = *member->instance.LifecycleState;
    const auto state = states.find(view.id);
    view.instance_state = state == states.end() ? "terminated" : state->second;
    view.hooks = outcome(member->actions, now);
    view.unfit = *member->instance.HealthStatus == "Unhealthy" || (replaces && is_stale(*active.record, *member)) ||
                 std::ranges::find(zones, view.zone) == zones.end();
    view.terminating_sent = member->terminating_sent;
  }
  return views;
}

bool WarmPoolController::may_return(const GroupRecord& record) const {
  const std::string& name = *record.group.AutoScalingGroupName;
  const auto& pool = record.group.WarmPoolConfiguration;
  if (is_pending_delete(record) || !pool->InstanceReusePolicy || active_refresh(state_, name)) return false;
  const auto stays = [](const MemberRecord* m) { return !m->instance.LifecycleState->starts_with("Warmed:Termin"); };
  const auto returns = [](const MemberRecord* m) { return m->returning; };
  const auto held = std::ranges::count_if(pool_of(name), stays) + std::ranges::count_if(members_of(name), returns);
  return pool->InstanceReusePolicy->ReuseOnScaleIn.value_or(false) && held < wanted_size(record.group);
}

Result<bool> WarmPoolController::take(const GroupRecord& record, const std::string& zone, const std::string& cause) {
  if (is_pending_delete(record)) return false;
  const std::string& name = *record.group.AutoScalingGroupName;
  BRUME_TRY(pool, observe(record));
  const auto counted = std::ranges::count_if(members_of(name), [](const MemberRecord* m) {
    const std::string& lifecycle = *m->instance.LifecycleState;
    return (is_pending(lifecycle) || lifecycle == "InService") && m->replacing.empty();
  });
  // What is launched for the balance of zones alone has to be in that zone.
  const PoolMember* warm = choose_warm(pool, zone, counted < *record.group.DesiredCapacity);
  if (!warm) return false;
  if (warm->lifecycle == "Warmed:Stopped") {
    ec2::StartInstancesRequest start;
    start.InstanceIds = {warm->id};
    BRUME_CHECK(ec2_.StartInstances(context_.call("autoscaling"), start));
  }
  MemberRecord member = member_of(name, warm->id);
  member.actions = begin_actions(state_, name, kLaunching);
  member.instance.LifecycleState = member.actions.empty() ? "Pending" : "Pending:Wait";
  member.instance.ProtectedFromScaleIn = record.group.NewInstancesProtectedFromScaleIn;
  member.activity =
      begin_activity(name, from_pool_description(warm->id), cause,
                     member.actions.empty() ? "PreInService" : "MidLifecycleAction", 30, warm->zone, member.subnet);
  put_member(member);
  announce(name);
  return true;
}

Result<bool> WarmPoolController::tend(const GroupRecord& record, const GroupView& group,
                                      const std::vector<MemberView>& members) {
  const std::string name = *record.group.AutoScalingGroupName;
  if (!record.group.WarmPoolConfiguration && pool_of(name).empty()) return false;
  PoolView pool;
  pool.goes = is_pending_delete(record);
  pool.waits = !record.force_delete && !record.pool_forced;
  if (!pool.goes) {
    pool.size = wanted_size(record.group);
    pool.stops = record.group.WarmPoolConfiguration->PoolState == "Stopped";
  }
  pool.missing = std::max(0, group.desired - int(std::ranges::count_if(members, counts)));
  pool.returning = int(std::ranges::count_if(members_of(name), [](const MemberRecord* m) { return m->returning; }));
  pool.zones = group.zones;
  pool.failing_zones = group.failing_zones;
  pool.may_launch = group.may_launch;
  pool.suspended = group.suspended;
  BRUME_TRY(views, observe(record));
  const std::vector<PoolStep> steps = decide_pool(pool, views);
  for (const PoolStep& step : steps) {
    if (step.kind != Kind::launch) {
      BRUME_CHECK(context_.store.transact([&] { return carry_out(name, step); }));
    } else if (const auto launched = context_.store.transact(
                   [&] { return launches_.launch_instance(record, step.zone, Launches::Into::pool); });
               !launched) {
      launches_.launch_failed(name, step.zone, launched.error());
    }
  }
  if (!steps.empty()) return true;
  if (!pool.goes || record.force_delete || !views.empty()) return false;
  BRUME_CHECK(context_.store.transact([&]() -> Result<void> {
    groups_.modify(name, [](GroupRecord& changed) {
      changed.group.WarmPoolConfiguration.reset();
      changed.pool_forced = false;
    });
    return {};
  }));
  return true;
}

Result<void> WarmPoolController::carry_out(const std::string& name, const PoolStep& step) {
  const GroupRecord& record = *groups_.find(name);
  const Timestamp now = context_.env.clock.wall();
  MemberRecord member = member_of(name, step.instance);
  const bool entering = member.instance.LifecycleState->starts_with("Warmed:Pending");
  announce(name);
  switch (step.kind) {
    case Kind::lost:
      if (entering) {
        end_activity(member.activity, false,
                     launch_failure_message("The instance ended before it was in the warm pool."));
        launches_.back_off(name);
      } else {
        end_activity(
            begin_activity(name, pool_termination_description(step.instance), at(now, unhealthy_sentence(kEc2Failure)),
                           "InProgress", 50, step.zone, member.subnet),
            true);
      }
      erase_member(name, step.instance);
      return {};
    case Kind::proceed:
      transitions_.proceed(std::move(member));
      return {};
    case Kind::abandon:
      end_activity(member.activity, false, "The lifecycle action of a launch hook was abandoned.");
      launches_.back_off(name);
      transitions_.take_out_of_pool(std::move(member), at(now, abandoned_sentence(step.instance)));
      return {};
    case Kind::stop: {
      ec2::StopInstancesRequest stop;
      stop.InstanceIds = {step.instance};
      BRUME_CHECK(ec2_.StopInstances(context_.call("autoscaling"), stop));
      return {};
    }
    case Kind::rest_stopped:
    case Kind::rest_running:
      transitions_.settle(std::move(member), step.kind == Kind::rest_stopped ? "Warmed:Stopped" : "Warmed:Running");
      launches_.succeeded(name);
      return {};
    case Kind::take_out:
      transitions_.take_out_of_pool(std::move(member), at(now, pool_shrink_sentence(step.instance)));
      return {};
    case Kind::terminate:
      if (!record.force_delete && !record.pool_forced && transitions_.wait_for_hooks(member)) return {};
      return transitions_.send_termination(std::move(member));
    case Kind::forget:
      transitions_.forget(member);
      return {};
    case Kind::launch:
      return launches_.launch_instance(record, step.zone, Launches::Into::pool);
  }
  return {};
}

}  // namespace brume::autoscaling
