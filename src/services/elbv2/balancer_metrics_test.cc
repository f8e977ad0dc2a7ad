#include "services/elbv2/balancer_metrics.h"

#include <gtest/gtest.h>

#include "env/sim.h"
#include "lb/latency.h"
#include "services/common/recorded_metrics.h"
#include "store/memory_backend.h"

namespace brume::elbv2 {
namespace {

using std::chrono::minutes;
using std::chrono::seconds;
using Dimensions = std::vector<std::pair<std::string, std::string>>;

const std::string kBalancer =
    "arn:aws:elasticloadbalancing:ap-southeast-1:000000000000:loadbalancer/app/web/0123456789abcdef";
const std::string kGroup = "arn:aws:elasticloadbalancing:ap-southeast-1:000000000000:targetgroup/web/fedcba9876543210";
const Dimensions kOfBalancer = {{"LoadBalancer", "app/web/0123456789abcdef"}};
const Dimensions kOfGroup = {{"TargetGroup", "targetgroup/web/fedcba9876543210"}};
const Dimensions kOfBoth = {kOfBalancer[0], kOfGroup[0]};

lb::Stats stats_of(std::int64_t requests, int healthy, int unhealthy = 0) {
  lb::Stats stats;
  for (int i = 0; i < healthy + unhealthy; ++i)
    stats.targets.push_back(
        {.target_group = kGroup, .target = std::to_string(i), .health = i < healthy ? "healthy" : "unhealthy"});
  stats.load_balancers.push_back({.load_balancer = kBalancer, .requests = requests, .target_2xx = requests});
  stats.target_groups.push_back({.target_group = kGroup,
                                 .requests = requests,
                                 .target_2xx = requests,
                                 .response_microseconds = requests * 2000,
                                 .response_times = {{std::int64_t(lb::latency_bucket(2000)), requests}}});
  return stats;
}

class BalancerMetricsTest : public ::testing::Test {
 protected:
  env::SimEnv sim;
  store::MemoryBackend backend;
  store::Store store{backend};
  services::Hints hints{sim.loop};
  services::RecordedMetrics sink;
  BalancerMetrics metrics{services::Context{sim.env, store, hints, "ap-southeast-1"}, sink,
                          [](const std::string&) { return std::vector<std::string>{kBalancer}; }};
};

TEST_F(BalancerMetricsTest, AMinuteIsTheDifferenceOfTwoReports) {
  metrics.start();
  metrics.on_stats(stats_of(1000, 2));
  sim.loop.run_for(seconds(30));
  metrics.on_stats(stats_of(1300, 2));
  sim.loop.run_for(seconds(40));
  const auto requests = sink.of("RequestCount", kOfBalancer);
  ASSERT_EQ(requests.size(), 1u);
  EXPECT_EQ(requests[0].sum, 300);
  EXPECT_EQ(requests[0].time, Timestamp(std::chrono::sys_days(std::chrono::January / 1 / 2026)));
  EXPECT_EQ(sink.of("RequestCountPerTarget", kOfGroup).at(0).sum, 150);
  EXPECT_EQ(sink.of("HTTPCode_Target_2XX_Count", kOfBoth).at(0).sum, 300);
  EXPECT_TRUE(sink.of("HTTPCode_Target_5XX_Count", kOfBalancer).empty());
  const auto time = sink.of("TargetResponseTime", kOfBalancer).at(0);
  EXPECT_DOUBLE_EQ(time.sum, 0.6);
  EXPECT_EQ(time.count, 300);
  EXPECT_NEAR(time.values.at(0).first, 0.002, 0.0001);
}

TEST_F(BalancerMetricsTest, NothingHappenedIsToldWhereThereAreTargets) {
  metrics.start();
  metrics.on_stats(stats_of(1000, 1, 1));
  sim.loop.run_for(minutes(1));
  EXPECT_EQ(sink.of("RequestCount", kOfBalancer).at(0).sum, 0);
  EXPECT_EQ(sink.of("HealthyHostCount", kOfBoth).at(0).maximum, 1);
  EXPECT_EQ(sink.of("UnHealthyHostCount", kOfBoth).at(0).sum, 1);
  EXPECT_TRUE(sink.of("TargetResponseTime", kOfBoth).empty());
  sink.samples.clear();
  metrics.on_stats(stats_of(1000, 0));
  sim.loop.run_for(minutes(1));
  EXPECT_TRUE(sink.samples.empty());
}

TEST_F(BalancerMetricsTest, AProcessThatBeganAnewCountsFromNothing) {
  metrics.start();
  metrics.on_stats(stats_of(1000, 2));
  metrics.on_stats(stats_of(70, 2));
  sim.loop.run_for(minutes(1));
  EXPECT_EQ(sink.of("RequestCount", kOfBalancer).at(0).sum, 70);
}

TEST_F(BalancerMetricsTest, ATargetThatWasUnhealthyForAMomentIsSeen) {
  metrics.start();
  metrics.on_stats(stats_of(0, 2));
  metrics.on_stats(stats_of(0, 1, 1));
  metrics.on_stats(stats_of(0, 2));
  sim.loop.run_for(minutes(1));
  const auto healthy = sink.of("HealthyHostCount", kOfBoth).at(0);
  EXPECT_EQ(healthy.minimum, 1);
  EXPECT_EQ(healthy.maximum, 2);
  EXPECT_EQ(healthy.count, 3);
}

TEST_F(BalancerMetricsTest, EachMinuteIsToldOnce) {
  metrics.start();
  metrics.on_stats(stats_of(0, 2));
  for (int minute = 1; minute <= 5; ++minute) {
    metrics.on_stats(stats_of(minute * 100, 2));
    sim.loop.run_for(minutes(1));
  }
  const auto requests = sink.of("RequestCount", kOfBalancer);
  ASSERT_EQ(requests.size(), 5u);
  for (const auto& one : requests) EXPECT_EQ(one.sum, 100);
  EXPECT_EQ(requests[4].time - requests[0].time, minutes(4));
}

}  // namespace
}  // namespace brume::elbv2
