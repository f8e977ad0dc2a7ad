#include "services/cloudwatch/alarm_reason.h"

#include <cmath>

#include "base/json.h"

namespace brume::cloudwatch {
namespace {

constexpr std::size_t kLongestList = 600;  // characters; a reason has at most 1,023
constexpr std::size_t kMostListed = 40;    // evaluated datapoints; the data has at most 4,000 characters

std::string_view words(Comparison comparison) {
  switch (comparison) {
    case Comparison::greater_or_equal:
      return "greater than or equal to";
    case Comparison::greater:
      return "greater than";
    case Comparison::less:
      return "less than";
    case Comparison::less_or_equal:
      return "less than or equal to";
  }
  return "";
}

std::string datapoints(std::size_t count) {
  return fmt::format("{} datapoint{}", count, count == 1 ? "" : "s");
}

// "24/11/26 10:15:00"
std::string short_time(Timestamp time) {
  const auto day = std::chrono::floor<std::chrono::days>(time);
  const std::chrono::year_month_day date(day);
  const std::chrono::hh_mm_ss clock(std::chrono::floor<std::chrono::seconds>(time - day));
  return fmt::format("{:02}/{:02}/{:02} {:02}:{:02}:{:02}", unsigned(date.day()), unsigned(date.month()),
                     int(date.year()) % 100, clock.hours().count(), clock.minutes().count(), clock.seconds().count());
}

}  // namespace

std::string java_number(double value) {
  const double size = std::fabs(value);
  if (size == 0 || (size >= 1e-3 && size < 1e7)) {
    std::string text = fmt::format("{}", value);
    if (text.find_first_of(".e") == std::string::npos) text += ".0";
    return text;
  }
  if (!std::isfinite(value)) return std::isnan(value) ? "NaN" : value < 0 ? "-Infinity" : "Infinity";
  std::string text;
  for (int precision = 0; precision <= 16; ++precision) {  // the fewest digits that are this number
    text = fmt::format("{:.{}e}", value, precision);
    if (std::stod(text) == value) break;
  }
  const std::size_t e = text.find('e');
  std::string digits = text.substr(0, e);
  if (digits.find('.') == std::string::npos) digits += ".0";
  return fmt::format("{}E{}", digits, std::stoi(text.substr(e + 1)));
}

std::string java_time(Timestamp time) {
  std::string text = to_iso8601(time, true);
  text.replace(text.size() - 1, 1, "+0000");
  return text;
}

std::string state_reason(const AlarmCriteria& criteria, const Evaluation& evaluation, bool m_of_n) {
  if (evaluation.state == "INSUFFICIENT_DATA")
    return fmt::format("Insufficient Data: {} {} unknown.", datapoints(criteria.evaluation_periods),
                       criteria.evaluation_periods == 1 ? "was" : "were");
  const bool alarm = evaluation.state == "ALARM";
  // Those that speak for the state are listed: what breaches for ALARM, what does not for OK.
  std::size_t count = 0;
  std::string list;
  for (const Slot& slot : evaluation.counted) {
    if (breaches(criteria.comparison, *slot.value, criteria.threshold) != alarm) continue;
    ++count;
    if (list.size() < kLongestList)
      list += fmt::format("{}{} ({})", list.empty() ? "" : ", ", java_number(*slot.value), short_time(slot.time));
  }
  std::string text = "Threshold Crossed: ";
  if (count > 0) {
    text += m_of_n ? fmt::format("{} out of the last {} datapoints", count, criteria.evaluation_periods)
                   : datapoints(count);
    text += fmt::format(" [{}] {} {}{} the threshold ({})", list, count == 1 ? "was" : "were", alarm ? "" : "not ",
                        words(criteria.comparison), java_number(criteria.threshold));
  } else {
    text += fmt::format("no datapoints were received for {} period{}", evaluation.filled,
                        evaluation.filled == 1 ? "" : "s");
  }
  if (evaluation.filled > 0)
    text += fmt::format(" and {} missing datapoint{} treated as [{}]", evaluation.filled,
                        evaluation.filled == 1 ? " was" : "s were",
                        criteria.missing_data == MissingData::breaching ? "Breaching" : "NonBreaching");
  if (count > 0 && m_of_n) {
    const std::size_t least =
        alarm ? criteria.datapoints_to_alarm : criteria.evaluation_periods - criteria.datapoints_to_alarm + 1;
    text += fmt::format(" (minimum {} for {} transition)", datapoints(least), alarm ? "OK -> ALARM" : "ALARM -> OK");
  }
  return text + ".";
}

std::string state_reason_data(const ReasonData& data) {
  std::string recent, evaluated;
  std::optional<Timestamp> start;
  std::size_t listed = 0;
  for (const Slot& slot : data.slots) {
    if (listed++ == kMostListed) break;
    evaluated += fmt::format("{}{{\"timestamp\":\"{}\"{}}}", evaluated.empty() ? "" : ",", java_time(slot.time),
                             slot.value ? ",\"value\":" + java_number(*slot.value) : "");
    if (!slot.value) continue;
    recent = java_number(*slot.value) + (recent.empty() ? "" : ",") + recent;
    start = slot.time;
  }
  std::string text = fmt::format("{{\"version\":\"1.0\",\"queryDate\":\"{}\"", java_time(data.query_date));
  if (start) text += fmt::format(",\"startDate\":\"{}\"", java_time(*start));
  if (data.unit) text += ",\"unit\":" + json_quote(*data.unit);
  if (!data.statistic.empty()) text += ",\"statistic\":" + json_quote(data.statistic);
  return text + fmt::format(",\"period\":{},\"recentDatapoints\":[{}],\"threshold\":{},\"evaluatedDatapoints\":[{}]}}",
                            data.period, recent, java_number(data.threshold), evaluated);
}

}  // namespace brume::cloudwatch
