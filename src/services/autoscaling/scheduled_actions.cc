#include "services/autoscaling/scheduled_actions.h"

#include <algorithm>
#include <cmath>

#include "base/log.h"
#include "services/autoscaling/schedule/cron.h"
#include "services/autoscaling/texts.h"
#include "services/common/ids.h"
#include "services/common/page.h"

namespace brume::autoscaling {
namespace {

using std::chrono::seconds;

constexpr std::size_t kMaxActions = 125;  // quota "Scheduled actions per Auto Scaling group"
constexpr std::size_t kMaxBatch = 50;
// A wall clock may be set: looked at this often, however far away the next action is.
constexpr seconds kLongestSleep{60};

Result<void> check_sizes_wanted(const ScheduledUpdateGroupAction& action) {
  const auto &min = action.MinSize, &max = action.MaxSize, &desired = action.DesiredCapacity;
  if (!min && !max && !desired)
    return fail("ValidationError", "At least one of max size, min size, or desired capacity must be specified");
  if (min.value_or(0) < 0) return fail("ValidationError", "Min size must be non-negative");
  if (max.value_or(0) < 0) return fail("ValidationError", "Max size must be non-negative");
  if (desired.value_or(0) < 0) return fail("ValidationError", "Desired capacity must be non-negative");
  if (min && max && *min > *max) return fail("ValidationError", "Min size must be less than or equal to max size");
  if (desired && max && *desired > *max)
    return fail("ValidationError", "Desired capacity must be less than or equal to max size");
  if (desired && min && *desired < *min)
    return fail("ValidationError", "Desired capacity must be greater than or equal to min size");
  return {};
}

// The zone of a stored action, or UTC.
Result<Zone> zone_of(const ScheduledUpdateGroupAction& action) {
  return action.TimeZone ? Zone::find(*action.TimeZone) : Zone();
}

// The last time that it was due, at or before `now`; its StartTime is.
Result<Timestamp> last_due(const ScheduledUpdateGroupAction& action, Timestamp now) {
  if (!action.Recurrence) return *action.StartTime;
  BRUME_TRY(cron, Cron::parse(*action.Recurrence));
  BRUME_TRY(zone, zone_of(action));
  return std::max(*action.StartTime, cron.last(zone, now));
}

ScheduledUpdateGroupActionRequest one_of_batch(const PutScheduledUpdateGroupActionType& request) {
  ScheduledUpdateGroupActionRequest one;
  one.ScheduledActionName = request.ScheduledActionName;
  one.StartTime = request.StartTime ? request.StartTime : request.Time;
  one.EndTime = request.EndTime;
  one.Recurrence = request.Recurrence;
  one.MinSize = request.MinSize;
  one.MaxSize = request.MaxSize;
  one.DesiredCapacity = request.DesiredCapacity;
  one.TimeZone = request.TimeZone;
  return one;
}

}  // namespace

ScheduledActionOperations::ScheduledActionOperations(GroupState& state, DecisionLog& decisions)
    : GroupPart(state), decisions_(decisions), scheduled_(context_.store, "autoscaling.scheduled", context_.region) {
  state.on_erase.emplace_back([this](const std::string& group) -> Result<void> {
    erase_under(scheduled_, group + ":");
    return {};
  });
}

Result<void> ScheduledActionOperations::check_times(const std::string& key, ScheduledUpdateGroupAction& action,
                                                    const ScheduledUpdateGroupActionRequest& request) {
  const Timestamp now = context_.env.clock.wall(), this_second = std::chrono::floor<seconds>(now);
  if (action.TimeZone) BRUME_CHECK(Zone::find(*action.TimeZone));
  if (request.StartTime && *request.StartTime < this_second)
    return fail("ValidationError", "Given start time is in the past");
  if (request.EndTime && *request.EndTime < this_second)
    return fail("ValidationError", "Given end time is in the past");
  if (action.Recurrence) {
    BRUME_TRY(cron, Cron::parse(*action.Recurrence));
    // A new recurrence counts at once: the time that the old one had set is not waited for.
    if (!request.StartTime && (request.Recurrence || request.TimeZone || !action.StartTime)) {
      BRUME_TRY(zone, zone_of(action));
      action.StartTime = cron.next(zone, now);
    }
  } else if (!action.StartTime) {
    return fail("ValidationError", "Scheduled start time must be specified for non-recurrent future group action");
  }
  action.StartTime = std::chrono::floor<seconds>(*action.StartTime);
  if (action.EndTime && *action.EndTime <= *action.StartTime)
    return fail("ValidationError", "Given end time must be after start time");
  action.Time = action.StartTime;
  for (const ScheduledRecord* other : scheduled_of(*action.AutoScalingGroupName))
    if (other->action.StartTime == action.StartTime && scheduled_key(other->action) != key)
      return fail("AlreadyExists", "Scheduled action with this scheduled start time already exists");
  return {};
}

std::string ScheduledActionOperations::scheduled_key(const ScheduledUpdateGroupAction& action) {
  return fmt::format("{}:{}", *action.AutoScalingGroupName, *action.ScheduledActionName);
}

std::vector<const ScheduledRecord*> ScheduledActionOperations::scheduled_of(const std::string& group) const {
  std::vector<const ScheduledRecord*> found;
  for (const auto& [key, record] : rows_under(scheduled_, group + ":")) found.push_back(&record);
  return found;
}

Result<void> ScheduledActionOperations::put_scheduled(const std::string& group,
                                                      const ScheduledUpdateGroupActionRequest& request) {
  const std::string& name = *request.ScheduledActionName;
  const std::string key = fmt::format("{}:{}", group, name);
  ScheduledRecord record;
  ScheduledUpdateGroupAction& action = record.action;
  if (const ScheduledRecord* existing = scheduled_.find(key)) {
    record = *existing;  // what the request leaves out stays
  } else {
    if (scheduled_of(group).size() >= kMaxActions)
      return fail("LimitExceeded", "The group {} has the {} scheduled actions that a group may have", group,
                  kMaxActions);
    action.AutoScalingGroupName = group;
    action.ScheduledActionName = name;
    action.ScheduledActionARN =
        services::arn("autoscaling", context_.region,
                      fmt::format("scheduledUpdateGroupAction:{}:autoScalingGroupName/{}:scheduledActionName/{}",
                                  context_.env.random.uuid(), group, name));
  }
  const auto take = [](auto& field, const auto& value) {
    if (value) field = value;
  };
  take(action.MinSize, request.MinSize);
  take(action.MaxSize, request.MaxSize);
  take(action.DesiredCapacity, request.DesiredCapacity);
  take(action.Recurrence, request.Recurrence);
  take(action.TimeZone, request.TimeZone);
  take(action.StartTime, request.StartTime);
  take(action.EndTime, request.EndTime);
  BRUME_CHECK(check_sizes_wanted(action));
  BRUME_CHECK(check_times(key, action, request));
  scheduled_.put(key, std::move(record));
  context_.store.after_commit([this] { plan_schedules(); });
  return {};
}

Result<void> ScheduledActionOperations::PutScheduledUpdateGroupAction(
    const Call&, const PutScheduledUpdateGroupActionType& request) {
  BRUME_TRY(group, find_group(*request.AutoScalingGroupName));
  if (group->group.Status)
    return fail("ScalingActivityInProgress", "AutoScalingGroup '{}' is pending delete and cannot be changed",
                *request.AutoScalingGroupName);
  if (request.Time && request.StartTime && *request.Time != *request.StartTime)
    return fail("ValidationError", "Time is the old name of StartTime: they must not differ");
  return put_scheduled(*request.AutoScalingGroupName, one_of_batch(request));
}

Result<BatchPutScheduledUpdateGroupActionAnswer> ScheduledActionOperations::BatchPutScheduledUpdateGroupAction(
    const Call&, const BatchPutScheduledUpdateGroupActionType& request) {
  BRUME_TRY(group, find_group(*request.AutoScalingGroupName));
  if (group->group.Status)
    return fail("ScalingActivityInProgress", "AutoScalingGroup '{}' is pending delete and cannot be changed",
                *request.AutoScalingGroupName);
  if (request.ScheduledUpdateGroupActions.size() > kMaxBatch)
    return fail("ValidationError", "A batch has at most {} scheduled actions", kMaxBatch);
  BatchPutScheduledUpdateGroupActionAnswer answer;
  answer.FailedScheduledUpdateGroupActions.set_present();
  for (const ScheduledUpdateGroupActionRequest& one : request.ScheduledUpdateGroupActions) {
    const auto put = context_.store.transact([&] { return put_scheduled(*request.AutoScalingGroupName, one); });
    if (!put)
      answer.FailedScheduledUpdateGroupActions.push_back(
          {one.ScheduledActionName, put.error().code, put.error().message});
  }
  return answer;
}

Result<ScheduledActionsType> ScheduledActionOperations::DescribeScheduledActions(
    const Call&, const DescribeScheduledActionsType& request) {
  if (request.AutoScalingGroupName) BRUME_CHECK(find_group(*request.AutoScalingGroupName));
  std::vector<ScheduledUpdateGroupAction> found;
  for (const auto& [key, record] : scheduled_.rows()) {
    const ScheduledUpdateGroupAction& action = record.action;
    const auto& names = request.ScheduledActionNames;
    if (request.AutoScalingGroupName && action.AutoScalingGroupName != request.AutoScalingGroupName) continue;
    if (!names.empty()) {  // names, or their ARNs; then the times do not matter
      if (std::ranges::find(names, *action.ScheduledActionName) == names.end() &&
          std::ranges::find(names, *action.ScheduledActionARN) == names.end())
        continue;
    } else if ((request.StartTime && *action.StartTime < *request.StartTime) ||
               (request.EndTime && *action.StartTime > *request.EndTime)) {
      continue;
    }
    found.push_back(action);
  }
  BRUME_TRY(page, services::paginate(std::move(found), std::size_t(request.MaxRecords.value_or(50)), request.NextToken,
                                     scheduled_key));
  return ScheduledActionsType{std::move(page.items), std::move(page.next_token)};
}

Result<void> ScheduledActionOperations::delete_scheduled(const std::string& group, const std::string& name) {
  std::string key = fmt::format("{}:{}", group, name);
  for (const ScheduledRecord* record : scheduled_of(group))
    if (record->action.ScheduledActionARN == name) key = scheduled_key(record->action);
  if (!scheduled_.contains(key)) return fail("ValidationError", "Scheduled action name not found");
  scheduled_.erase(key);
  context_.store.after_commit([this] { plan_schedules(); });
  return {};
}

Result<void> ScheduledActionOperations::DeleteScheduledAction(const Call&, const DeleteScheduledActionType& request) {
  BRUME_CHECK(find_group(*request.AutoScalingGroupName));
  return delete_scheduled(*request.AutoScalingGroupName, *request.ScheduledActionName);
}

Result<BatchDeleteScheduledActionAnswer> ScheduledActionOperations::BatchDeleteScheduledAction(
    const Call&, const BatchDeleteScheduledActionType& request) {
  BRUME_CHECK(find_group(*request.AutoScalingGroupName));
  if (request.ScheduledActionNames.size() > kMaxBatch)
    return fail("ValidationError", "A batch has at most {} scheduled actions", kMaxBatch);
  BatchDeleteScheduledActionAnswer answer;
  answer.FailedScheduledActions.set_present();
  for (const std::string& name : request.ScheduledActionNames)
    if (const auto deleted = delete_scheduled(*request.AutoScalingGroupName, name); !deleted)
      answer.FailedScheduledActions.push_back({name, deleted.error().code, deleted.error().message});
  return answer;
}

void ScheduledActionOperations::start_schedules() {
  schedules_started_ = true;
  plan_schedules();
}

void ScheduledActionOperations::plan_schedules() {
  context_.env.loop.cancel(std::exchange(schedule_timer_, 0));
  if (!schedules_started_ || scheduled_.size() == 0) return;
  env::Duration pause = kLongestSleep;
  const Timestamp now = context_.env.clock.wall();
  for (const auto& [key, record] : scheduled_.rows())
    pause = std::min<env::Duration>(pause, std::max<env::Duration>(*record.action.StartTime - now, {}));
  schedule_timer_ = context_.env.loop.after(pause, [this] {
    schedule_timer_ = 0;
    do_due();
  });
}

void ScheduledActionOperations::do_due() {
  const Timestamp now = context_.env.clock.wall();
  std::vector<std::pair<Timestamp, std::string>> due;
  for (const auto& [key, record] : scheduled_.rows())
    if (*record.action.StartTime <= now) due.emplace_back(last_due(record.action, now).value_or(now), key);
  std::ranges::sort(due);
  bool failed = false;
  for (const auto& [time, key] : due) {
    const auto done = context_.store.transact([&] { return do_scheduled(key, now); });
    if (done) continue;
    log_warning("the scheduled action {} could not be done: {}", key, done.error().message);
    failed = true;
  }
  plan_schedules();
  if (!failed) return;
  context_.env.loop.cancel(schedule_timer_);  // not at once again
  schedule_timer_ = context_.env.loop.after(kLongestSleep, [this] {
    schedule_timer_ = 0;
    do_due();
  });
}

Result<void> ScheduledActionOperations::do_scheduled(const std::string& key, Timestamp now) {
  ScheduledUpdateGroupAction action = scheduled_.find(key)->action;
  const std::string group = *action.AutoScalingGroupName, name = *action.ScheduledActionName;
  // When next?
  bool again = false;
  if (action.Recurrence) {
    BRUME_TRY(cron, Cron::parse(*action.Recurrence));
    BRUME_TRY(zone, zone_of(action));
    const Timestamp next = cron.next(zone, now);
    again = !action.EndTime || next <= *action.EndTime;
    action.StartTime = action.Time = next;
  }
  if (again)
    scheduled_.put(key, {action});
  else
    scheduled_.erase(key);

  GroupRecord record = *groups_.find(group);
  AutoScalingGroup& sizes = record.group;
  DecisionRecord decision;
  decision.by = "scheduled action";
  decision.name = name;
  decision.before = decision.after = *sizes.DesiredCapacity;
  const bool suspended = is_suspended(record, "ScheduledActions");
  if (suspended || sizes.Status) {
    decision.reason = suspended ? "the process ScheduledActions is suspended" : "the group is being deleted";
    decisions_.add(group, std::move(decision));
    return {};
  }
  if (action.MinSize) sizes.MinSize = action.MinSize;
  if (action.MaxSize) sizes.MaxSize = action.MaxSize;
  const int before = *sizes.DesiredCapacity;
  sizes.DesiredCapacity =
      action.DesiredCapacity.value_or(std::clamp(before, *sizes.MinSize, std::max(*sizes.MinSize, *sizes.MaxSize)));
  const int after = *sizes.DesiredCapacity;
  const std::string cause = at(now, scheduled_sentence(*sizes.MinSize, *sizes.MaxSize, after, before));
  if (const auto fits = check_sizes(sizes); !fits) {
    decision.reason = fits.error().message;
    decisions_.add(group, std::move(decision));
    end_activity(
        begin_activity(group, fmt::format("Executing scheduled action: {}", name), cause, "InProgress", 0, "", ""),
        false, fits.error().message);
    return {};
  }
  decision.after = after;
  if (before == after) decision.reason = "the desired capacity is already that";
  decisions_.add(group, std::move(decision));
  if (before != after) record.cause = cause;
  groups_.put(group, std::move(record));
  wake_after_commit(group);
  return {};
}

}  // namespace brume::autoscaling
