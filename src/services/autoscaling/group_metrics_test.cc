#include "services/autoscaling/group_metrics.h"

#include <gtest/gtest.h>

#include <map>

namespace brume::autoscaling {
namespace {

AutoScalingGroup group_of(const std::vector<std::string>& states, const std::vector<std::string>& metrics) {
  AutoScalingGroup group;
  group.AutoScalingGroupName = "web";
  group.MinSize = 1;
  group.DesiredCapacity = 3;
  group.MaxSize = 5;
  for (const std::string& state : states) group.Instances.emplace_back().LifecycleState = state;
  for (const std::string& metric : metrics) group.EnabledMetrics.emplace_back().Metric = metric;
  return group;
}

double value(const AutoScalingGroup& group, const List<Instance>& pool = {}) {
  const auto values = group_metrics(group, pool);
  EXPECT_EQ(values.size(), 1u);
  return values.empty() ? -1 : values[0].second;
}

TEST(GroupMetrics, EveryStateIsCountedOnce) {
  const std::vector<std::string> states = {"Pending",   "Pending:Wait",        "InService",
                                           "InService", "EnteringStandby",     "Standby",
                                           "Standby",   "Terminating:Proceed", "Detaching"};
  for (const auto& [metric, wanted] : std::vector<std::pair<std::string, double>>{{"GroupPendingInstances", 2},
                                                                                  {"GroupInServiceInstances", 2},
                                                                                  {"GroupStandbyInstances", 3},
                                                                                  {"GroupTerminatingInstances", 2},
                                                                                  {"GroupTotalInstances", 9},
                                                                                  {"GroupMinSize", 1},
                                                                                  {"GroupDesiredCapacity", 3},
                                                                                  {"GroupMaxSize", 5}})
    EXPECT_EQ(value(group_of(states, {metric})), wanted) << metric;
}

TEST(GroupMetrics, CapacityIsInWeights) {
  AutoScalingGroup group = group_of({"InService", "InService"}, {"GroupInServiceCapacity"});
  group.Instances[0].WeightedCapacity = "4";
  EXPECT_EQ(value(group), 5);
}

List<Instance> pool_of(const std::vector<std::string>& states) {
  List<Instance> pool;
  for (const std::string& state : states) pool.emplace_back().LifecycleState = state;
  return pool;
}

TEST(GroupMetrics, AWarmPoolIsCountedBesideItsGroup) {
  AutoScalingGroup group = group_of({"InService", "InService", "Pending"}, {});
  group.WarmPoolConfiguration.emplace().MinSize = 1;
  const auto pool = pool_of({"Warmed:Stopped", "Warmed:Running", "Warmed:Pending:Wait", "Warmed:Terminating:Proceed"});
  const std::map<std::string, double> wanted = {{"WarmPoolMinSize", 1},
                                                {"WarmPoolDesiredCapacity", 2},  // up to the maximum of five
                                                {"WarmPoolWarmedCapacity", 2},
                                                {"WarmPoolPendingCapacity", 1},
                                                {"WarmPoolTerminatingCapacity", 1},
                                                {"WarmPoolTotalCapacity", 4},
                                                {"GroupAndWarmPoolDesiredCapacity", 5},
                                                {"GroupAndWarmPoolTotalCapacity", 7},
                                                {"GroupPendingInstances", 1},
                                                {"GroupTotalInstances", 3}};
  for (const auto& [metric, count] : wanted) {
    group.EnabledMetrics.clear();
    group.EnabledMetrics.emplace_back().Metric = metric;
    EXPECT_EQ(value(group, pool), count) << metric;
  }
  group.EnabledMetrics.front().Metric = "WarmPoolDesiredCapacity";
  group.WarmPoolConfiguration->MaxGroupPreparedCapacity = 3;
  EXPECT_EQ(value(group, pool), 1) << "the least";
  group.WarmPoolConfiguration->Status = "PendingDelete";
  EXPECT_EQ(value(group, pool), 0);
}

TEST(GroupMetrics, EveryOneIsToldButThoseOfAPoolThatThereIsNot) {
  const std::vector<std::string> all(std::begin(kGroupMetrics), std::end(kGroupMetrics));
  AutoScalingGroup group = group_of({"InService"}, all);
  EXPECT_EQ(group_metrics(group, {}).size(), 13U);
  group.WarmPoolConfiguration.emplace();
  EXPECT_EQ(group_metrics(group, {}).size(), all.size());
}

TEST(GroupMetrics, OnlyWhatIsCollected) {
  EXPECT_TRUE(group_metrics(group_of({"InService"}, {}), {}).empty());
  const auto values = group_metrics(group_of({}, {"GroupMaxSize", "GroupMinSize"}), {});
  ASSERT_EQ(values.size(), 2u);
  EXPECT_EQ(kGroupDefinitions.at(values[0].first).name, "GroupMaxSize");
}

}  // namespace
}  // namespace brume::autoscaling
