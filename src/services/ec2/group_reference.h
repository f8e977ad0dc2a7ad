// What a security group's rule names when it names a group: one of the same VPC, or of a VPC that is peered with it in
// the same region.
//
// Pure. A reference across a peering is the peering's: when that ends the rule stays, is stale and matches nothing (VPC
// Peering Guide, "Reference security groups"). Invariant: a rule's ReferencedGroupInfo has a VpcPeeringConnectionId
// exactly if the group lies in another VPC. What rules match of it is vpc_policy.h's.
#pragma once

#include <set>
#include <string>

#include "services/ec2/network_state.h"

namespace brume::ec2 {

// What a rule of `group` names by the pair. Errors: InvalidGroup.NotFound (also a group of a VPC that is not peered),
// InvalidParameterValue (the pair's VPC or peering is not the group's).
Result<ReferencedSecurityGroup> resolve_reference(const NetworkState& state, const SecurityGroup& group,
                                                  const UserIdGroupPair& pair);
// Is the peering there that the reference crosses, if it crosses one?
bool is_valid(const NetworkState& state, const ReferencedSecurityGroup& reference);
// The reference as an answer shows it.
ReferencedSecurityGroup describe(const NetworkState& state, ReferencedSecurityGroup reference);
// VPCs other than this one with a rule that matches members of the VPC's groups.
std::set<std::string> vpcs_that_name_groups_of(const NetworkState& state, const std::string& vpc_id);

}  // namespace brume::ec2
