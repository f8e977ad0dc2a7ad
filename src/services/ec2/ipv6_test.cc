// IPv6 ranges, addresses and egress-only gateways: the API, and what the fabric is told of them.
#include <algorithm>
#include <set>

#include "services/ec2/instances_testing.h"
#include "services/ec2/network_fixture.h"
#include "services/ec2/vpc_policy.h"
#include "services/ec2/vpc_routing.h"
#include "services/ec2/way_out.h"

namespace brume::ec2 {
namespace {

class Ipv6Test : public NetworkTest {
 protected:
  std::string make_ipv6_vpc(const std::string& cidr = "10.0.0.0/16") {
    return *must(&Ops::CreateVpc, {.CidrBlock = cidr, .AmazonProvidedIpv6CidrBlock = true}).Vpc->VpcId;
  }
  std::string block_of(const std::string& vpc) {
    return *state.vpcs.find(vpc)->vpc.Ipv6CidrBlockAssociationSet[0].Ipv6CidrBlock;
  }
  // The VPC's range with the number of a subnet, as "fd….:xx05::".
  std::string prefix(const std::string& vpc, int subnet) {
    const std::string block = block_of(vpc);  // fd….:xx00::/56
    return fmt::format("{}{:02x}::", block.substr(0, block.size() - 7), subnet);
  }
  std::string make_ipv6_subnet(const std::string& vpc, int number) {
    return *must(&Ops::CreateSubnet, {.CidrBlock = fmt::format("10.0.{}.0/24", number),
                                      .Ipv6CidrBlock = prefix(vpc, number) + "/64",
                                      .VpcId = vpc})
                .Subnet->SubnetId;
  }
  NetworkInterface interface(const std::string& id) {
    return must(&Ops::DescribeNetworkInterfaces, {.NetworkInterfaceIds = {id}}).NetworkInterfaces[0];
  }
};

TEST_F(Ipv6Test, AVpcsBlockComesWithRoutesRulesAndEntries) {
  const Vpc made = *must(&Ops::CreateVpc, {.CidrBlock = "10.0.0.0/16", .AmazonProvidedIpv6CidrBlock = true}).Vpc;
  const VpcIpv6CidrBlockAssociation& association = made.Ipv6CidrBlockAssociationSet[0];
  EXPECT_EQ(association.Ipv6CidrBlockState->State, "associating");
  EXPECT_EQ(association.Ipv6Pool, "Amazon");
  EXPECT_TRUE(association.Ipv6CidrBlock->starts_with("fd") && association.Ipv6CidrBlock->ends_with("00::/56"))
      << *association.Ipv6CidrBlock;
  const std::string id = *made.VpcId, block = *association.Ipv6CidrBlock;
  const auto shown =
      must(&Ops::DescribeVpcs, {.Filters = filter("ipv6-cidr-block-association.ipv6-cidr-block", block)});
  ASSERT_EQ(shown.Vpcs.size(), 1U);
  EXPECT_EQ(shown.Vpcs[0].Ipv6CidrBlockAssociationSet[0].Ipv6CidrBlockState->State, "associated");

  const auto local = [&](const RouteTable& table) {
    return std::ranges::count_if(
        table.Routes, [&](const Route& r) { return r.DestinationIpv6CidrBlock == block && r.GatewayId == "local"; });
  };
  EXPECT_EQ(local(*state.main_route_table(id)), 1);
  EXPECT_EQ(local(*must(&Ops::CreateRouteTable, {.VpcId = id}).RouteTable), 1);
  std::vector<std::string> entries;
  for (const NetworkAclEntry& entry : state.default_network_acl(id)->Entries)
    if (entry.Ipv6CidrBlock)
      entries.push_back(fmt::format("{} {} {}", *entry.RuleNumber, *entry.RuleAction, *entry.Egress ? "out" : "in"));
  EXPECT_EQ(entries, (std::vector<std::string>{"101 allow out", "101 allow in", "32768 deny out", "32768 deny in"}));
  EXPECT_EQ(must(&Ops::CreateNetworkAcl, {.VpcId = id}).NetworkAcl->Entries.size(), 4U);
  for (const std::string& group : {*state.group_by_name(id, "default")->GroupId, make_group_id(id)}) {
    const auto rules = state.rules_of(group);
    EXPECT_TRUE(std::ranges::any_of(rules, [](const auto* r) { return *r->IsEgress && r->CidrIpv6 == "::/0"; }));
  }
}

TEST_F(Ipv6Test, BlocksOfAMachineLieInOnePrefixAndApart) {
  std::set<std::string> blocks, prefixes;
  const std::string vpc = make_vpc_id();
  for (int i = 0; i < 5; ++i) {
    const auto made = must(&Ops::AssociateVpcCidrBlock, {.VpcId = vpc, .AmazonProvidedIpv6CidrBlock = true});
    blocks.insert(*made.Ipv6CidrBlockAssociation->Ipv6CidrBlock);
    prefixes.insert(made.Ipv6CidrBlockAssociation->Ipv6CidrBlock->substr(0, 14));
  }
  EXPECT_EQ(blocks.size(), 5U);
  EXPECT_EQ(prefixes.size(), 1U);
  EXPECT_EQ(code(&Ops::AssociateVpcCidrBlock, {.VpcId = vpc, .AmazonProvidedIpv6CidrBlock = true}),
            "CidrLimitExceeded");
  EXPECT_EQ(code(&Ops::AssociateVpcCidrBlock, {.VpcId = vpc}), "MissingParameter");
  EXPECT_EQ(code(&Ops::AssociateVpcCidrBlock, {.CidrBlock = "10.1.0.0/16", .VpcId = vpc}), "UnsupportedOperation");
  EXPECT_EQ(code(&Ops::AssociateVpcCidrBlock, {.VpcId = "vpc-0123456789abcdef0", .AmazonProvidedIpv6CidrBlock = true}),
            "InvalidVpcID.NotFound");
}

TEST_F(Ipv6Test, AMachineWithoutIpv6SaysSo) {
  state.ipv6 = false;
  const auto refused = run(&Ops::CreateVpc, {.CidrBlock = "10.0.0.0/16", .AmazonProvidedIpv6CidrBlock = true});
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().message, "The kernel of this machine has no IPv6.");
  EXPECT_EQ(code(&Ops::AssociateVpcCidrBlock, {.VpcId = make_vpc_id(), .AmazonProvidedIpv6CidrBlock = true}),
            "UnsupportedOperation");
}

TEST_F(Ipv6Test, ABlockInUseStaysAndAFreeOneGoes) {
  const std::string vpc = make_ipv6_vpc(), subnet = make_ipv6_subnet(vpc, 1);
  const std::string of_vpc = *state.vpcs.find(vpc)->vpc.Ipv6CidrBlockAssociationSet[0].AssociationId;
  const std::string of_subnet = *state.subnets.find(subnet)->Ipv6CidrBlockAssociationSet[0].AssociationId;
  const std::string interface = *must(&Ops::CreateNetworkInterface, {.SubnetId = subnet, .Ipv6AddressCount = 1})
                                     .NetworkInterface->NetworkInterfaceId;
  EXPECT_EQ(code(&Ops::DisassociateVpcCidrBlock, {.AssociationId = of_vpc}), "InvalidCidrBlock.InUse");
  EXPECT_EQ(code(&Ops::DisassociateSubnetCidrBlock, {.AssociationId = of_subnet}), "InvalidCidrBlock.InUse");
  must(&Ops::DeleteNetworkInterface, {.NetworkInterfaceId = interface});
  EXPECT_EQ(state.addresses.size(), 0U);
  EXPECT_EQ(must(&Ops::DisassociateSubnetCidrBlock, {.AssociationId = of_subnet})
                .Ipv6CidrBlockAssociation->Ipv6CidrBlockState->State,
            "disassociating");
  EXPECT_EQ(must(&Ops::DisassociateVpcCidrBlock, {.AssociationId = of_vpc}).VpcId, vpc);
  EXPECT_EQ(routing_of(state, vpc).cidrs, std::vector<std::string>{"10.0.0.0/16"});
  EXPECT_EQ(state.main_route_table(vpc)->Routes.size(), 1U);
  EXPECT_EQ(code(&Ops::DisassociateVpcCidrBlock, {.AssociationId = of_vpc}),
            "InvalidVpcCidrBlockAssociationID.NotFound");
  EXPECT_EQ(code(&Ops::DisassociateSubnetCidrBlock, {.AssociationId = of_subnet}),
            "InvalidSubnetCidrBlockAssociationID.NotFound");
  EXPECT_EQ(code(&Ops::DisassociateVpcCidrBlock,
                 {.AssociationId = state.vpcs.find(vpc)->vpc.CidrBlockAssociationSet[0].AssociationId}),
            "OperationNotPermitted");
}

TEST_F(Ipv6Test, SubnetBlocksByTable) {
  const std::string vpc = make_ipv6_vpc(), plain = make_subnet_id(vpc, "10.0.200.0/24");
  make_ipv6_subnet(vpc, 1);
  const struct {
    std::string block, code;
  } cases[] = {
      {prefix(vpc, 1) + "/64", "InvalidSubnet.Conflict"},
      {prefix(vpc, 2) + "/63", "InvalidSubnet.Range"},
      {block_of(vpc), "InvalidSubnet.Range"},
      {"fd00:1:2:3::/64", "InvalidSubnet.Range"},
      {"10.0.0.0/24", "InvalidParameterValue"},
      {prefix(vpc, 2), "InvalidParameterValue"},
      {prefix(vpc, 2) + "5/64", "ok"},
      {prefix(vpc, 3) + "/64", "CidrLimitExceeded"},
  };
  for (const auto& c : cases)
    EXPECT_EQ(code(&Ops::AssociateSubnetCidrBlock, {.SubnetId = plain, .Ipv6CidrBlock = c.block}), c.code) << c.block;
  EXPECT_EQ(state.subnets.find(plain)->Ipv6CidrBlockAssociationSet[0].Ipv6CidrBlock, prefix(vpc, 2) + "/64");
  EXPECT_EQ(
      code(&Ops::CreateSubnet, {.CidrBlock = "10.0.9.0/24", .Ipv6CidrBlock = prefix(vpc, 1) + "/64", .VpcId = vpc}),
      "InvalidSubnet.Conflict");
  EXPECT_EQ(must(&Ops::DescribeSubnets,
                 {.Filters = filter("ipv6-cidr-block-association.ipv6-cidr-block", prefix(vpc, 1) + "/64")})
                .Subnets.size(),
            1U);
}

TEST_F(Ipv6Test, ChosenAddressesByTable) {
  const std::string vpc = make_ipv6_vpc(), subnet = make_ipv6_subnet(vpc, 1), p = prefix(vpc, 1);
  const struct {
    std::string address, code;
  } cases[] = {{p + "7", "ok"},
               {p + "7", "InvalidIPAddress.InUse"},
               {p + "0:7", "InvalidIPAddress.InUse"},
               {p + "3", "InvalidParameterValue"},
               {p + "ffff:ffff:ffff:ffff", "InvalidParameterValue"},
               {p + "4", "ok"},
               {prefix(vpc, 2) + "7", "InvalidParameterValue"},
               {"10.0.1.7", "InvalidParameterValue"},
               {"x", "InvalidParameterValue"}};
  for (const auto& c : cases) {
    std::string text = c.address;
    if (const auto all = text.find("::ffff"); all != std::string::npos) text.replace(all, 2, ":");
    EXPECT_EQ(code(&Ops::CreateNetworkInterface, {.SubnetId = subnet, .Ipv6Addresses = {{.Ipv6Address = text}}}),
              c.code)
        << text;
  }
  EXPECT_EQ(code(&Ops::CreateNetworkInterface, {.SubnetId = subnet, .Ipv6AddressCount = 51}),
            "PrivateIpAddressLimitExceeded");
  EXPECT_EQ(code(&Ops::CreateNetworkInterface, {.SubnetId = make_subnet_id(vpc, "10.0.7.0/24"), .Ipv6AddressCount = 1}),
            "InvalidParameterValue");
  EXPECT_EQ(code(&Ops::CreateNetworkInterface,
                 {.SubnetId = subnet, .Ipv6Addresses = {{.Ipv6Address = p + "9"}}, .Ipv6AddressCount = 1}),
            "InvalidParameterCombination");
}

TEST_F(Ipv6Test, AddressesComeAndGo) {
  const std::string vpc = make_ipv6_vpc(), subnet = make_ipv6_subnet(vpc, 1), p = prefix(vpc, 1);
  const std::string id = make_interface_id(subnet);
  EXPECT_TRUE(interface(id).Ipv6Addresses.empty());
  const auto two = must(&Ops::AssignIpv6Addresses, {.NetworkInterfaceId = id, .Ipv6AddressCount = 2});
  EXPECT_EQ(two.AssignedIpv6Addresses.size(), 2U);
  EXPECT_NE(two.AssignedIpv6Addresses[0], two.AssignedIpv6Addresses[1]);
  must(&Ops::AssignIpv6Addresses, {.NetworkInterfaceId = id, .Ipv6Addresses = {p + "7"}});
  EXPECT_EQ(interface(id).Ipv6Addresses.size(), 3U);
  EXPECT_EQ(must(&Ops::DescribeNetworkInterfaces, {.Filters = filter("ipv6-addresses.ipv6-address", p + "7")})
                .NetworkInterfaces.size(),
            1U);
  EXPECT_EQ(
      code(&Ops::AssignIpv6Addresses, {.NetworkInterfaceId = make_interface_id(subnet), .Ipv6Addresses = {p + "7"}}),
      "InvalidIPAddress.InUse");
  EXPECT_EQ(code(&Ops::AssignIpv6Addresses, {.NetworkInterfaceId = id, .Ipv6AddressCount = 48}),
            "PrivateIpAddressLimitExceeded");
  EXPECT_EQ(code(&Ops::AssignIpv6Addresses, {.NetworkInterfaceId = id}), "MissingParameter");
  EXPECT_EQ(code(&Ops::UnassignIpv6Addresses, {.NetworkInterfaceId = id, .Ipv6Addresses = {p + "8"}}),
            "InvalidParameterValue");
  EXPECT_EQ(must(&Ops::UnassignIpv6Addresses, {.NetworkInterfaceId = id, .Ipv6Addresses = {p + "0:0:7"}})
                .UnassignedIpv6Addresses,
            (List<std::string>{p + "7"}));
  EXPECT_EQ(interface(id).Ipv6Addresses.size(), 2U);
  must(&Ops::AssignIpv6Addresses, {.NetworkInterfaceId = make_interface_id(subnet), .Ipv6Addresses = {p + "7"}});
}

TEST_F(Ipv6Test, TheSubnetsSettingGivesOneButNotToNodes) {
  const std::string vpc = make_ipv6_vpc(), subnet = make_ipv6_subnet(vpc, 1);
  EXPECT_EQ(code(&Ops::ModifySubnetAttribute, {.AssignIpv6AddressOnCreation = AttributeBooleanValue{true},
                                               .SubnetId = make_subnet_id(vpc, "10.0.7.0/24")}),
            "InvalidParameterValue");
  must(&Ops::ModifySubnetAttribute, {.AssignIpv6AddressOnCreation = AttributeBooleanValue{true}, .SubnetId = subnet});
  EXPECT_EQ(interface(make_interface_id(subnet)).Ipv6Addresses.size(), 1U);
  EXPECT_EQ(must(&Ops::CreateNetworkInterface, {.SubnetId = subnet, .Ipv6AddressCount = 0})
                .NetworkInterface->Ipv6Addresses.size(),
            0U);
  EXPECT_EQ(interface(make_interface_id(subnet, "ELB app/web/0123456789abcdef")).Ipv6Addresses.size(), 0U);
}

TEST_F(Ipv6Test, AnEgressOnlyGateway) {
  const std::string vpc = make_ipv6_vpc(), subnet = make_ipv6_subnet(vpc, 1);
  const std::string table = *state.main_route_table(vpc)->RouteTableId;
  const std::string id = *must(&Ops::CreateEgressOnlyInternetGateway, {.VpcId = vpc})
                              .EgressOnlyInternetGateway->EgressOnlyInternetGatewayId;
  EXPECT_EQ(must(&Ops::DescribeEgressOnlyInternetGateways, {.EgressOnlyInternetGatewayIds = {id}})
                .EgressOnlyInternetGateways[0]
                .Attachments[0]
                .State,
            "attached");
  EXPECT_EQ(code(&Ops::CreateRoute,
                 {.RouteTableId = table, .DestinationCidrBlock = "0.0.0.0/0", .EgressOnlyInternetGatewayId = id}),
            "InvalidParameterValue");
  EXPECT_EQ(code(&Ops::CreateRoute, {.RouteTableId = table,
                                     .DestinationIpv6CidrBlock = prefix(vpc, 9) + "/64",
                                     .EgressOnlyInternetGatewayId = id}),
            "InvalidParameterValue");
  EXPECT_EQ(code(&Ops::CreateRoute, {.RouteTableId = table,
                                     .DestinationIpv6CidrBlock = "::/0",
                                     .EgressOnlyInternetGatewayId = "eigw-0123456789abcdef0"}),
            "InvalidGatewayID.NotFound");
  EXPECT_EQ(code(&Ops::CreateRoute, {.RouteTableId = *state.main_route_table(make_vpc_id("10.5.0.0/16"))->RouteTableId,
                                     .DestinationIpv6CidrBlock = "::/0",
                                     .EgressOnlyInternetGatewayId = id}),
            "InvalidParameterValue");
  must(&Ops::CreateRoute,
       {.RouteTableId = table, .DestinationIpv6CidrBlock = "::/0", .EgressOnlyInternetGatewayId = id});
  const auto route = [&] { return routing_of(state, vpc).route_tables.at(table).back(); };
  EXPECT_EQ(route(), (net::Route{"::/0", net::RouteTarget::egress_only_gateway, id}));
  EXPECT_EQ(routing_of(state, vpc).subnet_route_tables.at(prefix(vpc, 1) + "/64"), table);
  const std::string with = *must(&Ops::CreateNetworkInterface, {.SubnetId = subnet, .Ipv6AddressCount = 1})
                                .NetworkInterface->NetworkInterfaceId;
  const auto leads_out = [&](const std::string& interface_id) {
    const NetworkInterface& record = *state.network_interfaces.find(interface_id);
    return has_way_out(state, record, *record.PrivateIpAddress);
  };
  EXPECT_TRUE(leads_out(with));
  EXPECT_FALSE(leads_out(make_interface_id(subnet)));
  must(&Ops::DeleteEgressOnlyInternetGateway, {.EgressOnlyInternetGatewayId = id});
  EXPECT_EQ(route(), (net::Route{"::/0", net::RouteTarget::blackhole, ""}));
  EXPECT_FALSE(leads_out(with));
  EXPECT_EQ(code(&Ops::DeleteEgressOnlyInternetGateway, {.EgressOnlyInternetGatewayId = id}),
            "InvalidEgressOnlyInternetGatewayId.NotFound");
}

TEST_F(Ipv6Test, AVpcWithAnEgressOnlyGatewayStays) {
  const std::string vpc = make_ipv6_vpc();
  const std::string id = *must(&Ops::CreateEgressOnlyInternetGateway, {.VpcId = vpc})
                              .EgressOnlyInternetGateway->EgressOnlyInternetGatewayId;
  EXPECT_EQ(code(&Ops::DeleteVpc, {.VpcId = vpc}), "DependencyViolation");
  must(&Ops::DeleteEgressOnlyInternetGateway, {.EgressOnlyInternetGatewayId = id});
  must(&Ops::DeleteVpc, {.VpcId = vpc});
}

// An instance's addresses reach the fabric at the launch and while it runs.
class Ipv6Launches : public testing::Region {
 protected:
  template <typename Answer, typename Owner, typename Request>
  Answer must(Result<Answer> (Owner::*operation)(const aws::Call&, const Request&), const Request& request) {
    auto made = call(operation, request);
    EXPECT_TRUE(made) << made.error().code << ": " << made.error().message;
    return made ? *std::move(made) : Answer{};
  }
};

TEST_F(Ipv6Launches, FromTheLaunchToTheFabric) {
  const Vpc vpc =
      *must(&Api::CreateVpc, CreateVpcRequest{.CidrBlock = "10.0.0.0/16", .AmazonProvidedIpv6CidrBlock = true}).Vpc;
  const std::string block = *vpc.Ipv6CidrBlockAssociationSet[0].Ipv6CidrBlock;
  const std::string subnet_block = block.substr(0, block.size() - 2) + "64";
  const std::string address = block.substr(0, block.size() - 3) + "7";
  const std::string subnet =
      *must(&Api::CreateSubnet,
            CreateSubnetRequest{.CidrBlock = "10.0.1.0/24", .Ipv6CidrBlock = subnet_block, .VpcId = vpc.VpcId})
           .Subnet->SubnetId;
  RunInstancesRequest request = launch_of(make_image());
  request.SubnetId = subnet;
  request.Ipv6Addresses = {{.Ipv6Address = address}};
  const std::string id = launch(request);
  run_for(std::chrono::seconds(1));
  EXPECT_EQ(shown(id).Ipv6Address, address);
  EXPECT_EQ(shown(id).NetworkInterfaces.at(0).Ipv6Addresses.at(0).Ipv6Address, address);
  for (const char* name : {"ipv6-address", "network-interface.ipv6-addresses.ipv6-address"})
    EXPECT_EQ(
        must(&Api::DescribeInstances, DescribeInstancesRequest{.Filters = {Filter{.Name = name, .Values = {address}}}})
            .Reservations.size(),
        1U)
        << name;
  const std::string interface = *shown(id).NetworkInterfaces.at(0).NetworkInterfaceId;
  EXPECT_EQ(fabric.interfaces().at(interface).ipv6_addresses, std::vector<std::string>{address});
  EXPECT_EQ(fabric.interfaces().at(interface).ipv6_cidr, subnet_block);
  EXPECT_EQ(fabric.vpcs().at(*vpc.VpcId).subnet_ipv6_cidrs, std::vector<std::string>{subnet_block});
  EXPECT_EQ(fabric.policies().at(*vpc.VpcId).interfaces.at(interface).addresses.back(), address);
  EXPECT_EQ(fabric.routings().at(*vpc.VpcId).cidrs.back(), block);
  must(&Api::AssignIpv6Addresses, AssignIpv6AddressesRequest{.NetworkInterfaceId = interface, .Ipv6AddressCount = 1});
  run_for(std::chrono::seconds(1));
  EXPECT_EQ(fabric.interfaces().at(interface).ipv6_addresses.size(), 2U);
  must(&Api::UnassignIpv6Addresses,
       UnassignIpv6AddressesRequest{.NetworkInterfaceId = interface, .Ipv6Addresses = {address}});
  run_for(std::chrono::seconds(1));
  EXPECT_EQ(fabric.interfaces().at(interface).ipv6_addresses.size(), 1U);
  EXPECT_NE(shown(id).Ipv6Address, address);
  const auto view = plane->api.find_by_address(*vpc.VpcId, *shown(id).PrivateIpAddress);
  ASSERT_TRUE(view);
  EXPECT_EQ(view->subnets.at(subnet).ipv6_cidrs, std::vector<std::string>{subnet_block});
  EXPECT_EQ(view->vpc_ipv6_cidrs, std::vector<std::string>{block});

  request = launch_of(make_image(), 2);
  request.NetworkInterfaces.push_back({.DeviceIndex = 0, .Ipv6AddressCount = 2, .SubnetId = subnet});
  launch(request);
  request.NetworkInterfaces[0].Ipv6AddressCount.reset();
  request.NetworkInterfaces[0].Ipv6Addresses = {{.Ipv6Address = address}};
  EXPECT_EQ(code(call(&Api::RunInstances, request)), "InvalidParameterCombination") << "one address, two instances";
  request.Ipv6AddressCount = 1;
  EXPECT_EQ(code(call(&Api::RunInstances, request)), "InvalidParameterCombination") << "on both levels";
}

}  // namespace
}  // namespace brume::ec2
