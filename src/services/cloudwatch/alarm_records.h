// What CloudWatch keeps of alarms.
#pragma once

#include <optional>
#include <string>

#include "cloudwatch/shapes.h"
#include "services/cloudwatch/lived_time.h"

namespace brume::cloudwatch {

// An alarm of either kind: they share their names. Key: the name.
struct AlarmRecord {
  std::optional<MetricAlarm> metric;
  std::optional<CompositeAlarm> composite;
  List<Tag> tags;
  // Of a composite alarm: the last state whose actions were looked after, and why those of its present state wait
  // (action_suppression.h).
  std::string announced, suppression;
};

// Key "<alarm>\n<number>", 16 digits, rising: newest last.
struct HistoryRecord {
  AlarmHistoryItem item;
  std::int64_t number = 0;  // across all alarms
};

// An action that is to be carried out: written with the state that asks for it, erased with what it did. Key: a number.
struct PendingActionRecord {
  std::string alarm_name, alarm_arn, state, action_arn;
  Timestamp time;
  List<double> datapoints;  // that the evaluation counted, newest first
  double threshold = 0;
  std::string message;  // what SNS would be given
};

// One row, "lived" (lived_time.h).
struct LivedRecord {
  List<Stretch> stretches;
};

// What both kinds of alarm have.
struct AlarmView {
  const std::string &name, &arn, &state, &reason;
  const std::string reason_data;
  Timestamp updated;
  bool actions_enabled;
  const List<std::string>&ok_actions, &alarm_actions, &insufficient_data_actions;

  explicit AlarmView(const AlarmRecord& record) : AlarmView(record, record.metric, record.composite) {}
  // Of the present state.
  [[nodiscard]] const List<std::string>& actions() const {
    return state == "OK" ? ok_actions : state == "ALARM" ? alarm_actions : insufficient_data_actions;
  }

 private:
  template <typename Alarm>
  explicit AlarmView(const Alarm& alarm)
      : name(*alarm.AlarmName),
        arn(*alarm.AlarmArn),
        state(*alarm.StateValue),
        reason(*alarm.StateReason),
        reason_data(alarm.StateReasonData.value_or("")),
        updated(*alarm.StateUpdatedTimestamp),
        actions_enabled(alarm.ActionsEnabled.value_or(true)),
        ok_actions(alarm.OKActions),
        alarm_actions(alarm.AlarmActions),
        insufficient_data_actions(alarm.InsufficientDataActions) {}
  AlarmView(const AlarmRecord&, const std::optional<MetricAlarm>& metric,
            const std::optional<CompositeAlarm>& composite)
      : AlarmView(metric ? AlarmView(*metric) : AlarmView(*composite)) {}
};

}  // namespace brume::cloudwatch

BRUME_RECORD(brume::cloudwatch::Stretch, from, to)
BRUME_RECORD(brume::cloudwatch::AlarmRecord, metric, composite, tags, announced, suppression)
BRUME_RECORD(brume::cloudwatch::HistoryRecord, item, number)
BRUME_RECORD(brume::cloudwatch::PendingActionRecord, alarm_name, alarm_arn, state, action_arn, time, datapoints,
             threshold, message)
BRUME_RECORD(brume::cloudwatch::LivedRecord, stretches)
