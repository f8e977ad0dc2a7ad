// The metrics section of the CloudWatch agent's configuration.
//
// Pure. Followed as far as what an instance is of the machine can be told from inside: what /proc would show of the
// host (user and idle times of its CPUs one by one, its memory's buffers) is refused by name, not made up.
#pragma once

#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include <re2/re2.h>

#include "compute/agent/config.h"

namespace brume::agent {

using Dimensions = std::map<std::string, std::string>;

struct Measurement {
  std::string name;    // without its plugin's: "used_percent"
  std::string metric;  // as it is published: "mem_used_percent", or what it is renamed to
  std::string unit;
  bool drop_original = false;  // only with aggregation_dimensions

  bool operator==(const Measurement&) const = default;
};

// Of procstat: which processes.
struct ProcessSelector {
  enum class By { pid_file, exe, pattern };

  By by = By::pid_file;
  std::string text;
  std::shared_ptr<const RE2> expression;  // of exe and pattern

  // The name by which Telegraf has it as a dimension.
  [[nodiscard]] std::string_view dimension() const {
    return by == By::pid_file ? "pidfile" : by == By::exe ? "exe" : "pattern";
  }
};

struct MetricPlugin {
  std::string name;   // cpu, mem, disk, diskio, net, netstat, swap, processes, procstat
  int interval = 60;  // seconds
  std::vector<Measurement> measurements;
  std::set<std::string> resources;      // empty: all
  std::set<std::string> ignored_types;  // of file systems
  bool drop_device = false;
  Dimensions dimensions;      // appended to this plugin's metrics
  ProcessSelector processes;  // of procstat
};

struct StatsdConfig {
  std::string service_address = ":8125";  // address (none: all) and port, for UDP
  int collection_interval = 10;           // seconds after which counters, gauges and sets begin anew
  int aggregation_interval = 60;          // seconds whose values are one datum; 0: each collection is one
  std::string separator = "_";            // instead of the points in names
  std::size_t pending_messages = 10'000;
  std::set<std::string> dropped;  // metrics of which there are only aggregations
};

struct MetricsConfig {
  std::string metric_namespace = "CWAgent";
  int flush_interval = 60;  // seconds
  std::string endpoint;
  // Name to what it stands for: InstanceId, ImageId, InstanceType, AutoScalingGroupName.
  Dimensions append_dimensions;
  bool host_dimension = true;
  std::vector<std::set<std::string>> aggregation_dimensions;
  std::vector<MetricPlugin> plugins;
  std::optional<StatsdConfig> statsd;

  [[nodiscard]] bool empty() const { return plugins.empty() && !statsd; }
};

MetricsConfig read_metrics_config(const Config& config, std::vector<std::string>& refused);

}  // namespace brume::agent
