// Collects and publishes the metrics of the configuration: each plugin at its interval, all with PutMetricData when the
// flush interval is over.
//
// Samples that were not taken wait, the oldest go when there are more than kMaxWaiting; those of a call whose answer
// did not come are not sent again, since they may have been counted.
#pragma once

#include <deque>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "compute/agent/answer.h"
#include "compute/agent/measurements.h"
#include "compute/agent/notices.h"
#include "compute/agent/placeholders.h"

namespace brume::agent {

inline constexpr std::size_t kMaxWaiting = 10'000;
inline constexpr std::size_t kMaxMetricsOfACall = 1'000;  // CloudWatch API reference, PutMetricData

// The data of a sample: one with all dimensions, one for each of the aggregation_dimensions that it has. Pure; each is
// JSON as in MetricData.
std::vector<std::string> metric_data(const MetricsConfig& config, const MetricPlugin& plugin, const Sample& sample,
                                     const Dimensions& appended, Timestamp time);

class MetricPublisher {
 public:
  struct Way {
    std::function<double()> seconds;
    std::function<Timestamp()> now;
    // A call of CloudWatch's API.
    std::function<Answer(const std::string& body)> put;
    // The instance's group; empty: in none; nothing: it is not known yet.
    std::function<std::optional<std::string>()> group;
  };

  MetricPublisher(MetricsConfig config, const Identity& identity, Machine machine, Way way, Notices& notices);

  void step();

 private:
  struct Collected {
    double at = 0;  // seconds; 0: not yet
    std::vector<Reading> readings;
  };

  void collect(std::size_t plugin);
  bool complete_dimensions();
  void flush();

  MetricsConfig config_;
  Identity identity_;
  Machine machine_;
  Way way_;
  Notices& notices_;
  Dimensions appended_;
  bool complete_ = false;
  std::vector<Collected> last_;
  std::deque<std::string> waiting_;
  double flush_at_ = 0, group_at_ = 0;
};

// The name of a group in EC2's answer to DescribeTags for the tag aws:autoscaling:groupName; empty if there is none.
std::string group_of_tags(std::string_view xml);

}  // namespace brume::agent
