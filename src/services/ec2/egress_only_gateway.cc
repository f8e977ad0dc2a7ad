// Egress-only internet gateways: a way out for IPv6, which has none in.
#include <utility>

#include "services/ec2/filters.h"
#include "services/ec2/network_operations.h"

namespace brume::ec2 {
namespace {

// Only by tags.
constexpr std::span<const FilterField<EgressOnlyInternetGateway>> kFilters;

EgressOnlyInternetGateway describe(const NetworkState& state, const EgressOnlyInternetGateway& record) {
  EgressOnlyInternetGateway shape = record;
  shape.Tags = state.tags.of(*record.EgressOnlyInternetGatewayId);
  shape.Tags.set_present();
  return shape;
}

}  // namespace

Result<CreateEgressOnlyInternetGatewayResult> NetworkOperations::CreateEgressOnlyInternetGateway(
    const aws::Call& call, const CreateEgressOnlyInternetGatewayRequest& request) {
  BRUME_CHECK(find(state_.vpcs, kVpc, request.VpcId));
  BRUME_TRY(tags, tags_for(call, request.TagSpecifications, kEgressOnlyGateway.type));
  const std::string id = services::new_id(context_.env.random, kEgressOnlyGateway.prefix);
  EgressOnlyInternetGateway gateway{.EgressOnlyInternetGatewayId = id};
  gateway.Attachments.push_back({.State = "attached", .VpcId = request.VpcId});
  state_.egress_only_gateways.put(id, gateway);
  BRUME_CHECK(state_.tags.set(id, kEgressOnlyGateway.type, tags));
  state_.changed(*request.VpcId);
  return CreateEgressOnlyInternetGatewayResult{.ClientToken = request.ClientToken,
                                               .EgressOnlyInternetGateway = describe(state_, gateway)};
}

Result<DescribeEgressOnlyInternetGatewaysResult> NetworkOperations::DescribeEgressOnlyInternetGateways(
    const aws::Call&, const DescribeEgressOnlyInternetGatewaysRequest& request) {
  BRUME_TRY(gateways, shapes_of(state_.egress_only_gateways, kEgressOnlyGateway, request.EgressOnlyInternetGatewayIds,
                                [&](const EgressOnlyInternetGateway& record) { return describe(state_, record); }));
  BRUME_TRY(page, filtered_page<EgressOnlyInternetGateway>(
                      std::move(gateways), request, kFilters,
                      [](const EgressOnlyInternetGateway& g) { return *g.EgressOnlyInternetGatewayId; }));
  return DescribeEgressOnlyInternetGatewaysResult{.EgressOnlyInternetGateways = page.items,
                                                  .NextToken = page.next_token};
}

// Routes through it stay, as black holes.
Result<DeleteEgressOnlyInternetGatewayResult> NetworkOperations::DeleteEgressOnlyInternetGateway(
    const aws::Call&, const DeleteEgressOnlyInternetGatewayRequest& request) {
  BRUME_TRY(gateway, find(state_.egress_only_gateways, kEgressOnlyGateway, request.EgressOnlyInternetGatewayId));
  const std::string id = *gateway->EgressOnlyInternetGatewayId, vpc_id = *gateway->Attachments[0].VpcId;
  state_.tags.erase_all(id);
  state_.egress_only_gateways.erase(id);
  state_.changed(vpc_id);
  return DeleteEgressOnlyInternetGatewayResult{.ReturnCode = true};
}

}  // namespace brume::ec2
