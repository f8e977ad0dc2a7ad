#include "services/autoscaling/refresh_controller.h"

#include <algorithm>

#include "base/json.h"
#include "base/log.h"
#include "services/autoscaling/refresh_preferences.h"
#include "services/autoscaling/refresh_state.h"
#include "services/autoscaling/template_versions.h"
#include "services/autoscaling/types_by_requirements.h"

namespace brume::autoscaling {
namespace {

using std::chrono::seconds;
using Kind = RefreshStep::Kind;
using Phase = RefreshView::Phase;

// User guide: a refresh that does not come further for an hour has failed.
constexpr seconds kPatience{3600};
// No hint says that an alarm changed.
constexpr seconds kAlarmPeriod{10};

// Coming further is what was never so far before, while the refresh is about as many.
bool came_further(const RefreshRecord& record, const RefreshProgress& progress) {
  return record.total == progress.total && (progress.updated > record.updated || progress.untouched < record.untouched);
}

}  // namespace

void RefreshController::resume() {
  const auto told = context_.store.transact([&]() -> Result<void> {
    for (const auto& [name, record] : groups_.rows())
      if (const ActiveRefresh active = active_refresh(state_, name); active && active.record->progressed)
        state_.refreshes.modify(active.key, [&](RefreshRecord& refresh) {
          refresh.progressed = std::max(*refresh.progressed, context_.env.clock.wall());
        });
    return {};
  });
  if (!told) log_warning("instance refreshes go on with the time they had left: {}", told.error().message);
}

RefreshView RefreshController::view(const GroupRecord& group, const RefreshRecord& refresh,
                                    const std::vector<MemberView>& members) const {
  const RefreshPreferences& preferences = *refresh.refresh.Preferences;
  const auto scaled = [&](const std::optional<std::int32_t>& time) {
    return context_.scaled(seconds(time.value_or(0)));
  };
  RefreshView view;
  view.phase = phase_of(refresh.refresh);
  view.desired = *group.group.DesiredCapacity;
  view.min_percent = *preferences.MinHealthyPercentage;
  view.max_percent = *preferences.MaxHealthyPercentage;
  view.checkpoints.assign(preferences.CheckpointPercentages.begin(), preferences.CheckpointPercentages.end());
  view.checkpoint = refresh.checkpoint;
  view.paused_at = refresh.paused_at;
  view.checkpoint_delay = scaled(preferences.CheckpointDelay);
  view.bake_time = scaled(preferences.BakeTime);
  view.warm_up = scaled(preferences.InstanceWarmup);
  view.patience = context_.scaled(kPatience);
  view.baking_since = refresh.baking_since;
  view.progressed = refresh.progressed.value_or(context_.env.clock.wall());
  view.if_protected = preferences.ScaleInProtectedInstances == "Refresh"  ? RefreshView::Protected::refresh
                      : preferences.ScaleInProtectedInstances == "Ignore" ? RefreshView::Protected::ignore
                                                                          : RefreshView::Protected::wait;
  view.if_standby = preferences.StandbyInstances == "Terminate" ? RefreshView::Standby::terminate
                    : preferences.StandbyInstances == "Ignore"  ? RefreshView::Standby::ignore
                                                                : RefreshView::Standby::wait;
  view.suspended =
      is_suspended(group, "InstanceRefresh") || is_suspended(group, "Launch") || is_suspended(group, "Terminate");
  view.auto_rollback = *preferences.AutoRollback;
  view.wait_for_transitions = refresh.wait_for_transitions;

  // What skip matching skips: what would be launched just so.
  const GroupRecord wanted = as_launched(state_, group);
  std::vector<LaunchOption> options = launch_options(wanted.group);
  for (const LaunchOption& option : options) view.largest_units = std::max(view.largest_units, option.units);
  if (*preferences.SkipMatching && !wanted.group.LaunchConfigurationName) {
    if (wanted.group.MixedInstancesPolicy)
      if (auto typed = with_types(context_, ec2_, options)) options = *std::move(typed);
    options = numbered(context_, ec2_, std::move(options));
  }
  for (const MemberView& m : members) {
    const MemberRecord& member = member_of(*group.group.AutoScalingGroupName, m.id);
    const bool standby = m.lifecycle == "Standby" || m.lifecycle == "EnteringStandby";
    const bool present = is_present(m);
    if (!present && !standby) {
      ++view.in_transition;
      continue;
    }
    if (m.lifecycle != "InService" && !standby) ++view.in_transition;
    RefreshMember& one = view.members.emplace_back();
    one.id = m.id;
    one.units = m.units;
    view.largest_units = std::max(view.largest_units, m.units);
    one.counts = present;
    one.standby = standby;
    one.is_protected = m.is_protected;
    one.marked = m.marked;
    one.ready = is_ready(m, view.warm_up);
    one.failing = is_failing(m);
    one.warming = !one.ready && is_ready(m, seconds(0));
    one.stale = view.phase == Phase::cancelling ? m.marked : is_stale(refresh, member);
    const bool matches = wanted.group.LaunchConfigurationName
                             ? member.instance.LaunchConfigurationName == wanted.group.LaunchConfigurationName
                             : is_launched_by(member.instance, options);
    one.skipped = one.stale && *preferences.SkipMatching && view.phase != Phase::cancelling &&
                  view.phase != Phase::rolling_back && matches;
  }
  return view;
}

void RefreshController::read_alarms(const RefreshRecord& refresh, RefreshView& view) {
  const auto& specification = refresh.refresh.Preferences->AlarmSpecification;
  if (!specification || specification->Alarms.empty()) return;
  cloudwatch::DescribeAlarmsInput request;
  request.AlarmNames.assign(specification->Alarms.begin(), specification->Alarms.end());
  request.AlarmTypes = {"MetricAlarm", "CompositeAlarm"};
  const auto described = cloudwatch_.DescribeAlarms(context_.call("autoscaling"), request);
  if (!described) {
    log_warning("instance refresh {}: its alarms cannot be read: {}", *refresh.refresh.InstanceRefreshId,
                described.error().message);
    view.alarms_unknown = true;
    return;
  }
  const auto look_at = [&](const auto& alarm) {
    if (alarm.StateValue == "ALARM") view.alarms.push_back(*alarm.AlarmName);
  };
  std::ranges::for_each(described->MetricAlarms, look_at);
  std::ranges::for_each(described->CompositeAlarms, look_at);
}

Result<env::Duration> RefreshController::step(const std::string& name, const std::vector<MemberView>& members) {
  const ActiveRefresh active = active_refresh(state_, name);
  const GroupRecord& group = *groups_.find(name);
  if (!active || group.force_delete) return env::Duration::max();
  const Timestamp now = context_.env.clock.wall();
  if (active.record->refresh.Status == "Pending") {
    const auto begun = context_.store.transact([&]() -> Result<void> {
      state_.refreshes.modify(active.key, [&](RefreshRecord& record) {
        record.refresh.Status = "InProgress";
        record.refresh.StartTime = record.progressed = now;
      });
      return {};
    });
    if (!begun) return std::unexpected(begun.error());
    return env::Duration::zero();
  }
  RefreshView seen = view(group, *active.record, members);
  read_alarms(*active.record, seen);
  const RefreshProgress progress = refresh_progress(seen);
  if (came_further(*active.record, progress) || (active.record->suspended && !seen.suspended))
    seen.progressed = std::max(seen.progressed, now);
  const RefreshStep next_step = decide_refresh(seen, now);
  BRUME_CHECK(context_.store.transact([&] { return carry_out(name, active.key, next_step, progress); }));
  if (next_step.kind != Kind::wait && next_step.kind != Kind::pause) return env::Duration::zero();
  env::Duration next = env::Duration::max();
  if (next_step.until) next = *next_step.until - now;
  for (const MemberView& m : members)
    if (m.in_service_for && *m.in_service_for < seen.warm_up)
      next = std::min<env::Duration>(next, seen.warm_up - *m.in_service_for);
  if (active.record->refresh.Preferences->AlarmSpecification)
    next = std::min<env::Duration>(next, context_.scaled(kAlarmPeriod));
  return std::max<env::Duration>(next, std::chrono::milliseconds(1));
}

Result<void> RefreshController::roll_back(const std::string& group) {
  const ActiveRefresh active = active_refresh(state_, group);
  const InstanceRefresh& refresh = active.record->refresh;
  const RefreshStep step{
      .kind = Kind::roll_back, .replacements = {}, .reason = "Rollback was initiated by user request.", .until = {}};
  return carry_out(
      group, active.key, step,
      {.percent = refresh.PercentageComplete.value_or(0), .remaining = refresh.InstancesToUpdate.value_or(0)});
}

Result<void> RefreshController::carry_out(const std::string& name, const std::string& key, const RefreshStep& step,
                                          const RefreshProgress& progress) {
  const Timestamp now = context_.env.clock.wall();
  RefreshRecord record = *state_.refreshes.find(key);
  const RefreshRecord before = record;
  InstanceRefresh& refresh = record.refresh;
  const bool rolling_back = refresh.Status == "RollbackInProgress";
  refresh.PercentageComplete = progress.percent;
  // In a rollback it stays what it was: how many need none.
  if (!rolling_back) refresh.InstancesToUpdate = progress.remaining;
  if (!step.reason.empty()) refresh.StatusReason = step.reason;

  if (record.total != progress.total) {
    record.total = progress.total;
    record.updated = progress.updated;
    record.untouched = progress.untouched;
  } else if (came_further(record, progress)) {
    record.updated = std::max(record.updated, progress.updated);
    record.untouched = std::min(record.untouched, progress.untouched);
    record.progressed = now;
  }
  if (record.suspended && step.kind != Kind::pause) record.progressed = now;
  record.suspended = step.kind == Kind::pause;

  const auto end = [&](const char* status) {
    refresh.Status = status;
    refresh.EndTime = now;
    transitions_.unmark(name);
  };
  switch (step.kind) {
    case Kind::wait:
    case Kind::pause:
      break;
    case Kind::replace:
      BRUME_CHECK(transitions_.replace(name, step.replacements, "refresh"));
      break;
    case Kind::checkpoint:
      record.checkpoint = step.percent;
      record.paused_at = now;
      // The patience begins when the rest is over.
      record.progressed = now + context_.scaled(seconds(refresh.Preferences->CheckpointDelay.value_or(0)));
      refresh.StatusReason = fmt::format("Checkpoint of {} percent reached.", step.percent);
      break;
    case Kind::bake:
      record.checkpoint = std::max(record.checkpoint, step.percent);
      record.baking_since = now;
      refresh.Status = "Baking";
      refresh.StatusReason = "Waiting for the bake time to end.";
      break;
    case Kind::succeed:
      end(rolling_back ? "RollbackSuccessful" : "Successful");
      refresh.StatusReason.reset();
      if (!rolling_back && refresh.DesiredConfiguration) {
        groups_.modify(name, [&](GroupRecord& group) {
          group.group.LaunchTemplate = refresh.DesiredConfiguration->LaunchTemplate;
          group.group.MixedInstancesPolicy = refresh.DesiredConfiguration->MixedInstancesPolicy;
          group.group.LaunchConfigurationName.reset();
        });
        BRUME_CHECK(reweigh(groups_.find(name)->group));
      }
      break;
    case Kind::fail:
      end(rolling_back ? "RollbackFailed" : "Failed");
      break;
    case Kind::roll_back: {
      refresh.Status = "RollbackInProgress";
      RollbackDetails& details = refresh.RollbackDetails.emplace();
      details.RollbackReason = step.reason;
      details.RollbackStartTime = now;
      details.PercentageCompleteOnRollback = progress.percent;
      details.InstancesToUpdateOnRollback = progress.remaining;
      record.progressed = now;
      record.total = record.updated = record.untouched = 0;
      transitions_.unmark(name);
      break;
    }
    case Kind::cancel:
      end("Cancelled");
      if (!record.wait_for_transitions)
        refresh.StatusReason =
            "Cancelled without waiting for instance launches and terminations that are under way, due to user request.";
      break;
  }
  if (to_json(record) != to_json(before)) {
    const bool told = refresh.Status != before.refresh.Status;
    state_.refreshes.put(key, std::move(record));
    if (told) announce(name);
  }
  return {};
}

}  // namespace brume::autoscaling
