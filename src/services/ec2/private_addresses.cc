#include "services/ec2/private_addresses.h"

#include <algorithm>

#include "services/ec2/cidr.h"
#include "services/ec2/public_address.h"

namespace brume::ec2 {
namespace {

using OwnAddress = NetworkInterfacePrivateIpAddress;

bool contains(const std::vector<std::string>& all, const std::string& one) {
  return std::ranges::find(all, one) != all.end();
}

void take_out(NetworkState& state, const std::string& interface_id, const std::string& address) {
  state.network_interfaces.modify(interface_id, [&](NetworkInterface& record) {
    std::erase_if(record.PrivateIpAddresses, [&](const OwnAddress& own) { return own.PrivateIpAddress == address; });
  });
}

std::string key_of(const NetworkInterface& interface, const std::string& address) {
  return address_key(*interface.SubnetId, *parse_ipv4(address));
}

}  // namespace

std::unexpected<Error> too_many_private_addresses() {
  return fail("PrivateIpAddressLimitExceeded", "Number of private addresses will exceed limit.");
}

std::string address_key(std::string_view subnet_id, std::uint32_t address) {
  return fmt::format("{}/{:010}", subnet_id, address);
}

int available_addresses(const NetworkState& state, const Subnet& subnet) {
  const std::string prefix = *subnet.SubnetId + "/";
  auto used = std::uint64_t(0);
  for (auto row = state.addresses.rows().lower_bound(prefix);
       row != state.addresses.rows().end() && row->first.starts_with(prefix); ++row)
    ++used;
  return int(usable_addresses(*parse_cidr(*subnet.CidrBlock)) - used);
}

Result<std::vector<std::string>> choose_addresses(NetworkState& state, const Subnet& subnet, std::size_t count,
                                                  const std::vector<std::string>& besides) {
  const Cidr cidr = *parse_cidr(*subnet.CidrBlock);
  const std::uint64_t usable = usable_addresses(cidr);
  std::vector<std::string> chosen;
  while (chosen.size() < count) {
    const std::uint64_t start = state.context.env.random.below(usable);
    std::uint64_t tried = 0;
    for (; tried < usable; ++tried) {
      const std::uint32_t address = cidr.nth(kReservedAtStart + (start + tried) % usable);
      if (state.addresses.contains(address_key(*subnet.SubnetId, address))) continue;
      std::string text = format_ipv4(address);
      if (contains(besides, text) || contains(chosen, text)) continue;
      chosen.push_back(std::move(text));
      break;
    }
    if (tried == usable)
      return fail("InsufficientFreeAddressesInSubnet",
                  "There are not enough free addresses in subnet '{}' to satisfy the requested number of addresses.",
                  *subnet.SubnetId);
  }
  return chosen;
}

Result<std::string> check_address(const NetworkState& state, const Subnet& subnet, const std::string& address) {
  const auto number = parse_ipv4(address);
  if (!number) return fail("InvalidParameterValue", "Invalid IPv4 address: {}", address);
  const Cidr cidr = *parse_cidr(*subnet.CidrBlock);
  if (!cidr.contains(*number))
    return fail("InvalidParameterValue", "Address {} does not fall within the subnet's address range", address);
  if (!is_usable_address(cidr, *number))
    return fail("InvalidParameterValue", "Address {} is in subnet's reserved address range", address);
  if (state.addresses.contains(address_key(*subnet.SubnetId, *number)))
    return fail("InvalidIPAddress.InUse", "Address {} is in use.", address);
  return format_ipv4(*number);
}

std::size_t number_of(const WantedAddresses& wanted) {
  const bool primary_in_list =
      !wanted.primary && !wanted.list.empty() &&
      (wanted.list.front().Primary.value_or(true) ||
       std::ranges::any_of(wanted.list, [](const auto& entry) { return entry.Primary.value_or(false); }));
  return wanted.list.size() + (primary_in_list ? 0 : 1) + std::size_t(std::max(wanted.count.value_or(0), 0));
}

Result<std::vector<std::string>> addresses_for(NetworkState& state, const Subnet& subnet,
                                               const WantedAddresses& wanted) {
  std::optional<std::string> primary = wanted.primary;
  const auto is_primary = [](const PrivateIpAddressSpecification& entry) { return entry.Primary.value_or(false); };
  const auto said = std::ranges::count_if(wanted.list, is_primary);
  if (said + (wanted.primary ? 1 : 0) > 1)
    return fail("InvalidParameterCombination", "Only one primary private IP address can be specified.");
  auto first = std::ranges::find_if(wanted.list, is_primary);
  if (first == wanted.list.end() && !primary && !wanted.list.empty() && !wanted.list.front().Primary)
    first = wanted.list.begin();
  std::vector<std::string> secondary;
  for (auto entry = wanted.list.begin(); entry != wanted.list.end(); ++entry) {
    if (!entry->PrivateIpAddress)
      return fail("MissingParameter", "The request must contain the parameter privateIpAddress");
    if (entry == first)
      primary = entry->PrivateIpAddress;
    else
      secondary.push_back(*entry->PrivateIpAddress);
  }
  if (wanted.count && !secondary.empty())
    return fail(
        "InvalidParameterCombination",
        "SecondaryPrivateIpAddressCount and secondary addresses in PrivateIpAddresses may not be used together.");
  if (wanted.count.value_or(0) < 0)
    return fail("InvalidParameterValue", "Value ({}) for parameter secondaryPrivateIpAddressCount is invalid.",
                *wanted.count);
  if (number_of(wanted) > kMaxPrivateAddresses) return too_many_private_addresses();
  std::vector<std::string> named;
  if (primary) secondary.insert(secondary.begin(), *primary);
  for (const std::string& text : secondary) {
    BRUME_TRY(address, check_address(state, subnet, text));
    if (contains(named, address)) return fail("InvalidIPAddress.InUse", "Address {} is in use.", text);
    named.push_back(address);
  }
  const std::size_t free = std::size_t(wanted.count.value_or(0)) + (primary ? 0 : 1);
  BRUME_TRY(chosen, choose_addresses(state, subnet, free, named));
  // The primary one first.
  named.insert(primary ? named.end() : named.begin(), chosen.begin(), chosen.end());
  return named;
}

void add_secondary(NetworkState& state, const std::string& interface_id, const std::string& address) {
  state.network_interfaces.modify(interface_id, [&](NetworkInterface& record) {
    record.PrivateIpAddresses.push_back({.Primary = false, .PrivateIpAddress = address});
  });
  const NetworkInterface& interface = *state.network_interfaces.find(interface_id);
  state.addresses.put(key_of(interface, address), {interface_id});
  state.changed(*interface.VpcId);
}

void remove_secondary(NetworkState& state, const std::string& interface_id, const std::string& address) {
  const NetworkInterface before = *state.network_interfaces.find(interface_id);
  for (const OwnAddress& own : before.PrivateIpAddresses)
    if (own.PrivateIpAddress == address && own.Association) dissociate(state, *own.Association->PublicIp);
  take_out(state, interface_id, address);
  state.addresses.erase(key_of(before, address));
  state.changed(*before.VpcId);
}

void move_secondary(NetworkState& state, const std::string& from, const std::string& to, const std::string& address) {
  const NetworkInterface before = *state.network_interfaces.find(from);
  const OwnAddress own = *std::ranges::find(before.PrivateIpAddresses, address, &OwnAddress::PrivateIpAddress);
  take_out(state, from, address);
  state.network_interfaces.modify(to, [&](NetworkInterface& record) { record.PrivateIpAddresses.push_back(own); });
  state.addresses.put(key_of(before, address), {to});
  if (own.Association)
    state.public_addresses.modify(*own.Association->PublicIp,
                                  [&](PublicAddressRecord& record) { record.address.NetworkInterfaceId = to; });
  state.changed(*before.VpcId);
}

}  // namespace brume::ec2
