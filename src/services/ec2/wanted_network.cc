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

// In place, which takes no memory where a row is as long as the one before.
void assign(std::string& to, const std::optional<std::string>& from) {
  if (from)
    to = *from;
  else
    to.clear();
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

void WantedNetwork::fill(Facts& facts, const NetworkInterface& record) {
  assign(facts.vpc_id, record.VpcId);
  assign(facts.subnet_id, record.SubnetId);
  assign(facts.mac, record.MacAddress);
  assign(facts.type, record.InterfaceType);
  assign(facts.requester, record.RequesterId);
  facts.instance_id.clear();
  facts.device_index = -1;
  if (record.Attachment) {
    assign(facts.instance_id, record.Attachment->InstanceId);
    facts.device_index = record.Attachment->DeviceIndex.value_or(0);
  }
  facts.source_dest_check = record.SourceDestCheck.value_or(true);
  facts.addresses.resize(record.PrivateIpAddresses.size() * 2);
  auto address = facts.addresses.begin();
  for (const NetworkInterfacePrivateIpAddress& each : record.PrivateIpAddresses) {
    assign(*address++, each.PrivateIpAddress);
    if (each.Association)
      assign(*address++, each.Association->PublicIp);
    else
      (address++)->clear();
  }
  facts.ipv6_addresses.resize(record.Ipv6Addresses.size());
  auto ipv6 = facts.ipv6_addresses.begin();
  for (const NetworkInterfaceIpv6Address& each : record.Ipv6Addresses) assign(*ipv6++, each.Ipv6Address);
  facts.groups.resize(record.Groups.size());
  auto group = facts.groups.begin();
  for (const GroupIdentifier& each : record.Groups) assign(*group++, each.GroupId);
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
  Facts now;
  auto seen = seen_.begin();
  const auto drop = [&] {
    forget(seen->first, seen->second);
    seen = seen_.erase(seen);
  };
  for (const auto& [id, record] : state_.network_interfaces.rows()) {
    while (seen != seen_.end() && seen->first < id) drop();
    fill(now, record);
    const bool is_new = seen == seen_.end() || seen->first != id;
    if (is_new) seen = seen_.emplace_hint(seen, id, Facts());
    if (seen->second != now) {
      if (!is_new) forget(id, seen->second);
      note(id, record);
      seen->second = now;
    }
    ++seen;
  }
  while (seen != seen_.end()) drop();
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
  wanted.vpc = vpc_spec(state_, vpc_id);
  wanted.policy = rules_of(state_, vpc_id);
  std::vector<std::string> gone;
  for (const auto& [id, group] : kept.groups)
    if (!wanted.policy.groups.contains(id)) gone.push_back(id);
  for (const std::string& id : gone) kept.groups.erase(id);
  for (const auto& [id, group] : wanted.policy.groups) kept.groups.put(id, group);
  wanted.policy.groups = kept.groups;
  wanted.policy.interfaces = kept.interfaces;
  wanted.routing = routes_of(state_, vpc_id);
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
