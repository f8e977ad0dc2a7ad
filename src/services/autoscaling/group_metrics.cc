#include "services/autoscaling/group_metrics.h"

#include <algorithm>
#include <map>
#include <string>

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
      for (Count* one : {&in[phase_of(instance.LifecycleState.value_or(""))], &total}) {
        ++one->instances;
        one->capacity += services::units_of(instance);
      }
  }
  std::map<Phase, Count> in;
  Count total;
};

void add_pool(std::map<std::string, double>& metrics, const AutoScalingGroup& group, const List<Instance>& instances) {
  const WarmPoolConfiguration& pool = *group.WarmPoolConfiguration;
  // A pool that is being deleted is to have none.
  const double desired = pool.Status ? 0
                                     : pool_size(*group.DesiredCapacity, *group.MaxSize, pool.MaxGroupPreparedCapacity,
                                                 pool.MinSize.value_or(0));
  Counts counts(instances);
  metrics["WarmPoolMinSize"] = pool.MinSize.value_or(0);
  metrics["WarmPoolDesiredCapacity"] = desired;
  metrics["WarmPoolWarmedCapacity"] = counts.in[Phase::in_service].capacity;
  metrics["WarmPoolPendingCapacity"] = counts.in[Phase::pending].capacity;
  metrics["WarmPoolTerminatingCapacity"] = counts.in[Phase::terminating].capacity;
  metrics["WarmPoolTotalCapacity"] = counts.total.capacity;
  metrics["GroupAndWarmPoolDesiredCapacity"] = *group.DesiredCapacity + desired;
  metrics["GroupAndWarmPoolTotalCapacity"] = metrics["GroupTotalCapacity"] + counts.total.capacity;
}

}  // namespace

std::vector<services::MetricSample> group_metrics(const AutoScalingGroup& group, const List<Instance>& pool,
                                                  Timestamp time) {
  if (group.EnabledMetrics.empty()) return {};
  Counts counts(group.Instances);
  std::map<std::string, double> all = {
      {"GroupMinSize", *group.MinSize},
      {"GroupMaxSize", *group.MaxSize},
      {"GroupDesiredCapacity", *group.DesiredCapacity},
      {"GroupInServiceInstances", counts.in[Phase::in_service].instances},
      {"GroupPendingInstances", counts.in[Phase::pending].instances},
      {"GroupStandbyInstances", counts.in[Phase::standby].instances},
      {"GroupTerminatingInstances", counts.in[Phase::terminating].instances},
      {"GroupTotalInstances", counts.total.instances},
      {"GroupInServiceCapacity", counts.in[Phase::in_service].capacity},
      {"GroupPendingCapacity", counts.in[Phase::pending].capacity},
      {"GroupStandbyCapacity", counts.in[Phase::standby].capacity},
      {"GroupTerminatingCapacity", counts.in[Phase::terminating].capacity},
      {"GroupTotalCapacity", counts.total.capacity},
  };
  if (group.WarmPoolConfiguration) add_pool(all, group, pool);
  std::vector<services::MetricSample> samples;
  for (const EnabledMetric& enabled : group.EnabledMetrics)
    if (const auto found = all.find(enabled.Metric.value_or("")); found != all.end())
      samples.push_back(services::one_value(found->first, {{"AutoScalingGroupName", *group.AutoScalingGroupName}},
                                            "None", time, found->second));
  return samples;
}

}  // namespace brume::autoscaling
