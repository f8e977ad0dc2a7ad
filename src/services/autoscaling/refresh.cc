#include "services/autoscaling/refresh.h"

#include <algorithm>
#include <set>

#include "services/autoscaling/mixed_instances.h"
#include "services/autoscaling/refresh_preferences.h"
#include "services/autoscaling/refresh_state.h"
#include "services/common/page.h"

namespace brume::autoscaling {
namespace {

// AWS tells of six weeks; a group keeps no more than this.
constexpr std::size_t kKept = 100;

std::unexpected<Error> none_active(const std::string& group) {
  return fail("ActiveInstanceRefreshNotFound",
              "No in progress or pending Instance Refresh found for Auto Scaling group {}", group);
}

// A version that names another one, which may be another one tomorrow.
bool floats(const LaunchTemplateSpecification& launch) {
  return launch.Version.value_or("$Default").starts_with('$');
}

}  // namespace

RefreshOperations::RefreshOperations(GroupState& state, ec2::Api& ec2, cloudwatch::Api& cloudwatch, Launches& launches,
                                     RefreshController& controller)
    : GroupPart(state), ec2_(ec2), cloudwatch_(cloudwatch), launches_(launches), controller_(controller) {
  state.on_erase.emplace_back([this](const std::string& group) -> Result<void> {
    for (const std::string& key : refreshes_of(state_, group)) state_.refreshes.erase(key);
    return {};
  });
}

Result<void> RefreshOperations::check_reversible(const Call& call, const AutoScalingGroup& group) {
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

Result<void> check_configuration_free(const GroupState& state, const UpdateAutoScalingGroupType& request) {
  if (!request.LaunchTemplate && !request.MixedInstancesPolicy && !request.LaunchConfigurationName) return {};
  const ActiveRefresh active = active_refresh(state, *request.AutoScalingGroupName);
  if (!active || !active.record->refresh.DesiredConfiguration) return {};
  return fail("ValidationError",
              "An active instance refresh with a desired configuration exists. All configuration options derived from "
              "the desired configuration are not available for update while the instance refresh is active.");
}

Result<StartInstanceRefreshAnswer> RefreshOperations::StartInstanceRefresh(const Call& call,
                                                                           const StartInstanceRefreshType& request) {
  const std::string& name = *request.AutoScalingGroupName;
  BRUME_TRY(group, find_group(name));
  if (request.Strategy.value_or("Rolling") != "Rolling")
    return fail("UnsupportedOperation", "Brume's instance refreshes have the strategy Rolling, not {}",
                *request.Strategy);
  if (group->group.Status)
    return std::unexpected(
        Error{"ResourceContention", fmt::format("AutoScalingGroup '{}' is pending delete", name), 500});
  const ActiveRefresh active = active_refresh(state_, name);
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

  const std::string prefix = name + "/";
  const std::vector<std::string> kept = refreshes_of(state_, name);
  const std::int64_t number = kept.empty() ? 0 : std::stoll(kept.back().substr(prefix.size())) + 1;
  if (kept.size() >= kKept) state_.refreshes.erase(kept.front());
  const StartInstanceRefreshAnswer answer{refresh.InstanceRefreshId};
  state_.refreshes.put(fmt::format("{}{:012}", prefix, number), std::move(record));
  wake_after_commit(name);
  return answer;
}

Result<DescribeInstanceRefreshesAnswer> RefreshOperations::DescribeInstanceRefreshes(
    const Call&, const DescribeInstanceRefreshesType& request) {
  const std::string& name = *request.AutoScalingGroupName;
  BRUME_CHECK(find_group(name));
  struct Row {
    std::string key;  // newest first
    const InstanceRefresh* refresh;
  };
  std::vector<Row> found;
  const std::string prefix = name + "/";
  for (const std::string& key : refreshes_of(state_, name)) {
    const InstanceRefresh& refresh = state_.refreshes.find(key)->refresh;
    const auto& ids = request.InstanceRefreshIds;
    if (!ids.empty() && std::ranges::find(ids, *refresh.InstanceRefreshId) == ids.end()) continue;
    const std::int64_t number = std::stoll(key.substr(prefix.size()));
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

Result<CancelInstanceRefreshAnswer> RefreshOperations::CancelInstanceRefresh(const Call&,
                                                                             const CancelInstanceRefreshType& request) {
  const std::string& name = *request.AutoScalingGroupName;
  BRUME_CHECK(find_group(name));
  const ActiveRefresh active = active_refresh(state_, name);
  if (!active) return none_active(name);
  state_.refreshes.modify(active.key, [&](RefreshRecord& record) {
    record.refresh.Status = "Cancelling";
    record.refresh.StatusReason = "Cancellation in progress due to user request.";
    record.wait_for_transitions = request.WaitForTransitioningInstances.value_or(true);
  });
  wake_after_commit(name);
  return CancelInstanceRefreshAnswer{state_.refreshes.find(active.key)->refresh.InstanceRefreshId};
}

Result<RollbackInstanceRefreshAnswer> RefreshOperations::RollbackInstanceRefresh(
    const Call& call, const RollbackInstanceRefreshType& request) {
  const std::string& name = *request.AutoScalingGroupName;
  BRUME_TRY(group, find_group(name));
  const ActiveRefresh active = active_refresh(state_, name);
  if (!active || active.record->refresh.Status == "Cancelling" || active.record->refresh.Status == "RollbackInProgress")
    return none_active(name);
  if (!active.record->refresh.DesiredConfiguration)
    return fail("IrreversibleInstanceRefresh",
                "The instance refresh {} has no desired configuration, so there is no configuration to roll back to",
                *active.record->refresh.InstanceRefreshId);
  BRUME_CHECK(check_reversible(call, group->group));
  BRUME_CHECK(controller_.roll_back(name));
  wake_after_commit(name);
  return RollbackInstanceRefreshAnswer{state_.refreshes.find(active.key)->refresh.InstanceRefreshId};
}

}  // namespace brume::autoscaling
