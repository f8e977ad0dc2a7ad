// What policies say about a request: the IAM user guide's "Policy evaluation logic", for identity and trust policies.
//
// Pure. An explicit Deny wins, then an Allow, else the request is denied. Strict wherever something cannot be told (a
// context key, an operator, a variable, the resource): a Deny that might apply does, an Allow that might not does not.
// So a request whose resource is not known is allowed only by a statement for all resources ("*").
// Leaves to others: which policies there are, and what a request's action, resource and context are.
#pragma once

#include <optional>
#include <span>
#include <string>
#include <vector>

#include "services/iam/policy_condition.h"
#include "services/iam/policy_document.h"

namespace brume::iam {

struct AccessRequest {
  // "ec2:DescribeInstances". "*" asks for everything: only an Allow of every action answers it, and any Deny denies it.
  std::string action;
  std::optional<std::string> resource;  // an ARN, or "*" for an action that has none; nothing: not known
  RequestContext context;
};

enum class Decision : std::uint8_t { not_allowed, allowed, denied };

Decision evaluate(std::span<const PolicyDocument> policies, const AccessRequest& request);

// Who asks, as a trust policy may name it.
struct Principal {
  std::string type;                // "AWS" or "Service"
  std::vector<std::string> names;  // ARNs and the account's number; "ec2.amazonaws.com"
};

Decision evaluate_trust(const PolicyDocument& policy, const Principal& principal, const AccessRequest& request);

}  // namespace brume::iam
