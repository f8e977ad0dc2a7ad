#include "services/autoscaling/group_metrics.h"

#include <algorithm>
#include <array>

#include "services/autoscaling/warm_pool.h"
#include "services/common/capacity_units.h"

namespace brume::autoscaling {
namespace {

enum class Phase { pending, in_service, standby, terminating };

// Of a lifecycle state: "Pending:Wait", "Warmed:Pending", "Detaching", … What rests in a warm pool is in service to it.
Phase phase_of(std::string_view state) {
  if (is_warmed(state)) state.remove_prefix(state.find(':') + 1);
  if (state.starts_with("Pending")) return Phase::pending;
  if (state == "Standby" || state == "EnteringStandby") return Phase::standby;
  if (state.starts_with("Terminat") || state.starts_with("Detach")) return Phase::terminating;
  return Phase::in_service;
}

struct Count {
  double instances = 0, capacity = 0;
};

struct Counts {
  explicit Counts(const List<Instance>& all) {
    for (const Instance& instance : all)
      for (Count* one : {&in.at(std::size_t(phase_of(instance.LifecycleState.value_or("")))), &total}) {
        ++one->instances;
        one->capacity += services::units_of(instance);
      }
  }
  [[nodiscard]] const Count& of(Phase phase) const { return in.at(std::size_t(phase)); }
  std::array<Count, 4> in;  // by phase
  Count total;
};

// As kGroupMetrics lists them.
std::vector<double> values_of(const AutoScalingGroup& group, const List<Instance>& pool) {
  constexpr Phase kPhases[] = {Phase::in_service, Phase::pending, Phase::standby, Phase::terminating};
  const Counts counts(group.Instances);
  std::vector<double> values = {double(*group.MinSize), double(*group.MaxSize), double(*group.DesiredCapacity)};
  for (const Phase phase : kPhases) values.push_back(counts.of(phase).instances);
  values.push_back(counts.total.instances);
  for (const Phase phase : kPhases) values.push_back(counts.of(phase).capacity);
  values.push_back(counts.total.capacity);
  if (!group.WarmPoolConfiguration) return values;
  const WarmPoolConfiguration& warm = *group.WarmPoolConfiguration;
  // A pool that is being deleted is to have none.
  const double desired = warm.Status ? 0
                                     : pool_size(*group.DesiredCapacity, *group.MaxSize, warm.MaxGroupPreparedCapacity,
                                                 warm.MinSize.value_or(0));
  const Counts warmed(pool);
  values.insert(values.end(),
                {double(warm.MinSize.value_or(0)), desired, warmed.of(Phase::in_service).capacity,
                 warmed.of(Phase::pending).capacity, warmed.of(Phase::terminating).capacity, warmed.total.capacity,
                 *group.DesiredCapacity + desired, counts.total.capacity + warmed.total.capacity});
  return values;
}

}  // namespace

std::vector<std::pair<std::size_t, double>> group_metrics(const AutoScalingGroup& group, const List<Instance>& pool) {
  if (group.EnabledMetrics.empty()) return {};
  const std::vector<double> values = values_of(group, pool);
  std::vector<std::pair<std::size_t, double>> out;
  for (const EnabledMetric& enabled : group.EnabledMetrics) {
    const auto place =
        std::size_t(std::ranges::find(kGroupMetrics, enabled.Metric.value_or("")) - kGroupMetrics.begin());
    if (place < values.size()) out.emplace_back(place, values[place]);
  }
  return out;
}

}  // namespace brume::autoscaling
