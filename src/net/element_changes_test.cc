// The kernel takes, and gives back, the elements that set_elements.h writes, in tables made by the library.
#include <gtest/gtest.h>
#include <unistd.h>

#include <cstdlib>

#include "env/namespaces.h"
#include "net/edge.h"
#include "net/namespace_sockets_testing.h"
#include "net/nftables.h"
#include "net/policy_update.h"
#include "net/route_plan.h"
#include "net/set_elements.h"
#include "net/translation.h"

namespace brume::net {
namespace {

class ElementChangesTest : public testing::Test {
 protected:
  void SetUp() override {
    if (::geteuid() != 0) GTEST_SKIP() << "network namespaces need root";
    char folder[] = "/tmp/brume-net-XXXXXX";
    ASSERT_NE(::mkdtemp(folder), nullptr);
    folder_ = folder;
    ASSERT_TRUE(succeeds(env::make_network_namespace(path())));
  }
  void TearDown() override {
    if (folder_.empty()) return;
    EXPECT_TRUE(succeeds(env::remove_network_namespace(path())));
    EXPECT_EQ(::rmdir(folder_.c_str()), 0);
  }
  [[nodiscard]] std::string path() const { return folder_ + "/vpc-1"; }

  std::string folder_;
};

TEST_F(ElementChangesTest, OfInterfacesThatComeAndGo) {
  Policy policy{.vpc_id = "vpc-1", .groups = {}, .acls = {}, .subnet_acls = {}, .interfaces = {}};
  policy.acls["acl-1"] = {"acl-1", {{1, false, {}, "0.0.0.0/0", true}, {1, true, {}, "0.0.0.0/0", true}}};
  policy.subnet_acls = {{"subnet-1", "acl-1"}};
  policy.groups.put("sg-1", {"sg-1", {{"sgr-1", false, {}, "", "sg-1"}, {"sgr-2", true, {}, "0.0.0.0/0", ""}}});
  policy.interfaces.put("eni-1", {"eni-1", "subnet-1", {"10.0.0.1", "2001:db8::1"}, {"sg-1"}});
  policy.interfaces.put("eni-2", {"eni-2", "subnet-1", {"10.0.0.2"}, {"sg-1"}, true});
  const PolicyTable before = table_of(policy, {"10.0.0.3"});
  policy.interfaces.put("eni-3", {"eni-3", "subnet-1", {"10.0.0.4", "2001:db8::4"}, {"sg-1"}});
  policy.interfaces.put("eni-4", {"eni-4", "subnet-1", {"10.0.0.5"}, {"sg-1"}, true});
  const PolicyTable after = updated(before, policy, {"10.0.0.3"});
  const auto there = element_changes(before.compiled.rules, after.compiled.rules);
  const auto back = element_changes(after.compiled.rules, before.compiled.rules);
  ASSERT_TRUE(there && back);
  ASSERT_TRUE(succeeds(inside(path(), [&]() -> Result<void> {
    BRUME_CHECK(run_nftables(replacement(before.compiled.rules)));
    for (int turn = 0; turn < 2; ++turn) {
      BRUME_CHECK(change_elements(*there));
      BRUME_CHECK(change_elements(*back));
    }
    EXPECT_FALSE(change_elements(*back)) << "what is not there is not taken away";
    // The library sees them as its own.
    BRUME_CHECK(change_elements(*there));
    return run_nftables(difference(after.compiled.rules, before.compiled.rules));
  })));
}

TEST_F(ElementChangesTest, OfPublicAddresses) {
  Routing routing;
  routing.vpc_id = "vpc-1";
  routing.cidrs = {"10.0.0.0/16"};
  routing.route_tables = {{"rtb-a", {{"0.0.0.0/0", RouteTarget::internet_gateway, "igw-1"}}}};
  routing.subnet_route_tables = {{"10.0.1.0/24", "rtb-a"}};
  routing.internet_gateway = true;
  routing.public_addresses = {{"127.8.0.1", "10.0.1.1", "eni-1"}, {"127.8.0.2", "10.0.1.2", "eni-2"}};
  Routing other = routing;
  other.public_addresses = {{"127.8.0.2", "10.0.1.9", "eni-9"}, {"127.8.0.3", "10.0.1.1", "eni-1"}};
  const auto there = retranslation(routing, other), back = retranslation(other, routing);
  ASSERT_TRUE(there && back);
  EXPECT_EQ(there->gone, back->come);
  EXPECT_EQ(there->come, back->gone);
  const auto plan = plan_routes(routing, {}), planned_other = plan_routes(other, {});
  ASSERT_TRUE(plan && planned_other);
  const TableName table{.inet = false, .name = "brume_nat"};
  ASSERT_TRUE(succeeds(inside(path(), [&]() -> Result<void> {
    BRUME_CHECK(run_nftables(plan->nat));
    BRUME_CHECK(change_elements(there->elements, table));
    BRUME_CHECK(change_elements(back->elements, table));
    EXPECT_FALSE(change_elements(back->elements, table));
    // What leads on from one leads on from the other, made whole.
    BRUME_CHECK(run_nftables(planned_other->nat));
    return change_elements(back->elements, table);
  })));
}

TEST(Retranslation, RefusesWhatCannotBe) {
  Routing routing;
  routing.vpc_id = "vpc-1";
  routing.nat_gateways = {{"nat-1", "subnet-1", "127.8.0.9", "10.0.1.9"}};
  for (const char* address : {"127.8.0.9", "x\" accept", "::1", "10.0.0.0/8"}) {
    Routing other = routing;
    other.public_addresses = {{address, "10.0.1.1", "eni-1"}};
    EXPECT_FALSE(retranslation(routing, other)) << address;
  }
}

}  // namespace
}  // namespace brume::net
