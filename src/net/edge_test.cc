// Packets between VPCs, the host and the outside: each way that a route table opens, and those it does not.
#include <gtest/gtest.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include "net/edge_testing.h"

namespace brume::net {
namespace {

TEST_F(EdgeTest, AProcessOnTheHostReachesAPublicLoopbackAddress) {
  ASSERT_TRUE(succeeds(fabric_->route(routing_)));
  EXPECT_EQ(tcp(host_, in(1), loopback_1), "10.0.1.1") << "who answers to loopback addresses is the subnet's gateway";
  EXPECT_EQ(tcp(host_, in(1), loopback_1, "127.0.0.5"), "10.0.1.1");
  EXPECT_EQ(tcp(host_, in(2), pool_2), "203.0.113.1");
}

TEST_F(EdgeTest, GroupsSeeTheClientsOwnAddress) {
  ASSERT_TRUE(succeeds(fabric_->route(routing_)));
  const auto inbox = udp_in(in(1), "0.0.0.0", port);
  const auto other = udp_in(in(2), "0.0.0.0", port);
  const auto allow = [&](const std::string& cidr) {
    Policy policy{.vpc_id = "vpc-1"};
    policy.groups["sg-1"] = {"sg-1", {{"sgr-1", false, {17, port, port}, cidr, ""}}};
    policy.acls["acl-1"] = {"acl-1", {{1, false, {}, "0.0.0.0/0", true}, {1, true, {}, "0.0.0.0/0", true}}};
    policy.subnet_acls["subnet-a"] = "acl-1";
    policy.interfaces["eni-1"] = {"eni-1", "subnet-a", {"10.0.1.11"}, {"sg-1"}, false};
    policy.interfaces["eni-2"] = {"eni-2", "subnet-a", {"10.0.1.12"}, {"sg-1"}, false};
    return fabric_->enforce(policy);
  };
  ASSERT_TRUE(succeeds(allow("127.0.0.6/32")));
  for (const char* source : {"127.0.0.5", "127.0.0.6"}) send_to(*udp_in(host_, source, 0), loopback_1, source);
  EXPECT_EQ(next_in(*inbox), "127.0.0.6 from 10.0.1.1");
  ASSERT_TRUE(succeeds(allow("203.0.113.60/32")));
  for (const char* source : {"203.0.113.50", "203.0.113.60"}) send_to(*udp_in(client_, source, 0), pool_2, source);
  EXPECT_EQ(next_in(*other), "203.0.113.60 from 203.0.113.60");
}

TEST_F(EdgeTest, ConnectionsPassWhereRoutesAndGroupsBothAllow) {
  ASSERT_TRUE(succeeds(fabric_->route(routing_)));
  Policy policy{.vpc_id = "vpc-1"};
  policy.groups["sg-1"] = {
      "sg-1",
      {{"sgr-1", false, {6, port, port}, "127.0.0.0/8", ""}, {"sgr-2", true, {6, port, port}, "203.0.113.60/32", ""}}};
  policy.acls["acl-1"] = {"acl-1", {{1, false, {}, "0.0.0.0/0", true}, {1, true, {}, "0.0.0.0/0", true}}};
  policy.subnet_acls["subnet-a"] = "acl-1";
  policy.interfaces["eni-1"] = {"eni-1", "subnet-a", {"10.0.1.11"}, {"sg-1"}, false};
  policy.interfaces["eni-2"] = {"eni-2", "subnet-a", {"10.0.1.12"}, {"sg-1"}, false};
  ASSERT_TRUE(succeeds(fabric_->enforce(policy)));
  EXPECT_EQ(tcp(host_, in(1), loopback_1), "10.0.1.1");
  EXPECT_EQ(tcp(in(1), client_, "203.0.113.60"), "203.0.113.1");
  EXPECT_EQ(tcp(in(2), client_, "203.0.113.60"), pool_2);
}

TEST_F(EdgeTest, ClientsOutsideReachAPoolsAddress) {
  ASSERT_TRUE(succeeds(fabric_->route(routing_)));
  EXPECT_EQ(tcp(client_, in(2), pool_2, "203.0.113.50"), "203.0.113.50");
  EXPECT_EQ(tcp(client_, in(2), pool_2, "192.168.7.7"), "192.168.7.7") << "answers go to private addresses as well";
}

TEST_F(EdgeTest, InstancesReachTheOutsideFromTheirPublicAddress) {
  ASSERT_TRUE(succeeds(fabric_->route(routing_)));
  EXPECT_EQ(tcp(in(1), client_, "203.0.113.60"), "203.0.113.1") << "a loopback address leaves as the host's";
  EXPECT_EQ(tcp(in(2), client_, "203.0.113.60"), pool_2);
  EXPECT_EQ(tcp(in(4), client_, "203.0.113.60"), lent) << "through the NAT gateway";
}

TEST_F(EdgeTest, WithoutARouteOrAnAddressThereIsNoWayOut) {
  ASSERT_TRUE(succeeds(fabric_->route(routing_)));
  EXPECT_EQ(refusal(in(3), "203.0.113.60"), no_network) << "no public address";
  EXPECT_EQ(refusal(in(5), "203.0.113.60"), no_network) << "no route";
  EXPECT_EQ(tcp(in(1), in(5), "10.0.3.15"), "10.0.1.11") << "the VPC is local all the same";
  EXPECT_EQ(refusal(in(2), "10.0.9.9"), "No route to host") << "nobody's in the VPC";
}

TEST_F(EdgeTest, PrivateDestinationsDoNotLeave) {
  ASSERT_TRUE(succeeds(fabric_->route(routing_)));
  for (const char* address : {"192.168.7.7", "10.50.0.1", "10.99.0.1", "172.16.0.1", "100.64.0.1", "169.254.7.7"})
    for (const int number : {2, 4}) EXPECT_EQ(refusal(in(number), address), no_network) << number;
}

TEST_F(EdgeTest, TheHostsOwnAddressesAreNotReached) {
  ASSERT_TRUE(succeeds(fabric_->route(routing_)));
  for (const int number : {1, 2, 4}) EXPECT_EQ(refusal(in(number), "203.0.113.1"), "No route to host");
}

TEST_F(EdgeTest, OneInstanceReachesAnothersPublicAddress) {
  routing_.public_addresses.insert({pool_3, "10.0.1.13", "eni-3"});
  ASSERT_TRUE(succeeds(fabric_->route(routing_)));
  EXPECT_EQ(tcp(in(2), in(3), pool_3), pool_2);
  EXPECT_EQ(tcp(in(4), in(3), pool_3), lent);
}

TEST_F(EdgeTest, ASourceInsideTheVpcDoesNotComeFromOutside) {
  ASSERT_TRUE(succeeds(fabric_->route(routing_)));
  const auto inbox = udp_in(in(2), "0.0.0.0", port);
  for (const char* source : {"10.0.2.14", "203.0.113.50"}) send_to(*udp_in(client_, source, 0), pool_2, source);
  EXPECT_EQ(next_in(*inbox), "203.0.113.50 from 203.0.113.50");
}

TEST_F(EdgeTest, TheHostForwardsNothingElse) {
  ASSERT_TRUE(succeeds(fabric_->route(routing_)));
  // Another network of the host's, as a container engine's would be.
  const std::string other = folder_ + "/other";
  ASSERT_TRUE(env::make_network_namespace(other));
  ASSERT_TRUE(succeeds([&]() -> Result<void> {
    BRUME_TRY(host, open_in(host_));
    BRUME_TRY(kernel, open_in(other));
    BRUME_TRY(fd, env::open_network_namespace(other));
    BRUME_CHECK(host.add_veth({.name = "lan",
                               .peer_name = "lan",
                               .peer_namespace = fd.get(),
                               .mac = trunk_mac,
                               .peer_mac = trunk_mac,
                               .mtu = 1500}));
    BRUME_TRY(near, host.find_link("lan"));
    BRUME_TRY(far, kernel.find_link("lan"));
    BRUME_CHECK(kernel.set_up(far.index));
    BRUME_CHECK(host.await_operational("lan"));
    BRUME_CHECK(kernel.add_address(far.index, parse_ipv4("198.18.0.2").value(), 32, "lan"));
    BRUME_CHECK(host.add_neighbour(near.index, parse_ipv4("198.18.0.2").value(), trunk_mac));
    return host.add_host_route(near.index, parse_ipv4("198.18.0.2").value());
  }()));
  const auto inbox = udp_in(other, "198.18.0.2", port);
  send_to(*udp_in(client_, "203.0.113.50", 0), "198.18.0.2", "stranger");
  // On the same way up to where that one is dropped.
  const auto later = udp_in(in(2), "0.0.0.0", port);
  send_to(*udp_in(client_, "203.0.113.50", 0), pool_2, "later");
  EXPECT_EQ(next_in(*later), "later from 203.0.113.50");
  EXPECT_TRUE(silent(*inbox));
  ASSERT_TRUE(succeeds([&]() -> Result<void> {
    BRUME_TRY(host, open_in(host_));
    return host.delete_link("lan");
  }()));
  EXPECT_TRUE(succeeds(env::remove_network_namespace(other)));
}

TEST_F(EdgeTest, ConnectionsStayThroughRepetitionsAndRestarts) {
  ASSERT_TRUE(succeeds(fabric_->route(routing_)));
  const auto listener = listen_in(in(1), "0.0.0.0", port);
  const auto client = connect_in(host_, "", loopback_1, port);
  ASSERT_TRUE(client);
  const env::Fd server(::accept4(listener->get(), nullptr, nullptr, SOCK_CLOEXEC));
  const auto passes = [&] {
    char byte = 'x';
    return ::send(client->get(), &byte, 1, 0) == 1 && wait_for(server.get(), POLLIN) &&
           ::recv(server.get(), &byte, 1, 0) == 1;
  };
  EXPECT_TRUE(passes());
  ASSERT_TRUE(succeeds(fabric_->route(routing_)));
  EXPECT_TRUE(passes());
  fabric_ = fresh();
  ASSERT_TRUE(succeeds(fabric_->ensure_vpc(
      {.id = "vpc-1", .subnet_cidrs = {"10.0.1.0/24", "10.0.2.0/24", "10.0.3.0/24"}, .cidr = "10.0.0.0/16"})));
  routing_.public_addresses.insert({pool_3, "10.0.1.13", "eni-3"});
  ASSERT_TRUE(succeeds(fabric_->route(routing_)));
  EXPECT_TRUE(passes());
}

TEST_F(EdgeTest, WhatIsGoneIsMadeAgain) {
  ASSERT_TRUE(succeeds(fabric_->route(routing_)));
  const auto gone = [](const std::string& path, const std::string& link) -> Result<void> {
    BRUME_TRY(kernel, open_in(path));
    return kernel.delete_link(link);
  };
  const std::string vpc = fabric_->vpc_namespace("vpc-1"), internet = folder_ + "/run/netns/internet";
  const std::pair<const char*, std::function<Result<void>()>> damages[] = {
      {"uplink", [&] { return gone(vpc, "uplink"); }},
      {"brume", [&] { return gone(host_, "brume"); }},
      {"the table in the VPC", [&] { return inside(vpc, [] { return run_nftables("delete table ip brume_nat\n"); }); }},
      {"the table on the host, with what it remembers",
       [&] {
         return inside(host_, []() -> Result<void> {
           BRUME_CHECK(env::write_sysctl("ipv4/conf/wan/forwarding", "0"));
           return run_nftables("delete table ip brume\n");
         });
       }},
      {"the internet", [&] { return env::remove_network_namespace(internet); }},
      {"routes and rules",
       [&] {
         return in_vpc("vpc-1", [](Rtnetlink& kernel) -> Result<void> {
           BRUME_TRY(routes, kernel.routes());
           BRUME_TRY(rules, kernel.rules());
           for (const KernelRoute& route : routes) BRUME_CHECK(kernel.delete_route(route));
           for (const KernelRule& rule : rules) BRUME_CHECK(kernel.delete_rule(rule));
           return {};
         });
       }},
  };
  for (const auto& [name, damage] : damages) {
    ASSERT_TRUE(succeeds(damage())) << name;
    fabric_ = fresh();
    ASSERT_TRUE(succeeds(fabric_->route(routing_))) << name;
    EXPECT_EQ(tcp(host_, in(1), loopback_1), "10.0.1.1") << name;
    EXPECT_EQ(tcp(in(4), client_, "203.0.113.60"), lent) << name;
    EXPECT_TRUE(host_has_table()) << name;
  }
}

TEST_F(EdgeTest, TheHostIsAsBeforeOnceNobodyNeedsAWayOut) {
  ASSERT_TRUE(succeeds(fabric_->route(routing_)));
  EXPECT_NE(host_state(), before_);
  EXPECT_TRUE(host_has_table());
  routing_.internet_gateway = false;
  ASSERT_TRUE(succeeds(fabric_->route(routing_)));
  EXPECT_EQ(host_state(), before_);
  EXPECT_FALSE(host_has_table());
  EXPECT_FALSE(env::network_namespace_exists(folder_ + "/run/netns/internet"));
  routing_.internet_gateway = true;
  ASSERT_TRUE(succeeds(fabric_->route(routing_)));
  EXPECT_EQ(tcp(host_, in(1), loopback_1), "10.0.1.1");
  ASSERT_TRUE(succeeds(fabric_->remove_vpc("vpc-1")));
  EXPECT_EQ(host_state(), before_);
  EXPECT_FALSE(host_has_table());
}

TEST_F(EdgeTest, AFailedCallTakesBackWhatItMade) {
  routing_.public_addresses.insert({"203.0.113.1", "10.0.1.13", "eni-3"});  // the host's own
  const auto failed = fabric_->route(routing_);
  ASSERT_FALSE(failed);
  EXPECT_NE(failed.error().message.find("203.0.113.1"), std::string::npos) << failed.error().message;
  EXPECT_EQ(host_state(), before_);
  EXPECT_FALSE(host_has_table());
  ASSERT_TRUE(succeeds(in_vpc("vpc-1", [](Rtnetlink& kernel) -> Result<void> {
    BRUME_TRY(rules, kernel.rules());
    BRUME_TRY(routes, kernel.routes());
    BRUME_TRY(uplink, kernel.find_link("uplink"));
    EXPECT_TRUE(rules.empty() && routes.empty() && uplink.index == 0);
    return {};
  })));
  routing_.public_addresses.erase({"203.0.113.1", "10.0.1.13", "eni-3"});
  ASSERT_TRUE(succeeds(fabric_->route(routing_)));
  routing_.public_addresses.insert({"203.0.113.1", "10.0.1.13", "eni-3"});
  EXPECT_FALSE(fabric_->route(routing_));
  EXPECT_EQ(tcp(host_, in(1), loopback_1), "10.0.1.1") << "what worked does so still";
}

TEST_F(EdgeTest, AnotherDaemonsLinkIsLeftAlone) {
  KernelFabric other(folder_ + "/other", EdgeOptions{.host_namespace = host_});
  ASSERT_TRUE(succeeds(other.ensure_vpc({.id = "vpc-1", .subnet_cidrs = {"10.0.1.0/24"}, .cidr = ""})));
  ASSERT_TRUE(succeeds(fabric_->route(routing_)));
  const std::string state = host_state();
  const auto failed = other.route(routing_);
  ASSERT_FALSE(failed);
  EXPECT_TRUE(failed.error().message.starts_with("The link brume on the host is not this daemon's"))
      << failed.error().message;
  ASSERT_TRUE(succeeds(other.sweep()));
  EXPECT_EQ(::rmdir((folder_ + "/other").c_str()), 0);
  EXPECT_EQ(host_state(), state);
  EXPECT_EQ(tcp(host_, in(1), loopback_1), "10.0.1.1");
}

TEST_F(EdgeTest, AnAddressThatMovesTakesItsFlowsAlong) {
  ASSERT_TRUE(succeeds(fabric_->route(routing_)));
  const auto old_inbox = udp_in(in(2), "0.0.0.0", port), new_inbox = udp_in(in(3), "0.0.0.0", port);
  const auto flow = udp_in(client_, "203.0.113.50", 4000);
  send_to(*flow, pool_2, "one");
  EXPECT_EQ(next_in(*old_inbox), "one from 203.0.113.50");
  routing_.public_addresses.erase({pool_2, "10.0.1.12", "eni-2"});
  routing_.public_addresses.insert({pool_2, "10.0.1.13", "eni-3"});
  ASSERT_TRUE(succeeds(fabric_->route(routing_)));
  send_to(*flow, pool_2, "two");
  send_to(*udp_in(client_, "203.0.113.50", 4001), pool_2, "three");
  EXPECT_EQ(next_in(*new_inbox), "three from 203.0.113.50");
  EXPECT_TRUE(silent(*old_inbox));
}

TEST_F(EdgeTest, AnAddressMovesToAnotherVpc) {
  ASSERT_TRUE(succeeds(fabric_->route(routing_)));
  ASSERT_TRUE(succeeds(fabric_->ensure_vpc({.id = "vpc-2", .subnet_cidrs = {"10.0.1.0/24"}, .cidr = ""})));
  ASSERT_TRUE(succeeds(fabric_->ensure_interface(spec(8, "10.0.1.11", "vpc-2"))));
  Routing second = routing_;
  second.vpc_id = "vpc-2";
  second.subnet_route_tables = {{"10.0.1.0/24", "rtb-a"}};
  second.nat_gateways.clear();
  second.public_addresses = {{loopback_1, "10.0.1.11", "eni-8"}};
  ASSERT_TRUE(succeeds(fabric_->route(second)));
  EXPECT_EQ(tcp(host_, in(8), loopback_1), "10.0.1.1");
  routing_.public_addresses.erase({loopback_1, "10.0.1.11", "eni-1"});
  ASSERT_TRUE(succeeds(fabric_->route(routing_)));
  EXPECT_EQ(tcp(host_, in(8), loopback_1), "10.0.1.1");
  EXPECT_EQ(tcp(in(8), in(2), pool_2), loopback_1 == "127.8.0.11" ? "10.0.1.1" : "")
      << "between VPCs, by public address";
}

TEST_F(EdgeTest, PeersReachEachOtherWhereTablesSaySo) {
  ASSERT_TRUE(succeeds(fabric_->ensure_vpc({.id = "vpc-2", .subnet_cidrs = {"10.7.1.0/24"}, .cidr = "10.7.0.0/16"})));
  ASSERT_TRUE(succeeds(fabric_->ensure_vpc({.id = "vpc-3", .subnet_cidrs = {"10.8.1.0/24"}, .cidr = "10.8.0.0/16"})));
  ASSERT_TRUE(succeeds(fabric_->ensure_interface(spec(7, "10.7.1.17", "vpc-2"))));
  ASSERT_TRUE(succeeds(fabric_->ensure_interface(spec(8, "10.8.1.18", "vpc-3"))));
  using enum RouteTarget;
  routing_.peerings = {{"pcx-12", "vpc-2"}};
  routing_.route_tables["rtb-a"] = {{"10.7.0.0/16", peering, "pcx-12"}, {"10.8.0.0/16", peering, "pcx-12"}};
  const Routing second{
      .vpc_id = "vpc-2",
      .cidrs = {"10.7.0.0/16"},
      .route_tables = {{"rtb-2", {{"10.0.0.0/16", peering, "pcx-12"}, {"10.8.0.0/16", peering, "pcx-23"}}}},
      .subnet_route_tables = {{"10.7.1.0/24", "rtb-2"}},
      .peerings = {{"pcx-12", "vpc-1"}, {"pcx-23", "vpc-3"}}};
  const Routing third{
      .vpc_id = "vpc-3",
      .cidrs = {"10.8.0.0/16"},
      .route_tables = {{"rtb-3", {{"10.7.0.0/16", peering, "pcx-23"}, {"10.0.0.0/16", peering, "pcx-23"}}}},
      .subnet_route_tables = {{"10.8.1.0/24", "rtb-3"}},
      .peerings = {{"pcx-23", "vpc-2"}}};
  for (const Routing& routing : {routing_, second, third}) ASSERT_TRUE(succeeds(fabric_->route(routing)));
  EXPECT_EQ(tcp(in(1), in(7), "10.7.1.17"), "10.0.1.11");
  EXPECT_EQ(tcp(in(7), in(1), "10.0.1.11"), "10.7.1.17");
  EXPECT_EQ(tcp(in(7), in(8), "10.8.1.18"), "10.7.1.17");
  EXPECT_EQ(refusal(in(5), "10.7.1.17"), no_network) << "a subnet without the route";
  const auto inbox = udp_in(in(8), "0.0.0.0", port);
  send_to(*udp_in(in(1), "0.0.0.0", 0), "10.8.1.18", "through");
  send_to(*udp_in(in(7), "0.0.0.0", 0), "10.8.1.18", "direct");
  EXPECT_EQ(next_in(*inbox), "direct from 10.7.1.17") << "a peer's peer is no peer";
  routing_.peerings.clear();
  ASSERT_TRUE(succeeds(fabric_->route(routing_)));
  ASSERT_TRUE(succeeds(in_vpc("vpc-2", [](Rtnetlink& kernel) -> Result<void> {
    BRUME_TRY(link, kernel.find_link(peering_link("pcx-12")));
    EXPECT_EQ(link.index, 0);
    return {};
  })));
  ASSERT_TRUE(succeeds(fabric_->remove_vpc("vpc-3")));
  EXPECT_EQ(fabric_->route(second), std::vector<std::string>{"vpc-3"}) << "a peer is missing";
}

TEST_F(EdgeTest, AGroupOfAPeerIsItsInterfacesByThatPeering) {
  using enum RouteTarget;
  routing_.peerings = {{"pcx-12", "vpc-2"}, {"pcx-13", "vpc-3"}};
  routing_.route_tables["rtb-a"] = {{"10.7.0.0/16", peering, "pcx-12"}};
  ASSERT_TRUE(succeeds(fabric_->ensure_vpc({.id = "vpc-2", .subnet_cidrs = {"10.7.1.0/24"}, .cidr = "10.7.0.0/16"})));
  ASSERT_TRUE(succeeds(fabric_->ensure_interface(spec(7, "10.7.1.17", "vpc-2"))));
  ASSERT_TRUE(succeeds(fabric_->ensure_interface(spec(8, "10.7.1.18", "vpc-2"))));
  // Another peer, with the same addresses.
  ASSERT_TRUE(succeeds(fabric_->ensure_vpc({.id = "vpc-3", .subnet_cidrs = {"10.7.1.0/24"}, .cidr = "10.7.0.0/16"})));
  ASSERT_TRUE(succeeds(fabric_->ensure_interface(spec(9, "10.7.1.17", "vpc-3"))));
  const auto peer = [](const std::string& vpc, const std::string& id) {
    return Routing{.vpc_id = vpc,
                   .cidrs = {"10.7.0.0/16"},
                   .route_tables = {{"rtb-2", {{"10.0.0.0/16", peering, id}}}},
                   .subnet_route_tables = {{"10.7.1.0/24", "rtb-2"}},
                   .peerings = {{id, "vpc-1"}}};
  };
  for (const Routing& routing : {routing_, peer("vpc-2", "pcx-12"), peer("vpc-3", "pcx-13")})
    ASSERT_TRUE(succeeds(fabric_->route(routing)));
  Policy policy{.vpc_id = "vpc-1"};
  policy.groups["sg-1"] = {
      "sg-1", {{"sgr-1", false, {17, port, port}, "", "sg-far"}, {"sgr-2", true, {17, port, port}, "", "sg-far"}}};
  policy.acls["acl-1"] = {"acl-1", {{1, false, {}, "0.0.0.0/0", true}, {1, true, {}, "0.0.0.0/0", true}}};
  policy.subnet_acls["subnet-a"] = "acl-1";
  policy.interfaces["eni-1"] = {"eni-1", "subnet-a", {"10.0.1.11"}, {"sg-1"}, false};
  policy.peer_groups["sg-far"] = {"pcx-12", {"10.7.1.17"}};
  ASSERT_TRUE(succeeds(fabric_->enforce(policy)));
  const auto inbox = udp_in(in(1), "0.0.0.0", port), own = udp_in(in(7), "0.0.0.0", port),
             other = udp_in(in(8), "0.0.0.0", port);
  const auto send_all = [&](const std::string& round) {
    for (const int number : {9, 8, 7})
      send_to(*udp_in(in(number), "0.0.0.0", 0), "10.0.1.11", fmt::format("{} {}", round, number));
  };
  send_all("first");
  EXPECT_EQ(next_in(*inbox), "first 7 from 10.7.1.17");
  const auto outbox = udp_in(in(1), "0.0.0.0", 0);
  for (const char* address : {"10.7.1.18", "10.7.1.17"}) send_to(*outbox, address, "out");
  EXPECT_EQ(next_in(*own), "out from 10.0.1.11");
  EXPECT_TRUE(silent(*other));
  // Members come and go.
  policy.peer_groups["sg-far"].addresses = {"10.7.1.18"};
  ASSERT_TRUE(succeeds(fabric_->enforce(policy)));
  send_all("second");
  EXPECT_EQ(next_in(*inbox), "second 8 from 10.7.1.18");
  policy.peer_groups["sg-far"] = {"pcx-12", {"10.7.1.17", "10.7.1.18"}};
  ASSERT_TRUE(succeeds(fabric_->enforce(policy)));
  send_all("third");
  EXPECT_EQ(next_in(*inbox), "third 8 from 10.7.1.18");
  EXPECT_EQ(next_in(*inbox), "third 7 from 10.7.1.17");
}

TEST_F(EdgeTest, AnInstanceRoutesForASubnet) {
  InterfaceSpec router = spec(3, "10.0.1.13");
  router.source_dest_check = false;
  routing_.route_tables["rtb-b"] = {{"198.18.0.0/15", RouteTarget::network_interface, "eni-3"}};
  ASSERT_TRUE(succeeds(inside(in(3), []() -> Result<void> {
    BRUME_TRY(kernel, Rtnetlink::open());
    return kernel.add_address(1, parse_ipv4("198.18.0.1").value(), 32, "lo");
  })));
  const auto inbox = udp_in(in(4), "0.0.0.0", port);
  const auto from_beyond = udp_in(in(3), "198.18.0.1", 0), from_itself = udp_in(in(3), "10.0.1.13", 0);
  const auto send_both = [&] {
    send_to(*from_beyond, "10.0.2.14", "beyond");
    send_to(*from_itself, "10.0.2.14", "itself");
  };
  ASSERT_TRUE(succeeds(fabric_->ensure_interface(router)));
  ASSERT_TRUE(succeeds(fabric_->route(routing_)));
  EXPECT_EQ(tcp(in(4), in(3), "198.18.0.1"), "10.0.2.14");
  send_both();
  EXPECT_EQ(next_in(*inbox), "beyond from 198.18.0.1");
  EXPECT_EQ(next_in(*inbox), "itself from 10.0.1.13");
  router.source_dest_check = true;
  ASSERT_TRUE(succeeds(fabric_->ensure_interface(router)));
  ASSERT_TRUE(succeeds(fabric_->route(routing_)));
  send_both();
  EXPECT_EQ(next_in(*inbox), "itself from 10.0.1.13") << "the check is on again";
}

// Opens and closes the way out without end, saying so with a byte on `pipe` after each call.
[[noreturn]] void keep_routing(KernelFabric& fabric, Routing routing, int pipe) {
  for (;;) {
    for (const bool open : {true, false}) {
      routing.internet_gateway = open;
      (void)fabric.route(routing);
      if (::write(pipe, "x", 1) != 1) ::_exit(1);
    }
  }
}

TEST_F(EdgeTest, KilledAtAnyPointItGoesOn) {
  for (int calls = 0; calls < 5; ++calls) {
    int pipe[2];
    ASSERT_EQ(::pipe(pipe), 0);
    const pid_t child = ::fork();
    ASSERT_GE(child, 0);
    if (child == 0) keep_routing(*fabric_, routing_, pipe[1]);
    char byte = 0;
    for (int i = 0; i < calls; ++i) ASSERT_EQ(::read(pipe[0], &byte, 1), 1);
    // Further into the next call each time.
    for (int i = 0; i < calls * 50; ++i) (void)env::network_namespace_exists(host_);
    ::kill(child, SIGKILL);
    ASSERT_EQ(::waitpid(child, nullptr, 0), child);
    ::close(pipe[0]);
    ::close(pipe[1]);
    fabric_ = fresh();
    if (calls % 2 == 1) {
      ASSERT_TRUE(succeeds(fabric_->sweep()));
      EXPECT_EQ(host_state(), before_);
      EXPECT_FALSE(host_has_table());
      ASSERT_TRUE(succeeds(fabric_->ensure_vpc({.id = "vpc-1", .subnet_cidrs = {"10.0.1.0/24"}, .cidr = ""})));
      ASSERT_TRUE(succeeds(fabric_->ensure_interface(spec(1, "10.0.1.11"))));
      ASSERT_TRUE(succeeds(fabric_->ensure_interface(spec(2, "10.0.1.12"))));
    }
    ASSERT_TRUE(succeeds(fabric_->route(routing_)));
    EXPECT_EQ(tcp(host_, in(1), loopback_1), "10.0.1.1");
  }
}

}  // namespace
}  // namespace brume::net
