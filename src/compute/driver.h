// What runs instances: the seam between the EC2 service, which decides, and the machine.
//
// A driver keeps no desired state. What it did is found again in the machine after a restart (list()), so the service
// can compare and do the next step. Every call is idempotent: repeating one that has succeeded succeeds.
// Implementations: OciDriver (oci_driver.h: overlayfs, cgroups, an OCI runtime under conmon), SimDriver (sim_driver.h).
// Leaves the network to net/: the namespace at `network_namespace` exists before start() and outlives destroy().
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <map>
#include <string>
#include <vector>

#include "base/result.h"
#include "env/clock.h"

namespace brume::compute {

struct InstanceSpec {
  std::string id;                 // i-…
  std::string image_id;           // ami-…, known to Images
  std::string hostname;           // ip-10-0-101-7
  std::string network_namespace;  // path of a bind-mounted network namespace
  std::string zone;               // its cgroup lies in its zone's
  double vcpus = 1;               // upper bound of CPU time a second, in seconds
  std::int64_t memory_bytes = 0;  // upper bound; beyond it the kernel ends a process of the instance
  std::string private_address;    // for its /etc/hosts; written when the disk is made, like the next
  std::string nameserver;         // VPC base + 2, for its /etc/resolv.conf; empty: the image's own is kept
};

enum class State : std::uint8_t {
  running,
  stopped,  // its disk is kept
};

struct Observed {
  std::string id;
  State state = State::stopped;
};

// What an instance has used since it was started.
struct Usage {
  std::chrono::nanoseconds cpu_time{};  // of all processors together
  std::int64_t memory_bytes = 0;        // in use now
  std::int64_t disk_read_bytes = 0, disk_write_bytes = 0, disk_read_operations = 0, disk_write_operations = 0;
  std::int64_t network_in_bytes = 0, network_out_bytes = 0, network_in_packets = 0, network_out_packets = 0;
  bool operator==(const Usage&) const = default;
};

using Done = std::function<void(Result<void>)>;

// All calls are made on the state loop and return at once; `done` runs on the loop later. For one instance the caller
// has at most one call under way.
class Driver {
 public:
  virtual ~Driver() = default;

  // Makes the disk if there is none yet, then runs the instance. Done when PID 1 runs. On failure nothing is left but
  // the disk. Errors: InvalidAMIID.NotFound, InsufficientInstanceCapacity (no room), InternalFailure.
  virtual void start(const InstanceSpec& spec, Done done) = 0;
  // Asks PID 1 to end and kills the instance after `grace`. The disk stays. Not running is success.
  virtual void stop(const std::string& id, env::Duration grace, Done done) = 0;
  // Kills it if it runs, and removes disk, mounts, cgroup and console. Unknown is success.
  virtual void destroy(const std::string& id, Done done) = 0;

  // Everything that exists on this machine, whoever started it. Blocks briefly; called once at start.
  virtual Result<std::vector<Observed>> list() = 0;
  // Console output since the instance was made, at most the last 64 KiB (EC2's own bound), also when it is stopped.
  virtual Result<std::string> console(const std::string& id) = 0;
  // What each running instance has used; `done` hears it on the loop, later. A call while another is under way may hear
  // that one's answer.
  virtual void usage(std::function<void(const std::map<std::string, Usage>&)> done) = 0;
  // Called on the loop when an instance that ran has ended without stop() or destroy(). Also for those that list()
  // reported as running. One listener.
  virtual void on_exit(std::function<void(const std::string& id, int status)> listener) = 0;
};

}  // namespace brume::compute
