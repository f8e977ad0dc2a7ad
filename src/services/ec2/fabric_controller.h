// Brings the kernel's network (net::Fabric) to what the tables say.
//
// A VPC's namespace is made when its first instance or load balancer node needs it and removed with the VPC. Level-
// triggered: each job reads the tables when it begins and does what is missing; the fabric's calls are idempotent. Jobs
// of one VPC run one after the other, those of different VPCs beside each other. What is kept in memory only spares
// work: start() compares the fabric with the tables and mends. Leaves to the caller of ensure_instance: trying again.
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

  using Interfaces = std::map<std::string, net::InterfaceSpec>;  // by id

  // What a VPC should have. Instances come and go by ensure_instance() and remove_instance(); the interfaces of those
  // that are there follow the tables.
  struct Desired {
    bool exists = false;
    net::VpcSpec vpc;
    net::Policy policy;  // of a VPC that something is in; so is what follows
    net::Routing routing;
    std::vector<net::NodeSpec> nodes;
    std::vector<net::NodeSpec> gone;  // out of the tables and perhaps still in the kernel
    std::map<std::string, Interfaces> instances;
    bool operator==(const Desired&) const = default;
  };

  // One sync: what is wanted, and what is to be done for it besides.
  struct Sync {
    Desired wanted;
    bool news = false;  // else it is what was done last
    std::vector<net::InterfaceSpec> made;
    std::vector<std::string> removed;
    bool route = false;
    std::vector<std::string> missing_peers;
  };

  void enqueue(const std::string& vpc_id, Job job);
  void run_next(const std::string& vpc_id);
  // Brings about what a VPC should have, or its end.
  void sync(const std::string& vpc_id);
  [[nodiscard]] Desired desired(const std::string& vpc_id);
  [[nodiscard]] Sync plan(const std::string& vpc_id);
  // Blocks.
  Result<void> bring_about(const std::string& vpc_id, Sync& sync);
  void synced(const std::string& vpc_id, Sync& job, const Result<void>& result);
  // Is there something to do for it, other than what was done last?
  [[nodiscard]] bool is_news(const std::string& vpc_id, const Desired& wanted) const;
  [[nodiscard]] Interfaces interface_specs(const std::string& instance_id) const;
  // Its routes as they are to be; not to peers that nothing is in.
  [[nodiscard]] net::Routing routing(const std::string& vpc_id);
  // Do the VPC's routes have to be made again, with these interfaces made or removed?
  [[nodiscard]] bool is_outdated(const net::Routing& wanted, const std::vector<net::InterfaceSpec>& made) const;
  // Remembers what the fabric was told, and wakes peers that wait for the VPC to be there.
  void told(const std::string& vpc_id, const Sync& sync, const Result<void>& result);
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
  std::map<std::string, net::Routing> routed_;  // by VPC, as the fabric was last told, with no peer missing
  std::map<std::string, Interfaces> made_;      // by instance that is there, as far as the fabric has been told
};

}  // namespace brume::ec2
