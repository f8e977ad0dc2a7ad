// The controller of instance refreshes: sees the group as refresh_decision.h wants it, and carries one step out in one
// transaction. All it knows is in the refresh's row and in the members': which were launched by it, which are marked.
#include <algorithm>

#include "base/json.h"
#include "base/log.h"
#include "services/autoscaling/refresh_preferences.h"
#include "services/autoscaling/service.h"
#include "services/autoscaling/texts.h"

namespace brume::autoscaling {
namespace {

using std::chrono::seconds;
using Kind = RefreshStep::Kind;
using Phase = RefreshView::Phase;

// User guide: a refresh that does not come further for an hour has failed.
constexpr seconds kPatience{3600};
// No hint says that an alarm changed.
constexpr seconds kAlarmPeriod{10};

Phase phase_of(const InstanceRefresh& refresh) {
  if (refresh.Status == "Baking") return Phase::baking;
  if (refresh.Status == "Cancelling") return Phase::cancelling;
  if (refresh.Status == "RollbackInProgress") return Phase::rolling_back;
  return Phase::replacing;
}

// Coming further is what was never so far before, while the refresh is about as many.
bool came_further(const RefreshRecord& record, const RefreshProgress& progress) {
  return record.total == progress.total && (progress.updated > record.updated || progress.untouched < record.untouched);
}

}  // namespace

std::string Service::launching_refresh(const std::string& group) const {
  const ActiveRefresh active = active_refresh(group);
  if (!active) return "";
  const Phase phase = phase_of(active.record->refresh);
  if (phase != Phase::replacing && phase != Phase::baking) return "";
  return *active.record->refresh.InstanceRefreshId;
}

GroupRecord Service::as_launched(const GroupRecord& group) const {
  GroupRecord record = group;
  const std::string& name = *group.group.AutoScalingGroupName;
  if (launching_refresh(name).empty()) return record;
  const RefreshRecord& refresh = *active_refresh(name).record;
  if (refresh.launch_template || refresh.mixed) {
    record.group.LaunchTemplate = refresh.launch_template;
    record.group.MixedInstancesPolicy = refresh.mixed;
    record.group.LaunchConfigurationName.reset();
  }
  return record;
}

bool Service::is_stale(const RefreshRecord& refresh, const MemberRecord& member) const {
  const bool launched_by_it = member.refresh == refresh.refresh.InstanceRefreshId;
  return phase_of(refresh.refresh) == Phase::rolling_back ? launched_by_it : !launched_by_it;
}

RefreshView Service::refresh_view(const GroupRecord& group, const RefreshRecord& refresh,
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
  const GroupRecord wanted = as_launched(group);
  std::vector<LaunchOption> options = launch_options(wanted.group);
  for (const LaunchOption& option : options) view.largest_units = std::max(view.largest_units, option.units);
  if (*preferences.SkipMatching && !wanted.group.LaunchConfigurationName) options = numbered(std::move(options));
  for (const MemberView& m : members) {
    const MemberRecord& member = *members_.find(member_key(*group.group.AutoScalingGroupName, m.id));
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

void Service::read_alarms(const RefreshRecord& refresh, RefreshView& view) {
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

Result<env::Duration> Service::refresh(const std::string& name, const std::vector<MemberView>& members) {
  const ActiveRefresh active = active_refresh(name);
  const GroupRecord& group = *groups_.find(name);
  if (!active || group.force_delete) return env::Duration::max();
  const Timestamp now = context_.env.clock.wall();
  if (active.record->refresh.Status == "Pending") {
    const auto begun = context_.store.transact([&]() -> Result<void> {
      refreshes_.modify(active.key, [&](RefreshRecord& record) {
        record.refresh.Status = "InProgress";
        record.refresh.StartTime = record.progressed = now;
      });
      return {};
    });
    if (!begun) return std::unexpected(begun.error());
    return env::Duration::zero();
  }
  RefreshView view = refresh_view(group, *active.record, members);
  read_alarms(*active.record, view);
  const RefreshProgress progress = refresh_progress(view);
  if (came_further(*active.record, progress) || (active.record->suspended && !view.suspended))
    view.progressed = std::max(view.progressed, now);
  const RefreshStep step = decide_refresh(view, now);
  BRUME_CHECK(context_.store.transact([&] { return carry_out(name, active.key, step, progress); }));
  if (step.kind != Kind::wait && step.kind != Kind::pause) return env::Duration::zero();
  env::Duration next = env::Duration::max();
  if (step.until) next = *step.until - now;
  for (const MemberView& m : members)
    if (m.in_service_for && *m.in_service_for < view.warm_up)
      next = std::min<env::Duration>(next, view.warm_up - *m.in_service_for);
  if (active.record->refresh.Preferences->AlarmSpecification)
    next = std::min<env::Duration>(next, context_.scaled(kAlarmPeriod));
  return std::max<env::Duration>(next, std::chrono::milliseconds(1));
}

Result<void> Service::carry_out(const std::string& name, const std::string& key, const RefreshStep& step,
                                const RefreshProgress& progress) {
  const Timestamp now = context_.env.clock.wall();
  RefreshRecord record = *refreshes_.find(key);
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
    unmark(name);
  };
  switch (step.kind) {
    case Kind::wait:
    case Kind::pause:
      break;
    case Kind::replace:
      BRUME_CHECK(carry_out(name, step.replacements, "refresh"));
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
      unmark(name);
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
    refreshes_.put(key, std::move(record));
    if (told) context_.store.after_commit([this, name] { context_.hints.publish("asg:" + name); });
  }
  return {};
}

}  // namespace brume::autoscaling
