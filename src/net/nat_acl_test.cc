// What passes a NAT gateway meets the ACL of the gateway's subnet, as verdict.h says: the kernel against the reference.
//
// Needs root, as all of edge_testing.h.
#include <gtest/gtest.h>
#include <sched.h>

#include <random>

#include "net/edge_testing.h"
#include "net/link_name.h"
#include "net/verdict.h"

namespace brume::net {
namespace {

constexpr std::uint16_t kMarker = 9;
const std::string kInstance = "10.0.2.14";  // i-4, in the subnet behind the gateway

class NatAcl : public EdgeTest {
 protected:
  void SetUp() override {
    EdgeTest::SetUp();
    if (!fabric_) return;
    // What follows another packet stays behind it on one CPU, whose queue they share.
    ASSERT_EQ(::sched_getaffinity(0, sizeof cpus_, &cpus_), 0);
    cpu_set_t one;
    CPU_ZERO(&one);
    CPU_SET(std::size_t(::sched_getcpu()), &one);
    ASSERT_EQ(::sched_setaffinity(0, sizeof one, &one), 0);
    policy_.groups["sg-1"] = {
        "sg-1", {{"sgr-1", false, Traffic{}, "0.0.0.0/0", ""}, {"sgr-2", true, Traffic{}, "0.0.0.0/0", ""}}};
    policy_.acls["acl-open"] = {"acl-open",
                                {{1, false, Traffic{}, "0.0.0.0/0", true}, {1, true, Traffic{}, "0.0.0.0/0", true}}};
    policy_.subnet_acls = {{"subnet-a", "acl-nat"}, {"subnet-b", "acl-open"}};
    policy_.interfaces["eni-4"] = {"eni-4", "subnet-b", {kInstance}, {"sg-1"}};
  }
  void TearDown() override {
    if (fabric_) {
      EXPECT_EQ(::sched_setaffinity(0, sizeof cpus_, &cpus_), 0);
    }
    EdgeTest::TearDown();
  }

  // By these entries, and others before them that let the markers through.
  void judge_by(std::vector<AclEntry> entries) {
    for (const bool egress : {false, true}) entries.push_back({1, egress, {17, kMarker, kMarker}, "0.0.0.0/0", true});
    policy_.acls["acl-nat"] = {"acl-nat", std::move(entries)};
    policy_.nat_gateways = routing_.nat_gateways;
    ASSERT_TRUE(succeeds(fabric_->enforce(policy_)));
  }

  static void send(const env::Fd& fd, const std::string& address, std::uint16_t to) {
    const sockaddr_in remote = socket_address(address, to);
    (void)::sendto(fd.get(), "x", 1, 0, reinterpret_cast<const sockaddr*>(&remote), sizeof remote);
  }

  // Does a datagram from the instance's port arrive at that port of a place beyond? And an answer at the instance, if
  // so? `seen`: the instance's address there.
  struct Passed {
    bool there = false, back = false;
    bool operator==(const Passed&) const = default;
  };
  Passed pass(const std::string& beyond, const std::string& address, const std::string& seen, std::uint16_t from,
              std::uint16_t to) {
    const auto own = udp_in(in(4), kInstance, from), own_marker = udp_in(in(4), kInstance, kMarker);
    const auto other = udp_in(beyond, address, to), other_marker = udp_in(beyond, address, kMarker);
    EXPECT_TRUE(own && own_marker && other && other_marker);
    Passed passed;
    send(*own, address, to);
    send(*own_marker, address, kMarker);
    EXPECT_EQ(next_in(*other_marker), "x from " + seen);
    passed.there = !silent(*other);
    send(*other, seen, from);
    send(*other_marker, seen, kMarker);
    EXPECT_EQ(next_in(*own_marker), "x from " + address);
    passed.back = !silent(*own);
    return passed;
  }

  // The same, by verdict.h.
  [[nodiscard]] Passed reference(const std::string& address, const std::string& private_address, std::uint16_t from,
                                 std::uint16_t to) const {
    const auto allows = [&](const std::string& source, const std::string& destination, std::uint16_t port_number,
                            bool egress) {
      return judge_acl(policy_, "subnet-a", {{"", source}, {"", destination}, 17, port_number, 0}, egress).allowed;
    };
    const bool there = allows(kInstance, address, to, false) && allows(private_address, address, to, true);
    return {there, there && allows(address, private_address, from, false) && allows(address, kInstance, from, true)};
  }

