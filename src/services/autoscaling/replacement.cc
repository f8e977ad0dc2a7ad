#include "services/autoscaling/replacement.h"

#include <algorithm>

namespace brume::autoscaling {

Range replacement_range(int desired, int min_percent, int max_percent, int largest) {
  Range range;
  range.floor = (desired * min_percent + 99) / 100;
  range.ceiling = desired * max_percent / 100;
  if (max_percent > 100) range.ceiling = std::max(range.ceiling, desired + largest);
  if (range.ceiling <= desired) range.floor = std::min(range.floor, std::max(0, desired - largest));
  return range;
}

Replacements plan_replacements(const Range& range, int capacity, int ready, int failing,
                               std::span<const Replaceable> candidates, int limit) {
  Replacements plan;
  const auto may_go = [&](const Replaceable& one) {
    if (one.ready) return ready - one.units >= range.floor;
    return one.failing ? ready + failing - one.units >= range.floor : ready >= range.floor;
  };
  const auto take_out = [&](const Replaceable& one) {
    plan.take_out.push_back(one.id);
    if (one.marked) capacity -= one.units;  // the gap of one that is not is filled
    if (one.ready)
      ready -= one.units;
    else if (one.failing)
      failing -= one.units;
  };
  for (const Replaceable& one : candidates)
    if (one.marked && may_go(one)) take_out(one);
  std::vector<const Replaceable*> kept;
  for (const Replaceable& one : candidates) {
    if (one.marked || limit <= 0) continue;
    if (may_go(one)) {
      take_out(one);
      limit -= one.units;
    } else {
      kept.push_back(&one);
    }
  }
  for (const Replaceable* one : kept) {
    if (limit <= 0 || capacity >= range.ceiling) break;
    plan.mark.push_back(one->id);
    limit -= one->units;
    capacity += one->units;  // by what is launched for it
  }
  return plan;
}

}  // namespace brume::autoscaling
