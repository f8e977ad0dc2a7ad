// A metric's values on their way to PutMetricData. Pure.
#pragma once

#include <string>
#include <utility>
#include <vector>

#include "base/time.h"
#include "compute/agent/metrics_config.h"

namespace brume::agent {

// Limits of CloudWatch's (API reference, MetricDatum).
inline constexpr std::size_t kMaxValuesOfADatum = 150;
inline constexpr std::size_t kMaxDimensions = 30;
inline constexpr double kLargestValue = 0x1p360;

struct Datum {
  std::string metric, unit;  // unit: empty for none
  Dimensions dimensions;     // its own
  Timestamp time;
  std::vector<std::pair<double, double>> values;  // and how often each came
  bool high_resolution = false;
  bool drop_original = false;  // only with aggregation_dimensions
};

// As JSON for MetricData: one with all dimensions, one for each of the aggregation_dimensions that it has; each is
// several where there are more values than one may have. Of more than kMaxDimensions the first by name are kept, as in
// the CloudWatch agent.
std::vector<std::string> metric_data(const std::vector<std::set<std::string>>& aggregation_dimensions,
                                     const Datum& datum, const Dimensions& appended);

// With its quotes.
std::string quoted_json(std::string_view text);

}  // namespace brume::agent
