// Lifecycle hooks hold instances on their way in and out, and let them go in the end, whatever crashes meanwhile.
#include <gtest/gtest.h>

#include <algorithm>

#include "world.h"

namespace brume::simulation {
namespace {

using std::chrono::minutes;
using std::chrono::seconds;

constexpr const char* kLaunching = "autoscaling:EC2_INSTANCE_LAUNCHING";
constexpr const char* kTerminating = "autoscaling:EC2_INSTANCE_TERMINATING";

class HookWorld : public World {
 public:
  HookWorld() {
    make_web(0, 4, 1);
    run_for(minutes(2));
  }
  void put(const char* name, const char* transition, int heartbeat, const char* result) {
    autoscaling::PutLifecycleHookType request;
    request.AutoScalingGroupName = "web";
    request.LifecycleHookName = name;
    request.LifecycleTransition = transition;
    request.HeartbeatTimeout = heartbeat;
    request.DefaultResult = result;
    const auto done = call([&] { return region().autoscaling.PutLifecycleHook(caller, request); });
    EXPECT_TRUE(done) << done.error().message;
  }
  Result<autoscaling::CompleteLifecycleActionAnswer> complete(const char* hook, const std::string& instance,
                                                              const char* result) {
    autoscaling::CompleteLifecycleActionType request;
    request.AutoScalingGroupName = "web";
    request.LifecycleHookName = hook;
    request.InstanceId = instance;
    request.LifecycleActionResult = result;
    return call([&] { return region().autoscaling.CompleteLifecycleAction(caller, request); });
  }
  bool heartbeat(const char* hook, const std::string& instance) {
    autoscaling::RecordLifecycleActionHeartbeatType request;
    request.AutoScalingGroupName = "web";
    request.LifecycleHookName = hook;
    request.InstanceId = instance;
    return call([&] { return region().autoscaling.RecordLifecycleActionHeartbeat(caller, request); }).has_value();
  }
  void resize(int desired) {
    ASSERT_TRUE(call([&] { return region().autoscaling.SetDesiredCapacity(caller, {"web", desired}); }));
  }
  std::string only(const std::string& lifecycle) {
    const auto found = instances(lifecycle);
    return found.size() == 1 ? found.front() : "";
  }
};

TEST(Hooks, ALaunchWaitsUntilItsHooksAreDone) {
  HookWorld world;
  world.put("one", kLaunching, 300, "ABANDON");
  world.put("two", kLaunching, 300, "ABANDON");
  world.resize(2);
  world.run_for(seconds(20));
  const std::string waiting = world.only("Pending:Wait");
  ASSERT_NE(waiting, "");
  EXPECT_EQ(world.activities().back().StatusCode, "MidLifecycleAction");
  world.crash();
  ASSERT_TRUE(world.complete("one", waiting, "CONTINUE"));
  world.run_for(seconds(20));
  EXPECT_EQ(world.only("Pending:Wait"), waiting);
  EXPECT_EQ(world.complete("one", waiting, "CONTINUE").error().message,
            "No active Lifecycle Action found with instance ID " + waiting);
  ASSERT_TRUE(world.complete("two", waiting, "CONTINUE"));
  world.run_for(seconds(5));
  EXPECT_EQ(std::ranges::count(world.instances(), waiting), 1);
  EXPECT_EQ(world.driver.starts(), 2U);
}

TEST(Hooks, AnAbandonedLaunchIsTriedAnew) {
  HookWorld world;
  world.put("one", kLaunching, 300, "ABANDON");
  world.resize(2);
  world.run_for(seconds(20));
  const std::string first = world.only("Pending:Wait");
  ASSERT_TRUE(world.complete("one", first, "ABANDON"));
  world.run_for(seconds(20));
  const std::string second = world.only("Pending:Wait");
  EXPECT_NE(second, "");
  EXPECT_NE(second, first);
  // Nobody says anything: the same when the heartbeat does not come.
  EXPECT_TRUE(world.heartbeat("one", second));
  world.run_for(seconds(299));
  EXPECT_EQ(world.only("Pending:Wait"), second);
  world.run_for(seconds(20));
  EXPECT_NE(world.only("Pending:Wait"), second);
  EXPECT_EQ(world.instances().size(), 1U);
  EXPECT_EQ(std::ranges::count_if(world.activities(), [](const auto& a) { return a.StatusCode == "Failed"; }), 2);
}

TEST(Hooks, ATerminationDrainsThenWaits) {
  HookWorld world;
  world.put("save", kTerminating, 2000, "CONTINUE");
  const std::string leaving = world.instances().front();
  world.resize(0);
  world.run_for(seconds(310));
  EXPECT_EQ(world.only("Terminating:Wait"), leaving);
  EXPECT_EQ(world.driver.running(), 1U);
  world.crash();
  world.run_for(seconds(1600));
  EXPECT_EQ(world.only("Terminating:Wait"), leaving);
  world.run_for(seconds(500));  // the time is over
  EXPECT_EQ(world.group().Instances.size(), 0U);
  EXPECT_EQ(world.driver.running(), 0U);
}

TEST(Hooks, DeletingAHookEndsTheWaitingForIt) {
  HookWorld world;
  world.put("save", kTerminating, 7200, "CONTINUE");
  world.resize(0);
  world.run_for(seconds(320));
  ASSERT_NE(world.only("Terminating:Wait"), "");
  autoscaling::DeleteLifecycleHookType request;
  request.AutoScalingGroupName = "web";
  request.LifecycleHookName = "save";
  ASSERT_TRUE(world.call([&] { return world.region().autoscaling.DeleteLifecycleHook(world.caller, request); }));
  world.run_for(seconds(5));
  EXPECT_EQ(world.driver.running(), 0U);
}

TEST(Hooks, ForceDeleteDoesNotWait) {
  HookWorld world;
  world.put("save", kTerminating, 7200, "CONTINUE");
  autoscaling::DeleteAutoScalingGroupType request;
  request.AutoScalingGroupName = "web";
  request.ForceDelete = true;
  ASSERT_TRUE(world.call([&] { return world.region().autoscaling.DeleteAutoScalingGroup(world.caller, request); }));
  world.run_for(minutes(6));
  EXPECT_EQ(world.driver.running(), 0U);
}

// The control plane dies at every commit between a launch and the end of the instance.
TEST(Hooks, CrashAtEveryCommit) {
  const auto live = [](HookWorld& world, const auto& rest) {
    for (int step = 0; step < 2; ++step) {
      world.resize(step == 0 ? 2 : 1);
      for (int i = 0; i < 400; ++i) {
        world.run_for(seconds(1));
        if (!rest()) return false;
        for (const char* state : {"Pending:Wait", "Terminating:Wait"})
          for (const std::string& id : world.instances(state))
            (void)world.complete(*state == 'P' ? "in" : "out", id, "CONTINUE");
        if (step == 0 ? world.instances().size() == 2 : world.group().Instances.size() == 1) break;
      }
    }
    return true;
  };
  const auto prepare = [](HookWorld& world) {
    world.put("in", kLaunching, 600, "ABANDON");
    world.put("out", kTerminating, 600, "CONTINUE");
  };
  std::uint64_t total = 0;
  {
    HookWorld world;
    prepare(world);
    const std::uint64_t before = world.disk.commits;
    ASSERT_TRUE(live(world, [] { return true; }));
    total = world.disk.commits - before;
  }
  for (std::uint64_t at = 1; at < total; ++at) {
    HookWorld world;
    prepare(world);
    world.disk.left = at;
    ASSERT_TRUE(live(world, [&] {
      if (world.disk.left != 0) return true;
      world.disk.left = ~0ULL;
      world.crash();
      return true;
    }));
    world.run_for(minutes(10));
    ASSERT_EQ(world.instances().size(), 1U) << at;
    ASSERT_EQ(world.group().Instances.size(), 1U) << at;
    ASSERT_EQ(world.driver.running(), 1U) << at;
    ASSERT_EQ(world.driver.starts(), 2U) << at;
  }
}

}  // namespace
}  // namespace brume::simulation
