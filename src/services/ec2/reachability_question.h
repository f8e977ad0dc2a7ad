// A network insights path as a question for net/reachability.h, from the tables.
//
// Pure. An instance stands for each of its interfaces, so a path may be several questions. A peer VPC may lie in
// another region.
#pragma once

#include <string>
#include <vector>

#include "ec2/shapes.h"
#include "net/reachability.h"
#include "services/ec2/network_state.h"

namespace brume::ec2 {

struct ReachabilityQuestions {
  net::ReachableVpcs vpcs;
  std::vector<net::ReachQuestion> questions;
  // Why there is no question to ask: a code of Reachability Analyzer, the resource and, for BAD_STATE, its state.
  std::string code, component, state;
  std::vector<std::string> notes;  // what a reader should know besides
};

ReachabilityQuestions questions_of(NetworkState& state, const NetworkInsightsPath& path);

}  // namespace brume::ec2
