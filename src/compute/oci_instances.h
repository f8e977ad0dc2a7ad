// Instances on this machine, step by step: disk, mount, container, and the way back.
//
// Invariants, after a crash at any step (README.md has the order of steps):
//   - what the kernel has of an instance, <run>/instances/<id> has a folder for; that is made first and removed last;
//   - an instance runs if and only if <run>/instances/<id>/running names two live processes;
//   - everything else there is debris, which clear() removes, in whatever state it is.
// Blocks: call it from a worker, for one instance one call at a time.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "compute/cgroup.h"
#include "compute/driver.h"
#include "compute/images.h"
#include "compute/oci_runtime.h"
#include "compute/overlay_disk.h"
#include "compute/usage.h"

namespace brume::compute {

struct Paths {
  std::string state_dir;  // disks, console logs, images; kept
  std::string run_dir;    // what is true until the machine restarts; on a tmpfs
};

struct Settings {
  std::string runtime = "runc";
  std::string conmon = "conmon";
  std::string cgroup_root = "brume";
  std::string init_path;  // brume-init: a static program
};

class OciInstances {
 public:
  OciInstances(env::Files& files, env::Processes& processes, Paths paths, Settings settings, Images& images);

  // As Driver::start().
  Result<Running> start(const InstanceSpec& spec);
  [[nodiscard]] std::optional<Running> running(const std::string& id) const;
  [[nodiscard]] int exit_status(const std::string& id) const;
  // The ids that an instance has on the machine. Error: InternalFailure.
  [[nodiscard]] Result<IdRange> ids(const std::string& id) const { return disks_.ids(id); }
  // Kills the instance if it runs and removes all but the disk and the console log.
  Result<void> clear(const std::string& id);
  // Removes the rest as well.
  Result<void> destroy(const std::string& id);
  // Every instance that is there; those that do not run are cleared on the way.
  Result<std::vector<Observed>> list();
  Result<std::string> console(const std::string& id) const;
  // What these use, each given with PID 1 as the machine sees it. One call at a time, also for different instances.
  std::map<std::string, Usage> usage(const std::vector<std::pair<std::string, std::int64_t>>& running) {
    return usage_.read(running);
  }
  // As keep_previous() (console_files.h) for all.
  void keep_consoles() const;
  // Clears everything below our roots; disks stay.
  Result<void> sweep();

 private:
  [[nodiscard]] std::string bundle(const std::string& id) const { return paths_.run_dir + "/instances/" + id; }
  [[nodiscard]] std::string log_of(const std::string& id) const { return disks_.folder(id) + "/console.log"; }
  [[nodiscard]] Result<Running> launch(const InstanceSpec& spec);
  // The bundle's folder with its mount points, which only the instance's root and we can pass.
  [[nodiscard]] Result<void> make_bundle(const std::string& place, IdRange range);

  env::Files& files_;
  Paths paths_;
  Settings settings_;
  Images& images_;
  Cgroups cgroups_;
  OverlayDisks disks_;
  OciRuntime runtime_;
  UsageReader usage_{cgroups_};
};

}  // namespace brume::compute
