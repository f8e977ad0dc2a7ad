// Metrics in the text format that Prometheus scrapes, named as its CloudWatch exporter names them.
//
// Each metric's newest period: aws_ec2_cpuutilization_average, _sum, _minimum, _maximum and _sample_count, with region
// and dimensions as labels. Pure but for the reader.
#pragma once

#include <map>
#include <string>
#include <string_view>

#include "services/cloudwatch/metric_reader.h"
#include "services/ec2/instance_metrics.h"

namespace brume::daemon {

// At most so many metrics of a region are told, in their order; a comment says when there are more.
inline constexpr std::size_t kMostExposed = 20'000;

// "aws_ec2", "target_response_time": what is no letter or digit becomes '_', as does a step from lower to upper case.
std::string snake_case(std::string_view name);

// `regions`: the metrics of each. `period`: of the datapoints; only those of the last fifteen are looked at.
std::string exposition(const std::map<std::string, const cloudwatch::MetricReader*>& regions,
                       std::chrono::seconds period, Timestamp now);

// What instances did in the last second: brume_instance_cpu_percent and brume_instance_memory_bytes.
std::string exposition(const std::map<std::string, std::map<std::string, ec2::InstanceLoad>>& regions);

// What the metrics take on disk, and what of them had to go for their budget since the start:
// brume_metric_store_bytes and brume_metric_store_dropped_bytes_total.
struct KeptMetrics {
  std::uint64_t bytes = 0, dropped = 0;
};
std::string exposition(const std::map<std::string, KeptMetrics>& regions);

}  // namespace brume::daemon
