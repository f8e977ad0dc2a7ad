// What fabric.h promises, asked of both implementations.
#include <gtest/gtest.h>
#include <unistd.h>

#include <cstdlib>
#include <memory>
#include <thread>

#include "net/kernel_fabric.h"
#include "net/namespace_sockets_testing.h"
#include "net/sim_fabric.h"

namespace brume::net {
namespace {

const VpcSpec vpc{"vpc-1", {"10.0.101.0/24", "10.0.102.0/24"}};
const InterfaceSpec web{"eni-1", "vpc-1", "i-1", "10.0.101.7", "10.0.101.0/24", "02:00:00:00:00:07", 0};
const InterfaceSpec other{"eni-2", "vpc-1", "i-2", "10.0.102.7", "10.0.102.0/24", "02:00:00:00:01:07", 0};
const NodeSpec node{"eni-9", "vpc-1", "10.0.101.200"};

class FabricContractTest : public testing::TestWithParam<bool> {
 protected:
  void SetUp() override {
    if (!GetParam()) {
      fabric_ = std::make_unique<SimFabric>();
      return;
    }
    if (::geteuid() != 0) GTEST_SKIP() << "network namespaces need root";
    char folder[] = "/tmp/brume-net-XXXXXX";
    ASSERT_NE(::mkdtemp(folder), nullptr);
    folder_ = folder;
    auto kernel = std::make_unique<KernelFabric>(folder_);
    kernel_ = kernel.get();
    fabric_ = std::move(kernel);
  }
  void TearDown() override {
    if (kernel_ == nullptr) return;
    EXPECT_TRUE(kernel_->sweep());
    EXPECT_EQ(::rmdir(folder_.c_str()), 0);
  }
  Inventory inventory() { return fabric_->list().value_or(Inventory{{"list failed"}, {}, {}}); }

