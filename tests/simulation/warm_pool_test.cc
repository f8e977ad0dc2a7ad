// Warm pools: instances prepared beside the group, taken for a launch and given back, and nothing launched twice,
// whatever crashes meanwhile.
#include <gtest/gtest.h>

#include <algorithm>
#include <map>

#include "world.h"

namespace brume::simulation {
namespace {

using std::chrono::minutes;
using std::chrono::seconds;

class PoolWorld : public World {
 public:
  // A group of one, of three at most.
  PoolWorld() {
    make_web(0, 3, 1);
    run_for(minutes(2));
  }
  void put(bool reuse, const char* state = "Stopped") {
    autoscaling::PutWarmPoolType request;
    request.AutoScalingGroupName = "web";
    request.PoolState = state;
    request.InstanceReusePolicy.emplace().ReuseOnScaleIn = reuse;
    const auto done = call([&] { return region().autoscaling.PutWarmPool(caller, request); });
    ASSERT_TRUE(done) << done.error().message;
  }
  void put_hook(const char* name, const char* transition) {
    autoscaling::PutLifecycleHookType request;
    request.AutoScalingGroupName = "web";
    request.LifecycleHookName = name;
    request.LifecycleTransition = transition;
    request.HeartbeatTimeout = 600;
    ASSERT_TRUE(call([&] { return region().autoscaling.PutLifecycleHook(caller, request); }));
  }
  bool complete(const char* hook, const std::string& instance) {
    autoscaling::CompleteLifecycleActionType request;
    request.AutoScalingGroupName = "web";
    request.LifecycleHookName = hook;
    request.InstanceId = instance;
    request.LifecycleActionResult = "CONTINUE";
    return call([&] { return region().autoscaling.CompleteLifecycleAction(caller, request); }).has_value();
  }
  void resize(int desired) {
    ASSERT_TRUE(call([&] { return region().autoscaling.SetDesiredCapacity(caller, {"web", desired}); }));
  }
  autoscaling::DescribeWarmPoolAnswer pool() {
    autoscaling::DescribeWarmPoolType request;
    request.AutoScalingGroupName = "web";
    return *region().autoscaling.DescribeWarmPool(caller, request);
  }
  std::vector<std::string> pooled(const std::string& lifecycle) {
    std::vector<std::string> found;
    for (const auto& instance : pool().Instances)
      if (instance.LifecycleState == lifecycle) found.push_back(*instance.InstanceId);
    return found;
  }
  // All that EC2 knows, ended or not: how many were ever launched, while none is forgotten.
  std::size_t known(const std::string& state = "") {
    std::size_t count = 0;
    const auto all = region().ec2.DescribeInstances(caller, {});
    for (const auto& reservation : all->Reservations)
      for (const auto& instance : reservation.Instances) count += state.empty() || *instance.State->Name == state;
    return count;
  }
};

TEST(WarmPools, InstancesAreStoppedTakenAndReplaced) {
  PoolWorld world;
  world.put(false);
  world.run_for(minutes(2));
  EXPECT_EQ(world.pooled("Warmed:Stopped").size(), 2U);
  EXPECT_EQ(world.group().Instances.size(), 1U);
  EXPECT_EQ(world.group().WarmPoolSize, 2);
  EXPECT_EQ(world.driver.running(), 1U);
  const auto before = world.pooled("Warmed:Stopped");
  world.resize(2);
  world.run_for(minutes(2));
  EXPECT_EQ(world.instances().size(), 2U);
  const auto serving = world.instances();
  EXPECT_TRUE(std::ranges::any_of(
      before, [&](const std::string& id) { return std::ranges::find(serving, id) != serving.end(); }));
  EXPECT_EQ(world.pool().Instances.size(), 1U);
  EXPECT_EQ(world.known(), 3U);
  // Without reuse it ends, and the pool gets another.
  world.resize(1);
  world.run_for(minutes(10));
  EXPECT_EQ(world.instances().size(), 1U);
  EXPECT_EQ(world.pooled("Warmed:Stopped").size(), 2U);
  EXPECT_EQ(world.driver.running(), 1U);
}

TEST(WarmPools, ReusedInstancesComeBack) {
  PoolWorld world;
  world.put(true, "Running");
  world.run_for(minutes(2));
  EXPECT_EQ(world.pooled("Warmed:Running").size(), 2U);
  for (const int desired : {3, 1, 2, 0, 3}) {
    world.resize(desired);
    world.run_for(minutes(10));
    EXPECT_EQ(world.instances().size(), std::size_t(desired));
    EXPECT_EQ(world.pooled("Warmed:Running").size(), std::size_t(3 - desired));
  }
  EXPECT_EQ(world.known(), 3U);
}

TEST(WarmPools, HooksHoldInstancesOnTheirWayInAndOut) {
  PoolWorld world;
  world.put_hook("prepare", "autoscaling:EC2_INSTANCE_LAUNCHING");
  world.put(false);
  world.run_for(minutes(1));
  ASSERT_EQ(world.pooled("Warmed:Pending:Wait").size(), 2U);
  world.crash();
  for (const std::string& id : world.pooled("Warmed:Pending:Wait")) EXPECT_TRUE(world.complete("prepare", id));
  world.run_for(minutes(1));
  ASSERT_EQ(world.pooled("Warmed:Stopped").size(), 2U);
  world.resize(2);
  world.run_for(minutes(1));
  ASSERT_EQ(world.instances("Pending:Wait").size(), 1U);
  EXPECT_TRUE(world.complete("prepare", world.instances("Pending:Wait").front()));
  world.run_for(minutes(1));
  EXPECT_EQ(world.instances().size(), 2U);
  EXPECT_EQ(world.known(), 3U);
}

TEST(WarmPools, GoWithTheirInstances) {
  PoolWorld world;
  world.put(false);
  world.run_for(minutes(2));
  autoscaling::DeleteAutoScalingGroupType group;
  group.AutoScalingGroupName = "web";
  autoscaling::DeleteWarmPoolType pool;
  pool.AutoScalingGroupName = "web";
  ASSERT_TRUE(world.call([&] { return world.region().autoscaling.DeleteWarmPool(world.caller, pool); }));
  EXPECT_EQ(world.pool().WarmPoolConfiguration->Status, "PendingDelete");
  world.run_for(minutes(2));
  EXPECT_FALSE(world.pool().WarmPoolConfiguration);
  EXPECT_EQ(world.known("stopped"), 0U);
  world.put(false);
  world.run_for(minutes(2));
  world.resize(0);
  world.run_for(minutes(10));
  EXPECT_EQ(
      world.call([&] { return world.region().autoscaling.DeleteAutoScalingGroup(world.caller, group); }).error().code,
      "ResourceInUse");
  group.ForceDelete = true;
  ASSERT_TRUE(world.call([&] { return world.region().autoscaling.DeleteAutoScalingGroup(world.caller, group); }));
  world.run_for(minutes(10));
  EXPECT_EQ(world.known("stopped") + world.known("running"), 0U);
}

TEST(WarmPools, WhatADeadPoolInstanceLeavesIsFilled) {
  PoolWorld world;
  world.put(false);
  world.run_for(minutes(2));
  const std::string lost = world.pooled("Warmed:Stopped").front();
  ec2::TerminateInstancesRequest request;
  request.InstanceIds = {lost};
  ASSERT_TRUE(world.call([&] { return world.region().ec2.TerminateInstances(world.caller, request); }));
  world.run_for(minutes(3));
  const auto left = world.pooled("Warmed:Stopped");
  EXPECT_EQ(left.size(), 2U);
  EXPECT_EQ(std::ranges::count(left, lost), 0);
}

TEST(WarmPools, ARefreshMakesThePoolNewAndARollbackOldAgain) {
  PoolWorld world;
  ec2::CreateLaunchTemplateVersionRequest version;
  version.LaunchTemplateName = "web";
  version.SourceVersion = "1";
  version.LaunchTemplateData.emplace().InstanceType = "t2.small";
  ASSERT_TRUE(world.call([&] { return world.region().ec2.CreateLaunchTemplateVersion(world.caller, version); }));
  autoscaling::UpdateAutoScalingGroupType update;
  update.AutoScalingGroupName = "web";
  update.LaunchTemplate.emplace().LaunchTemplateName = "web";
  update.LaunchTemplate->Version = "1";
  ASSERT_TRUE(world.call([&] { return world.region().autoscaling.UpdateAutoScalingGroup(world.caller, update); }));
  world.put(false);
  world.run_for(minutes(2));
  const auto versions = [&] {
    std::map<std::string, int> found;
    for (const auto& instance : world.pool().Instances)
      if (instance.LifecycleState == "Warmed:Stopped") ++found[*instance.LaunchTemplate->Version];
    return found;
  };
  using Versions = std::map<std::string, int>;
  EXPECT_EQ(versions(), (Versions{{"1", 2}}));
  const auto begin = [&] {
    autoscaling::StartInstanceRefreshType request;
    request.AutoScalingGroupName = "web";
    request.DesiredConfiguration.emplace().LaunchTemplate.emplace().LaunchTemplateName = "web";
    request.DesiredConfiguration->LaunchTemplate->Version = "2";
    request.Preferences.emplace().InstanceWarmup = 5;
    request.Preferences->BakeTime = 600;
    request.Preferences->MinHealthyPercentage = 0;
    return world.call([&] { return world.region().autoscaling.StartInstanceRefresh(world.caller, request); });
  };
  ASSERT_TRUE(begin());
  world.run_for(minutes(8));
  EXPECT_EQ(versions(), (Versions{{"2", 2}}));
  autoscaling::RollbackInstanceRefreshType rollback;
  rollback.AutoScalingGroupName = "web";
  ASSERT_TRUE(world.call([&] { return world.region().autoscaling.RollbackInstanceRefresh(world.caller, rollback); }));
  world.run_for(minutes(8));
  EXPECT_EQ(versions(), (Versions{{"1", 2}}));
  ASSERT_TRUE(begin());
  world.run_for(minutes(25));
  EXPECT_EQ(versions(), (Versions{{"2", 2}}));
  EXPECT_EQ(world.group().LaunchTemplate->Version, "2");
  ASSERT_EQ(world.instances().size(), 1U);
  EXPECT_EQ(world.group().Instances.front().LaunchTemplate->Version, "2");
}

TEST(WarmPools, AGroupIsFullWhenThePoolCannotBe) {
  PoolWorld world;
  world.put(false);
  world.run_for(minutes(2));
  // Somebody starts what the group counts on: it is ended, and the group launches.
  ec2::StartInstancesRequest start;
  for (const std::string& id : world.pooled("Warmed:Stopped")) start.InstanceIds.push_back(id);
  ASSERT_TRUE(world.call([&] { return world.region().ec2.StartInstances(world.caller, start); }));
  world.resize(3);
  world.run_for(minutes(5));
  EXPECT_EQ(world.instances().size(), 3U);
  EXPECT_TRUE(world.pool().Instances.empty());
  EXPECT_EQ(world.driver.running(), 3U);
}

// The control plane dies at every commit while a pool is filled, drawn from and given back to.
TEST(WarmPools, CrashAtEveryCommit) {
  const auto live = [](PoolWorld& world, bool crashes) {
    const auto pass = [&](int seconds_at_most, const auto& reached) {
      for (int i = 0; i < seconds_at_most && !reached(); ++i) {
        world.run_for(seconds(1));
        if (!crashes || world.disk.left != 0) continue;
        world.disk.left = ~0ULL;
        world.crash();
      }
    };
    pass(200, [&] { return world.pooled("Warmed:Stopped").size() == 2; });
    for (const int desired : {3, 1}) {
      const auto set = [&] {
        return world.call(
            [&] { return world.region().autoscaling.SetDesiredCapacity(world.caller, {"web", desired}); });
      };
      if (!set()) {  // it died in this very call
        world.disk.left = ~0ULL;
        world.crash();
        ASSERT_TRUE(set());
      }
      pass(800, [&] {
        return world.instances().size() == std::size_t(desired) &&
               world.pooled("Warmed:Stopped").size() == std::size_t(3 - desired);
      });
    }
  };
  std::uint64_t total = 0;
  {
    PoolWorld world;
    world.put(true);
    const std::uint64_t before = world.disk.commits;
    live(world, false);
    total = world.disk.commits - before;
  }
  for (std::uint64_t at = 1; at < total; ++at) {
    PoolWorld world;
    world.put(true);
    world.disk.left = at;
    live(world, true);
    world.disk.left = ~0ULL;
    world.run_for(minutes(10));
    ASSERT_EQ(world.instances().size(), 1U) << at;
    ASSERT_EQ(world.pooled("Warmed:Stopped").size(), 2U) << at;
    ASSERT_EQ(world.known(), 3U) << at;
    ASSERT_EQ(world.driver.running(), 1U) << at;
  }
}

}  // namespace
}  // namespace brume::simulation
