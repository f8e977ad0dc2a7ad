// Whatever is changed, in whatever order, and whatever fails: what is kept from look to look is what the tables say,
// and the fabric comes to it.
#include "services/ec2/wanted_network.h"

#include "net/sim_fabric.h"
#include "services/ec2/fabric_controller.h"
#include "services/ec2/network_fixture.h"
#include "services/ec2/network_interface.h"
#include "services/ec2/vpc_policy.h"
#include "services/ec2/vpc_routing.h"

namespace brume::ec2 {
namespace {

using std::chrono::seconds;
using FabricCall = net::SimFabric::Operation;

class RandomChangesTest : public NetworkTest {
 protected:
  RandomChangesTest() {
    const std::string gateway = *must(&Ops::CreateInternetGateway, {}).InternetGateway->InternetGatewayId;
    must(&Ops::AttachInternetGateway, {.InternetGatewayId = gateway, .VpcId = vpcs[0]});
    for (const std::string& vpc : vpcs) groups.push_back(make_group_id(vpc));
    // With it, rules of one VPC name groups of the other.
    const std::string peering = *must(&Ops::CreateVpcPeeringConnection, {.VpcId = vpcs[0], .PeerVpcId = vpcs[1]})
                                     .VpcPeeringConnection->VpcPeeringConnectionId;
    must(&Ops::AcceptVpcPeeringConnection, {.VpcPeeringConnectionId = peering});
    table = *state.main_route_table(vpcs[0])->RouteTableId;
    acl = *state.default_network_acl(vpcs[0])->NetworkAclId;
  }

  std::size_t below(std::size_t end) { return std::size_t(sim.random.below(end)); }
  const std::string& one_of(const std::vector<std::string>& of) { return of[below(of.size())]; }
  static std::string instance(std::size_t number) { return "i-0000000000000000" + std::to_string(number); }

  // Each instance is in one VPC.
  std::string instance_for(const std::string& interface) {
    const NetworkInterface* record = state.network_interfaces.find(interface);
    return instance(record && record->VpcId == vpcs[1] ? 3 : below(3));
  }

