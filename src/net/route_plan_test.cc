#include "net/route_plan.h"

#include <gtest/gtest.h>

namespace brume::net {
namespace {

Ipv4Block block(const char* text) {
  return parse_ipv4_block(text).value();
}

// Subnet A (10.0.1.0/24, rtb-a) with a gateway and a NAT gateway in it, subnet B (10.0.2.0/24, rtb-b) behind that.
Routing routing() {
  Routing r;
  r.vpc_id = "vpc-1";
  r.cidrs = {"10.0.0.0/16"};
  r.subnet_route_tables = {{"10.0.1.0/24", "rtb-a"}, {"10.0.2.0/24", "rtb-b"}};
  r.route_tables["rtb-a"] = {{"0.0.0.0/0", RouteTarget::internet_gateway, "igw-1"}};
  r.route_tables["rtb-b"] = {{"0.0.0.0/0", RouteTarget::nat_gateway, "nat-1"}};
  r.internet_gateway = true;
  r.public_addresses = {{"127.8.0.12", "10.0.1.7", "eni-1"}};
  r.nat_gateways = {{"nat-1", "subnet-a", "127.8.0.13", "10.0.1.9"}};
  return r;
}

const Present present = {
    {{"eni-r", {"vr", {0x0a000114}, false, *parse_ip("fd12::14")}}, {"eni-c", {"vc", {0x0a000115}, true}}}, {"vpc-2"}};

// The routes of subnet B, as "destination kind link via", without what lies below them for when a link is gone.
std::vector<std::string> routes_of_b(const Routing& r) {
  std::vector<std::string> out;
  const RoutePlan plan = plan_routes(r, present).value();
  for (const PlannedRoute& route : plan.routes) {
    if (route.table != table_of(block("10.0.2.0/24"))) continue;
    const std::string destination = route.destination.text();
    if (route.metric != 0) continue;
    out.push_back(route.kind == RouteKind::unicast
                      ? fmt::format("{} {} {}", destination, route.link, to_string(route.via))
                      : destination + " dropped");
    if (route.kind == RouteKind::unicast) {
      EXPECT_TRUE(plan.routes.contains({.table = route.table,
                                        .destination = route.destination,
                                        .kind = RouteKind::blackhole,
                                        .metric = fallback_metric}));
    }
  }
  return out;
}

using Texts = std::vector<std::string>;

TEST(RoutePlan, EachTargetHasItsWay) {
  const std::string p = peering_link("pcx-1");
  struct Case {
    const char* name;
    std::vector<Route> b, a;
    Texts expected;
  };
  using enum RouteTarget;
  const Case cases[] = {
      {"nothing", {}, {}, {}},
      {"internet", {{"0.0.0.0/0", internet_gateway, "igw-1"}}, {}, {"0.0.0.0/0 uplink 169.254.171.1"}},
      {"black hole", {{"198.51.100.0/24", blackhole, ""}}, {}, {"198.51.100.0/24 dropped"}},
      {"peering", {{"10.7.0.0/16", peering, "pcx-1"}}, {}, {"10.7.0.0/16 " + p + " 169.254.171.1"}},
      {"a peering that is not there", {{"10.7.0.0/16", peering, "pcx-9"}}, {}, {"10.7.0.0/16 dropped"}},
      {"a router", {{"0.0.0.0/0", network_interface, "eni-r"}}, {}, {"0.0.0.0/0 vr 10.0.1.20"}},
      {"with source check", {{"0.0.0.0/0", network_interface, "eni-c"}}, {}, {"0.0.0.0/0 dropped"}},
      {"an interface that is not there", {{"0.0.0.0/0", network_interface, "eni-x"}}, {}, {"0.0.0.0/0 dropped"}},
      {"NAT",
       {{"0.0.0.0/0", nat_gateway, "nat-1"}},
       {{"0.0.0.0/0", internet_gateway, "igw-1"}},
       {"0.0.0.0/0 uplink 10.0.1.9"}},
      {"NAT in a subnet without a way out", {{"0.0.0.0/0", nat_gateway, "nat-1"}}, {}, {"0.0.0.0/0 dropped"}},
      {"NAT follows the longest prefix around",
       {{"198.51.100.0/24", nat_gateway, "nat-1"}},
       {{"0.0.0.0/0", internet_gateway, "igw-1"}, {"198.51.0.0/16", blackhole, ""}},
       {"198.51.100.0/24 dropped"}},
      {"NAT follows longer prefixes within, save where its own table has one",
       {{"0.0.0.0/0", nat_gateway, "nat-1"}, {"198.0.0.0/8", internet_gateway, "igw-1"}},
       {{"0.0.0.0/0", internet_gateway, "igw-1"}, {"198.51.0.0/16", blackhole, ""}, {"203.0.0.0/8", blackhole, ""}},
       {"0.0.0.0/0 uplink 10.0.1.9", "198.0.0.0/8 uplink 169.254.171.1", "203.0.0.0/8 dropped"}},
      {"NAT behind NAT",
       {{"0.0.0.0/0", nat_gateway, "nat-1"}},
       {{"0.0.0.0/0", nat_gateway, "nat-1"}},
       {"0.0.0.0/0 dropped"}},
      {"a public NAT gateway does not lead to a peer",
       {{"10.7.0.0/16", nat_gateway, "nat-1"}},
       {{"10.7.0.0/16", peering, "pcx-1"}},
       {"10.7.0.0/16 dropped"}},
      {"IPv6 is not an IPv4 subnet's", {{"::/0", internet_gateway, "igw-1"}}, {}, {}},
  };
  for (const Case& c : cases) {
    Routing r = routing();
    r.peerings = {{"pcx-1", "vpc-2"}};
    r.route_tables["rtb-a"] = c.a;
    r.route_tables["rtb-b"] = c.b;
    EXPECT_EQ(routes_of_b(r), c.expected) << c.name;
  }
}

TEST(RoutePlan, APrivateNatGatewayLeadsToPeersOnly) {
  Routing r = routing();
  r.peerings = {{"pcx-1", "vpc-2"}};
  r.nat_gateways[0].public_address.clear();
  r.route_tables["rtb-a"].push_back({"10.7.0.0/16", RouteTarget::peering, "pcx-1"});
  EXPECT_EQ(routes_of_b(r), (Texts{"0.0.0.0/0 dropped", "10.7.0.0/16 " + peering_link("pcx-1") + " 10.0.1.9"}));
}

TEST(RoutePlan, TheVpcsOwnRangesStayInside) {
  const RoutePlan plan = plan_routes(routing(), present).value();
  EXPECT_TRUE(
      plan.routes.contains({.table = main_table, .destination = block("10.0.0.0/16"), .kind = RouteKind::unreachable}));
  EXPECT_TRUE(plan.rules.contains({.priority = main_priority, .table = main_table}));
  EXPECT_TRUE(plan.rules.contains(
      {.priority = subnet_priority, .source = block("10.0.1.0/24"), .table = table_of(block("10.0.1.0/24"))}));
  EXPECT_EQ(plan.rules.size(), 3U);
}

TEST(RoutePlan, AWayOutTakesAGatewayAndAnAddress) {
  EXPECT_TRUE(plan_routes(routing(), present)->uplink);
  Routing without = routing();
  without.internet_gateway = false;
  EXPECT_FALSE(plan_routes(without, present)->uplink);
  EXPECT_EQ(routes_of_b(without), Texts{"0.0.0.0/0 dropped"});
  Routing bare = routing();
  bare.public_addresses.clear();
  bare.nat_gateways.clear();
  EXPECT_FALSE(plan_routes(bare, present)->uplink);
}

TEST(RoutePlan, APeerWithoutANamespaceIsMissing) {
  Routing r = routing();
  r.peerings = {{"pcx-1", "vpc-2"}, {"pcx-3", "vpc-3"}};
  const RoutePlan plan = plan_routes(r, present).value();
  EXPECT_EQ(plan.missing_peers, Texts{"vpc-3"});
  EXPECT_EQ(plan.peerings, (std::map<std::string, std::string>{{peering_link("pcx-1"), "vpc-2"}}));
}

TEST(RoutePlan, NonsenseIsRefused) {
  const auto refused = [](auto change) {
    Routing r = routing();
    change(r);
    const auto plan = plan_routes(r, present);
    return !plan && plan.error().code == "InvalidParameterValue";
  };
  EXPECT_TRUE(refused([](Routing& r) { r.vpc_id = "../x"; }));
  EXPECT_TRUE(refused([](Routing& r) { r.cidrs = {"10.0.0.1/16"}; }));
  EXPECT_TRUE(refused([](Routing& r) { r.subnet_route_tables["x"] = "rtb-a"; }));
  EXPECT_TRUE(refused([](Routing& r) { r.route_tables["rtb-a"][0].destination = "0.0.0.0"; }));
  EXPECT_TRUE(refused([](Routing& r) { r.public_addresses[0].address = "x\" accept"; }));
  EXPECT_TRUE(refused([](Routing& r) { r.public_addresses.push_back({"127.8.0.14", "10.0.1.7", "eni-1"}); }));
  EXPECT_TRUE(refused([](Routing& r) { r.nat_gateways[0].public_address = "127.8.0.12"; }));
  EXPECT_TRUE(refused([](Routing& r) { r.peerings = {{"pcx-1", "vpc/.."}}; }));
}

TEST(RoutePlan, SubnetsHaveTablesOfTheirOwn) {
  EXPECT_NE(table_of(block("10.0.0.0/28")), table_of(block("10.0.0.16/28")));
  EXPECT_NE(table_of(block("10.0.0.0/16")), table_of(block("10.1.0.0/16")));
  EXPECT_LE(peering_link("pcx-0123456789abcdef0").size(), 15U);
}

}  // namespace
}  // namespace brume::net
