// A group's metrics (AWS/AutoScaling), those that EnableMetricsCollection asks for: pure.
//
// Source: Auto Scaling user guide, "Amazon CloudWatch metrics for Amazon EC2 Auto Scaling". A capacity unit is an
// instance where no weights are. Those of warm pools are told of groups that have one.
#pragma once

#include <string_view>
#include <vector>

#include "autoscaling/shapes.h"
#include "services/common/metric_sink.h"

namespace brume::autoscaling {

inline constexpr std::string_view kGroupMetrics[] = {
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

// `group` as DescribeAutoScalingGroups shows it, `pool` the instances of its warm pool. Nothing if it collects none.
std::vector<services::MetricSample> group_metrics(const AutoScalingGroup& group, const List<Instance>& pool,
                                                  Timestamp time);

}  // namespace brume::autoscaling
