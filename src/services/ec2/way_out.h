// Whether what an interface sends can leave the VPC for the internet, as the tables have it.
//
// Pure. Leaves to others: groups and ACLs, which judge packets; here is asked only whether there is a way.
#pragma once

#include <string>
#include <string_view>

#include "services/ec2/network_state.h"

namespace brume::ec2 {

// The VPC's interface with this private address, primary or secondary; null if there is none.
const NetworkInterface* interface_with_address(const NetworkState& state, std::string_view vpc_id,
                                               std::string_view address);

// Does the subnet's route table lead 0.0.0.0/0 to an internet gateway that is attached, and has the address a public
// one; or to a NAT gateway; or to an interface that itself has a way out (an instance that translates)? Or has the
// interface an IPv6 address, and ::/0 leads to an internet gateway, egress-only or not?
bool has_way_out(const NetworkState& state, const NetworkInterface& interface, std::string_view address);

}  // namespace brume::ec2
