// The cgroups of instances, <hierarchy>/<root>/<zone>/<instance>, in every hierarchy of the machine: one under cgroup
// v2, one a controller under v1, both kinds under hybrid.
//
// The runtime makes them (bundle.h names the path and the limits); here they are found, emptied and removed. The cgroup
// is what names an instance's processes for certain: it needs no pid that was written down.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace brume::compute {

// Mount points of cgroup and cgroup2 file systems below /sys/fs/cgroup, from the text of /proc/self/mountinfo. Pure.
std::vector<std::string> cgroup_hierarchies(std::string_view mountinfo);

class Cgroups {
 public:
  Cgroups(std::string root, std::vector<std::string> hierarchies)
      : root_(std::move(root)), hierarchies_(std::move(hierarchies)) {}

  // As the runtime wants it: "/<root>/<zone>/<id>".
  [[nodiscard]] std::string path(const std::string& zone, const std::string& id) const;
  // Folders of the instance that are there, in whichever zone.
  [[nodiscard]] std::vector<std::string> folders(const std::string& id) const;
  // Every instance with a folder in some hierarchy, sorted.
  [[nodiscard]] std::vector<std::string> instances() const;
  // Lets everybody read them, whatever the umask was when they were made: programs look there for the memory and the
  // processors they have, and an instance's root is nobody here.
  [[nodiscard]] Result<void> show(const std::string& id) const;
  // Kills what runs in them, waits for its end (at most ten seconds) and removes them. Nothing there is success.
  Result<void> remove(const std::string& id) const;
  // Removes the empty folders of zones and the root.
  void remove_root() const;

 private:
  std::string root_;
  std::vector<std::string> hierarchies_;
};

}  // namespace brume::compute
