#include "services/ec2/vpc_routing.h"

#include <utility>

#include "services/ec2/route.h"

namespace brume::ec2 {
namespace {

// The route with its target as it is now; its destination is left to the caller.
net::Route target_of(const Route& shown) {
  net::Route route;
  if (shown.State != "active") return route;
  if (shown.NetworkInterfaceId) {
    route.target = net::RouteTarget::network_interface;
    route.target_id = *shown.NetworkInterfaceId;
  } else if (shown.GatewayId) {
    route.target = net::RouteTarget::internet_gateway;
  }
  return route;
}

void add_route(std::vector<net::Route>& routes, const Route& shown) {
  if (shown.GatewayId == "local") return;
  net::Route route = target_of(shown);
  if (shown.DestinationCidrBlock) route.destination = *shown.DestinationCidrBlock;
  if (shown.DestinationIpv6CidrBlock) route.destination = *shown.DestinationIpv6CidrBlock;
  routes.push_back(std::move(route));
}

void add_public_addresses(net::Routing& routing, const NetworkInterface& interface) {
  for (const NetworkInterfacePrivateIpAddress& address : interface.PrivateIpAddresses)
    if (address.Association)
      routing.public_addresses.push_back({.address = *address.Association->PublicIp,
                                          .private_address = *address.PrivateIpAddress,
                                          .interface_id = *interface.NetworkInterfaceId});
}

}  // namespace

net::Routing routing_of(const NetworkState& state, const std::string& vpc_id) {
  net::Routing routing;
  routing.vpc_id = vpc_id;
  const VpcRecord* vpc = state.vpcs.find(vpc_id);
  if (!vpc) return routing;
  for (const VpcCidrBlockAssociation& association : vpc->vpc.CidrBlockAssociationSet)
    routing.cidrs.push_back(*association.CidrBlock);
  for (const auto& [id, table] : state.route_tables.rows()) {
    if (table.VpcId != vpc_id) continue;
    std::vector<net::Route>& routes = routing.route_tables[id];
    for (const Route& route : table.Routes) add_route(routes, describe(state, table, route));
  }
  for (const Subnet* subnet : state.subnets_of(vpc_id))
    if (const RouteTable* table = state.route_table_of(*subnet))
      routing.subnet_route_tables.emplace(*subnet->CidrBlock, *table->RouteTableId);
  routing.internet_gateway = state.internet_gateway_of(vpc_id) != nullptr;
  for (const auto& [id, interface] : state.network_interfaces.rows())
    if (interface.VpcId == vpc_id) add_public_addresses(routing, interface);
  return routing;
}

}  // namespace brume::ec2
