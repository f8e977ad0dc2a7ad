// IAM policy documents as values: what a policy says, with the shorthands of the policy grammar (a string for a list
// of one) resolved.
//
// Pure and strict: an element that the grammar does not have is an error, as it is for AWS, so that nothing that was
// meant to restrict is passed over. Leaves to others: what the statements mean for a request (policy_evaluator.h).
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace brume::iam {

struct PolicyCondition {
  std::string test;  // "StringEquals", "ForAllValues:StringLikeIfExists"
  std::string key;   // "aws:SourceIp"
  std::vector<std::string> values;
};

struct PolicyPrincipal {
  std::string type;  // "AWS", "Service", …; "*": anyone
  std::string name;
};

struct PolicyStatement {
  bool allow = false;
  // One of each pair is there.
  std::vector<std::string> actions, not_actions;
  std::vector<std::string> resources, not_resources;        // identity policies
  std::vector<PolicyPrincipal> principals, not_principals;  // trust policies
  std::vector<PolicyCondition> conditions;                  // all must hold
};

struct PolicyDocument {
  bool has_variables = false;  // "${…}" stands for something: since version 2012-10-17
  std::vector<PolicyStatement> statements;
};

// An identity policy says which resources, a trust policy says whom.
enum class PolicyKind : bool { identity, trust };

// Errors: MalformedPolicyDocument.
Result<PolicyDocument> parse_policy(std::string_view text, PolicyKind kind);

}  // namespace brume::iam
