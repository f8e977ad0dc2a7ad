#include "services/ec2/vpc_policy.h"

#include <utility>

#include "services/ec2/group_reference.h"
#include "services/ec2/protocol.h"
#include "services/ec2/vpc_routing.h"

namespace brume::ec2 {
namespace {

net::Traffic traffic_of(const SecurityGroupRule& rule) {
  net::Traffic traffic{.protocol = protocol_number(rule.IpProtocol.value_or("-1")).value_or(-1)};
  if (traffic.protocol == -1) return traffic;
  traffic.from = rule.FromPort.value_or(-1);
  traffic.to = rule.ToPort.value_or(-1);
  return traffic;
}

net::Traffic traffic_of(const NetworkAclEntry& entry) {
  net::Traffic traffic{.protocol = protocol_number(entry.Protocol.value_or("-1")).value_or(-1)};
  if (entry.PortRange) {
    traffic.from = entry.PortRange->From.value_or(0);
    traffic.to = entry.PortRange->To.value_or(65535);
  } else if (entry.IcmpTypeCode) {
    traffic.from = entry.IcmpTypeCode->Type.value_or(-1);
    traffic.to = entry.IcmpTypeCode->Code.value_or(-1);
  }
  return traffic;
}

net::SecurityGroup group_of(const NetworkState& state, const std::string& group_id) {
  net::SecurityGroup group{.id = group_id, .rules = {}};
  for (const SecurityGroupRule* rule : state.rules_of(group_id)) {
    net::GroupRule made{.id = *rule->SecurityGroupRuleId,
                        .egress = rule->IsEgress.value_or(false),
                        .traffic = traffic_of(*rule),
                        .cidr = "",
                        .group_id = ""};
    if (rule->ReferencedGroupInfo) {
      if (!is_valid(state, *rule->ReferencedGroupInfo)) continue;  // stale
      made.group_id = rule->ReferencedGroupInfo->GroupId.value_or("");
    } else if (rule->PrefixListId) {
      if (const PrefixListRecord* list = state.prefix_lists.find(*rule->PrefixListId))
        for (const PrefixListEntry& entry : list->entries) {
          made.cidr = *entry.Cidr;
          group.rules.push_back(made);
        }
      continue;
    } else {
      made.cidr = rule->CidrIpv4 ? *rule->CidrIpv4 : rule->CidrIpv6.value_or("");
    }
    group.rules.push_back(std::move(made));
  }
  return group;
}

net::NetworkAcl acl_of(const NetworkAcl& record) {
  net::NetworkAcl acl{.id = *record.NetworkAclId, .entries = {}};
  for (const NetworkAclEntry& entry : record.Entries) {
    if (entry.RuleNumber.value_or(0) > 32766) continue;  // the last, which denies what no other names
    acl.entries.push_back({.number = entry.RuleNumber.value_or(0),
                           .egress = entry.Egress.value_or(false),
                           .traffic = traffic_of(entry),
                           .cidr = entry.CidrBlock ? *entry.CidrBlock : entry.Ipv6CidrBlock.value_or(""),
                           .allow = entry.RuleAction == "allow"});
  }
  return acl;
}

net::PolicyInterface interface_of(const NetworkInterface& record) {
  net::PolicyInterface interface{.id = *record.NetworkInterfaceId,
                                 .subnet_id = *record.SubnetId,
                                 .addresses = {},
                                 .group_ids = {},
                                 .node = is_node(record)};
  for (const NetworkInterfacePrivateIpAddress& address : record.PrivateIpAddresses)
    interface.addresses.push_back(*address.PrivateIpAddress);
  for (const NetworkInterfaceIpv6Address& address : record.Ipv6Addresses)
    interface.addresses.push_back(*address.Ipv6Address);
  for (const GroupIdentifier& group : record.Groups) interface.group_ids.push_back(*group.GroupId);
  return interface;
}

// The peered VPCs' groups that the VPC's rules name.
std::map<std::string, net::PeerGroup> peer_groups_of(const NetworkState& state, const net::Policy& policy) {
  std::map<std::string, net::PeerGroup> found;
  for (const auto& [id, group] : policy.groups)
    for (const SecurityGroupRule* rule : state.rules_of(id)) {
      const auto& named = rule->ReferencedGroupInfo;
      if (!named || !named->VpcPeeringConnectionId || !is_valid(state, *named)) continue;
      const auto [peer, is_new] = found.try_emplace(*named->GroupId);
      if (!is_new) continue;
      peer->second.peering_id = *named->VpcPeeringConnectionId;
      for (const std::string& interface_id : state.children(*named->GroupId)) {
        const NetworkInterface& interface = *state.network_interfaces.find(interface_id);
        if (!carries_packets(interface)) continue;
        for (std::string& address : interface_of(interface).addresses)
          peer->second.addresses.insert(std::move(address));
      }
    }
  return found;
}

}  // namespace

net::Policy rules_of(const NetworkState& state, const std::string& vpc_id) {
  net::Policy policy{.vpc_id = vpc_id, .groups = {}, .acls = {}, .subnet_acls = {}, .interfaces = {}};
  for (const auto& [id, group] : state.security_groups.rows())
    if (group.VpcId == vpc_id) policy.groups.put(id, group_of(state, id));
  for (const auto& [id, acl] : state.network_acls.rows()) {
    if (acl.VpcId != vpc_id) continue;
    policy.acls.emplace(id, acl_of(acl));
    for (const NetworkAclAssociation& association : acl.Associations)
      policy.subnet_acls.emplace(*association.SubnetId, id);
  }
  policy.nat_gateways = nat_gateways_of(state, vpc_id);
  policy.peer_groups = peer_groups_of(state, policy);
  return policy;
}

net::Policy policy_of(const NetworkState& state, const std::string& vpc_id) {
  net::Policy policy = rules_of(state, vpc_id);
  for (const auto& [id, interface] : state.network_interfaces.rows())
    if (interface.VpcId == vpc_id && carries_packets(interface)) policy.interfaces.put(id, interface_of(interface));
  return policy;
}

bool carries_packets(const NetworkInterface& record) {
  return record.Attachment && record.InterfaceType != kNatGatewayInterface;
}

net::PolicyInterface policy_interface_of(const NetworkInterface& record) {
  return interface_of(record);
}

}  // namespace brume::ec2