  std::unique_ptr<Fabric> fabric_;
  KernelFabric* kernel_ = nullptr;
  std::string folder_;
};

using Names = std::vector<std::string>;

TEST_P(FabricContractTest, ListsWhatWasMade) {
  EXPECT_EQ(inventory().vpcs, Names{});
  ASSERT_TRUE(succeeds(fabric_->ensure_vpc(vpc)));
  ASSERT_TRUE(succeeds(fabric_->ensure_interface(web)));
  ASSERT_TRUE(succeeds(fabric_->ensure_interface(other)));
  EXPECT_EQ(inventory().vpcs, Names{"vpc-1"});
  EXPECT_EQ(inventory().instances, (Names{"i-1", "i-2"}));
  EXPECT_EQ(inventory().interfaces, (Names{"eni-1", "eni-2"}));
}

TEST_P(FabricContractTest, EveryCallMayBeRepeated) {
  for (int i = 0; i < 2; ++i) {
    EXPECT_TRUE(succeeds(fabric_->ensure_vpc(vpc)));
    EXPECT_TRUE(succeeds(fabric_->ensure_interface(web)));
    EXPECT_TRUE(succeeds(fabric_->ensure_node(node)));
  }
  EXPECT_EQ(inventory().interfaces, Names{"eni-1"});
  for (int i = 0; i < 2; ++i) {
    EXPECT_TRUE(succeeds(fabric_->remove_node(node)));
    EXPECT_TRUE(succeeds(fabric_->remove_interface("eni-1", "vpc-1")));
    EXPECT_EQ(inventory().interfaces, Names{});
    EXPECT_EQ(inventory().instances, i == 0 ? Names{"i-1"} : Names{});
    EXPECT_TRUE(succeeds(fabric_->remove_instance("i-1")));
    EXPECT_EQ(inventory().instances, Names{});
    EXPECT_TRUE(succeeds(fabric_->remove_vpc("vpc-1")));
    EXPECT_EQ(inventory().vpcs, Names{});
  }
}

TEST_P(FabricContractTest, RoutesNeedTheirVpcAndItsPeers) {
  Routing routing{.vpc_id = "vpc-1", .cidrs = {"10.0.0.0/16"}, .subnet_route_tables = {{"10.0.101.0/24", "rtb-1"}}};
  EXPECT_FALSE(fabric_->route(routing));
  ASSERT_TRUE(succeeds(fabric_->ensure_vpc(vpc)));
  for (int i = 0; i < 2; ++i) EXPECT_TRUE(succeeds(fabric_->route(routing)));
  routing.peerings = {{"pcx-1", "vpc-2"}};
  EXPECT_EQ(fabric_->route(routing), Names{"vpc-2"});
  ASSERT_TRUE(succeeds(fabric_->ensure_vpc({.id = "vpc-2", .subnet_cidrs = {}, .cidr = ""})));
  EXPECT_EQ(fabric_->route(routing), Names{});
  routing.cidrs = {"10.0.0.1/16"};
  const auto refused = fabric_->route(routing);
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, "InvalidParameterValue");
}

TEST_P(FabricContractTest, AnInterfaceFollowsItsSpec) {
  ASSERT_TRUE(succeeds(fabric_->ensure_vpc(vpc)));
  ASSERT_TRUE(succeeds(fabric_->ensure_interface(web)));
  InterfaceSpec moved = web;
  moved.address = "10.0.101.8";
  ASSERT_TRUE(succeeds(fabric_->ensure_interface(moved)));
  InterfaceSpec successor = other;
  successor.address = web.address;
  successor.subnet_cidr = web.subnet_cidr;
  EXPECT_TRUE(succeeds(fabric_->ensure_interface(successor))) << "the old address is free again";
}

TEST_P(FabricContractTest, RefusesAnAddressThatIsTakenAndLeavesNothing) {
  ASSERT_TRUE(succeeds(fabric_->ensure_vpc(vpc)));
  ASSERT_TRUE(succeeds(fabric_->ensure_interface(web)));
  InterfaceSpec rival = web;
  rival.id = "eni-3";
  rival.instance_id = "i-3";
  EXPECT_FALSE(fabric_->ensure_interface(rival));
  EXPECT_EQ(inventory().interfaces, Names{"eni-1"});
  EXPECT_EQ(inventory().instances, Names{"i-1"});
}

TEST_P(FabricContractTest, AnInterfaceAndANodeNeedTheirVpc) {
  EXPECT_FALSE(fabric_->ensure_interface(web));
  EXPECT_FALSE(fabric_->ensure_node(node));
  EXPECT_EQ(inventory().instances, Names{});
}

TEST_P(FabricContractTest, RemovingAVpcRemovesWhatIsInIt) {
  ASSERT_TRUE(succeeds(fabric_->ensure_vpc(vpc)));
  ASSERT_TRUE(succeeds(fabric_->ensure_vpc({"vpc-2", vpc.subnet_cidrs})));
  ASSERT_TRUE(succeeds(fabric_->ensure_interface(web)));
  InterfaceSpec elsewhere = other;
  elsewhere.vpc_id = "vpc-2";
  ASSERT_TRUE(succeeds(fabric_->ensure_interface(elsewhere)));
  ASSERT_TRUE(succeeds(fabric_->remove_vpc("vpc-1")));
  EXPECT_EQ(inventory().vpcs, Names{"vpc-2"});
  EXPECT_EQ(inventory().instances, Names{"i-2"});
  EXPECT_EQ(inventory().interfaces, Names{"eni-2"});
}

TEST_P(FabricContractTest, RemovingAnInstanceRemovesItsInterfaces) {
  ASSERT_TRUE(succeeds(fabric_->ensure_vpc(vpc)));
  ASSERT_TRUE(succeeds(fabric_->ensure_interface(web)));
  InterfaceSpec second = other;
  second.instance_id = "i-1";
  second.device_index = 1;
  ASSERT_TRUE(succeeds(fabric_->ensure_interface(second)));
  ASSERT_TRUE(succeeds(fabric_->remove_instance("i-1")));
  EXPECT_EQ(inventory().interfaces, Names{});
}

TEST_P(FabricContractTest, RefusesSpecsThatCannotBe) {
  ASSERT_TRUE(succeeds(fabric_->ensure_vpc(vpc)));
  for (const char* id : {"", "vpc-", "vpc-../x", "i-1", "vpc-A", "vpc-1/2"})
    EXPECT_FALSE(fabric_->ensure_vpc({id, {}})) << id;
  EXPECT_FALSE(fabric_->ensure_vpc({"vpc-3", {"10.0.0.0/8"}}));
  const auto refused = [&](auto change) {
    InterfaceSpec spec = web;
    change(spec);
    return !fabric_->ensure_interface(spec);
  };
  EXPECT_TRUE(refused([](auto& spec) { spec.instance_id = "i-../../etc"; }));
  EXPECT_TRUE(refused([](auto& spec) { spec.address = "10.0.102.7"; }));
  EXPECT_TRUE(refused([](auto& spec) { spec.address = "10.0.101.1"; }));
  EXPECT_TRUE(refused([](auto& spec) { spec.mac = "01:00:00:00:00:00"; }));
  EXPECT_TRUE(refused([](auto& spec) { spec.device_index = 32; }));
  EXPECT_EQ(inventory().instances, Names{});
}

TEST_P(FabricContractTest, MayBeCalledFromManyThreads) {
  ASSERT_TRUE(succeeds(fabric_->ensure_vpc(vpc)));
  std::vector<std::thread> threads;
  for (int i = 0; i < 8; ++i)
    threads.emplace_back([&, i] {
      for (int repeat = 0; repeat < 2; ++repeat) {
        InterfaceSpec spec = web;
        spec.id = fmt::format("eni-{}", i);
        spec.instance_id = fmt::format("i-{}", i);
        spec.address = fmt::format("10.0.101.{}", 10 + i);
        EXPECT_TRUE(succeeds(fabric_->ensure_vpc(vpc)));
        EXPECT_TRUE(succeeds(fabric_->ensure_interface(spec)));
        if (i % 2 == 0) {
          EXPECT_TRUE(succeeds(fabric_->remove_instance(spec.instance_id)));
        }
      }
    });
  for (auto& thread : threads) thread.join();
  EXPECT_EQ(inventory().interfaces, (Names{"eni-1", "eni-3", "eni-5", "eni-7"}));
}

INSTANTIATE_TEST_SUITE_P(Fabrics, FabricContractTest, testing::Values(false, true),
                         [](const auto& param) { return param.param ? "Kernel" : "Sim"; });

TEST(SimFabricTest, FailsOnRequestAndCounts) {
  using enum SimFabric::Operation;
  SimFabric fabric;
  const Error error{"InsufficientInstanceCapacity", "full", 500};
  fabric.fail_next(ensure_vpc, error);
  EXPECT_EQ(fabric.ensure_vpc(vpc).error(), error);
  EXPECT_TRUE(fabric.vpcs().empty());
  EXPECT_TRUE(fabric.ensure_vpc(vpc));
  EXPECT_TRUE(fabric.ensure_node(node));
  EXPECT_EQ(fabric.calls(ensure_vpc), 2U);
  EXPECT_EQ(fabric.calls(ensure_interface), 0U);
  ASSERT_EQ(fabric.nodes().size(), 1U);
  EXPECT_EQ(fabric.nodes()[0].address, "10.0.101.200");
}

}  // namespace
}  // namespace brume::net
