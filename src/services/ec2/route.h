// A route as AWS shows it, from the tables.
#pragma once

#include "services/ec2/network_state.h"

namespace brume::ec2 {

// With its state ("active", or "blackhole" when its target is gone, detached from the VPC or not in use) and, where it
// leads to an instance's interface, the instance.
Route describe(const NetworkState& state, const RouteTable& table, const Route& record);

}  // namespace brume::ec2
