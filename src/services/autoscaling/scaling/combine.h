// What several policies' wishes make together, and the group's bounds.
//
// Pure. The group grows if any policy says so; it shrinks only if all agree; of several sizes the largest wins (Auto
// Scaling user guide, "Multiple dynamic scaling policies").
#pragma once

#include <span>
#include <string>

#include "services/autoscaling/scaling/capacity.h"

namespace brume::autoscaling {

struct Opinion {
  std::string policy;
  Wish wish;
};

// `opinions` are of those that count: target tracking policies with scale-in disabled have none on shrinking.
Wish combine(int desired, std::span<const Opinion> opinions);

// Within the group's minimum and maximum; none, with the reason, if nothing is left of the wish.
Wish bounded(const Wish& wish, const Capacity& capacity);

}  // namespace brume::autoscaling
