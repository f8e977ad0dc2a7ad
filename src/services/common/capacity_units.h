// Capacity units: what an Auto Scaling group's sizes count.
//
// An instance counts as many units as its weight says, one without a weight counts one; so a group without weights
// counts instances (Auto Scaling user guide, "Configure an Auto Scaling group to use instance weights").
#pragma once

#include <algorithm>
#include <cstdlib>

#include "autoscaling/shapes.h"

namespace brume::services {

// At least 1.
inline int units_of(const autoscaling::Instance& instance) {
  return instance.WeightedCapacity ? std::max(1, std::atoi(instance.WeightedCapacity->c_str())) : 1;
}

}  // namespace brume::services
