#include "services/ec2/fabric_controller.h"

#include <algorithm>
#include <set>
#include <utility>

#include "services/ec2/ipv6_ranges.h"
#include "services/ec2/network_interface.h"
#include "services/ec2/other_regions.h"
#include "services/ec2/vpc_policy.h"
#include "services/ec2/vpc_routing.h"

namespace brume::ec2 {
namespace {

env::Duration back_off(int failures) {
  return std::chrono::seconds(std::min(30, 1 << std::min(failures - 1, 5)));
}

}  // namespace

FabricController::FabricController(NetworkState& state, net::Fabric& fabric)
    : state_(state), fabric_(fabric), loop_(state.context.env.loop) {}

void FabricController::start() {
  state_.on_change = [this](const std::string& vpc_id) { sync(vpc_id); };
  start_attempt(0);
}

void FabricController::start_attempt(int failures) {
  auto inventory = std::make_shared<Result<net::Inventory>>();
  loop_.run_blocking([this, inventory] { *inventory = fabric_.list(); },
                     [this, inventory, failures] {
                       if (*inventory && leave_out_other_regions(**inventory)) return take_stock(**inventory);
                       loop_.after(back_off(failures + 1), [this, failures] { start_attempt(failures + 1); });
                     });
}

bool FabricController::leave_out_other_regions(net::Inventory& inventory) const {
  const auto others = ids_of_other_regions(state_.context, {"ec2.vpcs", "ec2.network-interfaces", "ec2.instances"});
  if (!others) return false;
  for (auto* ids : {&inventory.vpcs, &inventory.instances, &inventory.interfaces})
    std::erase_if(*ids, [&](const std::string& id) { return others->contains(id); });
  return true;
}

void FabricController::take_stock(const net::Inventory& inventory) {
  for (const std::string& id : inventory.instances) {
    if (state_.children(id).empty())
      remove_instance(id, [](const Result<void>&) {});
    else
      made_.try_emplace(id);  // all of it is made anew, that is compared and mended
  }
  // An interface that no instance has any more. The fabric does not say in which VPC it lies.
  for (const std::string& id : inventory.interfaces) {
    const NetworkInterface* interface = state_.network_interfaces.find(id);
    if (interface && interface->Attachment) continue;
    for (const std::string& vpc_id : inventory.vpcs)
      enqueue(vpc_id, {[this, id, vpc_id]() -> std::function<Result<void>()> {
                         const NetworkInterface* now = state_.network_interfaces.find(id);
                         if (now && now->Attachment) return [] { return Result<void>(); };
                         return [this, id, vpc_id] { return fabric_.remove_interface(id, vpc_id); };
                       },
                       [](const Result<void>&) {}});
  }
  std::set<std::string> vpcs(inventory.vpcs.begin(), inventory.vpcs.end());
  for (const auto& [vpc_id, record] : state_.vpcs.rows()) vpcs.insert(vpc_id);
  for (const auto& [id, node] : state_.removed_nodes.rows()) vpcs.insert(node.vpc_id);
  for (const std::string& vpc_id : vpcs) sync(vpc_id);
}

void FabricController::ensure_instance(const std::string& instance_id, Done done) {
  // As a sync of its VPC in which the instance is wanted, but one attempt.
  auto job = std::make_shared<Sync>();
  const std::string vpc_id = vpc_of(instance_id);
  enqueue(vpc_id, {[this, vpc_id, instance_id, job]() -> std::function<Result<void>()> {
                     const Interfaces interfaces = interface_specs(instance_id);
                     if (interfaces.empty())
                       return [instance_id]() -> Result<void> {
                         return fail_internal("The instance {} has no network interface.", instance_id);
                       };
                     job->wanted = {.exists = true,
                                    .vpc = vpc_spec(vpc_id),
                                    .policy = policy_of(state_, vpc_id),
                                    .routing = routing(vpc_id),
                                    .nodes = {},
                                    .gone = {},
                                    .instances = {{instance_id, interfaces}}};
                     for (const auto& [id, spec] : interfaces) job->made.push_back(spec);
                     job->route = is_outdated(job->wanted.routing, job->made);
                     return [this, vpc_id, job] { return bring_about(vpc_id, *job); };
                   },
                   [this, vpc_id, instance_id, job, done = std::move(done)](const Result<void>& result) {
                     if (result) made_[instance_id] = job->wanted.instances.at(instance_id);
                     told(vpc_id, *job, result);
                     done(result);
                   }});
}

FabricController::Interfaces FabricController::interface_specs(const std::string& instance_id) const {
  Interfaces specs;
  for (const NetworkInterface* interface : interfaces_of(state_, instance_id)) {
    const Subnet& subnet = *state_.subnets.find(*interface->SubnetId);
    net::InterfaceSpec spec{.id = *interface->NetworkInterfaceId,
                            .vpc_id = *interface->VpcId,
                            .instance_id = instance_id,
                            .address = *interface->PrivateIpAddress,
                            .subnet_cidr = *subnet.CidrBlock,
                            .mac = *interface->MacAddress,
                            .device_index = interface->Attachment->DeviceIndex.value_or(0),
                            .source_dest_check = interface->SourceDestCheck.value_or(true)};
    for (const NetworkInterfacePrivateIpAddress& address : interface->PrivateIpAddresses)
      if (!address.Primary.value_or(false)) spec.secondary_addresses.push_back(*address.PrivateIpAddress);
    for (const NetworkInterfaceIpv6Address& address : interface->Ipv6Addresses)
      spec.ipv6_addresses.push_back(*address.Ipv6Address);
    if (const std::string* block = ipv6_block_of(subnet); block && !spec.ipv6_addresses.empty())
      spec.ipv6_cidr = *block;
    specs.emplace(spec.id, std::move(spec));
  }
  return specs;
}

void FabricController::remove_instance(const std::string& instance_id, Done done) {
  made_.erase(instance_id);
  remove_attempt(vpc_of(instance_id), instance_id, std::move(done), 0);
}

void FabricController::remove_attempt(const std::string& vpc_id, const std::string& instance_id, Done done,
                                      int failures) {
  enqueue(vpc_id, {[this, instance_id]() -> std::function<Result<void>()> {
                     return [this, instance_id] { return fabric_.remove_instance(instance_id); };
                   },
                   [this, vpc_id, instance_id, done, failures](const Result<void>& result) {
                     if (result) {
                       made_.erase(instance_id);  // an ensure may have come before
                       return done({});
                     }
                     loop_.after(back_off(failures + 1), [this, vpc_id, instance_id, done, failures] {
                       remove_attempt(vpc_id, instance_id, done, failures + 1);
                     });
                   }});
}

void FabricController::enqueue(const std::string& vpc_id, Job job) {
  queues_[vpc_id].jobs.push_back(std::move(job));
  run_next(vpc_id);
}

void FabricController::run_next(const std::string& vpc_id) {
  Queue& queue = queues_[vpc_id];
  if (queue.busy) return;
  if (queue.jobs.empty()) {
    if (queue.failures == 0) queues_.erase(vpc_id);
    return;
  }
  Job job = std::move(queue.jobs.front());
  queue.jobs.pop_front();
  queue.busy = true;
  auto result = std::make_shared<Result<void>>();
  loop_.run_blocking([work = job.plan(), result] { *result = work(); },
                     [this, vpc_id, result, settle = std::move(job.settle)] {
                       queues_[vpc_id].busy = false;
                       settle(*result);
                       run_next(vpc_id);
                     });
}

FabricController::Desired FabricController::desired(const std::string& vpc_id) {
  Desired wanted;
  for (const auto& [id, node] : state_.removed_nodes.rows())
    if (node.vpc_id == vpc_id) wanted.gone.push_back({id, vpc_id, node.address});
  wanted.exists = state_.vpcs.contains(vpc_id);
  if (!wanted.exists) return wanted;
  for (const std::string& id : state_.children(vpc_id)) {
    const NetworkInterface& interface = *state_.network_interfaces.find(id);
    wanted.nodes.push_back({id, vpc_id, *interface.PrivateIpAddress});
  }
  net::Policy policy = policy_of(state_, vpc_id);
  if (policy.interfaces.empty()) return wanted;
  wanted.vpc = vpc_spec(vpc_id);
  wanted.policy = std::move(policy);
  wanted.routing = routing(vpc_id);
  for (const auto& [id, interfaces] : made_)
    if (vpc_of(id) == vpc_id) wanted.instances.emplace(id, interface_specs(id));
  return wanted;
}

net::Routing FabricController::routing(const std::string& vpc_id) {
  net::Routing wanted = routing_of(state_, vpc_id);
  std::erase_if(wanted.peerings, [&](const net::Peering& peering) {
    return std::ranges::none_of(state_.all_regions(),
                                [&](const NetworkState* region) { return is_used(*region, peering.peer_vpc_id); });
  });
  return wanted;
}

bool FabricController::is_outdated(const net::Routing& wanted, const std::vector<net::InterfaceSpec>& made) const {
  const auto routed = routed_.find(wanted.vpc_id);
  if (routed == routed_.end() || routed->second != wanted) return true;
  const auto leads_to = [&](const std::string& interface_id) {
    return std::ranges::any_of(wanted.route_tables, [&](const auto& table) {
      return std::ranges::find(table.second, interface_id, &net::Route::target_id) != table.second.end();
    });
  };
  return std::ranges::any_of(made, leads_to, &net::InterfaceSpec::id);
}

FabricController::Sync FabricController::plan(const std::string& vpc_id) {
  Sync sync{.wanted = desired(vpc_id), .made = {}, .removed = {}, .missing_peers = {}};
  for (const auto& [instance, interfaces] : sync.wanted.instances) {
    const Interfaces& before = made_.at(instance);
    for (const auto& [id, spec] : interfaces)
      if (const auto found = before.find(id); found == before.end() || found->second != spec) sync.made.push_back(spec);
    for (const auto& [id, spec] : before)
      if (!interfaces.contains(id)) sync.removed.push_back(id);
  }
  sync.route = is_outdated(sync.wanted.routing, sync.made);
  return sync;
}

Result<void> FabricController::bring_about(const std::string& vpc_id, Sync& sync) {
  const Desired& wanted = sync.wanted;
  if (!wanted.exists) return fabric_.remove_vpc(vpc_id);
  for (const net::NodeSpec& node : wanted.gone) {
    // Its address may be another node's by now.
    if (std::ranges::find(wanted.nodes, node.address, &net::NodeSpec::address) == wanted.nodes.end())
      BRUME_CHECK(fabric_.remove_node(node));
  }
  if (wanted.policy.interfaces.empty()) return {};
  BRUME_CHECK(fabric_.ensure_vpc(wanted.vpc));
  // The rules are there before the first packet.
  BRUME_CHECK(fabric_.enforce(wanted.policy));
  for (const net::NodeSpec& node : wanted.nodes) BRUME_CHECK(fabric_.ensure_node(node));
  for (const std::string& id : sync.removed) BRUME_CHECK(fabric_.remove_interface(id, vpc_id));
  for (const net::InterfaceSpec& interface : sync.made) BRUME_CHECK(fabric_.ensure_interface(interface));
  if (!sync.route) return {};
  BRUME_TRY(missing, fabric_.route(wanted.routing));
  sync.missing_peers = std::move(missing);
  return {};
}

void FabricController::told(const std::string& vpc_id, const Sync& sync, const Result<void>& result) {
  const bool used = sync.wanted.exists && !sync.wanted.policy.interfaces.empty();
  if (!result || !used || !sync.missing_peers.empty())
    routed_.erase(vpc_id);
  else
    routed_[vpc_id] = sync.wanted.routing;
  if (!result || !used) return;
  // Whose routes lead here and waited for it.
  for (const net::Peering& peering : sync.wanted.routing.peerings)
    for (NetworkState* region : state_.all_regions())
      if (region->vpcs.contains(peering.peer_vpc_id) && region->on_change) region->on_change(peering.peer_vpc_id);
}

bool FabricController::is_news(const std::string& vpc_id, const Desired& wanted) const {
  if (wanted.exists && wanted.gone.empty() && wanted.policy.interfaces.empty()) return false;
  const auto last = last_synced_.find(vpc_id);
  return last == last_synced_.end() || last->second != wanted;
}

void FabricController::sync(const std::string& vpc_id) {
  Queue& queue = queues_[vpc_id];
  if (queue.sync_waiting) return;
  queue.sync_waiting = true;
  auto job = std::make_shared<Sync>();
  enqueue(vpc_id, {[this, vpc_id, job]() -> std::function<Result<void>()> {
                     queues_[vpc_id].sync_waiting = false;
                     *job = plan(vpc_id);
                     // Many changes are none to the kernel.
                     job->news = is_news(vpc_id, job->wanted);
                     if (!job->news) return [] { return Result<void>(); };
                     return [this, vpc_id, job] { return bring_about(vpc_id, *job); };
                   },
                   [this, vpc_id, job](const Result<void>& result) {
                     if (job->news) synced(vpc_id, *job, result);
                   }});
}

void FabricController::synced(const std::string& vpc_id, Sync& job, const Result<void>& result) {
  Queue& queue = queues_[vpc_id];
  const Desired& wanted = job.wanted;
  last_synced_.erase(vpc_id);
  if (result)
    for (const auto& [id, interfaces] : wanted.instances)
      if (const auto instance = made_.find(id); instance != made_.end()) instance->second = interfaces;
  // Of a failed sync something may be done; what it was about is neither as before nor as wanted.
  if (!result)
    for (auto& [id, interfaces] : made_) {
      for (const net::InterfaceSpec& spec : job.made)
        if (spec.instance_id == id) interfaces[spec.id] = {};
      for (const std::string& interface_id : job.removed)
        if (interfaces.contains(interface_id)) interfaces[interface_id] = {};
    }
  told(vpc_id, job, result);
  const Result<void> recorded = !result ? result : state_.context.store.transact([&]() -> Result<void> {
    for (const net::NodeSpec& node : wanted.gone) state_.removed_nodes.erase(node.id);
    return {};
  });
  if (recorded && job.missing_peers.empty()) {
    queue.failures = 0;
    if (wanted.exists && wanted.gone.empty()) last_synced_[vpc_id] = std::move(job.wanted);
    return;
  }
  ++queue.failures;
  loop_.after(back_off(queue.failures), [this, vpc_id] { sync(vpc_id); });
}

std::string FabricController::vpc_of(const std::string& instance_id) const {
  const auto interfaces = interfaces_of(state_, instance_id);
  return interfaces.empty() ? instance_id : *interfaces[0]->VpcId;
}

net::VpcSpec FabricController::vpc_spec(const std::string& vpc_id) const {
  net::VpcSpec spec{.id = vpc_id, .subnet_cidrs = {}};
  for (const Subnet* subnet : state_.subnets_of(vpc_id)) {
    spec.subnet_cidrs.push_back(*subnet->CidrBlock);
    if (const std::string* block = ipv6_block_of(*subnet)) spec.subnet_ipv6_cidrs.push_back(*block);
  }
  if (const VpcRecord* record = state_.vpcs.find(vpc_id)) spec.cidr = record->vpc.CidrBlock.value_or("");
  return spec;
}

}  // namespace brume::ec2
