// Rules of security groups: authorize, revoke, modify, describe.
#include <utility>

#include "aws/call.h"
#include "services/ec2/filters.h"
#include "services/ec2/group_reference.h"
#include "services/ec2/network_operations.h"
#include "services/ec2/security_group_rule.h"
#include "services/ec2/vpc_parts.h"

namespace brume::ec2 {
namespace {

constexpr FilterField<SecurityGroupRule> kFilters[] = {
    {"group-id", [](const SecurityGroupRule& r) { return value(r.GroupId); }},
    {"security-group-rule-id", [](const SecurityGroupRule& r) { return value(r.SecurityGroupRuleId); }},
};

SecurityGroupRule describe(const NetworkState& state, const SecurityGroupRule& record) {
  SecurityGroupRule shape = record;
  shape.Tags = state.tags.of(*record.SecurityGroupRuleId);
  shape.Tags.set_present();
  if (shape.ReferencedGroupInfo) shape.ReferencedGroupInfo = describe(state, *shape.ReferencedGroupInfo);
  return shape;
}

// Rules that a request asks for may name what is there; those that it means may be stale.
enum class Naming : std::uint8_t { new_rules, present_rules };

Result<ReferencedSecurityGroup> resolve(const NetworkState& state, const SecurityGroup& group,
                                        const UserIdGroupPair& pair, Naming naming) {
  if (naming == Naming::present_rules && pair.GroupId)
    for (const SecurityGroupRule* rule : state.rules_of(*group.GroupId))
      if (rule->ReferencedGroupInfo && rule->ReferencedGroupInfo->GroupId == pair.GroupId)
        return *rule->ReferencedGroupInfo;
  return resolve_reference(state, group, pair);
}

// The group's view of a rule: references resolved, prefix lists checked.
Result<void> complete(const NetworkState& state, const SecurityGroup& group, SecurityGroupRule& rule,
                      Naming naming = Naming::new_rules) {
  rule.GroupId = group.GroupId;
  rule.GroupOwnerId = aws::kAccount;
  if (rule.PrefixListId) BRUME_CHECK(find(state.prefix_lists, kPrefixList, rule.PrefixListId));
  if (rule.ReferencedGroupInfo) {
    const ReferencedSecurityGroup named = *rule.ReferencedGroupInfo;
    BRUME_TRY(resolved, resolve(state, group, {.UserId = named.UserId, .GroupId = named.GroupId}, naming));
    rule.ReferencedGroupInfo = resolved;
  }
  return {};
}

// The rules that a request's IpPermissions stand for; `permissions` by value, for group names become ids.
Result<std::vector<SecurityGroupRule>> rules_of_permissions(const NetworkState& state, const SecurityGroup& group,
                                                            List<IpPermission> permissions, bool egress,
                                                            Naming naming) {
  std::vector<SecurityGroupRule> all;
  for (IpPermission& permission : permissions) {
    for (UserIdGroupPair& pair : permission.UserIdGroupPairs) {
      BRUME_TRY(resolved, resolve(state, group, pair, naming));
      pair.GroupId = resolved.GroupId;
    }
    BRUME_TRY(rules, rules_of_permission(permission, egress));
    for (SecurityGroupRule& rule : rules) {
      BRUME_CHECK(complete(state, group, rule, naming));
      all.push_back(std::move(rule));
    }
  }
  return all;
}

// A request's permissions, with the one that its older flat parameters describe.
template <typename Request>
Result<List<IpPermission>> permissions_in(const Request& request) {
  List<IpPermission> permissions = request.IpPermissions;
  if (request.IpProtocol || request.CidrIp || request.SourceSecurityGroupName) {
    if (!permissions.empty())
      return fail("InvalidParameterCombination", "The parameter 'ipPermissions' may not be used with 'ipProtocol'");
    IpPermission flat{.IpProtocol = request.IpProtocol, .FromPort = request.FromPort, .ToPort = request.ToPort};
    if (request.CidrIp) flat.IpRanges.push_back({.CidrIp = request.CidrIp});
    if (request.SourceSecurityGroupName)
      flat.UserIdGroupPairs.push_back(
          {.UserId = request.SourceSecurityGroupOwnerId, .GroupName = request.SourceSecurityGroupName});
    permissions.push_back(flat);
  }
  return permissions;
}

const SecurityGroupRule* find_same(const std::vector<const SecurityGroupRule*>& rules,
                                   const SecurityGroupRule& wanted) {
  const auto found = std::ranges::find_if(rules, [&](const auto* rule) { return same_rule(*rule, wanted); });
  return found == rules.end() ? nullptr : *found;
}

[[nodiscard]] std::unexpected<Error> no_rule() {
  return fail("InvalidPermission.NotFound", "The specified rule does not exist in this security group.");
}

// The group's rule of this id. `egress`: and this direction.
Result<const SecurityGroupRule*> rule_by_id(const NetworkState& state, const std::string& group_id,
                                            const std::string& id, std::optional<bool> egress = {}) {
  const SecurityGroupRule* rule = state.security_group_rules.find(group_id + "/" + id);
  if (!rule || (egress && rule->IsEgress != *egress)) return no_such(kSecurityGroupRule, id);
  return rule;
}

// How many rules one that names the list counts for.
auto entries_of(const NetworkState& state) {
  return [&state](const std::string& id) {
    const PrefixListRecord* list = state.prefix_lists.find(id);
    return list ? list->list.MaxEntries.value_or(1) : 1;
  };
}

template <typename Answer, typename Request>
Result<Answer> authorize(NetworkState& state, const SecurityGroup& found, const aws::Call& call, const Request& request,
                         bool egress) {
  const SecurityGroup group = found;
  BRUME_TRY(permissions, permissions_in(request));
  if (permissions.empty()) return fail("MissingParameter", "The request must contain the parameter ipPermissions");
  BRUME_TRY(tags, tags_for(call, request.TagSpecifications, kSecurityGroupRule.type));
  BRUME_TRY(rules, rules_of_permissions(state, group, permissions, egress, Naming::new_rules));
  std::vector<const SecurityGroupRule*> together = state.rules_of(*group.GroupId);
  for (const SecurityGroupRule& rule : rules) {
    if (find_same(together, rule))
      return fail("InvalidPermission.Duplicate", "the specified rule \"{}\" already exists", in_words(rule));
    together.push_back(&rule);
  }
  BRUME_CHECK(check_rule_limit(together, egress, entries_of(state)));
  Answer answer{.Return = true, .SecurityGroupRules = {}};
  for (SecurityGroupRule& rule : rules) {
    rule.SecurityGroupRuleId = services::new_id(state.context.env.random, kSecurityGroupRule.prefix);
    rule.SecurityGroupRuleArn =
        services::arn("ec2", state.context.region, "security-group-rule/" + *rule.SecurityGroupRuleId);
    put_rule(state, rule);
    BRUME_CHECK(state.tags.set(*rule.SecurityGroupRuleId, kSecurityGroupRule.type, tags));
    answer.SecurityGroupRules.push_back(describe(state, rule));
  }
  state.changed(*group.VpcId);
  return answer;
}

RevokedSecurityGroupRule as_revoked(const SecurityGroupRule& rule) {
  return {.SecurityGroupRuleId = rule.SecurityGroupRuleId,
          .GroupId = rule.GroupId,
          .IsEgress = rule.IsEgress,
          .IpProtocol = rule.IpProtocol,
          .FromPort = rule.FromPort,
          .ToPort = rule.ToPort,
          .CidrIpv4 = rule.CidrIpv4,
          .CidrIpv6 = rule.CidrIpv6,
          .PrefixListId = rule.PrefixListId,
          .ReferencedGroupId = rule.ReferencedGroupInfo ? rule.ReferencedGroupInfo->GroupId : std::nullopt,
          .Description = rule.Description};
}

template <typename Answer, typename Request>
Result<Answer> revoke(NetworkState& state, const SecurityGroup& found, const Request& request, bool egress) {
  const SecurityGroup group = found;
  BRUME_TRY(permissions, permissions_in(request));
  if (permissions.empty() && request.SecurityGroupRuleIds.empty())
    return fail("MissingParameter", "Either 'ipPermissions' or 'securityGroupRuleIds' should be provided.");
  if (!permissions.empty() && !request.SecurityGroupRuleIds.empty())
    return fail("InvalidParameterCombination",
                "Only one of 'ipPermissions' and 'securityGroupRuleIds' can be provided.");
  std::vector<std::string> ids(request.SecurityGroupRuleIds.begin(), request.SecurityGroupRuleIds.end());
  BRUME_TRY(wanted, rules_of_permissions(state, group, permissions, egress, Naming::present_rules));
  for (const SecurityGroupRule& rule : wanted) {
    const SecurityGroupRule* same = find_same(state.rules_of(*group.GroupId), rule);
    if (!same) return no_rule();
    ids.push_back(*same->SecurityGroupRuleId);
  }
  Answer answer{.Return = true};
  for (const std::string& id : ids) {
    BRUME_TRY(rule, rule_by_id(state, *group.GroupId, id, egress));
    answer.RevokedSecurityGroupRules.push_back(as_revoked(*rule));
    state.security_group_rules.erase(*group.GroupId + "/" + id);
    state.tags.erase_all(id);
  }
  state.changed(*group.VpcId);
  return answer;
}

template <typename Answer, typename Request>
Result<Answer> update_descriptions(NetworkState& state, const SecurityGroup& group, const Request& request,
                                   bool egress) {
  const std::string group_id = *group.GroupId;
  if (request.IpPermissions.empty() == request.SecurityGroupRuleDescriptions.empty())
    return fail("InvalidParameterCombination",
                "Exactly one of 'ipPermissions' and 'securityGroupRuleDescriptions' must be provided.");
  std::vector<std::pair<std::string, std::optional<std::string>>> updates;
  BRUME_TRY(rules, rules_of_permissions(state, group, request.IpPermissions, egress, Naming::present_rules));
  for (const SecurityGroupRule& rule : rules) {
    const SecurityGroupRule* same = find_same(state.rules_of(group_id), rule);
    if (!same) return no_rule();
    updates.emplace_back(*same->SecurityGroupRuleId, rule.Description);
  }
  for (const SecurityGroupRuleDescription& update : request.SecurityGroupRuleDescriptions) {
    BRUME_TRY(rule, rule_by_id(state, group_id, update.SecurityGroupRuleId.value_or(""), egress));
    updates.emplace_back(*rule->SecurityGroupRuleId, update.Description);
  }
  for (const auto& [id, description] : updates)
    state.security_group_rules.modify(group_id + "/" + id,
                                      [&](SecurityGroupRule& rule) { rule.Description = description; });
  return Answer{.Return = true};
}

}  // namespace

Result<AuthorizeSecurityGroupIngressResult> NetworkOperations::AuthorizeSecurityGroupIngress(
    const aws::Call& call, const AuthorizeSecurityGroupIngressRequest& request) {
  BRUME_TRY(group, find_group(request.GroupId, request.GroupName));
  return authorize<AuthorizeSecurityGroupIngressResult>(state_, *group, call, request, false);
}

Result<AuthorizeSecurityGroupEgressResult> NetworkOperations::AuthorizeSecurityGroupEgress(
    const aws::Call& call, const AuthorizeSecurityGroupEgressRequest& request) {
  BRUME_TRY(group, find_group(request.GroupId, std::nullopt));
  return authorize<AuthorizeSecurityGroupEgressResult>(state_, *group, call, request, true);
}

Result<RevokeSecurityGroupIngressResult> NetworkOperations::RevokeSecurityGroupIngress(
    const aws::Call&, const RevokeSecurityGroupIngressRequest& request) {
  BRUME_TRY(group, find_group(request.GroupId, request.GroupName));
  return revoke<RevokeSecurityGroupIngressResult>(state_, *group, request, false);
}

Result<RevokeSecurityGroupEgressResult> NetworkOperations::RevokeSecurityGroupEgress(
    const aws::Call&, const RevokeSecurityGroupEgressRequest& request) {
  BRUME_TRY(group, find_group(request.GroupId, std::nullopt));
  return revoke<RevokeSecurityGroupEgressResult>(state_, *group, request, true);
}

Result<UpdateSecurityGroupRuleDescriptionsIngressResult> NetworkOperations::UpdateSecurityGroupRuleDescriptionsIngress(
    const aws::Call&, const UpdateSecurityGroupRuleDescriptionsIngressRequest& request) {
  BRUME_TRY(group, find_group(request.GroupId, request.GroupName));
  return update_descriptions<UpdateSecurityGroupRuleDescriptionsIngressResult>(state_, *group, request, false);
}

Result<UpdateSecurityGroupRuleDescriptionsEgressResult> NetworkOperations::UpdateSecurityGroupRuleDescriptionsEgress(
    const aws::Call&, const UpdateSecurityGroupRuleDescriptionsEgressRequest& request) {
  BRUME_TRY(group, find_group(request.GroupId, request.GroupName));
  return update_descriptions<UpdateSecurityGroupRuleDescriptionsEgressResult>(state_, *group, request, true);
}

Result<ModifySecurityGroupRulesResult> NetworkOperations::ModifySecurityGroupRules(
    const aws::Call&, const ModifySecurityGroupRulesRequest& request) {
  BRUME_TRY(found, find_group(request.GroupId, std::nullopt));
  const SecurityGroup group = *found;
  for (const SecurityGroupRuleUpdate& update : request.SecurityGroupRules) {
    BRUME_TRY(before, rule_by_id(state_, *group.GroupId, update.SecurityGroupRuleId.value_or("")));
    if (!update.SecurityGroupRule) continue;
    BRUME_TRY(rule, rule_of_request(*update.SecurityGroupRule, before->IsEgress.value_or(false)));
    BRUME_CHECK(complete(state_, group, rule));
    rule.SecurityGroupRuleId = before->SecurityGroupRuleId;
    rule.SecurityGroupRuleArn = before->SecurityGroupRuleArn;
    const SecurityGroupRule* same = find_same(state_.rules_of(*group.GroupId), rule);
    if (same && same != before)
      return fail("InvalidPermission.Duplicate", "the specified rule \"{}\" already exists", in_words(rule));
    put_rule(state_, rule);
  }
  for (const bool egress : {false, true})
    BRUME_CHECK(check_rule_limit(state_.rules_of(*group.GroupId), egress, entries_of(state_)));
  state_.changed(*group.VpcId);
  return ModifySecurityGroupRulesResult{.Return = true};
}

Result<DescribeSecurityGroupRulesResult> NetworkOperations::DescribeSecurityGroupRules(
    const aws::Call&, const DescribeSecurityGroupRulesRequest& request) {
  std::vector<SecurityGroupRule> rules;
  for (const auto& [key, rule] : state_.security_group_rules.rows())
    if (request.SecurityGroupRuleIds.empty() ||
        std::ranges::find(request.SecurityGroupRuleIds, *rule.SecurityGroupRuleId) !=
            request.SecurityGroupRuleIds.end())
      rules.push_back(describe(state_, rule));
  for (const std::string& id : request.SecurityGroupRuleIds)
    if (std::ranges::find(rules, id, &SecurityGroupRule::SecurityGroupRuleId) == rules.end())
      return no_such(kSecurityGroupRule, id);
  BRUME_TRY(page, filtered_page<SecurityGroupRule>(std::move(rules), request, kFilters, [](const SecurityGroupRule& r) {
              return *r.GroupId + "/" + *r.SecurityGroupRuleId;
            }));
  return DescribeSecurityGroupRulesResult{.SecurityGroupRules = page.items, .NextToken = page.next_token};
}

}  // namespace brume::ec2
