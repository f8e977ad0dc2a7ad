#include "services/ec2/instance_metrics.h"

#include <gtest/gtest.h>

#include "services/ec2/instance_usage.h"
#include "services/ec2/instances_testing.h"

namespace brume::ec2 {
namespace {

using std::chrono::milliseconds;
using std::chrono::minutes;
using std::chrono::seconds;

TEST(InstanceUsage, OneMinuteOfTwoProcessors) {
  const InstanceType& type = *find_instance_type("t3.micro");
  compute::Usage before{.cpu_time = seconds(100), .network_in_bytes = 10};
  compute::Usage now{.cpu_time = seconds(160), .memory_bytes = 512LL << 20, .network_in_bytes = 1010};
  const auto measured = measure(before, now, minutes(1), type);
  const auto value = [&](std::string_view name) { return std::ranges::find(measured, name, &Measured::name)->value; };
  EXPECT_DOUBLE_EQ(value("CPUUtilization"), 50);
  EXPECT_DOUBLE_EQ(value("NetworkIn"), 1000);
  EXPECT_DOUBLE_EQ(value("mem_used_percent"), 50);
  EXPECT_DOUBLE_EQ(value("StatusCheckFailed"), 0);
}

TEST(InstanceUsage, CountersThatBeganAnew) {
  const compute::Usage before{.cpu_time = seconds(100), .network_in_bytes = 1000};
  const compute::Usage now{.cpu_time = seconds(30), .network_in_bytes = 7};
  EXPECT_DOUBLE_EQ(cpu_percent(before, now, minutes(1), 1), 50);
  for (const Measured& one : measure(before, now, minutes(1), *find_instance_type("t3.micro")))
    if (one.name == "NetworkIn") {
      EXPECT_DOUBLE_EQ(one.value, 7);
    }
}

TEST(InstanceUsage, OneThatIsNotThereFailsItsCheckAndTellsNoMore) {
  const auto measured = measure({}, std::nullopt, minutes(1), *find_instance_type("t3.micro"));
  ASSERT_EQ(measured.size(), 3u);
  EXPECT_EQ(measured[0], (Measured{"AWS/EC2", "StatusCheckFailed", "Count", 1}));
  EXPECT_EQ(measured[2], (Measured{"AWS/EC2", "StatusCheckFailed_System", "Count", 0}));
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

TEST_F(InstanceMetricsTest, TheLastSecondIsKnown) {
  const std::string id = launch_monitored(false);
  work(id, 2, seconds(3));
  EXPECT_NEAR(plane->api.instance_metrics().loads().at(id).cpu_percent, 100, 1);
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
