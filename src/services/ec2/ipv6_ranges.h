// The IPv6 ranges of VPCs and subnets, and the addresses in them.
//
// For use inside a transaction. "Amazon's" blocks (/56) come from one prefix of the machine's: a unique local /48
// (RFC 4193), random and that of the blocks in use, if there are any. Addresses that are somebody's elsewhere would
// make that part of the internet unreachable, and nobody but Brume routes these: nothing has to be configured.
// Invariant: an address is of one interface at a time; those in use are in NetworkState::addresses by "ipv6/<address>".
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "services/ec2/network_state.h"

namespace brume::ec2 {

bool has_ipv6(const VpcRecord& vpc);
// The subnet's block; null if it has none.
const std::string* ipv6_block_of(const Subnet& subnet);

// A block of Amazon's, with what comes with it: local routes, ACL entries for all traffic, the default group's way out.
// Errors: UnsupportedOperation (the kernel has no IPv6), CidrLimitExceeded, InsufficientCidrBlocks.
Result<VpcIpv6CidrBlockAssociation> add_ipv6_block(NetworkState& state, const std::string& vpc_id);
// Errors: InvalidCidrBlock.InUse.
Result<void> remove_ipv6_block(NetworkState& state, const std::string& vpc_id, const std::string& association_id);

// The block in canonical form. Errors: InvalidParameterValue, InvalidSubnet.Range, InvalidSubnet.Conflict.
Result<std::string> check_ipv6_subnet(const NetworkState& state, const VpcRecord& vpc, const std::string& block);
// As a new association of the subnet's.
SubnetIpv6CidrBlockAssociation ipv6_association(NetworkState& state, const std::string& block);
// Has an interface an address in the subnet's block?
bool ipv6_in_use(const NetworkState& state, const std::string& subnet_id);

// The addresses that are asked for, in canonical form, and `count` others of the subnet, at random, for an interface
// that has `present` of them.
// Errors: InvalidParameterValue, InvalidIPAddress.InUse, PrivateIpAddressLimitExceeded.
Result<std::vector<std::string>> ipv6_addresses_for(NetworkState& state, const Subnet& subnet,
                                                    const std::vector<std::string>& wanted, int count,
                                                    std::size_t present = 0);
void enter_ipv6_address(NetworkState& state, const std::string& address, const std::string& interface_id);
void erase_ipv6_address(NetworkState& state, const std::string& address);

}  // namespace brume::ec2
