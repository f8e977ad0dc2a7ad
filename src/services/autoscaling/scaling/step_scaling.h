// Step and simple scaling: which step an alarm's breach asks for, and what becomes of the desired capacity.
//
// Pure. Source: Auto Scaling user guide, "Step and simple scaling policies": the aggregation type is applied to the
// datapoints, as CloudWatch made them by the alarm's statistic, and the result is compared with the steps. What warms
// up is not counted when a step adds and what is leaving is counted when one removes, so that an alarm that stays does
// not stack up its changes. Leaves to others: cooldowns of simple policies, the group's bounds (combine.h).
#pragma once

#include <optional>
#include <span>
#include <string_view>

#include "autoscaling/shapes.h"
#include "services/autoscaling/scaling/adjustment.h"
#include "services/autoscaling/scaling/capacity.h"

namespace brume::autoscaling {

// At most 20 steps, without overlap or gap, open at the far ends. ValidationError in AWS's words.
Result<void> check_steps(const List<StepAdjustment>& steps);

// What the datapoints that an alarm counted come to, by the policy's MetricAggregationType: Average (or any other
// text), Minimum, Maximum. None: there are no datapoints.
std::optional<double> aggregated(std::span<const double> datapoints, std::string_view type);

// The step for a metric that is `difference` above (negative: below) the alarm's threshold. Above it a step's lower
// bound belongs to it, below it the upper one. None: no step says anything about it.
const StepAdjustment* step_for(const List<StepAdjustment>& steps, double difference);

Wish step_scaling(const Capacity& capacity, const Adjustment& adjustment);
// Of the desired capacity, whatever the instances do.
Wish simple_scaling(const Capacity& capacity, const Adjustment& adjustment);

}  // namespace brume::autoscaling
