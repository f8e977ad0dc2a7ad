#include "net/sim_fabric.h"

#include <algorithm>

#include "net/route_plan.h"
#include "net/spec_check.h"
#include "net/translation.h"

namespace brume::net {

Result<void> SimFabric::begin(Operation operation) {
  ++calls_[operation];
  auto& faults = faults_[operation];
  if (faults.empty()) return {};
  Error error = std::move(faults.front());
  faults.pop_front();
  return std::unexpected(std::move(error));
}

Result<void> SimFabric::need_vpc(const std::string& vpc_id) const {
  if (!vpcs_.contains(vpc_id)) return fail_internal("The VPC {} has no namespace", vpc_id);
  return {};
}

void SimFabric::forget_instance(const std::string& instance_id) {
  instances_.erase(instance_id);
  for (const std::string& id : of_instance(instance_id)) erase_interface(id);
}

void SimFabric::put_interface(const InterfaceSpec& spec) {
  erase_interface(spec.id);
  interfaces_[spec.id] = spec;
  of_instance_[spec.instance_id].insert(spec.id);
  with_address_[{spec.vpc_id, spec.address}].insert(spec.id);
  for (const std::string& address : spec.secondary_addresses) with_address_[{spec.vpc_id, address}].insert(spec.id);
}

void SimFabric::erase_interface(const std::string& id) {
  const auto node = interfaces_.extract(id);
  if (node.empty()) return;
  const auto leave = [&](auto& index, const auto& key) {
    const auto found = index.find(key);
    if (found == index.end()) return;
    found->second.erase(id);
    if (found->second.empty()) index.erase(found);
  };
  const InterfaceSpec& spec = node.mapped();
  leave(of_instance_, spec.instance_id);
  leave(with_address_, std::pair(spec.vpc_id, spec.address));
  for (const std::string& address : spec.secondary_addresses) leave(with_address_, std::pair(spec.vpc_id, address));
}

std::set<std::string> SimFabric::of_instance(const std::string& instance_id) const {
  const auto found = of_instance_.find(instance_id);
  return found == of_instance_.end() ? std::set<std::string>() : found->second;
}

std::set<std::string> SimFabric::with_address(const std::string& vpc_id, const std::string& address) const {
  const auto found = with_address_.find({vpc_id, address});
  return found == with_address_.end() ? std::set<std::string>() : found->second;
}

Result<void> SimFabric::ensure_vpc(const VpcSpec& spec) {
  const std::lock_guard lock(mutex_);
  BRUME_CHECK(begin(Operation::ensure_vpc));
  BRUME_CHECK(check(spec));
  vpcs_[spec.id] = spec;
  return {};
}

Result<void> SimFabric::remove_vpc(const std::string& vpc_id) {
  const std::lock_guard lock(mutex_);
  BRUME_CHECK(begin(Operation::remove_vpc));
  BRUME_CHECK(check_id(vpc_id, "vpc-"));
  std::set<std::string> instances;
  for (const auto& [id, spec] : interfaces_)
    if (spec.vpc_id == vpc_id) instances.insert(spec.instance_id);
  for (const std::string& instance : instances) forget_instance(instance);
  std::erase_if(nodes_, [&](const auto& entry) { return entry.first.first == vpc_id; });
  vpcs_.erase(vpc_id);
  routings_.erase(vpc_id);
  counting_.erase(vpc_id);
  return {};
}

Result<void> SimFabric::ensure_interface(const InterfaceSpec& spec) {
  const std::lock_guard lock(mutex_);
  BRUME_CHECK(begin(Operation::ensure_interface));
  BRUME_CHECK(check(spec));
  BRUME_CHECK(need_vpc(spec.vpc_id));
  for (const std::string& id : with_address(spec.vpc_id, spec.address))
    if (id != spec.id) return fail_internal("The interface {} is in the way of {}", id, spec.id);
  for (const std::string& id : of_instance(spec.instance_id))
    if (id != spec.id && interfaces_.at(id).device_index == spec.device_index)
      return fail_internal("The interface {} is in the way of {}", id, spec.id);
  // As the kernel does with their routes.
  for (const std::string& address : spec.secondary_addresses)
    for (const std::string& id : with_address(spec.vpc_id, address)) {
      InterfaceSpec other = interfaces_.at(id);
      if (id == spec.id || other.address == address) continue;
      std::erase(other.secondary_addresses, address);
      put_interface(other);
    }
  instances_.insert(spec.instance_id);
  put_interface(spec);
  return {};
}

Result<void> SimFabric::remove_interface(const std::string& interface_id, const std::string& vpc_id) {
  const std::lock_guard lock(mutex_);
  BRUME_CHECK(begin(Operation::remove_interface));
  BRUME_CHECK(check_id(interface_id, "eni-"));
  BRUME_CHECK(check_id(vpc_id, "vpc-"));
  if (const auto found = interfaces_.find(interface_id); found != interfaces_.end() && found->second.vpc_id == vpc_id)
    erase_interface(interface_id);
  return {};
}

Result<void> SimFabric::remove_instance(const std::string& instance_id) {
  const std::lock_guard lock(mutex_);
  BRUME_CHECK(begin(Operation::remove_instance));
  BRUME_CHECK(check_id(instance_id, "i-"));
  forget_instance(instance_id);
  return {};
}

Result<void> SimFabric::ensure_node(const NodeSpec& spec) {
  const std::lock_guard lock(mutex_);
  BRUME_CHECK(begin(Operation::ensure_node));
  BRUME_CHECK(check(spec));
  BRUME_CHECK(need_vpc(spec.vpc_id));
  nodes_[{spec.vpc_id, spec.address}] = spec;
  return {};
}

Result<void> SimFabric::remove_node(const NodeSpec& spec) {
  const std::lock_guard lock(mutex_);
  BRUME_CHECK(begin(Operation::remove_node));
  BRUME_CHECK(check(spec));
  nodes_.erase({spec.vpc_id, spec.address});
  return {};
}

Result<void> SimFabric::enforce(const Policy& policy) {
  const std::lock_guard lock(mutex_);
  BRUME_CHECK(begin(Operation::enforce));
  BRUME_CHECK(check_id(policy.vpc_id, "vpc-"));
  BRUME_CHECK(need_vpc(policy.vpc_id));
  policies_[policy.vpc_id] = policy;
  return {};
}

Result<std::vector<std::string>> SimFabric::route(const Routing& routing) {
  const std::lock_guard lock(mutex_);
  BRUME_CHECK(begin(Operation::route));
  BRUME_CHECK(need_vpc(routing.vpc_id));
  if (const auto before = routings_.find(routing.vpc_id);
      before != routings_.end() && before->second.public_addresses != routing.public_addresses &&
      alike_but_for_addresses(before->second, routing) && retranslation(before->second, routing)) {
    before->second = routing;
    std::vector<std::string> missing;
    for (const Peering& peering : routing.peerings)
      if (!vpcs_.contains(peering.peer_vpc_id)) missing.push_back(peering.peer_vpc_id);
    return missing;
  }
  Present present;
  for (const auto& [id, spec] : vpcs_) present.vpcs.insert(id);
  BRUME_TRY(plan, plan_routes(routing, present));
  routings_[routing.vpc_id] = routing;
  return std::move(plan.missing_peers);
}

Result<std::int64_t> SimFabric::watch_flows(const FlowWatch& watch, std::int64_t now, std::int64_t delivered) {
  const std::lock_guard lock(mutex_);
  BRUME_CHECK(begin(Operation::watch_flows));
  BRUME_CHECK(check_id(watch.vpc_id, "vpc-"));
  if (watch.interfaces.empty()) {
    counting_.erase(watch.vpc_id);
    return now;
  }
  BRUME_CHECK(need_vpc(watch.vpc_id));
  Counting& counting = counting_[watch.vpc_id];
  counting.watch = watch;
  auto& periods = counting.periods;
  if (periods.empty()) periods.push_back({.begin = now});
  while (periods.size() > 1 && periods.front().begin <= delivered) periods.erase(periods.begin());
  return periods.back().begin;
}

Result<std::vector<FlowPeriod>> SimFabric::collect_flows(const FlowWatch& watch, std::int64_t now) {
  const std::lock_guard lock(mutex_);
  BRUME_CHECK(begin(Operation::collect_flows));
  BRUME_CHECK(check_id(watch.vpc_id, "vpc-"));
  const auto found = counting_.find(watch.vpc_id);
  if (found == counting_.end()) return std::vector<FlowPeriod>();
  auto& periods = found->second.periods;
  const bool again = periods.size() > 1;
  if (!again) {
    periods.back().end = std::max(now, periods.back().begin + 1);
    periods.push_back({.begin = periods.back().end});
  }
  std::vector<FlowPeriod> closed(periods.begin(), periods.end() - 1);
  for (FlowPeriod& period : closed) {
    period.again = again;
    std::erase_if(period.flows, [&](const Flow& flow) {
      return std::ranges::find(watch.interfaces, flow.interface_id, &FlowInterface::id) == watch.interfaces.end();
    });
  }
  return closed;
}

void SimFabric::count(const std::string& vpc_id, const Flow& flow) {
  const std::lock_guard lock(mutex_);
  const auto found = counting_.find(vpc_id);
  if (found == counting_.end()) return;
  const auto& interfaces = found->second.watch.interfaces;
  if (std::ranges::find(interfaces, flow.interface_id, &FlowInterface::id) != interfaces.end())
    found->second.periods.back().flows.push_back(flow);
}

Result<Inventory> SimFabric::list() {
  const std::lock_guard lock(mutex_);
  BRUME_CHECK(begin(Operation::list));
  Inventory inventory;
  for (const auto& [id, spec] : vpcs_) inventory.vpcs.push_back(id);
  for (const auto& [id, spec] : interfaces_) inventory.interfaces.push_back(id);
  inventory.instances.assign(instances_.begin(), instances_.end());
  return inventory;
}

void SimFabric::fail_next(Operation operation, Error error) {
  const std::lock_guard lock(mutex_);
  faults_[operation].push_back(std::move(error));
}

std::uint64_t SimFabric::calls(Operation operation) const {
  const std::lock_guard lock(mutex_);
  const auto found = calls_.find(operation);
  return found == calls_.end() ? 0 : found->second;
}

std::map<std::string, VpcSpec> SimFabric::vpcs() const {
  const std::lock_guard lock(mutex_);
  return vpcs_;
}

std::map<std::string, InterfaceSpec> SimFabric::interfaces() const {
  const std::lock_guard lock(mutex_);
  return interfaces_;
}

std::map<std::string, Policy> SimFabric::policies() const {
  const std::lock_guard lock(mutex_);
  return policies_;
}

std::vector<NodeSpec> SimFabric::nodes() const {
  const std::lock_guard lock(mutex_);
  std::vector<NodeSpec> nodes;
  for (const auto& [key, spec] : nodes_) nodes.push_back(spec);
  return nodes;
}

std::map<std::string, FlowWatch> SimFabric::watches() const {
  const std::lock_guard lock(mutex_);
  std::map<std::string, FlowWatch> watches;
  for (const auto& [vpc_id, counting] : counting_) watches[vpc_id] = counting.watch;
  return watches;
}

std::map<std::string, Routing> SimFabric::routings() const {
  const std::lock_guard lock(mutex_);
  return routings_;
}

}  // namespace brume::net
