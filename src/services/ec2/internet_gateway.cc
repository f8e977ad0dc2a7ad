// Internet gateways.
#include <utility>

#include "aws/call.h"
#include "services/ec2/filters.h"
#include "services/ec2/network_operations.h"

namespace brume::ec2 {
namespace {

constexpr FilterField<InternetGateway> kFilters[] = {
    {"internet-gateway-id", [](const InternetGateway& g) { return value(g.InternetGatewayId); }},
    {"owner-id", [](const InternetGateway& g) { return value(g.OwnerId); }},
    {"attachment.state",
     [](const InternetGateway& g) { return each(g.Attachments, [](const auto& a) { return a.State; }); }},
    {"attachment.vpc-id",
     [](const InternetGateway& g) { return each(g.Attachments, [](const auto& a) { return a.VpcId; }); }},
};

InternetGateway describe(const NetworkState& state, const InternetGateway& record) {
  InternetGateway shape = record;
  shape.Attachments.set_present();
  shape.Tags = state.tags.of(*record.InternetGatewayId);
  shape.Tags.set_present();
  return shape;
}

}  // namespace

Result<CreateInternetGatewayResult> NetworkOperations::CreateInternetGateway(
    const aws::Call& call, const CreateInternetGatewayRequest& request) {
  BRUME_TRY(tags, tags_for(call, request.TagSpecifications, kInternetGateway.type));
  const std::string id = services::new_id(context_.env.random, kInternetGateway.prefix);
  state_.internet_gateways.put(id, {.InternetGatewayId = id, .OwnerId = aws::kAccount});
  BRUME_CHECK(state_.tags.set(id, kInternetGateway.type, tags));
  return CreateInternetGatewayResult{.InternetGateway = describe(state_, *state_.internet_gateways.find(id))};
}

Result<DescribeInternetGatewaysResult> NetworkOperations::DescribeInternetGateways(
    const aws::Call&, const DescribeInternetGatewaysRequest& request) {
  BRUME_TRY(gateways, shapes_of(state_.internet_gateways, kInternetGateway, request.InternetGatewayIds,
                                [&](const InternetGateway& record) { return describe(state_, record); }));
  BRUME_TRY(page, filtered_page<InternetGateway>(std::move(gateways), request, kFilters,
                                                 [](const InternetGateway& g) { return *g.InternetGatewayId; }));
  return DescribeInternetGatewaysResult{.InternetGateways = page.items, .NextToken = page.next_token};
}

Result<void> NetworkOperations::AttachInternetGateway(const aws::Call&, const AttachInternetGatewayRequest& request) {
  BRUME_TRY(gateway, find(state_.internet_gateways, kInternetGateway, request.InternetGatewayId));
  BRUME_CHECK(find(state_.vpcs, kVpc, request.VpcId));
  const std::string id = *gateway->InternetGatewayId;
  if (!gateway->Attachments.empty())
    return fail("Resource.AlreadyAssociated", "resource {} is already attached to network {}", id,
                *gateway->Attachments[0].VpcId);
  if (state_.internet_gateway_of(*request.VpcId))
    return fail("InvalidParameterValue", "Network {} already has an internet gateway attached", *request.VpcId);
  state_.internet_gateways.modify(id, [&](InternetGateway& record) {
    record.Attachments.push_back({.State = "available", .VpcId = request.VpcId});
  });
  state_.changed(*request.VpcId);
  return {};
}

Result<void> NetworkOperations::DetachInternetGateway(const aws::Call&, const DetachInternetGatewayRequest& request) {
  BRUME_TRY(gateway, find(state_.internet_gateways, kInternetGateway, request.InternetGatewayId));
  BRUME_CHECK(find(state_.vpcs, kVpc, request.VpcId));
  const std::string id = *gateway->InternetGatewayId;
  if (gateway->Attachments.empty() || gateway->Attachments[0].VpcId != request.VpcId)
    return fail("Gateway.NotAttached", "resource {} is not attached to network {}", id, *request.VpcId);
  const bool has_public_address = std::ranges::any_of(state_.network_interfaces.rows(), [&](const auto& row) {
    return row.second.VpcId == request.VpcId && row.second.Association;
  });
  if (has_public_address)
    return fail("DependencyViolation",
                "Network {} has some mapped public address(es). Please unmap those public address(es) before detaching "
                "the gateway.",
                *request.VpcId);
  state_.internet_gateways.modify(id, [](InternetGateway& record) { record.Attachments.clear(); });
  state_.changed(*request.VpcId);
  return {};
}

Result<void> NetworkOperations::DeleteInternetGateway(const aws::Call&, const DeleteInternetGatewayRequest& request) {
  BRUME_TRY(gateway, find(state_.internet_gateways, kInternetGateway, request.InternetGatewayId));
  const std::string id = *gateway->InternetGatewayId;
  if (!gateway->Attachments.empty())
    return fail("DependencyViolation", "The internetGateway '{}' has dependencies and cannot be deleted.", id);
  state_.tags.erase_all(id);
  state_.internet_gateways.erase(id);
  return {};
}

}  // namespace brume::ec2
