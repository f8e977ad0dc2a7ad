#include "services/iam/policy_evaluator.h"

#include <algorithm>

namespace brume::iam {
namespace {

Match inverse(Match match) {
  return match == Match::yes ? Match::no : match == Match::no ? Match::yes : Match::unknown;
}

bool is_everything(std::string_view pattern) {
  return !pattern.empty() && pattern.find_first_not_of('*') == std::string_view::npos;
}

template <typename Range, typename F>
Match any_of(const Range& range, F test) {
  Match best = Match::no;
  for (const auto& item : range) best = std::max(best, test(item));
  return best;
}

Match action_match(const PolicyStatement& statement, const std::string& action) {
  const auto test = [&](const std::string& pattern) {
    if (action == "*") return is_everything(pattern) ? Match::yes : Match::unknown;
    return pattern_match(policy_lower(pattern), policy_lower(action), false, {});
  };
  return statement.actions.empty() ? inverse(any_of(statement.not_actions, test)) : any_of(statement.actions, test);
}

Match resource_match(const PolicyStatement& statement, bool has_variables, const AccessRequest& request) {
  const auto test = [&](const std::string& pattern) {
    if (is_everything(pattern)) return Match::yes;
    if (!request.resource) return Match::unknown;
    return pattern_match(pattern, *request.resource, has_variables, request.context);
  };
  return statement.resources.empty() ? inverse(any_of(statement.not_resources, test))
                                     : any_of(statement.resources, test);
}

Match principal_match(const PolicyStatement& statement, const Principal& principal) {
  const auto test = [&](const PolicyPrincipal& named) {
    if (named.type == "*") return Match::yes;
    if (named.type != principal.type) return Match::no;
    const bool any = named.name == "*" && named.type == "AWS";
    return any || std::ranges::find(principal.names, named.name) != principal.names.end() ? Match::yes : Match::no;
  };
  if (!statement.principals.empty()) return any_of(statement.principals, test);
  // An Allow for everybody else is more than anyone means; AWS advises against it, and here it allows nothing.
  return statement.allow ? Match::unknown : inverse(any_of(statement.not_principals, test));
}

Match conditions_match(const PolicyStatement& statement, bool has_variables, const RequestContext& context) {
  Match worst = Match::yes;
  for (const PolicyCondition& condition : statement.conditions)
    worst = std::min(worst, condition_match(condition, has_variables, context));
  return worst;
}

template <typename Applies>
Decision decide(std::span<const PolicyDocument> policies, Applies applies) {
  Decision decision = Decision::not_allowed;
  for (const PolicyDocument& policy : policies)
    for (const PolicyStatement& statement : policy.statements) {
      const Match match = applies(policy, statement);
      if (!statement.allow && match != Match::no) return Decision::denied;
      if (statement.allow && match == Match::yes) decision = Decision::allowed;
    }
  return decision;
}

}  // namespace

Decision evaluate(std::span<const PolicyDocument> policies, const AccessRequest& request) {
  return decide(policies, [&](const PolicyDocument& policy, const PolicyStatement& statement) {
    return std::min({action_match(statement, request.action), resource_match(statement, policy.has_variables, request),
                     conditions_match(statement, policy.has_variables, request.context)});
  });
}

Decision evaluate_trust(const PolicyDocument& policy, const Principal& principal, const AccessRequest& request) {
  return decide(std::span(&policy, 1), [&](const PolicyDocument& document, const PolicyStatement& statement) {
    return std::min({action_match(statement, request.action), principal_match(statement, principal),
                     conditions_match(statement, document.has_variables, request.context)});
  });
}

}  // namespace brume::iam
