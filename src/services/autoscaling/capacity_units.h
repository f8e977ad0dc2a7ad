// Capacity units: what a group's sizes count.
//
// Pure. An instance counts as many units as its weight says, one without a weight counts one; so a group without
// weights counts instances (Auto Scaling user guide, "Configure an Auto Scaling group to use instance weights"). Leaves
// to others: where weights come from (mixed_instances.h), and what a group does to have enough units (decide.h).
#pragma once

#include "autoscaling/shapes.h"

namespace brume::autoscaling {

// At least 1.
int units_of(const Instance& instance);

}  // namespace brume::autoscaling
