// NAT gateways: an interface in a subnet that lends its addresses to those who are routed to it.
#include <utility>

#include "aws/call.h"
#include "services/ec2/filters.h"
#include "services/ec2/network_interface.h"
#include "services/ec2/network_operations.h"
#include "services/ec2/private_addresses.h"
#include "services/ec2/public_address.h"
#include "services/ec2/refusals.h"

namespace brume::ec2 {
namespace {

// A deleted or failed gateway is shown for an hour (VPC user guide, "NAT gateways").
constexpr std::chrono::hours kEndedVisible{1};

template <auto member>
Values addresses(const NatGateway& g) {
  return each(g.NatGatewayAddresses, [](const NatGatewayAddress& a) { return a.*member; });
}

constexpr FilterField<NatGateway> kFilters[] = {
    {"nat-gateway-id", [](const NatGateway& g) { return value(g.NatGatewayId); }},
    {"state", [](const NatGateway& g) { return value(g.State); }},
    {"subnet-id", [](const NatGateway& g) { return value(g.SubnetId); }},
    {"vpc-id", [](const NatGateway& g) { return value(g.VpcId); }},
    {"connectivity-type", [](const NatGateway& g) { return value(g.ConnectivityType); }},
};

// DescribeNatGateways calls its filters by another name than the rest.
struct Paged {
  const List<Filter>& Filters;
  const std::optional<std::int32_t>& MaxResults;
  const std::optional<std::string>& NextToken;
};

NatGateway describe(const NetworkState& state, const NatGateway& record) {
  NatGateway shape = record;
  shape.NatGatewayAddresses.set_present();
  shape.Tags = state.tags.of(*record.NatGatewayId);
  shape.Tags.set_present();
  return shape;
}

bool is_forgotten(const NatGateway& gateway, Timestamp now) {
  return gateway.DeleteTime && now - *gateway.DeleteTime > kEndedVisible;
}

void forget_old(NetworkState& state) {
  std::vector<std::string> old;
  for (const auto& [id, gateway] : state.nat_gateways.rows())
    if (is_forgotten(gateway, state.context.env.clock.wall())) old.push_back(id);
  for (const std::string& id : old) {
    state.tags.erase_all(id);
    state.nat_gateways.erase(id);
  }
}

Result<void> refuse_unsupported(const CreateNatGatewayRequest& request) {
  BRUME_CHECK(refuse("AvailabilityMode", request.AvailabilityMode.value_or("zonal") != "zonal"));
  BRUME_CHECK(refuse("AvailabilityZoneAddresses", !request.AvailabilityZoneAddresses.empty()));
  BRUME_CHECK(refuse("SecondaryAllocationIds", !request.SecondaryAllocationIds.empty()));
  return refuse("SecondaryPrivateIpAddresses",
                !request.SecondaryPrivateIpAddresses.empty() || request.SecondaryPrivateIpAddressCount.value_or(0) > 0);
}

// The interface that the gateway is, entered; answers its id.
Result<std::string> make_interface(NetworkState& state, const std::string& gateway_id, const Subnet& subnet,
                                   const std::optional<std::string>& wanted) {
  BRUME_TRY(addresses, addresses_for(state, subnet, {.primary = wanted, .list = {}, .count = {}}));
  const std::string& address = addresses.front();
  env::Random& random = state.context.env.random;
  NetworkInterface interface{
      .Attachment = NetworkInterfaceAttachment{.AttachTime = state.context.env.clock.wall(),
                                               .AttachmentId = services::new_id(random, "eni-attach"),
                                               .DeleteOnTermination = false,
                                               .DeviceIndex = 1,
                                               .InstanceOwnerId = "amazon-aws",
                                               .Status = "attached"},
      .AvailabilityZone = subnet.AvailabilityZone,
      .Description = "Interface for NAT Gateway " + gateway_id,
      .InterfaceType = kNatGatewayInterface,
      .MacAddress = new_mac(random),
      .NetworkInterfaceId = services::new_id(random, kNetworkInterface.prefix),
      .OwnerId = aws::kAccount,
      .PrivateIpAddress = address,
      .RequesterManaged = true,
      .SourceDestCheck = false,
      .Status = "in-use",
      .SubnetId = subnet.SubnetId,
      .VpcId = subnet.VpcId,
      .AvailabilityZoneId = subnet.AvailabilityZoneId};
  interface.PrivateIpAddresses.push_back({.Primary = true, .PrivateIpAddress = address});
  enter_interface(state, interface);
  return *interface.NetworkInterfaceId;
}

}  // namespace

Result<CreateNatGatewayResult> NetworkOperations::CreateNatGateway(const aws::Call& call,
                                                                   const CreateNatGatewayRequest& request) {
  BRUME_CHECK(refuse_unsupported(request));
  const bool is_public = request.ConnectivityType.value_or("public") == "public";
  if (is_public && !request.AllocationId)
    return fail("MissingParameter", "The request must contain the parameter AllocationId");
  if (!is_public && request.AllocationId)
    return fail("InvalidParameterCombination", "A private NAT gateway cannot have an Elastic IP address.");
  BRUME_TRY(subnet, find(state_.subnets, kSubnet, request.SubnetId));
  BRUME_TRY(tags, tags_for(call, request.TagSpecifications, kNatGateway.type));
  const PublicAddressRecord* elastic = nullptr;
  if (is_public) {
    elastic = state_.elastic_ip(*request.AllocationId);
    if (!elastic) return no_such(kElasticIp, *request.AllocationId);
    if (elastic->address.AssociationId)
      return fail("Resource.AlreadyAssociated", "resource {} is already associated with associate-id {}",
                  *request.AllocationId, *elastic->address.AssociationId);
  }
  forget_old(state_);
  const std::string id = services::new_id(context_.env.random, kNatGateway.prefix);
  NatGateway gateway{.CreateTime = context_.env.clock.wall(),
                     .NatGatewayId = id,
                     .State = "available",
                     .SubnetId = subnet->SubnetId,
                     .VpcId = subnet->VpcId,
                     .ConnectivityType = is_public ? "public" : "private",
                     .AvailabilityMode = "zonal"};
  if (is_public && !state_.internet_gateway_of(*subnet->VpcId)) {
    gateway.State = "failed";
    gateway.DeleteTime = gateway.CreateTime;
    gateway.FailureCode = "Gateway.NotAttached";
    gateway.FailureMessage = fmt::format("Network {} has no Internet gateway attached", *subnet->VpcId);
  } else {
    BRUME_TRY(interface_id, make_interface(state_, id, *subnet, request.PrivateIpAddress));
    NatGatewayAddress address{.NetworkInterfaceId = interface_id,
                              .PrivateIp = state_.network_interfaces.find(interface_id)->PrivateIpAddress,
                              .IsPrimary = true,
                              .Status = "succeeded"};
    if (elastic) {
      address.AllocationId = request.AllocationId;
      address.PublicIp = elastic->address.PublicIp;
      address.AssociationId = associate(state_, std::string(*address.PublicIp), interface_id, *address.PrivateIp);
    }
    gateway.NatGatewayAddresses.push_back(std::move(address));
  }
  state_.nat_gateways.put(id, gateway);
  BRUME_CHECK(state_.tags.set(id, kNatGateway.type, tags));
  state_.changed(*gateway.VpcId);
  CreateNatGatewayResult result{.ClientToken = request.ClientToken, .NatGateway = describe(state_, gateway)};
  result.NatGateway->State = "pending";
  return result;
}

Result<DescribeNatGatewaysResult> NetworkOperations::DescribeNatGateways(const aws::Call&,
                                                                         const DescribeNatGatewaysRequest& request) {
  const Timestamp now = context_.env.clock.wall();
  BRUME_TRY(gateways, shapes_of(state_.nat_gateways, kNatGateway, request.NatGatewayIds,
                                [&](const NatGateway& record) { return describe(state_, record); }));
  for (const NatGateway& gateway : gateways)
    if (!request.NatGatewayIds.empty() && is_forgotten(gateway, now))
      return no_such(kNatGateway, *gateway.NatGatewayId);
  std::erase_if(gateways, [&](const NatGateway& gateway) { return is_forgotten(gateway, now); });
  BRUME_TRY(page,
            filtered_page<NatGateway>(std::move(gateways), Paged{request.Filter, request.MaxResults, request.NextToken},
                                      kFilters, [](const NatGateway& g) { return *g.NatGatewayId; }));
  return DescribeNatGatewaysResult{.NatGateways = page.items, .NextToken = page.next_token};
}

// Routes to it stay, as black holes; its Elastic IP stays the user's.
Result<DeleteNatGatewayResult> NetworkOperations::DeleteNatGateway(const aws::Call&,
                                                                   const DeleteNatGatewayRequest& request) {
  forget_old(state_);
  BRUME_TRY(found, find(state_.nat_gateways, kNatGateway, request.NatGatewayId));
  const NatGateway gateway = *found;
  if (!gateway.DeleteTime) {
    for (const NatGatewayAddress& address : gateway.NatGatewayAddresses)
      erase_interface(state_, *address.NetworkInterfaceId);
    state_.nat_gateways.modify(*gateway.NatGatewayId, [&](NatGateway& record) {
      record.State = "deleted";
      record.DeleteTime = context_.env.clock.wall();
    });
    state_.changed(*gateway.VpcId);
  }
  return DeleteNatGatewayResult{.NatGatewayId = gateway.NatGatewayId};
}

}  // namespace brume::ec2
