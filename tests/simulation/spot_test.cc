// A group of On-Demand and Spot Instances keeps its shares and its size, whoever is interrupted and whenever the
// control plane dies.
#include <gtest/gtest.h>

#include <algorithm>
#include <map>

#include "world.h"

namespace brume::simulation {
namespace {

using std::chrono::minutes;
using std::chrono::seconds;

// A group "web" of t2.micro, which is 1 GiB, with so much On-Demand.
class SpotWorld : public World {
 public:
  SpotWorld(int base, int percentage, int desired, std::uint64_t seed = 1) : World(seed) {
    make_web(0, 12, 0);
    distribute(base, percentage, desired);
  }
  void distribute(int base, int percentage, int desired, bool rebalance = false) {
    autoscaling::UpdateAutoScalingGroupType request;
    request.AutoScalingGroupName = "web";
    auto& policy = request.MixedInstancesPolicy.emplace();
    policy.LaunchTemplate.emplace().LaunchTemplateSpecification.emplace().LaunchTemplateName = "web";
    policy.LaunchTemplate->LaunchTemplateSpecification->Version = "1";
    policy.LaunchTemplate->Overrides.push_back({.InstanceType = "t2.micro"});
    policy.InstancesDistribution.emplace().OnDemandBaseCapacity = base;
    policy.InstancesDistribution->OnDemandPercentageAboveBaseCapacity = percentage;
    request.DesiredCapacity = desired;
    request.CapacityRebalance = rebalance;
    const auto done = call([&] { return region().autoscaling.UpdateAutoScalingGroup(caller, request); });
    EXPECT_TRUE(done) << done.error().message;
  }
  void set(int desired) {
    EXPECT_TRUE(call([&] { return region().autoscaling.SetDesiredCapacity(caller, {"web", desired}); }));
  }
  void limit(std::int64_t mib) { region().ec2.limit_memory({.limit_mib = mib, .elsewhere = {}}); }
  // An On-Demand Instance that is in no group.
  std::string launch() {
    ec2::RunInstancesRequest request;
    request.LaunchTemplate.emplace().LaunchTemplateName = "web";
    request.MinCount = request.MaxCount = 1;
    const auto made = call([&] { return region().ec2.RunInstances(caller, request); });
    return made ? *made->Instances[0].InstanceId : made.error().code;
  }
  std::string lifecycle_of(const std::string& id) {
    ec2::DescribeInstancesRequest request;
    request.InstanceIds = {id};
    return region()
        .ec2.DescribeInstances(caller, request)
        ->Reservations.front()
        .Instances.front()
        .InstanceLifecycle.value_or("");
  }
  // "<On-Demand>/<Spot>" of what is in service.
  std::string split() {
    int on_demand = 0, spot = 0;
    for (const std::string& id : instances()) ++(lifecycle_of(id) == "spot" ? spot : on_demand);
    return std::to_string(on_demand) + "/" + std::to_string(spot);
  }
  std::string zones() {
    std::map<std::string, int> counts;
    for (const autoscaling::Instance& instance : group().Instances) ++counts[*instance.AvailabilityZone];
    std::string text;
    for (const auto& [zone, count] : counts) text += (text.empty() ? "" : " ") + std::to_string(count);
    return text;
  }
};

TEST(SpotGroups, KeepTheirSharesBothWays) {
  SpotWorld world(2, 50, 10);
  world.run_for(minutes(5));
  EXPECT_EQ(world.split(), "6/4");
  world.set(6);
  world.run_for(minutes(15));
  EXPECT_EQ(world.split(), "4/2");
  EXPECT_EQ(world.zones(), "3 3");
  world.set(1);
  world.run_for(minutes(15));
  EXPECT_EQ(world.split(), "1/0");
  world.set(4);
  world.run_for(minutes(5));
  EXPECT_EQ(world.split(), "3/1");
}

TEST(SpotGroups, OtherSharesReplaceInstancesOneLaunchedFirst) {
  SpotWorld world(0, 100, 4);
  world.run_for(minutes(5));
  ASSERT_EQ(world.split(), "4/0");
  world.distribute(1, 0, 4);
  for (int i = 0; i < 60; ++i) {
    world.run_for(seconds(10));
    ASSERT_GE(world.instances().size(), 4U);
  }
  EXPECT_EQ(world.split(), "1/3");
  EXPECT_EQ(world.zones(), "2 2");
  const std::size_t done = world.activities().size();
  world.run_for(minutes(30));
  EXPECT_EQ(world.activities().size(), done);  // and then there is peace
}

TEST(SpotGroups, AnInterruptedInstanceIsReplacedWhenThereIsRoom) {
  SpotWorld world(1, 0, 3);
  world.limit(3 * 1024);
  world.run_for(minutes(5));
  ASSERT_EQ(world.split(), "1/2");
  EXPECT_EQ(world.launch(), "InsufficientInstanceCapacity");
  world.run_for(seconds(130));
  const std::string other = world.launch();
  EXPECT_TRUE(other.starts_with("i-")) << other;
  world.run_for(minutes(5));
  EXPECT_EQ(world.split(), "1/1");
  const auto activities = world.activities();
  EXPECT_TRUE(std::ranges::any_of(activities, [](const auto& a) {
    return a.Cause->find("an EC2 health check indicating it has been terminated or stopped.") != std::string::npos;
  }));
  EXPECT_NE(activities.back().StatusMessage->find("There is no Spot capacity available"), std::string::npos)
      << *activities.back().StatusMessage;
  ec2::TerminateInstancesRequest end;
  end.InstanceIds = {other};
  ASSERT_TRUE(world.call([&] { return world.region().ec2.TerminateInstances(world.caller, end); }));
  world.run_for(minutes(3));
  EXPECT_EQ(world.split(), "1/2");
}

// Its own On-Demand instances need the room of its Spot ones: the group sees to it by itself.
TEST(SpotGroups, ItsOnDemandInstancesGetTheRoomOfItsSpotOnes) {
  SpotWorld world(0, 0, 3);
  world.limit(3 * 1024);
  world.run_for(minutes(5));
  ASSERT_EQ(world.split(), "0/3");
  world.distribute(2, 0, 3);
  world.run_for(minutes(20));
  EXPECT_EQ(world.split(), "2/1");
}

TEST(SpotGroups, CapacityRebalanceLaunchesBeforeTheEnd) {
  SpotWorld world(0, 0, 2);
  world.distribute(0, 0, 2, true);
  world.limit(3 * 1024);
  world.run_for(minutes(5));
  ASSERT_EQ(world.split(), "0/2");
  // There is room for one in the group, but not for the larger one outside.
  ec2::RunInstancesRequest large;
  large.LaunchTemplate.emplace().LaunchTemplateName = "web";
  large.InstanceType = "t2.small";
  large.MinCount = large.MaxCount = 1;
  ASSERT_FALSE(world.call([&] { return world.region().ec2.RunInstances(world.caller, large); }));
  for (int i = 0; i < 20; ++i) {
    world.run_for(seconds(10));
    ASSERT_GE(world.instances().size(), 2U) << i;
  }
  EXPECT_EQ(world.split(), "0/2");
  EXPECT_TRUE(std::ranges::any_of(world.activities(), [](const auto& a) {
    return a.Cause->find("an EC2 instance rebalance recommendation.") != std::string::npos;
  }));
}

TEST(SpotGroups, ACrashAtAnyCommitLosesNoNotice) {
  for (std::uint64_t crash = 1; crash <= 15; ++crash) {
    SpotWorld world(1, 0, 3, crash);
    world.limit(3 * 1024);
    world.run_for(minutes(5));
    ASSERT_EQ(world.split(), "1/2");
    world.disk.left = crash;
    EXPECT_EQ(world.launch(), "InsufficientInstanceCapacity");
    world.run_for(minutes(3));
    world.disk.left = ~0ULL;
    world.crash();
    world.limit(3 * 1024);
    world.run_for(minutes(5));
    // Whatever was lost, another try gets the room.
    if (!world.launch().starts_with("i-")) {
      world.run_for(seconds(130));
      ASSERT_TRUE(world.launch().starts_with("i-")) << crash;
    }
    world.run_for(minutes(5));
    ASSERT_EQ(world.split(), "1/1") << crash;
    ASSERT_EQ(world.driver.running(), 3U) << crash;
  }
}

}  // namespace
}  // namespace brume::simulation
