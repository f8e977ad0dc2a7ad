#include <cmath>

#include "services/logs/insights/insights_test.h"

namespace brume::logs::insights {
namespace {

std::vector<std::string> numbers(std::initializer_list<const char*> values) {
  std::vector<std::string> out;
  for (const char* value : values) out.push_back(fmt::format(R"({{"n":{}}})", value));
  return out;
}

TEST(InsightsStats, Aggregates) {
  const auto lines = numbers({"4", "\"-\"", "1", "null", "10", "2.5", "\"x\"", "-3"});
  const std::pair<const char*, const char*> cases[] = {{"count(*)", "8"},
                                                       {"count()", "8"},
                                                       {"count(n)", "7"},
                                                       {"count_distinct(n)", "7"},
                                                       {"sum(n)", "14.5"},
                                                       {"avg(n)", "2.9"},
                                                       {"min(n)", "-3"},
                                                       {"max(n)", "10"},
                                                       {"stddev(n)", "4.2474"},
                                                       {"pct(n, 50)", "2.5"},
                                                       {"median(n)", "2.5"},
                                                       {"percentile(n, 100)", "10"},
                                                       {"pct(n, 0)", "-3"},
                                                       {"earliest(n)", "4"},
                                                       {"latest(n)", "-3"},
                                                       {"sortsFirst(n)", "-"},
                                                       {"sortsLast(n)", "10"},
                                                       {"avg(n * 2) + 1", "6.8"},
                                                       {"sum(none)", ""},
                                                       {"count(none)", "0"},
                                                       {"count(n) * 100.0 / count(*)", "87.5"},
                                                       {"max(@timestamp)", "2019-05-25 10:24:46.474"},
                                                       {"min(strlen(n))", "1"}};
  for (const auto& [text, value] : cases)
    EXPECT_EQ(answer(fmt::format("stats {} as x", text), lines), *value == 0 ? "" : fmt::format("x={}", value)) << text;
  EXPECT_EQ(answer("stats count(*)", std::vector<std::string>{}), "");
}

TEST(InsightsStats, GroupsByFieldsAndBins) {
  const std::vector<Event> all = {{kNow, R"({"t":"a"})"},
                                  {kNow + 3'600'000, R"({"t":"b"})"},
                                  {kNow + 3'600'500, R"({})"},
                                  {kNow + 3'700'000, R"({"t":"b"})"}};
  EXPECT_EQ(answer("stats count(*) by bin(1h)", all),
            "bin(1h)=2019-05-25 11:00:00.000 count(*)=3; bin(1h)=2019-05-25 10:00:00.000 count(*)=1");
  EXPECT_EQ(answer("stats count(*) as n by t, bin(1h) as hour | sort n desc, t | display t, n", all),
            "t=b n=2; n=1; t=a n=1");
  EXPECT_EQ(answer("stats count(*) by strlen(t) > 0", all), "strlen(t) > 0=0 count(*)=1; strlen(t) > 0=1 count(*)=3");
  // Numbers and texts that look the same are the same group.
  EXPECT_EQ(answer("stats count(*) by s", std::vector<std::string>{R"({"s":200})", R"({"s":"200"})"}),
            "s=200 count(*)=2");
}

TEST(InsightsStats, ASecondStatsAggregatesTheFirst) {
  const std::vector<std::string> lines = {
      R"({"ip":"1","session":"a","platform":"x"})", R"({"ip":"2","session":"a","platform":"x"})",
      R"({"ip":"1","session":"b","platform":"x"})", R"({"ip":"3","session":"c","platform":"y"})",
      R"({"ip":"4","session":"c","platform":"y"})", R"({"ip":"4","session":"c","platform":"y"})"};
  EXPECT_EQ(
      answer("STATS count_distinct(ip) AS session_ips, count(*) AS requests BY session, platform"
             "| FILTER session_ips > 1"
             "| STATS count(*) AS multiple_ip_sessions, sum(requests) / count(*) AS avg_session_requests BY platform",
             lines),
      "platform=x multiple_ip_sessions=1 avg_session_requests=2; platform=y multiple_ip_sessions=1 "
      "avg_session_requests=3");
  EXPECT_EQ(answer("FIELDS strlen(@message) AS l | STATS sum(l) AS s BY BIN(2s) as @t"
                   "| STATS max(s) AS peak, min(s), avg(s) BY dateceil(@t, 10m)",
                   lines),
            "dateceil(@t, 10m)=2019-05-25 10:30:00.000 peak=78 min(s)=39 avg(s)=58.5");
  EXPECT_EQ(answer("stats count(*) by session | stats max(`count(*)`), min(count( * ))", lines),
            "max(`count(*)`)=3 min(count( * ))=1");
  EXPECT_EQ(
      answer("stats count(*) by session | filter count(*) > 1 | sort count(*) desc | fields count(*) * 2 as twice",
             lines),
      "session=c count(*)=3 twice=6; session=a count(*)=2 twice=4");
  EXPECT_EQ(answer("stats count(*) by bin(1s) | sort bin(1s) asc | limit 1", lines),
            "bin(1s)=2019-05-25 10:24:39.000 count(*)=1");
}

TEST(InsightsStats, PercentilesStayWithinHalfAPercent) {
  Quantiles all, first, second;
  for (int i = 1; i <= 10'000; ++i) {
    const double number = double(i * 7919 % 10'007) - 2000;
    all.add(number);
    (i % 2 == 0 ? first : second).add(number);
  }
  first.merge(second);
  std::vector<double> sorted;
  for (int i = 1; i <= 10'000; ++i) sorted.push_back(double(i * 7919 % 10'007) - 2000);
  std::ranges::sort(sorted);
  for (const double percent : {0.0, 1.0, 10.0, 50.0, 90.0, 99.0, 99.9, 100.0}) {
    const double exact = sorted[std::size_t(std::max(1.0, std::ceil(percent * 100)) - 1)];
    EXPECT_NEAR(all.at(percent), exact, std::abs(exact) * 0.005 + 1e-9) << percent;
    EXPECT_EQ(first.at(percent), all.at(percent)) << percent;
  }
}

TEST(InsightsStats, DistinctValuesStayWithinAFewPercent) {
  Distinct all, first, second;
  for (int i = 0; i < 4096; ++i) first.add(fmt::format("v{}", i));
  EXPECT_EQ(first.count(), 4096);
  for (int i = 0; i < 300'000; ++i) {
    all.add(fmt::format("v{}", i % 100'000));
    if (i >= 4096) second.add(fmt::format("v{}", i % 100'000));
  }
  EXPECT_NEAR(all.count(), 100'000, 3000);
  first.merge(second);
  EXPECT_EQ(first.count(), all.count());
}

}  // namespace
}  // namespace brume::logs::insights
