// What is compiled with the help of an earlier table is what is compiled without. That the tables mean what they should
// is enforcement_test's.
#include "net/policy_compiler.h"

#include <gtest/gtest.h>

#include <random>

namespace brume::net {
namespace {

class Dice {
 public:
  explicit Dice(unsigned seed) : engine_(seed) {}
  int below(int end) { return int(engine_() % unsigned(end)); }
  template <typename T>
  const T& one_of(const std::vector<T>& of) {
    return of[std::size_t(below(int(of.size())))];
  }

 private:
  std::mt19937 engine_;
};

const std::vector<std::string> kGroups = {"sg-1", "sg-2", "sg-3", "sg-4"};
const std::vector<std::string> kSubnets = {"subnet-1", "subnet-2"};
const std::vector<std::string> kCidrs = {"0.0.0.0/0", "10.9.0.0/16", "10.9.1.0/24", "::/0", "2001:db8::/32"};

GroupRule random_rule(Dice& dice) {
  GroupRule rule{.id = "sgr-1", .egress = dice.below(2) == 0};
  rule.traffic = dice.one_of<Traffic>({{}, {6, 80, 90}, {6, 85, 85}, {17, 53, 53}, {1, 8, -1}, {58, -1, -1}, {47}});
  if (dice.below(2) == 0)
    rule.cidr = dice.one_of(kCidrs);
  else
    rule.group_id = dice.below(4) == 0 ? "sg-peer" : dice.one_of(kGroups);
  return rule;
}

// One thing is different afterwards, or none.
void change(Policy& policy, Dice& dice) {
  const std::string group = dice.one_of(kGroups), subnet = dice.one_of(kSubnets);
  const std::string interface = "eni-" + std::to_string(dice.below(6));
  auto& rules = policy.groups[group].rules;
  switch (dice.below(12)) {
    case 0:
      policy.groups.erase(group);
      return;
    case 1:
      if (!rules.empty()) rules.pop_back();
      break;
    case 2:
      policy.interfaces.erase(interface);
      break;
    case 3:
    case 4:
      policy.interfaces[interface] = {
          .id = interface,
          .subnet_id = subnet,
          .addresses = {"10.9.1." + std::to_string(dice.below(200)), "2001:db8::" + std::to_string(dice.below(9))},
          .group_ids = {group, dice.one_of(kGroups)},
          .node = dice.below(3) == 0};
      break;
    case 5:
      policy.subnet_acls[subnet] = dice.one_of<std::string>({"acl-1", "acl-2"});
      break;
    case 6: {
      auto& entries = policy.acls["acl-1"].entries;
      policy.acls["acl-1"].id = "acl-1";
      if (entries.size() > 4) entries.clear();
      entries.push_back({int(entries.size()) + 1, dice.below(2) == 0, {6, 80, 80}, "10.9.0.0/16", dice.below(2) == 0});
      break;
    }
    case 7:
      if (policy.acls.erase("acl-2") == 0) policy.acls["acl-2"] = {"acl-2", {{1, true, {}, "0.0.0.0/0", true}}};
      break;
    case 8:
      policy.nat_gateways.clear();
      if (dice.below(2) == 0)
        policy.nat_gateways = {{"nat-1", subnet, dice.below(2) == 0 ? "127.8.0.9" : "", "10.9.1.250"}};
      break;
    case 9:
      if (policy.peer_groups.erase("sg-peer") == 0)
        policy.peer_groups["sg-peer"] = {dice.one_of<std::string>({"pcx-1", "pcx-2"}),
                                         {"10.8.1." + std::to_string(dice.below(3))}};
      break;
    default:
      rules.push_back(random_rule(dice));
  }
  policy.groups[group].id = group;
}

TEST(PolicyCompiler, WhatIsSharedWithAnEarlierTableIsTheSame) {
  Dice dice(20261124);
  Policy policy{.vpc_id = "vpc-1", .groups = {}, .acls = {}, .subnet_acls = {}, .interfaces = {}};
  Compiled before{policy, compile(policy, {"10.9.0.2"})};
  for (int round = 0; round < 3000; ++round) {
    for (int changes = dice.below(3); changes >= 0; --changes) change(policy, dice);
    const Ruleset fresh = compile(policy, {"10.9.0.2"});
    Ruleset shared = compile(policy, {"10.9.0.2"}, &before);
    ASSERT_EQ(difference(fresh, shared), "") << "round " << round;
    ASSERT_EQ(difference(shared, fresh), "") << "round " << round;
    ASSERT_EQ(replacement(shared), replacement(fresh)) << "round " << round;
    before = {policy, std::move(shared)};
  }
}

Policy two_groups() {
  Policy policy{.vpc_id = "vpc-1", .groups = {}, .acls = {}, .subnet_acls = {}, .interfaces = {}};
  for (const std::string id : {"sg-1", "sg-2"}) {
    policy.groups[id] = {id, {{"sgr-1", false, {6, 80, 80}, "10.0.0.0/8", ""}}};
    policy.interfaces["eni-" + id] = {"eni-" + id, "subnet-1", {"10.0.0." + id.substr(3)}, {id}};
  }
  return policy;
}

TEST(PolicyCompiler, ARuleMoreIsAnElementMore) {
  Policy policy = two_groups();
  const Compiled before{policy, compile(policy, {})};
  policy.groups["sg-1"].rules.push_back({"sgr-2", false, {6, 443, 443}, "10.0.0.0/8", ""});
  const Ruleset after = compile(policy, {}, &before);
  EXPECT_EQ(difference(before.rules, after), "add element inet brume sg-1_in_ports4 { 10.0.0.0/8 . 6 . 443 }\n");
  for (const char* set : {"sg-2_in_ports4", "egress_if", "ingress_if"})
    EXPECT_EQ(after.sets.at(set), before.rules.sets.at(set)) << set << " is not shared";
}

}  // namespace
}  // namespace brume::net
