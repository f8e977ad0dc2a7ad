// What a VPC's namespace needs so that its packets follow its route tables: routes, rules and an nftables table.
//
// Pure: from Routing and what is there, values that kernel_routes.cc compares with the kernel's. A packet first meets
// the main table, with a host route for each interface and "unreachable" for the rest of the VPC's ranges; then, by its
// source's subnet, a table with that subnet's routes. A route through a gateway names it by its next hop: the internet
// gateway is internet_hop, a NAT gateway its private address; the nftables tables tell them apart by that. IPv6 is
// planned alike, in tables and rules of its own, without NAT.
#pragma once

#include <map>
#include <set>
#include <string>
#include <vector>

#include "net/address.h"
#include "net/routing.h"
#include "net/rtnetlink.h"

namespace brume::net {

inline constexpr const char* uplink_name = "uplink";
inline constexpr Ipv4 internet_hop{0xa9feab01};  // 169.254.171.1
// fd00:ec2:0:ab::…, in what AWS has for its services in a VPC: 1 the internet gateway, 2 the host as `internet` sees
// it, 3 a VPC as `internet` sees it, 4 an egress-only gateway.
IpAddress ipv6_hop(std::uint8_t number);
inline constexpr std::uint32_t main_table = 254;       // RT_TABLE_MAIN
inline constexpr std::uint32_t main_priority = 100;    // of the rule that sends every packet there first
inline constexpr std::uint32_t link_priority = 150;    // of rules by link: interfaces without source check
inline constexpr std::uint32_t subnet_priority = 200;  // of rules by source
inline constexpr std::uint32_t fallback_metric = std::uint32_t(1) << 20;  // when a route's link is gone: a black hole

// Its packets' table, in its family. IPv4 subnets are /28 at the least, and IPv6 subnets of a VPC /64 within a /36, so
// no two have the same.
std::uint32_t table_of(const IpBlock& subnet);

// The link of a peering, in both VPCs.
std::string peering_link(std::string_view peering_id);

// An interface as the namespace has it.
struct PresentInterface {
  std::string link;
  Ipv4 address;
  bool source_dest_check = true;
  IpAddress ipv6_address = {};  // one of them; 0.0.0.0: it has none
};

struct Present {
  std::map<std::string, PresentInterface> interfaces;  // by eni-…
  std::set<std::string> vpcs;                          // with a namespace, of those that are peers
  // Is there a way out? It costs much to make, so one whose last address goes stays for the next, as long as its
  // gateway does.
  bool uplink = false;
};

// As KernelRoute, but with the link's name.
struct PlannedRoute {
  std::uint32_t table = 0;
  IpBlock destination;
  RouteKind kind = RouteKind::unicast;
  std::string link;
  IpAddress via;
  std::uint32_t metric = 0;
  auto operator<=>(const PlannedRoute&) const = default;
};

struct RoutePlan {
  std::set<PlannedRoute> routes;
  std::set<KernelRule> rules;
  std::string nat;                 // commands that put the tables `ip brume_nat` and `ip6 brume_out` in place, whole
  bool ipv6 = false;               // has the VPC any?
  bool uplink = false;             // is there a way out?
  std::set<IpBlock> destinations;  // the outside sends these here: public addresses, and IPv6 ranges
  std::map<std::string, std::string> peerings;       // link → the other VPC, of those whose namespace is there
  std::vector<std::string> missing_peers;            // VPCs without one
  std::set<std::pair<std::string, IpAddress>> hops;  // link and address of each next hop beyond a trunk
};

// Errors: InvalidParameterValue.
Result<RoutePlan> plan_routes(const Routing& routing, const Present& present);

}  // namespace brume::net
