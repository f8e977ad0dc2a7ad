#include "services/ec2/fabric_controller.h"

#include <algorithm>
#include <set>

#include "services/ec2/network_fixture.h"
#include "services/ec2/network_interface.h"

namespace brume::ec2 {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

// Remembers what it was told, in the order of the calls; fails as often as asked.
class FakeFabric : public net::Fabric {
 public:
  Result<void> ensure_vpc(const net::VpcSpec& spec) override {
    BRUME_CHECK(say("ensure_vpc", spec.id));
    vpcs.insert(spec.id);
    return {};
  }
  Result<void> remove_vpc(const std::string& vpc_id) override {
    BRUME_CHECK(say("remove_vpc", vpc_id));
    vpcs.erase(vpc_id);
    return {};
  }
  Result<void> ensure_interface(const net::InterfaceSpec& spec) override {
    BRUME_CHECK(say("ensure_interface", spec.id));
    if (!vpcs.contains(spec.vpc_id)) return fail_internal("no VPC");
    instances.insert(spec.instance_id);
    interfaces[spec.id] = spec;
    return {};
  }
  Result<void> enforce(const net::Policy& policy) override {
    BRUME_CHECK(say("enforce", policy.vpc_id));
    if (!vpcs.contains(policy.vpc_id)) return fail_internal("no VPC");
    policies[policy.vpc_id] = policy;
    return {};
  }
  Result<std::vector<std::string>> route(const net::Routing& routing) override {
    BRUME_CHECK(say("route", routing.vpc_id));
    routings[routing.vpc_id] = routing;
    std::vector<std::string> missing;
    for (const net::Peering& peering : routing.peerings)
      if (!vpcs.contains(peering.peer_vpc_id)) missing.push_back(peering.peer_vpc_id);
    return missing;
  }
  Result<void> remove_interface(const std::string& interface_id, const std::string&) override {
    BRUME_CHECK(say("remove_interface", interface_id));
    interfaces.erase(interface_id);
    return {};
  }
  Result<void> remove_instance(const std::string& instance_id) override {
    BRUME_CHECK(say("remove_instance", instance_id));
    instances.erase(instance_id);
    std::erase_if(interfaces, [&](const auto& i) { return i.second.instance_id == instance_id; });
    return {};
  }
  Result<void> ensure_node(const net::NodeSpec& spec) override {
    BRUME_CHECK(say("ensure_node", spec.id));
    nodes.insert(spec.address);
    return {};
  }
  Result<void> remove_node(const net::NodeSpec& spec) override {
    BRUME_CHECK(say("remove_node", spec.id));
    nodes.erase(spec.address);
    return {};
  }
  Result<std::int64_t> watch_flows(const net::FlowWatch&, std::int64_t now, std::int64_t) override { return now; }
  Result<std::vector<net::FlowPeriod>> collect_flows(const net::FlowWatch&, std::int64_t) override {
    return std::vector<net::FlowPeriod>();
  }
  Result<net::Inventory> list() override {
    BRUME_CHECK(say("list", ""));
    net::Inventory inventory{{vpcs.begin(), vpcs.end()}, {instances.begin(), instances.end()}, {}};
    for (const auto& [id, spec] : interfaces) inventory.interfaces.push_back(id);
    return inventory;
  }
  [[nodiscard]] std::string vpc_namespace(const std::string& id) const override { return id; }
  [[nodiscard]] std::string instance_namespace(const std::string& id) const override { return id; }

  std::set<std::string> vpcs, instances, nodes;
  std::map<std::string, net::Policy> policies;
  std::map<std::string, net::Routing> routings;
  std::map<std::string, net::InterfaceSpec> interfaces;
  std::vector<std::string> said;
  int failures = 0;

 private:
  Result<void> say(const std::string& what, const std::string& id) {
    said.push_back(what + " " + id);
    if (failures > 0) return --failures, fail_internal("on request");
    return {};
  }
};

constexpr const char* kInstance = "i-0123456789abcdef0";

class FabricControllerTest : public NetworkTest {
 protected:
  void attach_one(const std::string& instance_id = kInstance) {
    const std::string id = make_interface_id(subnet_id);
    ASSERT_TRUE(store.transact([&] { return attach(state, id, instance_id, 0, true); }));
  }
  void run_for(env::Duration duration) { sim.loop.run_for(duration); }

