// Public addresses that come and go, as the elements that they are in the VPC's table `ip brume_nat` (route_plan.h).
//
// Pure. A launch brings one, so that it costs what one does, whatever else the table holds. Leaves to others: the
// addresses' routes, and the table itself.
#pragma once

#include <set>
#include <vector>

#include "net/address.h"
#include "net/routing.h"
#include "net/set_elements.h"

namespace brume::net {

struct Retranslation {
  std::vector<ElementChange> elements;
  std::set<IpBlock> gone, come;  // destinations outside
};

// From one routing to another that has other public addresses and is alike in all else. Errors: InvalidParameterValue
// (not an address, translated twice, or more than kMostElements).
Result<Retranslation> retranslation(const Routing& before, const Routing& after);

}  // namespace brume::net
