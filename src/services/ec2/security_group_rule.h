// Rules of security groups: their canonical form, when two are the same, and how AWS groups them for show.
//
// Pure. A rule has one source (for egress: destination): an IPv4 or IPv6 range, a prefix list or a group. Ports are -1
// where the protocol has none; of ICMP they are type and code, -1 for any.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "base/result.h"
#include "ec2/shapes.h"

namespace brume::ec2 {

// The rules, without ids and groups, that a permission stands for: one for each of its sources, protocols by name,
// ranges canonical. References to groups must be by GroupId. Errors: InvalidParameterValue (protocol, ports, range),
// MissingParameter (no source).
Result<std::vector<SecurityGroupRule>> rules_of_permission(const IpPermission& permission, bool egress);
// The same of a rule as ModifySecurityGroupRules takes it. Errors also: InvalidParameterCombination (several sources).
Result<SecurityGroupRule> rule_of_request(const SecurityGroupRuleRequest& request, bool egress);

// Do they say the same (whatever their ids, descriptions and tags)?
bool same_rule(const SecurityGroupRule& a, const SecurityGroupRule& b);

// As permissions: rules with the same protocol and ports together, in the order of `rules`.
List<IpPermission> permissions_of(const std::vector<const SecurityGroupRule*>& rules, bool egress);

// "peer: 0.0.0.0/0, TCP, from port: 80, to port: 80, ALLOW", as AWS's errors name a rule.
std::string in_words(const SecurityGroupRule& rule);

// May a group have these rules (of one direction)? At most 60 for IPv4 and 60 for IPv6; a reference to a group or
// prefix list counts for both, a prefix list as many times as it may have entries (`entries_of`). Errors:
// RulesPerSecurityGroupLimitExceeded.
Result<void> check_rule_limit(const std::vector<const SecurityGroupRule*>& rules, bool egress,
                              const std::function<int(const std::string& prefix_list_id)>& entries_of);

}  // namespace brume::ec2
