// The rule of a composite alarm: ALARM("a") AND NOT (OK(b) OR TRUE).
//
// Strict and bounded: 100 alarms, 500 elements, nesting of 32. Names may be in quotes or not, and be ARNs; what may not
// stand outside quotes: spaces, parentheses, quotes. Leaves to others which alarms there are (Alarms) and what state
// they have.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace brume::cloudwatch {

struct AlarmRule {
  enum class Kind : std::uint8_t { all_of, any_of, negation, state, constant } kind = Kind::constant;
  std::vector<AlarmRule> children;
  std::string state, alarm;  // of a state: ALARM, and the alarm's name or ARN
  bool value = false;        // of a constant
};

// Errors: ValidationError.
Result<AlarmRule> parse_alarm_rule(std::string_view text);

// The names and ARNs in the rule, each once, in order.
std::vector<std::string> alarms_of(const AlarmRule& rule);

// `state_of` tells an alarm's state; an alarm that there is not has none, and no test of it holds.
bool holds(const AlarmRule& rule, const std::function<std::string_view(const std::string& alarm)>& state_of);

// The name in "arn:aws:cloudwatch:<region>:<account>:alarm:<name>", or the text itself.
std::string_view alarm_name_of(std::string_view name_or_arn);

}  // namespace brume::cloudwatch
