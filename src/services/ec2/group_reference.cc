#include "services/ec2/group_reference.h"

#include "aws/call.h"
#include "services/ec2/filters.h"

namespace brume::ec2 {
namespace {

bool joins(const VpcPeeringConnection& connection, const std::string& vpc_id) {
  return connection.RequesterVpcInfo->VpcId == vpc_id || connection.AccepterVpcInfo->VpcId == vpc_id;
}

}  // namespace

Result<ReferencedSecurityGroup> resolve_reference(const NetworkState& state, const SecurityGroup& group,
                                                  const UserIdGroupPair& pair) {
  const SecurityGroup* other = pair.GroupId ? state.security_groups.find(*pair.GroupId)
                                            : state.group_by_name(*group.VpcId, pair.GroupName.value_or(""));
  if (!other || pair.UserId.value_or(aws::kAccount) != aws::kAccount)
    return no_such(kSecurityGroup, pair.GroupId ? *pair.GroupId : pair.GroupName.value_or(""));
  ReferencedSecurityGroup found{.GroupId = other->GroupId, .UserId = aws::kAccount, .VpcId = other->VpcId};
  if (other->VpcId != group.VpcId) {
    for (const auto& [id, peering] : state.peerings.rows())
      if (peering.connection.Status->Code == "active" && joins(peering.connection, *group.VpcId) &&
          joins(peering.connection, *other->VpcId))
        found.VpcPeeringConnectionId = id;
    if (!found.VpcPeeringConnectionId)
      return fail("InvalidGroup.NotFound", "You have specified two resources that belong to different networks.");
  }
  if (pair.VpcId && pair.VpcId != found.VpcId)
    return fail("InvalidParameterValue", "The security group '{}' does not belong to VPC '{}'", *found.GroupId,
                *pair.VpcId);
  if (pair.VpcPeeringConnectionId && pair.VpcPeeringConnectionId != found.VpcPeeringConnectionId)
    return fail("InvalidParameterValue", "The security group '{}' is not behind the VPC peering connection '{}'",
                *found.GroupId, *pair.VpcPeeringConnectionId);
  return found;
}

bool is_valid(const NetworkState& state, const ReferencedSecurityGroup& reference) {
  if (!reference.VpcPeeringConnectionId) return true;
  const PeeringRecord* peering = state.peerings.find(*reference.VpcPeeringConnectionId);
  return peering && peering->connection.Status->Code == "active";
}

ReferencedSecurityGroup describe(const NetworkState& state, ReferencedSecurityGroup reference) {
  if (!reference.VpcPeeringConnectionId) return reference;
  const PeeringRecord* peering = state.peerings.find(*reference.VpcPeeringConnectionId);
  reference.PeeringStatus = peering ? *peering->connection.Status->Code : "deleted";
  return reference;
}

std::set<std::string> vpcs_that_name_groups_of(const NetworkState& state, const std::string& vpc_id) {
  std::set<std::string> found;
  for (const auto& [id, peering] : state.peerings.rows()) {
    if (peering.connection.Status->Code != "active" || !joins(peering.connection, vpc_id)) continue;
    for (const auto& [key, rule] : state.security_group_rules.rows())
      if (rule.ReferencedGroupInfo && rule.ReferencedGroupInfo->VpcPeeringConnectionId == id &&
          rule.ReferencedGroupInfo->VpcId == vpc_id)
        if (const SecurityGroup* group = state.security_groups.find(*rule.GroupId)) found.insert(*group->VpcId);
  }
  return found;
}

}  // namespace brume::ec2
