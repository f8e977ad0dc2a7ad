// What scaling policies look at and what they answer.
#pragma once

#include <optional>
#include <string>

namespace brume::autoscaling {

// A group's instances, in capacity units, as a policy with a certain warm-up counts them.
struct Capacity {
  int min = 0, max = 0, desired = 0;
  int ready = 0;    // in service and warmed up
  int warming = 0;  // launching, or in service for less than the warm-up
  int leaving = 0;  // being terminated
  int above = 0;    // of these, above the desired capacity for good: with weights, what no instance fits into
};

// The desired capacity that a policy wants, not yet within the group's bounds; none: it leaves it as it is, `reason`
// says why (a clause, without a capital and a full stop).
struct Wish {
  std::optional<int> desired;
  std::string reason;
};

}  // namespace brume::autoscaling
