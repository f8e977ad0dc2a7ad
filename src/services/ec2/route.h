// A route's state, from the tables.
#pragma once

#include <string>

#include "services/ec2/network_state.h"

namespace brume::ec2 {

// "active", or "blackhole" when its target is gone, detached from the VPC or not in use.
std::string route_state(const NetworkState& state, const RouteTable& table, const Route& route);

}  // namespace brume::ec2
