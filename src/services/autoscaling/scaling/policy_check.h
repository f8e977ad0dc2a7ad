// Is what PutScalingPolicy is given a policy?
//
// Pure. In AWS's words where they are known. Leaves to others: whether the group and the target group of a resource
// label exist.
#pragma once

#include "autoscaling/shapes.h"

namespace brume::autoscaling {

// Errors: ValidationError; UnsupportedOperation for predictive scaling.
Result<void> check_policy(const PutScalingPolicyType& request);

// "app/<load balancer>/<id>/targetgroup/<target group>/<id>" in its two parts.
struct ResourceLabel {
  std::string load_balancer;  // "app/…/…"
  std::string target_group;   // "targetgroup/…/…"
};
// Error: ValidationError.
Result<ResourceLabel> parse_resource_label(const std::string& label);

}  // namespace brume::autoscaling
