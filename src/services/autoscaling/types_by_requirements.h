// The instance types of options that say what a type must have: EC2 knows which have it.
#pragma once

#include <vector>

#include "ec2/api.h"
#include "services/autoscaling/mixed_instances.h"
#include "services/common/context.h"

namespace brume::autoscaling {

// `options` of a group with a mixed instances policy, with one for each type that matches in the place of each that has
// requirements, of its own or, where it names no type, in its template. The types are in EC2's order. Empty if none
// matches. Errors: EC2's.
Result<std::vector<LaunchOption>> with_types(const services::Context& context, ec2::Api& ec2,
                                             std::vector<LaunchOption> options);

}  // namespace brume::autoscaling
