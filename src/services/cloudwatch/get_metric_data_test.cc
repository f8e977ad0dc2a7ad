// GetMetricData against metrics in memory.
#include "services/cloudwatch/alarm_world_test.h"
#include "services/cloudwatch/error_of_test.h"

namespace brume::cloudwatch {
namespace {

using std::chrono::minutes;

class MetricDataTest : public AlarmWorld {
 protected:
  MetricDataTest() {
    for (int i = 0; i < 10; ++i) {
      metrics.put({"App", "Load", {}}, start + minutes(i), i);
      metrics.put({"App", "Errors", {{"Host", "a"}}}, start + minutes(i), 10 * i);
      metrics.put({"App", "Errors", {{"Host", "b"}}}, start + minutes(i), 100);
    }
  }
  static MetricDataQuery metric(const std::string& id, const std::string& name, const std::string& host = "") {
    MetricDataQuery query;
    query.Id = id;
    Metric asked{"App", name, {}};
    if (!host.empty()) asked.Dimensions = {{"Host", host}};
    query.MetricStat = MetricStat{asked, 60, "Average", {}};
    return query;
  }
  static MetricDataQuery maths(const std::string& id, const std::string& expression) {
    MetricDataQuery query;
    query.Id = id;
    query.Expression = expression;
    return query;
  }
  Result<GetMetricDataOutput> get(std::vector<MetricDataQuery> queries,
                                  const std::function<void(GetMetricDataInput&)>& change = {}) {
    GetMetricDataInput request;
    request.MetricDataQueries = List<MetricDataQuery>(std::move(queries));
    request.StartTime = start;
    request.EndTime = start + minutes(10);
    request.ScanBy = "TimestampAscending";
    if (change) change(request);
    return call(&AlarmOperations::GetMetricData, request);
  }
  std::string refusal(std::vector<MetricDataQuery> queries,
                      const std::function<void(GetMetricDataInput&)>& change = {}) {
    return error_of(get(std::move(queries), change)).message;
  }

