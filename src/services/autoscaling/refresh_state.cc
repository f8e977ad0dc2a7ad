#include "services/autoscaling/refresh_state.h"

#include <set>

namespace brume::autoscaling {
namespace {

using Phase = RefreshView::Phase;

bool is_over(const InstanceRefresh& refresh) {
  static const std::set<std::string, std::less<>> ended = {"Successful", "Failed", "Cancelled", "RollbackFailed",
                                                           "RollbackSuccessful"};
  return ended.contains(*refresh.Status);
}

}  // namespace

std::vector<std::string> refreshes_of(const GroupState& state, const std::string& group) {
  std::vector<std::string> keys;
  for (const auto& [key, record] : rows_under(state.refreshes, group + "/"))
    if (*record.refresh.AutoScalingGroupName == group) keys.push_back(key);  // a group's name may hold a '/'
  return keys;
}

ActiveRefresh active_refresh(const GroupState& state, const std::string& group) {
  const auto all = rows_under(state.refreshes, group + "/");
  for (const auto& [key, record] : std::views::reverse(all))
    if (*record.refresh.AutoScalingGroupName == group) return {key, is_over(record.refresh) ? nullptr : &record};
  return {};
}

Phase phase_of(const InstanceRefresh& refresh) {
  if (refresh.Status == "Baking") return Phase::baking;
  if (refresh.Status == "Cancelling") return Phase::cancelling;
  if (refresh.Status == "RollbackInProgress") return Phase::rolling_back;
  return Phase::replacing;
}

std::string launching_refresh(const GroupState& state, const std::string& group) {
  const ActiveRefresh active = active_refresh(state, group);
  if (!active) return "";
  const Phase phase = phase_of(active.record->refresh);
  if (phase != Phase::replacing && phase != Phase::baking) return "";
  return *active.record->refresh.InstanceRefreshId;
}

GroupRecord as_launched(const GroupState& state, const GroupRecord& group) {
  GroupRecord record = group;
  const std::string& name = *group.group.AutoScalingGroupName;
  const ActiveRefresh active = active_refresh(state, name);
  if (!active || launching_refresh(state, name).empty()) return record;
  const RefreshRecord& refresh = *active.record;
  if (refresh.launch_template || refresh.mixed) {
    record.group.LaunchTemplate = refresh.launch_template;
    record.group.MixedInstancesPolicy = refresh.mixed;
    record.group.LaunchConfigurationName.reset();
  }
  return record;
}

bool is_stale(const RefreshRecord& refresh, const MemberRecord& member) {
  const bool launched_by_it = member.refresh == refresh.refresh.InstanceRefreshId;
  return phase_of(refresh.refresh) == Phase::rolling_back ? launched_by_it : !launched_by_it;
}

}  // namespace brume::autoscaling
