// The whole control plane on a simulated machine: virtual time, a seeded generator, crashes at will.
#pragma once

#include <functional>
#include <memory>
#include <set>
#include <string>

#include "compute/sim_driver.h"
#include "compute/sim_images.h"
#include "daemon/cloud.h"
#include "env/sim.h"
#include "env/temporary_folder.h"
#include "net/sim_fabric.h"
#include "services/elbv2/sim_data_plane.h"
#include "store/memory_backend.h"

namespace brume::simulation {

// A disk that takes no commits after a number of them: a control plane that is killed there.
class Disk : public store::MemoryBackend {
 public:
  Result<void> commit(const std::vector<store::Change>& changes) override {
    if (left == 0) return fail("InsufficientStorage", "The control plane is dead");
    --left;
    for (const store::Change& change : changes) {
      for (const std::string* text : {&change.table, &change.scope, &change.key}) note(*text);
      note(change.value ? std::string_view(*change.value) : std::string_view());
      if (on_change) on_change(change);
    }
    return MemoryBackend::commit(changes);
  }
  std::uint64_t left = ~0ULL;
  std::function<void(const store::Change&)> on_change;
  std::uint64_t trace = 0;  // a hash of all that was ever written, in its order

 private:
  void note(std::string_view text) { trace = trace * 0x100000001b3 ^ std::hash<std::string_view>()(text); }
};

class World {
 public:
  explicit World(std::uint64_t seed = 1);
  // Starts the control plane on what the disk and the machine have.
  void boot();
  // `kill -9`: what was in memory is gone; disk, instances, network and load balancer stay.
  void crash();

  [[nodiscard]] daemon::Cloud& cloud() { return *cloud_; }
  [[nodiscard]] daemon::Cloud::Region& region();
  template <typename F>
  auto call(F&& f) {
    return store_->transact(std::forward<F>(f));
  }
  void run_for(env::Duration duration) { sim.loop.run_for(duration); }

  // An image, a launch template "web", a target group "web" behind a load balancer on port 80 and a group "web" of that
  // size over two zones of the default VPC, with ELB health checks.
  void make_web(int min, int max, int desired);
  // Groups "group-0000", … of one size in a region, over all its default subnets, with EC2 health checks after a
  // minute.
  struct Size {
    int min, max, desired;
  };
  void make_groups(const std::string& region, int count, const Size& size);
  [[nodiscard]] autoscaling::AutoScalingGroup group(const std::string& name = "web");
  // Ids of the group's instances in this lifecycle state.
  [[nodiscard]] std::vector<std::string> instances(const std::string& lifecycle = "InService",
                                                   const std::string& name = "web");
  // Activities of the group, oldest first.
  [[nodiscard]] std::vector<autoscaling::Activity> activities(const std::string& name = "web");

  env::SimEnv sim;
  Disk disk;
  compute::SimImages images;
  compute::SimDriver driver{sim.env, images};
  net::SimFabric fabric;
  std::set<std::string> sick;                         // instances that run but do not answer
  std::function<bool(const std::string& id)> broken;  // and those of which this is true
  elbv2::SimDataPlane plane;
  double time_scale = 1;  // of the next boot
  aws::Call caller;

 private:
  env::TemporaryFolder folder_;  // the event store is the one thing here with real files
  std::unique_ptr<logstore::EventStore> logs_ = *logstore::EventStore::open({.path = folder_.path() + "/logs.db"});
  std::unique_ptr<store::Store> store_;
  std::unique_ptr<daemon::Cloud> cloud_;
};

}  // namespace brume::simulation
