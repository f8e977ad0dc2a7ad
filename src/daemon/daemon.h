// `brume daemon`: the control plane as a process.
#pragma once

#include <string>
#include <vector>

#include "compute/oci_driver.h"
#include "daemon/settings.h"
#include "net/edge.h"
#include "services/autoscaling/scaling/records.h"

namespace brume::daemon {

// What an unsigned GET /health answers.
struct Health {
  std::string status;                // "running"
  std::vector<std::string> regions;  // those in use
  double time_scale = 1;
};

// What an unsigned GET /decisions?region=…&group=… answers: of an Auto Scaling group, newest first.
struct Decisions {
  std::vector<autoscaling::DecisionRecord> decisions;
};

// Serves until SIGTERM or SIGINT; instances and the load balancer go on without it. Returns the exit status: 1, with a
// sentence as the last line of the log, if it cannot start.
int run_daemon(const Settings& settings);

std::string pid_file(const Settings& settings);
std::string state_file(const Settings& settings);
compute::Settings compute_settings(const Settings& settings);
std::string cgroup_root(const Settings& settings);
net::EdgeOptions edge_options(const Settings& settings);

}  // namespace brume::daemon

BRUME_RECORD(brume::daemon::Health, status, regions, time_scale)
BRUME_RECORD(brume::daemon::Decisions, decisions)
