// What net/reachability.h found, in AWS's shapes: path components and explanations.
//
// Pure. Ours, beside AWS's members: a security group's component names the rule that allows (`sgr-…`) as an additional
// detail SECURITY_GROUP_RULE, and components up to the last one looked at are there also when no path was found, each
// with the explanations that concern it.
#pragma once

#include <string>

#include "ec2/shapes.h"
#include "net/reachability.h"
#include "services/ec2/network_state.h"

namespace brume::ec2 {

// Fills in NetworkPathFound, the components of both ways, the explanations and the warning.
void show_reachability(NetworkState& state, const net::ReachQuestion& question, const net::Reachability& found,
                       NetworkInsightsAnalysis& analysis);

// An explanation that concerns a resource as a whole.
Explanation explanation_of(NetworkState& state, const std::string& code, const std::string& component,
                           const std::string& component_state);

}  // namespace brume::ec2
