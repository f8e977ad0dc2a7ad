#include "net/set_elements.h"

#include <gtest/gtest.h>

#include "net/policy_compiler.h"

namespace brume::net {
namespace {

std::string bytes(std::initializer_list<int> of) {
  std::string out;
  for (const int byte : of) out += char(byte);
  return out;
}

const std::string kPorts = "type ipv4_addr . inet_proto . inet_service; flags interval;";

TEST(SetElements, AreEncodedAsTheKernelHasThem) {
  struct Case {
    std::string declaration, element, low, high;
  };  // of intervals
  const std::vector<Case> cases = {
      {kPorts, "10.0.0.0/8 . 6 . 80-90", bytes({10, 0, 0, 0, 6, 0, 0, 0, 0, 80, 0, 0}),
       bytes({10, 255, 255, 255, 6, 0, 0, 0, 0, 90, 0, 0})},
      {kPorts, "10.9.1.10 . 17 . 5000", bytes({10, 9, 1, 10, 17, 0, 0, 0, 0x13, 0x88, 0, 0}),
       bytes({10, 9, 1, 10, 17, 0, 0, 0, 0x13, 0x88, 0, 0})},
      {kPorts, "0.0.0.0-255.255.255.255 . 6 . 0-65535", bytes({0, 0, 0, 0, 6, 0, 0, 0, 0, 0, 0, 0}),
       bytes({255, 255, 255, 255, 6, 0, 0, 0, 255, 255, 0, 0})},
      {"type inet_proto . inet_service; flags interval;", "6 . 443", bytes({6, 0, 0, 0, 1, 0xbb, 0, 0}),
       bytes({6, 0, 0, 0, 1, 0xbb, 0, 0})},
      {"type ipv4_addr . icmp_type . icmp_code; flags interval;", "10.9.2.0/27 . 8 . 0-255",
       bytes({10, 9, 2, 0, 8, 0, 0, 0, 0, 0, 0, 0}), bytes({10, 9, 2, 31, 8, 0, 0, 0, 255, 0, 0, 0})},
      {"type ipv6_addr . inet_proto; flags interval;", "2001:db8::/33 . 0-255",
       bytes({0x20, 1, 0x0d, 0xb8, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0}),
       bytes({0x20, 1, 0x0d, 0xb8, 0x7f, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 0, 0, 0})},
  };
  for (const Case& c : cases) {
    const auto element = encode_element(c.declaration, c.element);
    ASSERT_TRUE(element) << c.element;
    EXPECT_EQ(*element, (SetElement{.key = c.low, .greatest = c.high})) << c.element;
  }
  const std::string link = std::string("v01") + std::string(13, '\0');
  EXPECT_EQ(encode_element("type ifname;", "v01"), SetElement{.key = link});
  EXPECT_EQ(encode_element("type ifname : verdict;", "v01 : jump sg-1_in"),
            (SetElement{.key = link, .jump = "sg-1_in"}));
  EXPECT_EQ(encode_element("type ipv4_addr;", "10.0.0.1"), SetElement{.key = bytes({10, 0, 0, 1})});
  EXPECT_EQ(encode_element("type ipv4_addr : ipv4_addr;", "10.0.0.1 : 127.8.0.1"),
            (SetElement{.key = bytes({10, 0, 0, 1}), .value = bytes({127, 8, 0, 1})}));
  EXPECT_EQ(encode_element("type ipv4_addr . ipv4_addr;", "127.8.0.1 . 10.0.0.1"),
            SetElement{.key = bytes({127, 8, 0, 1, 10, 0, 0, 1})});
}

TEST(SetElements, OfOtherSetsOrMalformedAreLeftToOthers) {
  const std::vector<std::pair<std::string, std::string>> cases = {
      {"type inet_proto; flags interval;", "6"},
      {"type ipv4_addr;", "10.0.0.0/8"},
      {"type ipv4_addr", "10.0.0.1"},
      {"type ifname;", "v0123456789abcdef"},
      {"type ifname;", ""},
      {"type ifname : verdict;", "v01"},
      {"type ifname : verdict;", "v01 : drop"},
      {"type ifname : verdict;", "v01 : jump "},
      {"type ifname;", "v01 : jump sg-1_in"},
      {"type ipv4_addr : ipv4_addr;", "10.0.0.1"},
      {kPorts, "10.0.0.0/8 . 6"},
      {kPorts, "10.0.0.0/8 . 6 . 80 . 81"},
      {kPorts, "10.0.0.0/33 . 6 . 80"},
      {kPorts, "::1 . 6 . 80"},
      {kPorts, "10.0.0.0/8 . 256 . 80"},
      {kPorts, "10.0.0.0/8 . 6 . 65536"},
      {kPorts, "10.0.0.0/8 . 6 . 90-80"},
      {kPorts, "10.0.0.0/8 . 6 . http"},
      {kPorts, "10.0.0.0/8 . 6 . "},
  };
  for (const auto& [declaration, element] : cases) EXPECT_FALSE(encode_element(declaration, element)) << element;
}

TEST(SetElements, ARuleMoreOrLessIsNoMoreThanThem) {
  Policy policy{.vpc_id = "vpc-1", .groups = {}, .acls = {}, .subnet_acls = {}, .interfaces = {}};
  policy.groups["sg-1"] = {"sg-1", {{"sgr-1", false, {6, 80, 80}, "10.0.0.0/8", ""}}};
  policy.interfaces["eni-1"] = {"eni-1", "subnet-1", {"10.0.0.1"}, {"sg-1"}};
  const auto compiled = [&](const GroupRule& rule) {
    Policy with = policy;
    with.groups["sg-1"].rules.push_back(rule);
    return compile(with, {});
  };
  const Ruleset none = compile(policy, {});
  const Ruleset more = compiled({"sgr-2", false, {6, 443, 443}, "10.0.0.0/8", ""});
  const auto there = element_changes(none, more), back = element_changes(more, none);
  ASSERT_TRUE(there && back && there->size() == 1 && back->size() == 1);
  EXPECT_TRUE(there->front().add);
  EXPECT_FALSE(back->front().add);
  EXPECT_EQ(there->front().elements, back->front().elements);
  EXPECT_EQ(there->front().set, "sg-1_in_ports4");
  EXPECT_TRUE(element_changes(none, none)->empty());
  // The first of its kind needs a set; from anywhere also changes what is tracked.
  EXPECT_FALSE(element_changes(none, compiled({"sgr-2", true, {6, 443, 443}, "10.0.0.0/8", ""})));
  EXPECT_FALSE(element_changes(none, compiled({"sgr-2", false, {6, 443, 443}, "", "sg-1"})));
}

}  // namespace
}  // namespace brume::net
