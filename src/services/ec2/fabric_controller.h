// Brings the kernel's network (net::Fabric) to what the tables say.
//
// A VPC's namespace is made when its first instance or load balancer node needs it and removed with the VPC. Level-
// triggered: each job looks at the tables when it begins (wanted_network.h), compares that with what the fabric was
// last told, and tells it the difference; the fabric's calls are idempotent. What was told is remembered only where all
// of it was done: after a failure, and at the start, all is told again, and the fabric compares it with the kernel.
// Leaves to the caller of ensure_instance: trying again.
#pragma once

#include <functional>
#include <map>
#include <set>
#include <string>
#include <vector>

#include "net/fabric.h"
#include "services/ec2/network_state.h"
#include "services/ec2/vpc_jobs.h"
#include "services/ec2/wanted_network.h"

namespace brume::ec2 {

class FabricController {
 public:
  using Done = std::function<void(Result<void>)>;

  FabricController(NetworkState& state, net::Fabric& fabric);
  FabricController(const FabricController&) = delete;
  FabricController& operator=(const FabricController&) = delete;

  // Removes what no table knows, makes what nodes lack, and from now on follows changes of the tables.
  void start();

  // The namespace of the instance with all its attached interfaces, and the VPC's around it. `done` hears of the one
  // attempt; a failed one leaves what it had made, for the next attempt or remove_instance(). InternalFailure if the
  // instance has no interface.
  void ensure_instance(const std::string& instance_id, Done done);
  // `done` is called once it is gone: failures are tried again after 1 s, doubling to 30 s. Call it while the
  // interfaces are still attached, so that their addresses are not given out before.
  void remove_instance(const std::string& instance_id, Done done);

 private:
  // What is to be done for a VPC.
  struct Sync {
    WantedVpc wanted, told;
    std::vector<net::NodeSpec> gone;                  // out of the tables and perhaps still in the kernel
    std::map<std::string, InterfaceSpecs> instances;  // that are there and whose interfaces may have changed
    std::vector<net::InterfaceSpec> made;             // of them
    std::vector<std::string> removed;
    bool route = false;
    std::vector<std::string> missing_peers;
    [[nodiscard]] bool used() const { return wanted.exists && !wanted.policy.interfaces.empty(); }
    [[nodiscard]] bool is_news() const;
  };

  // Brings about what a VPC should have, or its end.
  void sync(const std::string& vpc_id);
  [[nodiscard]] Sync look(const std::string& vpc_id);
  [[nodiscard]] Sync plan(const std::string& vpc_id);
  // Blocks.
  Result<void> bring_about(const std::string& vpc_id, Sync& sync);
  void synced(const std::string& vpc_id, const Sync& sync, const Result<void>& result);
  // Remembers what the fabric was told, and wakes peers that wait for the VPC to be there.
  void remember(const std::string& vpc_id, const Sync& sync, const Result<void>& result);
  // False if it cannot be told what is another region's.
  bool leave_out_other_regions(net::Inventory& inventory) const;
  void take_stock(const net::Inventory& inventory);
  void start_attempt(int failures);
  void remove_attempt(const std::string& vpc_id, const std::string& instance_id, Done done, int failures);
  void forget_instance(const std::string& instance_id);
  // The VPC of an instance's interfaces; if it has none, a queue of the instance's own.
  [[nodiscard]] std::string vpc_of(const std::string& instance_id) const;

  NetworkState& state_;
  net::Fabric& fabric_;
  env::Loop& loop_;
  VpcJobs jobs_;
  WantedNetwork wanted_;
  std::map<std::string, WantedVpc> told_;  // by VPC; without routing if it waits for a peer
  // By VPC and instance that is there, as far as the fabric has been told.
  std::map<std::string, std::map<std::string, InterfaceSpecs>> made_;
  std::set<std::string> waiting_;        // VPCs whose sync has not begun: it will see every change until then
  std::map<std::string, int> failures_;  // of syncs, in a row
};

}  // namespace brume::ec2
