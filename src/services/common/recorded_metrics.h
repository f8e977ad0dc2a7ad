// A MetricSink that remembers, for tests.
#pragma once

#include <string>
#include <utility>
#include <vector>

#include "services/common/metric_sink.h"

namespace brume::services {

class RecordedMetrics : public MetricSink {
 public:
  void put(std::string_view metric_namespace, const std::vector<MetricSample>& added) override {
    for (const MetricSample& sample : added) samples.emplace_back(metric_namespace, sample);
  }
  void put(const MetricBatch& batch) override {
    auto values = batch.values().begin();
    for (const MetricBatch::Sample& added : batch.samples()) {
      const MetricDefinition& metric = added.subject->metrics[added.metric];
      const auto first = std::exchange(values, values + added.values);
      samples.emplace_back(metric.metric_namespace, MetricSample{std::string(metric.name),
                                                                 added.subject->dimensions,
                                                                 std::string(metric.unit),
                                                                 batch.time(),
                                                                 added.sum,
                                                                 added.count,
                                                                 added.minimum,
                                                                 added.maximum,
                                                                 {first, values}});
    }
  }
  // Of one metric, in the order in which they came.
  [[nodiscard]] std::vector<MetricSample> of(const std::string& name, const MetricDimensions& dimensions) const {
    std::vector<MetricSample> found;
    for (const auto& [space, sample] : samples)
      if (sample.name == name && sample.dimensions == dimensions) found.push_back(sample);
    return found;
  }

  std::vector<std::pair<std::string, MetricSample>> samples;  // with their namespaces
};

}  // namespace brume::services
