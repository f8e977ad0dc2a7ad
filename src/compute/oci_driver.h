// Instances as containers: overlayfs, cgroups and an OCI runtime under conmon.
//
// Keeps on the loop what belongs there: the order of the calls for one instance, the grace of a stop, and the watch
// over every running instance's conmon, whose end is the instance's end. The steps themselves are OciInstances', on
// workers. Instances outlive it; a second driver on the same folders finds them by list().
#pragma once

#include <memory>

#include "compute/driver.h"
#include "compute/oci_instances.h"
#include "env/env.h"

namespace brume::compute {

class OciDriver : public Driver {
 public:
  // `images` and `env` must outlive the driver and the calls under way.
  OciDriver(env::Env& env, Paths paths, Settings settings, Images& images);
  ~OciDriver() override;

  void start(const InstanceSpec& spec, Done done) override;
  void stop(const std::string& id, env::Duration grace, Done done) override;
  void destroy(const std::string& id, Done done) override;
  Result<std::vector<Observed>> list() override;
  Result<std::string> console(const std::string& id) override;
  void usage(std::function<void(const std::map<std::string, Usage>&)> done) override;
  void on_exit(std::function<void(const std::string& id, int status)> listener) override;

  // Kills and removes every container, mount and cgroup below our roots; disks stay. Blocks; no call may be under way.
  Result<void> sweep();

 private:
  struct Core;
  std::shared_ptr<Core> core_;
};

}  // namespace brume::compute
