// Elastic IPs, NAT gateways, peerings and prefix lists, as the VPC's routing and policy see them.
#include "services/ec2/public_address.h"

#include "services/ec2/network_fixture.h"
#include "services/ec2/network_interface.h"
#include "services/ec2/vpc_policy.h"
#include "services/ec2/vpc_routing.h"

namespace brume::ec2 {
namespace {

class AddressTest : public NetworkTest {
 protected:
  std::string vpc_id = make_vpc_id();
  std::string subnet_id = make_subnet_id(vpc_id, "10.0.1.0/24");
  std::string main_table = *state.main_route_table(vpc_id)->RouteTableId;

  void make_gateway() {
    const std::string id = *must(&Ops::CreateInternetGateway, {}).InternetGateway->InternetGatewayId;
    must(&Ops::AttachInternetGateway, {.InternetGatewayId = id, .VpcId = vpc_id});
  }
};

TEST_F(AddressTest, FromAllocationToRelease) {
  const auto allocated = must(&Ops::AllocateAddress, {});
  const std::string id = *allocated.AllocationId, interface = make_interface_id(subnet_id);
  EXPECT_TRUE(allocated.PublicIp->starts_with("127.8."));
  EXPECT_EQ(code(&Ops::AssociateAddress, {.AllocationId = id, .NetworkInterfaceId = interface}), "Gateway.NotAttached");
  make_gateway();
  const std::string association =
      *must(&Ops::AssociateAddress, {.AllocationId = id, .NetworkInterfaceId = interface}).AssociationId;
  const net::Routing now = routing_of(state, vpc_id);
  ASSERT_EQ(now.public_addresses.size(), 1U);
  EXPECT_EQ(now.public_addresses.begin()->address, *allocated.PublicIp);
  EXPECT_EQ(now.public_addresses.begin()->interface_id, interface);
  EXPECT_EQ(code(&Ops::ReleaseAddress, {.AllocationId = id}), "InvalidIPAddress.InUse");
  must(&Ops::DisassociateAddress, {.AssociationId = association});
  EXPECT_TRUE(routing_of(state, vpc_id).public_addresses.empty());
  EXPECT_EQ(code(&Ops::DisassociateAddress, {.AssociationId = association}), "InvalidAssociationID.NotFound");
  must(&Ops::ReleaseAddress, {.AllocationId = id});
  EXPECT_EQ(code(&Ops::ReleaseAddress, {.AllocationId = id}), "InvalidAllocationID.NotFound");
}

TEST_F(AddressTest, FiveARegion) {
  for (int i = 0; i < 5; ++i) must(&Ops::AllocateAddress, {});
  EXPECT_EQ(code(&Ops::AllocateAddress, {}), "AddressLimitExceeded");
}

TEST_F(AddressTest, APoolRunsOut) {
  state.public_pool = {*parse_cidr("127.9.0.0/30")};
  must(&Ops::AllocateAddress, {});
  must(&Ops::AllocateAddress, {});
  EXPECT_EQ(code(&Ops::AllocateAddress, {}), "InsufficientAddressCapacity");
}

TEST_F(AddressTest, ANatGatewaysLife) {
  make_gateway();
  const std::string allocation = *must(&Ops::AllocateAddress, {}).AllocationId;
  const auto made = *must(&Ops::CreateNatGateway, {.AllocationId = allocation, .SubnetId = subnet_id}).NatGateway;
  EXPECT_EQ(made.State, "pending");
  const std::string id = *made.NatGatewayId;
  must(&Ops::CreateRoute, {.RouteTableId = main_table, .DestinationCidrBlock = "0.0.0.0/0", .NatGatewayId = id});
  net::Routing now = routing_of(state, vpc_id);
  ASSERT_EQ(now.nat_gateways.size(), 1U);
  EXPECT_TRUE(now.public_addresses.empty());
  EXPECT_EQ(now.route_tables.at(main_table).at(0).target, net::RouteTarget::nat_gateway);
  EXPECT_EQ(code(&Ops::ReleaseAddress, {.AllocationId = allocation}), "InvalidIPAddress.InUse");
  EXPECT_EQ(code(&Ops::DeleteSubnet, {.SubnetId = subnet_id}), "DependencyViolation");
  must(&Ops::DeleteNatGateway, {.NatGatewayId = id});
  now = routing_of(state, vpc_id);
  EXPECT_TRUE(now.nat_gateways.empty());
  EXPECT_EQ(now.route_tables.at(main_table).at(0).target, net::RouteTarget::blackhole);
  must(&Ops::ReleaseAddress, {.AllocationId = allocation});
}

TEST_F(AddressTest, PeeringOnlyOfRangesApart) {
  const std::string peer = make_vpc_id("10.1.0.0/16"), same = make_vpc_id("10.0.0.0/16");
  EXPECT_EQ(
      must(&Ops::CreateVpcPeeringConnection, {.VpcId = vpc_id, .PeerVpcId = same}).VpcPeeringConnection->Status->Code,
      "failed");
  const std::string id = *must(&Ops::CreateVpcPeeringConnection, {.VpcId = vpc_id, .PeerVpcId = peer})
                              .VpcPeeringConnection->VpcPeeringConnectionId;
  EXPECT_TRUE(routing_of(state, vpc_id).peerings.empty());
  must(&Ops::AcceptVpcPeeringConnection, {.VpcPeeringConnectionId = id});
  ASSERT_EQ(routing_of(state, peer).peerings.size(), 1U);
  EXPECT_EQ(routing_of(state, peer).peerings[0].peer_vpc_id, vpc_id);
  EXPECT_EQ(code(&Ops::AcceptVpcPeeringConnection, {.VpcPeeringConnectionId = id}), "InvalidStateTransition");
  must(&Ops::DeleteVpcPeeringConnection, {.VpcPeeringConnectionId = id});
  EXPECT_TRUE(routing_of(state, peer).peerings.empty());
  const std::string next = *must(&Ops::CreateVpcPeeringConnection, {.VpcId = vpc_id, .PeerVpcId = peer})
                                .VpcPeeringConnection->VpcPeeringConnectionId;
  must(&Ops::AcceptVpcPeeringConnection, {.VpcPeeringConnectionId = next});
  must(&Ops::DeleteVpc, {.VpcId = peer});
  EXPECT_TRUE(routing_of(state, vpc_id).peerings.empty()) << "a VPC takes its peerings with it";
}

}  // namespace
}  // namespace brume::ec2
