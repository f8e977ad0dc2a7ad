// Secondary private IPv4 addresses of interfaces, given and taken while they are there.
#include <algorithm>
#include <utility>

#include "services/ec2/instance_operations.h"
#include "services/ec2/instance_types.h"
#include "services/ec2/private_addresses.h"
#include "services/ec2/refusals.h"

namespace brume::ec2 {
namespace {

using OwnAddress = NetworkInterfacePrivateIpAddress;

const OwnAddress* own(const NetworkInterface& interface, const std::string& address) {
  const auto found = std::ranges::find(interface.PrivateIpAddresses, address, &OwnAddress::PrivateIpAddress);
  return found == interface.PrivateIpAddresses.end() ? nullptr : &*found;
}

Result<const NetworkInterface*> find_managed(const NetworkState& network, const std::optional<std::string>& id) {
  BRUME_TRY(interface, find(network.network_interfaces, kNetworkInterface, id));
  if (interface->RequesterManaged.value_or(false))
    return fail("OperationNotPermitted", "You are not allowed to manage '{}' interface.", *id);
  return interface;
}

// An address that a request wants for the interface, and whose it is: nobody's, or another interface's.
struct Wanted {
  std::string address, from;
};

// Nothing if the interface has it already. Errors: those of check_address(), InvalidParameterValue (another's primary
// one).
Result<std::optional<Wanted>> wanted(const NetworkState& network, const NetworkInterface& interface,
                                     const std::string& text, bool reassign) {
  const Subnet& subnet = *network.subnets.find(*interface.SubnetId);
  const auto number = parse_ipv4(text);
  const AddressRecord* holder = number ? network.addresses.find(address_key(*interface.SubnetId, *number)) : nullptr;
  const std::string address = number ? format_ipv4(*number) : text;
  if (holder && holder->interface_id == *interface.NetworkInterfaceId &&
      !own(interface, address)->Primary.value_or(false))
    return std::optional<Wanted>();
  if (!holder || !reassign || holder->interface_id == *interface.NetworkInterfaceId) {
    BRUME_TRY(checked, check_address(network, subnet, text));
    return std::optional<Wanted>({checked, ""});
  }
  const NetworkInterface& other = *network.network_interfaces.find(holder->interface_id);
  if (own(other, address)->Primary.value_or(false) || other.RequesterManaged.value_or(false))
    return fail("InvalidParameterValue",
                "Address {} is the primary address of the interface {} and cannot be reassigned.", text,
                holder->interface_id);
  return std::optional<Wanted>({address, holder->interface_id});
}

}  // namespace

std::size_t InstanceOperations::most_private_addresses(const NetworkInterface& interface) const {
  const auto& attachment = interface.Attachment;
  const InstanceRecord* record =
      attachment && attachment->InstanceId ? instances_.find(*attachment->InstanceId) : nullptr;
  const InstanceType* type = record ? find_instance_type(record->instance.InstanceType.value_or("")) : nullptr;
  return type ? std::size_t(type->addresses_per_interface) : kMaxPrivateAddresses;
}

Result<AssignPrivateIpAddressesResult> InstanceOperations::AssignPrivateIpAddresses(
    const aws::Call&, const AssignPrivateIpAddressesRequest& request) {
  BRUME_CHECK(refuse("Ipv4Prefixes", !request.Ipv4Prefixes.empty() || request.Ipv4PrefixCount.value_or(0) > 0));
  BRUME_TRY(interface, find_managed(network_, request.NetworkInterfaceId));
  const bool named = !request.PrivateIpAddresses.empty();
  if (named && request.SecondaryPrivateIpAddressCount)
    return fail("InvalidParameterCombination",
                "PrivateIpAddresses and SecondaryPrivateIpAddressCount may not be used together.");
  if (!named && request.SecondaryPrivateIpAddressCount.value_or(0) < 1)
    return fail("MissingParameter",
                "Either 'privateIpAddresses' or 'secondaryPrivateIpAddressCount' should be provided.");
  const std::string id = *interface->NetworkInterfaceId;
  AssignPrivateIpAddressesResult result{.NetworkInterfaceId = id};
  std::vector<Wanted> chosen;
  for (const std::string& text : request.PrivateIpAddresses) {
    BRUME_TRY(one, wanted(network_, *interface, text, request.AllowReassignment.value_or(false)));
    const bool twice = one && std::ranges::find(chosen, one->address, &Wanted::address) != chosen.end();
    if (one && !twice) chosen.push_back(*one);
    result.AssignedPrivateIpAddresses.push_back({.PrivateIpAddress = one ? one->address : text});
  }
  if (!named) {
    const auto count = std::size_t(*request.SecondaryPrivateIpAddressCount);
    if (count > kMaxPrivateAddresses) return too_many_private_addresses();
    BRUME_TRY(free, choose_addresses(network_, *network_.subnets.find(*interface->SubnetId), count));
    for (const std::string& address : free) {
      chosen.push_back({address, ""});
      result.AssignedPrivateIpAddresses.push_back({.PrivateIpAddress = address});
    }
  }
  if (interface->PrivateIpAddresses.size() + chosen.size() > most_private_addresses(*interface))
    return too_many_private_addresses();
  for (const auto& [address, from] : chosen) {
    if (from.empty())
      add_secondary(network_, id, address);
    else
      move_secondary(network_, from, id, address);
  }
  return result;
}

Result<void> InstanceOperations::UnassignPrivateIpAddresses(const aws::Call&,
                                                            const UnassignPrivateIpAddressesRequest& request) {
  BRUME_CHECK(refuse("Ipv4Prefixes", !request.Ipv4Prefixes.empty()));
  BRUME_TRY(interface, find_managed(network_, request.NetworkInterfaceId));
  if (request.PrivateIpAddresses.empty())
    return fail("MissingParameter", "The request must contain the parameter privateIpAddresses");
  const std::string id = *interface->NetworkInterfaceId;
  std::vector<std::string> gone;
  for (const std::string& text : request.PrivateIpAddresses) {
    const auto number = parse_ipv4(text);
    const std::string address = number ? format_ipv4(*number) : text;
    const OwnAddress* found = own(*interface, address);
    if (!found) return fail("InvalidParameterValue", "Some of [{}] is not assigned to interface [{}]", text, id);
    if (found->Primary.value_or(false))
      return fail("InvalidParameterValue", "The primary IP address of the interface [{}] cannot be unassigned", id);
    if (std::ranges::find(gone, address) == gone.end()) gone.push_back(address);
  }
  for (const std::string& address : gone) remove_secondary(network_, id, address);
  return {};
}

}  // namespace brume::ec2
