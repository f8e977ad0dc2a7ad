// Instance refreshes: started, described, cancelled, rolled back. What they do is refresh_controller.cc's.
#include <algorithm>
#include <set>

#include "services/autoscaling/refresh_preferences.h"
#include "services/autoscaling/service.h"
#include "services/common/page.h"

namespace brume::autoscaling {
namespace {

// AWS tells of six weeks; a group keeps no more than this.
constexpr std::size_t kKept = 100;

bool is_over(const InstanceRefresh& refresh) {
  static const std::set<std::string, std::less<>> ended = {"Successful", "Failed", "Cancelled", "RollbackFailed",
                                                           "RollbackSuccessful"};
  return ended.contains(*refresh.Status);
}

std::unexpected<Error> none_active(const std::string& group) {
  return fail("ActiveInstanceRefreshNotFound",
              "No in progress or pending Instance Refresh found for Auto Scaling group {}", group);
}

// A version that names another one, which may be another one tomorrow.
bool floats(const LaunchTemplateSpecification& launch) {
  return launch.Version.value_or("$Default").starts_with('$');
}

}  // namespace

Service::ActiveRefresh Service::active_refresh(const std::string& group) const {
  const std::string prefix = group + "/";
  ActiveRefresh newest;
  for (auto at = refreshes_.rows().lower_bound(prefix); at != refreshes_.rows().end() && at->first.starts_with(prefix);
       ++at)
    if (*at->second.refresh.AutoScalingGroupName == group) newest = {at->first, &at->second};
  if (newest && is_over(newest.record->refresh)) newest.record = nullptr;
  return newest;
}

Result<void> Service::check_reversible(const Call& call, const AutoScalingGroup& group) {
  // A launch configuration never changes, and stays while a group has it.
  if (group.LaunchConfigurationName) return {};
  for (const LaunchOption& option : launch_options(group)) {
    const LaunchTemplateSpecification& launch = option.launch_template;
    if (floats(launch))
      return fail("IrreversibleInstanceRefresh",
                  "The Auto Scaling group {} uses the $Latest or $Default version of its launch template, so it has no "
                  "configuration to roll back to. Give it a version's number",
                  *group.AutoScalingGroupName);
    ec2::DescribeLaunchTemplateVersionsRequest versions;
    versions.LaunchTemplateId = launch.LaunchTemplateId;
    versions.Versions = {*launch.Version};
    const auto described = ec2_.DescribeLaunchTemplateVersions(call, versions);
    if (!described || described->LaunchTemplateVersions.empty())
      return fail("IrreversibleInstanceRefresh", "The launch template of the Auto Scaling group {} no longer exists",
                  *group.AutoScalingGroupName);
    const auto& data = described->LaunchTemplateVersions.front().LaunchTemplateData;
    if (data && data->ImageId.value_or("").starts_with("resolve:ssm:"))
      return fail("IrreversibleInstanceRefresh",
                  "The launch template of the Auto Scaling group {} names its image by a Systems Manager parameter",
                  *group.AutoScalingGroupName);
  }
  return {};
}

Result<void> Service::check_configuration_free(const UpdateAutoScalingGroupType& request) const {
  if (!request.LaunchTemplate && !request.MixedInstancesPolicy && !request.LaunchConfigurationName) return {};
  const ActiveRefresh active = active_refresh(*request.AutoScalingGroupName);
  if (!active || !active.record->refresh.DesiredConfiguration) return {};
  return fail("ValidationError",
              "An active instance refresh with a desired configuration exists. All configuration options derived from "
              "the desired configuration are not available for update while the instance refresh is active.");
}

Result<StartInstanceRefreshAnswer> Service::StartInstanceRefresh(const Call& call,
                                                                 const StartInstanceRefreshType& request) {
  const std::string& name = *request.AutoScalingGroupName;
  BRUME_TRY(group, find_group(name));
  if (request.Strategy.value_or("Rolling") != "Rolling")
    return fail("UnsupportedOperation", "Brume's instance refreshes have the strategy Rolling, not {}",
                *request.Strategy);
  if (group->group.Status)
    return std::unexpected(
        Error{"ResourceContention", fmt::format("AutoScalingGroup '{}' is pending delete", name), 500});
  const ActiveRefresh active = active_refresh(name);
  if (active)
    return fail("InstanceRefreshInProgress",
                "An Instance Refresh is already in progress and blocks the execution of this Instance Refresh.");
  RefreshRecord record;
  InstanceRefresh& refresh = record.refresh;
  BRUME_TRY(preferences, complete_preferences(request.Preferences, group->group));
  refresh.Preferences = preferences;
  if (const auto& desired = request.DesiredConfiguration) {
    BRUME_CHECK(take_desired(call, *group, *desired, record));
  }
  if (*preferences.AutoRollback) {
    if (!refresh.DesiredConfiguration)
      return fail(
          "ValidationError",
          "The request isn't valid. The AutoRollback parameter cannot be set to true when the "
          "DesiredConfiguration parameter is empty. Set AutoRollback to false or specify a desired configuration "
          "and try again.");
    if (const auto reversible = check_reversible(call, group->group); !reversible)
      return fail("ValidationError", "The request isn't valid. AutoRollback cannot be set to true. {}",
                  reversible.error().message);
  }
  if (preferences.AlarmSpecification && !preferences.AlarmSpecification->Alarms.empty()) {
    cloudwatch::DescribeAlarmsInput alarms;
    alarms.AlarmNames.assign(preferences.AlarmSpecification->Alarms.begin(),
                             preferences.AlarmSpecification->Alarms.end());
    alarms.AlarmTypes = {"MetricAlarm", "CompositeAlarm"};
    BRUME_TRY(described, cloudwatch_.DescribeAlarms(call, alarms));
    std::set<std::string> found;
    for (const auto& alarm : described.MetricAlarms) found.insert(*alarm.AlarmName);
    for (const auto& alarm : described.CompositeAlarms) found.insert(*alarm.AlarmName);
    for (const std::string& alarm : preferences.AlarmSpecification->Alarms)
      if (!found.contains(alarm)) return fail("ValidationError", "The CloudWatch alarm {} does not exist", alarm);
  }
  refresh.InstanceRefreshId = context_.env.random.uuid();
  refresh.AutoScalingGroupName = name;
  refresh.Status = "Pending";
  refresh.Strategy = "Rolling";

  std::vector<std::string> kept;
  const std::string prefix = name + "/";
  for (auto at = refreshes_.rows().lower_bound(prefix); at != refreshes_.rows().end() && at->first.starts_with(prefix);
       ++at)
    if (*at->second.refresh.AutoScalingGroupName == name) kept.push_back(at->first);
  const std::int64_t number = kept.empty() ? 0 : std::stoll(kept.back().substr(prefix.size())) + 1;
  if (kept.size() >= kKept) refreshes_.erase(kept.front());
  const StartInstanceRefreshAnswer answer{refresh.InstanceRefreshId};
  refreshes_.put(fmt::format("{}{:012}", prefix, number), std::move(record));
  wake_after_commit(name);
  return answer;
}

Result<DescribeInstanceRefreshesAnswer> Service::DescribeInstanceRefreshes(
    const Call&, const DescribeInstanceRefreshesType& request) {
  const std::string& name = *request.AutoScalingGroupName;
  BRUME_CHECK(find_group(name));
  struct Row {
    std::string key;  // newest first
    const InstanceRefresh* refresh;
  };
  std::vector<Row> found;
  const std::string prefix = name + "/";
  for (auto at = refreshes_.rows().lower_bound(prefix); at != refreshes_.rows().end() && at->first.starts_with(prefix);
       ++at) {
    const InstanceRefresh& refresh = at->second.refresh;
    if (*refresh.AutoScalingGroupName != name) continue;
    const auto& ids = request.InstanceRefreshIds;
    if (!ids.empty() && std::ranges::find(ids, *refresh.InstanceRefreshId) == ids.end()) continue;
    const std::int64_t number = std::stoll(at->first.substr(prefix.size()));
    found.push_back({fmt::format("{:012}", 999'999'999'999 - number), &refresh});
  }
  std::ranges::sort(found, {}, &Row::key);
  BRUME_TRY(page, services::paginate(std::move(found), std::size_t(request.MaxRecords.value_or(50)), request.NextToken,
                                     [](const Row& row) { return row.key; }));
  DescribeInstanceRefreshesAnswer answer;
  answer.InstanceRefreshes.set_present();
  for (const Row& row : page.items) answer.InstanceRefreshes.push_back(*row.refresh);
  answer.NextToken = std::move(page.next_token);
  return answer;
}

Result<CancelInstanceRefreshAnswer> Service::CancelInstanceRefresh(const Call&,
                                                                   const CancelInstanceRefreshType& request) {
  const std::string& name = *request.AutoScalingGroupName;
  BRUME_CHECK(find_group(name));
  const ActiveRefresh active = active_refresh(name);
  if (!active) return none_active(name);
  refreshes_.modify(active.key, [&](RefreshRecord& record) {
    record.refresh.Status = "Cancelling";
    record.refresh.StatusReason = "Cancellation in progress due to user request.";
    record.wait_for_transitions = request.WaitForTransitioningInstances.value_or(true);
  });
  wake_after_commit(name);
  return CancelInstanceRefreshAnswer{refreshes_.find(active.key)->refresh.InstanceRefreshId};
}

Result<RollbackInstanceRefreshAnswer> Service::RollbackInstanceRefresh(const Call& call,
                                                                       const RollbackInstanceRefreshType& request) {
  const std::string& name = *request.AutoScalingGroupName;
  BRUME_TRY(group, find_group(name));
  const ActiveRefresh active = active_refresh(name);
  if (!active || active.record->refresh.Status == "Cancelling" || active.record->refresh.Status == "RollbackInProgress")
    return none_active(name);
  if (!active.record->refresh.DesiredConfiguration)
    return fail("IrreversibleInstanceRefresh",
                "The instance refresh {} has no desired configuration, so there is no configuration to roll back to",
                *active.record->refresh.InstanceRefreshId);
  BRUME_CHECK(check_reversible(call, group->group));
  const RefreshStep step{.kind = RefreshStep::Kind::roll_back,
                         .replacements = {},
                         .reason = "Rollback was initiated by user request.",
                         .until = {}};
  const InstanceRefresh& refresh = active.record->refresh;
  BRUME_CHECK(carry_out(
      name, active.key, step,
      {.percent = refresh.PercentageComplete.value_or(0), .remaining = refresh.InstancesToUpdate.value_or(0)}));
  wake_after_commit(name);
  return RollbackInstanceRefreshAnswer{refreshes_.find(active.key)->refresh.InstanceRefreshId};
}

void Service::erase_belongings(const std::string& group) {
  std::vector<std::string> keys;
  const std::string prefix = group + "/";
  for (auto at = refreshes_.rows().lower_bound(prefix); at != refreshes_.rows().end() && at->first.starts_with(prefix);
       ++at)
    if (*at->second.refresh.AutoScalingGroupName == group) keys.push_back(at->first);
  for (const std::string& key : keys) refreshes_.erase(key);
  for (const std::string& key : notification_keys(group, "")) notifications_.erase(key);
  keys.clear();
  for (const LifecycleHook* hook : hooks_of(group, "")) keys.push_back(group + ":" + *hook->LifecycleHookName);
  for (const std::string& key : keys) hooks_.erase(key);
}

}  // namespace brume::autoscaling
