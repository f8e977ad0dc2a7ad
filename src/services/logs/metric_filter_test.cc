#include "services/logs/metric_filter.h"

#include <gtest/gtest.h>

namespace brume::logs {
namespace {

using services::MetricSample;
using std::chrono::minutes;
using std::chrono::seconds;
using Dimensions = std::vector<std::pair<std::string, std::string>>;

const Timestamp kNoon(std::chrono::hours(24 * 365 * 50 + 12));

Result<MetricExtraction> make(std::string_view pattern, MetricDefinition definition) {
  BRUME_TRY(parsed, FilterPattern::parse(pattern));
  return MetricExtraction::make(std::move(parsed), std::move(definition));
}
std::vector<MetricSample> samples(const MetricExtraction& extraction,
                                  const std::vector<std::pair<Timestamp, std::string_view>>& events) {
  MetricExtraction::Batch batch(extraction);
  for (const auto& [time, message] : events) batch.add(time, message);
  return batch.samples();
}
std::string error(std::string_view pattern, MetricDefinition definition) {
  const auto made = make(pattern, std::move(definition));
  if (made) return "none";
  EXPECT_EQ(made.error().code, "InvalidParameterException");
  return made.error().message;
}

TEST(MetricFilter, CountsMatchesAMinute) {
  const auto errors =
      make("ERROR", {.name = "Errors", .value = "1", .default_value = {}, .unit = "Count", .dimensions = {}});
  ASSERT_TRUE(errors);
  const auto out = samples(*errors, {{kNoon, "ERROR a"},
                                     {kNoon + seconds(59), "ERROR b"},
                                     {kNoon + seconds(30), "fine"},
                                     {kNoon + minutes(1), "fine"},
                                     {kNoon + minutes(2), "ERROR c"}});
  ASSERT_EQ(out.size(), 2u);
  EXPECT_EQ(out[0].name, "Errors");
  EXPECT_EQ(out[0].unit, "Count");
  EXPECT_EQ(out[0].time, kNoon);
  EXPECT_EQ(out[0].dimensions, Dimensions());
  EXPECT_EQ(out[0].sum, 2);
  EXPECT_EQ(out[0].count, 2);
  EXPECT_EQ(out[0].values, (std::vector<std::pair<double, double>>{{1, 2}}));
  EXPECT_EQ(out[1].time, kNoon + minutes(2));
  EXPECT_EQ(out[1].sum, 1);
  EXPECT_TRUE(samples(*errors, {}).empty());
}

TEST(MetricFilter, DefaultOnceAMinuteWithoutAMatch) {
  const auto errors =
      make("ERROR", {.name = "Errors", .value = "1", .default_value = 0.5, .unit = "", .dimensions = {}});
  ASSERT_TRUE(errors);
  const auto out = samples(
      *errors,
      {{kNoon, "fine"}, {kNoon + seconds(1), "ERROR"}, {kNoon + minutes(1), "fine"}, {kNoon + minutes(1), "fine too"}});
  ASSERT_EQ(out.size(), 2u);
  EXPECT_EQ(out[0].sum, 1);
  EXPECT_EQ(out[0].count, 1);
  EXPECT_EQ(out[1].time, kNoon + minutes(1));
  EXPECT_EQ(out[1].sum, 0.5);
  EXPECT_EQ(out[1].count, 1);
  EXPECT_TRUE(samples(*errors, {}).empty()) << "no events, no value";
}

TEST(MetricFilter, ValuesFromEvents) {
  const struct {
    std::string_view pattern;
    std::string value;
    std::vector<std::string_view> events;
    double sum, count, minimum, maximum;
  } cases[] = {
      {"{ $.latency = * }",
       "$.latency",
       {R"({"latency": 50, "requestType": "GET"})", R"({"latency": "25.5"})", R"({"latency": "slow"})", R"({"l": 1})"},
       75.5,
       2,
       25.5,
       50},
      {"[ip, ..., bytes]", "$bytes", {"a b 10", "a b 10", "a b -", "a b -2.5"}, 17.5, 3, -2.5, 10},
      {"[ip, ..., bytes]", "$2", {"a 7 10"}, 7, 1, 7, 7},
      {"{ $.a = 1 }", "-2e1", {R"({"a":1})", R"({"a":1})"}, -40, 2, -20, -20},
  };
  for (const auto& one : cases) {
    const auto extraction =
        make(one.pattern, {.name = "m", .value = one.value, .default_value = {}, .unit = "", .dimensions = {}});
    ASSERT_TRUE(extraction) << extraction.error().message;
    std::vector<std::pair<Timestamp, std::string_view>> events;
    for (const std::string_view event : one.events) events.emplace_back(kNoon, event);
    const auto out = samples(*extraction, events);
    ASSERT_EQ(out.size(), 1u) << one.pattern;
    EXPECT_EQ(out[0].sum, one.sum) << one.pattern;
    EXPECT_EQ(out[0].count, one.count) << one.pattern;
    EXPECT_EQ(out[0].minimum, one.minimum) << one.pattern;
    EXPECT_EQ(out[0].maximum, one.maximum) << one.pattern;
  }
}

TEST(MetricFilter, AMatchWithoutAValueIsAMatch) {
  const auto extraction =
      make("{ $.kind = a }", {.name = "m", .value = "$.n", .default_value = 0, .unit = "", .dimensions = {}});
  ASSERT_TRUE(extraction);
  EXPECT_TRUE(samples(*extraction, {{kNoon, R"({"kind": "a"})"}, {kNoon, R"({"kind": "b"})"}}).empty());
}

TEST(MetricFilter, DimensionsFromEvents) {
  const auto extraction = make("{ $.eventType = \"*\" && $.sourceIPAddress != 123.123.* }",
                               {.name = "m",
                                .value = "1",
                                .default_value = {},
                                .unit = "",
                                .dimensions = {{"type", "$.eventType"}, {"user", "$.user.name"}}});
  ASSERT_TRUE(extraction);
  const auto out =
      samples(*extraction, {{kNoon, R"({"eventType": "b", "sourceIPAddress": "1", "user": {"name": "u"}})"},
                            {kNoon, R"({"eventType": "a", "sourceIPAddress": "1"})"},
                            {kNoon, R"({"eventType": "a", "sourceIPAddress": "1", "user": {"name": ""}})"},
                            {kNoon, R"({"eventType": "é", "sourceIPAddress": "1"})"},
                            {kNoon, R"({"eventType": "b", "sourceIPAddress": "123.123.1"})"}});
  ASSERT_EQ(out.size(), 3u);
  EXPECT_EQ(out[0].dimensions, Dimensions()) << "what CloudWatch cannot have as a dimension is left out";
  EXPECT_EQ(out[1].dimensions, (Dimensions{{"type", "a"}}));
  EXPECT_EQ(out[1].sum, 2);
  EXPECT_EQ(out[2].dimensions, (Dimensions{{"type", "b"}, {"user", "u"}}));
  EXPECT_EQ(out[2].sum, 1);

  const auto server = make(
      "[ip, server, username, timestamp, request, status_code, bytes > 1000]",
      {.name = "m", .value = "$bytes", .default_value = {}, .unit = "Bytes", .dimensions = {{"server", "$server"}}});
  ASSERT_TRUE(server);
  const auto bytes = samples(
      *server, {{kNoon, R"(127.0.0.1 Prod frank [10/Oct/2000:13:25:15 -0700] "GET /index.html HTTP/1.0" 404 1534)"}});
  ASSERT_EQ(bytes.size(), 1u);
  EXPECT_EQ(bytes[0].dimensions, (Dimensions{{"server", "Prod"}}));
  EXPECT_EQ(bytes[0].sum, 1534);
}

TEST(MetricFilter, Errors) {
  const auto with = [](std::string value, std::map<std::string, std::string> dimensions,
                       std::optional<double> standard = {}) {
    return MetricDefinition{.name = "m",
                            .value = std::move(value),
                            .default_value = standard,
                            .unit = "",
                            .dimensions = std::move(dimensions)};
  };
  EXPECT_EQ(error("{ $.a = 1 }", with("$.b", {{"d", "$.c"}})), "none");
  EXPECT_EQ(error("ERROR", with("1", {{"d", "$.c"}})), "The specified filter pattern does not support dimensions");
  EXPECT_EQ(error("[a]", with("1", {{"d", "$a"}}, 0)),
            "Invalid metric transformation: dimensions and default value are mutually exclusive properties");
  EXPECT_EQ(error("[a]", with("1", {{"d", "$1"}, {"e", "$1"}, {"f", "$1"}, {"g", "$1"}})),
            "Invalid metric transformation: there are 4 dimensions, 3 are allowed");
  EXPECT_EQ(error("[a]", with("1", {{"d", "fixed"}})),
            "Invalid metric transformation: dimension value must be valid selector (dimension d: 'fixed')");
  EXPECT_EQ(error("{ $.a = 1 }", with("1", {{"d", "$.a.*"}})),
            "Invalid metric transformation: dimension value must be valid selector (dimension d: '$.a.*')");
  for (const char* name : {"", " ", ":a", "é"})
    EXPECT_EQ(error("[a]", with("1", {{name, "$a"}})).find("Invalid metric transformation: dimension name"), 0u)
        << name;
  for (const char* value : {"", "one", "$b", "$.a", "nan", "1x"})
    EXPECT_EQ(error("[a]", with(value, {})),
              fmt::format("Invalid metric transformation: metric value {} must be a number or a "
                          "selector of the filter pattern",
                          value));
  EXPECT_EQ(error("a", with("1", {}, std::numeric_limits<double>::infinity())),
            "Invalid metric transformation: the default value must be a finite number");
}

}  // namespace
}  // namespace brume::logs
