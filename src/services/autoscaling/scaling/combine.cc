#include "services/autoscaling/scaling/combine.h"

#include <fmt/format.h>

#include <algorithm>

namespace brume::autoscaling {

Wish combine(int desired, std::span<const Opinion> opinions) {
  std::optional<int> largest;
  for (const Opinion& opinion : opinions)
    if (opinion.wish.desired) largest = std::max(largest.value_or(0), *opinion.wish.desired);
  if (!largest) return opinions.empty() ? Wish{std::nullopt, "no policy asks for a change"} : opinions.front().wish;
  if (*largest > desired) return {largest, ""};
  for (const Opinion& opinion : opinions)
    if (!opinion.wish.desired)
      return {std::nullopt, fmt::format("policy {} does not agree: {}", opinion.policy, opinion.wish.reason)};
  return {largest, ""};
}

Wish bounded(const Wish& wish, const Capacity& capacity) {
  if (!wish.desired) return wish;
  const int within = std::clamp(*wish.desired, capacity.min, std::max(capacity.min, capacity.max));
  if (within != capacity.desired) return {within, ""};
  if (*wish.desired > within)
    return {std::nullopt, fmt::format("the group is already at its maximum size of {}", capacity.max)};
  if (*wish.desired < within)
    return {std::nullopt, fmt::format("the group is already at its minimum size of {}", capacity.min)};
  return {std::nullopt, "the desired capacity is already that"};
}

}  // namespace brume::autoscaling
