#include "services/autoscaling/scaling/adjustment.h"

#include <algorithm>
#include <cstdint>

namespace brume::autoscaling {
namespace {

std::int64_t change_of(int capacity, const Adjustment& adjustment) {
  if (adjustment.type == "ChangeInCapacity") return adjustment.by;
  const std::int64_t hundredths = std::int64_t(capacity) * adjustment.by;
  const std::int64_t sign = adjustment.by < 0 ? -1 : adjustment.by > 0 ? 1 : 0;
  std::int64_t change = hundredths / 100;
  if (change == 0 && hundredths != 0) change = sign;
  if (change * sign < adjustment.min_magnitude.value_or(0)) change = sign * *adjustment.min_magnitude;
  return change;
}

}  // namespace

int adjusted(int capacity, const Adjustment& adjustment) {
  if (adjustment.type == "ExactCapacity") return std::max(0, adjustment.by);
  constexpr std::int64_t kMost = 1'000'000'000;
  return int(std::clamp<std::int64_t>(capacity + change_of(capacity, adjustment), 0, kMost));
}

}  // namespace brume::autoscaling
