#include "services/autoscaling/scaling/step_scaling.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <numeric>
#include <vector>

namespace brume::autoscaling {
namespace {

constexpr std::size_t kMaxSteps = 20;  // quota "Step adjustments per step scaling policy"
constexpr double kOpen = std::numeric_limits<double>::infinity();

double lower(const StepAdjustment& step) {
  return step.MetricIntervalLowerBound.value_or(-kOpen);
}
double upper(const StepAdjustment& step) {
  return step.MetricIntervalUpperBound.value_or(kOpen);
}

}  // namespace

Result<void> check_steps(const List<StepAdjustment>& steps) {
  if (steps.empty()) return fail("ValidationError", "At least one StepAdjustment must be specified");
  if (steps.size() > kMaxSteps)
    return fail("ValidationError", "There can be at most {} step adjustments per scaling policy", kMaxSteps);
  int open_below = 0, open_above = 0;
  bool below = false, above = false;
  for (const StepAdjustment& step : steps) {
    const bool no_lower = !step.MetricIntervalLowerBound, no_upper = !step.MetricIntervalUpperBound;
    if (no_lower && no_upper)
      return fail("ValidationError", "Both lower and upper bounds of a StepAdjustment cannot be left unspecified");
    if (std::isnan(lower(step)) || std::isnan(upper(step)) || lower(step) >= upper(step))
      return fail("ValidationError", "LowerBound must be less than the UpperBound for StepAdjustment");
    open_below += no_lower;
    open_above += no_upper;
    below |= !no_lower && lower(step) < 0;
    above |= !no_upper && upper(step) > 0;
  }
  if (open_below > 1) return fail("ValidationError", "At most one StepAdjustment may have an unspecified lower bound");
  if (open_above > 1) return fail("ValidationError", "At most one StepAdjustment may have an unspecified upper bound");
  if (below && open_below == 0)
    return fail("ValidationError",
                "There must be a StepAdjustment with an unspecified lower bound (i.e., lower bound is null) when one "
                "StepAdjustment has a negative lower bound");
  if (above && open_above == 0)
    return fail("ValidationError",
                "There must be a StepAdjustment with an unspecified upper bound (i.e., upper bound is null) when one "
                "StepAdjustment has a positive upper bound");
  std::vector<StepAdjustment> sorted(steps.begin(), steps.end());
  std::ranges::sort(sorted, {}, lower);
  for (std::size_t i = 1; i < sorted.size(); ++i) {
    if (upper(sorted[i - 1]) > lower(sorted[i]))
      return fail("ValidationError", "StepAdjustment intervals cannot overlap");
    if (upper(sorted[i - 1]) < lower(sorted[i]))
      return fail("ValidationError", "StepAdjustment intervals cannot have gaps between them");
  }
  return {};
}

std::optional<double> aggregated(std::span<const double> datapoints, std::string_view type) {
  if (datapoints.empty()) return std::nullopt;
  if (type == "Minimum") return std::ranges::min(datapoints);
  if (type == "Maximum") return std::ranges::max(datapoints);
  return std::accumulate(datapoints.begin(), datapoints.end(), 0.0) / double(datapoints.size());
}

const StepAdjustment* step_for(const List<StepAdjustment>& steps, double difference) {
  const auto find = [&](auto holds) -> const StepAdjustment* {
    const auto found = std::ranges::find_if(steps, holds);
    return found == steps.end() ? nullptr : &*found;
  };
  const StepAdjustment* found = nullptr;
  if (difference >= 0)
    found = find([&](const StepAdjustment& s) { return lower(s) <= difference && difference < upper(s); });
  // At the threshold itself a policy that only removes has its step below.
  if (!found && difference <= 0)
    found = find([&](const StepAdjustment& s) { return lower(s) < difference && difference <= upper(s); });
  return found;
}

Wish step_scaling(const Capacity& capacity, const Adjustment& adjustment) {
  const bool exact = adjustment.type == "ExactCapacity";
  const bool out = exact ? adjustment.by > capacity.desired : adjustment.by > 0;
  const bool in = exact ? adjustment.by < capacity.desired : adjustment.by < 0;
  if (out) {
    const int wanted = adjusted(capacity.ready, adjustment);
    if (wanted > capacity.desired) return {wanted, ""};
    return {std::nullopt, capacity.warming > 0 ? "the instances that are warming up are enough"
                                               : "the desired capacity is already as high"};
  }
  if (in) {
    if (capacity.warming > 0) return {std::nullopt, "no scale-in while instances are warming up"};
    const int wanted = adjusted(capacity.ready + capacity.leaving - capacity.above, adjustment);
    if (wanted < capacity.desired) return {wanted, ""};
    return {std::nullopt, "the instances that are being terminated are enough"};
  }
  return {std::nullopt, "the adjustment asks for no change"};
}

Wish simple_scaling(const Capacity& capacity, const Adjustment& adjustment) {
  const int wanted = adjusted(capacity.desired, adjustment);
  if (wanted == capacity.desired) return {std::nullopt, "the adjustment asks for no change"};
  return {wanted, ""};
}

}  // namespace brume::autoscaling
