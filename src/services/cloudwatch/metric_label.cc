#include "services/cloudwatch/metric_label.h"

#include <algorithm>
#include <cctype>

namespace brume::cloudwatch {
namespace {

using expression::Point;
using expression::Series;
using expression::Summary;

std::string number(double value) {
  return fmt::format("{:.6g}", value);
}

// "2026-11-24T10:15:00+01:30"
std::string local_time(Timestamp time, std::chrono::minutes timezone) {
  std::string text = to_iso8601(std::chrono::floor<std::chrono::seconds>(time + timezone));
  if (timezone.count() == 0) return text;
  const auto size = std::chrono::abs(timezone).count();
  text.replace(text.size() - 1, 1,
               fmt::format("{}{:02}:{:02}", timezone.count() < 0 ? '-' : '+', size / 60, size % 60));
  return text;
}

std::string property(const MetricQuery& query, const std::string& name) {
  if (query.expression) return "";
  if (name == "MetricName") return query.metric.name;
  if (name == "Namespace") return query.metric.metric_namespace;
  if (name == "Period") return fmt::format("{}", query.period.count());
  if (name == "Stat") return query.statistic_name;
  if (!name.starts_with("Dim.")) return "";
  const auto found = std::ranges::find(query.metric.dimensions, name.substr(4), [](const auto& d) { return d.first; });
  return found == query.metric.dimensions.end() ? "" : found->second;
}

// What stands for ${name}; "" where there are no points. None for names that there are not.
std::optional<std::string> dynamic(const std::string& name, const MetricQuery& query, const Series& series,
                                   const std::string& plain, std::chrono::minutes timezone) {
  if (name == "LABEL") return plain;
  if (name.starts_with("PROP('") && name.ends_with("')")) return property(query, name.substr(6, name.size() - 8));
  if (name == "DATAPOINT_COUNT") return fmt::format("{}", series.points.size());
  static constexpr std::pair<std::string_view, Summary> kSummaries[] = {
      {"AVG", Summary::average}, {"MAX", Summary::maximum}, {"MIN", Summary::minimum}, {"SUM", Summary::sum}};
  for (const auto& [word, summary] : kSummaries) {
    if (name != word) continue;
    std::vector<double> values;
    for (const Point& point : series.points) values.push_back(point.second);
    const auto value = summarise(summary, values);
    return value ? number(*value) : "";
  }
  const bool is_time = name.ends_with("_TIME");
  const std::string which = is_time ? name.substr(0, name.size() - 5) : name;
  const bool extreme = which == "MAX" || which == "MIN";
  if (which != "FIRST" && which != "LAST" && !(is_time && extreme)) return std::nullopt;
  if (series.points.empty()) return "";
  const Point& point = which == "FIRST"  ? series.points.front()
                       : which == "LAST" ? series.points.back()
                       : which == "MAX"  ? *std::ranges::max_element(series.points, {}, &Point::second)
                                         : *std::ranges::min_element(series.points, {}, &Point::second);
  return is_time ? local_time(point.first, timezone) : number(point.second);
}

}  // namespace

Result<std::chrono::minutes> read_timezone(const std::string& text) {
  const bool fits = text.size() == 5 && (text[0] == '+' || text[0] == '-') &&
                    std::all_of(text.begin() + 1, text.end(), [](unsigned char c) { return std::isdigit(c) != 0; });
  const int hours = fits ? std::stoi(text.substr(1, 2)) : 99, minutes = fits ? std::stoi(text.substr(3, 2)) : 99;
  if (hours > 18 || minutes > 59)
    return fail("ValidationError", "The value {} for parameter LabelOptions.Timezone is not of the form +0130", text);
  return std::chrono::minutes((hours * 60 + minutes) * (text[0] == '-' ? -1 : 1));
}

Result<std::string> label_of(const MetricQuery& query, const Series& series, bool several,
                             std::chrono::minutes timezone) {
  const std::string own = query.expression ? query.id : query.metric.name;
  std::string given = query.label.value_or(own);
  if (given.find("${") == std::string::npos) {
    if (!several || series.label.empty()) return given;
    return given.empty() ? series.label : given + " " + series.label;
  }
  const std::string& plain = several && !series.label.empty() ? series.label : own;
  std::string out;
  for (std::size_t at = 0;;) {
    const std::size_t begin = given.find("${", at);
    out += given.substr(at, begin - at);
    if (begin == std::string::npos) return out;
    const std::size_t end = given.find('}', begin);
    const std::string name = end == std::string::npos ? "" : given.substr(begin + 2, end - begin - 2);
    const auto text = dynamic(name, query, series, plain, timezone);
    if (!text) return fail("ValidationError", "Brume does not have ${{{}}} in labels (query {})", name, query.id);
    out += *text;
    at = end + 1;
  }
}

}  // namespace brume::cloudwatch
