// The fabric in memory, for simulations and tests: the same answers as the kernel's, and faults on request.
//
// Leaves to others: packets. There are none.
#pragma once

#include <deque>
#include <map>
#include <mutex>
#include <set>

#include "net/fabric.h"

namespace brume::net {

class SimFabric : public Fabric {
 public:
  enum class Operation {
    ensure_vpc,
    remove_vpc,
    ensure_interface,
    remove_interface,
    remove_instance,
    ensure_node,
    remove_node,
    enforce,
    route,
    watch_flows,
    collect_flows,
    list
  };

  Result<void> ensure_vpc(const VpcSpec& spec) override;
  Result<void> remove_vpc(const std::string& vpc_id) override;
  Result<void> ensure_interface(const InterfaceSpec& spec) override;
  Result<void> remove_interface(const std::string& interface_id, const std::string& vpc_id) override;
  Result<void> remove_instance(const std::string& instance_id) override;
  Result<void> ensure_node(const NodeSpec& spec) override;
  Result<void> remove_node(const NodeSpec& spec) override;
  Result<void> enforce(const Policy& policy) override;
  Result<std::vector<std::string>> route(const Routing& routing) override;
  Result<std::int64_t> watch_flows(const FlowWatch& watch, std::int64_t now, std::int64_t delivered) override;
  Result<std::vector<FlowPeriod>> collect_flows(const FlowWatch& watch, std::int64_t now) override;
  Result<Inventory> list() override;
  [[nodiscard]] std::string vpc_namespace(const std::string& vpc_id) const override { return "/sim/netns/" + vpc_id; }
  [[nodiscard]] std::string instance_namespace(const std::string& instance_id) const override {
    return "/sim/netns/" + instance_id;
  }

  // The next call of `operation` that has not been given a failure yet fails with `error` and changes nothing.
  void fail_next(Operation operation, Error error);
  // Calls so far, those that failed too.
  [[nodiscard]] std::uint64_t calls(Operation operation) const;

  // As if packets had come: counted if its interface is watched.
  void count(const std::string& vpc_id, const Flow& flow);

  [[nodiscard]] std::map<std::string, VpcSpec> vpcs() const;
  [[nodiscard]] std::map<std::string, InterfaceSpec> interfaces() const;  // by eni id
  [[nodiscard]] std::vector<NodeSpec> nodes() const;
  [[nodiscard]] std::map<std::string, Policy> policies() const;    // by VPC
  [[nodiscard]] std::map<std::string, Routing> routings() const;   // by VPC
  [[nodiscard]] std::map<std::string, FlowWatch> watches() const;  // by VPC

 private:
  // Counts the call; the failure that was asked for, if any.
  Result<void> begin(Operation operation);
  Result<void> need_vpc(const std::string& vpc_id) const;
  void forget_instance(const std::string& instance_id);
  // Interfaces and what leads to them.
  void put_interface(const InterfaceSpec& spec);
  void erase_interface(const std::string& id);
  // Those of an instance, or with an address in a VPC.
  [[nodiscard]] std::set<std::string> of_instance(const std::string& instance_id) const;
  [[nodiscard]] std::set<std::string> with_address(const std::string& vpc_id, const std::string& address) const;

  mutable std::mutex mutex_;
  std::map<std::string, VpcSpec> vpcs_;
  std::map<std::string, Policy> policies_;
  std::map<std::string, Routing> routings_;
  struct Counting {
    FlowWatch watch;
    std::vector<FlowPeriod> periods;  // the last is under way
  };
  std::map<std::string, Counting> counting_;  // by VPC
  std::map<std::string, InterfaceSpec> interfaces_;
  std::map<std::string, std::set<std::string>> of_instance_;
  std::map<std::pair<std::string, std::string>, std::set<std::string>> with_address_;  // by VPC and address
  std::set<std::string> instances_;
  std::map<std::pair<std::string, std::string>, NodeSpec> nodes_;  // by VPC and address
  std::map<Operation, std::deque<Error>> faults_;
  std::map<Operation, std::uint64_t> calls_;
};

}  // namespace brume::net
