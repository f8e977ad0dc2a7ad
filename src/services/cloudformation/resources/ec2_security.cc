#include "services/cloudformation/resources/ec2_common.h"

namespace brume::cloudformation::resources {

// A rule as a template writes it; Source… for ingress, Destination… for egress.
struct IngressRule {
  std::optional<std::string> IpProtocol;
  std::optional<std::int32_t> FromPort, ToPort;
  std::optional<std::string> CidrIp, CidrIpv6, SourceSecurityGroupId, SourceSecurityGroupOwnerId, SourcePrefixListId,
      Description;
};
struct EgressRule {
  std::optional<std::string> IpProtocol;
  std::optional<std::int32_t> FromPort, ToPort;
  std::optional<std::string> CidrIp, CidrIpv6, DestinationSecurityGroupId, DestinationPrefixListId, Description;
};
struct Icmp {
  std::optional<std::int32_t> Code, Type;
};

}  // namespace brume::cloudformation::resources

BRUME_RECORD(brume::cloudformation::resources::IngressRule, IpProtocol, FromPort, ToPort, CidrIp, CidrIpv6,
             SourceSecurityGroupId, SourceSecurityGroupOwnerId, SourcePrefixListId, Description)
BRUME_RECORD(brume::cloudformation::resources::EgressRule, IpProtocol, FromPort, ToPort, CidrIp, CidrIpv6,
             DestinationSecurityGroupId, DestinationPrefixListId, Description)
BRUME_RECORD(brume::cloudformation::resources::Icmp, Code, Type)

