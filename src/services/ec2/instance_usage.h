// What an instance did in an interval, as metrics of CloudWatch: pure.
//
// Names, units and meanings: EC2 user guide, "CloudWatch metrics that are available for your instances" (Nitro: root
// volumes are EBS), and for memory those of the CloudWatch agent. Leaves to the caller: when, and for which dimensions.
#pragma once

#include <array>
#include <optional>

#include "compute/driver.h"
#include "services/common/metric_sink.h"
#include "services/ec2/instance_types.h"

namespace brume::ec2 {

using InstanceMetric = services::MetricDefinition;

inline constexpr std::array<InstanceMetric, 14> kInstanceMetrics{{
    {"AWS/EC2", "StatusCheckFailed", "Count"},
    {"AWS/EC2", "StatusCheckFailed_Instance", "Count"},
    {"AWS/EC2", "StatusCheckFailed_System", "Count"},
    {"AWS/EC2", "CPUUtilization", "Percent"},
    {"AWS/EC2", "NetworkIn", "Bytes"},
    {"AWS/EC2", "NetworkOut", "Bytes"},
    {"AWS/EC2", "NetworkPacketsIn", "Count"},
    {"AWS/EC2", "NetworkPacketsOut", "Count"},
    {"AWS/EC2", "EBSReadBytes", "Bytes"},
    {"AWS/EC2", "EBSWriteBytes", "Bytes"},
    {"AWS/EC2", "EBSReadOps", "Count"},
    {"AWS/EC2", "EBSWriteOps", "Count"},
    {"CWAgent", "mem_used_percent", "Percent"},
    {"CWAgent", "mem_used", "Bytes"},
}};

// A value of each of kInstanceMetrics; not a number: it is not known.
using MeasuredValues = std::array<double, kInstanceMetrics.size()>;

// The share of its processors that was busy between two looks, 0 to 100. `elapsed` must be positive.
double cpu_percent(const compute::Usage& before, const compute::Usage& now, env::Duration elapsed, int vcpus);

// `now`: none if the machine no longer has the instance although it should run: only that it failed its status check is
// known then. Counters that went back began anew.
MeasuredValues measure(const compute::Usage& before, const std::optional<compute::Usage>& now, env::Duration elapsed,
                       const InstanceType& type);

}  // namespace brume::ec2
