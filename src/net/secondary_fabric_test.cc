// Secondary private addresses: packets to and from them, and that they come and go while the interface stays.
//
// Needs root, as all of edge_testing.h.
#include <gtest/gtest.h>

#include <algorithm>

#include "net/edge_testing.h"
#include "net/link_name.h"

namespace brume::net {
namespace {

class SecondaryAddresses : public EdgeTest {
 protected:
  static InterfaceSpec with(int number, const std::string& address, std::vector<std::string> secondary) {
    InterfaceSpec made = spec(number, address);
    made.secondary_addresses = std::move(secondary);
    return made;
  }
  int link_of(int number) {
    int index = 0;
    EXPECT_TRUE(succeeds(in_vpc("vpc-1", [&](Rtnetlink& kernel) -> Result<void> {
      BRUME_TRY(link, kernel.find_link(link_name(fmt::format("eni-{}", number))));
      index = link.index;
      return {};
    })));
    return index;
  }
};

TEST_F(SecondaryAddresses, ComeAndGoWhileTheInterfaceStays) {
  ASSERT_TRUE(succeeds(fabric_->route(routing_)));
  const int link = link_of(1);
  ASSERT_TRUE(succeeds(fabric_->ensure_interface(with(1, "10.0.1.11", {"10.0.1.21", "10.0.1.22"}))));
  EXPECT_EQ(link_of(1), link) << "it was not made anew";
  for (const char* address : {"10.0.1.11", "10.0.1.21", "10.0.1.22"}) {
    EXPECT_EQ(tcp(in(2), in(1), address), "10.0.1.12");
    EXPECT_EQ(tcp(in(1), in(4), "10.0.2.14", address), address);
  }
  EXPECT_EQ(tcp(in(1), in(4), "10.0.2.14"), "10.0.1.11") << "the primary one where nothing is said";
  ASSERT_TRUE(succeeds(fabric_->ensure_interface(with(1, "10.0.1.11", {"10.0.1.22", "10.0.1.23"}))));
  EXPECT_EQ(tcp(in(2), in(1), "10.0.1.23"), "10.0.1.12");
  EXPECT_EQ(tcp(in(2), in(1), "10.0.1.22"), "10.0.1.12");
  EXPECT_EQ(refusal(in(2), "10.0.1.21"), "No route to host");
  EXPECT_FALSE(udp_in(in(1), "10.0.1.21", port));
  ASSERT_TRUE(succeeds(fabric_->ensure_interface(with(1, "10.0.1.11", {}))));
  EXPECT_EQ(refusal(in(2), "10.0.1.22"), "No route to host");
  EXPECT_EQ(tcp(in(2), in(1), "10.0.1.11"), "10.0.1.12");
  EXPECT_EQ(link_of(1), link);
}

TEST_F(SecondaryAddresses, AreThereFromTheStartAndMended) {
  ASSERT_TRUE(succeeds(fabric_->ensure_interface(with(6, "10.0.1.16", {"10.0.1.26"}))));
  EXPECT_EQ(tcp(in(2), in(6), "10.0.1.26"), "10.0.1.12");
  ASSERT_TRUE(succeeds(in_vpc("vpc-1", [&](Rtnetlink& kernel) {
    return kernel.delete_host_route(link_of(6), parse_ipv4("10.0.1.26").value());
  })));
  ASSERT_TRUE(succeeds(inside(in(6), []() -> Result<void> {
    BRUME_TRY(kernel, Rtnetlink::open());
    BRUME_TRY(link, kernel.find_link("eth0"));
    return kernel.delete_address(link.index, parse_ipv4("10.0.1.26").value(), 24);
  })));
  fabric_ = fresh();
  ASSERT_TRUE(succeeds(fabric_->ensure_interface(with(6, "10.0.1.16", {"10.0.1.26"}))));
  EXPECT_EQ(tcp(in(2), in(6), "10.0.1.26"), "10.0.1.12");
  const auto listed = fabric_->list();
  ASSERT_TRUE(listed);
  EXPECT_NE(std::ranges::find(listed->interfaces, "eni-6"), listed->interfaces.end());
}

TEST_F(SecondaryAddresses, MoveToAnotherInterface) {
  ASSERT_TRUE(succeeds(fabric_->ensure_interface(with(1, "10.0.1.11", {"10.0.1.21"}))));
  // Whichever of the two is told first.
  ASSERT_TRUE(succeeds(fabric_->ensure_interface(with(2, "10.0.1.12", {"10.0.1.21"}))));
  ASSERT_TRUE(succeeds(fabric_->ensure_interface(with(1, "10.0.1.11", {}))));
  EXPECT_EQ(tcp(in(3), in(2), "10.0.1.21"), "10.0.1.13");
  EXPECT_EQ(tcp(in(1), in(2), "10.0.1.21"), "10.0.1.11");
  EXPECT_FALSE(fabric_->ensure_interface(spec(6, "10.0.1.21"))) << "nobody's primary one while it is another's";
}

TEST_F(SecondaryAddresses, OfASecondInterfaceLeaveThroughIt) {
  InterfaceSpec second = with(7, "10.0.3.17", {"10.0.3.27"});
  second.instance_id = "i-1";
  second.device_index = 1;
  ASSERT_TRUE(succeeds(fabric_->ensure_interface(second)));
  EXPECT_EQ(tcp(in(2), in(1), "10.0.3.27"), "10.0.1.12");
  // Through the other interface it would be refused: it is not that one's.
  EXPECT_EQ(tcp(in(1), in(2), "10.0.1.12", "10.0.3.27"), "10.0.3.27");
  second.secondary_addresses = {"10.0.3.28"};
  ASSERT_TRUE(succeeds(fabric_->ensure_interface(second)));
  EXPECT_EQ(tcp(in(1), in(2), "10.0.1.12", "10.0.3.28"), "10.0.3.28");
}

TEST_F(SecondaryAddresses, HavePublicOnes) {
  ASSERT_TRUE(succeeds(fabric_->ensure_interface(with(2, "10.0.1.12", {"10.0.1.22"}))));
  routing_.public_addresses.insert({pool_3, "10.0.1.22", "eni-2"});
  ASSERT_TRUE(succeeds(fabric_->route(routing_)));
  EXPECT_EQ(tcp(client_, in(2), pool_3, "203.0.113.50"), "203.0.113.50");
  EXPECT_EQ(tcp(in(2), client_, "203.0.113.60", "10.0.1.22"), pool_3);
  EXPECT_EQ(tcp(in(2), client_, "203.0.113.60"), pool_2);
}

TEST_F(SecondaryAddresses, AreOfTheSubnetAndNotThePrimaryOne) {
  for (const char* address : {"10.0.2.21", "10.0.1.11", "10.0.1.1", "10.0.1.0", "fd00::1", "x"})
    EXPECT_EQ(fabric_->ensure_interface(with(1, "10.0.1.11", {address})).error().code, "InvalidParameterValue")
        << address;
  EXPECT_FALSE(fabric_->ensure_interface(with(1, "10.0.1.11", {"10.0.1.21", "10.0.1.21"})));
}

}  // namespace
}  // namespace brume::net
