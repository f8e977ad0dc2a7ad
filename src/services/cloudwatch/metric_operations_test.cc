#include "services/cloudwatch/metric_operations.h"

#include <gtest/gtest.h>

#include "env/sim.h"
#include "services/cloudwatch/metric_data.h"
#include "services/cloudwatch/service.h"
#include "store/memory_backend.h"

namespace brume::cloudwatch {
namespace {

using std::chrono::minutes;
using std::chrono::seconds;

class MetricOperationsTest : public testing::Test {
 protected:
  void SetUp() override {
    ASSERT_TRUE(service.load());
    service.start();
  }
  Result<void> put(const PutMetricDataInput& input) {
    return store.transact([&] { return service.PutMetricData(call, input); });
  }
  Result<GetMetricStatisticsOutput> get(GetMetricStatisticsInput input) {
    if (!input.StartTime) input.StartTime = sim.clock.wall() - minutes(10);
    if (!input.EndTime) input.EndTime = sim.clock.wall() + minutes(1);
    if (!input.Period) input.Period = 60;
    return service.GetMetricStatistics(call, input);
  }

  env::SimEnv sim;
  store::MemoryBackend backend;
  store::Store store{backend};
  services::Hints hints{sim.loop};
  services::AlarmActions actions;
  Service service{services::Context{sim.env, store, hints, "eu-west-1"}, actions};
  aws::Call call;
};

TEST_F(MetricOperationsTest, AllThatIsWrongIsTold) {
  PutMetricDataInput input;
  input.Namespace = "Shop";
  input.MetricData = {{.MetricName = "a", .Value = 1, .StorageResolution = 7},
                      {.MetricName = "b"},
                      {.MetricName = "c", .Timestamp = sim.clock.wall() + std::chrono::hours(2), .Value = 1}};
  const auto refused = put(input);
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, "InvalidParameterValue");
  EXPECT_EQ(refused.error().message,
            "The parameter MetricData.member.1.StorageResolution must be a value in the set [ 1, 60 ].\n"
            "At least one of the parameters MetricData.member.2.Value, MetricData.member.2.Values or "
            "MetricData.member.2.StatisticValues must be specified.");
  EXPECT_TRUE(service.ListMetrics(call, {})->Metrics.empty());
}

TEST_F(MetricOperationsTest, TextsOfMetrics) {
  for (const char* good : {"a", "a:b", "AWS", "a b", "x/y~"}) EXPECT_TRUE(is_metric_text(good)) << good;
  for (const char* bad : {"", " ", ":a", "a\n", "\x7f", "\xC3\xA4", "a\x01"}) EXPECT_FALSE(is_metric_text(bad)) << bad;
}

TEST_F(MetricOperationsTest, StartsAreRoundedAsTheyAreKept) {
  PutMetricDataInput input;
  input.Namespace = "Shop";
  const Timestamp now = sim.clock.wall();  // at midnight
  for (int i = 1; i <= 10; ++i)
    input.MetricData.push_back({.MetricName = "a", .Timestamp = now - minutes(i), .Value = 1});
  ASSERT_TRUE(put(input));
  GetMetricStatisticsInput asked{.Namespace = "Shop", .MetricName = "a"};
  asked.Statistics = {"Sum"};
  asked.Period = 300;
  asked.StartTime = now - minutes(8) + seconds(30);
  asked.EndTime = now;
  // Periods begin at the whole minute of the start.
  const auto got = get(asked);
  ASSERT_TRUE(got);
  ASSERT_EQ(got->Datapoints.size(), 2U);
  EXPECT_EQ(got->Datapoints[0].Timestamp, now - minutes(8));
  EXPECT_EQ(got->Datapoints[0].Sum, 5);
  EXPECT_EQ(got->Datapoints[1].Sum, 3);
}

TEST_F(MetricOperationsTest, ServicesPutIntoAwssNamespaces) {
  const Timestamp now = sim.clock.wall();
  services::MetricSink& sink = service;
  sink.put("AWS/EC2", {services::one_value("CPUUtilization", {{"InstanceId", "i-1"}}, "Percent", now, 40),
                       {.name = "NetworkIn",
                        .dimensions = {{"InstanceId", "i-1"}},
                        .unit = "Bytes",
                        .time = now,
                        .sum = 30,
                        .count = 3,
                        .minimum = 5,
                        .maximum = 15,
                        .values = {}}});
  // A transaction that is undone takes them along; a full disk loses them and nothing else.
  EXPECT_FALSE(store.transact([&]() -> Result<void> {
    sink.put("AWS/EC2", {services::one_value("CPUUtilization", {{"InstanceId", "i-1"}}, "Percent", now, 90)});
    return fail("X", "no");
  }));
  backend.full = true;
  sink.put("AWS/EC2", {services::one_value("Lost", {}, "", now, 1)});
  backend.full = false;
  ListMetricsInput list;
  list.Namespace = "AWS/EC2";
  EXPECT_EQ(service.ListMetrics(call, list)->Metrics.size(), 2U);
  GetMetricStatisticsInput asked{.Namespace = "AWS/EC2", .MetricName = "CPUUtilization"};
  asked.Dimensions = {{"InstanceId", "i-1"}};
  asked.ExtendedStatistics = {"p99"};
  const auto cpu = get(asked);
  ASSERT_TRUE(cpu);
  ASSERT_EQ(cpu->Datapoints.size(), 1U);
  EXPECT_EQ(cpu->Datapoints[0].ExtendedStatistics.at("p99"), 40);
  EXPECT_EQ(cpu->Datapoints[0].Unit, "Percent");
  asked.MetricName = "NetworkIn";
  EXPECT_TRUE(get(asked)->Datapoints.empty());  // a set of different values has no percentiles
  asked.ExtendedStatistics.clear();
  asked.Statistics = {"Average"};
  EXPECT_EQ(get(asked)->Datapoints.at(0).Average, 10);
}

// EC2 publishes each instance's memory, as long as the instance's own agent does not.
TEST_F(MetricOperationsTest, AnAgentsMetricIsItsOwn) {
  services::MetricSink& sink = service;
  static constexpr services::MetricDefinition kMetrics[] = {{"AWS/EC2", "CPUUtilization", "Percent"},
                                                            {"CWAgent", "mem_used_percent", "Percent"}};
  const auto ec2_puts = [&](const char* id, double value) {
    services::MetricSubject instance{kMetrics, {{"InstanceId", id}}};
    services::MetricBatch batch(sim.clock.wall());
    for (std::size_t metric : {0, 1}) batch.add(instance, metric, value, 1, value, value, {{{value, 1.0}}});
    sink.put(batch);
  };
  const auto agent_puts = [&](const char* space, double value) {
    PutMetricDataInput input;
    input.Namespace = space;
    input.MetricData = {{.MetricName = "mem_used_percent", .Dimensions = {{"InstanceId", "i-1"}}, .Value = value}};
    ASSERT_TRUE(put(input));
  };
  const auto sum_of = [&](const char* id) {
    GetMetricStatisticsInput asked{.Namespace = "CWAgent", .MetricName = "mem_used_percent"};
    asked.Dimensions = {{"InstanceId", id}};
    asked.Statistics = {"Sum"};
    asked.Period = 3600;
    asked.StartTime = sim.clock.wall() - minutes(50);
    double sum = 0;
    for (const Datapoint& point : get(asked)->Datapoints) sum += *point.Sum;
    return sum;
  };
  ec2_puts("i-1", 1);
  agent_puts("Other", 1000);
  ec2_puts("i-1", 10);
  EXPECT_EQ(sum_of("i-1"), 11);
  agent_puts("CWAgent", 100);
  ec2_puts("i-1", 1000);
  ec2_puts("i-2", 1000);
  EXPECT_EQ(sum_of("i-1"), 111);
  EXPECT_EQ(sum_of("i-2"), 1000);
  // The agent has ended.
  sim.loop.run_for(minutes(11));
  ec2_puts("i-1", 1000);
  EXPECT_EQ(sum_of("i-1"), 1111);
}

TEST_F(MetricOperationsTest, PagesGoOnWhereTheyEnded) {
  PutMetricDataInput input;
  input.Namespace = "Shop";
  for (int i = 0; i < 700; ++i)
    input.MetricData.push_back({.MetricName = "a", .Dimensions = {{"N", fmt::format("{:03}", i)}}, .Value = 1});
  ASSERT_TRUE(put(input));
  const auto first = service.ListMetrics(call, {});
  ASSERT_EQ(first->Metrics.size(), 500U);
  ListMetricsInput next;
  next.NextToken = first->NextToken;
  const auto second = service.ListMetrics(call, next);
  ASSERT_EQ(second->Metrics.size(), 200U);
  EXPECT_EQ(second->Metrics.front().Dimensions.front().Value, "500");
  EXPECT_FALSE(second->NextToken);
  for (const char* token : {"x", "bTo=", "bTphYg=="}) {
    next.NextToken = token;
    EXPECT_EQ(service.ListMetrics(call, next).error().code, "InvalidParameterValue") << token;
  }
}

}  // namespace
}  // namespace brume::cloudwatch