namespace brume::cloudformation::resources {
namespace {

using Tags = List<ec2::Tag>;

std::optional<std::string> optional_text(const Value& map, std::string_view key) {
  const Value* value = map.find(key);
  return value ? std::optional(value->text) : std::nullopt;
}

Result<ec2::IpPermission> permission(const Value& rule, bool egress) {
  BRUME_TRY(out, read<ec2::IpPermission>(rule));  // IpProtocol and the ports
  const auto description = optional_text(rule, "Description");
  const std::string peer = egress ? "Destination" : "Source";
  int peers = 0;
  const auto given = [&](std::string_view key) {
    const auto value = optional_text(rule, key);
    if (value) ++peers;
    return value;
  };
  if (const auto block = given("CidrIp")) {
    auto& range = out.IpRanges.emplace_back();
    range.CidrIp = block;
    range.Description = description;
  }
  if (const auto block = given("CidrIpv6")) {
    auto& range = out.Ipv6Ranges.emplace_back();
    range.CidrIpv6 = block;
    range.Description = description;
  }
  if (const auto group = given(peer + "SecurityGroupId")) {
    auto& pair = out.UserIdGroupPairs.emplace_back();
    pair.GroupId = group;
    pair.Description = description;
    if (!egress) pair.UserId = optional_text(rule, "SourceSecurityGroupOwnerId");
  }
  if (const auto list = given(peer + "PrefixListId")) {
    auto& prefix = out.PrefixListIds.emplace_back();
    prefix.PrefixListId = list;
    prefix.Description = description;
  }
  if (peers != 1)
    return fail("ValidationError",
                "A security group rule needs exactly one of CidrIp, CidrIpv6, {0}SecurityGroupId and {0}PrefixListId",
                peer);
  return out;
}

// The rules of `from` that are not in `other`.
Result<List<ec2::IpPermission>> rules_missing_in(const Value* from, const Value* other, bool egress) {
  List<ec2::IpPermission> out;
  if (!from) return out;
  for (const Value& rule : from->items) {
    bool found = false;
    if (other)
      for (const Value& candidate : other->items) found |= candidate == rule;
    if (found) continue;
    BRUME_TRY(one, permission(rule, egress));
    out.push_back(std::move(one));
  }
  return out;
}

Result<void> authorize(Work& work, const std::string& group, List<ec2::IpPermission> rules, bool egress) {
  if (rules.empty()) return {};
  if (egress) {
    ec2::AuthorizeSecurityGroupEgressRequest request;
    request.GroupId = group;
    request.IpPermissions = std::move(rules);
    BRUME_CHECK(work.apis.ec2.AuthorizeSecurityGroupEgress(work.call, request));
    return {};
  }
  ec2::AuthorizeSecurityGroupIngressRequest request;
  request.GroupId = group;
  request.IpPermissions = std::move(rules);
  BRUME_CHECK(work.apis.ec2.AuthorizeSecurityGroupIngress(work.call, request));
  return {};
}

Result<void> revoke(Work& work, const std::string& group, List<ec2::IpPermission> rules, bool egress) {
  if (rules.empty()) return {};
  if (egress) {
    ec2::RevokeSecurityGroupEgressRequest request;
    request.GroupId = group;
    request.IpPermissions = std::move(rules);
    BRUME_CHECK(work.apis.ec2.RevokeSecurityGroupEgress(work.call, request));
    return {};
  }
  ec2::RevokeSecurityGroupIngressRequest request;
  request.GroupId = group;
  request.IpPermissions = std::move(rules);
  BRUME_CHECK(work.apis.ec2.RevokeSecurityGroupIngress(work.call, request));
  return {};
}

// What EC2 gives every new group: all traffic out.
const Value& default_egress() {
  static const Value value = [] {
    Value rule = Value::map();
    rule.set("IpProtocol", Value::string("-1"));
    rule.set("CidrIp", Value::string("0.0.0.0/0"));
    return Value::list({rule});
  }();
  return value;
}

// And in a VPC with an IPv6 block all IPv6 traffic, which goes where a template says what may go out.
Result<void> revoke_ipv6_default(Work& work, const std::string& group) {
  ec2::DescribeSecurityGroupsRequest request;
  request.GroupIds = {group};
  BRUME_TRY(found, work.apis.ec2.DescribeSecurityGroups(work.call, request));
  List<ec2::IpPermission> defaults;
  for (const auto& shown : found.SecurityGroups)
    for (const auto& rule : shown.IpPermissionsEgress)
      for (const auto& range : rule.Ipv6Ranges)
        if (rule.IpProtocol == "-1" && range.CidrIpv6 == "::/0") {
          auto& all = defaults.emplace_back();
          all.IpProtocol = "-1";
          all.Ipv6Ranges.emplace_back().CidrIpv6 = range.CidrIpv6;
        }
  return revoke(work, group, std::move(defaults), true);
}

bool says_egress(const Value& properties) {
  const Value* rules = properties.find("SecurityGroupEgress");
  return rules && !rules->items.empty();
}

const Value* egress_of(const Value& properties) {
  return says_egress(properties) ? properties.find("SecurityGroupEgress") : &default_egress();
}

Result<void> bring_rules(Work& work, const std::string& group, const Value* before, const Value* after, bool egress) {
  BRUME_TRY(gone, rules_missing_in(before, after, egress));
  BRUME_CHECK(revoke(work, group, std::move(gone), egress));
  BRUME_TRY(added, rules_missing_in(after, before, egress));
  return authorize(work, group, std::move(added), egress);
}

Result<void> create_group(Work& work, Instance& instance) {
  ec2::CreateSecurityGroupRequest request;
  request.GroupName = instance.properties.find("GroupName") ? instance.text("GroupName") : work.name;
  request.Description = instance.text("GroupDescription");
  request.VpcId = optional_text(instance.properties, "VpcId");
  BRUME_TRY(made, work.apis.ec2.CreateSecurityGroup(work.call, request));
  instance.physical_id = made.GroupId.value_or("");
  set_attribute(instance, "GroupId", instance.physical_id);
  set_attribute(instance, "Id", instance.physical_id);
  set_attribute(instance, "VpcId", request.VpcId);
  BRUME_CHECK(tag_ec2(work, instance));
  BRUME_CHECK(
      bring_rules(work, instance.physical_id, nullptr, instance.properties.find("SecurityGroupIngress"), false));
  if (says_egress(instance.properties)) BRUME_CHECK(revoke_ipv6_default(work, instance.physical_id));
  return bring_rules(work, instance.physical_id, &default_egress(), egress_of(instance.properties), true);
}

Result<void> update_group(Work& work, Instance& instance, const Value& before) {
  BRUME_CHECK(bring_rules(work, instance.physical_id, before.find("SecurityGroupIngress"),
                          instance.properties.find("SecurityGroupIngress"), false));
  if (!says_egress(before) && says_egress(instance.properties))
    BRUME_CHECK(revoke_ipv6_default(work, instance.physical_id));
  BRUME_CHECK(bring_rules(work, instance.physical_id, egress_of(before), egress_of(instance.properties), true));
  return retag_ec2(work, instance, before);
}

Result<void> remove_group(Work& work, const Instance& instance) {
  ec2::DeleteSecurityGroupRequest request;
  request.GroupId = instance.physical_id;
  BRUME_CHECK(work.apis.ec2.DeleteSecurityGroup(work.call, request));
  return {};
}

// Rules as resources of their own.
template <bool egress>
Result<void> create_rule(Work& work, Instance& instance) {
  BRUME_TRY(rule, permission(instance.properties, egress));
  List<ec2::SecurityGroupRule> made;
  if constexpr (egress) {
    ec2::AuthorizeSecurityGroupEgressRequest request;
    request.GroupId = instance.text("GroupId");
    request.IpPermissions.push_back(std::move(rule));
    BRUME_TRY(result, work.apis.ec2.AuthorizeSecurityGroupEgress(work.call, request));
    made = result.SecurityGroupRules;
  } else {
    ec2::AuthorizeSecurityGroupIngressRequest request;
    request.GroupId = instance.text("GroupId");
    request.IpPermissions.push_back(std::move(rule));
    BRUME_TRY(result, work.apis.ec2.AuthorizeSecurityGroupIngress(work.call, request));
    made = result.SecurityGroupRules;
  }
  if (made.empty()) return fail_internal("EC2 did not say which rule it made");
  instance.physical_id = made[0].SecurityGroupRuleId.value_or("");
  set_attribute(instance, "Id", instance.physical_id);
  return {};
}

template <bool egress>
Result<void> remove_rule(Work& work, const Instance& instance) {
  if constexpr (egress) {
    ec2::RevokeSecurityGroupEgressRequest request;
    request.GroupId = instance.text("GroupId");
    request.SecurityGroupRuleIds = {instance.physical_id};
    BRUME_CHECK(work.apis.ec2.RevokeSecurityGroupEgress(work.call, request));
  } else {
    ec2::RevokeSecurityGroupIngressRequest request;
    request.GroupId = instance.text("GroupId");
    request.SecurityGroupRuleIds = {instance.physical_id};
    BRUME_CHECK(work.apis.ec2.RevokeSecurityGroupIngress(work.call, request));
  }
  return {};
}

// Network ACLs ------------------------------------------------------------------------------------------------------

Result<void> create_acl(Work& work, Instance& instance) {
  BRUME_TRY(request, read<ec2::CreateNetworkAclRequest>(instance.properties));
  BRUME_TRY(made, work.apis.ec2.CreateNetworkAcl(work.call, request));
  instance.physical_id = made.NetworkAcl->NetworkAclId.value_or("");
  set_attribute(instance, "Id", instance.physical_id);
  return tag_ec2(work, instance);
}

Result<void> remove_acl(Work& work, const Instance& instance) {
  ec2::DeleteNetworkAclRequest request;
  request.NetworkAclId = instance.physical_id;
  return work.apis.ec2.DeleteNetworkAcl(work.call, request);
}

template <typename Request>
Result<Request> entry(const Instance& instance) {
  BRUME_TRY(request, read<Request>(instance.properties));
  if (!request.Egress) request.Egress = false;
  if (const Value* icmp = instance.properties.find("Icmp")) {
    BRUME_TRY(type_code, read<ec2::IcmpTypeCode>(*icmp));
    request.IcmpTypeCode = std::move(type_code);
  }
  return std::move(request);
}

Result<void> create_entry(Work& work, Instance& instance) {
  BRUME_TRY(request, entry<ec2::CreateNetworkAclEntryRequest>(instance));
  BRUME_CHECK(work.apis.ec2.CreateNetworkAclEntry(work.call, request));
  instance.physical_id = work.name;
  set_attribute(instance, "Id", instance.physical_id);
  return {};
}

Result<void> update_entry(Work& work, Instance& instance, const Value&) {
  BRUME_TRY(request, entry<ec2::ReplaceNetworkAclEntryRequest>(instance));
  return work.apis.ec2.ReplaceNetworkAclEntry(work.call, request);
}

Result<void> remove_entry(Work& work, const Instance& instance) {
  BRUME_TRY(request, read<ec2::DeleteNetworkAclEntryRequest>(instance.properties));
  if (!request.Egress) request.Egress = false;
  return work.apis.ec2.DeleteNetworkAclEntry(work.call, request);
}

Result<std::string> associate_acl(Work& work, const std::string& association, const std::string& acl) {
  ec2::ReplaceNetworkAclAssociationRequest request;
  request.AssociationId = association;
  request.NetworkAclId = acl;
  BRUME_TRY(made, work.apis.ec2.ReplaceNetworkAclAssociation(work.call, request));
  return made.NewAssociationId.value_or("");
}

// A subnet always has one association; this type moves it to its ACL, and back to the VPC's default ACL.
Result<void> create_association(Work& work, Instance& instance) {
  const std::string subnet = instance.text("SubnetId");
  ec2::DescribeNetworkAclsRequest request;
  request.Filters = ec2_filter("association.subnet-id", subnet);
  BRUME_TRY(found, work.apis.ec2.DescribeNetworkAcls(work.call, request));
  for (const auto& acl : found.NetworkAcls) {
    for (const auto& association : acl.Associations) {
      if (association.SubnetId != subnet) continue;
      BRUME_TRY(id,
                associate_acl(work, association.NetworkAclAssociationId.value_or(""), instance.text("NetworkAclId")));
      instance.physical_id = id;
      set_attribute(instance, "AssociationId", id);
      return {};
    }
  }
  return fail("InvalidSubnetID.NotFound", "The subnet ID '{}' does not exist", subnet);
}

Result<void> remove_association(Work& work, const Instance& instance) {
  ec2::DescribeNetworkAclsRequest own;
  own.NetworkAclIds = {instance.text("NetworkAclId")};
  BRUME_TRY(found, work.apis.ec2.DescribeNetworkAcls(work.call, own));
  bool mine = false;
  for (const auto& acl : found.NetworkAcls)
    for (const auto& association : acl.Associations)
      mine |= association.NetworkAclAssociationId == instance.physical_id;
  if (!mine) return {};  // replaced meanwhile, or the subnet is gone
  ec2::DescribeNetworkAclsRequest all;
  all.Filters = ec2_filter("vpc-id", found.NetworkAcls[0].VpcId.value_or(""));
  BRUME_TRY(siblings, work.apis.ec2.DescribeNetworkAcls(work.call, all));
  for (const auto& acl : siblings.NetworkAcls) {
    if (!acl.IsDefault.value_or(false)) continue;
    BRUME_CHECK(associate_acl(work, instance.physical_id, acl.NetworkAclId.value_or("")));
    return {};
  }
  return {};
}

// The subnet moves from ACL to ACL; on the way back of an update, too.
Result<void> update_association(Work& work, Instance& instance, const Value& before) {
  if (changed(before, instance.properties, "SubnetId")) {
    Instance old = instance;
    old.properties = before;
    BRUME_CHECK(remove_association(work, old));
  }
  return create_association(work, instance);
}

}  // namespace

std::span<const ResourceType> ec2_security_types() {
  static const ResourceType types[] = {
      {.name = "AWS::EC2::SecurityGroup",
       .properties = {text("GroupDescription", kRequired | kCreateOnly), text("GroupName", kCreateOnly),
                      text("VpcId", kCreateOnly), property<List<IngressRule>>("SecurityGroupIngress"),
                      property<List<EgressRule>>("SecurityGroupEgress"), property<Tags>("Tags")},
       .attributes = {"GroupId", "Id", "VpcId"},
       .name_property = "GroupName",
       .create = create_group,
       .update = update_group,
       .remove = remove_group},
      {.name = "AWS::EC2::SecurityGroupIngress",
       .properties = {text("GroupId", kRequired | kCreateOnly), text("IpProtocol", kRequired | kCreateOnly),
                      number("FromPort", kCreateOnly), number("ToPort", kCreateOnly), text("CidrIp", kCreateOnly),
                      text("CidrIpv6", kCreateOnly), text("SourceSecurityGroupId", kCreateOnly),
                      text("SourceSecurityGroupOwnerId", kCreateOnly), text("SourcePrefixListId", kCreateOnly),
                      text("Description", kCreateOnly)},
       .attributes = {"Id"},
       .create = create_rule<false>,
       .remove = remove_rule<false>},
      {.name = "AWS::EC2::SecurityGroupEgress",
       .properties = {text("GroupId", kRequired | kCreateOnly), text("IpProtocol", kRequired | kCreateOnly),
                      number("FromPort", kCreateOnly), number("ToPort", kCreateOnly), text("CidrIp", kCreateOnly),
                      text("CidrIpv6", kCreateOnly), text("DestinationSecurityGroupId", kCreateOnly),
                      text("DestinationPrefixListId", kCreateOnly), text("Description", kCreateOnly)},
       .attributes = {"Id"},
       .create = create_rule<true>,
       .remove = remove_rule<true>},
      {.name = "AWS::EC2::NetworkAcl",
       .properties = {text("VpcId", kRequired | kCreateOnly), property<Tags>("Tags")},
       .attributes = {"Id"},
       .create = create_acl,
       .update = retag_ec2,
       .remove = remove_acl},
      {.name = "AWS::EC2::NetworkAclEntry",
       .properties = {text("NetworkAclId", kRequired | kCreateOnly), number("RuleNumber", kRequired | kCreateOnly),
                      text("Protocol", kRequired), text("RuleAction", kRequired), boolean("Egress", kCreateOnly),
                      text("CidrBlock"), text("Ipv6CidrBlock"), property<Icmp>("Icmp"),
                      property<ec2::PortRange>("PortRange")},
       .attributes = {"Id"},
       .create = create_entry,
       .update = update_entry,
       .remove = remove_entry},
      {.name = "AWS::EC2::SubnetNetworkAclAssociation",
       .properties = {text("SubnetId", kRequired | kCreateOnly), text("NetworkAclId", kRequired | kCreateOnly)},
       .attributes = {"AssociationId"},
       .create = create_association,
       .delete_then_create = true,
       .update = update_association,
       .remove = remove_association},
  };
  return types;
}

}  // namespace brume::cloudformation::resources
