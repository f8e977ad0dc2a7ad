#include "net/verdict.h"

#include <gtest/gtest.h>

namespace brume::net {
namespace {

Policy policy() {
  Policy policy;
  policy.groups["sg-a"] = {"sg-a", {{"sgr-out", true, {}, "0.0.0.0/0", ""}, {"sgr-self", false, {}, "", "sg-a"}}};
  policy.groups["sg-b"] = {
      "sg-b", {{"sgr-web", false, {6, 80, 90}, "", "sg-a"}, {"sgr-ping", false, {1, 8, -1}, "10.0.0.0/8", ""}}};
  policy.acls["acl-1"] = {"acl-1",
                          {{200, true, {}, "0.0.0.0/0", true},
                           {100, false, {6, 85, 85}, "10.0.1.0/24", false},
                           {300, false, {}, "0.0.0.0/0", true}}};
  policy.subnet_acls = {{"subnet-1", "acl-1"}, {"subnet-2", "acl-1"}};
  policy.interfaces["eni-a"] = {"eni-a", "subnet-1", {"10.0.1.4"}, {"sg-a"}};
  policy.interfaces["eni-b"] = {"eni-b", "subnet-2", {"10.0.2.4"}, {"sg-b"}};
  policy.interfaces["eni-c"] = {"eni-c", "subnet-1", {"10.0.1.5"}, {"sg-a"}};
  return policy;
}

TEST(VerdictTest, TellsWhichRuleDecidesAtEachStage) {
  const Endpoint a{"eni-a", "10.0.1.4"}, b{"eni-b", "10.0.2.4"}, c{"eni-c", "10.0.1.5"}, outside{"", "8.8.8.8"};
  const struct {
    Packet packet;
    bool allowed;
    std::vector<std::string> by;
  } cases[] = {
      {{a, b, 6, 80, 0}, true, {"sgr-out", "acl-1 200", "acl-1 300", "sgr-web"}},
      {{a, b, 6, 91, 0}, false, {"sgr-out", "acl-1 200", "acl-1 300", ""}},
      {{a, b, 6, 85, 0}, false, {"sgr-out", "acl-1 200", "acl-1 100", "sgr-web"}},
      {{a, b, 1, 8, 0}, true, {"sgr-out", "acl-1 200", "acl-1 300", "sgr-ping"}},
      {{b, a, 6, 80, 0}, false, {"", "acl-1 200", "acl-1 300", ""}},
      {{a, c, 17, 53, 0}, true, {"sgr-out", "sgr-self"}},
      {{outside, b, 6, 80, 0}, false, {"acl-1 300", ""}},
      {{a, outside, 6, 443, 0}, true, {"sgr-out", "acl-1 200"}},
  };
  for (const auto& [packet, allowed, by] : cases) {
    const Verdict verdict = judge(policy(), packet);
    std::vector<std::string> names;
    for (const Decision& decision : verdict.decisions) names.push_back(decision.by);
    EXPECT_EQ(verdict.allowed, allowed) << packet.from.address << " " << packet.to.address << " " << packet.first;
    EXPECT_EQ(names, by);
  }
}

TEST(VerdictTest, AnUnknownInterfaceCanNothing) {
  EXPECT_FALSE(judge(policy(), {{"eni-x", "10.0.1.9"}, {"", "8.8.8.8"}, 6, 80, 0}).allowed);
  EXPECT_FALSE(judge(policy(), {{"", "8.8.8.8"}, {"eni-x", "10.0.1.9"}, 6, 80, 0}).allowed);
}

TEST(IpBlockTest, ParsesAndContains) {
  const auto block = parse_ip_block("fd00:1::/36");
  ASSERT_TRUE(block);
  EXPECT_EQ(block->text(), "fd00:1::/36");
  EXPECT_TRUE(block->contains(*parse_ip_block("fd00:1:0fff::1")));
  EXPECT_FALSE(block->contains(*parse_ip_block("fd00:1:1000::1")));
  EXPECT_FALSE(block->contains(*parse_ip_block("10.0.0.1")));
  EXPECT_TRUE(parse_ip_block("0.0.0.0/0")->contains(*parse_ip_block("10.0.0.1")));
  EXPECT_FALSE(parse_ip_block("10.0.0.0/33"));
  EXPECT_FALSE(parse_ip_block("10.0.0"));
}

}  // namespace
}  // namespace brume::net
