// A group heals, whatever dies and whenever the control plane does.
#include <gtest/gtest.h>

#include <algorithm>
#include <map>

#include "base/json.h"
#include "world.h"

namespace brume::simulation {
namespace {

using std::chrono::hours;
using std::chrono::minutes;
using std::chrono::seconds;

std::map<std::string, int> zones_of(World& world) {
  std::map<std::string, int> zones;
  for (const autoscaling::Instance& instance : world.group().Instances)
    if (instance.LifecycleState == "InService") ++zones[*instance.AvailabilityZone];
  return zones;
}

TEST(Healing, AGroupComesUpBalancedAndSaysWhy) {
  World world;
  world.make_web(2, 5, 2);
  world.run_for(minutes(2));
  EXPECT_EQ(world.instances().size(), 2U);
  EXPECT_EQ(zones_of(world).size(), 2U);
  const auto activities = world.activities();
  ASSERT_EQ(activities.size(), 2U);
  EXPECT_EQ(*activities[0].StatusCode, "Successful");
  // Each names the subnet of its own zone.
  const auto subnet = [](const autoscaling::Activity& a) { return a.Details->substr(0, a.Details->find(',')); };
  EXPECT_TRUE(subnet(activities[0]).starts_with(R"({"Subnet ID":"subnet-)")) << *activities[0].Details;
  EXPECT_NE(subnet(activities[0]), subnet(activities[1]));
  world.driver.kill(world.instances()[0]);
  world.run_for(minutes(5));
  const auto healed = world.activities();
  ASSERT_GE(healed.size(), 4U);
  EXPECT_TRUE(subnet(healed[2]) == subnet(activities[0]) || subnet(healed[2]) == subnet(activities[1]));
  EXPECT_EQ(*healed[2].Details, *healed[3].Details);  // out of and back into one zone
  EXPECT_TRUE(activities[0].Description->starts_with("Launching a new EC2 instance: i-")) << *activities[0].Description;
  EXPECT_NE(activities[0].Cause->find(
                "a user request created an AutoScalingGroup changing the desired capacity from 0 to 2."),
            std::string::npos);
  EXPECT_NE(activities[0].Cause->find("increasing the capacity from 0 to 1."), std::string::npos)
      << *activities[0].Cause;
}

TEST(Healing, WhateverDiesIsReplacedInItsZone) {
  World world;
  world.make_web(2, 5, 2);
  world.run_for(minutes(2));
  const auto before = world.instances();
  // Its process is killed.
  world.driver.kill(before[0]);
  world.run_for(minutes(10));
  auto after = world.instances();
  ASSERT_EQ(after.size(), 2U);
  EXPECT_EQ(std::ranges::count(after, before[0]), 0);
  EXPECT_EQ(zones_of(world).size(), 2U);
  EXPECT_NE(world.activities().at(2).Cause->find("an EC2 health check indicating it has been terminated or stopped."),
            std::string::npos)
      << *world.activities().at(2).Cause;
  // It is terminated by hand.
  ec2::TerminateInstancesRequest terminate;
  terminate.InstanceIds = {after[0]};
  ASSERT_TRUE(world.call([&] { return world.region().ec2.TerminateInstances(world.caller, terminate); }));
  world.run_for(minutes(10));
  EXPECT_EQ(world.instances().size(), 2U);
  // It no longer answers.
  const std::string sick = world.instances()[0];
  world.sick.insert(sick);
  world.run_for(minutes(10));
  after = world.instances();
  EXPECT_EQ(after.size(), 2U);
  EXPECT_EQ(std::ranges::count(after, sick), 0);
  EXPECT_TRUE(std::ranges::any_of(world.activities(), [](const autoscaling::Activity& a) {
    return a.Cause->find("an ELB system health check failure.") != std::string::npos;
  }));
}

TEST(Healing, SizesFollowRequests) {
  World world;
  world.make_web(2, 5, 2);
  world.run_for(minutes(2));
  auto& autoscaling = world.region().autoscaling;
  const auto set = [&](int desired) {
    return world.call([&] { return autoscaling.SetDesiredCapacity(world.caller, {"web", desired}); });
  };
  ASSERT_TRUE(set(5));
  world.run_for(minutes(2));
  EXPECT_EQ(world.instances().size(), 5U);
  EXPECT_EQ(set(6).error().code, "ValidationError");
  ASSERT_TRUE(set(2));
  world.run_for(minutes(10));
  EXPECT_EQ(world.instances().size(), 2U);
  EXPECT_EQ(zones_of(world).size(), 2U);
  EXPECT_EQ(world.driver.running(), 2U);
}

TEST(Healing, ALaunchThatFailsIsToldAndTriedAgain) {
  World world;
  world.make_web(2, 5, 2);
  world.driver.fail_next_start({"InsufficientInstanceCapacity", "There is no room for another instance.", 500});
  world.run_for(minutes(5));
  EXPECT_EQ(world.instances().size(), 2U);
  EXPECT_TRUE(
      std::ranges::any_of(world.activities(), [](const autoscaling::Activity& a) { return a.StatusCode == "Failed"; }));
}

// One day; an instance dies each hour or so.
std::string a_day(std::uint64_t seed) {
  World world(seed);
  world.make_web(2, 5, 2);
  world.run_for(minutes(2));
  for (int hour = 0; hour < 24; ++hour) {
    const auto alive = world.instances();
    if (!alive.empty()) world.driver.kill(alive[world.sim.random.below(alive.size())]);
    world.run_for(hours(1));
    EXPECT_EQ(world.instances().size(), 2U) << "hour " << hour;
  }
  EXPECT_EQ(world.driver.running(), 2U);
  std::string trace;
  for (const autoscaling::Activity& activity : world.activities()) trace += to_json(activity) + "\n";
  return trace;
}

TEST(Healing, ADayIsTheSameForTheSameSeed) {
  const std::string first = a_day(7);
  EXPECT_EQ(first, a_day(7));
  EXPECT_NE(first, a_day(8));
}

// The control plane is killed again and again, at any moment, while instances die and sizes change.
class CrashTest : public testing::TestWithParam<int> {};

TEST_P(CrashTest, NothingIsLaunchedTwiceAndNothingIsLeftOver) {
  World world{std::uint64_t(GetParam())};
  world.make_web(2, 5, 3);
  env::SimRandom random(std::uint64_t(GetParam()) * 1000003);
  for (int i = 0; i < 40; ++i) {
    world.run_for(std::chrono::milliseconds(random.below(3000)));
    switch (random.below(4)) {
      case 0:
        if (const auto alive = world.instances(); !alive.empty()) world.driver.kill(alive[random.below(alive.size())]);
        break;
      case 1:
        (void)world.call([&] {
          return world.region().autoscaling.SetDesiredCapacity(world.caller, {"web", int(2 + random.below(4))});
        });
        break;
      default:
        world.crash();
    }
    const std::size_t counted = world.instances("InService").size() + world.instances("Pending").size();
    EXPECT_LE(counted, 6U);  // the maximum, and one for balance
  }
  world.run_for(hours(2));
  const std::size_t desired = std::size_t(*world.group().DesiredCapacity);
  EXPECT_EQ(world.instances().size(), desired);
  EXPECT_EQ(world.group().Instances.size(), desired);
  EXPECT_EQ(world.driver.running(), desired);
  EXPECT_EQ(world.driver.list()->size(), desired);
  for (const std::string& id : world.instances()) {
    EXPECT_EQ(world.driver.starts_of(id), 1U) << id;
    EXPECT_LE(world.driver.max_concurrent_of(id), 1) << id;
  }
  EXPECT_EQ(world.fabric.interfaces().size(), desired);
  EXPECT_EQ(zones_of(world).size(), 2U);
}

INSTANTIATE_TEST_SUITE_P(Seeds, CrashTest, testing::Range(1, 21));

TEST(Regions, LeaveEachOtherAlone) {
  World world;
  world.make_web(2, 5, 2);
  world.run_for(minutes(2));
  ASSERT_TRUE(world.cloud().region("eu-west-1"));
  world.run_for(minutes(1));
  EXPECT_EQ(world.driver.running(), 2U);
  world.crash();
  world.run_for(minutes(10));
  EXPECT_EQ(world.driver.running(), 2U);
  EXPECT_EQ(world.instances().size(), 2U);
}

}  // namespace
}  // namespace brume::simulation
