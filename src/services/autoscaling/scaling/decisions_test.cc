// Adjustments, steps, target tracking and their combination: tables.
#include <gtest/gtest.h>

#include <limits>

#include "services/autoscaling/scaling/combine.h"
#include "services/autoscaling/scaling/step_scaling.h"
#include "services/autoscaling/scaling/target_tracking.h"

namespace brume::autoscaling {
namespace {

Capacity ready(int count) {
  return {.min = 0, .max = 100, .desired = count, .ready = count};
}

StepAdjustment step(std::optional<double> lower, std::optional<double> upper, int by) {
  return {lower, upper, by};
}

TEST(Adjustment, RoundsAsTheGuideSays) {
  struct Case {
    int capacity;
    const char* type;
    int by;
    std::optional<int> magnitude;
    int expected;
  };
  for (const Case& c : std::initializer_list<Case>{
           {10, "ChangeInCapacity", 3, {}, 13},
           {3, "ChangeInCapacity", -1, {}, 2},
           {3, "ChangeInCapacity", -5, {}, 0},
           {3, "ExactCapacity", 5, {}, 5},
           {10, "PercentChangeInCapacity", 10, {}, 11},
           {10, "PercentChangeInCapacity", 127, {}, 22},  // 12.7 is 12
           {1, "PercentChangeInCapacity", 67, {}, 2},     // 0.67 is 1
           {1, "PercentChangeInCapacity", -58, {}, 0},    // -0.58 is -1
           {10, "PercentChangeInCapacity", -67, {}, 4},   // -6.7 is -6
           {10, "PercentChangeInCapacity", 0, {}, 10},
           {4, "PercentChangeInCapacity", 25, 2, 6},
           {4, "PercentChangeInCapacity", -25, 2, 2},
           {10, "PercentChangeInCapacity", 50, 2, 15},
           {0, "PercentChangeInCapacity", 50, {}, 0},
           {0, "PercentChangeInCapacity", 50, 2, 2},
           {2'000'000'000, "ChangeInCapacity", 2'000'000'000, {}, 1'000'000'000},
       })
    EXPECT_EQ(adjusted(c.capacity, {c.type, c.by, c.magnitude}), c.expected)
        << c.type << " of " << c.capacity << " by " << c.by;
}

TEST(Steps, ABoundBelongsToTheStepThatIsFartherFromTheThreshold) {
  const List<StepAdjustment> both =
      std::vector{step({}, -20, -30), step(-20, -10, -10), step(-10, 10, 0), step(10, 20, 10), step(20, {}, 30)};
  ASSERT_TRUE(check_steps(both));
  for (const auto& [difference, by] : std::map<double, int>{
           {-100, -30}, {-20, -30}, {-19.9, -10}, {-10, -10}, {-9, 0}, {0, 0}, {9.9, 0}, {10, 10}, {20, 30}, {1e9, 30}})
    EXPECT_EQ(*step_for(both, difference)->ScalingAdjustment, by) << difference;
  const List<StepAdjustment> out = std::vector{step(0, {}, 1)}, in = std::vector{step({}, 0, -1)};
  EXPECT_EQ(*step_for(out, 0)->ScalingAdjustment, 1);
  EXPECT_EQ(*step_for(in, 0)->ScalingAdjustment, -1);
  EXPECT_EQ(step_for(out, -0.1), nullptr);
  EXPECT_EQ(step_for(in, 0.1), nullptr);
}

TEST(Steps, AnAlarmsDatapointsAreAggregatedFirst) {
  struct Row {
    std::vector<double> datapoints;  // newest first
    std::optional<double> average, minimum, maximum;
  };
  for (const Row& row : std::vector<Row>{{{}, {}, {}, {}},
                                         {{55}, 55, 55, 55},
                                         {{90, 60, 60}, 70, 60, 90},
                                         {{60, 60, 90}, 70, 60, 90},
                                         {{-1, 1}, 0, -1, 1}}) {
    EXPECT_EQ(aggregated(row.datapoints, "Average"), row.average);
    EXPECT_EQ(aggregated(row.datapoints, "Minimum"), row.minimum);
    EXPECT_EQ(aggregated(row.datapoints, "Maximum"), row.maximum);
  }
}

TEST(Steps, WhatIsNotALadderIsRefused) {
  const auto refused = [](std::vector<StepAdjustment> steps) {
    const auto checked = check_steps(List<StepAdjustment>(std::move(steps)));
    return checked ? std::string() : checked.error().message;
  };
  EXPECT_EQ(refused({step(0, 10, 1), step(10, {}, 2)}), "");
  EXPECT_EQ(refused({step(10, {}, 2), step(0, 10, 1)}), "");  // in any order
  EXPECT_EQ(refused({step({}, 0, -1)}), "");
  EXPECT_EQ(refused({step({}, {}, 1)}), "Both lower and upper bounds of a StepAdjustment cannot be left unspecified");
  EXPECT_EQ(refused({step(10, 5, 1)}), "LowerBound must be less than the UpperBound for StepAdjustment");
  EXPECT_EQ(refused({step(0, {}, 1), step(10, {}, 2)}),
            "At most one StepAdjustment may have an unspecified upper bound");
  EXPECT_EQ(refused({step({}, -5, 1), step({}, 0, 2)}),
            "At most one StepAdjustment may have an unspecified lower bound");
  EXPECT_NE(refused({step(1, 2, 1)}).find("unspecified upper bound (i.e., upper bound is null)"), std::string::npos);
  EXPECT_NE(refused({step(-2, -1, 1)}).find("unspecified lower bound (i.e., lower bound is null)"), std::string::npos);
  EXPECT_EQ(refused({step(0, 10, 1), step(5, {}, 2)}), "StepAdjustment intervals cannot overlap");
  EXPECT_EQ(refused({step(0, 10, 1), step(15, {}, 2)}), "StepAdjustment intervals cannot have gaps between them");
  EXPECT_NE(refused({}), "");
  EXPECT_NE(refused(std::vector<StepAdjustment>(21, step(0, {}, 1))), "");
}

TEST(StepScaling, TheGuidesExampleOfWarmingInstances) {
  // Ten instances; at 60 % a tenth more, at 70 % three tenths more.
  Capacity capacity = ready(10);
  EXPECT_EQ(step_scaling(capacity, {"PercentChangeInCapacity", 10, {}}).desired, 11);
  capacity.desired = 11;
  capacity.warming = 1;
  EXPECT_EQ(step_scaling(capacity, {"PercentChangeInCapacity", 10, {}}).reason,
            "the instances that are warming up are enough");
  EXPECT_EQ(step_scaling(capacity, {"PercentChangeInCapacity", 30, {}}).desired, 13);
  EXPECT_EQ(step_scaling(capacity, {"ChangeInCapacity", -1, {}}).reason, "no scale-in while instances are warming up");
}

TEST(StepScaling, WhatIsLeavingIsNotTakenAgain) {
  Capacity capacity = ready(10);
  EXPECT_EQ(step_scaling(capacity, {"ChangeInCapacity", -2, {}}).desired, 8);
  capacity = {.min = 0, .max = 100, .desired = 8, .ready = 8, .leaving = 2};
  EXPECT_EQ(step_scaling(capacity, {"ChangeInCapacity", -2, {}}).reason,
            "the instances that are being terminated are enough");
  EXPECT_EQ(step_scaling(capacity, {"ChangeInCapacity", -3, {}}).desired, 7);
  EXPECT_EQ(step_scaling(capacity, {"ExactCapacity", 8, {}}).desired, std::nullopt);
  EXPECT_EQ(step_scaling(capacity, {"ExactCapacity", 3, {}}).desired, 3);
  EXPECT_EQ(step_scaling(capacity, {"ExactCapacity", 20, {}}).desired, 20);
  EXPECT_EQ(simple_scaling(capacity, {"ChangeInCapacity", -2, {}}).desired, 6);
  EXPECT_EQ(simple_scaling(capacity, {"ExactCapacity", 8, {}}).desired, std::nullopt);
}

TEST(TargetTracking, BringsTheMetricToItsTarget) {
  struct Case {
    Capacity capacity;
    double metric, target;
    std::optional<int> expected;
    const char* reason;
  };
  const Capacity growing{.min = 0, .max = 100, .desired = 5, .ready = 4, .warming = 1};
  const Capacity shrinking{.min = 0, .max = 100, .desired = 6, .ready = 6, .leaving = 4};
  for (const Case& c : std::initializer_list<Case>{
           {ready(10), 60, 50, 12, ""},
           {ready(10), 51, 50, 11, ""},
           {ready(4), 100, 25, 16, ""},
           {ready(10), 0.6, 0.2, 30, ""},  // 30.000000000000004 in floating point
           {ready(3), 50, 50, {}, "one instance fewer would exceed the target"},
           {ready(10), 40, 50, 8, ""},
           {ready(10), 45.1, 50, {}, "one instance fewer would exceed the target"},
           {ready(2), 26, 50, {}, "one instance fewer would exceed the target"},
           {ready(2), 25, 50, 1, ""},
           {ready(10), 0, 50, 0, ""},
           {ready(0), 10, 5, 1, ""},
           {ready(0), 0, 5, {}, "one instance fewer would exceed the target"},
           {ready(1), 1e300, 1e-300, 1'000'000, ""},
           {ready(1), std::numeric_limits<double>::quiet_NaN(), 50, {}, "the metric is not a number"},
           // Of five that are desired one warms up: 4 × 60 / 50 is enough of them, 4 × 80 / 50 is not.
           {growing, 60, 50, {}, "the instances that are warming up are enough"},
           {growing, 80, 50, 7, ""},
           {growing, 10, 50, {}, "no scale-in while instances are warming up"},
           // Four are on their way out: ten instances had that metric.
           {shrinking, 30, 50, {}, "one instance fewer would exceed the target"},
           {shrinking, 20, 50, 4, ""},
       }) {
    const Wish wish = target_tracking(c.capacity, c.metric, c.target, false);
    EXPECT_EQ(wish.desired, c.expected) << c.capacity.ready << " at " << c.metric << " of " << c.target;
    EXPECT_EQ(wish.reason, c.reason) << c.capacity.ready << " at " << c.metric << " of " << c.target;
  }
  EXPECT_EQ(target_tracking(ready(10), 10, 50, true).reason, "the policy has scale-in disabled");
  EXPECT_EQ(target_tracking(ready(10), 60, 50, true).desired, 12);
}

TEST(Combine, GrowsIfAnySaysSoAndShrinksIfAllDo) {
  const auto wants = [](const char* policy, int desired) { return Opinion{policy, {desired, ""}}; };
  const auto keeps = [](const char* policy) { return Opinion{policy, {std::nullopt, "it is content"}}; };
  const auto of = [](std::vector<Opinion> opinions) { return combine(5, opinions); };
  EXPECT_EQ(of({wants("a", 7), keeps("b")}).desired, 7);
  EXPECT_EQ(of({wants("a", 7), wants("b", 9)}).desired, 9);
  EXPECT_EQ(of({wants("a", 3), wants("b", 9)}).desired, 9);
  EXPECT_EQ(of({wants("a", 3), wants("b", 4)}).desired, 4);
  EXPECT_EQ(of({wants("a", 3), keeps("b")}).reason, "policy b does not agree: it is content");
  EXPECT_EQ(of({keeps("a"), keeps("b")}).reason, "it is content");
  EXPECT_EQ(of({}).desired, std::nullopt);
}

TEST(Bounded, ByTheGroup) {
  const Capacity capacity{.min = 2, .max = 6, .desired = 4};
  EXPECT_EQ(bounded({5, ""}, capacity).desired, 5);
  EXPECT_EQ(bounded({9, ""}, capacity).desired, 6);
  EXPECT_EQ(bounded({0, ""}, capacity).desired, 2);
  EXPECT_EQ(bounded({4, ""}, capacity).desired, std::nullopt);
  EXPECT_EQ(bounded({9, ""}, {.min = 2, .max = 6, .desired = 6}).reason,
            "the group is already at its maximum size of 6");
  EXPECT_EQ(bounded({1, ""}, {.min = 2, .max = 6, .desired = 2}).reason,
            "the group is already at its minimum size of 2");
  EXPECT_EQ(bounded({std::nullopt, "content"}, capacity).reason, "content");
}

}  // namespace
}  // namespace brume::autoscaling
