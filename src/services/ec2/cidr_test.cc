#include "services/ec2/cidr.h"

#include <gtest/gtest.h>

namespace brume::ec2 {
namespace {

TEST(Cidr, ParsesAndCanonicalises) {
  const struct {
    const char* text;
    const char* canonical;
  } cases[] = {
      {"10.0.0.0/16", "10.0.0.0/16"},
      {"10.0.0.1/16", "10.0.0.0/16"},
      {"100.68.0.18/18", "100.68.0.0/18"},
      {"0.0.0.0/0", "0.0.0.0/0"},
      {"1.2.3.4/32", "1.2.3.4/32"},
      {"10.0.0.0", nullptr},
      {"10.0.0.0/33", nullptr},
      {"10.0.0/8", nullptr},
      {"10.0.0.0/-1", nullptr},
      {"10.0.0.0/08", nullptr},
      {"10.0.0.0/", nullptr},
      {"256.0.0.0/8", nullptr},
      {"", nullptr},
      {"/8", nullptr},
      {"10.0.0.0/8 ", nullptr},
      {" 10.0.0.0/8", nullptr},
      {"::/0", nullptr},
      {"10.0.0.0/8/8", nullptr},
  };
  for (const auto& c : cases) {
    const auto cidr = parse_cidr(c.text);
    ASSERT_EQ(cidr.has_value(), c.canonical != nullptr) << c.text;
    if (cidr) {
      EXPECT_EQ(format_cidr(*cidr), c.canonical);
    }
  }
}

TEST(Cidr, Ipv6) {
  const struct {
    const char* text;
    const char* canonical;
  } cases[] = {
      {"::/0", "::/0"},
      {"2001:DB8::1/64", "2001:db8::/64"},
      {"2001:db8::ffff/113", "2001:db8::8000/113"},
      {"fe80::1/128", "fe80::1/128"},
      {"2001:db8::/129", nullptr},
      {"2001:db8::", nullptr},
      {"10.0.0.0/8", nullptr},
  };
  for (const auto& c : cases)
    EXPECT_EQ(canonical_ipv6_cidr(c.text), c.canonical ? std::optional<std::string>(c.canonical) : std::nullopt)
        << c.text;
}

TEST(Cidr, ContainsAndOverlaps) {
  const struct {
    const char *a, *b;
    bool contains, overlaps;
  } cases[] = {
      {"10.0.0.0/16", "10.0.101.0/24", true, true}, {"10.0.101.0/24", "10.0.0.0/16", false, true},
      {"10.0.0.0/24", "10.0.1.0/24", false, false}, {"0.0.0.0/0", "10.0.0.0/8", true, true},
      {"10.0.0.0/24", "10.0.0.0/24", true, true},   {"10.0.0.0/25", "10.0.0.128/25", false, false},
  };
  for (const auto& c : cases) {
    const Cidr a = *parse_cidr(c.a), b = *parse_cidr(c.b);
    EXPECT_EQ(a.contains(b), c.contains) << c.a << " " << c.b;
    EXPECT_EQ(a.overlaps(b), c.overlaps) << c.a << " " << c.b;
    EXPECT_EQ(b.overlaps(a), c.overlaps) << c.a << " " << c.b;
  }
}

TEST(Cidr, ReservedAddresses) {
  const Cidr subnet = *parse_cidr("10.0.1.0/28");
  EXPECT_EQ(usable_addresses(subnet), 11U);
  const struct {
    const char* address;
    bool usable;
  } cases[] = {
      {"10.0.1.0", false}, {"10.0.1.3", false},  {"10.0.1.4", true},
      {"10.0.1.14", true}, {"10.0.1.15", false}, {"10.0.2.4", false},
  };
  for (const auto& c : cases) EXPECT_EQ(is_usable_address(subnet, *parse_ipv4(c.address)), c.usable) << c.address;
}

}  // namespace
}  // namespace brume::ec2