  const Timestamp start = *parse_iso8601("2026-01-01T10:00:00Z");
};

TEST_F(MetricDataTest, MetricsAndMaths) {
  MetricDataQuery hidden = metric("m2", "Errors", "a");
  hidden.ReturnData = false;
  const auto out = get({metric("m1", "Load"), hidden, maths("e1", "m1 + m2"), maths("e2", "MAX(METRICS()) - e1")});
  ASSERT_TRUE(out) << out.error().message;
  ASSERT_EQ(out->MetricDataResults.size(), 3U);
  EXPECT_EQ(out->MetricDataResults[0].Id, "m1");
  EXPECT_EQ(out->MetricDataResults[0].Label, "Load");
  EXPECT_EQ(out->MetricDataResults[0].StatusCode, "Complete");
  EXPECT_EQ(out->MetricDataResults[1].Label, "e1");
  EXPECT_EQ(out->MetricDataResults[1].Values[3], 33);
  EXPECT_EQ(out->MetricDataResults[2].Values[3], -3);
  EXPECT_EQ(out->MetricDataResults[2].Timestamps[3], start + minutes(3));
}

TEST_F(MetricDataTest, NewestFirstUnlessAsked) {
  const auto out = get({metric("m1", "Load")}, [](GetMetricDataInput& r) { r.ScanBy.reset(); });
  EXPECT_EQ(out->MetricDataResults[0].Values.front(), 9);
}

TEST_F(MetricDataTest, PagesHoldSoManyDatapoints) {
  std::map<std::string, std::size_t> seen;
  std::optional<std::string> token;
  int pages = 0;
  do {
    const auto page = get({metric("m1", "Load"), metric("m2", "Errors", "b")}, [&](GetMetricDataInput& r) {
      r.MaxDatapoints = 8;
      r.NextToken = token;
    });
    ASSERT_TRUE(page);
    std::size_t points = 0;
    for (const MetricDataResult& result : page->MetricDataResults) {
      seen[*result.Id] += result.Values.size();
      points += result.Values.size();
    }
    EXPECT_LE(points, 8U);
    EXPECT_EQ(page->MetricDataResults[0].StatusCode, pages == 0 ? "PartialData" : "Complete");
    token = page->NextToken;
  } while (++pages < 10 && token);
  EXPECT_EQ(pages, 3);
  EXPECT_EQ(seen, (std::map<std::string, std::size_t>{{"m1", 10}, {"m2", 10}}));
  EXPECT_EQ(error_of(get({metric("m1", "Load")}, [](GetMetricDataInput& r) { r.NextToken = "nonsense"; })).code,
            "InvalidNextToken");
}

TEST_F(MetricDataTest, Searches) {
  MetricDataQuery search = maths("s", "SEARCH('{App,Host} MetricName=\"Errors\"', 'Sum', 60)");
  search.Label = "host";
  const auto out = get({search, maths("e", "SUM(s)")});
  ASSERT_TRUE(out) << out.error().message;
  ASSERT_EQ(out->MetricDataResults.size(), 3U);
  EXPECT_EQ(out->MetricDataResults[1].Id, "s");
  EXPECT_EQ(out->MetricDataResults[1].Label, "host Errors");
  EXPECT_EQ(out->MetricDataResults[2].Values[2], 120);
}

TEST_F(MetricDataTest, Labels) {
  MetricDataQuery query = metric("m1", "Errors", "a");
  query.Label = "${PROP('Dim.Host')} ${LABEL} max ${MAX} of ${PROP('Namespace')}, last at ${LAST_TIME}";
  const auto out = get({query}, [](GetMetricDataInput& r) { r.LabelOptions = LabelOptions{"+0130"}; });
  ASSERT_TRUE(out) << out.error().message;
  EXPECT_EQ(out->MetricDataResults[0].Label, "a Errors max 90 of App, last at 2026-01-01T11:39:00+01:30");
  query.Label = "${WEATHER}";
  EXPECT_EQ(refusal({query}), "Brume does not have ${WEATHER} in labels (query m1)");
}

TEST_F(MetricDataTest, RefusesWhatIsWrong) {
  EXPECT_EQ(
      refusal({metric("M1", "Load")}),
      "The value M1 for parameter MetricDataQueries.Id must begin with a small letter and hold letters, digits and _ "
      "only");
  EXPECT_EQ(refusal({metric("m", "Load"), metric("m", "Load")}),
            "The values for parameter Id in MetricDataQueries are not unique: m");
  EXPECT_EQ(refusal({maths("e", "e + 1")}), "Error in expression 'e': the query e refers to itself");
  EXPECT_EQ(refusal({maths("e", "m1")}), "Error in expression 'e': there is no query with the id m1");
  EXPECT_EQ(refusal({metric("m", "Load"), maths("e", "AVG(m)")}),
            "Error in expression 'e': it comes to a number; the result must be a time series or an array of them");
  EXPECT_EQ(refusal({maths("e", "SELECT AVG(CPUUtilization) FROM \"AWS/EC2\"")}),
            "Brume does not have Metrics Insights; Expression of e is a SELECT query");
  EXPECT_EQ(refusal({metric("m", "Load")}, [](GetMetricDataInput& r) { r.EndTime = r.StartTime; }),
            "The parameter StartTime must be less than the parameter EndTime.");
  EXPECT_EQ(refusal(std::vector<MetricDataQuery>(501, metric("m", "Load"))),
            "The collection MetricDataQueries must not have a size greater than 500.");
  MetricDataQuery odd = metric("m", "Load");
  odd.MetricStat->Period = 45;
  EXPECT_EQ(refusal({odd}),
            "The value 45 for parameter MetricDataQueries.MetricStat.Period must be 1, 5, 10, 20, 30 or a "
            "multiple of 60");
  MetricDataQuery both = metric("m", "Load");
  both.Expression = "1";
  EXPECT_EQ(refusal({both}), "The query m of MetricDataQueries must have either MetricStat or Expression");
}

TEST_F(MetricDataTest, ExpressionsMayUseEachOtherTenDeep) {
  std::vector<MetricDataQuery> queries = {metric("e0", "Load")};
  for (int i = 1; i <= 10; ++i) queries.push_back(maths(fmt::format("e{}", i), fmt::format("e{} + 1", i - 1)));
  std::ranges::reverse(queries);
  const auto out = get(queries);
  ASSERT_TRUE(out) << out.error().message;
  EXPECT_EQ(out->MetricDataResults[0].Values[0], 10);
  queries.insert(queries.begin(), maths("e11", "e10 + 1"));
  EXPECT_EQ(refusal(queries), "Error in expression 'e11': expressions use each other more than 10 deep");
}

}  // namespace
}  // namespace brume::cloudwatch
