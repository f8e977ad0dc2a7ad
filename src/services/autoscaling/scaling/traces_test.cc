// Target tracking under load: a model of a group over the pure decisions, thousands of traces; and a few over the whole
// service, where it is killed at random.
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>

#include "services/autoscaling/scaling/combine.h"
#include "services/autoscaling/scaling/scaling_testing.h"
#include "services/autoscaling/scaling/target_tracking.h"

namespace brume::autoscaling {
namespace {

using testing::World;

// A minute a step: instances launch at once, warm up for `warm_up` minutes, leave within the minute.
class Model {
 public:
  Model(int min, int max, int warm_up, double target) : min_(min), max_(max), warm_up_(warm_up), target_(target) {
    instances_.assign(std::size_t(min), warm_up);
  }

  // `load` is what one instance alone would show of the metric.
  void step(double load) {
    for (int& age : instances_) ++age;
    const double metric = instances_.empty() ? load : load / double(instances_.size());
    above_ = metric > target_ ? above_ + 1 : 0;
    below_ = metric < 0.9 * target_ ? below_ + 1 : 0;
    if (above_ < 3 && below_ < 15) return;
    const int ready = int(std::ranges::count_if(instances_, [&](int age) { return age >= warm_up_; }));
    const Capacity capacity{.min = min_, .max = max_, .desired = size(), .ready = ready, .warming = size() - ready};
    const Wish wish = bounded(target_tracking(capacity, metric, target_, false), capacity);
    if (!wish.desired) return;
    changes.push_back(*wish.desired - size());
    EXPECT_TRUE(*wish.desired > size() || capacity.warming == 0);
    instances_.resize(std::size_t(*wish.desired), 0);
  }
  [[nodiscard]] int size() const { return int(instances_.size()); }

  std::vector<int> changes;

