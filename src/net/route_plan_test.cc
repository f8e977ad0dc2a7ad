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

// The routes of the IPv6 subnet of B, as routes_of_b() has them.
Texts ipv6_routes(const RoutePlan& plan) {
  Texts out;
  for (const PlannedRoute& route : plan.routes)
    if (route.table == table_of(*parse_block("fd12:0:0:102::/64")) && route.destination.ipv6 && route.metric == 0)
      out.push_back(route.destination.text() + " " +
                    (route.kind == RouteKind::unicast ? route.link + " " + to_string(route.via) : "dropped"));
  return out;
}

TEST(RoutePlan, Ipv6HasItsOwnWays) {
  const std::string p = peering_link("pcx-1");
  struct Case {
    const char* name;
    Route route;
    Texts expected;
    bool uplink;
  };
  using enum RouteTarget;
  const Case cases[] = {
      {"internet", {"::/0", internet_gateway, "igw-1"}, {"::/0 uplink fd00:ec2:0:ab::1"}, true},
      {"egress only", {"::/0", egress_only_gateway, "eigw-1"}, {"::/0 uplink fd00:ec2:0:ab::4"}, true},
      {"black hole", {"2001:db8::/32", blackhole, ""}, {"2001:db8::/32 dropped"}, false},
      {"peering", {"fd34::/56", peering, "pcx-1"}, {"fd34::/56 " + p + " fd00:ec2:0:ab::1"}, false},
      {"a router", {"::/0", network_interface, "eni-r"}, {"::/0 vr fd12::14"}, false},
      {"one with source check", {"::/0", network_interface, "eni-c"}, {"::/0 dropped"}, false},
      {"NAT", {"::/0", nat_gateway, "nat-1"}, {"::/0 dropped"}, false},
      {"an IPv4 route", {"0.0.0.0/0", blackhole, ""}, {}, false},
      {"IPv4 has no egress-only gateway", {"0.0.0.0/0", egress_only_gateway, "eigw-1"}, {}, false},
  };
  for (const Case& c : cases) {
    Routing r = routing();
    r.public_addresses = {};
    r.nat_gateways.clear();
    r.peerings = {{"pcx-1", "vpc-2"}};
    r.cidrs.push_back("fd12:0:0:100::/56");
    r.subnet_route_tables["fd12:0:0:102::/64"] = "rtb-b";
    r.route_tables["rtb-b"] = {c.route};
    const RoutePlan plan = plan_routes(r, present).value();
    EXPECT_EQ(ipv6_routes(plan), c.expected) << c.name;
    EXPECT_EQ(plan.uplink, c.uplink) << c.name;
    EXPECT_EQ(plan.destinations.contains(*parse_block("fd12:0:0:100::/56")), c.uplink) << c.name;
    EXPECT_TRUE(
        plan.rules.contains({.priority = main_priority, .source = all_of_ipv6(), .link = "", .table = main_table}));
    EXPECT_TRUE(plan.routes.contains(
        {.table = main_table, .destination = *parse_block("fd12:0:0:100::/56"), .kind = RouteKind::unreachable}));
  }
  EXPECT_FALSE(plan_routes(routing(), present)->ipv6);
  EXPECT_EQ(plan_routes(routing(), present)->nat.find("ip6"), std::string::npos) << "nothing for a kernel without";
}

TEST(RoutePlan, APublicAddressNeedsAnInternetGateway) {
  Routing r = routing();
  r.internet_gateway = false;
  r.cidrs.push_back("fd12:0:0:100::/56");
  r.subnet_route_tables["fd12:0:0:102::/64"] = "rtb-b";
  r.route_tables["rtb-b"] = {{"::/0", RouteTarget::egress_only_gateway, "eigw-1"}};
  const RoutePlan plan = plan_routes(r, present).value();
  EXPECT_TRUE(plan.uplink);
  EXPECT_EQ(plan.destinations, std::set<IpBlock>{*parse_block("fd12:0:0:100::/56")});
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
  bare.public_addresses = {};
  bare.nat_gateways.clear();
  EXPECT_FALSE(plan_routes(bare, present)->uplink);
  Present connected = present;
  connected.uplink = true;
  EXPECT_TRUE(plan_routes(bare, connected)->uplink) << "one that is there stays for the next address";
  EXPECT_FALSE(plan_routes(without, connected)->uplink);
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
  EXPECT_TRUE(refused([](Routing& r) { r.public_addresses = {{"x\" accept", "10.0.1.7", "eni-1"}}; }));
  EXPECT_TRUE(refused([](Routing& r) { r.public_addresses.insert({"127.8.0.14", "10.0.1.7", "eni-1"}); }));
  EXPECT_TRUE(refused([](Routing& r) { r.nat_gateways[0].public_address = "127.8.0.12"; }));
  EXPECT_TRUE(refused([](Routing& r) { r.peerings = {{"pcx-1", "vpc/.."}}; }));
  EXPECT_TRUE(refused([](Routing& r) { r.cidrs = {"fd12::1/56"}; }));
  EXPECT_TRUE(refused([](Routing& r) { r.cidrs = {"fd12::/129"}; }));
  EXPECT_TRUE(refused([](Routing& r) { r.subnet_route_tables["fd12::/56"] = "rtb-a"; }));
  EXPECT_TRUE(refused([](Routing& r) { r.route_tables["rtb-a"][0].destination = ":: }"; }));
}

TEST(RoutePlan, SubnetsHaveTablesOfTheirOwn) {
  EXPECT_NE(table_of(block("10.0.0.0/28")), table_of(block("10.0.0.16/28")));
  EXPECT_NE(table_of(block("10.0.0.0/16")), table_of(block("10.1.0.0/16")));
  EXPECT_NE(table_of(*parse_block("fd12:0:0:100::/64")), table_of(*parse_block("fd12:0:0:101::/64")));
  EXPECT_NE(table_of(*parse_block("fd12:0:0:100::/64")), table_of(*parse_block("fd12:0:0:200::/64")));
  EXPECT_LE(peering_link("pcx-0123456789abcdef0").size(), 15U);
}

}  // namespace
}  // namespace brume::net
