// VPCs, subnets, gateways, route tables and ACLs.
#include "services/ec2/network_fixture.h"
#include "services/ec2/network_interface.h"

namespace brume::ec2 {
namespace {

TEST_F(NetworkTest, FirstStartMakesTheDefaultVpcOnce) {
  const auto vpcs = must(&Ops::DescribeVpcs, {.Filters = filter("is-default", "true")}).Vpcs;
  ASSERT_EQ(vpcs.size(), 1U);
  EXPECT_EQ(vpcs[0].CidrBlock, "172.31.0.0/16");
  const auto subnets = must(&Ops::DescribeSubnets, {.Filters = filter("vpc-id", *vpcs[0].VpcId)}).Subnets;
  ASSERT_EQ(subnets.size(), 3U);
  for (const Subnet& subnet : subnets) {
    EXPECT_EQ(subnet.AvailableIpAddressCount, 4091);
    EXPECT_EQ(subnet.MapPublicIpOnLaunch, true);
    EXPECT_EQ(subnet.DefaultForAz, true);
  }
  const auto tables = must(&Ops::DescribeRouteTables, {.Filters = filter("association.main", "true")}).RouteTables;
  ASSERT_EQ(tables.size(), 1U);
  EXPECT_EQ(tables[0].Routes.size(), 2U);
  EXPECT_EQ(code(&Ops::CreateDefaultVpc, {}), "DefaultVpcAlreadyExists");
}

TEST(NetworkRestart, KeepsWhatWasAcknowledgedAndADeletedDefaultVpcStaysDeleted) {
  store::MemoryBackend disk;
  std::string vpc_id;
  {
    World world(&disk);
    vpc_id = *world.store.transact([&] { return world.api.CreateVpc(world.call, {.CidrBlock = "10.0.0.0/16"}); })
                  ->Vpc->VpcId;
    world.store
        .transact([&]() -> Result<void> {
          const std::string id = *world.state.default_vpc()->vpc.VpcId;
          for (const Subnet* subnet : world.state.subnets_of(id))
            BRUME_CHECK(world.api.DeleteSubnet(world.call, {.SubnetId = subnet->SubnetId}));
          const std::string gateway = *world.state.internet_gateway_of(id)->InternetGatewayId;
          BRUME_CHECK(world.api.DetachInternetGateway(world.call, {.InternetGatewayId = gateway, .VpcId = id}));
          BRUME_CHECK(world.api.DeleteInternetGateway(world.call, {.InternetGatewayId = gateway}));
          return world.api.DeleteVpc(world.call, {.VpcId = id});
        })
        .value();
  }
  World world(&disk);
  EXPECT_EQ(world.state.default_vpc(), nullptr);
  ASSERT_EQ(world.state.vpcs.size(), 1U);
  EXPECT_TRUE(world.state.vpcs.contains(vpc_id));
}

TEST_F(NetworkTest, CreateVpcChecksItsRange) {
  const struct {
    const char *cidr, *code;
  } cases[] = {
      {"10.0.0.0/16", "ok"},
      {"10.0.0.0/28", "ok"},
      {"10.0.0.0/15", "InvalidVpc.Range"},
      {"127.0.0.0/16", "InvalidVpc.Range"},
      {"169.254.0.0/16", "InvalidVpc.Range"},
      {"239.0.0.0/24", "InvalidVpc.Range"},
      {"10.0.0.0/29", "InvalidVpc.Range"},
      {"10.0.0.0", "InvalidParameterValue"},
      {"no", "InvalidParameterValue"},
  };
  for (const auto& c : cases) EXPECT_EQ(code(&Ops::CreateVpc, {.CidrBlock = c.cidr}), c.code) << c.cidr;
  EXPECT_EQ(code(&Ops::CreateVpc, {}), "MissingParameter");
  const auto vpc = *must(&Ops::CreateVpc, {.CidrBlock = "10.9.8.7/16"}).Vpc;
  EXPECT_EQ(vpc.CidrBlock, "10.9.0.0/16");
  EXPECT_EQ(vpc.State, "pending");
  EXPECT_EQ(must(&Ops::DescribeVpcs, {.VpcIds = {*vpc.VpcId}}).Vpcs[0].State, "available");
  EXPECT_EQ(run(&Ops::CreateVpc, {.CidrBlock = "10.0.0.0/16", .Ipv6CidrBlock = "2001:db8::/56"}).error().status, 501);
}

TEST_F(NetworkTest, VpcAttributes) {
  const std::string id = make_vpc_id();
  const auto get = [&](const std::string& name) {
    return must(&Ops::DescribeVpcAttribute, {.Attribute = name, .VpcId = id});
  };
  EXPECT_EQ(get("enableDnsSupport").EnableDnsSupport->Value, true);
  EXPECT_EQ(get("enableDnsHostnames").EnableDnsHostnames->Value, false);
  EXPECT_EQ(get("enableNetworkAddressUsageMetrics").EnableNetworkAddressUsageMetrics->Value, false);
  must(&Ops::ModifyVpcAttribute, {.EnableDnsHostnames = AttributeBooleanValue{true}, .VpcId = id});
  EXPECT_EQ(get("enableDnsHostnames").EnableDnsHostnames->Value, true);
  EXPECT_EQ(code(&Ops::ModifyVpcAttribute, {.VpcId = id}), "InvalidParameterCombination");
}

TEST_F(NetworkTest, UnknownAndMalformedIds) {
  EXPECT_EQ(code(&Ops::DescribeVpcs, {.VpcIds = {"vpc-00000000000000000"}}), "InvalidVpcID.NotFound");
  EXPECT_EQ(code(&Ops::DescribeVpcs, {.VpcIds = {"vpc-x"}}), "InvalidVpcID.Malformed");
  EXPECT_EQ(code(&Ops::DeleteSubnet, {.SubnetId = "subnet-12345678"}), "InvalidSubnetID.NotFound");
  EXPECT_EQ(code(&Ops::DeleteRouteTable, {.RouteTableId = "rtb-12345678"}), "InvalidRouteTableID.NotFound");
  EXPECT_EQ(code(&Ops::DeleteInternetGateway, {.InternetGatewayId = "igw-12345678"}),
            "InvalidInternetGatewayID.NotFound");
  EXPECT_EQ(code(&Ops::DeleteNetworkAcl, {.NetworkAclId = "acl-12345678"}), "InvalidNetworkAclID.NotFound");
  EXPECT_EQ(code(&Ops::DeleteSecurityGroup, {.GroupId = "sg-12345678"}), "InvalidGroup.NotFound");
  EXPECT_EQ(code(&Ops::DeleteNetworkInterface, {.NetworkInterfaceId = "eni-12345678"}),
            "InvalidNetworkInterfaceID.NotFound");
  EXPECT_EQ(run(&Ops::DeleteVpc, {.VpcId = "vpc-12345678"}).error().message,
            "The vpc ID 'vpc-12345678' does not exist");
}

TEST_F(NetworkTest, SubnetsAreInTheVpcAndApart) {
  const std::string vpc_id = make_vpc_id();
  make_subnet_id(vpc_id, "10.0.101.0/24");
  const struct {
    const char *cidr, *zone, *code;
  } cases[] = {
      {"10.0.101.0/24", "ap-southeast-1a", "InvalidSubnet.Conflict"},
      {"10.0.101.128/25", "ap-southeast-1b", "InvalidSubnet.Conflict"},
      {"10.0.0.0/16", "ap-southeast-1b", "InvalidSubnet.Conflict"},
      {"10.1.0.0/24", "ap-southeast-1b", "InvalidSubnet.Range"},
      {"10.0.102.0/29", "ap-southeast-1b", "InvalidSubnet.Range"},
      {"10.0.102", "ap-southeast-1b", "InvalidParameterValue"},
      {"10.0.102.0/24", "ap-southeast-1x", "InvalidParameterValue"},
      {"10.0.102.0/24", "ap-southeast-1b", "ok"},
  };
  for (const auto& c : cases)
    EXPECT_EQ(code(&Ops::CreateSubnet, {.AvailabilityZone = c.zone, .CidrBlock = c.cidr, .VpcId = vpc_id}), c.code)
        << c.cidr;
  const auto found = must(&Ops::DescribeSubnets, {.Filters = filter("availabilityZone", "ap-southeast-1b")}).Subnets;
  ASSERT_EQ(found.size(), 2U);  // one is the default VPC's
  EXPECT_EQ(found[0].AvailabilityZoneId, "apse1-az2");
}

TEST_F(NetworkTest, DeletingWhatIsInUse) {
  const std::string vpc_id = make_vpc_id(), subnet_id = make_subnet_id(vpc_id, "10.0.1.0/24");
  const std::string interface_id = make_interface_id(subnet_id);
  EXPECT_EQ(code(&Ops::DeleteVpc, {.VpcId = vpc_id}), "DependencyViolation");
  EXPECT_EQ(code(&Ops::DeleteSubnet, {.SubnetId = subnet_id}), "DependencyViolation");
  must(&Ops::DeleteNetworkInterface, {.NetworkInterfaceId = interface_id});
  must(&Ops::DeleteSubnet, {.SubnetId = subnet_id});
  const std::string group_id = make_group_id(vpc_id);
  EXPECT_EQ(code(&Ops::DeleteVpc, {.VpcId = vpc_id}), "DependencyViolation");
  must(&Ops::DeleteSecurityGroup, {.GroupId = group_id});
  must(&Ops::DeleteVpc, {.VpcId = vpc_id});
  EXPECT_EQ(code(&Ops::DescribeVpcs, {.VpcIds = {vpc_id}}), "InvalidVpcID.NotFound");
  for (const auto& [id, record] : state.tags.rows()) ADD_FAILURE() << "left: " << id;
  EXPECT_EQ(must(&Ops::DescribeRouteTables, {.Filters = filter("vpc-id", vpc_id)}).RouteTables.size(), 0U);
  EXPECT_EQ(must(&Ops::DescribeSecurityGroups, {.Filters = filter("vpc-id", vpc_id)}).SecurityGroups.size(), 0U);
}

TEST_F(NetworkTest, InternetGatewayAndRoutes) {
  const std::string vpc_id = make_vpc_id(), other_vpc = make_vpc_id("10.1.0.0/16");
  const std::string gateway = *must(&Ops::CreateInternetGateway, {}).InternetGateway->InternetGatewayId;
  const std::string table = *must(&Ops::CreateRouteTable, {.VpcId = vpc_id}).RouteTable->RouteTableId;
  const CreateRouteRequest out{.RouteTableId = table, .DestinationCidrBlock = "0.0.0.0/0", .GatewayId = gateway};
  EXPECT_EQ(code(&Ops::CreateRoute, out), "InvalidParameterValue");  // not attached
  EXPECT_EQ(code(&Ops::DetachInternetGateway, {.InternetGatewayId = gateway, .VpcId = vpc_id}), "Gateway.NotAttached");
  must(&Ops::AttachInternetGateway, {.InternetGatewayId = gateway, .VpcId = vpc_id});
  EXPECT_EQ(code(&Ops::AttachInternetGateway, {.InternetGatewayId = gateway, .VpcId = other_vpc}),
            "Resource.AlreadyAssociated");
  must(&Ops::CreateRoute, out);
  EXPECT_EQ(code(&Ops::CreateRoute, out), "RouteAlreadyExists");
  EXPECT_EQ(
      code(&Ops::CreateRoute, {.RouteTableId = table, .DestinationCidrBlock = "10.0.0.0/16", .GatewayId = gateway}),
      "RouteAlreadyExists");
  EXPECT_EQ(
      code(&Ops::CreateRoute, {.RouteTableId = table, .DestinationCidrBlock = "10.0.1.0/24", .GatewayId = gateway}),
      "InvalidParameterValue");
  EXPECT_EQ(code(&Ops::CreateRoute, {.RouteTableId = table, .DestinationCidrBlock = "1.0.0.0/8"}), "MissingParameter");
  EXPECT_EQ(code(&Ops::CreateRoute,
                 {.RouteTableId = table, .DestinationCidrBlock = "1.0.0.0/8", .NatGatewayId = "nat-12345678"}),
            "InvalidNatGatewayID.NotFound");
  EXPECT_EQ(code(&Ops::DeleteRoute, {.RouteTableId = table, .DestinationCidrBlock = "10.0.0.0/16"}),
            "InvalidParameterValue");
  EXPECT_EQ(code(&Ops::DeleteRoute, {.RouteTableId = table, .DestinationCidrBlock = "9.0.0.0/16"}),
            "InvalidRoute.NotFound");
  EXPECT_EQ(code(&Ops::DeleteInternetGateway, {.InternetGatewayId = gateway}), "DependencyViolation");
  must(&Ops::DetachInternetGateway, {.InternetGatewayId = gateway, .VpcId = vpc_id});
  const auto routes = must(&Ops::DescribeRouteTables, {.RouteTableIds = {table}}).RouteTables[0].Routes;
  ASSERT_EQ(routes.size(), 2U);
  EXPECT_EQ(routes[0].State, "active");
  EXPECT_EQ(routes[0].Origin, "CreateRouteTable");
  EXPECT_EQ(routes[1].State, "blackhole");
  must(&Ops::DeleteRoute, {.RouteTableId = table, .DestinationCidrBlock = "0.0.0.0/0"});
}

TEST_F(NetworkTest, RoutesToInterfaces) {
  const std::string vpc_id = make_vpc_id(), interface_id = make_interface_id(make_subnet_id(vpc_id, "10.0.1.0/24"));
  const std::string table = *must(&Ops::CreateRouteTable, {.VpcId = vpc_id}).RouteTable->RouteTableId;
  must(&Ops::CreateRoute,
       {.RouteTableId = table, .DestinationCidrBlock = "192.168.0.0/16", .NetworkInterfaceId = interface_id});
  const auto route = [&] {
    return must(&Ops::DescribeRouteTables, {.RouteTableIds = {table}}).RouteTables[0].Routes[1];
  };
  EXPECT_EQ(route().State, "blackhole");
  const std::string instance = "i-0123456789abcdef0";
  ASSERT_TRUE(store.transact([&] { return attach(state, interface_id, instance, 0); }));
  EXPECT_EQ(route().State, "active");
  EXPECT_EQ(route().InstanceId, instance);
  must(&Ops::ReplaceRoute, {.RouteTableId = table, .DestinationCidrBlock = "192.168.0.0/16", .InstanceId = instance});
  EXPECT_EQ(route().NetworkInterfaceId, interface_id);
  EXPECT_EQ(
      code(&Ops::CreateRoute, {.RouteTableId = table, .DestinationCidrBlock = "1.0.0.0/8", .InstanceId = "i-12345678"}),
      "InvalidInstanceID.NotFound");
}

TEST_F(NetworkTest, RouteTableAssociations) {
  const std::string vpc_id = make_vpc_id(), subnet_id = make_subnet_id(vpc_id, "10.0.1.0/24");
  const std::string table = *must(&Ops::CreateRouteTable, {.VpcId = vpc_id}).RouteTable->RouteTableId;
  const std::string second = *must(&Ops::CreateRouteTable, {.VpcId = vpc_id}).RouteTable->RouteTableId;
  const std::string main = *state.main_route_table(vpc_id)->RouteTableId;
  EXPECT_EQ(state.route_table_of(*state.subnets.find(subnet_id))->RouteTableId, main);
  const std::string association =
      *must(&Ops::AssociateRouteTable, {.SubnetId = subnet_id, .RouteTableId = table}).AssociationId;
  EXPECT_EQ(state.route_table_of(*state.subnets.find(subnet_id))->RouteTableId, table);
  EXPECT_EQ(*must(&Ops::AssociateRouteTable, {.SubnetId = subnet_id, .RouteTableId = table}).AssociationId,
            association);
  EXPECT_EQ(code(&Ops::AssociateRouteTable, {.SubnetId = subnet_id, .RouteTableId = second}),
            "Resource.AlreadyAssociated");
  EXPECT_EQ(code(&Ops::DeleteRouteTable, {.RouteTableId = table}), "DependencyViolation");
  const std::string moved =
      *must(&Ops::ReplaceRouteTableAssociation, {.AssociationId = association, .RouteTableId = second})
           .NewAssociationId;
  EXPECT_EQ(code(&Ops::DisassociateRouteTable, {.AssociationId = association}), "InvalidAssociationID.NotFound");
  must(&Ops::DisassociateRouteTable, {.AssociationId = moved});
  EXPECT_EQ(state.route_table_of(*state.subnets.find(subnet_id))->RouteTableId, main);
  const std::string main_association = *state.main_route_table(vpc_id)->Associations[0].RouteTableAssociationId;
  EXPECT_EQ(code(&Ops::DisassociateRouteTable, {.AssociationId = main_association}), "InvalidParameterValue");
  must(&Ops::ReplaceRouteTableAssociation, {.AssociationId = main_association, .RouteTableId = second});
  EXPECT_EQ(state.main_route_table(vpc_id)->RouteTableId, second);
}

TEST_F(NetworkTest, NetworkAcls) {
  const std::string vpc_id = make_vpc_id(), subnet_id = make_subnet_id(vpc_id, "10.0.1.0/24");
  const auto first =
      must(&Ops::DescribeNetworkAcls,
           {.Filters = {Filter{.Name = "default", .Values = {"true"}}, Filter{.Name = "vpc-id", .Values = {vpc_id}}}})
          .NetworkAcls;
  ASSERT_EQ(first.size(), 1U);
  EXPECT_EQ(first[0].Entries.size(), 4U);
  ASSERT_EQ(first[0].Associations.size(), 1U);
  EXPECT_EQ(first[0].Associations[0].SubnetId, subnet_id);
  EXPECT_EQ(code(&Ops::DeleteNetworkAcl, {.NetworkAclId = first[0].NetworkAclId}), "InvalidParameterValue");

  const std::string id = *must(&Ops::CreateNetworkAcl, {.VpcId = vpc_id}).NetworkAcl->NetworkAclId;
  CreateNetworkAclEntryRequest entry{.NetworkAclId = id,
                                     .RuleNumber = 200,
                                     .Protocol = "tcp",
                                     .RuleAction = "allow",
                                     .Egress = false,
                                     .CidrBlock = "10.1.2.3/8",
                                     .PortRange = PortRange{80, 80}};
  must(&Ops::CreateNetworkAclEntry, entry);
  EXPECT_EQ(code(&Ops::CreateNetworkAclEntry, entry), "NetworkAclEntryAlreadyExists");
  entry.Egress = true;
  must(&Ops::CreateNetworkAclEntry, entry);
  entry.RuleNumber = 100;
  entry.Egress = false;
  must(&Ops::CreateNetworkAclEntry, entry);
  const auto entries = must(&Ops::DescribeNetworkAcls, {.NetworkAclIds = {id}}).NetworkAcls[0].Entries;
  ASSERT_EQ(entries.size(), 5U);
  const std::pair<bool, int> order[] = {{true, 200}, {true, 32767}, {false, 100}, {false, 200}, {false, 32767}};
  for (std::size_t i = 0; i < 5; ++i) EXPECT_EQ(std::pair(*entries[i].Egress, *entries[i].RuleNumber), order[i]) << i;
  EXPECT_EQ(entries[2].CidrBlock, "10.0.0.0/8");
  EXPECT_EQ(entries[2].Protocol, "6");
  EXPECT_EQ(code(&Ops::DeleteNetworkAclEntry, {.NetworkAclId = id, .RuleNumber = 32767, .Egress = false}),
            "InvalidNetworkAclEntry.NotFound");
  EXPECT_EQ(code(&Ops::DeleteNetworkAclEntry, {.NetworkAclId = id, .RuleNumber = 1, .Egress = false}),
            "InvalidNetworkAclEntry.NotFound");
  must(&Ops::DeleteNetworkAclEntry, {.NetworkAclId = id, .RuleNumber = 100, .Egress = false});

  const std::string association = *first[0].Associations[0].NetworkAclAssociationId;
  must(&Ops::ReplaceNetworkAclAssociation, {.AssociationId = association, .NetworkAclId = id});
  EXPECT_EQ(state.network_acl_of(subnet_id)->NetworkAclId, id);
  EXPECT_EQ(code(&Ops::DeleteNetworkAcl, {.NetworkAclId = id}), "DependencyViolation");
}

TEST_F(NetworkTest, NetworkAclEntriesThatAreWrong) {
  const std::string id = *must(&Ops::CreateNetworkAcl, {.VpcId = make_vpc_id()}).NetworkAcl->NetworkAclId;
  const CreateNetworkAclEntryRequest good{.NetworkAclId = id,
                                          .RuleNumber = 1,
                                          .Protocol = "6",
                                          .RuleAction = "allow",
                                          .Egress = false,
                                          .CidrBlock = "0.0.0.0/0",
                                          .PortRange = PortRange{1, 2}};
  const struct {
    const char* what;
    const char* code;
    std::function<void(CreateNetworkAclEntryRequest&)> change;
  } cases[] = {
      {"number", "InvalidParameterValue", [](auto& r) { r.RuleNumber = 32767; }},
      {"protocol", "InvalidParameterValue", [](auto& r) { r.Protocol = "tcpip"; }},
      {"no ports", "MissingParameter", [](auto& r) { r.PortRange.reset(); }},
      {"ports", "InvalidParameterValue", [](auto& r) { r.PortRange = PortRange{2, 1}; }},
      {"no range", "MissingParameter", [](auto& r) { r.CidrBlock.reset(); }},
      {"range", "InvalidParameterValue", [](auto& r) { r.CidrBlock = "10.0.0.0/40"; }},
      {"IPv6 range", "InvalidParameterValue", [](auto& r) { r.CidrBlock.reset(), r.Ipv6CidrBlock = "::/200"; }},
      {"no type", "MissingParameter", [](auto& r) { r.Protocol = "1"; }},
      {"all good", "ok", [](auto&) {}},
  };
  for (const auto& c : cases) {
    auto request = good;
    c.change(request);
    EXPECT_EQ(code(&Ops::CreateNetworkAclEntry, request), c.code) << c.what;
  }
}

}  // namespace
}  // namespace brume::ec2
