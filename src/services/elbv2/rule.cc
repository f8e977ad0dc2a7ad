// Listener rules.
#include <algorithm>

#include "services/common/ids.h"
#include "services/common/page.h"
#include "services/elbv2/actions.h"
#include "services/elbv2/service.h"
#include "services/elbv2/tags.h"

namespace brume::elbv2 {
namespace {

constexpr std::size_t kMaxRules = 100;  // a load balancer, default rules not counted

int priority(const Rule& rule) {
  return *rule.IsDefault ? 50001 : std::stoi(*rule.Priority);
}

// The default rule's ARN is the listener's with another word.
std::string default_rule_arn(std::string listener_arn) {
  listener_arn.replace(listener_arn.find(":listener/"), 10, ":listener-rule/");
  return listener_arn + "/default";
}

}  // namespace

std::vector<Rule> Service::rules_of(const ListenerRecord& listener) const {
  std::vector<Rule> rules;
  for (const auto& [arn, record] : rules_.rows())
    if (record.listener == *listener.listener.ListenerArn) rules.push_back(record.rule);
  Rule& last = rules.emplace_back();
  last.RuleArn = default_rule_arn(*listener.listener.ListenerArn);
  last.Priority = "default";
  last.Actions = listener.listener.DefaultActions;
  last.Conditions.set_present();
  last.IsDefault = true;
  std::ranges::sort(rules, {}, priority);
  return rules;
}

Result<CreateRuleOutput> Service::CreateRule(const Call&, const CreateRuleInput& request) {
  BRUME_TRY(listener, find_listener(*request.ListenerArn));
  if (!request.Transforms.empty())
    return fail("UnsupportedOperation", "Brume's load balancer does not support transforms yet");
  const LoadBalancerRecord& balancer = *load_balancers_.find(*listener->listener.LoadBalancerArn);
  BRUME_TRY(conditions, normalise_conditions(request.Conditions));
  BRUME_TRY(actions, check_actions(request.Actions, balancer));
  std::size_t count = 0;
  for (const auto& [arn, record] : rules_.rows()) {
    if (record.listener == *request.ListenerArn && std::stoi(*record.rule.Priority) == *request.Priority)
      return fail("PriorityInUse", "Priority '{}' is currently in use", *request.Priority);
    count += *listeners_.find(record.listener)->listener.LoadBalancerArn == *listener->listener.LoadBalancerArn;
  }
  if (count >= kMaxRules) return fail("TooManyRules", "A load balancer can have at most {} rules", kMaxRules);
  RuleRecord record;
  record.listener = *request.ListenerArn;
  const std::string parent = default_rule_arn(*request.ListenerArn);
  record.rule.RuleArn = parent.substr(0, parent.rfind('/') + 1) + context_.env.random.hex(16);
  record.rule.Priority = std::to_string(*request.Priority);
  record.rule.Conditions = conditions;
  record.rule.Actions = actions;
  record.rule.IsDefault = false;
  BRUME_CHECK(merge_tags(record.tags, request.Tags));
  CreateRuleOutput output{{record.rule}};
  rules_.put(*record.rule.RuleArn, std::move(record));
  changed();
  return output;
}

Result<DescribeRulesOutput> Service::DescribeRules(const Call&, const DescribeRulesInput& request) {
  std::vector<Rule> found;
  if (request.ListenerArn) {
    BRUME_TRY(listener, find_listener(*request.ListenerArn));
    found = rules_of(*listener);
  } else if (!request.RuleArns.empty()) {
    for (const std::string& arn : request.RuleArns) {
      const auto owner =
          std::ranges::find_if(listeners_.rows(), [&](const auto& row) { return default_rule_arn(row.first) == arn; });
      if (owner != listeners_.rows().end()) {
        found.push_back(rules_of(owner->second).back());
        continue;
      }
      BRUME_TRY(record, find_rule(arn));
      found.push_back(record->rule);
    }
    std::ranges::sort(found, {}, priority);
  } else {
    return fail("ValidationError", "You must specify either listener rule ARNs or a listener ARN");
  }
  BRUME_TRY(page, services::paginate(
                      std::move(found), std::size_t(request.PageSize.value_or(400)), request.Marker,
                      [](const Rule& r) { return fmt::format("{:06}", priority(r)); }, "ValidationError"));
  return DescribeRulesOutput{std::move(page.items), std::move(page.next_token)};
}

Result<ModifyRuleOutput> Service::ModifyRule(const Call&, const ModifyRuleInput& request) {
  BRUME_TRY(found, find_rule(*request.RuleArn));
  if (!request.Transforms.empty())
    return fail("UnsupportedOperation", "Brume's load balancer does not support transforms yet");
  RuleRecord record = *found;
  const LoadBalancerRecord& balancer =
      *load_balancers_.find(*listeners_.find(record.listener)->listener.LoadBalancerArn);
  if (request.Conditions.present()) {
    BRUME_TRY(conditions, normalise_conditions(request.Conditions));
    record.rule.Conditions = conditions;
  }
  if (request.Actions.present()) {
    BRUME_TRY(actions, check_actions(request.Actions, balancer));
    record.rule.Actions = actions;
  }
  ModifyRuleOutput output{{record.rule}};
  rules_.put(*request.RuleArn, std::move(record));
  changed();
  return output;
}

Result<DeleteRuleOutput> Service::DeleteRule(const Call&, const DeleteRuleInput& request) {
  if (request.RuleArn->ends_with("/default"))
    return fail("OperationNotPermitted", "Default rule '{}' cannot be deleted", *request.RuleArn);
  BRUME_CHECK(find_rule(*request.RuleArn));
  rules_.erase(*request.RuleArn);
  changed();
  return DeleteRuleOutput{};
}

Result<SetRulePrioritiesOutput> Service::SetRulePriorities(const Call&, const SetRulePrioritiesInput& request) {
  SetRulePrioritiesOutput output;
  for (const RulePriorityPair& pair : request.RulePriorities) {
    if (pair.RuleArn.value_or("").ends_with("/default"))
      return fail("OperationNotPermitted", "The priority of the default rule '{}' cannot be changed", *pair.RuleArn);
    BRUME_TRY(record, find_rule(pair.RuleArn.value_or("")));
    RuleRecord next = *record;
    next.rule.Priority = std::to_string(pair.Priority.value_or(0));
    output.Rules.push_back(next.rule);
    rules_.put(*pair.RuleArn, std::move(next));
  }
  // All at once, so that two can swap; then none may be double.
  std::set<std::pair<std::string, std::string>> seen;
  for (const auto& [arn, record] : rules_.rows())
    if (!seen.emplace(record.listener, *record.rule.Priority).second)
      return fail("PriorityInUse", "Priority '{}' is currently in use", *record.rule.Priority);
  changed();
  return output;
}

}  // namespace brume::elbv2
