#include "services/ec2/public_address.h"

#include <algorithm>
#include <utility>

#include "aws/call.h"
#include "services/common/ids.h"

namespace brume::ec2 {
namespace {

// A range's first and last addresses are nobody's.
std::uint64_t usable(const Cidr& range) {
  return range.size() > 2 ? range.size() - 2 : 0;
}

bool is_taken(NetworkState& state, const std::string& address) {
  return std::ranges::any_of(state.all_regions(),
                             [&](const NetworkState* region) { return region->public_addresses.contains(address); });
}

// Writes the association (or none) of a private address into its interface's record.
void enter(NetworkState& state, const std::string& interface_id, const std::string& private_address,
           const std::optional<NetworkInterfaceAssociation>& association) {
  state.network_interfaces.modify(interface_id, [&](NetworkInterface& interface) {
    if (interface.PrivateIpAddress == private_address) interface.Association = association;
    for (NetworkInterfacePrivateIpAddress& own : interface.PrivateIpAddresses)
      if (own.PrivateIpAddress == private_address) own.Association = association;
  });
  state.changed(*state.network_interfaces.find(interface_id)->VpcId);
}

std::vector<std::string> addresses_of(const NetworkState& state, const std::string& interface_id) {
  std::vector<std::string> found;
  if (const NetworkInterface* interface = state.network_interfaces.find(interface_id))
    for (const NetworkInterfacePrivateIpAddress& own : interface->PrivateIpAddresses)
      if (own.Association) found.push_back(*own.Association->PublicIp);
  return found;
}

}  // namespace

bool is_free_public_address(NetworkState& state, const std::string& address) {
  const auto number = parse_ipv4(address);
  const bool in_pool =
      number && std::ranges::any_of(state.public_pool, [&](const Cidr& range) {
        return range.contains(*number) && *number != range.base && *number != range.nth(range.size() - 1);
      });
  return in_pool && !is_taken(state, address);
}

Result<std::string> choose_public_address(NetworkState& state) {
  std::uint64_t total = 0;
  for (const Cidr& range : state.public_pool) total += usable(range);
  const std::uint64_t start = total > 0 ? state.context.env.random.below(total) : 0;
  for (std::uint64_t i = 0; i < total; ++i) {
    std::uint64_t place = (start + i) % total;
    for (const Cidr& range : state.public_pool) {
      if (place >= usable(range)) {
        place -= usable(range);
        continue;
      }
      std::string address = format_ipv4(range.nth(1 + place));
      if (!is_taken(state, address)) return address;
      break;
    }
  }
  return fail("InsufficientAddressCapacity", "There are not enough free public addresses in the pool.");
}

std::string associate(NetworkState& state, const std::string& address, const std::string& interface_id,
                      const std::string& private_address) {
  const std::string id = services::new_id(state.context.env.random, "eipassoc");
  state.public_addresses.modify(address, [&](PublicAddressRecord& record) {
    record.address.AssociationId = id;
    record.address.NetworkInterfaceId = interface_id;
    record.address.NetworkInterfaceOwnerId = aws::kAccount;
    record.address.PrivateIpAddress = private_address;
  });
  const PublicAddressRecord& record = *state.public_addresses.find(address);
  // As AWS shows them: an automatic address has no allocation and its owner is Amazon.
  enter(state, interface_id, private_address,
        record.automatic ? NetworkInterfaceAssociation{.IpOwnerId = "amazon", .PublicIp = address}
                         : NetworkInterfaceAssociation{.AllocationId = record.address.AllocationId,
                                                       .AssociationId = id,
                                                       .IpOwnerId = aws::kAccount,
                                                       .PublicIp = address});
  return id;
}

void dissociate(NetworkState& state, const std::string& address) {
  const PublicAddressRecord* record = state.public_addresses.find(address);
  if (!record || !record->address.AssociationId) return;
  const bool automatic = record->automatic;
  const std::string interface_id = *record->address.NetworkInterfaceId;
  enter(state, interface_id, std::string(*record->address.PrivateIpAddress), std::nullopt);
  if (automatic) return state.public_addresses.erase(address);
  state.public_addresses.modify(address, [](PublicAddressRecord& row) {
    row.address.AssociationId.reset();
    row.address.NetworkInterfaceId.reset();
    row.address.NetworkInterfaceOwnerId.reset();
    row.address.PrivateIpAddress.reset();
  });
}

void dissociate_all(NetworkState& state, const std::string& interface_id) {
  for (const std::string& address : addresses_of(state, interface_id)) dissociate(state, address);
}

Result<void> assign_automatic(NetworkState& state, const std::string& interface_id) {
  const NetworkInterface& interface = *state.network_interfaces.find(interface_id);
  if (interface.Association) return {};
  const std::string private_address = *interface.PrivateIpAddress;
  BRUME_TRY(address, choose_public_address(state));
  state.public_addresses.put(address, {.address = {.Domain = "vpc",
                                                   .PublicIpv4Pool = "amazon",
                                                   .NetworkBorderGroup = state.context.region,
                                                   .PublicIp = address},
                                       .automatic = true});
  associate(state, address, interface_id, private_address);
  return {};
}

void release_automatic(NetworkState& state, const std::string& interface_id) {
  for (const std::string& address : addresses_of(state, interface_id))
    if (state.public_addresses.find(address)->automatic) dissociate(state, address);
}

}  // namespace brume::ec2
