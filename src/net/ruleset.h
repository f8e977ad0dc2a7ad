// An nftables table as a value: what is in it, how to make it, and how to get from one to another.
//
// Pure. Texts are nft(8)'s own. Both ways are one transaction: the kernel takes all of it or nothing, and no packet
// meets a half. A set's elements are disjoint (policy_compiler.h sees to that). Tables share what they have alike
// (base/shared_map.h): what leads from one to another costs what it is.
#pragma once

#include <string>
#include <vector>

#include "base/shared_map.h"

namespace brume::net {

struct Ruleset {
  struct Set {
    std::string kind;                 // "set" or "map"
    std::string declaration;          // "type ipv4_addr . inet_proto; flags interval;"
    SharedSet<std::string> elements;  // of a map: "key : value"
    bool operator==(const Set&) const = default;
  };
  struct Chain {
    std::string hook;  // "type filter hook forward priority -40; policy drop;"; empty: reached by jumps only
    std::vector<std::string> rules;
    bool operator==(const Chain&) const = default;
  };
  SharedMap<std::string, Set> sets;
  SharedMap<std::string, Chain> chains;
};

// Puts the table in place of whatever is there.
std::string replacement(const Ruleset& wanted);
// From `present` to `wanted`; empty if they are the same.
std::string difference(const Ruleset& present, const Ruleset& wanted);

}  // namespace brume::net
