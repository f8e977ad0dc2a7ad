#include "services/ec2/instance_metrics.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>

#include "services/ec2/instance_usage.h"
#include "services/ec2/instances_testing.h"

namespace brume::ec2 {
namespace {

using std::chrono::milliseconds;
using std::chrono::minutes;
using std::chrono::seconds;

double value_of(const MeasuredValues& values, std::string_view name) {
  return values.at(
      std::size_t(std::ranges::find(kInstanceMetrics, name, &InstanceMetric::name) - kInstanceMetrics.begin()));
}

TEST(InstanceUsage, OneMinuteOfTwoProcessors) {
  const InstanceType& type = *find_instance_type("t3.micro");
  compute::Usage before{.cpu_time = seconds(100), .network_in_bytes = 10};
  compute::Usage now{.cpu_time = seconds(160), .memory_bytes = 512LL << 20, .network_in_bytes = 1010};
  const auto measured = measure(before, now, minutes(1), type);
  const auto value = [&](std::string_view name) { return value_of(measured, name); };
  EXPECT_DOUBLE_EQ(value("CPUUtilization"), 50);
  EXPECT_DOUBLE_EQ(value("NetworkIn"), 1000);
  EXPECT_DOUBLE_EQ(value("mem_used_percent"), 50);
  EXPECT_DOUBLE_EQ(value("StatusCheckFailed"), 0);
}

TEST(InstanceUsage, CountersThatBeganAnew) {
  const compute::Usage before{.cpu_time = seconds(100), .network_in_bytes = 1000};
  const compute::Usage now{.cpu_time = seconds(30), .network_in_bytes = 7};
  EXPECT_DOUBLE_EQ(cpu_percent(before, now, minutes(1), 1), 50);
  EXPECT_DOUBLE_EQ(value_of(measure(before, now, minutes(1), *find_instance_type("t3.micro")), "NetworkIn"), 7);
}

TEST(InstanceUsage, OneThatIsNotThereFailsItsCheckAndTellsNoMore) {
  const auto measured = measure({}, std::nullopt, minutes(1), *find_instance_type("t3.micro"));
  EXPECT_EQ(std::ranges::count_if(measured, [](double value) { return !std::isnan(value); }), 3);
  EXPECT_EQ(value_of(measured, "StatusCheckFailed"), 1);
  EXPECT_EQ(value_of(measured, "StatusCheckFailed_Instance"), 1);
  EXPECT_EQ(value_of(measured, "StatusCheckFailed_System"), 0);
}

class InstanceMetricsTest : public testing::Region {
 protected:
  // The instance keeps `processors` processors busy for a while.
  void work(const std::string& id, double processors, seconds time) {
    for (seconds passed{}; passed < time; passed += seconds(1)) {
      machine.used[id].cpu_time += milliseconds(int(processors * 1000));
      run_for(seconds(1));
    }
  }
  std::string launch_monitored(bool detailed) {
    auto request = launch_of(make_image());
    request.Monitoring.emplace().Enabled = detailed;
    const std::string id = launch(request);
    run_for(seconds(2));
    return id;
  }
};

TEST_F(InstanceMetricsTest, DetailedMonitoringPublishesEachMinute) {
  const std::string id = launch_monitored(true);
  work(id, 1, minutes(3));
  const auto cpu = metrics.of("CPUUtilization", {{"InstanceId", id}});
  ASSERT_GE(cpu.size(), 2u);
  EXPECT_NEAR(cpu[1].sum, 50, 1);  // one of two processors
  EXPECT_EQ(cpu[1].count, 1);
  EXPECT_EQ(cpu[1].time - cpu[0].time, minutes(1));
  EXPECT_EQ(cpu[1].time.time_since_epoch() % minutes(1), milliseconds(0));
  EXPECT_FALSE(metrics.of("CPUUtilization", {}).empty());
  EXPECT_FALSE(metrics.of("CPUUtilization", {{"InstanceType", "t3.micro"}}).empty());
}

TEST_F(InstanceMetricsTest, BasicMonitoringPublishesFiveMinutesAtOnce) {
  const std::string id = launch_monitored(false);
  work(id, 0.5, minutes(11));
  const auto cpu = metrics.of("CPUUtilization", {{"InstanceId", id}});
  ASSERT_GE(cpu.size(), 2u);
  EXPECT_EQ(cpu[1].count, 5);
  EXPECT_NEAR(cpu[1].sum / cpu[1].count, 25, 1);
  EXPECT_EQ(cpu[1].time - cpu[0].time, minutes(5));
  EXPECT_TRUE(metrics.of("CPUUtilization", {}).empty());
}

TEST_F(InstanceMetricsTest, AGroupsInstancesTogether) {
  const std::string a = launch_monitored(true), b = launch_monitored(true);
  for (const std::string& id : {a, b})
    ASSERT_TRUE(plane->store.transact([&] {
      return plane->network.tags.set(id, "instance", {Tag{.Key = "aws:autoscaling:groupName", .Value = "web"}});
    }));
  for (int second = 0; second < 120; ++second) {
    machine.used[a].cpu_time += seconds(2);
    run_for(seconds(1));
  }
  const auto cpu = metrics.of("CPUUtilization", {{"AutoScalingGroupName", "web"}});
  ASSERT_FALSE(cpu.empty());
  EXPECT_EQ(cpu.back().count, 2);
  EXPECT_NEAR(cpu.back().maximum, 100, 2);
  EXPECT_NEAR(cpu.back().minimum, 0, 1);
  EXPECT_EQ(cpu.back().values.size(), 2u);
}

TEST_F(InstanceMetricsTest, MonitoringIsTurnedOnAndOff) {
  const std::string id = launch_monitored(false);
  const auto on = call(&Api::MonitorInstances, MonitorInstancesRequest{.InstanceIds = {id}});
  ASSERT_TRUE(on) << on.error().message;
  EXPECT_EQ(on->InstanceMonitorings.at(0).Monitoring->State, "enabled");
  EXPECT_EQ(shown(id).Monitoring->State, "enabled");
  const auto off = call(&Api::UnmonitorInstances, UnmonitorInstancesRequest{.InstanceIds = {id}});
  ASSERT_TRUE(off);
  EXPECT_EQ(shown(id).Monitoring->State, "disabled");
  EXPECT_EQ(code(call(&Api::MonitorInstances, MonitorInstancesRequest{.InstanceIds = {"i-0123456789abcdef0"}})),
            "InvalidInstanceID.NotFound");
}

TEST_F(InstanceMetricsTest, TheLastSecondIsKnownToWhoAsks) {
  const std::string id = launch_monitored(false);
  work(id, 1, seconds(100));
  EXPECT_NEAR(plane->api.instance_metrics().loads().at(id).cpu_percent, 50, 3);  // of the last minute
  work(id, 2, seconds(3));
  EXPECT_NEAR(plane->api.instance_metrics().loads().at(id).cpu_percent, 100, 1);
}

TEST_F(InstanceMetricsTest, NobodyAsksAndTheMachineIsLookedAtOnceAMinute) {
  launch_monitored(false);
  run_for(minutes(2));
  const int looks = plane->driver.looks;
  run_for(minutes(10));
  EXPECT_EQ(plane->driver.looks - looks, 10);
  (void)plane->api.instance_metrics().loads();
  run_for(minutes(10));
  EXPECT_NEAR(plane->driver.looks - looks, 20 + 30, 2);  // each second for half a minute
}

// What an instance does before anybody looks at it counts, each time that it is started, and once.
TEST_F(InstanceMetricsTest, ItsFirstMinuteIsWhole) {
  auto request = launch_of(make_image());
  request.Monitoring.emplace().Enabled = true;
  const std::string id = launch(request);
  machine.used[id] = {.cpu_time = seconds(1), .network_in_bytes = 1000};
  run_for(minutes(2));
  const auto sum = [&](const char* name) {
    double all = 0;
    for (const auto& sample : metrics.of(name, {{"InstanceId", id}})) all += sample.sum;
    return all;
  };
  EXPECT_EQ(sum("NetworkIn"), 1000);
  EXPECT_GT(sum("CPUUtilization"), 0);
  ASSERT_TRUE(call(&Api::StopInstances, StopInstancesRequest{.InstanceIds = {id}}));
  run_for(minutes(2));
  const double cpu = sum("CPUUtilization");
  ASSERT_TRUE(call(&Api::StartInstances, StartInstancesRequest{.InstanceIds = {id}}));
  machine.used[id] = {.cpu_time = seconds(5), .network_in_bytes = 1500};
  run_for(minutes(2));
  EXPECT_EQ(sum("NetworkIn"), 1500);
  EXPECT_GT(sum("CPUUtilization"), cpu);
}

TEST_F(InstanceMetricsTest, WhatItUsedBeforeTheDaemonBeganIsNotCounted) {
  const std::string id = launch_monitored(true);
  machine.used[id].network_in_bytes = 1000;
  restart();
  metrics.samples.clear();
  run_for(minutes(3));
  for (const auto& sample : metrics.of("NetworkIn", {{"InstanceId", id}})) EXPECT_EQ(sample.sum, 0);
  EXPECT_FALSE(metrics.of("NetworkIn", {{"InstanceId", id}}).empty());
}

TEST_F(InstanceMetricsTest, WhatAnInstanceDidBeforeItWentIsPublished) {
  const std::string id = launch_monitored(false);
  const minutes into(5 - sim.clock.wall().time_since_epoch() / minutes(1) % 5);
  run_for(into);  // an interval begins
  work(id, 1, minutes(2));
  ASSERT_TRUE(call(&Api::TerminateInstances, TerminateInstancesRequest{.InstanceIds = {id}}));
  run_for(minutes(5));
  const auto cpu = metrics.of("CPUUtilization", {{"InstanceId", id}});
  ASSERT_FALSE(cpu.empty());
  EXPECT_EQ(cpu.back().count, 2);
  EXPECT_NEAR(cpu.back().sum, 100, 2);
}

TEST_F(InstanceMetricsTest, AClockThatJumpsLosesNothingAndInventsNothing) {
  const std::string id = launch_monitored(true);
  work(id, 1, minutes(2));
  sim.clock.jump_wall(std::chrono::hours(1));
  work(id, 1, minutes(2));
  for (const auto& sample : metrics.of("CPUUtilization", {{"InstanceId", id}})) {
    EXPECT_GE(sample.minimum, 45);
    EXPECT_LE(sample.maximum, 55);
  }
}

}  // namespace
}  // namespace brume::ec2
