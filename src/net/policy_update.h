// A VPC's table after a change of its groups and interfaces, at the cost of the change.
//
// Pure. What differs is compiled by itself (policy_compiler.h), in a policy of nothing else, and put in the place of
// what there was; the rest is shared with the table before. The result is what compile() makes of the whole policy.
// What differs in other ways (ACLs and the like) has the whole compiled.
#pragma once

#include <set>
#include <string>

#include "net/policy_compiler.h"

namespace brume::net {

struct PolicyTable {
  Compiled compiled;
  std::set<std::string> services;
  // How many interfaces name a group; how many have exactly these groups (in one order, with blanks between); how many
  // rules name the members of a group, by their set.
  SharedMap<std::string, int> named, combinations, references;
};

PolicyTable table_of(const Policy& policy, const std::set<std::string>& services, const Compiled* before = nullptr);
PolicyTable updated(const PolicyTable& before, const Policy& policy, const std::set<std::string>& services);

}  // namespace brume::net
