// Elastic IPs.
#include <utility>

#include "aws/call.h"
#include "services/ec2/filters.h"
#include "services/ec2/network_interface.h"
#include "services/ec2/network_operations.h"
#include "services/ec2/public_address.h"
#include "services/ec2/refusals.h"

namespace brume::ec2 {
namespace {

// Of a region (EC2 user guide, "Elastic IP address quota").
constexpr std::ptrdiff_t kMaxElasticIps = 5;

constexpr FilterField<Address> kFilters[] = {
    {"allocation-id", [](const Address& a) { return value(a.AllocationId); }},
    {"association-id", [](const Address& a) { return value(a.AssociationId); }},
    {"domain", [](const Address& a) { return value(a.Domain); }},
    {"instance-id", [](const Address& a) { return value(a.InstanceId); }},
    {"network-border-group", [](const Address& a) { return value(a.NetworkBorderGroup); }},
    {"network-interface-id", [](const Address& a) { return value(a.NetworkInterfaceId); }},
    {"network-interface-owner-id", [](const Address& a) { return value(a.NetworkInterfaceOwnerId); }},
    {"private-ip-address", [](const Address& a) { return value(a.PrivateIpAddress); }},
    {"public-ip", [](const Address& a) { return value(a.PublicIp); }},
};

Address describe(const NetworkState& state, const PublicAddressRecord& record) {
  Address shape = record.address;
  shape.Tags = state.tags.of(*shape.AllocationId);
  if (shape.NetworkInterfaceId) {
    const NetworkInterface* interface = state.network_interfaces.find(*shape.NetworkInterfaceId);
    if (interface && interface->Attachment) shape.InstanceId = interface->Attachment->InstanceId;
  }
  return shape;
}

Result<const PublicAddressRecord*> find_allocation(const NetworkState& state, const std::string& id) {
  if (const PublicAddressRecord* record = state.elastic_ip(id)) return record;
  return no_such(kElasticIp, id);
}

Result<const PublicAddressRecord*> find_public(const NetworkState& state, const std::string& address) {
  const PublicAddressRecord* record = state.public_addresses.find(address);
  if (record && !record->automatic) return record;
  if (!parse_ipv4(address))
    return fail("InvalidParameterValue", "Value ({}) for parameter publicIp is invalid. Invalid IPv4 address.",
                address);
  return fail("InvalidAddress.NotFound", "Address '{}' not found.", address);
}

template <typename Request>
Result<const PublicAddressRecord*> find_either(const NetworkState& state, const Request& request) {
  if (request.AllocationId && request.PublicIp)
    return fail("InvalidParameterCombination",
                "You may specify public IP or allocation id, but not both in the same "
                "call");
  if (request.AllocationId) return find_allocation(state, *request.AllocationId);
  if (request.PublicIp) return find_public(state, *request.PublicIp);
  return fail("MissingParameter", "Either public IP or allocation id must be specified");
}

// The elastic addresses that the request names, or all.
Result<std::vector<Address>> asked_for(const NetworkState& state, const List<std::string>& allocations,
                                       const List<std::string>& addresses) {
  std::vector<Address> shapes;
  for (const std::string& id : allocations) {
    BRUME_TRY(record, find_allocation(state, id));
    shapes.push_back(describe(state, *record));
  }
  for (const std::string& address : addresses) {
    BRUME_TRY(record, find_public(state, address));
    shapes.push_back(describe(state, *record));
  }
  if (allocations.empty() && addresses.empty())
    for (const auto& [ip, record] : state.public_addresses.rows())
      if (!record.automatic) shapes.push_back(describe(state, record));
  return shapes;
}

// A NAT gateway's address is not the user's to move.
Result<void> check_not_managed(const NetworkState& state, const PublicAddressRecord& record) {
  if (!record.address.NetworkInterfaceId) return {};
  const NetworkInterface* interface = state.network_interfaces.find(*record.address.NetworkInterfaceId);
  if (interface && interface->InterfaceType == kNatGatewayInterface)
    return std::unexpected(Error{"AuthFailure", "You do not have permission to access the specified resource.", 403});
  return {};
}

}  // namespace

Result<AllocateAddressResult> NetworkOperations::AllocateAddress(const aws::Call& call,
                                                                 const AllocateAddressRequest& request) {
  BRUME_CHECK(refuse("Domain other than vpc", request.Domain.value_or("vpc") != "vpc"));
  BRUME_CHECK(refuse("PublicIpv4Pool", request.PublicIpv4Pool.value_or("amazon") != "amazon"));
  BRUME_CHECK(refuse("CustomerOwnedIpv4Pool", request.CustomerOwnedIpv4Pool.has_value()));
  BRUME_CHECK(refuse("IpamPoolId", request.IpamPoolId.has_value()));
  if (request.NetworkBorderGroup.value_or(context_.region) != context_.region)
    return fail("InvalidParameterValue", "Value ({}) for parameter networkBorderGroup is invalid.",
                *request.NetworkBorderGroup);
  BRUME_TRY(tags, tags_for(call, request.TagSpecifications, kElasticIp.type));
  if (std::ranges::count_if(state_.public_addresses.rows(), [](const auto& row) { return !row.second.automatic; }) >=
      kMaxElasticIps)
    return fail("AddressLimitExceeded", "The maximum number of addresses has been reached.");
  std::string address = request.Address.value_or("");
  if (request.Address) {
    if (!is_free_public_address(state_, address))
      return fail("InvalidAddress.NotFound", "Address '{}' not found.", address);
  } else {
    BRUME_TRY(chosen, choose_public_address(state_));
    address = chosen;
  }
  const std::string id = services::new_id(context_.env.random, kElasticIp.prefix);
  state_.public_addresses.put(address, {.address = {.AllocationId = id,
                                                    .Domain = "vpc",
                                                    .PublicIpv4Pool = "amazon",
                                                    .NetworkBorderGroup = context_.region,
                                                    .PublicIp = address}});
  BRUME_CHECK(state_.tags.set(id, kElasticIp.type, tags));
  return AllocateAddressResult{.AllocationId = id,
                               .PublicIpv4Pool = "amazon",
                               .NetworkBorderGroup = context_.region,
                               .Domain = "vpc",
                               .PublicIp = address};
}

Result<DescribeAddressesResult> NetworkOperations::DescribeAddresses(const aws::Call&,
                                                                     const DescribeAddressesRequest& request) {
  BRUME_TRY(shapes, asked_for(state_, request.AllocationIds, request.PublicIps));
  BRUME_TRY(passed, filtered<Address>(std::move(shapes), request.Filters, kFilters));
  return DescribeAddressesResult{.Addresses = passed};
}

// The one attribute is the name that an address's reverse record has; these addresses have none.
Result<DescribeAddressesAttributeResult> NetworkOperations::DescribeAddressesAttribute(
    const aws::Call&, const DescribeAddressesAttributeRequest& request) {
  BRUME_TRY(shapes, asked_for(state_, request.AllocationIds, {}));
  BRUME_TRY(page, services::paginate(std::move(shapes), std::size_t(std::max(0, request.MaxResults.value_or(0))),
                                     request.NextToken, [](const Address& a) { return *a.PublicIp; }));
  DescribeAddressesAttributeResult result{.NextToken = page.next_token};
  for (const Address& shape : page.items)
    result.Addresses.push_back({.PublicIp = shape.PublicIp, .AllocationId = shape.AllocationId});
  return result;
}

Result<AssociateAddressResult> NetworkOperations::AssociateAddress(const aws::Call&,
                                                                   const AssociateAddressRequest& request) {
  BRUME_TRY(record, find_either(state_, request));
  const std::string address = *record->address.PublicIp;
  if (request.InstanceId && request.NetworkInterfaceId)
    return fail("InvalidParameterCombination",
                "You may specify instance id or network interface id, but not both in the same call");
  if (!request.InstanceId && !request.NetworkInterfaceId)
    return fail("MissingParameter", "Either instance id or network interface id must be specified");
  std::string interface_id = request.NetworkInterfaceId.value_or("");
  if (request.InstanceId) {
    BRUME_TRY(only, only_interface_of(state_, *request.InstanceId));
    interface_id = *only->NetworkInterfaceId;
  }
  BRUME_TRY(interface, find(state_.network_interfaces, kNetworkInterface, interface_id));
  const std::string private_address = request.PrivateIpAddress.value_or(*interface->PrivateIpAddress);
  const auto own = std::ranges::find(interface->PrivateIpAddresses, private_address,
                                     &NetworkInterfacePrivateIpAddress::PrivateIpAddress);
  if (own == interface->PrivateIpAddresses.end())
    return fail("InvalidParameterValue", "The private IP address {} is not assigned to the interface {}",
                private_address, interface_id);
  if (!state_.internet_gateway_of(*interface->VpcId))
    return fail("Gateway.NotAttached", "Network {} is not attached to any internet gateway", *interface->VpcId);
  if (interface->InterfaceType == kNatGatewayInterface)
    return std::unexpected(Error{"AuthFailure", "You do not have permission to access the specified resource.", 403});
  if (own->Association && own->Association->PublicIp == address)
    return AssociateAddressResult{.AssociationId = record->address.AssociationId};
  if (record->address.AssociationId && !request.AllowReassociation.value_or(true))
    return fail("Resource.AlreadyAssociated", "resource {} is already associated with associate-id {}",
                *record->address.AllocationId, *record->address.AssociationId);
  BRUME_CHECK(check_not_managed(state_, *record));
  if (own->Association) dissociate(state_, std::string(*own->Association->PublicIp));
  dissociate(state_, address);
  return AssociateAddressResult{.AssociationId = associate(state_, address, interface_id, private_address)};
}

Result<void> NetworkOperations::DisassociateAddress(const aws::Call&, const DisassociateAddressRequest& request) {
  const PublicAddressRecord* record = nullptr;
  if (request.AssociationId) {
    for (const auto& [ip, row] : state_.public_addresses.rows())
      if (!row.automatic && row.address.AssociationId == *request.AssociationId) record = &row;
    if (!record)
      return fail("InvalidAssociationID.NotFound", "The association ID '{}' does not exist", *request.AssociationId);
  } else {
    if (!request.PublicIp) return fail("MissingParameter", "Either public IP or association id must be specified");
    BRUME_TRY(found, find_public(state_, *request.PublicIp));
    record = found;
  }
  BRUME_CHECK(check_not_managed(state_, *record));
  dissociate(state_, std::string(*record->address.PublicIp));
  return {};
}

Result<void> NetworkOperations::ReleaseAddress(const aws::Call&, const ReleaseAddressRequest& request) {
  if (!request.AllocationId && request.PublicIp) {
    BRUME_CHECK(find_public(state_, *request.PublicIp));
    return fail("InvalidParameterValue", "You must specify an allocation id when releasing a VPC elastic IP address");
  }
  BRUME_TRY(record, find_either(state_, request));
  const std::string address = *record->address.PublicIp, id = *record->address.AllocationId;
  if (record->address.AssociationId) return fail("InvalidIPAddress.InUse", "Address {} is in use.", address);
  state_.tags.erase_all(id);
  state_.public_addresses.erase(address);
  return {};
}

}  // namespace brume::ec2
