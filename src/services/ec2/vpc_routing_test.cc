#include "services/ec2/vpc_routing.h"

#include "services/ec2/network_fixture.h"
#include "services/ec2/network_interface.h"

namespace brume::ec2 {
namespace {

class RoutingTest : public NetworkTest {
 protected:
  std::string vpc_id = make_vpc_id();
  std::string subnet_id = make_subnet_id(vpc_id, "10.0.1.0/24");
  std::string main_table = *state.main_route_table(vpc_id)->RouteTableId;

  [[nodiscard]] net::Routing routing() const { return routing_of(state, vpc_id); }
  // "0.0.0.0/0 igw", "10.1.0.0/16 eni:eni-1", … in the order of the table.
  [[nodiscard]] std::vector<std::string> routes(const std::string& table_id) const {
    std::vector<std::string> shown;
    const char* names[] = {"blackhole", "igw", "eigw", "nat", "eni", "pcx"};
    const net::Routing now = routing();
    for (const net::Route& route : now.route_tables.at(table_id))
      shown.push_back(route.destination + " " + names[std::size_t(route.target)] +
                      (route.target_id.empty() ? "" : ":" + route.target_id));
    return shown;
  }
  std::string make_gateway() {
    const std::string id = *must(&Ops::CreateInternetGateway, {}).InternetGateway->InternetGatewayId;
    must(&Ops::AttachInternetGateway, {.InternetGatewayId = id, .VpcId = vpc_id});
    return id;
  }
};

using Lines = std::vector<std::string>;

TEST_F(RoutingTest, OfNoVpcIsEmpty) {
  const net::Routing none = routing_of(state, "vpc-0123456789abcdef0");
  EXPECT_EQ(none.vpc_id, "vpc-0123456789abcdef0");
  EXPECT_TRUE(none.cidrs.empty() && none.route_tables.empty() && none.subnet_route_tables.empty());
}

TEST_F(RoutingTest, ANewVpcReachesOnlyItself) {
  const net::Routing now = routing();
  EXPECT_EQ(now.cidrs, Lines{"10.0.0.0/16"});
  EXPECT_EQ(routes(main_table), Lines{});
  EXPECT_EQ(now.subnet_route_tables, (std::map<std::string, std::string>{{"10.0.1.0/24", main_table}}));
  EXPECT_FALSE(now.internet_gateway);
}

TEST_F(RoutingTest, ASubnetsOwnTableComesBeforeTheMainOne) {
  const std::string table = *must(&Ops::CreateRouteTable, {.VpcId = vpc_id}).RouteTable->RouteTableId;
  must(&Ops::AssociateRouteTable, {.SubnetId = subnet_id, .RouteTableId = table});
  make_subnet_id(vpc_id, "10.0.2.0/24");
  EXPECT_EQ(routing().subnet_route_tables,
            (std::map<std::string, std::string>{{"10.0.1.0/24", table}, {"10.0.2.0/24", main_table}}));
}

TEST_F(RoutingTest, TheInternetGatewayAndWhatIsLeftWithoutIt) {
  const std::string gateway = make_gateway();
  must(&Ops::CreateRoute, {.RouteTableId = main_table, .DestinationCidrBlock = "0.0.0.0/0", .GatewayId = gateway});
  must(&Ops::CreateRoute, {.RouteTableId = main_table, .GatewayId = gateway, .DestinationIpv6CidrBlock = "::/0"});
  EXPECT_TRUE(routing().internet_gateway);
  EXPECT_EQ(routes(main_table), (Lines{"0.0.0.0/0 igw", "::/0 igw"}));
  must(&Ops::DetachInternetGateway, {.InternetGatewayId = gateway, .VpcId = vpc_id});
  EXPECT_FALSE(routing().internet_gateway);
  EXPECT_EQ(routes(main_table), (Lines{"0.0.0.0/0 blackhole", "::/0 blackhole"}));
}

TEST_F(RoutingTest, AnInstanceThatRoutes) {
  const std::string interface = make_interface_id(subnet_id);
  must(&Ops::CreateRoute,
       {.RouteTableId = main_table, .DestinationCidrBlock = "10.1.0.0/16", .NetworkInterfaceId = interface});
  EXPECT_EQ(routes(main_table), Lines{"10.1.0.0/16 blackhole"});
  store.transact([&] { return attach(state, interface, "i-1", 0); }).value();
  EXPECT_EQ(routes(main_table), Lines{"10.1.0.0/16 eni:" + interface});
}

}  // namespace
}  // namespace brume::ec2
