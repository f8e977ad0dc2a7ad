// Security groups themselves; their rules are in security_group_rules.cc.
#include <deque>
#include <map>
#include <utility>

#include "aws/call.h"
#include "services/ec2/filters.h"
#include "services/ec2/group_reference.h"
#include "services/ec2/ipv6_ranges.h"
#include "services/ec2/network_operations.h"
#include "services/ec2/security_group_rule.h"
#include "services/ec2/vpc_parts.h"

namespace brume::ec2 {
namespace {

template <auto list, auto member>
Values permissions(const SecurityGroup& group) {
  return each(group.*list, [](const IpPermission& p) { return p.*member; });
}
// Members of a permission's ranges, prefix lists or groups.
template <auto list, auto part, auto member>
Values sources(const SecurityGroup& group) {
  Values all;
  for (const IpPermission& permission : group.*list)
    for (const auto& source : permission.*part)
      if (source.*member) all.push_back(*(source.*member));
  return all;
}

constexpr auto kIn = &SecurityGroup::IpPermissions;
constexpr auto kOut = &SecurityGroup::IpPermissionsEgress;

constexpr FilterField<SecurityGroup> kFilters[] = {
    {"group-id", [](const SecurityGroup& g) { return value(g.GroupId); }},
    {"group-name", [](const SecurityGroup& g) { return value(g.GroupName); }},
    {"description", [](const SecurityGroup& g) { return value(g.Description); }},
    {"vpc-id", [](const SecurityGroup& g) { return value(g.VpcId); }},
    {"owner-id", [](const SecurityGroup& g) { return value(g.OwnerId); }},
    {"ip-permission.protocol", permissions<kIn, &IpPermission::IpProtocol>},
    {"ip-permission.from-port", permissions<kIn, &IpPermission::FromPort>},
    {"ip-permission.to-port", permissions<kIn, &IpPermission::ToPort>},
    {"ip-permission.cidr", sources<kIn, &IpPermission::IpRanges, &IpRange::CidrIp>},
    {"ip-permission.ipv6-cidr", sources<kIn, &IpPermission::Ipv6Ranges, &Ipv6Range::CidrIpv6>},
    {"ip-permission.prefix-list-id", sources<kIn, &IpPermission::PrefixListIds, &PrefixListId::PrefixListId>},
    {"ip-permission.group-id", sources<kIn, &IpPermission::UserIdGroupPairs, &UserIdGroupPair::GroupId>},
    {"ip-permission.group-name", sources<kIn, &IpPermission::UserIdGroupPairs, &UserIdGroupPair::GroupName>},
    {"ip-permission.user-id", sources<kIn, &IpPermission::UserIdGroupPairs, &UserIdGroupPair::UserId>},
    {"egress.ip-permission.protocol", permissions<kOut, &IpPermission::IpProtocol>},
    {"egress.ip-permission.from-port", permissions<kOut, &IpPermission::FromPort>},
    {"egress.ip-permission.to-port", permissions<kOut, &IpPermission::ToPort>},
    {"egress.ip-permission.cidr", sources<kOut, &IpPermission::IpRanges, &IpRange::CidrIp>},
    {"egress.ip-permission.ipv6-cidr", sources<kOut, &IpPermission::Ipv6Ranges, &Ipv6Range::CidrIpv6>},
    {"egress.ip-permission.prefix-list-id", sources<kOut, &IpPermission::PrefixListIds, &PrefixListId::PrefixListId>},
    {"egress.ip-permission.group-id", sources<kOut, &IpPermission::UserIdGroupPairs, &UserIdGroupPair::GroupId>},
    {"egress.ip-permission.group-name", sources<kOut, &IpPermission::UserIdGroupPairs, &UserIdGroupPair::GroupName>},
    {"egress.ip-permission.user-id", sources<kOut, &IpPermission::UserIdGroupPairs, &UserIdGroupPair::UserId>},
};

SecurityGroup describe(const NetworkState& state, const SecurityGroup& record) {
  SecurityGroup shape = record;
  auto rules = state.rules_of(*record.GroupId);
  std::deque<SecurityGroupRule> across;  // with their peerings as they are
  for (const SecurityGroupRule*& rule : rules) {
    if (!rule->ReferencedGroupInfo || !rule->ReferencedGroupInfo->VpcPeeringConnectionId) continue;
    SecurityGroupRule& copy = across.emplace_back(*rule);
    copy.ReferencedGroupInfo = describe(state, *rule->ReferencedGroupInfo);
    rule = &copy;
  }
  shape.IpPermissions = permissions_of(rules, false);
  shape.IpPermissionsEgress = permissions_of(rules, true);
  shape.Tags = state.tags.of(*record.GroupId);
  return shape;
}

// AWS: up to 255 of a-z, A-Z, 0-9, spaces and ._-:/()#,@[]+=&;{}!$*
Result<void> check_text(const char* parameter, const std::string& text) {
  constexpr std::string_view others = " ._-:/()#,@[]+=&;{}!$*";
  const bool fits = !text.empty() && text.size() <= 255 && std::ranges::all_of(text, [&](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
           others.find(c) != std::string_view::npos;
  });
  if (fits) return {};
  return fail("InvalidParameterValue",
              "Value ({}) for parameter {} is invalid. It must have 1 to 255 characters of a-zA-Z0-9 and "
              "._-:/()#,@[]+=&;{{}}!$*",
              text, parameter);
}

}  // namespace

Result<CreateSecurityGroupResult> NetworkOperations::CreateSecurityGroup(const aws::Call& call,
                                                                         const CreateSecurityGroupRequest& request) {
  const std::string name = request.GroupName.value_or("");
  BRUME_CHECK(check_text("groupName", name));
  BRUME_CHECK(check_text("groupDescription", request.Description.value_or("")));
  if (name.starts_with("sg-"))
    return fail("InvalidParameterValue", "Invalid value '{}' for groupName. Group names may not be in the format sg-*",
                name);
  if (name == "default") return fail("InvalidParameterValue", "Cannot use reserved security group name: default");
  std::string vpc_id = request.VpcId.value_or("");
  if (!request.VpcId) {
    const VpcRecord* vpc = state_.default_vpc();
    if (!vpc) return fail("VPCIdNotSpecified", "No default VPC for this user");
    vpc_id = *vpc->vpc.VpcId;
  }
  BRUME_CHECK(find(state_.vpcs, kVpc, vpc_id));
  if (state_.group_by_name(vpc_id, name))
    return fail("InvalidGroup.Duplicate", "The security group '{}' already exists for VPC '{}'", name, vpc_id);
  BRUME_TRY(tags, tags_for(call, request.TagSpecifications, kSecurityGroup.type));

  const std::string id = services::new_id(context_.env.random, kSecurityGroup.prefix);
  SecurityGroup group{.GroupId = id,
                      .VpcId = vpc_id,
                      .SecurityGroupArn = services::arn("ec2", context_.region, "security-group/" + id),
                      .OwnerId = aws::kAccount,
                      .GroupName = name,
                      .Description = request.Description};
  state_.security_groups.put(id, group);
  SecurityGroupRule to_all = rule_for_all(state_, group, true);
  to_all.CidrIpv4 = "0.0.0.0/0";
  put_rule(state_, to_all);
  if (has_ipv6(*state_.vpcs.find(vpc_id))) {
    SecurityGroupRule to_all_ipv6 = rule_for_all(state_, group, true);
    to_all_ipv6.CidrIpv6 = "::/0";
    put_rule(state_, to_all_ipv6);
  }
  BRUME_CHECK(state_.tags.set(id, kSecurityGroup.type, tags));
  state_.changed(vpc_id);
  return CreateSecurityGroupResult{
      .GroupId = id, .Tags = state_.tags.of(id), .SecurityGroupArn = group.SecurityGroupArn};
}

Result<DescribeSecurityGroupsResult> NetworkOperations::DescribeSecurityGroups(
    const aws::Call&, const DescribeSecurityGroupsRequest& request) {
  List<std::string> ids = request.GroupIds;
  for (const std::string& name : request.GroupNames) {
    const VpcRecord* vpc = state_.default_vpc();
    const SecurityGroup* group = vpc ? state_.group_by_name(*vpc->vpc.VpcId, name) : nullptr;
    if (!group)
      return fail("InvalidGroup.NotFound", "The security group '{}' does not exist in default VPC '{}'", name,
                  vpc ? *vpc->vpc.VpcId : "none");
    ids.push_back(*group->GroupId);
  }
  BRUME_TRY(groups, shapes_of(state_.security_groups, kSecurityGroup, ids,
                              [&](const SecurityGroup& record) { return describe(state_, record); }));
  BRUME_TRY(page, filtered_page<SecurityGroup>(std::move(groups), request, kFilters,
                                               [](const SecurityGroup& g) { return *g.GroupId; }));
  return DescribeSecurityGroupsResult{.NextToken = page.next_token, .SecurityGroups = page.items};
}

Result<DeleteSecurityGroupResult> NetworkOperations::DeleteSecurityGroup(const aws::Call&,
                                                                         const DeleteSecurityGroupRequest& request) {
  BRUME_TRY(group, find_group(request.GroupId, request.GroupName));
  const std::string id = *group->GroupId;
  if (group->GroupName == "default")
    return fail("CannotDelete", "the specified group: \"{}\" name: \"default\" cannot be deleted by a user", id);
  // Rules of a peered VPC do not keep it: they become stale.
  const bool referenced = std::ranges::any_of(state_.security_group_rules.rows(), [&](const auto& row) {
    const SecurityGroupRule& rule = row.second;
    return rule.GroupId != id && rule.ReferencedGroupInfo && rule.ReferencedGroupInfo->GroupId == id &&
           !rule.ReferencedGroupInfo->VpcPeeringConnectionId;
  });
  if (referenced || !state_.children(id).empty())
    return fail("DependencyViolation", "resource {} has a dependent object", id);
  std::vector<std::string> rules;
  for (const SecurityGroupRule* rule : state_.rules_of(id)) rules.push_back(*rule->SecurityGroupRuleId);
  for (const std::string& rule : rules) {
    state_.security_group_rules.erase(id + "/" + rule);
    state_.tags.erase_all(rule);
  }
  const std::string vpc_id = *group->VpcId;
  state_.tags.erase_all(id);
  state_.security_groups.erase(id);
  state_.changed(vpc_id);
  return DeleteSecurityGroupResult{.Return = true, .GroupId = id};
}

// References across VPC peerings.
Result<DescribeSecurityGroupReferencesResult> NetworkOperations::DescribeSecurityGroupReferences(
    const aws::Call&, const DescribeSecurityGroupReferencesRequest& request) {
  DescribeSecurityGroupReferencesResult result;
  for (const std::string& id : request.GroupId) {
    BRUME_CHECK(find(state_.security_groups, kSecurityGroup, id));
    std::map<std::string, std::string> peerings;  // by the VPC from which they name it
    for (const auto& [key, rule] : state_.security_group_rules.rows()) {
      const auto& named = rule.ReferencedGroupInfo;
      if (!named || named->GroupId != id || !named->VpcPeeringConnectionId || !is_valid(state_, *named)) continue;
      if (const SecurityGroup* group = state_.security_groups.find(*rule.GroupId))
        peerings.emplace(*group->VpcId, *named->VpcPeeringConnectionId);
    }
    for (const auto& [vpc_id, peering_id] : peerings)
      result.SecurityGroupReferenceSet.push_back(
          {.GroupId = id, .ReferencingVpcId = vpc_id, .VpcPeeringConnectionId = peering_id});
  }
  return result;
}

Result<const SecurityGroup*> NetworkOperations::find_group(const std::optional<std::string>& id,
                                                           const std::optional<std::string>& name) const {
  if (id) return find(state_.security_groups, kSecurityGroup, id);
  if (!name) return fail("MissingParameter", "The request must contain the parameter groupId or groupName");
  const VpcRecord* vpc = state_.default_vpc();
  if (!vpc) return fail("VPCIdNotSpecified", "No default VPC for this user");
  if (const SecurityGroup* group = state_.group_by_name(*vpc->vpc.VpcId, *name)) return group;
  return fail("InvalidGroup.NotFound", "The security group '{}' does not exist in default VPC '{}'", *name,
              *vpc->vpc.VpcId);
}

}  // namespace brume::ec2
