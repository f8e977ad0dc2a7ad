// The metric filters of a region, at work: what was appended becomes samples in CloudWatch.
//
// Matches are told at once; a minute in which events came and none matched has the filter's default value when it is
// over. What is not told yet when the daemon ends is lost, as nobody waits for it.
#pragma once

#include <map>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "logstore/event_store.h"
#include "services/common/context.h"
#include "services/common/metric_sink.h"
#include "services/logs/metric_filter.h"

namespace brume::logs {

// A filter as threads use it: never changed once it is made.
struct MetricFilterRule {
  MetricExtraction extraction;  // without a default value
  std::string metric_namespace, metric, unit;
  std::optional<double> default_value;
};
using MetricFilterRules = std::vector<std::shared_ptr<const MetricFilterRule>>;

class MetricFilters {
 public:
  MetricFilters(services::Context context, services::MetricSink& metrics)
      : context_(std::move(context)), metrics_(metrics) {}

  // From any thread.
  void measure(const MetricFilterRules& rules, std::span<const logstore::NewEvent> events);

 private:
  struct Measured {
    std::shared_ptr<const MetricFilterRule> rule;
    std::vector<services::MetricSample> samples;
    std::map<Timestamp, bool> minutes;  // by their begin: did an event match?
  };
  void tell(const std::vector<Measured>& measured);
  void tell_defaults();
  [[nodiscard]] env::Duration minute() const { return context_.scaled(std::chrono::minutes(1)); }

  services::Context context_;
  services::MetricSink& metrics_;
  std::map<std::shared_ptr<const MetricFilterRule>, std::map<Timestamp, bool>> open_;  // minutes that are not over
  env::Loop::TimerId timer_ = 0;
};

}  // namespace brume::logs
