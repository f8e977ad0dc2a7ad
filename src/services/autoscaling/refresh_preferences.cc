#include "services/autoscaling/refresh_preferences.h"

namespace brume::autoscaling {
namespace {

constexpr std::size_t kMaxAlarms = 10;
constexpr int kCheckpointDelay = 3600;

Result<void> check_checkpoints(const RefreshPreferences& preferences) {
  if (preferences.CheckpointDelay && preferences.CheckpointPercentages.empty())
    return fail("ValidationError",
                "The request isn't valid. CheckpointDelay can only be specified together with CheckpointPercentages.");
  int before = 0;
  for (const int percent : preferences.CheckpointPercentages) {
    if (percent < 1 || percent > 100)
      return fail("ValidationError", "The checkpoint percentage {} must be between 1 and 100", percent);
    if (percent <= before)
      return fail("ValidationError", "Checkpoint percentages must be unique and in ascending order");
    before = percent;
  }
  return {};
}

}  // namespace

std::optional<HealthyPercentages> maintenance_policy(const AutoScalingGroup& group) {
  if (!group.InstanceMaintenancePolicy) return std::nullopt;
  return HealthyPercentages{*group.InstanceMaintenancePolicy->MinHealthyPercentage,
                            *group.InstanceMaintenancePolicy->MaxHealthyPercentage};
}

int warm_up_of(const AutoScalingGroup& group) {
  const int warm_up = group.DefaultInstanceWarmup.value_or(-1);  // -1 clears it
  return warm_up >= 0 ? warm_up : *group.HealthCheckGracePeriod;
}

Result<std::optional<InstanceMaintenancePolicy>> checked_policy(const InstanceMaintenancePolicy& policy) {
  const int min = policy.MinHealthyPercentage.value_or(-1), max = policy.MaxHealthyPercentage.value_or(-1);
  if (min == -1 && max == -1) return std::nullopt;
  if (min == -1 || max == -1)
    return fail("ValidationError",
                "The instance maintenance policy must specify both MinHealthyPercentage and MaxHealthyPercentage");
  if (min < 0 || min > 100 || max < 100 || max > 200)
    return fail(
        "ValidationError",
        "MinHealthyPercentage must be between 0 and 100 and MaxHealthyPercentage between 100 and 200, not {} and "
        "{}",
        min, max);
  if (max - min > 100)
    return fail("ValidationError",
                "The difference between MinHealthyPercentage ({}) and MaxHealthyPercentage ({}) cannot be greater than "
                "100",
                min, max);
  return policy;
}

Result<RefreshPreferences> complete_preferences(const std::optional<RefreshPreferences>& given,
                                                const AutoScalingGroup& group) {
  RefreshPreferences all = given.value_or(RefreshPreferences{});
  if (all.MaxHealthyPercentage && !all.MinHealthyPercentage)
    return fail("ValidationError",
                "The request isn't valid. MaxHealthyPercentage can only be specified together with "
                "MinHealthyPercentage.");
  const HealthyPercentages defaults = maintenance_policy(group).value_or(HealthyPercentages{});
  if (!all.MaxHealthyPercentage) all.MaxHealthyPercentage = defaults.max;
  if (!all.MinHealthyPercentage) all.MinHealthyPercentage = defaults.min;
  if (*all.MaxHealthyPercentage - *all.MinHealthyPercentage > 100)
    return fail("ValidationError",
                "The difference between MinHealthyPercentage ({}) and MaxHealthyPercentage ({}) cannot be greater than "
                "100",
                *all.MinHealthyPercentage, *all.MaxHealthyPercentage);
  BRUME_CHECK(check_checkpoints(all));
  if (!all.CheckpointPercentages.empty() && !all.CheckpointDelay) all.CheckpointDelay = kCheckpointDelay;
  if (all.AlarmSpecification && all.AlarmSpecification->Alarms.size() > kMaxAlarms)
    return fail("ValidationError", "An instance refresh can have at most {} alarms", kMaxAlarms);
  if (!all.InstanceWarmup) all.InstanceWarmup = warm_up_of(group);
  if (!all.SkipMatching) all.SkipMatching = false;
  if (!all.AutoRollback) all.AutoRollback = false;
  if (!all.ScaleInProtectedInstances) all.ScaleInProtectedInstances = "Wait";
  if (!all.StandbyInstances) all.StandbyInstances = "Wait";
  return all;
}

}  // namespace brume::autoscaling
