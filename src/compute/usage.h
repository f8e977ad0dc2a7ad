// What instances use of the machine, from the kernel's counters: cgroup v1's or v2's files and /proc/<pid>/net/dev.
//
// The readers of files' texts are pure. A counter that the kernel does not have (a controller that is off) stays 0.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "compute/cgroup.h"
#include "compute/driver.h"

namespace brume::compute {

// Each adds what the text says. What it does not understand counts nothing.
void add_cpu_stat(std::string_view text, Usage& usage);       // cgroup v2: cpu.stat
void add_cpuacct_usage(std::string_view text, Usage& usage);  // cgroup v1: cpuacct.usage, nanoseconds
// `current`: memory.current or memory.usage_in_bytes; `stat`: memory.stat. What the kernel can take back at once, the
// inactive file cache, is not counted, as container engines do.
void add_memory(std::string_view current, std::string_view stat, Usage& usage);
void add_io_stat(std::string_view text, Usage& usage);           // cgroup v2: io.stat
void add_blkio_bytes(std::string_view text, Usage& usage);       // v1: blkio.throttle.io_service_bytes_recursive
void add_blkio_operations(std::string_view text, Usage& usage);  // v1: blkio.throttle.io_serviced_recursive
void add_network_devices(std::string_view text, Usage& usage);   // /proc/<pid>/net/dev; lo is left out

// Reads the counters of running instances again and again. One call at a time.
class UsageReader {
 public:
  explicit UsageReader(const Cgroups& cgroups) : cgroups_(cgroups) {}
  // Of each instance (id and the pid of its first process) whose counters are there. Blocks. Forgets all others.
  std::map<std::string, Usage> read(const std::vector<std::pair<std::string, std::int64_t>>& instances);

 private:
  using Add = void (*)(std::string_view text, Usage& usage);
  struct Source {
    std::string path;
    Add add;
  };
  struct Sources {
    std::vector<Source> files;
    std::string memory, memory_stat;
  };
  [[nodiscard]] Sources find(const std::string& id) const;

  const Cgroups& cgroups_;
  std::map<std::string, Sources> known_;  // so that folders are not searched each time
};

}  // namespace brume::compute
