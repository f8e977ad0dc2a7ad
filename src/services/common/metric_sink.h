// Where a service puts what it measures for its user, as AWS's services put theirs into CloudWatch. One a region.
//
// In two ways. Samples with their names (MetricSample), for what is told now and then. A MetricBatch, for what is
// measured of many things tick after tick: its publisher keeps a MetricSubject of each thing, in which the sink notes
// where its metrics are, so that their names are looked up once and not for every sample.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/time.h"

namespace brume::services {

using MetricDimensions = std::vector<std::pair<std::string, std::string>>;  // name and value, at most 30

// What happened to one metric in an interval, already summed up: `count` samples, together `sum`.
struct MetricSample {
  std::string name;  // "CPUUtilization"
  MetricDimensions dimensions;
  std::string unit;  // CloudWatch's: "Percent", "Count", "Seconds"; "" none
  Timestamp time;    // of the interval's begin
  double sum = 0, count = 1, minimum = 0, maximum = 0;
  // The values themselves and how often each came, where percentiles are wanted; empty: only the sums are known.
  std::vector<std::pair<double, double>> values;
};

// A sample that is one number.
inline MetricSample one_value(std::string name, MetricDimensions dimensions, std::string unit, Timestamp time,
                              double value) {
  return {std::move(name), std::move(dimensions), std::move(unit), time, value, 1, value, value, {{value, 1}}};
}

// One of the metrics that a service publishes of each thing of a kind.
struct MetricDefinition {
  std::string_view metric_namespace;  // "AWS/EC2", "AWS/ApplicationELB", …
  std::string_view name, unit;        // as MetricSample's
};

// A thing that is measured: an instance, all instances of a group. Its publisher keeps it while it is measured; lost
// (a restart), another one does as well.
struct MetricSubject {
  std::span<const MetricDefinition> metrics;  // outlive it
  MetricDimensions dimensions;

  // The sink's notes: where each of `metrics` is, as of an epoch of the sink's. Nobody else's business.
  struct Place {
    std::uint32_t series = 0;  // 0: not known; else one more than its number
    std::uint8_t unit = 0;
  };
  std::vector<Place> places = {};
  std::uint64_t epoch = 0;
};

// Samples of one interval, of many subjects, which outlive it.
class MetricBatch {
 public:
  struct Sample {
    MetricSubject* subject;
    std::uint32_t metric;  // of the subject's metrics
    std::uint32_t values;  // how many of values() are its own
    double sum, count, minimum, maximum;
  };

  // `time`: of the interval's begin. `expected`: about how many samples there will be.
  explicit MetricBatch(Timestamp time, std::size_t expected = 0) : time_(time) { samples_.reserve(expected); }
  // As MetricSample's fields: `values` may be empty, also where all are the same.
  void add(MetricSubject& subject, std::size_t metric, double sum, double count, double minimum, double maximum,
           std::span<const std::pair<double, double>> values) {
    samples_.push_back({&subject, std::uint32_t(metric), std::uint32_t(values.size()), sum, count, minimum, maximum});
    values_.insert(values_.end(), values.begin(), values.end());
  }

  [[nodiscard]] Timestamp time() const { return time_; }
  [[nodiscard]] const std::vector<Sample>& samples() const { return samples_; }
  // Of all samples, in their order.
  [[nodiscard]] const std::vector<std::pair<double, double>>& values() const { return values_; }

 private:
  Timestamp time_;
  std::vector<Sample> samples_;
  std::vector<std::pair<double, double>> values_;
};

// Called on the state loop. What is put is durable with the transaction that it joins, or by itself; a full disk loses
// the samples and says so in the log, for nobody waits for them.
class MetricSink {
 public:
  virtual ~MetricSink() = default;
  // `metric_namespace` is "AWS/EC2", "AWS/ApplicationELB", …: those that PutMetricData refuses to users.
  virtual void put(std::string_view metric_namespace, const std::vector<MetricSample>& samples) = 0;
  virtual void put(const MetricBatch& batch) = 0;
};

}  // namespace brume::services
