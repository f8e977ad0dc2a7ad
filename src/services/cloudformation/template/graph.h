// Which resource needs which, and an order that respects it.
#pragma once

#include <map>
#include <set>

#include "services/cloudformation/template/evaluate.h"

namespace brume::cloudformation::templates {

using Needs = std::map<std::string, std::set<std::string>, std::less<>>;  // by logical id

// Of the resources whose condition holds in `scope`, through DependsOn, Ref, GetAtt and Sub in the branches taken. A
// DependsOn on a resource whose condition does not hold counts for nothing, as on AWS. Errors: a name that is no
// resource or one that is not there ("Unresolved resource dependencies [X] …").
Result<Needs> dependencies(const Template& source, const Scope& scope);

// Every id after all it needs. Errors: "Circular dependency between resources: [A, B]".
Result<std::vector<std::string>> in_order(const Needs& needs);

}  // namespace brume::cloudformation::templates
