// A group of several instance types with weights keeps its units, whatever dies and whenever the control plane does.
#include <gtest/gtest.h>

#include <algorithm>
#include <map>

#include "services/common/capacity_units.h"
#include "world.h"

namespace brume::simulation {
namespace {

using std::chrono::hours;
using std::chrono::minutes;

// A group "web" that prefers t2.small, which counts 3, to t2.micro, which counts 1, to t2.medium, which counts 4.
class MixedWorld : public World {
 public:
  explicit MixedWorld(int min, int max, int desired, std::uint64_t seed = 1) : World(seed) {
    make_web(0, max, 0);
    autoscaling::UpdateAutoScalingGroupType request;
    request.AutoScalingGroupName = "web";
    request.MixedInstancesPolicy = policy({{"t2.small", "3"}, {"t2.micro", "1"}, {"t2.medium", "4"}});
    request.MinSize = min;
    request.DesiredCapacity = desired;
    const auto done = call([&] { return region().autoscaling.UpdateAutoScalingGroup(caller, request); });
    EXPECT_TRUE(done) << done.error().message;
  }
  static autoscaling::MixedInstancesPolicy policy(
      const std::vector<std::pair<const char*, std::optional<std::string>>>& types, const char* version = "1") {
    autoscaling::MixedInstancesPolicy made;
    auto& launch = made.LaunchTemplate.emplace();
    launch.LaunchTemplateSpecification.emplace().LaunchTemplateName = "web";
    launch.LaunchTemplateSpecification->Version = version;
    for (const auto& [type, weight] : types) {
      auto& one = launch.Overrides.emplace_back();
      one.InstanceType = type;
      one.WeightedCapacity = weight;
    }
    return made;
  }
  // Units by type of what is pending or in service.
  std::map<std::string, int> types() {
    std::map<std::string, int> found;
    for (const autoscaling::Instance& i : group().Instances)
      if (i.LifecycleState == "InService" || i.LifecycleState == "Pending")
        found[*i.InstanceType] += services::units_of(i);
    return found;
  }
  int units() {
    int sum = 0;
    for (const auto& [type, units] : types()) sum += units;
    return sum;
  }
  void set(int desired) {
    EXPECT_TRUE(call([&] { return region().autoscaling.SetDesiredCapacity(caller, {"web", desired}); }));
  }
};

using Types = std::map<std::string, int>;

TEST(Mixed, LaunchesUntilTheUnitsAreThere) {
  MixedWorld world(0, 20, 7);
  world.run_for(minutes(3));
  EXPECT_EQ(world.types(), (Types{{"t2.small", 9}}));
  EXPECT_EQ(world.instances().size(), 3U);
  EXPECT_EQ(world.driver.running(), 3U);
  const auto activities = world.activities();
  ASSERT_EQ(activities.size(), 3U);
  EXPECT_NE(activities[2].Cause->find("increasing the capacity from 6 to 9."), std::string::npos)
      << *activities[2].Cause;
  // What is above the desired capacity by less than an instance stays, more goes.
  world.set(8);
  world.run_for(minutes(10));
  EXPECT_EQ(world.units(), 9);
  world.set(6);
  world.run_for(minutes(10));
  EXPECT_EQ(world.units(), 6);
  EXPECT_NE(world.activities().back().Cause->find("shrinking the capacity from 9 to 6."), std::string::npos)
      << *world.activities().back().Cause;
}

TEST(Mixed, TriesTheNextTypeAtOnceAndThePreferredAgainLater) {
  MixedWorld world(0, 20, 0);
  autoscaling::UpdateAutoScalingGroupType one_zone;
  one_zone.AutoScalingGroupName = "web";
  one_zone.VPCZoneIdentifier = world.group().VPCZoneIdentifier->substr(0, world.group().VPCZoneIdentifier->find(','));
  ASSERT_TRUE(world.call([&] { return world.region().autoscaling.UpdateAutoScalingGroup(world.caller, one_zone); }));
  world.driver.fail_next_start({"InsufficientInstanceCapacity", "There is no room for another instance.", 500});
  world.set(3);
  world.run_for(std::chrono::seconds(30));
  EXPECT_EQ(world.types(), (Types{{"t2.micro", 3}}));
  EXPECT_EQ(
      std::ranges::count_if(world.activities(), [](const auto& activity) { return activity.StatusCode == "Failed"; }),
      1);
  world.run_for(minutes(5));
  world.set(6);
  world.run_for(minutes(5));
  EXPECT_EQ(world.types(), (Types{{"t2.micro", 3}, {"t2.small", 3}}));
  // What is preferred least is the first to go.
  world.set(3);
  world.run_for(minutes(10));
  EXPECT_EQ(world.types(), (Types{{"t2.small", 3}}));
}

TEST(Mixed, NewWeightsAreThoseOfRunningInstances) {
  MixedWorld world(0, 20, 6);
  world.run_for(minutes(3));
  ASSERT_EQ(world.instances().size(), 2U);
  autoscaling::UpdateAutoScalingGroupType request;
  request.AutoScalingGroupName = "web";
  request.MixedInstancesPolicy = MixedWorld::policy({{"t2.small", "2"}, {"t2.micro", "1"}});
  ASSERT_TRUE(world.call([&] { return world.region().autoscaling.UpdateAutoScalingGroup(world.caller, request); }));
  EXPECT_EQ(world.units(), 4);
  world.run_for(minutes(3));
  EXPECT_EQ(world.types(), (Types{{"t2.small", 6}}));
}

TEST(Mixed, ARefreshBringsAnotherPolicy) {
  MixedWorld world(0, 12, 6);
  world.run_for(minutes(3));
  autoscaling::StartInstanceRefreshType request;
  request.AutoScalingGroupName = "web";
  request.DesiredConfiguration.emplace().MixedInstancesPolicy =
      MixedWorld::policy({{"t2.medium", "4"}, {"t2.small", "3"}});
  request.Preferences.emplace().InstanceWarmup = 5;
  request.Preferences->SkipMatching = true;
  const auto run = [&] {
    const auto begun =
        world.call([&] { return world.region().autoscaling.StartInstanceRefresh(world.caller, request); });
    ASSERT_TRUE(begun) << begun.error().message;
    env::SimRandom random(3);
    for (int i = 0; i < 40; ++i) {
      world.run_for(std::chrono::milliseconds(random.below(5000)));
      if (random.below(3) == 0) world.crash();
      EXPECT_LE(world.units(), 6 + 4);
    }
    world.run_for(hours(1));
    autoscaling::DescribeInstanceRefreshesType describe;
    describe.AutoScalingGroupName = "web";
    const auto found = world.region().autoscaling.DescribeInstanceRefreshes(world.caller, describe);
    ASSERT_TRUE(found);
    EXPECT_EQ(found->InstanceRefreshes.front().Status, "Successful")
        << found->InstanceRefreshes.front().StatusReason.value_or("");
  };
  // Both types are of the new policy: nothing is to be done.
  run();
  EXPECT_EQ(world.driver.starts(), 2U);
  EXPECT_EQ(world.group().MixedInstancesPolicy->LaunchTemplate->Overrides.front().InstanceType, "t2.medium");
  request.Preferences->SkipMatching = false;
  run();
  EXPECT_EQ(world.types(), (Types{{"t2.medium", 8}}));
  EXPECT_EQ(world.driver.starts(), 4U);
}

class MixedCrashTest : public testing::TestWithParam<int> {};

TEST_P(MixedCrashTest, NothingIsLaunchedTwiceAndNothingIsLeftOver) {
  constexpr int kMin = 4, kMax = 14, kLargest = 4;
  MixedWorld world(kMin, kMax, 7, std::uint64_t(GetParam()));
  env::SimRandom random(std::uint64_t(GetParam()) * 1000003);
  for (int i = 0; i < 40; ++i) {
    world.run_for(std::chrono::milliseconds(random.below(3000)));
    switch (random.below(5)) {
      case 0:
        if (const auto alive = world.instances(); !alive.empty()) world.driver.kill(alive[random.below(alive.size())]);
        break;
      case 1:
        world.set(kMin + int(random.below(kMax - kMin + 1)));
        break;
      case 2:
        world.driver.fail_next_start({"InsufficientInstanceCapacity", "There is no room for another instance.", 500});
        break;
      default:
        world.crash();
    }
    EXPECT_LE(world.units(), kMax + kLargest);
  }
  world.run_for(hours(2));
  const autoscaling::AutoScalingGroup group = world.group();
  const int excess = world.units() - *group.DesiredCapacity;
  EXPECT_GE(excess, 0);
  for (const autoscaling::Instance& instance : group.Instances) {
    EXPECT_EQ(instance.LifecycleState, "InService");
    EXPECT_GT(services::units_of(instance), excess) << "could go";
    EXPECT_EQ(world.driver.starts_of(*instance.InstanceId), 1U);
    EXPECT_LE(world.driver.max_concurrent_of(*instance.InstanceId), 1);
  }
  EXPECT_EQ(world.driver.running(), group.Instances.size());
  EXPECT_EQ(world.driver.list()->size(), group.Instances.size());
  EXPECT_EQ(world.fabric.interfaces().size(), group.Instances.size());
}

INSTANTIATE_TEST_SUITE_P(Seeds, MixedCrashTest, testing::Range(1, 13));

}  // namespace
}  // namespace brume::simulation
