#include "services/ec2/fabric_controller.h"

#include <algorithm>
#include <memory>
#include <utility>

#include "services/ec2/network_interface.h"
#include "services/ec2/other_regions.h"

namespace brume::ec2 {
namespace {

env::Duration back_off(int failures) {
  return std::chrono::seconds(std::min(30, 1 << std::min(failures - 1, 5)));
}

// Do the VPC's routes lead to the interface?
bool leads_to(const net::Routing& routing, const std::string& interface_id) {
  return std::ranges::any_of(routing.route_tables, [&](const auto& table) {
    return std::ranges::find(table.second, interface_id, &net::Route::target_id) != table.second.end();
  });
}

// Are they to be made again?
bool is_outdated(const net::Routing& told, const net::Routing& wanted, const std::vector<net::InterfaceSpec>& made) {
  return told != wanted ||
         std::ranges::any_of(made, [&](const net::InterfaceSpec& spec) { return leads_to(wanted, spec.id); });
}

}  // namespace

FabricController::FabricController(NetworkState& state, net::Fabric& fabric)
    : state_(state), fabric_(fabric), loop_(state.context.env.loop), jobs_(loop_), wanted_(state) {}

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
    if (state_.children(id).empty()) {
      remove_instance(id, [](const Result<void>&) {});
    } else {
      const std::string vpc_id = vpc_of(id);
      made_[vpc_id].try_emplace(id);  // all of it is made anew, that is compared and mended
      wanted_.touch(vpc_id, id);
    }
  }
  // An interface that no instance has any more. The fabric does not say in which VPC it lies.
  for (const std::string& id : inventory.interfaces) {
    const NetworkInterface* interface = state_.network_interfaces.find(id);
    if (interface && interface->Attachment) continue;
    for (const std::string& vpc_id : inventory.vpcs)
      jobs_.add(vpc_id, {[this, id, vpc_id]() -> std::function<Result<void>()> {
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
  jobs_.add(vpc_id, {[this, vpc_id, instance_id, job]() -> std::function<Result<void>()> {
                       const InterfaceSpecs interfaces = interface_specs(state_, instance_id);
                       if (interfaces.empty())
                         return [instance_id]() -> Result<void> {
                           return fail_internal("The instance {} has no network interface.", instance_id);
                         };
                       *job = look(vpc_id);
                       job->wanted.nodes = job->told.nodes;  // the sync's business
                       job->told.vpc = {};  // what hangs on the VPC's being there gets another chance to come about
                       job->instances = {{instance_id, interfaces}};
                       for (const auto& [id, spec] : interfaces) job->made.push_back(spec);
                       job->route = is_outdated(job->told.routing, job->wanted.routing, job->made);
                       return [this, vpc_id, job] { return bring_about(vpc_id, *job); };
                     },
                     [this, vpc_id, instance_id, job, done = std::move(done)](const Result<void>& result) {
                       if (result) made_[vpc_id][instance_id] = job->instances.at(instance_id);
                       remember(vpc_id, *job, result);
                       done(result);
                     }});
}

void FabricController::remove_instance(const std::string& instance_id, Done done) {
  const std::string vpc_id = vpc_of(instance_id);
  forget_instance(instance_id);
  remove_attempt(vpc_id, instance_id, std::move(done), 0);
}

void FabricController::forget_instance(const std::string& instance_id) {
  for (auto& [vpc_id, instances] : made_) instances.erase(instance_id);
  std::erase_if(made_, [](const auto& vpc) { return vpc.second.empty(); });
}

void FabricController::remove_attempt(const std::string& vpc_id, const std::string& instance_id, Done done,
                                      int failures) {
  jobs_.add(vpc_id, {[this, instance_id]() -> std::function<Result<void>()> {
                       return [this, instance_id] { return fabric_.remove_instance(instance_id); };
                     },
                     [this, vpc_id, instance_id, done, failures](const Result<void>& result) {
                       if (result) {
                         forget_instance(instance_id);  // an ensure may have come before
                         return done({});
                       }
                       loop_.after(back_off(failures + 1), [this, vpc_id, instance_id, done, failures] {
                         remove_attempt(vpc_id, instance_id, done, failures + 1);
                       });
                     },
                     true});
}

bool FabricController::Sync::is_news() const {
  if (!wanted.exists || !gone.empty()) return true;
  if (!used()) return false;
  return !made.empty() || !removed.empty() || route || wanted.vpc != told.vpc || wanted.policy != told.policy ||
         wanted.nodes != told.nodes;
}

FabricController::Sync FabricController::look(const std::string& vpc_id) {
  Sync sync;
  sync.wanted = wanted_.look(vpc_id);
  if (const auto told = told_.find(vpc_id); told != told_.end()) sync.told = told->second;
  return sync;
}

FabricController::Sync FabricController::plan(const std::string& vpc_id) {
  Sync sync = look(vpc_id);
  for (const auto& [id, node] : state_.removed_nodes.rows())
    if (node.vpc_id == vpc_id) sync.gone.push_back({id, vpc_id, node.address});
  if (!sync.used()) return sync;
  std::set<std::string> touched = wanted_.take_touched(vpc_id);
  if (const auto made = made_.find(vpc_id); made != made_.end()) {
    // What an interface is told of its subnet may have changed.
    if (sync.wanted.vpc != sync.told.vpc)
      for (const auto& [id, interfaces] : made->second) touched.insert(id);
    for (const std::string& instance : touched) {
      const auto there = made->second.find(instance);
      if (there == made->second.end()) continue;
      const InterfaceSpecs &now = sync.instances[instance] = interface_specs(state_, instance), &before = there->second;
      for (const auto& [id, spec] : now)
        if (const auto old = before.find(id); old == before.end() || old->second != spec) sync.made.push_back(spec);
      for (const auto& [id, spec] : before)
        if (!now.contains(id)) sync.removed.push_back(id);
    }
  }
  sync.route = is_outdated(sync.told.routing, sync.wanted.routing, sync.made);
  return sync;
}

Result<void> FabricController::bring_about(const std::string& vpc_id, Sync& sync) {
  const WantedVpc &wanted = sync.wanted, &told = sync.told;
  if (!wanted.exists) return fabric_.remove_vpc(vpc_id);
  for (const net::NodeSpec& node : sync.gone) {
    // Its address may be another node's by now.
    if (std::ranges::none_of(wanted.nodes, [&](const auto& other) { return other.second.address == node.address; }))
      BRUME_CHECK(fabric_.remove_node(node));
  }
  if (!sync.used()) return {};
  if (wanted.vpc != told.vpc) BRUME_CHECK(fabric_.ensure_vpc(wanted.vpc));
  // The rules are there before the first packet.
  if (wanted.vpc != told.vpc || wanted.policy != told.policy) BRUME_CHECK(fabric_.enforce(wanted.policy));
  std::vector<net::NodeSpec> nodes;
  SharedMap<std::string, net::NodeSpec>::differences(
      told.nodes, wanted.nodes, [&](const std::string&, const net::NodeSpec*, const net::NodeSpec* now) {
        if (now) nodes.push_back(*now);
      });
  for (const net::NodeSpec& node : nodes) BRUME_CHECK(fabric_.ensure_node(node));
  for (const std::string& id : sync.removed) BRUME_CHECK(fabric_.remove_interface(id, vpc_id));
  for (const net::InterfaceSpec& interface : sync.made) BRUME_CHECK(fabric_.ensure_interface(interface));
  if (!sync.route) return {};
  BRUME_TRY(missing, fabric_.route(wanted.routing));
  sync.missing_peers = std::move(missing);
  return {};
}

void FabricController::remember(const std::string& vpc_id, const Sync& sync, const Result<void>& result) {
  if (!result || !sync.used()) {
    told_.erase(vpc_id);
    return;
  }
  WantedVpc& told = told_[vpc_id] = sync.wanted;
  if (!sync.missing_peers.empty()) told.routing = {};
  // Whose routes lead here and waited for it.
  for (const net::Peering& peering : sync.wanted.routing.peerings)
    for (NetworkState* region : state_.all_regions())
      if (region->vpcs.contains(peering.peer_vpc_id) && region->on_change) region->on_change(peering.peer_vpc_id);
}

void FabricController::sync(const std::string& vpc_id) {
  if (!waiting_.insert(vpc_id).second) return;
  auto job = std::make_shared<Sync>();
  jobs_.add(vpc_id, {[this, vpc_id, job]() -> std::function<Result<void>()> {
                       waiting_.erase(vpc_id);
                       *job = plan(vpc_id);
                       // Many changes are none to the kernel.
                       if (!job->is_news()) return [] { return Result<void>(); };
                       return [this, vpc_id, job] { return bring_about(vpc_id, *job); };
                     },
                     [this, vpc_id, job](const Result<void>& result) {
                       if (job->is_news()) synced(vpc_id, *job, result);
                     }});
}

void FabricController::synced(const std::string& vpc_id, const Sync& sync, const Result<void>& result) {
  if (const auto made = made_.find(vpc_id); made != made_.end()) {
    for (const auto& [id, interfaces] : sync.instances) {
      const auto instance = made->second.find(id);
      if (instance == made->second.end()) continue;
      if (result) {
        instance->second = interfaces;
        continue;
      }
      wanted_.touch(vpc_id, id);
      // Something may be done; what it was about is neither as before nor as wanted.
      for (const net::InterfaceSpec& spec : sync.made)
        if (spec.instance_id == id) instance->second[spec.id] = {};
      for (const std::string& interface_id : sync.removed)
        if (instance->second.contains(interface_id)) instance->second[interface_id] = {};
    }
  }
  remember(vpc_id, sync, result);
  const Result<void> recorded = !result ? result : state_.context.store.transact([&]() -> Result<void> {
    for (const net::NodeSpec& node : sync.gone) state_.removed_nodes.erase(node.id);
    return {};
  });
  if (recorded && sync.missing_peers.empty()) {
    failures_.erase(vpc_id);
    if (!sync.wanted.exists) made_.erase(vpc_id);
    return;
  }
  loop_.after(back_off(++failures_[vpc_id]), [this, vpc_id] { this->sync(vpc_id); });
}

std::string FabricController::vpc_of(const std::string& instance_id) const {
  const auto interfaces = interfaces_of(state_, instance_id);
  return interfaces.empty() ? instance_id : *interfaces[0]->VpcId;
}

}  // namespace brume::ec2
