// What a metric filter makes of log events: samples for CloudWatch.
//
// Pure. A match counts with the metric's value, a number or what a selector finds in the event; where that is no
// number, with nothing. A minute in which events came and none matched has the default value, once, if there is one
// (user guide, "Configuring metric values for a metric filter"). A dimension is there only for an event in which its
// value is found (CloudFormation, AWS::Logs::MetricFilter Dimension). Leaves to others the lengths and characters of
// names that the model states, units, and whether a filter has too many different dimensions to go on.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/result.h"
#include "base/time.h"
#include "services/common/metric_sink.h"
#include "services/logs/pattern/filter_pattern.h"

namespace brume::logs {

// A metric transformation as PutMetricFilter is given it.
struct MetricDefinition {
  std::string name;
  std::string value;  // "1", "$.latency", "$bytes"
  std::optional<double> default_value;
  std::string unit;                               // CloudWatch's; "" none
  std::map<std::string, std::string> dimensions;  // name and selector, at most 3
};

class MetricExtraction {
 public:
  // Errors: InvalidParameterException, worded as AWS does where that is known.
  static Result<MetricExtraction> make(FilterPattern pattern, MetricDefinition definition);

  [[nodiscard]] const FilterPattern& pattern() const { return pattern_; }

  // Events, from which the samples then come. To have the default value once a minute, all of a minute's have to be
  // added to the same one.
  class Batch {
   public:
    // `extraction` must outlive it.
    explicit Batch(const MetricExtraction& extraction) : extraction_(extraction) {}
    void add(Timestamp time, std::string_view message);
    // One for each minute and combination of dimensions, in order.
    [[nodiscard]] std::vector<services::MetricSample> samples() const;

   private:
    using Dimensions = std::vector<std::pair<std::string, std::string>>;
    struct Minute {
      bool matched = false;
      std::map<Dimensions, std::map<double, double>> values;  // and how often each came
    };

    const MetricExtraction& extraction_;
    std::map<Timestamp, Minute> minutes_;  // by their begin
  };

 private:
  MetricExtraction(FilterPattern pattern, MetricDefinition definition)
      : pattern_(std::move(pattern)), definition_(std::move(definition)) {}

  Result<void> read_value();
  Result<void> read_dimensions();

  FilterPattern pattern_;
  MetricDefinition definition_;
  double constant_ = 0;
  std::optional<FilterPattern::Selector> selector_;  // none: the value is constant_
  std::vector<std::pair<std::string, FilterPattern::Selector>> dimensions_;
};

}  // namespace brume::logs
