// What other regions have on this machine, which is shared: not ours, and no orphans either.
#pragma once

#include <initializer_list>
#include <set>
#include <string>

#include "services/common/context.h"

namespace brume::ec2 {

// The keys of these tables in every region but `context`'s. Errors: of reading the state.
Result<std::set<std::string>> ids_of_other_regions(const services::Context& context,
                                                   std::initializer_list<const char*> tables);

}  // namespace brume::ec2
