// A group's metrics (AWS/AutoScaling), those that EnableMetricsCollection asks for: pure.
//
// Source: Auto Scaling user guide, "Amazon CloudWatch metrics for Amazon EC2 Auto Scaling". A capacity unit is an
// instance where no weights are.
#pragma once

#include <vector>

#include "autoscaling/shapes.h"
#include "services/common/metric_sink.h"

namespace brume::autoscaling {

// `group` as DescribeAutoScalingGroups shows it. Nothing if it collects none.
std::vector<services::MetricSample> group_metrics(const AutoScalingGroup& group, Timestamp time);

}  // namespace brume::autoscaling
