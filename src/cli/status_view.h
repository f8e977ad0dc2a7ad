// What `brume status` shows, as data and as text. The text is pure.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "base/reflect.h"
#include "base/time.h"

namespace brume::cli {

struct InstanceLine {
  std::string id, zone, type, address;
  std::string state;                 // the group's lifecycle state; outside a group EC2's
  std::string health;                // the group's; empty outside one
  std::string version;               // of its launch template
  std::optional<double> cpu;         // percent, in the newest minute that is known
  std::vector<std::string> targets;  // its health in each target group
  std::int32_t units = 1;            // what it counts in its group
};

struct RefreshLine {
  std::string id, status, reason;
  std::int32_t percent = 0;
};

struct ActivityLine {
  std::string group;
  brume::Timestamp start;
  std::string description, status;
};

struct GroupLine {
  std::string name;
  std::int32_t min = 0, desired = 0, max = 0;
  std::optional<RefreshLine> refresh;  // under way
  std::vector<std::string> suspended;  // processes
  std::vector<InstanceLine> instances;
};

struct BalancerLine {
  std::string name, state, address;  // where it listens: "localhost" or an address of the host
  std::vector<std::int32_t> ports;
  std::int32_t healthy = 0, targets = 0;
  // Of the newest minute that is known.
  std::optional<double> requests_a_second, errors_a_second;  // answers 5xx, its own and the targets'
  std::optional<double> average_ms, p99_ms;                  // until the head of the answer
};

struct AlarmLine {
  std::string name, state, reason;
  std::optional<brume::Timestamp> since;
};

struct StatusView {
  std::string region;
  brume::Timestamp time;
  std::vector<BalancerLine> load_balancers;
  std::vector<GroupLine> groups;
  std::vector<InstanceLine> others;  // instances of no group
  std::vector<AlarmLine> alarms;
  std::vector<ActivityLine> activities;  // newest first
};

// Lines of at most `width` characters (at least 40). `colours`: states that want attention are coloured (ANSI).
std::string to_text(const StatusView& view, std::size_t width, bool colours);

}  // namespace brume::cli

BRUME_RECORD(brume::cli::InstanceLine, id, zone, type, address, state, health, version, cpu, targets)
BRUME_RECORD(brume::cli::RefreshLine, id, status, reason, percent)
BRUME_RECORD(brume::cli::ActivityLine, group, start, description, status)
BRUME_RECORD(brume::cli::GroupLine, name, min, desired, max, refresh, suspended, instances)
BRUME_RECORD(brume::cli::BalancerLine, name, state, address, ports, healthy, targets, requests_a_second,
             errors_a_second, average_ms, p99_ms)
BRUME_RECORD(brume::cli::AlarmLine, name, state, reason, since)
BRUME_RECORD(brume::cli::StatusView, region, time, load_balancers, groups, others, alarms, activities)
