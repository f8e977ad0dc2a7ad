// A VPC's route tables, gateways and public addresses, from the tables to net::Routing.
//
// Pure. A route whose target is gone, detached or not in use is there as a black hole: it still wins over shorter
// prefixes. NetworkState::changed() is called whenever the answer may have become another.
#pragma once

#include <string>
#include <vector>

#include "net/routing.h"
#include "services/ec2/network_state.h"

namespace brume::ec2 {

// Empty but for its id if there is no such VPC.
net::Routing routing_of(const NetworkState& state, const std::string& vpc_id);
// The same, but for the public addresses: of many interfaces they are most of the work.
net::Routing routes_of(const NetworkState& state, const std::string& vpc_id);
// Those that the interface brings along: none if it is a NAT gateway's, whose are the gateway's own.
std::vector<net::PublicAddress> public_addresses_of(const NetworkInterface& interface);

// The NAT gateways that pass packets.
std::vector<net::NatGateway> nat_gateways_of(const NetworkState& state, const std::string& vpc_id);

}  // namespace brume::ec2
