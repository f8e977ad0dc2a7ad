#include "services/cloudwatch/expression/functions.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <map>
#include <numeric>

#include "services/cloudwatch/expression/evaluate.h"

namespace brume::cloudwatch::expression {
namespace {

constexpr double kNone = std::numeric_limits<double>::quiet_NaN();

using Arguments = std::vector<Argument>;
using Function = Result<Value> (*)(const std::string& name, const Arguments& given, const Range& range);

std::unexpected<Error> takes(const std::string& name, std::string_view what) {
  return fail("ValidationError", "{}() takes {}", name, what);
}

const Series* series_of(const Argument& argument) {
  return argument.word.empty() ? std::get_if<Series>(&argument.value) : nullptr;
}
const Array* array_of(const Argument& argument) {
  return argument.word.empty() ? std::get_if<Array>(&argument.value) : nullptr;
}
const double* number_of(const Argument& argument) {
  return argument.word.empty() ? std::get_if<double>(&argument.value) : nullptr;
}

std::vector<double> values_of(const Series& series) {
  std::vector<double> out;
  out.reserve(series.points.size());
  for (const Point& point : series.points) out.push_back(point.second);
  return out;
}

// A time series, or each of an array.
Result<Value> each_series(const std::string& name, const Arguments& given,
                          const std::function<Series(const Series&)>& f) {
  if (given.size() == 1) {
    if (const Series* series = series_of(given[0])) return Value(f(*series));
    if (const Array* array = array_of(given[0])) {
      Array out;
      for (const Series& series : *array) out.push_back(f(series));
      return Value(std::move(out));
    }
  }
  return takes(name, "a time series, or an array of them");
}

template <double (*f)(double)>
Result<Value> pointwise(const std::string& name, const Arguments& given, const Range&) {
  if (given.size() != 1 || !given[0].word.empty()) return takes(name, "one value");
  return each_value(given[0].value, [](double v) { return std::optional(f(v)); });
}
double absolute(double v) {
  return std::fabs(v);
}
double ceiling(double v) {
  return std::ceil(v);
}
double floored(double v) {
  return std::floor(v);
}
double natural_log(double v) {
  return std::log(v);
}
double decimal_log(double v) {
  return std::log10(v);
}

template <Summary summary>
Result<Value> summary_of(const std::string& name, const Arguments& given, const Range&) {
  if (given.size() == 1) {
    if (const Series* series = series_of(given[0]))
      return Value(summarise(summary, values_of(*series)).value_or(kNone));
    if (const Array* array = array_of(given[0])) return Value(merge(*array, summary));
  }
  return takes(name, "a time series, or an array of them");
}

// From each point and the one before it.
template <double (*f)(const Point& before, const Point& now)>
Result<Value> stepwise(const std::string& name, const Arguments& given, const Range&) {
  return each_series(name, given, [](const Series& series) {
    const Point* before = nullptr;
    return map_points(series, [&](const Point& now) -> std::optional<double> {
      const Point* last = std::exchange(before, &now);
      return last ? std::optional(f(*last, now)) : std::nullopt;
    });
  });
}
double seconds_between(const Point& before, const Point& now) {
  return double((now.first - before.first).count()) / 1000;
}
double difference(const Point& before, const Point& now) {
  return now.second - before.second;
}
double rate(const Point& before, const Point& now) {
  return difference(before, now) / seconds_between(before, now);
}

Result<Value> running_sum(const std::string& name, const Arguments& given, const Range&) {
  return each_series(name, given, [](const Series& series) {
    double sum = 0;
    return map_points(series, [&](const Point& point) { return std::optional(sum += point.second); });
  });
}

Result<Value> metric_count(const std::string& name, const Arguments& given, const Range&) {
  const Array* array = given.size() == 1 ? array_of(given[0]) : nullptr;
  if (!array) return takes(name, "an array of time series");
  return Value(double(array->size()));
}

template <bool first>
Result<Value> end_of(const std::string& name, const Arguments& given, const Range& range) {
  const Array* array = given.size() == 1 ? array_of(given[0]) : nullptr;
  if (!array) return takes(name, "an array of time series");
  if (array->empty()) return Value(Series{.label = "", .period = range.period, .points = {}});
  return Value(first ? array->front() : array->back());
}

// May series of this period have a point for each of the range?
Result<void> check_range(std::chrono::seconds period, const Range& range) {
  constexpr std::int64_t kMost = 100'800;
  if (period.count() <= 0 || (range.end - range.start) / period > kMost)
    return fail("ValidationError", "A time series without gaps would have more than {} datapoints", kMost);
  return {};
}

Result<Value> filled(const std::string& name, const Arguments& given, const Range& range) {
  if (given.size() != 2) return takes(name, "time series, and a number, time series, REPEAT or LINEAR");
  Filling filling = Filling::constant;
  std::function<std::optional<double>(Timestamp)> constant;
  if (given[1].word == "REPEAT")
    filling = Filling::repeat;
  else if (given[1].word == "LINEAR")
    filling = Filling::linear;
  else if (const double* number = number_of(given[1]))
    constant = [number](Timestamp) { return std::optional(*number); };
  else if (const Series* other = series_of(given[1]))
    constant = [other](Timestamp time) {
      const double* value = other->at(time);
      return value ? std::optional(*value) : std::nullopt;
    };
  else
    return takes(name, "time series, and a number, time series, REPEAT or LINEAR");
  if (const Series* series = series_of(given[0])) BRUME_CHECK(check_range(series->period, range));
  if (const Array* array = array_of(given[0]))
    for (const Series& series : *array) BRUME_CHECK(check_range(series.period, range));
  return each_series(name, {given[0]},
                     [&](const Series& series) { return fill(series, range.start, range.end, filling, constant); });
}

Result<Value> time_series(const std::string& name, const Arguments& given, const Range& range) {
  const double* number = given.size() == 1 ? number_of(given[0]) : nullptr;
  if (!number) return takes(name, "a number");
  BRUME_CHECK(check_range(range.period, range));
  return Value(fill(Series{.label = "", .period = range.period, .points = {}}, range.start, range.end,
                    Filling::constant, [number](Timestamp) { return std::optional(*number); }));
}

template <double (*part)(Timestamp)>
Result<Value> date_part(const std::string& name, const Arguments& given, const Range& range) {
  const Series* series = given.size() == 1 ? series_of(given[0]) : nullptr;
  if (!series) return takes(name, "a time series");
  BRUME_CHECK(check_range(series->period, range));
  return Value(fill(Series{.label = series->label, .period = series->period, .points = {}}, range.start, range.end,
                    Filling::constant, [](Timestamp time) { return std::optional(part(time)); }));
}
std::chrono::year_month_day date_of(Timestamp time) {
  return {std::chrono::floor<std::chrono::days>(time)};
}
double minute_of(Timestamp time) {
  return double(std::chrono::floor<std::chrono::minutes>(time).time_since_epoch().count() % 60);
}
double hour_of(Timestamp time) {
  return double(std::chrono::floor<std::chrono::hours>(time).time_since_epoch().count() % 24);
}
double weekday_of(Timestamp time) {
  return std::chrono::weekday(std::chrono::floor<std::chrono::days>(time)).iso_encoding();
}
double day_of_month(Timestamp time) {
  return unsigned(date_of(time).day());
}
double month_of(Timestamp time) {
  return unsigned(date_of(time).month());
}
double year_of(Timestamp time) {
  return int(date_of(time).year());
}
double epoch_of(Timestamp time) {
  return double(time.time_since_epoch().count()) / 1000;
}

Result<Value> period(const std::string& name, const Arguments& given, const Range&) {
  const Series* series = given.size() == 1 ? series_of(given[0]) : nullptr;
  if (!series) return takes(name, "a metric");
  return Value(double(series->period.count()));
}

Result<Value> remove_empty(const std::string& name, const Arguments& given, const Range&) {
  const Array* array = given.size() == 1 ? array_of(given[0]) : nullptr;
  if (!array) return takes(name, "an array of time series");
  Array out;
  std::ranges::copy_if(*array, std::back_inserter(out), [](const Series& series) { return !series.points.empty(); });
  return Value(std::move(out));
}

// A whole number that says where in an array; no more than its size.
std::optional<std::size_t> position(const Argument& argument, std::size_t size) {
  const double* number = number_of(argument);
  if (!number || !(*number >= 0) || *number != std::floor(*number)) return std::nullopt;
  return std::size_t(std::min(*number, double(size)));
}

Result<Value> slice(const std::string& name, const Arguments& given, const Range&) {
  constexpr std::string_view kTakes =
      "an array of time series, and the numbers of the first and of the one after the last";
  const Array* array = given.size() == 2 || given.size() == 3 ? array_of(given[0]) : nullptr;
  if (!array) return takes(name, kTakes);
  const auto from = position(given[1], array->size());
  const auto to = given.size() == 3 ? position(given[2], array->size()) : array->size();
  if (!from || !to) return takes(name, kTakes);
  if (*from >= *to) return Value(Array{});
  return Value(Array(array->begin() + std::ptrdiff_t(*from), array->begin() + std::ptrdiff_t(*to)));
}

Result<Value> sort(const std::string& name, const Arguments& given, const Range&) {
  static const std::map<std::string, Summary> kSummaries = {
      {"AVG", Summary::average}, {"SUM", Summary::sum}, {"MIN", Summary::minimum}, {"MAX", Summary::maximum}};
  constexpr std::string_view kTakes = "an array of time series, AVG, MIN, MAX or SUM, ASC or DESC, and how many";
  const Array* array = given.size() == 3 || given.size() == 4 ? array_of(given[0]) : nullptr;
  if (!array || !kSummaries.contains(given[1].word) || (given[2].word != "ASC" && given[2].word != "DESC"))
    return takes(name, kTakes);
  const auto limit = given.size() == 4 ? position(given[3], array->size()) : array->size();
  if (!limit) return takes(name, kTakes);
  // Those without points come last in either order.
  std::vector<std::pair<double, const Series*>> keys;
  for (const Series& series : *array) {
    const auto key = summarise(kSummaries.at(given[1].word), values_of(series));
    const double sign = given[2].word == "ASC" ? 1 : -1;
    keys.emplace_back(key ? *key * sign : std::numeric_limits<double>::infinity(), &series);
  }
  std::ranges::stable_sort(keys, {}, &std::pair<double, const Series*>::first);
  Array out;
  for (std::size_t i = 0; i < *limit; ++i) out.push_back(*keys[i].second);
  return Value(std::move(out));
}

// "Using IF expressions" of the user guide: a missing value where the condition holds is 0, else the point is dropped.
Result<Value> conditional(const std::string& name, const Arguments& given, const Range& range) {
  constexpr std::string_view kTakes = "a condition, a value where it holds, and a value where it does not";
  if (given.size() < 2 || given.size() > 3) return takes(name, kTakes);
  for (const Argument& argument : given)
    if (!argument.word.empty() || array_of(argument)) return takes(name, kTakes);
  const Argument* otherwise = given.size() == 3 ? &given[2] : nullptr;
  if (const double* condition = number_of(given[0])) {
    if (*condition != 0) return given[1].value;
    if (otherwise) return otherwise->value;
    const Series* shape = series_of(given[1]);
    return Value(Series{.label = "", .period = shape ? shape->period : range.period, .points = {}});
  }
  const auto at = [](const Argument& argument, Timestamp time) -> std::optional<double> {
    if (const double* number = number_of(argument)) return *number;
    const double* value = series_of(argument)->at(time);
    return value ? std::optional(*value) : std::nullopt;
  };
  return Value(map_points(*series_of(given[0]), [&](const Point& point) -> std::optional<double> {
    if (point.second != 0) return at(given[1], point.first).value_or(0);
    return otherwise ? at(*otherwise, point.first) : std::nullopt;
  }));
}

const std::map<std::string, Function, std::less<>> kFunctions = {
    {"ABS", pointwise<absolute>},
    {"AVG", summary_of<Summary::average>},
    {"CEIL", pointwise<ceiling>},
    {"DATAPOINT_COUNT", summary_of<Summary::count>},
    {"DATE", date_part<day_of_month>},
    {"DAY", date_part<weekday_of>},
    {"DIFF", stepwise<difference>},
    {"DIFF_TIME", stepwise<seconds_between>},
    {"EPOCH", date_part<epoch_of>},
    {"FILL", filled},
    {"FIRST", end_of<true>},
    {"FLOOR", pointwise<floored>},
    {"HOUR", date_part<hour_of>},
    {"IF", conditional},
    {"LAST", end_of<false>},
    {"LOG", pointwise<natural_log>},
    {"LOG10", pointwise<decimal_log>},
    {"MAX", summary_of<Summary::maximum>},
    {"METRIC_COUNT", metric_count},
    {"MIN", summary_of<Summary::minimum>},
    {"MINUTE", date_part<minute_of>},
    {"MONTH", date_part<month_of>},
    {"PERIOD", period},
    {"RATE", stepwise<rate>},
    {"REMOVE_EMPTY", remove_empty},
    {"RUNNING_SUM", running_sum},
    {"SLICE", slice},
    {"SORT", sort},
    {"STDDEV", summary_of<Summary::deviation>},
    {"SUM", summary_of<Summary::sum>},
    {"TIME_SERIES", time_series},
    {"YEAR", date_part<year_of>},
};

constexpr std::string_view kRefused[] = {"ANOMALY_DETECTION_BAND", "DB_PERF_INSIGHTS", "INSIGHT_RULE_METRIC", "LAMBDA",
                                         "SERVICE_QUOTA"};

double reckon(std::string_view meaning, double a, double b) {
  if (meaning == "+") return a + b;
  if (meaning == "-") return a - b;
  if (meaning == "*") return a * b;
  if (meaning == "/") return a / b;  // by zero: not finite, and so dropped
  if (meaning == "^") return std::pow(a, b);
  if (meaning == "==") return a == b ? 1 : 0;
  if (meaning == "!=") return a != b ? 1 : 0;
  if (meaning == "<") return a < b ? 1 : 0;
  if (meaning == "<=") return a <= b ? 1 : 0;
  if (meaning == ">") return a > b ? 1 : 0;
  if (meaning == ">=") return a >= b ? 1 : 0;
  if (meaning == "AND") return a != 0 && b != 0 ? 1 : 0;
  return a != 0 || b != 0 ? 1 : 0;
}

// Of two that are not arrays.
Value combine_two(std::string_view meaning, const Value& left, const Value& right) {
  const auto* a = std::get_if<Series>(&left);
  const auto* b = std::get_if<Series>(&right);
  if (a && b) return join(*a, *b, [&](double x, double y) { return reckon(meaning, x, y); });
  if (a) {
    const double y = std::get<double>(right);
    if (std::isnan(y)) return Series{.label = a->label, .period = a->period, .points = {}};
    return map_points(*a, [&](const Point& point) { return std::optional(reckon(meaning, point.second, y)); });
  }
  const double x = std::get<double>(left);
  if (!b) return reckon(meaning, x, std::get<double>(right));
  if (std::isnan(x)) return Series{.label = b->label, .period = b->period, .points = {}};
  return map_points(*b, [&](const Point& point) { return std::optional(reckon(meaning, x, point.second)); });
}

}  // namespace

Result<Value> each_value(const Value& value, const std::function<std::optional<double>(double)>& f) {
  if (const auto* number = std::get_if<double>(&value)) return Value(f(*number).value_or(kNone));
  const auto mapped = [&](const Series& series) {
    return map_points(series, [&](const Point& point) { return f(point.second); });
  };
  if (const auto* series = std::get_if<Series>(&value)) return Value(mapped(*series));
  Array out;
  for (const Series& series : std::get<Array>(value)) out.push_back(mapped(series));
  return Value(std::move(out));
}

Result<Value> combine(std::string_view meaning, const Value& left, const Value& right) {
  const auto* a = std::get_if<Array>(&left);
  const auto* b = std::get_if<Array>(&right);
  if (!a && !b) return combine_two(meaning, left, right);
  if (a && b && a->size() != b->size())
    return fail("ValidationError", "The operands of {} are arrays of {} and {} time series", meaning, a->size(),
                b->size());
  Array out;
  for (std::size_t i = 0; i < (a ? a : b)->size(); ++i)
    out.push_back(std::get<Series>(combine_two(meaning, a ? Value((*a)[i]) : left, b ? Value((*b)[i]) : right)));
  return Value(std::move(out));
}

Result<Value> call_function(const std::string& name, const std::vector<Argument>& arguments, const Range& range) {
  if (const auto found = kFunctions.find(name); found != kFunctions.end()) return found->second(name, arguments, range);
  if (std::ranges::find(kRefused, name) != std::end(kRefused))
    return fail("ValidationError", "Brume does not have the function {}()", name);
  return fail("ValidationError", "There is no function {}()", name);
}

}  // namespace brume::cloudwatch::expression
