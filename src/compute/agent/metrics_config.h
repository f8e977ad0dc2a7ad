// The metrics section of the CloudWatch agent's configuration.
//
// Pure. Followed as far as what an instance is of the machine can be told from inside: what /proc would show of the
// host (user and idle times of its CPUs one by one, its memory's buffers) is refused by name, not made up.
#pragma once

#include <map>
#include <set>
#include <string>
#include <vector>

#include "compute/agent/config.h"

namespace brume::agent {

struct Measurement {
  std::string name;    // without its plugin's: "used_percent"
  std::string metric;  // as it is published: "mem_used_percent", or what it is renamed to
  std::string unit;
  bool drop_original = false;  // only with aggregation_dimensions

  bool operator==(const Measurement&) const = default;
};

struct MetricPlugin {
  std::string name;   // cpu, mem, disk, diskio, net, netstat, swap, processes
  int interval = 60;  // seconds
  std::vector<Measurement> measurements;
  std::set<std::string> resources;      // empty: all
  std::set<std::string> ignored_types;  // of file systems
  bool drop_device = false;
  std::map<std::string, std::string> dimensions;  // appended to this plugin's metrics
};

struct MetricsConfig {
  std::string metric_namespace = "CWAgent";
  int flush_interval = 60;  // seconds
  std::string endpoint;
  // Name to what it stands for: InstanceId, ImageId, InstanceType, AutoScalingGroupName.
  std::map<std::string, std::string> append_dimensions;
  bool host_dimension = true;
  std::vector<std::set<std::string>> aggregation_dimensions;
  std::vector<MetricPlugin> plugins;
};

MetricsConfig read_metrics_config(const Config& config, std::vector<std::string>& refused);

}  // namespace brume::agent
