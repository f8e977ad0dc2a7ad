// Route tables and which subnets they route for.
#include <utility>

#include "aws/call.h"
#include "services/ec2/filters.h"
#include "services/ec2/network_operations.h"
#include "services/ec2/refusals.h"
#include "services/ec2/route.h"

namespace brume::ec2 {
namespace {

template <auto member>
Values associations(const RouteTable& t) {
  return each(t.Associations, [](const RouteTableAssociation& a) { return a.*member; });
}
template <auto member>
Values routes(const RouteTable& t) {
  return each(t.Routes, [](const Route& r) { return r.*member; });
}

constexpr FilterField<RouteTable> kFilters[] = {
    {"route-table-id", [](const RouteTable& t) { return value(t.RouteTableId); }},
    {"vpc-id", [](const RouteTable& t) { return value(t.VpcId); }},
    {"owner-id", [](const RouteTable& t) { return value(t.OwnerId); }},
    {"association.main", associations<&RouteTableAssociation::Main>},
    {"association.subnet-id", associations<&RouteTableAssociation::SubnetId>},
    {"association.gateway-id", associations<&RouteTableAssociation::GatewayId>},
    {"association.route-table-id", associations<&RouteTableAssociation::RouteTableId>},
    {"association.route-table-association-id", associations<&RouteTableAssociation::RouteTableAssociationId>},
    {"route.destination-cidr-block", routes<&Route::DestinationCidrBlock>},
    {"route.destination-ipv6-cidr-block", routes<&Route::DestinationIpv6CidrBlock>},
    {"route.destination-prefix-list-id", routes<&Route::DestinationPrefixListId>},
    {"route.egress-only-internet-gateway-id", routes<&Route::EgressOnlyInternetGatewayId>},
    {"route.gateway-id", routes<&Route::GatewayId>},
    {"route.instance-id", routes<&Route::InstanceId>},
    {"route.nat-gateway-id", routes<&Route::NatGatewayId>},
    {"route.transit-gateway-id", routes<&Route::TransitGatewayId>},
    {"route.origin", routes<&Route::Origin>},
    {"route.state", routes<&Route::State>},
    {"route.vpc-peering-connection-id", routes<&Route::VpcPeeringConnectionId>},
};

RouteTable describe(const NetworkState& state, const RouteTable& record) {
  RouteTable shape = record;
  for (Route& route : shape.Routes) route = describe(state, record, route);
  shape.Associations.set_present();
  shape.PropagatingVgws.set_present();
  shape.Tags = state.tags.of(*record.RouteTableId);
  shape.Tags.set_present();
  return shape;
}

struct FoundAssociation {
  const RouteTable* table;
  const RouteTableAssociation* association;
};

Result<FoundAssociation> find_association(const NetworkState& state, const std::string& id) {
  for (const auto& [table_id, table] : state.route_tables.rows())
    for (const RouteTableAssociation& association : table.Associations)
      if (association.RouteTableAssociationId == id) return FoundAssociation{&table, &association};
  return fail("InvalidAssociationID.NotFound", "The association ID '{}' does not exist", id);
}

}  // namespace

Result<CreateRouteTableResult> NetworkOperations::CreateRouteTable(const aws::Call& call,
                                                                   const CreateRouteTableRequest& request) {
  BRUME_TRY(vpc, find(state_.vpcs, kVpc, request.VpcId));
  BRUME_TRY(tags, tags_for(call, request.TagSpecifications, kRouteTable.type));
  const std::string id = services::new_id(context_.env.random, kRouteTable.prefix);
  RouteTable table{.RouteTableId = id, .VpcId = request.VpcId, .OwnerId = aws::kAccount};
  table.Routes.push_back({.DestinationCidrBlock = vpc->vpc.CidrBlock,
                          .GatewayId = "local",
                          .Origin = "CreateRouteTable",
                          .State = "active"});
  for (const VpcIpv6CidrBlockAssociation& association : vpc->vpc.Ipv6CidrBlockAssociationSet)
    table.Routes.push_back({.DestinationIpv6CidrBlock = association.Ipv6CidrBlock,
                            .GatewayId = "local",
                            .Origin = "CreateRouteTable",
                            .State = "active"});
  state_.route_tables.put(id, table);
  BRUME_CHECK(state_.tags.set(id, kRouteTable.type, tags));
  state_.changed(*request.VpcId);
  return CreateRouteTableResult{.RouteTable = describe(state_, table), .ClientToken = request.ClientToken};
}

Result<DescribeRouteTablesResult> NetworkOperations::DescribeRouteTables(const aws::Call&,
                                                                         const DescribeRouteTablesRequest& request) {
  BRUME_TRY(tables, shapes_of(state_.route_tables, kRouteTable, request.RouteTableIds,
                              [&](const RouteTable& record) { return describe(state_, record); }));
  BRUME_TRY(page, filtered_page<RouteTable>(std::move(tables), request, kFilters,
                                            [](const RouteTable& t) { return *t.RouteTableId; }));
  return DescribeRouteTablesResult{.RouteTables = page.items, .NextToken = page.next_token};
}

Result<void> NetworkOperations::DeleteRouteTable(const aws::Call&, const DeleteRouteTableRequest& request) {
  BRUME_TRY(table, find(state_.route_tables, kRouteTable, request.RouteTableId));
  const std::string id = *table->RouteTableId, vpc_id = *table->VpcId;
  if (!table->Associations.empty())
    return fail("DependencyViolation", "The routeTable '{}' has dependencies and cannot be deleted.", id);
  state_.tags.erase_all(id);
  state_.route_tables.erase(id);
  state_.changed(vpc_id);
  return {};
}

Result<AssociateRouteTableResult> NetworkOperations::AssociateRouteTable(const aws::Call&,
                                                                         const AssociateRouteTableRequest& request) {
  BRUME_CHECK(refuse("GatewayId", request.GatewayId || request.PublicIpv4Pool));
  BRUME_TRY(table, find(state_.route_tables, kRouteTable, request.RouteTableId));
  BRUME_TRY(subnet, find(state_.subnets, kSubnet, request.SubnetId));
  if (table->VpcId != subnet->VpcId)
    return fail("InvalidParameterValue", "Route table {} and subnet {} belong to different networks",
                *request.RouteTableId, *request.SubnetId);
  for (const RouteTableAssociation& association : state_.route_table_of(*subnet)->Associations)
    if (association.SubnetId == subnet->SubnetId) {
      if (association.RouteTableId == request.RouteTableId)
        return AssociateRouteTableResult{.AssociationId = association.RouteTableAssociationId,
                                         .AssociationState = association.AssociationState};
      return fail("Resource.AlreadyAssociated",
                  "the specified association for route table {} conflicts with an existing association",
                  *request.RouteTableId);
    }
  RouteTableAssociation association{.Main = false,
                                    .RouteTableAssociationId = services::new_id(context_.env.random, "rtbassoc"),
                                    .RouteTableId = request.RouteTableId,
                                    .SubnetId = request.SubnetId,
                                    .AssociationState = RouteTableAssociationState{.State = "associated"}};
  const std::string vpc_id = *subnet->VpcId;
  state_.route_tables.modify(*request.RouteTableId, [&](RouteTable& t) { t.Associations.push_back(association); });
  state_.changed(vpc_id);
  return AssociateRouteTableResult{.AssociationId = association.RouteTableAssociationId,
                                   .AssociationState = association.AssociationState};
}

Result<void> NetworkOperations::DisassociateRouteTable(const aws::Call&, const DisassociateRouteTableRequest& request) {
  const std::string id = request.AssociationId.value_or("");
  BRUME_TRY(found, find_association(state_, id));
  if (found.association->Main.value_or(false))
    return fail("InvalidParameterValue", "cannot disassociate the main route table association {}", id);
  const std::string vpc_id = *found.table->VpcId;
  state_.route_tables.modify(std::string(*found.table->RouteTableId), [&](RouteTable& table) {
    std::erase_if(table.Associations, [&](const auto& a) { return a.RouteTableAssociationId == id; });
  });
  state_.changed(vpc_id);
  return {};
}

Result<ReplaceRouteTableAssociationResult> NetworkOperations::ReplaceRouteTableAssociation(
    const aws::Call&, const ReplaceRouteTableAssociationRequest& request) {
  const std::string id = request.AssociationId.value_or("");
  BRUME_TRY(found, find_association(state_, id));
  BRUME_TRY(table, find(state_.route_tables, kRouteTable, request.RouteTableId));
  if (table->VpcId != found.table->VpcId)
    return fail("InvalidParameterValue", "Route table {} belongs to a different network than association {}",
                *request.RouteTableId, id);
  RouteTableAssociation moved = *found.association;
  moved.RouteTableAssociationId = services::new_id(context_.env.random, "rtbassoc");
  moved.RouteTableId = request.RouteTableId;
  const std::string vpc_id = *table->VpcId;
  state_.route_tables.modify(std::string(*found.table->RouteTableId), [&](RouteTable& from) {
    std::erase_if(from.Associations, [&](const auto& a) { return a.RouteTableAssociationId == id; });
  });
  state_.route_tables.modify(*request.RouteTableId, [&](RouteTable& to) { to.Associations.push_back(moved); });
  state_.changed(vpc_id);
  return ReplaceRouteTableAssociationResult{.NewAssociationId = moved.RouteTableAssociationId,
                                            .AssociationState = moved.AssociationState};
}

}  // namespace brume::ec2
