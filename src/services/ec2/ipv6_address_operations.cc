// IPv6 addresses of interfaces, given and taken while they are there.
#include <algorithm>
#include <utility>

#include "services/ec2/ipv6_ranges.h"
#include "services/ec2/network_operations.h"
#include "services/ec2/refusals.h"

namespace brume::ec2 {

Result<AssignIpv6AddressesResult> NetworkOperations::AssignIpv6Addresses(const aws::Call&,
                                                                         const AssignIpv6AddressesRequest& request) {
  BRUME_CHECK(refuse("Ipv6Prefixes", !request.Ipv6Prefixes.empty() || request.Ipv6PrefixCount.value_or(0) > 0));
  BRUME_TRY(interface, find(state_.network_interfaces, kNetworkInterface, request.NetworkInterfaceId));
  if (!request.Ipv6Addresses.empty() && request.Ipv6AddressCount)
    return fail("InvalidParameterCombination", "Ipv6Addresses and Ipv6AddressCount may not be used together.");
  if (request.Ipv6Addresses.empty() && request.Ipv6AddressCount.value_or(0) < 1)
    return fail("MissingParameter", "Either 'ipv6Addresses' or 'ipv6AddressCount' should be provided.");
  if (interface->RequesterManaged.value_or(false))
    return fail("OperationNotPermitted", "You are not allowed to manage '{}' interface.", *request.NetworkInterfaceId);
  const std::string id = *interface->NetworkInterfaceId, vpc_id = *interface->VpcId;
  BRUME_TRY(chosen, ipv6_addresses_for(state_, *state_.subnets.find(*interface->SubnetId),
                                       {request.Ipv6Addresses.begin(), request.Ipv6Addresses.end()},
                                       request.Ipv6AddressCount.value_or(0), interface->Ipv6Addresses.size()));
  for (const std::string& address : chosen) enter_ipv6_address(state_, address, id);
  state_.network_interfaces.modify(id, [&](NetworkInterface& record) {
    for (const std::string& address : chosen)
      record.Ipv6Addresses.push_back({.Ipv6Address = address, .IsPrimaryIpv6 = false});
  });
  state_.changed(vpc_id);
  AssignIpv6AddressesResult result{.NetworkInterfaceId = id};
  for (std::string& address : chosen) result.AssignedIpv6Addresses.push_back(std::move(address));
  return result;
}

Result<UnassignIpv6AddressesResult> NetworkOperations::UnassignIpv6Addresses(
    const aws::Call&, const UnassignIpv6AddressesRequest& request) {
  BRUME_CHECK(refuse("Ipv6Prefixes", !request.Ipv6Prefixes.empty()));
  BRUME_TRY(interface, find(state_.network_interfaces, kNetworkInterface, request.NetworkInterfaceId));
  const std::string id = *interface->NetworkInterfaceId, vpc_id = *interface->VpcId;
  UnassignIpv6AddressesResult result{.NetworkInterfaceId = id};
  for (const std::string& text : request.Ipv6Addresses) {
    const auto block = canonical_ipv6_cidr(text + "/128");
    const std::string address = block ? block->substr(0, block->size() - 4) : text;
    if (std::ranges::find(interface->Ipv6Addresses, address, &NetworkInterfaceIpv6Address::Ipv6Address) ==
        interface->Ipv6Addresses.end())
      return fail("InvalidParameterValue", "Some of [{}] is not assigned to interface [{}]", text, id);
    result.UnassignedIpv6Addresses.push_back(address);
  }
  const auto gone = [&](const NetworkInterfaceIpv6Address& own) {
    return std::ranges::find(result.UnassignedIpv6Addresses, *own.Ipv6Address) != result.UnassignedIpv6Addresses.end();
  };
  state_.network_interfaces.modify(id, [&](NetworkInterface& record) { std::erase_if(record.Ipv6Addresses, gone); });
  for (const std::string& address : result.UnassignedIpv6Addresses) erase_ipv6_address(state_, address);
  state_.changed(vpc_id);
  return result;
}

}  // namespace brume::ec2
