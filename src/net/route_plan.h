// What a VPC's namespace needs so that its packets follow its route tables: routes, rules and an nftables table.
//
// Pure: from Routing and what is there, values that kernel_routes.cc compares with the kernel's. A packet first meets
// the main table, with a host route for each interface and "unreachable" for the rest of the VPC's ranges; then, by its
// source's subnet, a table with that subnet's routes. A route through a gateway names it by its next hop: the internet
// gateway is internet_hop, a NAT gateway its private address; the nftables table tells them apart by that. IPv6
// destinations are left out.
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
inline constexpr Ipv4 internet_hop{0xa9feab01};        // 169.254.171.1
inline constexpr std::uint32_t main_table = 254;       // RT_TABLE_MAIN
inline constexpr std::uint32_t main_priority = 100;    // of the rule that sends every packet there first
inline constexpr std::uint32_t link_priority = 150;    // of rules by link: interfaces without source check
inline constexpr std::uint32_t subnet_priority = 200;  // of rules by source
inline constexpr std::uint32_t fallback_metric = std::uint32_t(1) << 20;  // when a route's link is gone: a black hole

// Its packets' table; subnets are /28 at the least, so no two have the same.
std::uint32_t table_of(const Ipv4Block& subnet);

// The link of a peering, in both VPCs.
std::string peering_link(std::string_view peering_id);

// An interface as the namespace has it.
struct PresentInterface {
  std::string link;
  Ipv4 address;
  bool source_dest_check = true;
};

struct Present {
  std::map<std::string, PresentInterface> interfaces;  // by eni-…
  std::set<std::string> vpcs;                          // with a namespace, of those that are peers
};

// As KernelRoute, but with the link's name.
struct PlannedRoute {
  std::uint32_t table = 0;
  Ipv4Block destination;
  RouteKind kind = RouteKind::unicast;
  std::string link;
  Ipv4 via;
  std::uint32_t metric = 0;
  auto operator<=>(const PlannedRoute&) const = default;
};

struct RoutePlan {
  std::set<PlannedRoute> routes;
  std::set<KernelRule> rules;
  std::string nat;                              // commands that put the table `ip brume_nat` in place, whole
  bool uplink = false;                          // is there a way out?
  std::set<Ipv4> public_addresses;              // the outside sends these here
  std::map<std::string, std::string> peerings;  // link → the other VPC, of those whose namespace is there
  std::vector<std::string> missing_peers;       // VPCs without one
  std::set<std::pair<std::string, Ipv4>> hops;  // link and address of each next hop beyond a trunk
};

// Errors: InvalidParameterValue.
Result<RoutePlan> plan_routes(const Routing& routing, const Present& present);

}  // namespace brume::net
