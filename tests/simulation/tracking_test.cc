// Target tracking from the metrics of a group's instances to its size, as a launch template without a word on
// monitoring has it: five-minute samples and alarms on periods of a minute.
#include <gtest/gtest.h>

#include "world.h"

namespace brume::simulation {
namespace {

using std::chrono::minutes;
using std::chrono::seconds;

constexpr const char* kRegion = "eu-west-1";
constexpr double kBetween = 0.47;  // busy; between the two alarms of a target of 50

class Tracking : public testing::TestWithParam<int> {
 protected:
  Tracking() : world(std::uint64_t(GetParam())) {
    world.make_groups(kRegion, 1, {.min = 2, .max = 12, .desired = 4});
    autoscaling::PutScalingPolicyType policy;
    policy.AutoScalingGroupName = kGroup;
    policy.PolicyName = "cpu";
    policy.PolicyType = "TargetTrackingScaling";
    policy.TargetTrackingConfiguration.emplace().TargetValue = 50;
    policy.TargetTrackingConfiguration->PredefinedMetricSpecification.emplace().PredefinedMetricType =
        "ASGAverageCPUUtilization";
    const auto put = world.call([&] { return region().autoscaling.PutScalingPolicy(world.caller, policy); });
    EXPECT_TRUE(put) << put.error().message;
    // Somewhere within the five minutes that EC2 measures.
    live(minutes(20), kBetween);
    world.run_for(seconds(env::SimRandom(std::uint64_t(GetParam())).below(300)));
    EXPECT_EQ(desired(), 4);
  }

  daemon::Cloud::Region& region() { return **world.cloud().region(kRegion); }
  int desired() {
    const auto found = region().autoscaling.DescribeAutoScalingGroups(world.caller, {});
    return *found->AutoScalingGroups.at(0).DesiredCapacity;
  }
  // All of the group's instances are that busy, also those that come.
  void live(minutes time, double share) {
    for (seconds passed{}; passed < time; passed += seconds(15)) {
      const auto found = region().autoscaling.DescribeAutoScalingGroups(world.caller, {});
      for (const autoscaling::Instance& instance : found->AutoScalingGroups.at(0).Instances)
        if (instance.LifecycleState == "InService") world.driver.load(*instance.InstanceId, share);
      world.run_for(seconds(15));
    }
  }

  static constexpr const char* kGroup = "group-0000";
  World world;
};

TEST_P(Tracking, BasicMonitoringGrowsUnderLoadAndShrinksWithoutIt) {
  live(minutes(11), 0.9);
  EXPECT_GT(desired(), 4);
  live(minutes(15), kBetween);
  const int grown = desired();
  EXPECT_LE(grown, 12);
  live(minutes(40), kBetween);
  EXPECT_EQ(desired(), grown);
  live(minutes(25), 0.1);
  EXPECT_LT(desired(), grown);
}

INSTANTIATE_TEST_SUITE_P(Seeds, Tracking, testing::Range(1, 7));

}  // namespace
}  // namespace brume::simulation