  // Some change, which is refused at times.
  void change() {
    const std::string interface = interfaces.empty() ? "eni-0" : one_of(interfaces);
    const std::string group = one_of(groups);
    switch (below(16)) {
      case 0:
      case 1: {
        const auto made = run_as(below(4) == 0 ? service_call : call, &Ops::CreateNetworkInterface,
                                 {.SubnetId = one_of(subnets),
                                  .Description = below(4) == 0 ? "ELB app/web/1" : "",
                                  .Groups = below(2) == 0 ? List<std::string>{group} : List<std::string>{}});
        if (made) interfaces.push_back(*made->NetworkInterface->NetworkInterfaceId);
        break;
      }
      case 2:
        (void)run_as(service_call, &Ops::DeleteNetworkInterface, {.NetworkInterfaceId = interface});
        break;
      case 3:
      case 4:
        (void)store.transact([&] { return attach(state, interface, instance_for(interface), int(below(2))); });
        break;
      case 5:
        (void)store.transact([&]() -> Result<void> {
          detach(state, interface);
          return below(2) == 0 ? Result<void>() : fail_internal("undone");
        });
        break;
      case 6:
        (void)run(&Ops::ModifyNetworkInterfaceAttribute,
                  {.NetworkInterfaceId = interface, .SourceDestCheck = AttributeBooleanValue{below(2) == 0}});
        break;
      case 7:
        (void)run(&Ops::ModifyNetworkInterfaceAttribute, {.NetworkInterfaceId = interface, .Groups = {group}});
        break;
      case 8:
        if (const auto made =
                run(&Ops::CreateSecurityGroup,
                    {.Description = "more", .GroupName = "g" + std::to_string(below(9)), .VpcId = one_of(vpcs)}))
          groups.push_back(*made->GroupId);
        break;
      case 9:
        (void)run(&Ops::DeleteSecurityGroup, {.GroupId = group});
        break;
      case 10: {
        IpPermission permission{.IpProtocol = "tcp", .FromPort = int(below(3)), .ToPort = 80};
        if (below(2) == 0)
          permission.IpRanges = {{.CidrIp = "10.0.0.0/8"}};
        else
          permission.UserIdGroupPairs = {{.GroupId = one_of(groups)}};
        if (below(3) == 0)
          (void)run(&Ops::RevokeSecurityGroupIngress, {.GroupId = group, .IpPermissions = {permission}});
        else
          (void)run(&Ops::AuthorizeSecurityGroupIngress, {.GroupId = group, .IpPermissions = {permission}});
        break;
      }
      case 11: {
        const auto made = run(&Ops::AllocateAddress, {});
        if (made)
          (void)run(&Ops::AssociateAddress,
                    {.AllocationId = *made->AllocationId, .NetworkInterfaceId = interface, .AllowReassociation = true});
        break;
      }
      case 12: {
        std::vector<std::string> associations;
        for (const auto& [id, record] : state.network_interfaces.rows())
          if (record.Association && record.Association->AssociationId)
            associations.push_back(*record.Association->AssociationId);
        if (!associations.empty()) (void)run(&Ops::DisassociateAddress, {.AssociationId = one_of(associations)});
        break;
      }
      case 13: {
        const std::string destination = "192.168." + std::to_string(below(3)) + ".0/24";
        if (below(2) == 0)
          (void)run(&Ops::CreateRoute,
                    {.RouteTableId = table, .DestinationCidrBlock = destination, .NetworkInterfaceId = interface});
        else
          (void)run(&Ops::DeleteRoute, {.RouteTableId = table, .DestinationCidrBlock = destination});
        break;
      }
      case 14:
        if (below(2) == 0)
          (void)run(&Ops::CreateNetworkAclEntry, {.NetworkAclId = acl,
                                                  .RuleNumber = int(below(4)) + 1,
                                                  .Protocol = "-1",
                                                  .RuleAction = "deny",
                                                  .Egress = false,
                                                  .CidrBlock = "10.0.2.0/24"});
        else
          (void)run(&Ops::DeleteNetworkAclEntry,
                    {.NetworkAclId = acl, .RuleNumber = int(below(4)) + 1, .Egress = false});
        break;
      default: {
        const std::string cidr = "10.0." + std::to_string(3 + below(20)) + ".0/24";
        if (const auto made = run(&Ops::CreateSubnet, {.CidrBlock = cidr, .VpcId = vpcs[0]}); made && below(2) == 0)
          subnets.push_back(*made->Subnet->SubnetId);
      }
    }
  }

