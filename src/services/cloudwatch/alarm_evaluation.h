// From datapoints to an alarm's state: M out of N, and what missing data comes to.
//
// Pure. "Evaluating an alarm" and "Configuring how CloudWatch alarms treat missing data" of the user guide: more than N
// periods are looked at; with at least N real datapoints the newest N count, whatever is missing; else the gaps are
// filled as few times as possible. Datapoints that are missing or ignored never make an alarm by themselves, but an old
// one that breaches with nothing good after it does ("premature transitions"). Leaves to others: reading datapoints,
// texts (alarm_reason.h), doing something about it.
#pragma once

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <optional>
#include <string_view>
#include <vector>

#include "base/time.h"

namespace brume::cloudwatch {

enum class Comparison : std::uint8_t { greater_or_equal, greater, less, less_or_equal };
enum class MissingData : std::uint8_t { missing, ignore, breaching, not_breaching };

// By AWS's names; none for those that are no comparison with a fixed threshold.
std::optional<Comparison> read_comparison(std::string_view name);
std::optional<MissingData> read_missing_data(std::string_view name);

bool breaches(Comparison comparison, double value, double threshold);

// How many periods are looked at when N count: as many as in the user guide's tables, two more.
constexpr std::size_t evaluation_range(std::size_t evaluation_periods) {
  return evaluation_periods + 2;
}

// And of EC2's metrics on periods shorter than its five minutes of basic monitoring: as many as reach back over two of
// them. A sample of five minutes is stamped with their begin and comes at their end, so until the next one comes it is
// five to ten minutes old; what reaches less far would not see it, and an alarm with three periods of a minute, as
// those of target tracking are, never has anything to go by.
constexpr std::size_t evaluation_range_of_instances(std::size_t evaluation_periods, std::chrono::seconds period) {
  constexpr std::chrono::seconds kBasic{300};
  const std::size_t range = evaluation_range(evaluation_periods);
  return period < kBasic ? std::max(range, std::size_t(2 * kBasic / period)) : range;
}

struct Slot {
  Timestamp time;  // the begin of its period
  std::optional<double> value;
};

struct AlarmCriteria {
  Comparison comparison = Comparison::greater;
  double threshold = 0;
  std::size_t evaluation_periods = 1;   // N
  std::size_t datapoints_to_alarm = 1;  // M, at most N
  MissingData missing_data = MissingData::missing;
};

struct Evaluation {
  std::string_view state;     // OK, ALARM, INSUFFICIENT_DATA; empty: as it was
  std::vector<Slot> counted;  // the real datapoints that counted, newest first
  std::size_t filled = 0;     // how many were missing and were taken for breaching or not
};

// `slots`: of the evaluation range, newest first. `whole`: they are all that there are to look at; if not (the clock
// was changed not long ago), too few real datapoints leave the alarm as it was.
Evaluation evaluate(const AlarmCriteria& rule, const std::vector<Slot>& slots, bool whole = true);

// Are there too few samples for a percentile to say something ("Percentile-based alarms and low data samples": 10
// beyond it)? `percentile`: 0 to 100.
bool too_few_samples(double percentile, double samples);

}  // namespace brume::cloudwatch
