// A VPC's security groups, network ACLs and interfaces, from the tables to net::Policy.
//
// Pure. Every interface that carries packets is in it: those attached to instances and the load balancers' nodes. A NAT
// gateway's is not: it has no groups (VPC user guide, "NAT gateway basics"), only its subnet's ACL.
// NetworkState::changed() is called whenever the answer may have become another.
#pragma once

#include <string>

#include "net/policy.h"
#include "services/ec2/network_state.h"

namespace brume::ec2 {

// Empty but for its id if there is no such VPC.
net::Policy policy_of(const NetworkState& state, const std::string& vpc_id);
// The same, but for the interfaces: of many they are most of the work.
net::Policy rules_of(const NetworkState& state, const std::string& vpc_id);

// Is it one of those in the policy?
bool carries_packets(const NetworkInterface& record);
// An interface as policy_of() has it, whether or not it is attached.
net::PolicyInterface policy_interface_of(const NetworkInterface& record);

}  // namespace brume::ec2
