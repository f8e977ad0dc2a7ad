#include "net/address.h"

#include <gtest/gtest.h>

namespace brume::net {
namespace {

TEST(AddressTest, ReadsAddressesStrictly) {
  EXPECT_EQ(parse_ipv4("10.0.101.7"), Ipv4{0x0a006507});
  EXPECT_EQ(parse_ipv4("255.255.255.255"), Ipv4{0xffffffff});
  for (const char* wrong : {"", "10.0.0", "10.0.0.0.0", "10.0.0.256", "10.0.0.01", "10.0.0.-1", " 10.0.0.1",
                            "10.0.0.1 ", "a.b.c.d", "10..0.1", "10.0.0.", "1000.0.0.1"})
    EXPECT_FALSE(parse_ipv4(wrong)) << wrong;
  EXPECT_EQ(to_string(Ipv4{0xa9fea9fe}), "169.254.169.254");
}

TEST(AddressTest, ReadsBlocksStrictly) {
  EXPECT_EQ(parse_ipv4_block("10.0.101.0/24"), (Ipv4Block{{0x0a006500}, 24}));
  EXPECT_EQ(parse_ipv4_block("0.0.0.0/0"), (Ipv4Block{{0}, 0}));
  EXPECT_EQ(parse_ipv4_block("10.0.0.1/32"), (Ipv4Block{{0x0a000001}, 32}));
  for (const char* wrong : {"10.0.101.0", "10.0.101.0/", "10.0.101.0/33", "10.0.101.1/24", "10.0.101.0/024", "/24"})
    EXPECT_FALSE(parse_ipv4_block(wrong)) << wrong;
}

TEST(AddressTest, KnowsWhatABlockContains) {
  const Ipv4Block block = *parse_ipv4_block("10.0.101.0/24");
  EXPECT_TRUE(block.contains(*parse_ipv4("10.0.101.255")));
  EXPECT_FALSE(block.contains(*parse_ipv4("10.0.102.0")));
  EXPECT_TRUE(parse_ipv4_block("0.0.0.0/0")->contains(*parse_ipv4("1.2.3.4")));
  EXPECT_EQ(to_string(block.at(1)), "10.0.101.1");
}

TEST(AddressTest, ReadsEitherFamilyStrictly) {
  EXPECT_EQ(to_string(*parse_ip("10.0.101.7")), "10.0.101.7");
  EXPECT_EQ(to_string(*parse_ip("FD12:0:0::A")), "fd12::a");
  EXPECT_EQ(parse_ip("10.0.101.7")->ipv4(), *parse_ipv4("10.0.101.7"));
  EXPECT_EQ(IpBlock(*parse_ipv4_block("10.0.101.0/24")).text(), "10.0.101.0/24");
  EXPECT_EQ(parse_block("fd12:0:0:100::/56")->text(), "fd12:0:0:100::/56");
  EXPECT_EQ(parse_block("::/0"), all_of_ipv6());
  EXPECT_TRUE(parse_block("fd12:0:0:100::/56")->contains(*parse_block("fd12:0:0:1ff::/64")));
  EXPECT_FALSE(parse_block("fd12:0:0:100::/56")->contains(*parse_block("fd12:0:0:200::/64")));
  EXPECT_FALSE(all_of_ipv6().contains(*parse_block("10.0.0.0/8")));
  for (const char* wrong : {"", "fd12::g", "fd12::/64", "1:2:3", "fe80::1%eth0", "::1 ", "010.0.0.1"})
    EXPECT_FALSE(parse_ip(wrong)) << wrong;
  for (const char* wrong : {"", "fd12::", "fd12::/", "fd12::/129", "fd12::/064", "fd12::1/64", "fd12::/-1", "/64"})
    EXPECT_FALSE(parse_block(wrong)) << wrong;
}

TEST(AddressTest, ReadsMacsStrictly) {
  EXPECT_EQ(parse_mac("02:aB:00:01:fe:ff"), (Mac{0x02, 0xab, 0x00, 0x01, 0xfe, 0xff}));
  for (const char* wrong : {"", "02:ab:00:01:fe", "02-ab-00-01-fe-ff", "02:ab:00:01:fe:fg",
                            "02:ab:00:01:fe:ff:", "2:ab:00:01:fe:ff0", "03:ab:00:01:fe:ff", "+2:ab:00:01:fe:ff"})
    EXPECT_FALSE(parse_mac(wrong)) << wrong;
}

}  // namespace
}  // namespace brume::net
