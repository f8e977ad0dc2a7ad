// An instance in its group's target groups.
#pragma once

#include <string>

#include "autoscaling/shapes.h"
#include "elbv2/api.h"
#include "services/common/context.h"

namespace brume::autoscaling {

// In all of these target groups. Errors: ELB's.
Result<void> register_targets(const services::Context& context, elbv2::Api& elbv2, const List<std::string>& arns,
                              const std::string& instance);
// A target that is not registered, or a target group that is gone, is as it should be.
Result<void> deregister_targets(const services::Context& context, elbv2::Api& elbv2, const List<std::string>& arns,
                                const std::string& instance);

}  // namespace brume::autoscaling
