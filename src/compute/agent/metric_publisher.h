// Collects and publishes the metrics of the configuration: each plugin at its interval, what came by StatsD's protocol
// at its own, all with PutMetricData when the flush interval is over.
//
// Samples that were not taken wait, the oldest go when they weigh more than kMaxWaiting (a value one,
// a metric sixteen); those of a call whose
// answer did not come are not sent again, since they may have been counted.
#pragma once

#include <deque>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "compute/agent/answer.h"
#include "compute/agent/measurements.h"
#include "compute/agent/metric_datum.h"
#include "compute/agent/notices.h"
#include "compute/agent/placeholders.h"
#include "compute/agent/statsd.h"

namespace brume::agent {

inline constexpr std::size_t kMaxWaiting = 500'000;
inline constexpr std::size_t kMaxMetricsOfACall = 1'000;  // CloudWatch API reference, PutMetricData
inline constexpr std::size_t kMaxBytesOfACall = 900'000;  // there: 1 MB

class MetricPublisher {
 public:
  struct Way {
    std::function<double()> seconds;
    std::function<Timestamp()> now;
    // A call of CloudWatch's API.
    std::function<Answer(const std::string& body)> put;
    // The instance's group; empty: in none; nothing: it is not known yet.
    std::function<std::optional<std::string>()> group;
    // What came to StatsD's port since the last call.
    std::function<std::vector<std::string>()> datagrams;
  };

  MetricPublisher(MetricsConfig config, const Identity& identity, Machine machine, Way way, Notices& notices);

  void step();
  // The end: sends what there is, once.
  void finish();

 private:
  struct Collected {
    double at = 0;  // seconds; 0: not yet
    std::vector<Reading> readings;
  };

  void collect(std::size_t plugin);
  void collect_statsd();
  void wait(Datum datum);
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
  std::optional<Statsd> statsd_;
  std::uint64_t lost_told_ = 0;
  std::deque<Datum> waiting_;
  std::deque<std::string> ready_;  // the next of them, as JSON
  std::size_t waiting_weight_ = 0;
  double flush_at_ = 0, group_at_ = 0, statsd_at_ = 0;
};

// The name of a group in EC2's answer to DescribeTags for the tag aws:autoscaling:groupName; empty if there is none.
std::string group_of_tags(std::string_view xml);

}  // namespace brume::agent