 private:
  int min_, max_, warm_up_;
  double target_;
  std::vector<int> instances_;  // their ages; the youngest last, and first to go
  int above_ = 0, below_ = 0;
};

double uniform(env::SimRandom& random, double from, double to) {
  return from + (to - from) * double(random.below(1'000'000)) / 1e6;
}

TEST(Traces, AConstantLoadEndsInTheSizeItNeedsAndStaysThere) {
  for (std::uint64_t seed = 0; seed < 3000; ++seed) {
    env::SimRandom random(seed);
    const int min = int(random.below(4)), max = min + 1 + int(random.below(30));
    const double target = uniform(random, 1, 100);
    Model model(min, max, int(random.below(10)), target);
    // It comes from another size: a load before.
    const double before = uniform(random, 0, 40 * target), load = uniform(random, 0, 40 * target);
    for (int minute = 0; minute < 120; ++minute) model.step(before);
    model.changes.clear();
    for (int minute = 0; minute < 240; ++minute) model.step(load);
    const int needed = std::clamp(int(std::ceil(load / target - 1e-9)), min, max);
    // Between nine tenths of the target and the target nobody moves.
    EXPECT_GE(model.size(), needed) << seed;
    EXPECT_TRUE(model.size() == needed || load / model.size() >= 0.9 * target) << seed;
    for (int change : model.changes) EXPECT_EQ(change > 0, model.changes.front() > 0) << seed;  // one direction
    model.changes.clear();
    for (int minute = 0; minute < 240; ++minute) model.step(load);
    EXPECT_TRUE(model.changes.empty()) << seed;
  }
}

TEST(Traces, AnyLoadStaysWithinTheBounds) {
  for (std::uint64_t seed = 0; seed < 2000; ++seed) {
    env::SimRandom random(seed);
    const int min = int(random.below(4)), max = min + int(random.below(30));
    const double target = uniform(random, 1, 100);
    Model model(min, max, int(random.below(10)), target);
    double load = 0;
    for (int minute = 0; minute < 300; ++minute) {
      if (random.below(20) == 0) load = uniform(random, 0, 60 * target);
      model.step(load * uniform(random, 0.9, 1.1));
      ASSERT_GE(model.size(), min) << seed;
      ASSERT_LE(model.size(), max) << seed;
    }
  }
}

// The mean over the instances in service, as CloudWatch has it of a group's CPU.
testing::FakeCloudWatch::Measure cpu_under(World& world, double load) {
  return [&world, load](const cloudwatch::MetricAlarm&) -> std::optional<double> {
    const int serving = world.in_service();
    if (serving == 0) return std::nullopt;
    return std::min(100.0, load / serving);
  };
}

TEST(Traces, TheServiceDoesNotOscillate) {
  World world;
  world.make_group(1, 10, 1, [](CreateAutoScalingGroupType& r) { r.DefaultInstanceWarmup = 120; });
  ASSERT_TRUE(world.put(testing::tracking("cpu", "ASGAverageCPUUtilization", 50)));
  world.run_minutes(60, cpu_under(world, 210));
  EXPECT_EQ(world.desired(), 5);
  EXPECT_EQ(world.in_service(), 5);
  const auto before = world.service().DescribeScalingActivities(world.call, {})->Activities.size();
  world.run_minutes(120, cpu_under(world, 210));
  EXPECT_EQ(world.service().DescribeScalingActivities(world.call, {})->Activities.size(), before);
  world.run_minutes(60, cpu_under(world, 60));
  EXPECT_EQ(world.desired(), 2);
  EXPECT_NE(world.last_cause().find("a monitor alarm TargetTracking-web-AlarmLow-"), std::string::npos)
      << world.last_cause();
  EXPECT_NE(world.last_cause().find("in state ALARM triggered policy cpu changing the desired capacity from"),
            std::string::npos);
  // Without data nothing is done.
  world.run_minutes(60, [](const cloudwatch::MetricAlarm&) { return std::nullopt; });
  EXPECT_EQ(world.desired(), 2);
}

TEST(Traces, TwoPoliciesShrinkOnlyTogether) {
  World world;
  world.make_group(1, 10, 6, [](CreateAutoScalingGroupType& r) { r.DefaultInstanceWarmup = 60; });
  ASSERT_TRUE(world.put(testing::tracking("cpu", "ASGAverageCPUUtilization", 50)));
  ASSERT_TRUE(world.put(testing::tracking("net", "ASGAverageNetworkIn", 1000)));
  double cpu = 60, net = 5400;
  const auto measure = [&](const cloudwatch::MetricAlarm& alarm) -> std::optional<double> {
    return (alarm.MetricName == "NetworkIn" ? net : cpu) / std::max(1, world.in_service());
  };
  world.run_minutes(40, measure);
  EXPECT_EQ(world.desired(), 6);  // cpu would do with two
  EXPECT_EQ(world.service().decisions("web").at(0).reason, "policy net does not agree: its metric is not low");
  net = 2500;
  world.run_minutes(40, measure);
  EXPECT_EQ(world.desired(), 3);
  cpu = 480;
  world.run_minutes(40, measure);
  EXPECT_EQ(world.desired(), 10);
  // One that only grows has no say in it.
  auto grows = testing::tracking("net", "ASGAverageNetworkIn", 1000);
  grows.TargetTrackingConfiguration->DisableScaleIn = true;
  ASSERT_TRUE(world.put(grows));
  cpu = 40;
  world.run_minutes(40, measure);
  EXPECT_LE(world.desired(), 3);  // cpu wants one, at which net is high and grows again
}

class TracesOfService : public ::testing::TestWithParam<int> {};

TEST_P(TracesOfService, StayWithinTheBoundsWheneverTheControlPlaneDies) {
  World world{std::uint64_t(GetParam())};
  env::SimRandom random(std::uint64_t(GetParam()) * 7919);
  const int min = int(random.below(3)), max = min + 1 + int(random.below(6));
  world.make_group(min, max, min, [](CreateAutoScalingGroupType& r) { r.DefaultInstanceWarmup = 90; });
  ASSERT_TRUE(world.put(testing::tracking("cpu", "ASGAverageCPUUtilization", 50)));
  PutScheduledUpdateGroupActionType schedule;
  schedule.AutoScalingGroupName = "web";
  schedule.ScheduledActionName = "often";
  schedule.DesiredCapacity = max;
  schedule.Recurrence = "*/17 * * * *";
  ASSERT_TRUE(world.transact([&] { return world.service().PutScheduledUpdateGroupAction(world.call, schedule); }));
  double load = 100;
  for (int minute = 0; minute < 200; ++minute) {
    if (random.below(15) == 0) load = double(random.below(500));
    if (random.below(20) == 0) world.crash();
    world.run_minutes(1, cpu_under(world, load));
    ASSERT_GE(world.desired(), min);
    ASSERT_LE(world.desired(), max);
    ASSERT_LE(int(world.running.size()), max + 1);
  }
  world.run_for(std::chrono::minutes(5));
  EXPECT_EQ(world.in_service(), world.desired());
  EXPECT_EQ(int(world.running.size()), world.desired());
}

INSTANTIATE_TEST_SUITE_P(Seeds, TracesOfService, ::testing::Range(1, 21));

}  // namespace
}  // namespace brume::autoscaling
