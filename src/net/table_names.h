// What the chains and sets of a VPC's table are called (policy_compiler.h), for those that are looked up again.
#pragma once

#include <fmt/format.h>

#include <algorithm>
#include <string>
#include <vector>

#include "net/link_name.h"
#include "net/policy.h"

namespace brume::net {

inline bool is_ipv6(const std::string& address) {
  return address.find(':') != std::string::npos;
}

// The names of the group's sets, but for that of its members, begin with this and "_".
inline std::string group_chain_name(const std::string& group, bool egress) {
  return group + (egress ? "_out" : "_in");
}
// The set of a group's private addresses.
inline std::string members_name(const std::string& group, bool ipv6) {
  return fmt::format("members{}_{}", ipv6 ? 6 : 4, group);
}

// An interface's groups that the policy has, in one order. Interfaces that have the same share a chain each way.
inline std::vector<std::string> combination_of(const Policy& policy, std::vector<std::string> group_ids) {
  std::ranges::sort(group_ids);
  std::erase_if(group_ids, [&](const std::string& id) { return !policy.groups.contains(id); });
  return group_ids;
}
inline std::string combination_chain_name(const std::vector<std::string>& groups, bool egress) {
  return fmt::format("groups{:016x}_{}", fnv1a(fmt::format("{}", fmt::join(groups, " "))), egress ? "out" : "in");
}

}  // namespace brume::net
