// What is made from an earlier table is what is compiled from nothing. That the tables mean what they should is
// enforcement_test's.
#include "net/policy_update.h"

#include <gtest/gtest.h>

#include <random>

#include "net/set_elements.h"

namespace brume::net {
namespace {

const std::vector<std::string> kCidrs = {"0.0.0.0/0", "10.9.0.0/16", "10.9.1.0/24", "::/0", "2001:db8::/32"};
const std::set<std::string> kServices = {"10.9.0.2"};

class Changes {
 public:
  explicit Changes(unsigned seed) : dice_(seed) {}

  unsigned below(unsigned end) { return unsigned(dice_() % end); }
  std::string group() { return "sg-" + std::to_string(below(5)); }
  SecurityGroup rules_of(SecurityGroup group) {
    if (!group.rules.empty() && below(3) == 0) {
      group.rules.pop_back();
      return group;
    }
    const std::vector<Traffic> traffic = {{}, {6, 80, 90}, {6, 85, 85}, {17, 53, 53}, {1, 8, -1}, {58, -1, -1}, {47}};
    GroupRule& rule = group.rules.emplace_back();
    rule = {.id = "sgr-1", .egress = below(2) == 0, .traffic = traffic[below(7)]};
    if (below(2) == 0)
      rule.cidr = kCidrs[below(5)];
    else
      rule.group_id = this->group();
    return group;
  }
  // One thing is different afterwards, or none.
  void change(Policy& policy) {
    const std::string group = this->group(), subnet = "subnet-" + std::to_string(below(2));
    const unsigned number = below(8);
    const std::string interface = "eni-" + std::to_string(number);
    switch (below(12)) {
      case 0:
        policy.groups.erase(group);
        break;
      case 1:
        policy.interfaces.erase(interface);
        break;
      case 2:
      case 3:
      case 4: {
        // Addresses are taken over from one interface by another, but never had by two.
        const unsigned host = number / 2;
        for (const std::string& other : {"eni-" + std::to_string(host * 2), "eni-" + std::to_string(host * 2 + 1)})
          policy.interfaces.erase(other);
        PolicyInterface made{.id = interface,
                             .subnet_id = subnet,
                             .addresses = {"10.9.1." + std::to_string(host)},
                             .group_ids = {group, this->group()},
                             .node = below(3) == 0};
        if (below(2) == 0) made.addresses.push_back("2001:db8::" + std::to_string(host));
        if (below(4) == 0) made.group_ids.pop_back();
        policy.interfaces.put(interface, made);
        break;
      }
      case 5:
        policy.subnet_acls[subnet] = below(2) == 0 ? "acl-1" : "acl-2";
        break;
      case 6:
        if (policy.acls.erase("acl-2") == 0) policy.acls["acl-2"] = {"acl-2", {{1, true, {}, "0.0.0.0/0", true}}};
        break;
      default: {
        SecurityGroup made{.id = group, .rules = {}};
        if (const SecurityGroup* present = policy.groups.get(group)) made = *present;
        policy.groups.put(group, rules_of(std::move(made)));
      }
    }
  }

 private:
  std::mt19937 dice_;
};

Policy empty_policy() {
  Policy policy{.vpc_id = "vpc-1", .groups = {}, .acls = {}, .subnet_acls = {}, .interfaces = {}};
  policy.acls["acl-1"] = {"acl-1", {{1, false, {}, "0.0.0.0/0", true}, {1, true, {}, "0.0.0.0/0", true}}};
  policy.subnet_acls = {{"subnet-0", "acl-1"}, {"subnet-1", "acl-1"}};
  return policy;
}

TEST(PolicyUpdate, IsTheTableThatCompilingMakes) {
  Changes changes(20261128);
  Policy policy = empty_policy();
  PolicyTable before = table_of(policy, kServices);
  for (int round = 0; round < 1200; ++round) {
    for (unsigned more = changes.below(3) + 1; more > 0; --more) changes.change(policy);
    PolicyTable now = updated(before, policy, kServices);
    const PolicyTable fresh = table_of(policy, kServices);
    ASSERT_EQ(difference(now.compiled.rules, fresh.compiled.rules), "") << "round " << round;
    ASSERT_TRUE(now.compiled.rules.sets == fresh.compiled.rules.sets) << "round " << round;
    ASSERT_TRUE(now.compiled.rules.chains == fresh.compiled.rules.chains) << "round " << round;
    ASSERT_TRUE(now.compiled.policy == policy);
    ASSERT_TRUE(now.named == fresh.named && now.combinations == fresh.combinations) << "round " << round;
    ASSERT_TRUE(now.references == fresh.references) << "round " << round;
    before = std::move(now);
  }
}

TEST(PolicyUpdate, AnInterfaceMoreOfKnownGroupsIsElementsOnly) {
  Policy policy = empty_policy();
  policy.groups.put("sg-1", {"sg-1", {{"sgr-1", false, {}, "", "sg-1"}, {"sgr-2", true, {}, "0.0.0.0/0", ""}}});
  policy.interfaces.put("eni-1", {"eni-1", "subnet-0", {"10.9.1.1"}, {"sg-1"}});
  const PolicyTable before = table_of(policy, kServices);
  policy.interfaces.put("eni-2", {"eni-2", "subnet-1", {"10.9.1.2"}, {"sg-1"}});
  const PolicyTable after = updated(before, policy, kServices);
  const auto there = element_changes(before.compiled.rules, after.compiled.rules);
  ASSERT_TRUE(there);
  // What has not changed is not made again.
  for (const char* set : {"services", "subnet-0_links", "sg-1_out_all4"})
    EXPECT_EQ(after.compiled.rules.sets.get(set), before.compiled.rules.sets.get(set)) << set;
  std::set<std::string> sets;
  for (const ElementChange& change : *there) {
    EXPECT_TRUE(change.add);
    EXPECT_EQ(change.elements.size(), 1U);
    sets.insert(change.set);
  }
  EXPECT_EQ(sets, (std::set<std::string>{"acl_in_if", "acl_out_if", "egress_if", "ingress_if", "members4_sg-1",
                                         "subnet-1_links"}));
  const auto back =
      element_changes(after.compiled.rules, updated(after, before.compiled.policy, kServices).compiled.rules);
  ASSERT_TRUE(back);
  EXPECT_EQ(back->size(), there->size());
}

}  // namespace
}  // namespace brume::net
