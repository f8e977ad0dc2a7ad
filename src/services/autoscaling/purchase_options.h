// On-Demand or Spot: which a group with a mixed instances policy launches next, which goes first, and of which types.
//
// Pure. Sources: Auto Scaling user guide, "Auto Scaling groups with multiple instance types and purchase options",
// "Allocation strategies for multiple instance types", "Configure termination policies" (of mixed groups). All numbers
// are capacity units. There are no prices on one machine: what a type costs here is the room that it takes, memory
// first and then vCPUs, by unit of its weight. All pools share the machine, so the one with the most capacity is that
// of the smallest type, too. Leaves to others: the types there are (mixed_instances.h), where EC2 has no room
// (launch.h).
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "autoscaling/shapes.h"
#include "services/autoscaling/mixed_instances.h"

namespace brume::autoscaling {

// What a policy has where it says nothing is filled in (merged()).
// Of so much capacity, how much is to be On-Demand: the base first, then the percentage of the rest, in favor of
// On-Demand where that is not whole.
int on_demand_share(const InstancesDistribution& distribution, int capacity);

// An instance that counts towards the capacity.
struct Holding {
  std::string zone;
  std::string type;
  int units = 1;
  bool spot = false;
  bool is_protected = false;  // from scale-in
};

// Whether the next instance is a Spot Instance. Where both shares are full it comes for balance over the zones: then
// it is of the kind that goes for it, one that the fullest zone can spare.
bool next_is_spot(const InstancesDistribution& distribution, int desired, std::span<const Holding> present);

// Which of the two kinds is above its share, the one that a scale-in takes first: true: Spot. Neither: none.
std::optional<bool> spot_in_excess(const InstancesDistribution& distribution, int desired,
                                   std::span<const Holding> present);
// By how much that one is.
int excess(const InstancesDistribution& distribution, int desired, std::span<const Holding> present, bool spot);

// What a type takes of the machine.
struct TypeSize {
  std::int64_t memory_mib = 0;
  int vcpus = 0;
};

// The options for the next launch of this kind in `zone`, the first to be tried first. `sizes` may lack types: those
// come last where size counts. With lowest-price as many Spot pools as the policy says take turns.
std::vector<LaunchOption> in_order(std::vector<LaunchOption> options, const InstancesDistribution& distribution,
                                   bool spot, const std::map<std::string, TypeSize>& sizes,
                                   std::span<const Holding> present, const std::string& zone);

// Whether in_order() looks at sizes.
bool needs_sizes(const InstancesDistribution& distribution, bool spot, std::span<const LaunchOption> options);

}  // namespace brume::autoscaling
