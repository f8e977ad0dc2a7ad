// Target tracking: the capacity that brings a metric to its target.
//
// Pure. ceil(capacity × metric / target), as the published examples of AWS have it: so a group never scales in where
// one instance fewer would exceed the target, and a constant load ends in one size. Instances that warm up do not count
// yet, those that are leaving still do, and there is no scale-in while any warms up (user guide, "Target tracking
// scaling policies"). Leaves to others: several policies and the group's bounds (combine.h), when to ask (the policy's
// alarms).
#pragma once

#include "services/autoscaling/scaling/capacity.h"

namespace brume::autoscaling {

// `target` is above 0. The metric must be one that halves when the capacity doubles.
Wish target_tracking(const Capacity& capacity, double metric, double target, bool scale_in_disabled);

}  // namespace brume::autoscaling
