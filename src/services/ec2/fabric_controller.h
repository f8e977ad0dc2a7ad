// Brings the kernel's network (net::Fabric) to what the tables say.
//
// A VPC's namespace is made when its first instance or load balancer node needs it and removed with the VPC. Level-
// triggered: each job reads the tables when it begins and does what is missing; the fabric's calls are idempotent. Jobs
// of one VPC run one after the other, those of different VPCs beside each other. Nothing in memory matters: start()
// compares the fabric with the tables and mends. Leaves to the caller of ensure_instance: trying again.
#pragma once

#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "net/fabric.h"
#include "services/ec2/network_state.h"

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
  // Work on one VPC: `plan` runs on the loop and reads the tables; what it answers blocks and runs on a worker;
  // `settle` hears the result on the loop.
  struct Job {
    std::function<std::function<Result<void>()>()> plan;
    std::function<void(Result<void>)> settle;
  };
  struct Queue {
    std::deque<Job> jobs;
    bool busy = false;
    bool sync_waiting = false;  // a sync that has not begun sees every change until then
    int failures = 0;           // of syncs, in a row
  };

  // What a VPC should have besides instances.
  struct Desired {
    bool exists = false;
    net::VpcSpec vpc;
    net::Policy policy;  // of a VPC that something is in
    std::vector<net::NodeSpec> nodes;
    std::vector<net::NodeSpec> gone;  // out of the tables and perhaps still in the kernel
    bool operator==(const Desired&) const = default;
  };

  void enqueue(const std::string& vpc_id, Job job);
  void run_next(const std::string& vpc_id);
  // Brings a VPC's nodes and rules about, or its end.
  void sync(const std::string& vpc_id);
  [[nodiscard]] Desired desired(const std::string& vpc_id) const;
  // Blocks.
  Result<void> bring_about(const std::string& vpc_id, const Desired& wanted);
  void synced(const std::string& vpc_id, const Desired& wanted, const Result<void>& result);
  // False if it cannot be told what is another region's.
  bool leave_out_other_regions(net::Inventory& inventory) const;
  void take_stock(const net::Inventory& inventory);
  void start_attempt(int failures);
  void remove_attempt(const std::string& vpc_id, const std::string& instance_id, Done done, int failures);
  // The VPC of an instance's interfaces; if it has none, a queue of the instance's own.
  [[nodiscard]] std::string vpc_of(const std::string& instance_id) const;
  [[nodiscard]] net::VpcSpec vpc_spec(const std::string& vpc_id) const;

  NetworkState& state_;
  net::Fabric& fabric_;
  env::Loop& loop_;
  std::map<std::string, Queue> queues_;         // by VPC
  std::map<std::string, Desired> last_synced_;  // to spare syncs that would change nothing
};

}  // namespace brume::ec2