  std::string vpc_id = make_vpc_id(), subnet_id = make_subnet_id(vpc_id, "10.0.1.0/24");
  FakeFabric fabric;
  FabricController controller{state, fabric};
  std::optional<Result<void>> heard;
  FabricController::Done done = [this](Result<void> result) { heard = std::move(result); };
};

TEST_F(FabricControllerTest, AnInstanceGetsItsVpcAndInterfaces) {
  controller.start();
  run_for(seconds(1));
  EXPECT_TRUE(fabric.vpcs.empty());  // nobody needs one yet
  attach_one();
  controller.ensure_instance(kInstance, done);
  run_for(seconds(1));
  ASSERT_TRUE(heard && *heard);
  EXPECT_EQ(fabric.vpcs, std::set<std::string>{vpc_id});
  ASSERT_EQ(fabric.interfaces.size(), 1U);
  const auto& spec = fabric.interfaces.begin()->second;
  EXPECT_EQ(spec.subnet_cidr, "10.0.1.0/24");
  EXPECT_EQ(spec.instance_id, kInstance);
  heard.reset();
  controller.remove_instance(kInstance, done);
  run_for(seconds(1));
  ASSERT_TRUE(heard && *heard);
  EXPECT_TRUE(fabric.instances.empty());
}

TEST_F(FabricControllerTest, AFailedEnsureIsReportedAndMayBeTriedAgain) {
  controller.ensure_instance(kInstance, done);
  run_for(seconds(1));
  ASSERT_TRUE(heard);
  EXPECT_FALSE(*heard);  // no interface
  attach_one();
  fabric.failures = 1;
  controller.ensure_instance(kInstance, done);
  run_for(seconds(1));
  EXPECT_FALSE(*heard);
  controller.ensure_instance(kInstance, done);
  run_for(seconds(1));
  EXPECT_TRUE(*heard);
}

TEST_F(FabricControllerTest, ARemovalIsTriedUntilItWorks) {
  fabric.failures = 3;
  controller.remove_instance(kInstance, done);
  run_for(milliseconds(6900));  // after 1, 2 and 4 seconds
  EXPECT_FALSE(heard);
  run_for(milliseconds(500));
  EXPECT_TRUE(heard && *heard);
  EXPECT_EQ(fabric.said.size(), 4U);
}

TEST_F(FabricControllerTest, NodesComeAndGoWithTheirInterfaces) {
  controller.start();
  const std::string id = make_interface_id(subnet_id, "ELB app/web/1");
  run_for(seconds(1));
  EXPECT_EQ(fabric.nodes.size(), 1U);
  EXPECT_EQ(fabric.policies.at(vpc_id).interfaces.size(), 1U);
  attach_one();  // the rules name an instance's interface before it is there
  run_for(seconds(1));
  EXPECT_EQ(fabric.policies.at(vpc_id).interfaces.size(), 2U);
  EXPECT_TRUE(fabric.interfaces.empty());
  // What concerns no packet does not reach the kernel.
  fabric.said.clear();
  ASSERT_TRUE(state.context.store.transact([&]() -> Result<void> {
    state.changed(vpc_id);
    return {};
  }));
  run_for(seconds(1));
  EXPECT_TRUE(fabric.said.empty());
  ASSERT_TRUE(run_as(service_call, &Ops::DeleteNetworkInterface, {.NetworkInterfaceId = id}));
  fabric.failures = 2;
  run_for(seconds(10));
  EXPECT_TRUE(fabric.nodes.empty());
  EXPECT_EQ(state.removed_nodes.size(), 0U);
}

TEST_F(FabricControllerTest, ADeletedVpcLosesItsNamespace) {
  controller.start();
  const std::string id = make_interface_id(subnet_id, "ELB app/web/1");
  run_for(seconds(1));
  ASSERT_TRUE(run_as(service_call, &Ops::DeleteNetworkInterface, {.NetworkInterfaceId = id}));
  must(&Ops::DeleteSubnet, {.SubnetId = subnet_id});
  must(&Ops::DeleteVpc, {.VpcId = vpc_id});
  run_for(seconds(1));
  EXPECT_TRUE(fabric.vpcs.empty());
  EXPECT_EQ(state.removed_nodes.size(), 0U);
}

TEST_F(FabricControllerTest, StartMends) {
  const std::string node = make_interface_id(subnet_id, "ELB app/web/1");
  attach_one();
  fabric.vpcs = {vpc_id, "vpc-0aaaaaaaaaaaaaaaa"};
  fabric.instances = {kInstance, "i-0bbbbbbbbbbbbbbbb"};
  fabric.interfaces["eni-0cccccccccccccccc"] = {
      .id = "eni-0cccccccccccccccc", .vpc_id = vpc_id, .instance_id = kInstance};
  fabric.failures = 1;  // of list()
  controller.start();
  run_for(seconds(5));
  EXPECT_EQ(fabric.vpcs, std::set<std::string>{vpc_id});
  EXPECT_EQ(fabric.instances, std::set<std::string>{kInstance});
  ASSERT_EQ(fabric.interfaces.size(), 1U);  // the instance's own, which it lacked
  EXPECT_EQ(fabric.interfaces.begin()->first, state.children(kInstance).at(0));
  EXPECT_EQ(fabric.nodes.size(), 1U);
}

TEST_F(FabricControllerTest, InterfacesOfAnInstanceThatIsThereFollowTheTables) {
  controller.start();
  attach_one();
  run_for(seconds(1));
  controller.ensure_instance(kInstance, done);
  run_for(seconds(1));
  const std::string second = make_interface_id(subnet_id);
  ASSERT_TRUE(store.transact([&] { return attach(state, second, kInstance, 1); }));
  fabric.failures = 1;
  run_for(seconds(2));
  ASSERT_EQ(fabric.interfaces.size(), 2U);
  EXPECT_TRUE(fabric.interfaces.at(second).source_dest_check);
  must(&Ops::ModifyNetworkInterfaceAttribute,
       {.NetworkInterfaceId = second, .SourceDestCheck = AttributeBooleanValue{false}});
  run_for(seconds(1));
  EXPECT_FALSE(fabric.interfaces.at(second).source_dest_check);
  ASSERT_TRUE(store.transact([&]() -> Result<void> {
    detach(state, second);
    return {};
  }));
  run_for(seconds(1));
  EXPECT_EQ(fabric.interfaces.size(), 1U);
  // One that has been removed stays so, whatever the tables say.
  controller.remove_instance(kInstance, done);
  ASSERT_TRUE(store.transact([&] { return attach(state, second, kInstance, 1); }));
  run_for(seconds(1));
  EXPECT_TRUE(fabric.interfaces.empty());
}

TEST_F(FabricControllerTest, RoutesFollowTheTablesAndAreNotMadeAgainForNothing) {
  controller.start();
  attach_one();
  controller.ensure_instance(kInstance, done);
  run_for(seconds(1));
  EXPECT_EQ(fabric.routings.at(vpc_id).subnet_route_tables.size(), 1U);
  fabric.said.clear();
  attach_one("i-0bbbbbbbbbbbbbbbb");
  controller.ensure_instance("i-0bbbbbbbbbbbbbbbb", done);
  run_for(seconds(1));
  EXPECT_EQ(std::ranges::count(fabric.said, "route " + vpc_id), 0);
  const std::string gateway = *must(&Ops::CreateInternetGateway, {}).InternetGateway->InternetGatewayId;
  must(&Ops::AttachInternetGateway, {.InternetGatewayId = gateway, .VpcId = vpc_id});
  run_for(seconds(1));
  EXPECT_TRUE(fabric.routings.at(vpc_id).internet_gateway);
  // A route to an interface has to be made again once that is there.
  const std::string router = make_interface_id(subnet_id);
  ASSERT_TRUE(store.transact([&] { return attach(state, router, "i-0cccccccccccccccc", 0); }));
  must(&Ops::CreateRoute, {.RouteTableId = *state.main_route_table(vpc_id)->RouteTableId,
                           .DestinationCidrBlock = "192.168.0.0/16",
                           .NetworkInterfaceId = router});
  run_for(seconds(1));
  fabric.said.clear();
  controller.ensure_instance("i-0cccccccccccccccc", done);
  run_for(seconds(1));
  EXPECT_EQ(std::ranges::count(fabric.said, "route " + vpc_id), 1);
}

TEST_F(FabricControllerTest, PeersAreJoinedOnceSomethingIsInBoth) {
  controller.start();
  const std::string other = make_vpc_id("10.1.0.0/16"), other_subnet = make_subnet_id(other, "10.1.1.0/24");
  const std::string id = *must(&Ops::CreateVpcPeeringConnection, {.VpcId = vpc_id, .PeerVpcId = other})
                              .VpcPeeringConnection->VpcPeeringConnectionId;
  must(&Ops::AcceptVpcPeeringConnection, {.VpcPeeringConnectionId = id});
  make_interface_id(subnet_id, "ELB app/web/1");
  run_for(seconds(1));
  EXPECT_TRUE(fabric.routings.at(vpc_id).peerings.empty());
  fabric.failures = 1;
  make_interface_id(other_subnet, "ELB app/web/2");
  run_for(seconds(5));
  EXPECT_EQ(fabric.routings.at(vpc_id).peerings.size(), 1U);
  EXPECT_EQ(fabric.routings.at(other).peerings.size(), 1U);
  fabric.said.clear();
  run_for(seconds(60));
  EXPECT_TRUE(fabric.said.empty()) << "nothing waits any more";
}

TEST_F(FabricControllerTest, MembersOfAPeersGroupAreEnforcedHere) {
  controller.start();
  const std::string other = make_vpc_id("10.1.0.0/16"), other_subnet = make_subnet_id(other, "10.1.1.0/24");
  const std::string id = *must(&Ops::CreateVpcPeeringConnection, {.VpcId = vpc_id, .PeerVpcId = other})
                              .VpcPeeringConnection->VpcPeeringConnectionId;
  must(&Ops::AcceptVpcPeeringConnection, {.VpcPeeringConnectionId = id});
  const std::string far = *state.group_by_name(other, "default")->GroupId;
  IpPermission from_far{.IpProtocol = "-1"};
  from_far.UserIdGroupPairs = {{.GroupId = far}};
  must(&Ops::AuthorizeSecurityGroupIngress,
       {.GroupId = state.group_by_name(vpc_id, "default")->GroupId, .IpPermissions = {from_far}});
  make_interface_id(subnet_id, "ELB app/web/1");
  run_for(seconds(1));
  EXPECT_TRUE(fabric.policies.at(vpc_id).peer_groups.at(far).addresses.empty());
  const std::string node = make_interface_id(other_subnet, "ELB app/web/2");
  run_for(seconds(1));
  EXPECT_EQ(fabric.policies.at(vpc_id).peer_groups.at(far).addresses,
            std::set<std::string>{*state.network_interfaces.find(node)->PrivateIpAddress});
  must(&Ops::DeleteVpcPeeringConnection, {.VpcPeeringConnectionId = id});
  run_for(seconds(1));
  EXPECT_TRUE(fabric.policies.at(vpc_id).peer_groups.empty());
}

TEST_F(FabricControllerTest, ANodeRemovedWhileTheDaemonWasDownIsRemovedLater) {
  const std::string id = make_interface_id(subnet_id, "ELB app/web/1");
  const std::string address = *state.network_interfaces.find(id)->PrivateIpAddress;
  fabric.vpcs = {vpc_id};
  fabric.nodes = {address};
  ASSERT_TRUE(run_as(service_call, &Ops::DeleteNetworkInterface, {.NetworkInterfaceId = id}));
  sim.loop.clear();  // kill -9
  controller.start();
  run_for(seconds(1));
  EXPECT_TRUE(fabric.nodes.empty());
}

TEST_F(FabricControllerTest, JobsOfOneVpcRunOneAfterTheOther) {
  attach_one();
  attach_one("i-0bbbbbbbbbbbbbbbb");
  int order = 0, first = 0, second = 0;
  controller.ensure_instance(kInstance, [&](const Result<void>&) { first = ++order; });
  controller.ensure_instance("i-0bbbbbbbbbbbbbbbb", [&](const Result<void>&) { second = ++order; });
  run_for(milliseconds(1));
  EXPECT_EQ(std::pair(first, second), std::pair(1, 0));
  run_for(milliseconds(1));
  EXPECT_EQ(std::pair(first, second), std::pair(1, 2));
}

TEST_F(FabricControllerTest, RemovalsRunBesideEachOtherButNothingElseDoes) {
  attach_one();
  attach_one("i-0bbbbbbbbbbbbbbbb");
  int removed = 0, ensured = 0;
  for (const char* id : {kInstance, "i-0bbbbbbbbbbbbbbbb"})
    controller.remove_instance(id, [&](const Result<void>&) { ++removed; });
  controller.ensure_instance(kInstance, [&](const Result<void>&) { ++ensured; });
  controller.remove_instance(kInstance, [&](const Result<void>&) { ++removed; });
  for (const auto& [removals, ensures] : {std::pair(2, 0), std::pair(2, 1), std::pair(3, 1)}) {
    run_for(milliseconds(1));
    EXPECT_EQ(std::pair(removed, ensured), std::pair(removals, ensures));
  }
}

}  // namespace
}  // namespace brume::ec2
