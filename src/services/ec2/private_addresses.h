// The private IPv4 addresses of subnets: which are free, which an interface gets, and its secondary ones.
//
// For use inside a transaction. Invariants: an address is of one interface at a time, and never one of the five
// reserved in a subnet; an interface has one primary address, which it keeps, and NetworkState::addresses has them all.
// A secondary address takes its public one along when it goes to another interface. Leaves to others: how many an
// instance type allows (private_address_operations.cc, run_instances.cc).
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "services/ec2/network_state.h"

namespace brume::ec2 {

// Of an interface that is attached to nothing: what the largest instance types have.
inline constexpr std::size_t kMaxPrivateAddresses = 50;

// What AWS answers where an interface would have more than it may.
[[nodiscard]] std::unexpected<Error> too_many_private_addresses();

// The key of an address in NetworkState::addresses.
std::string address_key(std::string_view subnet_id, std::uint32_t address);
int available_addresses(const NetworkState& state, const Subnet& subnet);

// Free addresses of the subnet, `count` of them, at random so that one just given back is rarely given out again; none
// of `besides`. Errors: InsufficientFreeAddressesInSubnet.
Result<std::vector<std::string>> choose_addresses(NetworkState& state, const Subnet& subnet, std::size_t count,
                                                  const std::vector<std::string>& besides = {});
// The address in canonical form. Errors: InvalidParameterValue (not an address of the subnet, or reserved),
// InvalidIPAddress.InUse.
Result<std::string> check_address(const NetworkState& state, const Subnet& subnet, const std::string& address);

// What a request says of a new interface's addresses.
struct WantedAddresses {
  std::optional<std::string> primary;        // PrivateIpAddress
  List<PrivateIpAddressSpecification> list;  // PrivateIpAddresses
  std::optional<std::int32_t> count;         // SecondaryPrivateIpAddressCount
};
// How many that asks for.
std::size_t number_of(const WantedAddresses& wanted);
// The addresses, the primary one first. If the list calls none primary, it is PrivateIpAddress, else the first of the
// list unless that one says no, else a free one. Errors: InvalidParameterCombination, and those of the above.
Result<std::vector<std::string>> addresses_for(NetworkState& state, const Subnet& subnet,
                                               const WantedAddresses& wanted);

// Gives the interface another address, which is free and checked.
void add_secondary(NetworkState& state, const std::string& interface_id, const std::string& address);
// Takes an address from an interface that has it as a secondary one. A public address that stands for it stands for
// nothing any more.
void remove_secondary(NetworkState& state, const std::string& interface_id, const std::string& address);
// Moves it to another interface of the same subnet.
void move_secondary(NetworkState& state, const std::string& from, const std::string& to, const std::string& address);

}  // namespace brume::ec2
