#include "services/ec2/wanted_network.h"

#include <algorithm>
#include <utility>

#include "services/ec2/ipv6_ranges.h"
#include "services/ec2/network_interface.h"
#include "services/ec2/vpc_policy.h"
#include "services/ec2/vpc_routing.h"

namespace brume::ec2 {
namespace {

net::VpcSpec vpc_spec(const NetworkState& state, const std::string& vpc_id) {
  net::VpcSpec spec{.id = vpc_id, .subnet_cidrs = {}};
  for (const Subnet* subnet : state.subnets_of(vpc_id)) {
    spec.subnet_cidrs.push_back(*subnet->CidrBlock);
    if (const std::string* block = ipv6_block_of(*subnet)) spec.subnet_ipv6_cidrs.push_back(*block);
  }
  if (const VpcRecord* record = state.vpcs.find(vpc_id)) spec.cidr = record->vpc.CidrBlock.value_or("");
  return spec;
}

// Do the VPC's rules or routes depend on what interfaces there are?
bool follows_interfaces(const NetworkState& state, const std::string& vpc_id, const net::Policy& rules) {
  return !rules.peer_groups.empty() || std::ranges::any_of(state.route_tables.rows(), [&](const auto& row) {
    return row.second.VpcId == vpc_id && std::ranges::any_of(row.second.Routes, [](const Route& route) {
             return route.NetworkInterfaceId.has_value();
           });
  });
}

}  // namespace

InterfaceSpecs interface_specs(const NetworkState& state, const std::string& instance_id) {
  InterfaceSpecs specs;
  for (const NetworkInterface* interface : interfaces_of(state, instance_id)) {
    const Subnet& subnet = *state.subnets.find(*interface->SubnetId);
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

WantedNetwork::Facts WantedNetwork::facts_of(const NetworkInterface& record) {
  Facts facts{.vpc_id = *record.VpcId,
              .subnet_id = *record.SubnetId,
              .mac = record.MacAddress.value_or(""),
              .type = record.InterfaceType.value_or(""),
              .requester = record.RequesterId.value_or(""),
              .source_dest_check = record.SourceDestCheck.value_or(true)};
  if (record.Attachment) {
    facts.instance_id = record.Attachment->InstanceId.value_or("");
    facts.device_index = record.Attachment->DeviceIndex.value_or(0);
  }
  for (const NetworkInterfacePrivateIpAddress& each : record.PrivateIpAddresses) {
    facts.addresses.push_back(*each.PrivateIpAddress);
    facts.addresses.push_back(each.Association ? each.Association->PublicIp.value_or("") : "");
  }
  for (const NetworkInterfaceIpv6Address& each : record.Ipv6Addresses)
    facts.ipv6_addresses.push_back(*each.Ipv6Address);
  for (const GroupIdentifier& each : record.Groups) facts.groups.push_back(*each.GroupId);
  return facts;
}

void WantedNetwork::forget(const std::string& id, const Facts& facts) {
  Kept& kept = kept_[facts.vpc_id];
  kept.interfaces.erase(id);
  kept.nodes.erase(id);
  for (std::size_t i = 0; i + 1 < facts.addresses.size(); i += 2)
    if (!facts.addresses[i + 1].empty()) kept.addresses.erase({facts.addresses[i + 1], facts.addresses[i], id});
  if (!facts.instance_id.empty()) touch(facts.vpc_id, facts.instance_id);
}

void WantedNetwork::note(const std::string& id, const NetworkInterface& record) {
  const std::string& vpc_id = *record.VpcId;
  Kept& kept = kept_[vpc_id];
  if (carries_packets(record)) kept.interfaces.put(id, policy_interface_of(record));
  if (is_node(record)) kept.nodes.put(id, {id, vpc_id, *record.PrivateIpAddress});
  for (net::PublicAddress& address : public_addresses_of(record)) kept.addresses.insert(std::move(address));
  if (record.Attachment && record.Attachment->InstanceId) touch(vpc_id, *record.Attachment->InstanceId);
}

void WantedNetwork::read_interfaces() {
  for (const std::string& id : changed_.take()) {
    const NetworkInterface* record = state_.network_interfaces.find(id);
    Facts now = record ? facts_of(*record) : Facts();
    const auto seen = seen_.find(id);
    if (seen != seen_.end()) {
      if (record && seen->second == now) continue;
      forget(id, seen->second);
      seen_.erase(seen);
    }
    if (!record) continue;
    note(id, *record);
    seen_.emplace(id, std::move(now));
  }
}

void WantedNetwork::read_rules(const std::string& vpc_id, Kept& kept) {
  const NetworkState& s = state_;
  const std::uint64_t version = s.vpcs.version() + s.subnets.version() + s.internet_gateways.version() +
                                s.egress_only_gateways.version() + s.route_tables.version() + s.network_acls.version() +
                                s.security_groups.version() + s.security_group_rules.version() +
                                s.nat_gateways.version() + s.peerings.version() + s.prefix_lists.version() +
                                (kept.follows_interfaces ? s.network_interfaces.version() : 0);
  if (kept.version == version) return;
  kept.version = version;
  kept.vpc = vpc_spec(state_, vpc_id);
  net::Policy rules = rules_of(state_, vpc_id);
  // The groups that are as they were are shared with what was answered before.
  SharedMap<std::string, net::SecurityGroup> groups = kept.rules.groups;
  for (const auto& [id, group] : kept.rules.groups)
    if (!rules.groups.contains(id)) groups.erase(id);
  for (const auto& [id, group] : rules.groups) groups.put(id, group);
  rules.groups = std::move(groups);
  kept.rules = std::move(rules);
  kept.routes = routes_of(state_, vpc_id);
  kept.follows_interfaces = follows_interfaces(state_, vpc_id, kept.rules);
}

WantedVpc WantedNetwork::look(const std::string& vpc_id) {
  read_interfaces();
  WantedVpc wanted;
  wanted.exists = state_.vpcs.contains(vpc_id);
  if (!wanted.exists) {
    kept_.erase(vpc_id);
    touched_.erase(vpc_id);
    return wanted;
  }
  Kept& kept = kept_[vpc_id];
  wanted.nodes = kept.nodes;
  wanted.policy.vpc_id = vpc_id;
  wanted.policy.interfaces = kept.interfaces;
  if (kept.interfaces.empty()) return wanted;  // whatever the rest: nothing is there to have it
  read_rules(vpc_id, kept);
  wanted.vpc = kept.vpc;
  wanted.policy = kept.rules;
  wanted.policy.interfaces = kept.interfaces;
  wanted.routing = kept.routes;
  wanted.routing.public_addresses = kept.addresses;
  std::erase_if(wanted.routing.peerings, [&](const net::Peering& peering) {
    return std::ranges::none_of(state_.all_regions(),
                                [&](const NetworkState* region) { return is_used(*region, peering.peer_vpc_id); });
  });
  return wanted;
}

std::set<std::string> WantedNetwork::take_touched(const std::string& vpc_id) {
  const auto found = touched_.find(vpc_id);
  if (found == touched_.end()) return {};
  std::set<std::string> taken = std::move(found->second);
  touched_.erase(found);
  return taken;
}

}  // namespace brume::ec2
