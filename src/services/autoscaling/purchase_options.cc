#include "services/autoscaling/purchase_options.h"

#include <algorithm>
#include <limits>
#include <tuple>

namespace brume::autoscaling {
namespace {

int units_of_kind(std::span<const Holding> present, bool spot) {
  int units = 0;
  for (const Holding& one : present)
    if (one.spot == spot) units += one.units;
  return units;
}

int share_of(const InstancesDistribution& distribution, int capacity, bool spot) {
  const int on_demand = on_demand_share(distribution, capacity);
  return spot ? capacity - on_demand : on_demand;
}

}  // namespace

int on_demand_share(const InstancesDistribution& distribution, int capacity) {
  const int base = std::min(distribution.OnDemandBaseCapacity.value_or(0), capacity);
  const int above = (capacity - base) * distribution.OnDemandPercentageAboveBaseCapacity.value_or(100);
  return base + (above + 99) / 100;
}

int excess(const InstancesDistribution& distribution, int desired, std::span<const Holding> present, bool spot) {
  return units_of_kind(present, spot) - share_of(distribution, desired, spot);
}

bool next_is_spot(const InstancesDistribution& distribution, int desired, std::span<const Holding> present) {
  if (excess(distribution, desired, present, false) < 0) return false;
  if (excess(distribution, desired, present, true) < 0) return true;
  std::map<std::string, int> zones;
  for (const Holding& one : present) zones[one.zone] += one.units;
  int most = -1;
  bool spot = share_of(distribution, desired, true) > 0;
  for (const Holding& one : present) {
    if (one.is_protected || zones[one.zone] < most) continue;
    spot = zones[one.zone] > most ? one.spot : spot || one.spot;
    most = zones[one.zone];
  }
  return spot;
}

std::optional<bool> spot_in_excess(const InstancesDistribution& distribution, int desired,
                                   std::span<const Holding> present) {
  const int spot = excess(distribution, desired, present, true),
            on_demand = excess(distribution, desired, present, false);
  if (std::max(spot, on_demand) <= 0) return std::nullopt;
  return spot >= on_demand;
}

bool needs_sizes(const InstancesDistribution& distribution, bool spot, std::span<const LaunchOption> options) {
  if (std::ranges::any_of(options, &LaunchOption::by_requirements)) return true;
  return spot ? distribution.SpotAllocationStrategy != "capacity-optimized-prioritized"
              : distribution.OnDemandAllocationStrategy == "lowest-price";
}

std::vector<LaunchOption> in_order(std::vector<LaunchOption> options, const InstancesDistribution& distribution,
                                   bool spot, const std::map<std::string, TypeSize>& sizes,
                                   std::span<const Holding> present, const std::string& zone) {
  for (LaunchOption& option : options) option.spot = spot;
  if (!needs_sizes(distribution, spot, options)) return options;
  const auto cost = [&](const LaunchOption& option) {
    const auto size = sizes.find(option.type.value_or(""));
    if (size == sizes.end()) return std::tuple(std::numeric_limits<double>::max(), 0.0);
    return std::tuple(double(size->second.memory_mib) / option.units, double(size->second.vcpus) / option.units);
  };
  std::ranges::stable_sort(options, {}, cost);
  if (!spot || distribution.SpotAllocationStrategy != "lowest-price") return options;
  const std::size_t pools =
      std::min<std::size_t>(std::size_t(std::max(1, distribution.SpotInstancePools.value_or(1))), options.size());
  const auto held = [&](const LaunchOption& option) {
    int units = 0;
    for (const Holding& one : present)
      if (one.spot && one.zone == zone && one.type == option.type.value_or("")) units += one.units;
    return units;
  };
  std::ranges::stable_sort(options.begin(), options.begin() + std::ptrdiff_t(pools), {}, held);
  return options;
}

}  // namespace brume::autoscaling
