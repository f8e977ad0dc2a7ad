// Why an alarm came to its state, in AWS's words: StateReason and StateReasonData.
//
// Pure. Long lists are cut so that both fit the model's limits (1,023 and 4,000 characters); the newest datapoints are
// told first.
#pragma once

#include <optional>
#include <string>

#include "services/cloudwatch/alarm_evaluation.h"

namespace brume::cloudwatch {

inline constexpr std::string_view kUnchecked = "Unchecked: Initial alarm creation";

// As Java writes a double, which is what CloudWatch's texts show: "80.0", "1.0E7".
std::string java_number(double value);
// "2026-11-24T10:15:30.123+0000"
std::string java_time(Timestamp time);

// `m_of_n`: DatapointsToAlarm was given, which changes the words.
std::string state_reason(const AlarmCriteria& criteria, const Evaluation& evaluation, bool m_of_n);

struct ReasonData {
  Timestamp query_date;
  std::string statistic;            // "" for maths
  std::optional<std::string> unit;  // the alarm's
  std::int64_t period = 60;         // as the alarm has it
  double threshold = 0;
  std::vector<Slot> slots;  // those that were looked at, newest first
};
std::string state_reason_data(const ReasonData& data);

}  // namespace brume::cloudwatch
