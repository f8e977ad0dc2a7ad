// A VPC's rules as an nftables table for its namespace.
//
// Pure. The four stages of policy.h are base chains of one hook at different priorities, each dropping what it does not
// accept: an accept ends its own stage only, so no side can speak for another. Interfaces are told by their links, load
// balancer nodes, which live in the namespace itself, by address in the input and output hooks. A packet meets set
// look-ups, whose cost does not grow with the rules: one chain for each group, one for each combination of groups
// (rule_elements.h).
//
// A NAT gateway is a next hop behind the forward hook (route_plan.h). What goes to it is told by that hop and meets its
// subnet's ACL, both ways, where a receiver would be judged. A reply is told by its flow: it meets the ACL inbound
// before it gets the instance's address back (prerouting), and outbound where a sender would be judged.
//
// Replies pass the groups. As on AWS, a TCP or UDP flow that a rule allows from anywhere while the other direction is
// open to anywhere is not tracked ("Untracked connections", EC2 user guide): it is judged again by each packet, so that
// it ends with its rule. Two bits of the connection's mark say for which side this holds: 1 the originator's, 2 the
// responder's.
#pragma once

#include <set>
#include <string>

#include "net/policy.h"
#include "net/ruleset.h"

namespace brume::net {

// A policy and what compile() made of it.
struct Compiled {
  Policy policy;
  Ruleset rules;
};

// `services`: the namespace's own IPv4 addresses that every instance may reach (metadata, resolver). `before`: what was
// compiled earlier; what does not differ since is shared with it rather than made again. The result is the same.
Ruleset compile(const Policy& policy, const std::set<std::string>& services, const Compiled* before = nullptr);

}  // namespace brume::net
