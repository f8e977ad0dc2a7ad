// What an adjustment makes of a capacity.
//
// Pure. Source: Auto Scaling user guide, "Scaling adjustment types": of a percentage, results above 1 are rounded down,
// between 0 and 1 to 1, between -1 and 0 to -1, below -1 toward zero. Leaves the group's bounds to the caller
// (combine.h).
#pragma once

#include <optional>
#include <string>

namespace brume::autoscaling {

struct Adjustment {
  std::string type;  // ChangeInCapacity, ExactCapacity, PercentChangeInCapacity
  int by = 0;
  std::optional<int> min_magnitude;  // of PercentChangeInCapacity: it changes at least this much
};

// Never below 0.
int adjusted(int capacity, const Adjustment& adjustment);

}  // namespace brume::autoscaling
