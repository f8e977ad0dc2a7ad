// A group's metrics (AWS/AutoScaling), those that EnableMetricsCollection asks for: pure.
//
// Source: Auto Scaling user guide, "Amazon CloudWatch metrics for Amazon EC2 Auto Scaling". A capacity unit is an
// instance where no weights are. Those of warm pools are told of groups that have one.
#pragma once

#include <array>
#include <string_view>
#include <utility>
#include <vector>

#include "autoscaling/shapes.h"
#include "services/common/metric_sink.h"

namespace brume::autoscaling {

inline constexpr std::array<std::string_view, 21> kGroupMetrics = {
    "GroupMinSize",
    "GroupMaxSize",
    "GroupDesiredCapacity",
    "GroupInServiceInstances",
    "GroupPendingInstances",
    "GroupStandbyInstances",
    "GroupTerminatingInstances",
    "GroupTotalInstances",
    "GroupInServiceCapacity",
    "GroupPendingCapacity",
    "GroupStandbyCapacity",
    "GroupTerminatingCapacity",
    "GroupTotalCapacity",
    "WarmPoolMinSize",
    "WarmPoolDesiredCapacity",
    "WarmPoolWarmedCapacity",
    "WarmPoolPendingCapacity",
    "WarmPoolTerminatingCapacity",
    "WarmPoolTotalCapacity",
    "GroupAndWarmPoolDesiredCapacity",
    "GroupAndWarmPoolTotalCapacity",
};

// The same, as they are published.
inline constexpr auto kGroupDefinitions = [] {
  std::array<services::MetricDefinition, kGroupMetrics.size()> all{};
  for (std::size_t i = 0; i < all.size(); ++i) all[i] = {"AWS/AutoScaling", kGroupMetrics[i], "None"};
  return all;
}();

// Of those that the group collects and that there are: place in kGroupMetrics, and value. `group` as
// DescribeAutoScalingGroups shows it, `pool` the instances of its warm pool.
std::vector<std::pair<std::size_t, double>> group_metrics(const AutoScalingGroup& group, const List<Instance>& pool);

}  // namespace brume::autoscaling
