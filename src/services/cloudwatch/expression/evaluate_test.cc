#include "services/cloudwatch/expression/evaluate.h"

#include <gtest/gtest.h>

#include <limits>
#include <map>

#include "services/cloudwatch/error_of_test.h"

namespace brume::cloudwatch::expression {
namespace {

using std::chrono::minutes;

const Timestamp kStart = *parse_iso8601("2026-11-24T10:00:00Z");  // a Tuesday
constexpr double kGap = std::numeric_limits<double>::infinity();

// Series of five minutes, "-" where there is no value.
class FakeSource : public Source {
 public:
  FakeSource() {
    add("metric1", {30, 20, 0, 0, kGap});
    add("metric2", {20, kGap, 20, kGap, kGap});
    add("if1", {1, 1, 0, 0, kGap});
    add("if2", {30, kGap, 0, 0, 30});
    add("if3", {0, 0, 20, kGap, 20});
    add("gaps", {1, kGap, kGap, 7, kGap});
    add("empty", {kGap, kGap, kGap, kGap, kGap});
  }
  Result<Value> query(const std::string& id) override {
    if (!series_.contains(id)) return fail("ValidationError", "no {}", id);
    return Value(series_.at(id));
  }
  Result<Array> metrics(const std::string& contained) override {
    Array out;
    for (const auto& [id, series] : series_)
      if (id.find(contained) != std::string::npos) out.push_back(series);
    return out;
  }
  Result<Array> search(const Search& search, const std::string& statistic,
                       std::optional<std::chrono::seconds> period) override {
    searched = fmt::format("{} {} {}", search.metric_namespace.value_or("?"), statistic, period ? period->count() : 0);
    return Array{series_.at("metric1")};
  }
  std::string searched;

