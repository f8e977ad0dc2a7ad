// The preferences of an instance refresh: what is allowed together, and what they are where nothing is said.
//
// Pure. Ranges of single values are the model's. Source: Auto Scaling API, RefreshPreferences.
#pragma once

#include "autoscaling/shapes.h"
#include "base/result.h"

namespace brume::autoscaling {

// With the defaults filled in, the group's own among them: its instance maintenance policy, its warm-up. Error:
// ValidationError.
Result<RefreshPreferences> complete_preferences(const std::optional<RefreshPreferences>& given,
                                                const AutoScalingGroup& group);

// The group's range for replacing instances outside of a refresh, if it has a policy.
struct HealthyPercentages {
  int min = 90, max = 100;
};
std::optional<HealthyPercentages> maintenance_policy(const AutoScalingGroup& group);

// How long after coming into service an instance is not counted on, in seconds: the default warm-up, else the grace
// period.
int warm_up_of(const AutoScalingGroup& group);

// Both or none, -1 clears, at most 100 apart. The answer is without what was cleared. Error: ValidationError.
Result<std::optional<InstanceMaintenancePolicy>> checked_policy(const InstanceMaintenancePolicy& policy);

}  // namespace brume::autoscaling
