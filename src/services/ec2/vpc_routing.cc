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
  } else if (shown.NatGatewayId) {
    route.target = net::RouteTarget::nat_gateway;
    route.target_id = *shown.NatGatewayId;
  } else if (shown.VpcPeeringConnectionId) {
    route.target = net::RouteTarget::peering;
    route.target_id = *shown.VpcPeeringConnectionId;
  } else if (shown.EgressOnlyInternetGatewayId) {
    route.target = net::RouteTarget::egress_only_gateway;
    route.target_id = *shown.EgressOnlyInternetGatewayId;
  } else if (shown.GatewayId) {
    route.target = net::RouteTarget::internet_gateway;
  }
  return route;
}

void add_route(const NetworkState& state, std::vector<net::Route>& routes, const Route& shown) {
  if (shown.GatewayId == "local") return;
  net::Route route = target_of(shown);
  if (shown.DestinationPrefixListId) {
    if (const PrefixListRecord* list = state.prefix_lists.find(*shown.DestinationPrefixListId))
      for (const PrefixListEntry& entry : list->entries)
        routes.push_back({.destination = *entry.Cidr, .target = route.target, .target_id = route.target_id});
    return;
  }
  if (shown.DestinationCidrBlock) route.destination = *shown.DestinationCidrBlock;
  if (shown.DestinationIpv6CidrBlock) route.destination = *shown.DestinationIpv6CidrBlock;
  routes.push_back(std::move(route));
}

void add_peering(net::Routing& routing, const VpcPeeringConnection& connection) {
  const std::string& requester = *connection.RequesterVpcInfo->VpcId;
  const std::string& accepter = *connection.AccepterVpcInfo->VpcId;
  if (connection.Status->Code != "active") return;
  if (requester == routing.vpc_id)
    routing.peerings.push_back({.id = *connection.VpcPeeringConnectionId, .peer_vpc_id = accepter});
  else if (accepter == routing.vpc_id)
    routing.peerings.push_back({.id = *connection.VpcPeeringConnectionId, .peer_vpc_id = requester});
}

}  // namespace

std::vector<net::NatGateway> nat_gateways_of(const NetworkState& state, const std::string& vpc_id) {
  std::vector<net::NatGateway> found;
  for (const auto& [id, gateway] : state.nat_gateways.rows()) {
    if (gateway.VpcId != vpc_id || gateway.State != "available") continue;
    for (const NatGatewayAddress& address : gateway.NatGatewayAddresses)
      found.push_back({.id = id,
                       .subnet_id = *gateway.SubnetId,
                       .public_address = address.PublicIp.value_or(""),
                       .private_address = *address.PrivateIp});
  }
  return found;
}

std::vector<net::PublicAddress> public_addresses_of(const NetworkInterface& interface) {
  std::vector<net::PublicAddress> found;
  if (interface.InterfaceType == kNatGatewayInterface) return found;
  for (const NetworkInterfacePrivateIpAddress& address : interface.PrivateIpAddresses)
    if (address.Association)
      found.push_back({.address = *address.Association->PublicIp,
                       .private_address = *address.PrivateIpAddress,
                       .interface_id = *interface.NetworkInterfaceId});
  return found;
}

net::Routing routes_of(const NetworkState& state, const std::string& vpc_id) {
  net::Routing routing;
  routing.vpc_id = vpc_id;
  const VpcRecord* vpc = state.vpcs.find(vpc_id);
  if (!vpc) return routing;
  for (const VpcCidrBlockAssociation& association : vpc->vpc.CidrBlockAssociationSet)
    routing.cidrs.push_back(*association.CidrBlock);
  for (const VpcIpv6CidrBlockAssociation& association : vpc->vpc.Ipv6CidrBlockAssociationSet)
    routing.cidrs.push_back(*association.Ipv6CidrBlock);
  for (const auto& [id, table] : state.route_tables.rows()) {
    if (table.VpcId != vpc_id) continue;
    std::vector<net::Route>& routes = routing.route_tables[id];
    for (const Route& route : table.Routes) add_route(state, routes, describe(state, table, route));
  }
  for (const Subnet* subnet : state.subnets_of(vpc_id))
    if (const RouteTable* table = state.route_table_of(*subnet)) {
      routing.subnet_route_tables.emplace(*subnet->CidrBlock, *table->RouteTableId);
      for (const SubnetIpv6CidrBlockAssociation& block : subnet->Ipv6CidrBlockAssociationSet)
        routing.subnet_route_tables.emplace(*block.Ipv6CidrBlock, *table->RouteTableId);
    }
  routing.internet_gateway = state.internet_gateway_of(vpc_id) != nullptr;
  routing.nat_gateways = nat_gateways_of(state, vpc_id);
  for (const auto& [id, peering] : state.peerings.rows()) add_peering(routing, peering.connection);
  return routing;
}

net::Routing routing_of(const NetworkState& state, const std::string& vpc_id) {
  net::Routing routing = routes_of(state, vpc_id);
  if (!state.vpcs.contains(vpc_id)) return routing;
  for (const auto& [id, interface] : state.network_interfaces.rows()) {
    if (interface.VpcId != vpc_id) continue;
    for (net::PublicAddress& address : public_addresses_of(interface))
      routing.public_addresses.insert(std::move(address));
  }
  return routing;
}

}  // namespace brume::ec2
