#include "services/cloudwatch/alarm_operations.h"

#include <algorithm>
#include <set>

#include "services/cloudwatch/alarm_checks.h"
#include "services/cloudwatch/alarm_reason.h"
#include "services/common/ids.h"

namespace brume::cloudwatch {
namespace {

// AWS's quota is a request away from more; this bounds memory.
constexpr std::size_t kMostAlarms = 20'000;

// A change leaves the state as it is.
template <typename Alarm>
void put_state(Alarm& alarm, const Alarm* known, const services::Context& context) {
  const Timestamp now = context.env.clock.wall();
  alarm.StateValue = known ? known->StateValue : "INSUFFICIENT_DATA";
  alarm.StateReason = known ? known->StateReason : std::string(kUnchecked);
  if (known) alarm.StateReasonData = known->StateReasonData;
  alarm.StateUpdatedTimestamp = known ? known->StateUpdatedTimestamp : now;
  alarm.StateTransitionedTimestamp = known ? known->StateTransitionedTimestamp : now;
  alarm.AlarmArn = services::arn("cloudwatch", context.region, "alarm:" + *alarm.AlarmName);
  alarm.AlarmConfigurationUpdatedTimestamp = now;
}

}  // namespace

AlarmOperations::AlarmOperations(services::Context context, const MetricReader& reader,
                                 const services::AlarmActions& actions)
    : context_(std::move(context)),
      reader_(reader),
      alarms_(context_, actions),
      controller_(context_, reader, alarms_),
      dashboards_(context_.store, "cloudwatch_dashboards", context_.region) {}

Result<void> AlarmOperations::load_alarms() {
  BRUME_CHECK(alarms_.load());
  BRUME_CHECK(controller_.load());
  return dashboards_.load();
}

void AlarmOperations::start_alarms() {
  alarms_.on_change([this](const std::string& alarm) { controller_.changed(alarm); });
  alarms_.start();
  controller_.start();
}

Result<const AlarmRecord*> AlarmOperations::find_alarm(const std::string& name) const {
  const AlarmRecord* record = alarms_.find(name);
  if (!record) return fail("ResourceNotFound", "There is no alarm {}", name);
  return record;
}

Result<void> AlarmOperations::PutMetricAlarm(const Call&, const PutMetricAlarmInput& request) {
  BRUME_TRY(alarm, check_metric_alarm(request, context_.region));
  const std::string& name = *alarm.AlarmName;
  const AlarmRecord* known = alarms_.find(name);
  if (known && !known->metric) return fail("ValidationError", "A composite alarm with the name {} exists", name);
  if (!known && alarms_.rows().size() >= kMostAlarms)
    return fail("LimitExceeded", "There are already {} alarms", kMostAlarms);
  AlarmRecord record;
  record.tags = known ? known->tags : request.Tags;
  put_state(alarm, known ? &*known->metric : nullptr, context_);
  record.metric = std::move(alarm);
  alarms_.put(record);
  return {};
}

Result<void> AlarmOperations::check_watched(const std::string& name, const CompositeAlarm& alarm) const {
  BRUME_TRY(rule, parse_alarm_rule(*alarm.AlarmRule));
  std::vector<std::string> next;
  for (const std::string& child : alarms_of(rule)) next.emplace_back(alarm_name_of(child));
  if (alarm.ActionsSuppressor) next.emplace_back(alarm_name_of(*alarm.ActionsSuppressor));
  for (const std::string& child : next)
    if (!alarms_.find(child) && child != name)
      return fail("ValidationError", "Could not save the composite alarm as alarm {} in the alarm rule does not exist",
                  child);
  // Whatever can be reached from the rule must not be the alarm itself.
  std::set<std::string> seen;
  while (!next.empty()) {
    const std::string child = std::move(next.back());
    next.pop_back();
    if (child == name)
      return fail("ValidationError", "Could not save the composite alarm {} as it would watch itself", name);
    if (!seen.insert(child).second) continue;
    const AlarmRecord* record = alarms_.find(child);
    if (!record || !record->composite) continue;
    BRUME_TRY(inner, parse_alarm_rule(*record->composite->AlarmRule));
    for (const std::string& further : alarms_of(inner)) next.emplace_back(alarm_name_of(further));
    if (record->composite->ActionsSuppressor) next.emplace_back(alarm_name_of(*record->composite->ActionsSuppressor));
  }
  return {};
}

Result<void> AlarmOperations::PutCompositeAlarm(const Call&, const PutCompositeAlarmInput& request) {
  BRUME_TRY(alarm, check_composite_alarm(request, context_.region));
  const std::string& name = *alarm.AlarmName;
  const AlarmRecord* known = alarms_.find(name);
  if (known && !known->composite) return fail("ValidationError", "A metric alarm with the name {} exists", name);
  if (!known && alarms_.rows().size() >= kMostAlarms)
    return fail("LimitExceeded", "There are already {} alarms", kMostAlarms);
  BRUME_CHECK(check_watched(name, alarm));
  AlarmRecord record;
  record.tags = known ? known->tags : request.Tags;
  if (known) {
    record.announced = known->announced;
    record.suppression = known->suppression;
    alarm.ActionsSuppressedBy = known->composite->ActionsSuppressedBy;
    alarm.ActionsSuppressedReason = known->composite->ActionsSuppressedReason;
  } else {
    record.announced = "INSUFFICIENT_DATA";
  }
  put_state(alarm, known ? &*known->composite : nullptr, context_);
  record.composite = std::move(alarm);
  alarms_.put(record);
  return {};
}

Result<void> AlarmOperations::DeleteAlarms(const Call&, const DeleteAlarmsInput& request) {
  const std::set<std::string> names(request.AlarmNames.begin(), request.AlarmNames.end());
  std::size_t composites = 0;
  for (const std::string& name : names) {
    BRUME_TRY(record, find_alarm(name));
    if (record->composite) ++composites;
  }
  if (composites > 1)
    return fail("ValidationError", "At most one composite alarm can be deleted at a time; AlarmNames has {}",
                composites);
  for (const std::string& name : names) {
    if (const auto watchers = alarms_.watchers_of(name); !watchers.empty())
      return fail("ValidationError", "Cannot delete {} as there are composite alarm(s) depending on it: {}", name,
                  *watchers.begin());
  }
  for (const std::string& name : names) alarms_.remove(name);
  return {};
}

Result<void> AlarmOperations::SetAlarmState(const Call&, const SetAlarmStateInput& request) {
  BRUME_CHECK(find_alarm(*request.AlarmName));
  if (request.StateReasonData && !request.StateReasonData->empty() && !is_json_object(*request.StateReasonData))
    return fail("InvalidFormat", "StateReasonData was not syntactically valid JSON");
  alarms_.set_state(*request.AlarmName, {.value = *request.StateValue,
                                         .reason = *request.StateReason,
                                         .reason_data = request.StateReasonData.value_or(""),
                                         .datapoints = {}});
  return {};
}

void AlarmOperations::set_actions_enabled(const List<std::string>& names, bool enabled) {
  // Names that there are not are passed over, as AWS does.
  for (const std::string& name : std::set<std::string>(names.begin(), names.end())) {
    const AlarmRecord* known = alarms_.find(name);
    if (!known || AlarmView(*known).actions_enabled == enabled) continue;
    AlarmRecord record = *known;
    (record.metric ? record.metric->ActionsEnabled : record.composite->ActionsEnabled) = enabled;
    alarms_.put(record);
  }
}

Result<void> AlarmOperations::EnableAlarmActions(const Call&, const EnableAlarmActionsInput& request) {
  set_actions_enabled(request.AlarmNames, true);
  return {};
}

Result<void> AlarmOperations::DisableAlarmActions(const Call&, const DisableAlarmActionsInput& request) {
  set_actions_enabled(request.AlarmNames, false);
  return {};
}

}  // namespace brume::cloudwatch
