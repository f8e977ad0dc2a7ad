// Attribute-based instance type selection: which of the offered types have what is required.
//
// Pure. Source: EC2 API reference, InstanceRequirementsRequest, with its defaults: burstable and bare metal types only
// where they are asked for. The offered types have no accelerators, no local storage, no bare metal, and cannot
// hibernate, so a requirement of one matches none. Limits to prices exclude none, since nothing has a price here. What
// is not known of a type (bandwidths, performance factors) is refused by name. Leaves to others: what is launched.
#pragma once

#include <vector>

#include "base/result.h"
#include "services/ec2/instance_types.h"

namespace brume::ec2 {

// Errors: InvalidParameterValue, InvalidParameterCombination; UnsupportedOperation for what is not known of types.
Result<void> check_requirements(const InstanceRequirementsRequest& requirements);

// Of checked requirements; in the order of their names.
std::vector<const InstanceType*> matching_types(const InstanceRequirementsRequest& requirements);

}  // namespace brume::ec2
