// The OCI bundle of an instance: what the runtime is told in config.json.
//
// Pure. An instance gets namespaces of its own for pid, ipc, uts, mount and cgroup, joins a network namespace that is
// there, and has a container engine's default capabilities, masked paths and refused system calls. It keeps the uids of
// the machine: user namespaces are left to whoever adds a mapping here. Setuid programs work, as on a machine.
#pragma once

#include <cstdint>
#include <string>

namespace brume::compute {

// Where brume-init is inside an instance; on a tmpfs, so that the disk keeps no trace of it.
inline constexpr const char* kInitInside = "/run/brume-init";

struct BundleSpec {
  std::string rootfs;  // mounted, writable
  std::string hostname;
  std::string network_namespace;  // path
  std::string cgroup;             // "/brume/<zone>/<id>", below the root of every hierarchy
  double vcpus = 0;               // CPU seconds a second; 0: no limit
  std::int64_t memory_bytes = 0;  // 0: no limit
  std::uint64_t open_files = 0;   // limit a process; not above the daemon's own, which a runtime may be unable to raise
  std::string init_path;          // brume-init on the machine
};

std::string bundle_config(const BundleSpec& spec);

}  // namespace brume::compute
