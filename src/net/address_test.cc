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

TEST(AddressTest, ReadsMacsStrictly) {
  EXPECT_EQ(parse_mac("02:aB:00:01:fe:ff"), (Mac{0x02, 0xab, 0x00, 0x01, 0xfe, 0xff}));
  for (const char* wrong : {"", "02:ab:00:01:fe", "02-ab-00-01-fe-ff", "02:ab:00:01:fe:fg",
                            "02:ab:00:01:fe:ff:", "2:ab:00:01:fe:ff0", "03:ab:00:01:fe:ff", "+2:ab:00:01:fe:ff"})
    EXPECT_FALSE(parse_mac(wrong)) << wrong;
}

}  // namespace
}  // namespace brume::net
