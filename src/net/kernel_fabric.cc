#include "net/kernel_fabric.h"

#include <algorithm>
#include <set>

#include "env/namespaces.h"
#include "env/posix_files.h"
#include "net/ipv6_link.h"
#include "net/kernel_ipv6.h"
#include "net/kernel_routes.h"
#include "net/kernel_secondary.h"
#include "net/link_name.h"
#include "net/nftables.h"
#include "net/rtnetlink.h"
#include "net/set_elements.h"
#include "net/spec_check.h"

namespace brume::net {
namespace {

constexpr int loopback = 1;                      // lo is the first link of every namespace
constexpr std::uint32_t mtu = 9001;              // as within a VPC on AWS
constexpr Ipv4 metadata_address{0xa9fea9fe};     // 169.254.169.254
constexpr Ipv4 resolver_link_local{0xa9fea9fd};  // 169.254.169.253
// Labels tell whose an address of lo is.
const std::string gateway_label = "lo:gateway";
const std::string metadata_label = "lo:metadata";
const std::string resolver_label = "lo:resolver";
const std::string node_label = "lo:node";

// What an interface cannot change without being made anew. Behind it, while there may be some, a note that there are
// secondary addresses.
std::string alias_of(const InterfaceSpec& spec) {
  return fmt::format("{} {} {} {} {} {}", spec.id, spec.instance_id, spec.device_index, spec.address, spec.subnet_cidr,
                     spec.mac);
}
const std::string secondary_note = " +";

// The alias's words: interface, instance, device index; empty if it is not one of ours.
struct Owner {
  std::string interface_id, instance_id, device_index;
};
Owner owner_of(const Link& link) {
  Owner owner;
  if (!link.alias.starts_with("eni-")) return owner;
  std::string* const words[] = {&owner.interface_id, &owner.instance_id, &owner.device_index};
  std::size_t start = 0;
  for (std::string* word : words) {
    const std::size_t end = link.alias.find(' ', start);
    if (end == std::string::npos) return {};
    *word = link.alias.substr(start, end - start);
    start = end + 1;
  }
  return owner;
}

// Defaults that every link to come inherits.
Result<void> set_up_vpc_namespace(Rtnetlink& kernel) {
  BRUME_CHECK(env::write_sysctl("ipv4/ip_forward", "1"));
  for (const char* scope : {"all", "default"}) {
    const std::string ipv4 = fmt::format("ipv4/conf/{}/", scope);
    BRUME_CHECK(env::write_sysctl(ipv4 + "proxy_arp", "1"));
    // AWS's source check: no packet from an address not its own. "all" would bind the links that have none.
    BRUME_CHECK(env::write_sysctl(ipv4 + "rp_filter", scope == std::string_view("all") ? "0" : "1"));
    BRUME_CHECK(env::write_sysctl(ipv4 + "send_redirects", "0"));
    BRUME_CHECK(env::write_sysctl(ipv4 + "accept_redirects", "0"));
    BRUME_CHECK(env::write_sysctl(ipv4 + "accept_source_route", "0"));
  }
  // Link-local IPv6 would be a way around every IPv4 rule. Once: it is switched on for what has addresses.
  BRUME_TRY(inherited, ipv6_enabled("default"));
  if (inherited) BRUME_CHECK(disable_ipv6("all"));
  // Loopback addresses stand for clients on the host and for public addresses here (route_plan.h), not for ourselves.
  BRUME_CHECK(env::write_sysctl("ipv4/conf/all/route_localnet", "1"));
  BRUME_CHECK(kernel.set_up(loopback));
  return kernel.delete_address(loopback, Ipv4{0x7f000001}, 8);
}

Result<void> set_up_instance_namespace() {
  BRUME_TRY(kernel, Rtnetlink::open());
  // The namespace belongs to the host's user namespace, so an instance's root has no privilege over it: ports below
  // 1024 and ping have to be open to all in it.
  BRUME_CHECK(env::write_sysctl("ipv4/ip_unprivileged_port_start", "0"));
  BRUME_CHECK(env::write_sysctl("ipv4/ping_group_range", "0 2147483647"));
  BRUME_CHECK(disable_ipv6("default"));  // for links to come; lo keeps ::1
  return kernel.set_up(loopback);
}

// In the instance: the address with its subnet's prefix, as software expects to see it, but without the route that goes
// with it; all traffic takes the gateway. A further interface has a table of its own, so that what leaves from its
// address leaves through it.
Result<void> set_up_instance_side(const InterfaceSpec& spec, const CheckedInterface& checked) {
  BRUME_TRY(kernel, Rtnetlink::open());
  const std::string name = fmt::format("eth{}", spec.device_index);
  BRUME_TRY(link, kernel.find_link(name));
  if (link.index == 0) return fail_internal("The interface {} is not in {}", spec.id, spec.instance_id);
  BRUME_CHECK(kernel.set_up(link.index));
  BRUME_CHECK(kernel.add_address(link.index, checked.address, checked.prefix, name));
  const auto index = std::uint32_t(spec.device_index);
  BRUME_CHECK(kernel.add_default_route(link.index, checked.gateway, index, 0));
  if (index != 0) {
    BRUME_CHECK(kernel.delete_rules(first_table + index));
    BRUME_CHECK(kernel.add_default_route(link.index, checked.gateway, 0, first_table + index));
    BRUME_CHECK(kernel.add_source_rule(checked.address, first_table + index));
  }
  return kernel.await_operational(name);
}

// The calling thread is in the VPC's namespace.
Result<void> connect(Rtnetlink& vpc, const InterfaceSpec& spec, const CheckedInterface& checked,
                     const std::string& instance_path) {
  const std::string name = link_name(spec.id);
  BRUME_TRY(instance, env::open_network_namespace(instance_path));
  BRUME_CHECK(vpc.add_veth({.name = name,
                            .peer_name = fmt::format("eth{}", spec.device_index),
                            .peer_namespace = instance.get(),
                            .mac = vpc_side_mac,
                            .peer_mac = checked.mac,
                            .mtu = mtu}));
  const auto finish = [&]() -> Result<void> {
    BRUME_TRY(link, vpc.find_link(name));
    // Proxied ARP answers are held back for up to 0.8 s otherwise.
    BRUME_CHECK(env::write_sysctl(fmt::format("ipv4/neigh/{}/proxy_delay", name), "0"));
    BRUME_CHECK(vpc.add_neighbour(link.index, checked.address, checked.mac));
    BRUME_CHECK(vpc.add_host_route(link.index, checked.address));
    BRUME_CHECK(set_source_check(vpc, spec));
    BRUME_CHECK(env::apart([&]() -> Result<void> {
      BRUME_CHECK(env::enter_network_namespace(instance_path));
      return set_up_instance_side(spec, checked);
    }));
    BRUME_CHECK(vpc.await_operational(name));
    const bool secondary = !checked.secondary_addresses.empty();
    if (secondary) BRUME_CHECK(set_secondary_addresses(vpc, spec, checked, instance_path));
    BRUME_CHECK(set_ipv6_addresses(vpc, spec, checked, instance_path));
    return vpc.set_alias(link.index, alias_of(spec) + (secondary ? secondary_note : ""));
  };
  auto finished = finish();
  if (!finished) (void)vpc.delete_link(name);  // the first failure is what the caller is to hear of
  return finished;
}

}  // namespace

Result<void> KernelFabric::make_folder() const {
  return env::PosixFiles().make_folders(folder_, 0700);
}

Result<std::vector<std::string>> KernelFabric::names() const {
  return env::PosixFiles().list(folder_);
}

Result<void> KernelFabric::ensure_vpc(const VpcSpec& spec) {
  BRUME_TRY(gateways, check(spec));
  const std::unique_lock lock(vpcs_);
  BRUME_CHECK(make_folder());
  const std::string path = vpc_namespace(spec.id);
  BRUME_TRY(made, env::make_network_namespace(path));
  if (made) forget(spec.id);
  auto result = env::apart([&]() -> Result<void> {
    BRUME_CHECK(env::enter_network_namespace(path));
    BRUME_TRY(kernel, Rtnetlink::open());
    BRUME_CHECK(set_up_vpc_namespace(kernel));
    BRUME_CHECK(kernel.add_address(loopback, metadata_address, 32, metadata_label));
    BRUME_CHECK(kernel.add_address(loopback, resolver_link_local, 32, resolver_label));
    if (!spec.cidr.empty()) {
      BRUME_TRY(resolver, resolver_address(spec.cidr));
      BRUME_CHECK(kernel.add_address(loopback, resolver, 32, resolver_label));
    }
    for (const Ipv4 gateway : gateways) BRUME_CHECK(kernel.add_address(loopback, gateway, 32, gateway_label));
    // Gateways of subnets that are no more.
    BRUME_TRY(present, kernel.addresses(loopback));
    for (const auto& [address, label] : present)
      if (label == gateway_label && std::ranges::find(gateways, address.ipv4()) == gateways.end())
        BRUME_CHECK(kernel.delete_address(loopback, address, 32));
    return set_up_vpc_ipv6(kernel, spec);
  });
  if (!result && made) (void)env::remove_network_namespace(path);
  return result;
}

Result<void> KernelFabric::ensure_interface(const InterfaceSpec& spec) {
  BRUME_TRY(checked, check(spec));
  if (!checked.ipv6_addresses.empty()) BRUME_CHECK(need_ipv6());
  const std::shared_lock lock(vpcs_);
  const std::scoped_lock own(lock_for(instances_, spec.instance_id), lock_for(interfaces_, spec.id));
  const std::string vpc_path = vpc_namespace(spec.vpc_id);
  const std::string instance_path = instance_namespace(spec.instance_id);
  if (!env::network_namespace_exists(vpc_path)) return fail_internal("The VPC {} has no namespace", spec.vpc_id);
  forget_routes_to(spec.id, spec.vpc_id);
  BRUME_TRY(made, env::make_network_namespace(instance_path, set_up_instance_namespace));
  auto result = env::apart([&]() -> Result<void> {
    BRUME_CHECK(env::enter_network_namespace(vpc_path));
    BRUME_TRY(kernel, Rtnetlink::open());
    BRUME_TRY(present, kernel.find_link(link_name(spec.id)));
    const std::string alias = alias_of(spec);
    const bool noted = present.alias == alias + secondary_note;
    if (!made && (noted || present.alias == alias)) {
      BRUME_CHECK(set_source_check(kernel, spec));
      const bool secondary = !checked.secondary_addresses.empty();
      if (secondary && !noted) BRUME_CHECK(kernel.set_alias(present.index, alias + secondary_note));
      if (secondary || noted) BRUME_CHECK(set_secondary_addresses(kernel, spec, checked, instance_path));
      if (noted && !secondary) BRUME_CHECK(kernel.set_alias(present.index, alias));
      return set_ipv6_addresses(kernel, spec, checked, instance_path);
    }
    if (present.index != 0) BRUME_CHECK(kernel.delete_link(present.name));
    return connect(kernel, spec, checked, instance_path);
  });
  if (!result && made) (void)env::remove_network_namespace(instance_path);
  return result;
}

Result<void> KernelFabric::remove_interface(const std::string& interface_id, const std::string& vpc_id) {
  BRUME_CHECK(check_id(interface_id, "eni-"));
  BRUME_CHECK(check_id(vpc_id, "vpc-"));
  const std::shared_lock lock(vpcs_);
  const std::lock_guard own(lock_for(interfaces_, interface_id));
  const std::string path = vpc_namespace(vpc_id);
  if (!env::network_namespace_exists(path)) return {};
  forget_routes_to(interface_id, vpc_id);
  return env::apart([&]() -> Result<void> {
    BRUME_CHECK(env::enter_network_namespace(path));
    BRUME_TRY(kernel, Rtnetlink::open());
    // Addresses and routes go with the link, its peer too. (An instance's rule for a secondary interface stays and
    // finds an empty table, until the index is used again.)
    return kernel.delete_link(link_name(interface_id));
  });
}

Result<void> KernelFabric::remove_namespace(const std::string& name) {
  const std::string path = folder_ + "/" + name;
  if (env::network_namespace_exists(path)) {
    // The namespace itself may live on for as long as a process in it does; nothing is to be reached from it.
    BRUME_CHECK(env::apart([&]() -> Result<void> {
      BRUME_CHECK(env::enter_network_namespace(path));
      BRUME_TRY(kernel, Rtnetlink::open());
      BRUME_TRY(links, kernel.links());
      for (const Link& link : links)
        if (link.kind == "veth") BRUME_CHECK(kernel.delete_link(link.name));
      return {};
    }));
  }
  return env::remove_network_namespace(path);
}

Result<void> KernelFabric::remove_instance(const std::string& instance_id) {
  BRUME_CHECK(check_id(instance_id, "i-"));
  const std::shared_lock lock(vpcs_);
  const std::lock_guard own(lock_for(instances_, instance_id));
  return remove_namespace(instance_id);
}

Result<void> KernelFabric::remove_vpc(const std::string& vpc_id) {
  BRUME_CHECK(check_id(vpc_id, "vpc-"));
  const std::unique_lock lock(vpcs_);
  const std::string path = vpc_namespace(vpc_id);
  std::vector<std::string> instances;
  if (env::network_namespace_exists(path)) {
    BRUME_CHECK(env::apart([&]() -> Result<void> {
      BRUME_CHECK(env::enter_network_namespace(path));
      BRUME_TRY(kernel, Rtnetlink::open());
      BRUME_TRY(links, kernel.links());
      for (const Link& link : links)
        if (Owner owner = owner_of(link); check_id(owner.instance_id, "i-")) instances.push_back(owner.instance_id);
      return {};
    }));
  }
  for (const std::string& instance : instances) BRUME_CHECK(remove_namespace(instance));
  forget(vpc_id);
  BRUME_CHECK(remove_namespace(vpc_id));
  return edge_.release();
}

Result<void> KernelFabric::ensure_node(const NodeSpec& spec) {
  BRUME_TRY(address, check(spec));
  const std::shared_lock lock(vpcs_);
  const std::string path = vpc_namespace(spec.vpc_id);
  if (!env::network_namespace_exists(path)) return fail_internal("The VPC {} has no namespace", spec.vpc_id);
  return env::apart([&]() -> Result<void> {
    BRUME_CHECK(env::enter_network_namespace(path));
    BRUME_TRY(kernel, Rtnetlink::open());
    return kernel.add_address(loopback, address, 32, node_label);
  });
}

Result<void> KernelFabric::remove_node(const NodeSpec& spec) {
  BRUME_TRY(address, check(spec));
  const std::shared_lock lock(vpcs_);
  const std::string path = vpc_namespace(spec.vpc_id);
  if (!env::network_namespace_exists(path)) return {};
  return env::apart([&]() -> Result<void> {
    BRUME_CHECK(env::enter_network_namespace(path));
    BRUME_TRY(kernel, Rtnetlink::open());
    return kernel.delete_address(loopback, address, 32);
  });
}

void KernelFabric::forget(const std::string& vpc_id) {
  const std::lock_guard lock(applied_mutex_);
  applied_.erase(vpc_id);
  routed_.clear();  // others may lead there
}

Result<void> KernelFabric::enforce(const Policy& policy) {
  BRUME_CHECK(check_id(policy.vpc_id, "vpc-"));
  const std::shared_lock lock(vpcs_);
  const std::lock_guard own(lock_for(policies_, policy.vpc_id));
  const std::string path = vpc_namespace(policy.vpc_id);
  if (!env::network_namespace_exists(path)) return fail_internal("The VPC {} has no namespace", policy.vpc_id);
  return env::apart([&]() -> Result<void> {
    BRUME_CHECK(env::enter_network_namespace(path));
    BRUME_TRY(kernel, Rtnetlink::open());
    BRUME_TRY(present, kernel.addresses(loopback));
    std::set<std::string> services;
    for (const auto& [address, label] : present)
      if (label == metadata_label || label == resolver_label) services.insert(to_string(address));
    const auto applied = [&]() -> std::shared_ptr<const PolicyTable> {
      const std::lock_guard guard(applied_mutex_);
      const auto found = applied_.find(policy.vpc_id);
      return found == applied_.end() ? nullptr : found->second;
    }();
    const auto wanted =
        std::make_shared<const PolicyTable>(applied ? updated(*applied, policy, services) : table_of(policy, services));
    const Ruleset& rules = wanted->compiled.rules;
    // A change that the kernel does not take, because somebody has been at the table, is made by replacing it.
    const auto change = [&]() -> Result<void> {
      const Ruleset& before = applied->compiled.rules;
      if (const auto elements = element_changes(before, rules)) return change_elements(*elements);
      return run_nftables(difference(before, rules));
    };
    if (!applied || !change()) {
      {
        const std::lock_guard guard(applied_mutex_);
        applied_.erase(policy.vpc_id);
      }
      BRUME_CHECK(run_nftables(replacement(rules)));
    }
    const std::lock_guard guard(applied_mutex_);
    applied_[policy.vpc_id] = wanted;
    return {};
  });
}

Result<Inventory> KernelFabric::list() {
  const std::shared_lock lock(vpcs_);
  BRUME_TRY(all, names());
  Inventory inventory;
  for (const std::string& name : all) {
    const std::string path = folder_ + "/" + name;
    if (!env::network_namespace_exists(path)) continue;
    if (check_id(name, "i-")) inventory.instances.push_back(name);
    if (!check_id(name, "vpc-")) continue;
    inventory.vpcs.push_back(name);
    BRUME_CHECK(env::apart([&]() -> Result<void> {
      BRUME_CHECK(env::enter_network_namespace(path));
      BRUME_TRY(kernel, Rtnetlink::open());
      BRUME_TRY(links, kernel.links());
      for (const Link& link : links)
        if (Owner owner = owner_of(link); !owner.interface_id.empty())
          inventory.interfaces.push_back(owner.interface_id);
      return {};
    }));
  }
  std::ranges::sort(inventory.interfaces);
  return inventory;
}

Result<void> KernelFabric::sweep() {
  const std::unique_lock lock(vpcs_);
  BRUME_TRY(all, names());
  Result<void> first;
  const auto note = [&](Result<void> result) {
    if (first && !result) first = std::move(result);
  };
  for (const std::string& name : all)
    if (check_id(name, "i-") || check_id(name, "vpc-")) note(remove_namespace(name));
  note(edge_.remove());
  if (first) first = env::PosixFiles().remove_all(folder_);
  return first;
}

}  // namespace brume::net
