// Routes. Targets that Brume has: internet gateways (egress-only too) and NAT gateways, network interfaces (also by
// their instance), peerings.
#include "services/ec2/route.h"

#include <algorithm>
#include <utility>

#include "aws/call.h"
#include "net/address.h"
#include "services/ec2/network_interface.h"
#include "services/ec2/network_operations.h"
#include "services/ec2/refusals.h"

namespace brume::ec2 {
namespace {

// Which of a route's three destinations, in canonical form.
struct Destination {
  std::optional<std::string> Route::* member;
  std::string text;
};

template <typename Request>
Result<Destination> destination_of(const NetworkState& state, const Request& request) {
  const int given = int(request.DestinationCidrBlock.has_value()) + int(request.DestinationIpv6CidrBlock.has_value()) +
                    int(request.DestinationPrefixListId.has_value());
  if (given == 0) return fail("MissingParameter", "The request must contain the parameter destinationCidrBlock");
  if (given > 1) return fail("InvalidParameterCombination", "Only one destination can be given for a route.");
  if (request.DestinationPrefixListId) {
    BRUME_CHECK(find(state.prefix_lists, kPrefixList, request.DestinationPrefixListId));
    return Destination{&Route::DestinationPrefixListId, *request.DestinationPrefixListId};
  }
  if (request.DestinationCidrBlock) {
    BRUME_TRY(cidr, parse_block("destinationCidrBlock", *request.DestinationCidrBlock));
    return Destination{&Route::DestinationCidrBlock, format_cidr(cidr)};
  }
  const auto cidr = canonical_ipv6_cidr(*request.DestinationIpv6CidrBlock);
  if (!cidr)
    return fail("InvalidParameterValue",
                "Value ({}) for parameter destinationIpv6CidrBlock is invalid. This is not a valid CIDR block.",
                *request.DestinationIpv6CidrBlock);
  return Destination{&Route::DestinationIpv6CidrBlock, *cidr};
}

const Route* find_route(const RouteTable& table, const Destination& destination) {
  for (const Route& route : table.Routes)
    if (route.*destination.member == destination.text) return &route;
  return nullptr;
}

[[nodiscard]] std::unexpected<Error> no_route(const RouteTable& table, const Destination& destination) {
  return fail("InvalidRoute.NotFound", "no route with destination-cidr-block {} in route table {}", destination.text,
              *table.RouteTableId);
}

// A target that AWS has and Brume does not: what the id does not lead to, AWS's way.
template <typename Request>
Result<void> refuse_targets(const Request& request) {
  if (request.TransitGatewayId)
    return fail("InvalidTransitGatewayID.NotFound", "The transitGateway ID '{}' does not exist",
                *request.TransitGatewayId);
  BRUME_CHECK(refuse("VpcEndpointId", request.VpcEndpointId.has_value()));
  BRUME_CHECK(refuse("LocalGatewayId", request.LocalGatewayId.has_value()));
  BRUME_CHECK(refuse("CarrierGatewayId", request.CarrierGatewayId.has_value()));
  BRUME_CHECK(refuse("CoreNetworkArn", request.CoreNetworkArn.has_value()));
  return refuse("OdbNetworkArn", request.OdbNetworkArn.has_value());
}

bool joins(const PeeringRecord& record, const std::string& vpc_id) {
  return record.connection.RequesterVpcInfo->VpcId == vpc_id || record.connection.AccepterVpcInfo->VpcId == vpc_id;
}

// The route that the request describes, its target checked.
template <typename Request>
Result<Route> route_of(const NetworkState& state, const RouteTable& table, const Destination& destination,
                       const Request& request) {
  const int given = int(request.GatewayId.has_value()) + int(request.InstanceId.has_value()) +
                    int(request.NetworkInterfaceId.has_value()) + int(request.NatGatewayId.has_value()) +
                    int(request.VpcPeeringConnectionId.has_value()) +
                    int(request.EgressOnlyInternetGatewayId.has_value());
  BRUME_CHECK(refuse_targets(request));
  if (given == 0)
    return fail("MissingParameter",
                "The request must contain exactly one of gatewayId, natGatewayId, "
                "networkInterfaceId, vpcPeeringConnectionId, instanceId or transitGatewayId");
  if (given > 1) return fail("InvalidParameterCombination", "Only one target can be given for a route.");
  Route route{.Origin = "CreateRoute", .State = "active"};
  route.*destination.member = destination.text;
  if (request.GatewayId) {
    const InternetGateway* gateway = state.internet_gateways.find(*request.GatewayId);
    if (!gateway) return fail("InvalidGatewayID.NotFound", "The gateway ID '{}' does not exist", *request.GatewayId);
    if (gateway->Attachments.empty() || gateway->Attachments[0].VpcId != table.VpcId)
      return fail("InvalidParameterValue", "route table {} and network gateway {} belong to different networks",
                  *table.RouteTableId, *request.GatewayId);
    route.GatewayId = request.GatewayId;
    return route;
  }
  const bool ipv6 = destination.member == &Route::DestinationIpv6CidrBlock;
  if (request.EgressOnlyInternetGatewayId) {
    const auto* gateway = state.egress_only_gateways.find(*request.EgressOnlyInternetGatewayId);
    if (!gateway)
      return fail("InvalidGatewayID.NotFound", "The eigw ID '{}' does not exist", *request.EgressOnlyInternetGatewayId);
    if (!ipv6)
      return fail("InvalidParameterValue", "The egress-only internet gateway {} is for IPv6 destinations only.",
                  *request.EgressOnlyInternetGatewayId);
    if (gateway->Attachments[0].VpcId != table.VpcId)
      return fail("InvalidParameterValue", "route table {} and network gateway {} belong to different networks",
                  *table.RouteTableId, *request.EgressOnlyInternetGatewayId);
    route.EgressOnlyInternetGatewayId = request.EgressOnlyInternetGatewayId;
    return route;
  }
  BRUME_CHECK(refuse("NatGatewayId of an IPv6 destination", ipv6 && request.NatGatewayId));
  if (request.NatGatewayId) {
    BRUME_TRY(gateway, find(state.nat_gateways, kNatGateway, request.NatGatewayId));
    if (gateway->State != "available") return no_such(kNatGateway, *request.NatGatewayId);
    if (gateway->VpcId != table.VpcId)
      return fail("InvalidParameterValue", "route table {} and natgateway {} belong to different networks",
                  *table.RouteTableId, *request.NatGatewayId);
    route.NatGatewayId = request.NatGatewayId;
    return route;
  }
  if (request.VpcPeeringConnectionId) {
    BRUME_TRY(record, find(state.peerings, kVpcPeering, request.VpcPeeringConnectionId));
    if (!joins(*record, *table.VpcId))
      return fail("InvalidParameterValue", "route table {} and peering connection {} belong to different networks",
                  *table.RouteTableId, *request.VpcPeeringConnectionId);
    if (record->ended_at) return no_such(kVpcPeering, *request.VpcPeeringConnectionId);
    route.VpcPeeringConnectionId = request.VpcPeeringConnectionId;
    return route;
  }
  std::string interface_id = request.NetworkInterfaceId.value_or("");
  if (request.InstanceId) {
    BRUME_TRY(only, only_interface_of(state, *request.InstanceId));
    interface_id = *only->NetworkInterfaceId;
  }
  BRUME_TRY(interface, find(state.network_interfaces, kNetworkInterface, interface_id));
  if (interface->VpcId != table.VpcId)
    return fail("InvalidParameterValue", "route table {} and interface {} belong to different networks",
                *table.RouteTableId, interface_id);
  route.NetworkInterfaceId = interface_id;
  return route;
}

bool is_in_ipv6_range(const VpcRecord& vpc, const std::string& destination) {
  const auto block = net::parse_ip_block(destination);
  return block && std::ranges::any_of(vpc.vpc.Ipv6CidrBlockAssociationSet, [&](const auto& association) {
           return net::parse_ip_block(*association.Ipv6CidrBlock)->contains(*block);
         });
}

}  // namespace

Route describe(const NetworkState& state, const RouteTable& table, const Route& record) {
  Route route = record;
  route.State = "active";
  if (route.GatewayId && route.GatewayId != "local") {
    const InternetGateway* gateway = state.internet_gateways.find(*route.GatewayId);
    const bool attached = gateway && !gateway->Attachments.empty() && gateway->Attachments[0].VpcId == table.VpcId;
    if (!attached) route.State = "blackhole";
  }
  if (route.NetworkInterfaceId) {
    const NetworkInterface* interface = state.network_interfaces.find(*route.NetworkInterfaceId);
    if (!interface || interface->Status != "in-use") route.State = "blackhole";
    if (interface && interface->Attachment && interface->Attachment->InstanceId) {
      route.InstanceId = interface->Attachment->InstanceId;
      route.InstanceOwnerId = interface->Attachment->InstanceOwnerId;
    }
  }
  if (route.NatGatewayId) {
    const NatGateway* gateway = state.nat_gateways.find(*route.NatGatewayId);
    if (!gateway || gateway->State != "available") route.State = "blackhole";
  }
  if (route.EgressOnlyInternetGatewayId && !state.egress_only_gateways.contains(*route.EgressOnlyInternetGatewayId))
    route.State = "blackhole";
  if (route.VpcPeeringConnectionId) {
    const PeeringRecord* peering = state.peerings.find(*route.VpcPeeringConnectionId);
    if (!peering || peering->connection.Status->Code != "active") route.State = "blackhole";
  }
  return route;
}

Result<CreateRouteResult> NetworkOperations::CreateRoute(const aws::Call&, const CreateRouteRequest& request) {
  BRUME_TRY(table, find(state_.route_tables, kRouteTable, request.RouteTableId));
  BRUME_TRY(destination, destination_of(state_, request));
  BRUME_TRY(route, route_of(state_, *table, destination, request));
  if (find_route(*table, destination))
    return fail("RouteAlreadyExists", "The route identified by {} already exists.", destination.text);
  // More specific than the VPC's own route is only for interfaces (middleboxes).
  const auto cidr = parse_cidr(destination.text);
  const Cidr local = *parse_cidr(*state_.vpcs.find(*table->VpcId)->vpc.CidrBlock);
  const bool inside =
      cidr ? local.contains(*cidr) : is_in_ipv6_range(*state_.vpcs.find(*table->VpcId), destination.text);
  if (inside && !route.NetworkInterfaceId)
    return fail("InvalidParameterValue",
                "The destination CIDR block {} is equal to or more specific than one of this VPC's CIDR blocks. This "
                "route can target only an interface or an instance.",
                destination.text);
  const std::string vpc_id = *table->VpcId;
  state_.route_tables.modify(*request.RouteTableId, [&](RouteTable& t) { t.Routes.push_back(route); });
  state_.changed(vpc_id);
  return CreateRouteResult{.Return = true};
}

Result<void> NetworkOperations::ReplaceRoute(const aws::Call&, const ReplaceRouteRequest& request) {
  BRUME_CHECK(refuse("LocalTarget", request.LocalTarget.value_or(false)));
  BRUME_TRY(table, find(state_.route_tables, kRouteTable, request.RouteTableId));
  BRUME_TRY(destination, destination_of(state_, request));
  const Route* before = find_route(*table, destination);
  if (!before) return no_route(*table, destination);
  if (before->GatewayId == "local")
    return fail("InvalidParameterValue", "cannot replace local route {} in route table {}", destination.text,
                *table->RouteTableId);
  BRUME_TRY(route, route_of(state_, *table, destination, request));
  const auto place = before - table->Routes.data();
  const std::string vpc_id = *table->VpcId;
  state_.route_tables.modify(*request.RouteTableId, [&](RouteTable& t) { t.Routes[std::size_t(place)] = route; });
  state_.changed(vpc_id);
  return {};
}

Result<void> NetworkOperations::DeleteRoute(const aws::Call&, const DeleteRouteRequest& request) {
  BRUME_TRY(table, find(state_.route_tables, kRouteTable, request.RouteTableId));
  BRUME_TRY(destination, destination_of(state_, request));
  const Route* route = find_route(*table, destination);
  if (!route) return no_route(*table, destination);
  if (route->GatewayId == "local")
    return fail("InvalidParameterValue", "cannot remove local route {} in route table {}", destination.text,
                *table->RouteTableId);
  const auto place = route - table->Routes.data();
  const std::string vpc_id = *table->VpcId;
  state_.route_tables.modify(*request.RouteTableId, [&](RouteTable& t) { t.Routes.erase(t.Routes.begin() + place); });
  state_.changed(vpc_id);
  return {};
}

}  // namespace brume::ec2