  void compare(const std::string& beyond, const std::vector<std::string>& addresses, const std::string& seen,
               unsigned seed) {
    std::mt19937 random(seed);
    const auto pick = [&](int end) { return int(random() % unsigned(end)); };
    const std::vector<std::string> cidrs = {"0.0.0.0/0", "10.0.2.0/24", "10.0.1.9/32", addresses[0] + "/32",
                                            addresses[1] + "/32"};
    // Ports of their own for each round: a flow that passed once is known to the kernel.
    std::uint16_t fresh = 20000;
    int passed_there = 0, passed_back = 0;
    constexpr int kRounds = 80;
    for (int round = 0; round < kRounds; ++round) {
      const std::uint16_t from = fresh++, to = fresh++;
      std::vector<AclEntry> entries;
      for (const bool egress : {false, true})
        for (int number = 2; number < 5; ++number) {
          const int low = pick(3) == 0 ? 1024 : pick(2) == 0 ? from : to;
          entries.push_back({number, egress, pick(3) == 0 ? Traffic{} : Traffic{17, low, low == 1024 ? 65535 : low},
                             cidrs[std::size_t(pick(int(cidrs.size())))], pick(4) != 0});
        }
      for (const bool egress : {false, true})
        if (pick(3) != 0) entries.push_back({5, egress, Traffic{}, "0.0.0.0/0", true});
      judge_by(entries);
      const std::string& address = addresses[std::size_t(pick(2))];
      const Passed expected = reference(address, "10.0.1.9", from, to);
      ASSERT_EQ(pass(beyond, address, seen, from, to), expected) << round << ": " << expected.there << expected.back;
      passed_there += expected.there ? 1 : 0;
      passed_back += expected.back ? 1 : 0;
    }
    EXPECT_GT(passed_back, kRounds / 10);
    EXPECT_GT(passed_there, passed_back);
    EXPECT_LT(passed_there, kRounds * 9 / 10);
  }

  cpu_set_t cpus_{};
  Policy policy_{.vpc_id = "vpc-1"};
};

TEST_F(NatAcl, ToTheInternet) {
  ASSERT_TRUE(succeeds(fabric_->route(routing_)));
  compare(client_, {"203.0.113.60", "203.0.113.50"}, lent, 1);
}

TEST_F(NatAcl, ToAPeer) {
  ASSERT_TRUE(succeeds(fabric_->ensure_vpc({.id = "vpc-2", .subnet_cidrs = {"10.7.1.0/24"}, .cidr = "10.7.0.0/16"})));
  ASSERT_TRUE(succeeds(fabric_->ensure_interface(spec(7, "10.7.1.17", "vpc-2"))));
  ASSERT_TRUE(succeeds(inside(in(7), []() -> Result<void> {
    BRUME_TRY(kernel, Rtnetlink::open());
    BRUME_TRY(link, kernel.find_link("eth0"));
    return kernel.add_address(link.index, parse_ipv4("10.7.1.18").value(), 32, "eth0");
  })));
  ASSERT_TRUE(succeeds(in_vpc("vpc-2", [](Rtnetlink& kernel) -> Result<void> {
    BRUME_TRY(link, kernel.find_link(link_name("eni-7")));
    BRUME_CHECK(kernel.add_neighbour(link.index, parse_ipv4("10.7.1.18").value(), {2, 0, 0, 0, 0, 7}));
    return kernel.add_host_route(link.index, parse_ipv4("10.7.1.18").value());
  })));
  using enum RouteTarget;
  routing_.peerings = {{"pcx-12", "vpc-2"}};
  routing_.nat_gateways[0].public_address.clear();
  routing_.route_tables["rtb-a"].push_back({"10.7.0.0/16", peering, "pcx-12"});
  const Routing second{.vpc_id = "vpc-2",
                       .cidrs = {"10.7.0.0/16"},
                       .route_tables = {{"rtb-2", {{"10.0.0.0/16", peering, "pcx-12"}}}},
                       .subnet_route_tables = {{"10.7.1.0/24", "rtb-2"}},
                       .peerings = {{"pcx-12", "vpc-1"}}};
  ASSERT_TRUE(succeeds(fabric_->route(routing_)));
  ASSERT_TRUE(succeeds(fabric_->route(second)));
  compare(in(7), {"10.7.1.17", "10.7.1.18"}, "10.0.1.9", 2);
}

TEST_F(NatAcl, WhatPassesNoGatewayDoesNotMeetIt) {
  policy_.subnet_acls["subnet-a"] = "acl-open";
  policy_.interfaces["eni-2"] = {"eni-2", "subnet-a", {"10.0.1.12"}, {"sg-1"}};
  ASSERT_TRUE(succeeds(fabric_->route(routing_)));
  // The gateway stands in another subnet, which lets nothing through.
  routing_.nat_gateways[0].subnet_id = "subnet-n";
  policy_.subnet_acls["subnet-n"] = "acl-nat";
  judge_by({});
  EXPECT_EQ(tcp(in(2), client_, "203.0.113.60"), pool_2);
  EXPECT_EQ(tcp(client_, in(2), pool_2, "203.0.113.50"), "203.0.113.50");
  const auto passed = pass(client_, "203.0.113.60", lent, 20000, 20001);
  EXPECT_EQ(passed, (Passed{false, false}));
  // And without the gateway the rules are as before.
  policy_.nat_gateways.clear();
  ASSERT_TRUE(succeeds(fabric_->enforce(policy_)));
  EXPECT_EQ(pass(client_, "203.0.113.60", lent, 20002, 20003), (Passed{true, true}));
}

}  // namespace
}  // namespace brume::net
