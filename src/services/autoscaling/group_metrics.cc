#include "services/autoscaling/group_metrics.h"

#include <algorithm>
#include <map>
#include <string>

#include "services/common/capacity_units.h"

namespace brume::autoscaling {
namespace {

enum class Phase { pending, in_service, standby, terminating };

// Of a lifecycle state: "Pending:Wait", "Warmed:Pending", "Detaching", …
Phase phase_of(std::string_view state) {
  if (state.starts_with("Pending")) return Phase::pending;
  if (state == "Standby" || state == "EnteringStandby") return Phase::standby;
  if (state.starts_with("Terminat") || state.starts_with("Detach")) return Phase::terminating;
  return Phase::in_service;
}

struct Count {
  double instances = 0, capacity = 0;
};

}  // namespace

std::vector<services::MetricSample> group_metrics(const AutoScalingGroup& group, Timestamp time) {
  if (group.EnabledMetrics.empty()) return {};
  std::map<Phase, Count> in_group;
  Count total;
  for (const Instance& instance : group.Instances) {
    Count& count = in_group[phase_of(instance.LifecycleState.value_or(""))];
    for (Count* one : {&count, &total}) {
      ++one->instances;
      one->capacity += services::units_of(instance);
    }
  }
  const std::map<std::string, double> all = {
      {"GroupMinSize", *group.MinSize},
      {"GroupMaxSize", *group.MaxSize},
      {"GroupDesiredCapacity", *group.DesiredCapacity},
      {"GroupInServiceInstances", in_group[Phase::in_service].instances},
      {"GroupPendingInstances", in_group[Phase::pending].instances},
      {"GroupStandbyInstances", in_group[Phase::standby].instances},
      {"GroupTerminatingInstances", in_group[Phase::terminating].instances},
      {"GroupTotalInstances", total.instances},
      {"GroupInServiceCapacity", in_group[Phase::in_service].capacity},
      {"GroupPendingCapacity", in_group[Phase::pending].capacity},
      {"GroupStandbyCapacity", in_group[Phase::standby].capacity},
      {"GroupTerminatingCapacity", in_group[Phase::terminating].capacity},
      {"GroupTotalCapacity", total.capacity},
  };
  std::vector<services::MetricSample> samples;
  for (const EnabledMetric& enabled : group.EnabledMetrics)
    if (const auto found = all.find(enabled.Metric.value_or("")); found != all.end())
      samples.push_back(services::one_value(found->first, {{"AutoScalingGroupName", *group.AutoScalingGroupName}},
                                            "None", time, found->second));
  return samples;
}

}  // namespace brume::autoscaling
