// Where a service puts what it measures for its user, as AWS's services put theirs into CloudWatch. One a region.
#pragma once

#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/time.h"

namespace brume::services {

// What happened to one metric in an interval, already summed up: `count` samples, together `sum`.
struct MetricSample {
  std::string name;                                             // "CPUUtilization"
  std::vector<std::pair<std::string, std::string>> dimensions;  // name and value, at most 30
  std::string unit;                                             // CloudWatch's: "Percent", "Count", "Seconds"; "" none
  Timestamp time;                                               // of the interval's begin
  double sum = 0, count = 1, minimum = 0, maximum = 0;
  // The values themselves and how often each came, where percentiles are wanted; empty: only the sums are known.
  std::vector<std::pair<double, double>> values;
};

// A sample that is one number.
inline MetricSample one_value(std::string name, std::vector<std::pair<std::string, std::string>> dimensions,
                              std::string unit, Timestamp time, double value) {
  return {std::move(name), std::move(dimensions), std::move(unit), time, value, 1, value, value, {{value, 1}}};
}

class MetricSink {
 public:
  virtual ~MetricSink() = default;
  // `metric_namespace` is "AWS/EC2", "AWS/ApplicationELB", …: those that PutMetricData refuses to users. Called on the
  // state loop. Durable with the transaction that it joins, or by itself; a full disk loses the samples and says so in
  // the log, for nobody waits for them.
  virtual void put(std::string_view metric_namespace, const std::vector<MetricSample>& samples) = 0;
};

}  // namespace brume::services