 private:
  void add(const std::string& id, const std::vector<double>& values) {
    Series series{.label = id, .period = minutes(1), .points = {}};
    for (std::size_t i = 0; i < values.size(); ++i)
      if (values[i] != kGap) series.points.emplace_back(kStart + minutes(i), values[i]);
    series_[id] = series;
  }
  std::map<std::string, Series> series_;
};

std::string show(const Series& series) {
  std::string out;
  for (int i = 0; i < 5; ++i) {
    const double* value = series.at(kStart + minutes(i));
    out += (i == 0 ? "" : " ") + (value ? fmt::format("{:.4g}", *value) : "-");
  }
  return out;
}

std::string come(std::string_view text) {
  FakeSource source;
  const auto tree = parse(text);
  if (!tree) return tree.error().message;
  const auto value = evaluate(*tree, source, {kStart, kStart + minutes(5), minutes(1)});
  if (!value) return value.error().message;
  if (const auto* number = std::get_if<double>(&*value)) return fmt::format("{:.4g}", *number);
  if (const auto* series = std::get_if<Series>(&*value)) return show(*series);
  std::string out;
  for (const Series& series : std::get<Array>(*value)) out += (out.empty() ? "" : " | ") + show(series);
  return "[" + out + "]";
}

struct Case {
  std::string_view expression, comes_to;
};

// The user guide's own examples, then each function.
constexpr Case kCases[] = {
    {"metric1 < metric2", "0 0 1 0 -"},
    {"metric1 >= 30", "1 0 0 0 -"},
    {"metric1 > 15 AND metric2 > 15", "1 0 0 0 -"},
    {"metric1 > 15 || metric2 > 15", "1 1 1 0 -"},
    {"IF(if1, if2, if3)", "30 0 20 - -"},
    {"IF(if1, 5, if3)", "5 5 20 - -"},
    {"IF(if1, if2, 5)", "30 0 5 5 -"},
    {"IF(if1, if2)", "30 0 - - -"},
    {"IF(metric1 < 25, 10, 2)", "2 10 10 10 -"},
    {"IF(1, metric2)", "20 - 20 - -"},
    {"IF(0, metric2)", "- - - - -"},
    {"metric1 + metric2", "50 20 20 0 -"},
    {"metric1 - metric2", "10 20 -20 0 -"},
    {"metric1 / metric2", "1.5 - 0 - -"},
    {"1 / metric1", "0.03333 0.05 - - -"},
    {"metric1 * 2 ^ 2", "120 80 0 0 -"},
    {"-metric1", "-30 -20 -0 -0 -"},
    {"2 + 3 * 4", "14"},
    {"3 > 2", "1"},
    {"[metric1, metric2] * 2", "[60 40 0 0 - | 40 - 40 - -]"},
    {"[metric1, metric2] - metric1", "[0 0 0 0 - | -10 -20 20 0 -]"},
    {"[metric1, metric2] + [metric2, metric1]", "[50 20 20 0 - | 50 20 20 0 -]"},
    {"ABS(-metric1)", "30 20 0 0 -"},
    {"CEIL(metric1 / 7)", "5 3 0 0 -"},
    {"FLOOR(metric1 / 7)", "4 2 0 0 -"},
    {"LOG10(metric1 * 10 / 3)", "2 1.824 - - -"},
    {"AVG(metric1)", "12.5"},
    {"SUM(metric1)", "50"},
    {"MIN(metric1)", "0"},
    {"MAX(metric1)", "30"},
    {"STDDEV(metric2)", "0"},
    {"DATAPOINT_COUNT(metric1)", "4"},
    {"SUM([metric1, metric2])", "50 20 20 0 -"},
    {"AVG([metric1, metric2])", "25 10 10 0 -"},
    {"MIN([metric1, metric2])", "20 20 0 0 -"},
    {"DATAPOINT_COUNT([metric1, metric2])", "2 1 2 1 -"},
    {"METRIC_COUNT(METRICS(\"metric\"))", "2"},
    {"SUM(METRICS('metric'))", "50 20 20 0 -"},
    {"DIFF(metric1)", "- -10 -20 0 -"},
    {"RATE(metric1)", "- -0.1667 -0.3333 0 -"},
    {"DIFF_TIME(metric2)", "- - 120 - -"},
    {"RUNNING_SUM(metric1)", "30 50 50 50 -"},
    {"FILL(gaps, 0)", "1 0 0 7 0"},
    {"FILL(gaps, REPEAT)", "1 1 1 7 7"},
    {"FILL(gaps, LINEAR)", "1 3 5 7 -"},
    {"FILL(gaps, metric1)", "1 20 0 7 -"},
    {"FILL(empty, 3)", "3 3 3 3 3"},
    {"FIRST([metric1, metric2])", "30 20 0 0 -"},
    {"LAST([metric1, metric2])", "20 - 20 - -"},
    {"SORT([gaps, metric1, empty, metric2], SUM, DESC)", "[30 20 0 0 - | 20 - 20 - - | 1 - - 7 - | - - - - -]"},
    {"SORT([metric1, gaps], MAX, ASC, 1)", "[1 - - 7 -]"},
    {"SLICE([metric1, metric2, gaps], 1)", "[20 - 20 - - | 1 - - 7 -]"},
    {"SLICE([metric1, metric2, gaps], 0, 1)", "[30 20 0 0 -]"},
    {"REMOVE_EMPTY([metric2, empty])", "[20 - 20 - -]"},
    {"TIME_SERIES(4)", "4 4 4 4 4"},
    {"PERIOD(metric1)", "60"},
    {"metric1 / PERIOD(metric1)", "0.5 0.3333 0 0 -"},
    {"MINUTE(metric2)", "0 1 2 3 4"},
    {"HOUR(metric2)", "10 10 10 10 10"},
    {"DAY(metric2)", "2 2 2 2 2"},
    {"DATE(metric2)", "24 24 24 24 24"},
    {"MONTH(metric2)", "11 11 11 11 11"},
    {"YEAR(metric2)", "2026 2026 2026 2026 2026"},
    {"EPOCH(metric2) - 1795514400", "0 60 120 180 240"},
    {"metric1 - MAX(empty)", "- - - - -"},
    {"nothing", "no nothing"},
    {"AVG", "'AVG' is not a value; ids of metrics begin with a small letter"},
    {"SERVICE_QUOTA(metric1)", "Brume does not have the function SERVICE_QUOTA()"},
    {"ANOMALY_DETECTION_BAND(metric1)", "Brume does not have the function ANOMALY_DETECTION_BAND()"},
    {"MEDIAN(metric1)", "There is no function MEDIAN()"},
    {"AVG(1)", "AVG() takes a time series, or an array of them"},
    {"[metric1, 2]", "An array holds time series; '2' is a number"},
    {"[metric1] + [metric1, metric2]", "The operands of + are arrays of 1 and 2 time series"},
    {"SEARCH('x')", "SEARCH() takes a search in quotes, a statistic in quotes, and a period"},
};

TEST(Expression, ComesTo) {
  for (const Case& c : kCases) EXPECT_EQ(come(c.expression), c.comes_to) << c.expression;
}

TEST(Expression, Searches) {
  FakeSource source;
  const auto value = evaluate(*parse("SUM(SEARCH('{AWS/EC2, InstanceId} CPU', 'Average', 60))"), source,
                              {kStart, kStart + minutes(5)});
  ASSERT_TRUE(value);
  EXPECT_EQ(source.searched, "AWS/EC2 Average 60");
  EXPECT_EQ(show(std::get<Series>(*value)), "30 20 0 0 -");
}

TEST(Expression, IsBounded) {
  FakeSource source;
  const Range year{kStart, kStart + std::chrono::days(365), minutes(1)};
  EXPECT_FALSE(evaluate(*parse("TIME_SERIES(1)"), source, year));
  const Range fits{kStart, kStart + minutes(100'000), minutes(1)};
  EXPECT_TRUE(evaluate(*parse("TIME_SERIES(1)"), source, fits));
  std::string many = "TIME_SERIES(1)";
  for (int i = 0; i < 30; ++i) many += "+TIME_SERIES(1)";
  EXPECT_EQ(error_of(evaluate(*parse(many), source, fits)).message,
            "The expression needs more than 2000000 datapoints");
  std::string array = "METRICS()";
  for (int i = 0; i < 80; ++i) array += ",METRICS()";
  EXPECT_EQ(error_of(evaluate(*parse("[" + array + "]"), source, {kStart, kStart + minutes(5)})).message,
            "The expression makes an array of more than 500 time series");
}

}  // namespace
}  // namespace brume::cloudwatch::expression
