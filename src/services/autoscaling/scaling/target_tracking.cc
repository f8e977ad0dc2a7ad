#include "services/autoscaling/scaling/target_tracking.h"

#include <algorithm>
#include <cmath>

namespace brume::autoscaling {
namespace {

// How many instances of `capacity` would have the metric at its target. What floating point adds to a whole number is
// not another instance.
int needed(int capacity, double metric, double target) {
  constexpr double kMost = 1e6, kNoise = 1e-9;
  const double exact = std::min(double(capacity) * (metric / target), kMost);
  return std::max(0, int(std::ceil(exact - kNoise * std::max(1.0, exact))));
}

}  // namespace

Wish target_tracking(const Capacity& capacity, double metric, double target, bool scale_in_disabled) {
  if (std::isnan(metric)) return {std::nullopt, "the metric is not a number"};
  if (metric > target) {
    // At least one more: nothing times anything is nothing, and a group of none has to begin somewhere.
    const int wanted = std::max(needed(capacity.ready, metric, target), capacity.ready + 1);
    if (wanted > capacity.desired) return {wanted, ""};
    return {std::nullopt, capacity.warming > 0 ? "the instances that are warming up are enough"
                                               : "the desired capacity is already as high"};
  }
  if (scale_in_disabled) return {std::nullopt, "the policy has scale-in disabled"};
  if (capacity.warming > 0) return {std::nullopt, "no scale-in while instances are warming up"};
  const int wanted = needed(capacity.ready + capacity.leaving, metric, target);
  if (wanted < capacity.desired) return {wanted, ""};
  return {std::nullopt, "one instance fewer would exceed the target"};
}

}  // namespace brume::autoscaling