  std::vector<std::string> vpcs = {make_vpc_id(), make_vpc_id("10.1.0.0/16")};
  std::vector<std::string> subnets = {make_subnet_id(vpcs[0], "10.0.1.0/24"), make_subnet_id(vpcs[0], "10.0.2.0/24"),
                                      make_subnet_id(vpcs[1], "10.1.1.0/24")};
  std::vector<std::string> interfaces, groups;
  std::string table, acl;
};

TEST_F(RandomChangesTest, ALookIsWhatTheTablesSay) {
  WantedNetwork wanted(state);
  for (int round = 0; round < 1500; ++round) {
    change();
    const std::string& vpc = one_of(vpcs);
    const WantedVpc now = wanted.look(vpc);
    ASSERT_TRUE(now.exists);
    const net::Policy policy = policy_of(state, vpc);
    ASSERT_TRUE(now.policy.interfaces == policy.interfaces) << "round " << round;
    if (policy.interfaces.empty()) continue;
    ASSERT_TRUE(now.policy == policy) << "round " << round;
    net::Routing routing = routing_of(state, vpc);
    if (!is_used(state, vpc == vpcs[0] ? vpcs[1] : vpcs[0])) routing.peerings.clear();
    ASSERT_TRUE(now.routing == routing) << "round " << round;
    ASSERT_EQ(now.nodes.size(), state.children(vpc).size()) << "round " << round;
  }
}

TEST_F(RandomChangesTest, WhatIsAlikeIsShared) {
  store.transact([&] { return attach(state, make_interface_id(subnets[0]), instance(0), 0); }).value();
  WantedNetwork wanted(state);
  const WantedVpc before = wanted.look(vpcs[0]);
  EXPECT_EQ(wanted.take_touched(vpcs[0]), std::set<std::string>{instance(0)});
  store.transact([&] { return attach(state, make_interface_id(subnets[0]), instance(1), 0); }).value();
  const WantedVpc after = wanted.look(vpcs[0]);
  EXPECT_EQ(wanted.take_touched(vpcs[0]), std::set<std::string>{instance(1)});
  EXPECT_TRUE(wanted.take_touched(vpcs[0]).empty());
  EXPECT_EQ(after.policy.interfaces.size(), 2U);
  for (const auto& [id, interface] : before.policy.interfaces) EXPECT_EQ(after.policy.interfaces.get(id), &interface);
  for (const auto& [id, group] : before.policy.groups) EXPECT_EQ(after.policy.groups.get(id), &group);
}

TEST_F(RandomChangesTest, TheFabricComesToItWhateverFails) {
  net::SimFabric fabric;
  FabricController controller(state, fabric);
  controller.start();
  // Something is in both all the while.
  for (const std::string& subnet : {subnets[0], subnets[2]})
    store.transact([&] { return attach(state, make_interface_id(subnet), "i-in-" + subnet, 0); }).value();
  std::set<std::string> there;
  std::map<std::string, int> wishes;  // how often it was wished to be there or not
  for (int round = 0; round < 300; ++round) {
    for (std::size_t changes = below(6); changes > 0; --changes) change();
    const std::string which = instance(below(4));
    const bool has_interfaces = !interfaces_of(state, which).empty();
    const auto remove = [&controller, &there, &wishes](const std::string& id) {
      ++wishes[id];
      there.erase(id);
      controller.remove_instance(id, [](const Result<void>&) {});
    };
    if (has_interfaces && below(4) == 0) {
      remove(which);
    } else if (has_interfaces && below(2) == 0) {
      const int wish = ++wishes[which];
      controller.ensure_instance(which, [&there, &wishes, remove, which, wish](const Result<void>& result) {
        if (wishes[which] != wish) return;
        if (result)
          there.insert(which);
        else
          remove(which);
      });
    }
    if (below(2) == 0)
      for (const auto operation : {FabricCall::enforce, FabricCall::route, FabricCall::ensure_interface,
                                   FabricCall::remove_interface, FabricCall::ensure_node, FabricCall::remove_node})
        if (below(3) == 0) fabric.fail_next(operation, {"InternalFailure", "on request"});
    sim.loop.run_for(seconds(below(3)));
    if (below(4) != 0) continue;
    sim.loop.run_for(seconds(300));  // every failure has been met, and tried again
    std::map<std::string, net::InterfaceSpec> specs;
    for (const std::string& id : there)
      for (const auto& [interface, spec] : interface_specs(state, id)) specs.emplace(interface, spec);
    for (const auto& [id, spec] : specs) ASSERT_EQ(fabric.interfaces().count(id), 1U) << "round " << round;
    ASSERT_TRUE(fabric.interfaces() == specs) << "round " << round;
    std::size_t nodes = 0;
    for (const std::string& vpc : vpcs) {
      nodes += state.children(vpc).size();
      const net::Policy policy = policy_of(state, vpc);
      if (policy.interfaces.empty()) continue;
      ASSERT_TRUE(fabric.policies().at(vpc) == policy) << "round " << round;
      ASSERT_TRUE(fabric.routings().at(vpc) == routing_of(state, vpc)) << "round " << round;
    }
    ASSERT_EQ(fabric.nodes().size(), nodes) << "round " << round;
  }
}

}  // namespace
}  // namespace brume::ec2
