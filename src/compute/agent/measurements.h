// What an instance measures of itself: its cgroup's counters for CPU, memory, swap and disks, where /proc would show
// the machine's; /proc of its own processes and network; statfs of what is mounted.
//
// Pure but for what it is given to read with; cgroup v1, v2 and hybrid. What cannot be read is left out, not made 0.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "compute/agent/metrics_config.h"

namespace brume::agent {

struct FileSystem {
  double size = 0, free = 0, available = 0;  // bytes; `available`: to others than root
  double inodes = 0, inodes_free = 0;
};

struct Machine {
  std::function<std::string(const std::string& path)> read;  // empty if there is no such file
  std::function<std::optional<FileSystem>(const std::string& path)> file_system;
  std::function<std::string(const std::string& path)> link;  // where it leads; empty if it may not be read
  std::function<std::optional<std::size_t>(const std::string& path)> count;  // of a folder's files
  std::function<std::vector<std::string>()> processes;                       // their numbers
  int cpus = 1;
};

// One thing's values by name: those of `totals` count up, and what is told is how far since the last time.
struct Reading {
  std::string id;  // tells those with the same dimensions apart
  Dimensions dimensions;
  std::map<std::string, double> values, totals;
};

// The cpu plugin's totals are in seconds ("active", "user", "system") with "cpus" among its values.
std::vector<Reading> take_readings(const MetricPlugin& plugin, const Machine& machine);

struct Sample {
  const Measurement* measurement;  // the plugin's
  Dimensions dimensions;
  double value = 0;
};

// The samples of a plugin from two readings `seconds` apart. What was not there before gives none of its totals.
std::vector<Sample> samples(const MetricPlugin& plugin, const std::vector<Reading>& before,
                            const std::vector<Reading>& now, double seconds);

}  // namespace brume::agent
