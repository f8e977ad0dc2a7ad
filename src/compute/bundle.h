// The OCI bundle of an instance: what the runtime is told in config.json.
//
// Pure. An instance gets namespaces of its own for users, pid, ipc, uts, mount and cgroup, and a container engine's
// default capabilities, masked paths and allowed system calls. Its ids are a range of the machine's in which nobody
// else is. Setuid programs work, as on a machine: within the range.
//
// No network namespace is named: it is the one that the runtime is started in, at `create` and at each `exec`. It
// belongs to the machine's user namespace, so that no root inside has a say in it; for the same reason runc 1.1, which
// enters the instance's user namespace first, could not enter it afterwards.
#pragma once

#include <cstdint>
#include <string>

#include "compute/id_range.h"

namespace brume::compute {

// Where brume-init is inside an instance; on a tmpfs, so that the disk keeps no trace of it.
inline constexpr const char* kInitInside = "/run/brume-init";

struct BundleSpec {
  IdRange ids;
  std::string rootfs;  // mounted, writable; whoever has the first id of `ids` can get there
  std::string sysfs;   // mounted: the network namespace's
  std::string hostname;
  std::string cgroup;             // "/brume/<zone>/<id>", below the root of every hierarchy
  double vcpus = 0;               // CPU seconds a second; 0: no limit
  std::int64_t memory_bytes = 0;  // 0: no limit
  std::uint64_t open_files = 0;   // limit a process; not above the daemon's own, which a runtime may be unable to raise
  std::string init_path;          // brume-init on the machine
};

std::string bundle_config(const BundleSpec& spec);

}  // namespace brume::compute
