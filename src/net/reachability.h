// Whether a packet finds its way from one place to another and its reply back, hop by hop, and which rule decides.
//
// Pure: reads groups and ACLs by verdict.h and route tables by route_lookup.h, sends nothing. What it says is what the
// fabric does: first packets meet both sides' groups and ACLs, replies only the ACLs and the routes back, since groups
// are stateful; a NAT gateway's subnet judges by its ACL what comes to the gateway and what leaves it. Where an address
// or a port is left open it looks for one that gets through, as Reachability Analyzer does. Codes are its ("Explanation
// codes", Reachability Analyzer guide). Leaves to others: whether an instance runs, and what listens there.
#pragma once

#include <cstdint>
#include <map>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "net/policy.h"
#include "net/routing.h"

namespace brume::net {

struct ReachableVpc {
  Policy policy;
  Routing routing;
  std::set<std::string> routers;  // interfaces without source/destination check
};
using ReachableVpcs = std::map<std::string, ReachableVpc>;  // by id; those of both places and their peers

enum class PlaceKind : std::uint8_t {
  interface,
  internet_gateway,
  peering,
  address,  // whoever has it; as a destination only
};

struct Place {
  PlaceKind kind = PlaceKind::interface;
  std::string id;      // eni-… or pcx-…
  std::string vpc_id;  // of an interface or an internet gateway; of a peering, the VPC on this side of it
  // As the source of the first packet, or its destination. Left open: an interface's first one (its public one, if the
  // packet comes from the internet); of a gateway or a peering, any that gets through.
  std::string address;
};

struct PortRange {
  int from = 0, to = 65535;
  bool operator==(const PortRange&) const = default;
};

struct ReachQuestion {
  Place from, to;
  int protocol = 6;  // TCP (6) or UDP (17)
  PortRange destination_ports;
  PortRange source_ports{1024, 65535};  // where replies go
};

enum class HopKind : std::uint8_t { interface, groups, acl, route_table, internet_gateway, nat_gateway, peering };

struct Hop {
  HopKind kind = HopKind::interface;
  std::string vpc_id;
  // eni-…, sg-…, acl-…, rtb-…, nat-…, eigw-… or pcx-…; empty: the VPC's internet gateway, or groups none of which
  // allows it.
  std::string id;
  std::string interface_id;         // of groups and ACLs: whose; nat-…: of the subnet that the gateway stands in
  bool egress = false;              // the packet is on its way out of the interface, the subnet or the VPC
  std::string rule;                 // sgr-…, an entry's number or "*", a route's destination
  std::string target;               // of a route: "local", "igw", eigw-…, nat-…, eni-…, pcx-… or "blackhole"
  std::string code;                 // why the packet goes no further; empty: it passes
  std::string source, destination;  // the packet's addresses when it has passed
};

struct Reachability {
  bool reachable = false;
  bool complete = true;  // false: there were too many addresses and ports to try, and none tried got through
  // One code that no hop stands for (DISCONNECTED_VPCS, NO_SOURCE_OR_DESTINATION, UNSUPPORTED_COMPONENT), or empty.
  std::string code;
  std::vector<Hop> forward, back;   // `back` is empty if the first packet does not arrive
  std::string source, destination;  // of the first packet as it left
  int port = 0, reply_port = 0;     // those that got through, or the ones tried first
  // Not every address or port that was left open gets (as far as) this one.
  bool only_some_addresses = false, only_some_ports = false, only_some_replies = false;
};

Reachability judge_reachability(const ReachableVpcs& vpcs, const ReachQuestion& question);

}  // namespace brume::net
