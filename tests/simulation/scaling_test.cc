// A group whose policies and schedule change its size, whenever instances die and the control plane does.
#include <gtest/gtest.h>

#include <algorithm>

#include "world.h"

namespace brume::simulation {
namespace {

using std::chrono::minutes;
using std::chrono::seconds;

// "out": one more for a value of 50 or more, two from 75; "in": one fewer below 20; "simple": one more.
std::vector<std::string> put_policies(World& world) {
  std::vector<std::string> arns;
  const auto put = [&](const char* name, const char* type, std::vector<autoscaling::StepAdjustment> steps) {
    autoscaling::PutScalingPolicyType request;
    request.AutoScalingGroupName = "web";
    request.PolicyName = name;
    request.PolicyType = type;
    request.AdjustmentType = "ChangeInCapacity";
    if (steps.empty()) request.ScalingAdjustment = 1;
    request.StepAdjustments = List<autoscaling::StepAdjustment>(std::move(steps));
    if (!request.ScalingAdjustment) request.EstimatedInstanceWarmup = 90;
    const auto made = world.call([&] { return world.region().autoscaling.PutScalingPolicy(world.caller, request); });
    ASSERT_TRUE(made) << made.error().message;
    arns.push_back(*made->PolicyARN);
  };
  put("out", "StepScaling", {{0, 25, 1}, {25, {}, 2}});
  put("in", "StepScaling", {{{}, 0, -1}});
  put("simple", "SimpleScaling", {});
  return arns;
}

class ScalingTest : public testing::TestWithParam<int> {};

TEST_P(ScalingTest, StaysWithinItsBounds) {
  World world{std::uint64_t(GetParam())};
  world.make_web(2, 5, 2);
  const auto arns = put_policies(world);
  autoscaling::PutScheduledUpdateGroupActionType schedule;
  schedule.AutoScalingGroupName = "web";
  schedule.ScheduledActionName = "often";
  schedule.Recurrence = "*/7 * * * *";
  schedule.DesiredCapacity = 4;
  ASSERT_TRUE(
      world.call([&] { return world.region().autoscaling.PutScheduledUpdateGroupAction(world.caller, schedule); }));
  env::SimRandom random(std::uint64_t(GetParam()) * 1000003);
  for (int i = 0; i < 60; ++i) {
    world.run_for(seconds(random.below(90)));
    const double value = double(random.below(100));
    const std::size_t which = random.below(3);
    const services::AlarmEvent event{
        "load",  "arn:aws:cloudwatch:x:alarm:load", "ALARM", arns[which], world.sim.clock.wall(),
        {value}, which == 1 ? 20.0 : 50.0};
    const auto done = (*world.region().alarm_actions.find("autoscaling"))(event);
    EXPECT_TRUE(done) << done.error().message;
    if (random.below(4) == 0) {
      if (const auto alive = world.instances(); !alive.empty()) world.driver.kill(alive[random.below(alive.size())]);
    }
    if (random.below(8) == 0) world.crash();
    const int desired = *world.group().DesiredCapacity;
    EXPECT_GE(desired, 2);
    EXPECT_LE(desired, 5);
    EXPECT_LE(world.instances("InService").size() + world.instances("Pending").size(), 6U);
  }
  // The schedule goes on for ever; without it the group comes to rest.
  ASSERT_TRUE(
      world.call([&] { return world.region().autoscaling.DeleteScheduledAction(world.caller, {"web", "often"}); }));
  world.run_for(minutes(30));
  EXPECT_EQ(world.instances().size(), std::size_t(*world.group().DesiredCapacity));
  EXPECT_EQ(world.driver.running(), world.instances().size());
  EXPECT_FALSE(world.region().autoscaling.decisions("web").empty());
}

INSTANTIATE_TEST_SUITE_P(Seeds, ScalingTest, testing::Range(1, 11));

}  // namespace
}  // namespace brume::simulation
