#include "services/cloudwatch/alarm_evaluation.h"

#include <algorithm>

namespace brume::cloudwatch {

std::optional<Comparison> read_comparison(std::string_view name) {
  if (name == "GreaterThanOrEqualToThreshold") return Comparison::greater_or_equal;
  if (name == "GreaterThanThreshold") return Comparison::greater;
  if (name == "LessThanThreshold") return Comparison::less;
  if (name == "LessThanOrEqualToThreshold") return Comparison::less_or_equal;
  return std::nullopt;
}

std::optional<MissingData> read_missing_data(std::string_view name) {
  if (name == "missing") return MissingData::missing;
  if (name == "ignore") return MissingData::ignore;
  if (name == "breaching") return MissingData::breaching;
  if (name == "notBreaching") return MissingData::not_breaching;
  return std::nullopt;
}

bool breaches(Comparison comparison, double value, double threshold) {
  switch (comparison) {
    case Comparison::greater_or_equal:
      return value >= threshold;
    case Comparison::greater:
      return value > threshold;
    case Comparison::less:
      return value < threshold;
    case Comparison::less_or_equal:
      return value <= threshold;
  }
  return false;
}

Evaluation evaluate(const AlarmCriteria& rule, const std::vector<Slot>& slots, bool whole) {
  const auto is_breaching = [&](const Slot& slot) { return breaches(rule.comparison, *slot.value, rule.threshold); };
  Evaluation out;
  std::size_t oldest = 0;  // the place of the oldest datapoint that counts; the newest period's is 1
  for (std::size_t i = 0; i < slots.size() && out.counted.size() < rule.evaluation_periods; ++i) {
    if (!slots[i].value) continue;
    out.counted.push_back(slots[i]);
    oldest = i + 1;
  }
  const auto breaching = std::size_t(std::ranges::count_if(out.counted, is_breaching));
  const auto decide = [&](std::size_t bad) { return bad >= rule.datapoints_to_alarm ? "ALARM" : "OK"; };
  const std::size_t gaps = rule.evaluation_periods - out.counted.size();

  if (gaps == 0) {
    out.state = decide(breaching);
  } else if (!whole) {
    return out;
  } else if (rule.missing_data == MissingData::breaching || rule.missing_data == MissingData::not_breaching) {
    out.filled = gaps;
    out.state = decide(breaching + (rule.missing_data == MissingData::breaching ? gaps : 0));
  } else if (out.counted.empty()) {
    if (rule.missing_data == MissingData::missing) out.state = "INSUFFICIENT_DATA";
  } else if (breaching < out.counted.size()) {
    out.state = decide(breaching);
  } else if (breaching >= rule.datapoints_to_alarm ||
             (oldest >= rule.datapoints_to_alarm && rule.missing_data == MissingData::missing)) {
    out.state = "ALARM";
  }
  // Else all that there is breaches, but too lately for an alarm: the next datapoint may be good. The guide says only
  // that it is no alarm yet; the state stays, so that neither a lone breach clears an alarm.
  return out;
}

bool too_few_samples(double percentile, double samples) {
  const double share = percentile / 100;
  const double beyond = share >= 0.5 ? 1 - share : share;
  return beyond <= 0 || samples < 10 / beyond;
}

}  // namespace brume::cloudwatch
