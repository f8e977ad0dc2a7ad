#include "net/verdict.h"

#include <algorithm>
#include <optional>

namespace brume::net {
namespace {

bool member(const Policy& policy, const std::string& group, const std::optional<IpBlock>& address,
            const std::string& peering_id) {
  if (!address) return false;
  if (const auto peer = policy.peer_groups.find(group); peer != policy.peer_groups.end())
    return peer->second.peering_id == peering_id &&
           std::ranges::any_of(peer->second.addresses,
                               [&](const std::string& own) { return parse_ip_block(own) == address; });
  for (const auto& [id, interface] : policy.interfaces)
    if (std::ranges::find(interface.group_ids, group) != interface.group_ids.end())
      for (const std::string& own : interface.addresses)
        if (parse_ip_block(own) == address) return true;
  return false;
}

bool within(const std::string& cidr, const std::optional<IpBlock>& address) {
  const auto block = parse_ip_block(cidr);
  return block && address && block->contains(*address);
}

Decision by_groups(const Policy& policy, const PolicyInterface* interface, const Packet& packet, bool egress) {
  Decision decision{egress ? Stage::egress_groups : Stage::ingress_groups, false, ""};
  if (interface == nullptr) return decision;
  const auto other = parse_ip_block(egress ? packet.to.address : packet.from.address);
  for (const std::string& id : interface->group_ids) {
    const auto group = policy.groups.find(id);
    if (group == policy.groups.end()) continue;
    for (const GroupRule& rule : group->second.rules)
      if (rule.egress == egress && matches(rule.traffic, packet) &&
          (rule.group_id.empty() ? within(rule.cidr, other) : member(policy, rule.group_id, other, packet.peering_id)))
        return {decision.stage, true, rule.id};
  }
  return decision;
}

Decision by_acl(const Policy& policy, const PolicyInterface* interface, const Packet& packet, bool egress) {
  return judge_acl(policy, interface ? interface->subnet_id : "", packet, egress);
}

}  // namespace

Decision judge_acl(const Policy& policy, const std::string& subnet_id, const Packet& packet, bool egress) {
  Decision decision{egress ? Stage::acl_out : Stage::acl_in, false, ""};
  const auto id = policy.subnet_acls.find(subnet_id);
  if (id == policy.subnet_acls.end()) return decision;
  decision.by = id->second + " *";
  const auto acl = policy.acls.find(id->second);
  if (acl == policy.acls.end()) return decision;
  const auto other = parse_ip_block(egress ? packet.to.address : packet.from.address);
  const AclEntry* first = nullptr;
  for (const AclEntry& entry : acl->second.entries)
    if (entry.egress == egress && matches(entry.traffic, packet) && within(entry.cidr, other) &&
        (first == nullptr || entry.number < first->number))
      first = &entry;
  if (first != nullptr) return {decision.stage, first->allow, id->second + " " + std::to_string(first->number)};
  return decision;
}

bool matches(const Traffic& traffic, const Packet& packet) {
  if (traffic.protocol == -1) return true;
  if (traffic.protocol != packet.protocol) return false;
  switch (traffic.protocol) {
    case 6:
    case 17:
      return traffic.from == -1 || (traffic.from <= packet.first && packet.first <= traffic.to);
    case 1:
    case 58:
      return traffic.from == -1 || (traffic.from == packet.first && (traffic.to == -1 || traffic.to == packet.second));
    default:
      return true;
  }
}

Verdict judge(const Policy& policy, const Packet& packet) {
  const auto find = [&](const std::string& id) -> const PolicyInterface* {
    const auto found = policy.interfaces.find(id);
    return found == policy.interfaces.end() ? nullptr : &found->second;
  };
  const PolicyInterface* const from = find(packet.from.interface_id);
  const PolicyInterface* const to = find(packet.to.interface_id);
  const bool neighbours = from != nullptr && to != nullptr && from->subnet_id == to->subnet_id;
  Verdict verdict;
  const auto add = [&](Decision decision) {
    verdict.allowed = verdict.allowed && decision.allowed;
    verdict.decisions.push_back(std::move(decision));
  };
  if (!packet.from.interface_id.empty()) {
    add(by_groups(policy, from, packet, true));
    if (!neighbours) add(by_acl(policy, from, packet, true));
  }
  if (!packet.to.interface_id.empty()) {
    if (!neighbours) add(by_acl(policy, to, packet, false));
    add(by_groups(policy, to, packet, false));
  }
  return verdict;
}

}  // namespace brume::net
