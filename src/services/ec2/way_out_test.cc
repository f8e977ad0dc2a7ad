#include "services/ec2/way_out.h"

#include "services/ec2/network_fixture.h"

namespace brume::ec2 {
namespace {

TEST_F(NetworkTest, AWayOut) {
  const std::string vpc_id = make_vpc_id();
  const std::string subnet_id = make_subnet_id(vpc_id, "10.0.1.0/24"),
                    behind_id = make_subnet_id(vpc_id, "10.0.2.0/24");
  const auto make = [&](const std::string& subnet, const std::string& address) {
    return *must(&Ops::CreateNetworkInterface, {.SubnetId = subnet, .PrivateIpAddress = address})
                .NetworkInterface->NetworkInterfaceId;
  };
  const std::string id = make(subnet_id, "10.0.1.7"), behind = make(behind_id, "10.0.2.7");
  ASSERT_NE(interface_with_address(state, vpc_id, "10.0.1.7"), nullptr);
  EXPECT_EQ(interface_with_address(state, vpc_id, "10.0.1.7")->NetworkInterfaceId, id);
  EXPECT_EQ(interface_with_address(state, vpc_id, "10.0.1.8"), nullptr);
  EXPECT_EQ(interface_with_address(state, make_vpc_id(), "10.0.1.7"), nullptr);
  const auto out = [&](const std::string& address) {
    return has_way_out(state, *interface_with_address(state, vpc_id, address), address);
  };
  EXPECT_FALSE(out("10.0.1.7")) << "no route";

  const std::string gateway = *must(&Ops::CreateInternetGateway, {}).InternetGateway->InternetGatewayId;
  must(&Ops::AttachInternetGateway, {.InternetGatewayId = gateway, .VpcId = vpc_id});
  const std::string table = *state.main_route_table(vpc_id)->RouteTableId;
  must(&Ops::CreateRoute, {.RouteTableId = table, .DestinationCidrBlock = "0.0.0.0/0", .GatewayId = gateway});
  EXPECT_FALSE(out("10.0.1.7")) << "no public address";
  const auto modify = [&](auto change) {
    ASSERT_TRUE(store.transact([&]() -> Result<void> {
      state.network_interfaces.modify(id, change);
      return {};
    }));
  };
  modify([](NetworkInterface& i) {
    i.PrivateIpAddresses[0].Association.emplace().PublicIp = "127.8.0.12";
    i.Status = "in-use";
  });
  EXPECT_TRUE(out("10.0.1.7"));

  // Through the instance with the public address.
  EXPECT_FALSE(out("10.0.2.7"));
  const std::string private_table = *must(&Ops::CreateRouteTable, {.VpcId = vpc_id}).RouteTable->RouteTableId;
  must(&Ops::AssociateRouteTable, {.SubnetId = behind_id, .RouteTableId = private_table});
  must(&Ops::CreateRoute,
       {.RouteTableId = private_table, .DestinationCidrBlock = "0.0.0.0/0", .NetworkInterfaceId = id});
  EXPECT_TRUE(out("10.0.2.7"));

  must(&Ops::DetachInternetGateway, {.InternetGatewayId = gateway, .VpcId = vpc_id});
  EXPECT_FALSE(out("10.0.1.7")) << "a black hole";
  EXPECT_FALSE(out("10.0.2.7"));
}

}  // namespace
}  // namespace brume::ec2
