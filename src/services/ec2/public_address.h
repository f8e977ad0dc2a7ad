// Public addresses: taken from the machine's pool, and what they stand for.
//
// For use inside a transaction. An address belongs to one region and stands for at most one private address, which
// stands behind at most one. Invariant: PublicAddressRecord and the interface's record say the same. An Elastic IP
// stays until it is released; an automatic one goes with its association. Leaves to others: who may do what
// (address_operations.cc), and making traffic follow (vpc_routing.h).
#pragma once

#include <string>

#include "services/ec2/network_state.h"

namespace brume::ec2 {

// Is it in the pool, and no region's yet?
bool is_free_public_address(NetworkState& state, const std::string& address);
// A free one, at random so that one just given back is rarely given out again. Errors: InsufficientAddressCapacity.
Result<std::string> choose_public_address(NetworkState& state);

// Lets a public address that stands for nothing stand for one of the interface's private addresses, which must have
// none. Answers the association's id.
std::string associate(NetworkState& state, const std::string& address, const std::string& interface_id,
                      const std::string& private_address);
// Nothing if it stands for none. An automatic address is free again.
void dissociate(NetworkState& state, const std::string& address);
// Those of all its private addresses.
void dissociate_all(NetworkState& state, const std::string& interface_id);

// An address for the interface's primary private one, unless that has one. Errors: InsufficientAddressCapacity.
Result<void> assign_automatic(NetworkState& state, const std::string& interface_id);
// Gives back the interface's automatic address, if it has one.
void release_automatic(NetworkState& state, const std::string& interface_id);

}  // namespace brume::ec2
