#include "cli/group_refresh.h"

#include <algorithm>
#include <chrono>
#include <set>
#include <thread>

#include "cli/failed_attempts.h"
#include "cli/live_line.h"
#include "cli/patient.h"

namespace brume::cli {
namespace {

using autoscaling::AutoScalingGroup;
using autoscaling::InstanceRefresh;
using autoscaling::LaunchTemplateSpecification;
using std::chrono::steady_clock;

// A refresh that comes no further for so long is given up.
constexpr std::chrono::minutes kPatience{15};

bool by_number(const std::optional<LaunchTemplateSpecification>& launch) {
  return launch && launch->Version && !launch->Version->starts_with('$');
}

// A version of the group's launch template.
Result<ec2::LaunchTemplateVersion> version_of(Session& session, const LaunchTemplateSpecification& launch,
                                              const std::string& version) {
  ec2::DescribeLaunchTemplateVersionsRequest request;
  request.LaunchTemplateId = launch.LaunchTemplateId;
  if (!launch.LaunchTemplateId) request.LaunchTemplateName = launch.LaunchTemplateName;
  request.Versions = {version};
  BRUME_TRY(found, session.ec2.DescribeLaunchTemplateVersions(session.call, request));
  if (found.LaunchTemplateVersions.empty())
    return fail("InvalidLaunchTemplateId.VersionNotFound", "The launch template has no version {}", version);
  return found.LaunchTemplateVersions.front();
}

std::string image_of(const ec2::LaunchTemplateVersion& version) {
  return version.LaunchTemplateData ? version.LaunchTemplateData->ImageId.value_or("") : "";
}

// The versions that a refresh goes from and to.
struct Versions {
  LaunchTemplateSpecification from, to;
};
// Nothing if the group cannot go back to what its instances are.
Result<std::optional<Versions>> versions_of(Session& session, const AutoScalingGroup& group, const std::string& image) {
  if (!by_number(group.LaunchTemplate)) return std::nullopt;
  BRUME_TRY(newest, version_of(session, *group.LaunchTemplate, "$Latest"));
  if (image_of(newest) != image) return std::nullopt;
  LaunchTemplateSpecification to;
  to.LaunchTemplateId = newest.LaunchTemplateId;
  to.Version = std::to_string(newest.VersionNumber.value_or(0));
  for (const autoscaling::Instance& one : group.Instances) {
    if (one.LifecycleState != "InService" || !one.LaunchTemplate || !one.LaunchTemplate->Version) continue;
    if (one.LaunchTemplate->LaunchTemplateId != to.LaunchTemplateId || one.LaunchTemplate->Version == to.Version)
      continue;
    LaunchTemplateSpecification from = to;
    from.Version = one.LaunchTemplate->Version;
    return Versions{from, to};
  }
  return std::nullopt;
}

class Refresh {
 public:
  Refresh(Session& session, std::string group, std::string image, std::optional<Versions> versions)
      : session_(session),
        group_(std::move(group)),
        image_(std::move(image)),
        versions_(std::move(versions)),
        attempts_(versions_ ? *versions_->to.Version : "") {}

  Result<void> start() {
    autoscaling::StartInstanceRefreshType request;
    request.AutoScalingGroupName = group_;
    autoscaling::RefreshPreferences& preferences = request.Preferences.emplace();
    preferences.MinHealthyPercentage = 100;
    preferences.MaxHealthyPercentage = 110;
    preferences.SkipMatching = true;
    if (versions_) {
      autoscaling::UpdateAutoScalingGroupType keep;
      keep.AutoScalingGroupName = group_;
      keep.LaunchTemplate = versions_->from;
      BRUME_CHECK(session_.autoscaling.UpdateAutoScalingGroup(session_.call, keep));
      request.DesiredConfiguration.emplace().LaunchTemplate = versions_->to;
      preferences.AutoRollback = true;
    }
    BRUME_TRY(started, session_.autoscaling.StartInstanceRefresh(session_.call, request));
    id_ = started.InstanceRefreshId.value_or("");
    return {};
  }

  Result<void> follow() {
    auto end = steady_clock::now() + kPatience;
    std::int32_t percent = 0;
    while (true) {
      BRUME_TRY(now, look());
      line_.meanwhile(now.StatusReason.value_or(*now.Status));
      if (now.Status == "Successful") return {};
      if (now.EndTime) return fail("DeployFailed", "{}", why(now));
      if (now.PercentageComplete.value_or(0) > std::exchange(percent, now.PercentageComplete.value_or(0))) {
        attempts_.progress();
        end = steady_clock::now() + kPatience;
      }
      BRUME_CHECK(look_at_instances());
      if (reason_.empty() && attempts_.hopeless())
        reason_ = fmt::format("{} instances of {} with {} came and went without serving ({})",
                              attempts_.failed().size(), group_, image_, fmt::join(attempts_.failed(), ", "));
      else if (reason_.empty() && steady_clock::now() >= end)
        reason_ = fmt::format("{} came no further with {} for {} minutes ({})", group_, image_, kPatience.count(),
                              now.StatusReason.value_or(*now.Status));
      if (!reason_.empty()) BRUME_CHECK(give_up());
      std::this_thread::sleep_for(std::chrono::milliseconds(250));
    }
  }

 private:
  void say(std::string_view what, std::string_view more) {
    const auto now = std::chrono::floor<Timestamp::duration>(std::chrono::system_clock::now());
    line_.say(fmt::format("{}  {:<28} {:<38} {}", to_iso8601(now, true).substr(11, 12), what, group_, more));
  }

  // The refresh, said when it has come further.
  Result<InstanceRefresh> look() {
    autoscaling::DescribeInstanceRefreshesType ask;
    ask.AutoScalingGroupName = group_;
    ask.InstanceRefreshIds = {id_};
    BRUME_TRY(found, patiently([&] { return session_.autoscaling.DescribeInstanceRefreshes(session_.call, ask); }));
    if (found.InstanceRefreshes.empty()) return fail("DeployFailed", "The instance refresh of {} is gone", group_);
    InstanceRefresh now = found.InstanceRefreshes.front();
    const std::string status = now.Status.value_or("");
    const bool back = status.starts_with("Rollback");
    std::string far = status == "Successful" ? "100 %" : "";
    if (!now.EndTime && back) far = fmt::format("{} % still to be undone", now.PercentageComplete.value_or(0));
    if (!now.EndTime && !back)
      far = fmt::format("{} %, {} to go", now.PercentageComplete.value_or(0), now.InstancesToUpdate.value_or(0));
    if (const std::string line = status + far; std::exchange(said_, line) != line) say(status, far);
    return now;
  }

  Result<void> look_at_instances() {
    if (!versions_ || given_up_) return {};
    BRUME_TRY(group, patiently([&] { return group_of(session_, group_); }));
    for (const std::string& id : attempts_.look({group.Instances.begin(), group.Instances.end()}))
      say("Failed", fmt::format("{} did not serve", id));
    return {};
  }

  Result<void> give_up() {
    if (std::exchange(given_up_, true)) return {};
    say("GivenUp", reason_);
    if (versions_) {
      autoscaling::RollbackInstanceRefreshType back;
      back.AutoScalingGroupName = group_;
      BRUME_CHECK(session_.autoscaling.RollbackInstanceRefresh(session_.call, back));
      return {};
    }
    autoscaling::CancelInstanceRefreshType cancel;
    cancel.AutoScalingGroupName = group_;
    BRUME_CHECK(session_.autoscaling.CancelInstanceRefresh(session_.call, cancel));
    return {};
  }

  [[nodiscard]] std::string why(const InstanceRefresh& ended) const {
    std::string reason = reason_;
    if (reason.empty() && ended.RollbackDetails) reason = ended.RollbackDetails->RollbackReason.value_or("");
    if (reason.empty()) reason = ended.StatusReason.value_or("no reason given");
    while (reason.ends_with('.')) reason.pop_back();
    if (ended.Status != "RollbackSuccessful") reason += fmt::format("; the instance refresh: {}", *ended.Status);
    return reason + ".";
  }

  Session& session_;
  std::string group_, image_, id_, said_, reason_;
  std::optional<Versions> versions_;
  FailedAttempts attempts_;
  bool given_up_ = false;
  LiveLine line_;
};

}  // namespace

Result<AutoScalingGroup> group_of(Session& session, const std::string& name) {
  autoscaling::AutoScalingGroupNamesType request;
  request.AutoScalingGroupNames = {name};
  BRUME_TRY(found, session.autoscaling.DescribeAutoScalingGroups(session.call, request));
  if (found.AutoScalingGroups.empty())
    return fail("ValidationError", "AutoScalingGroup name not found - AutoScalingGroup '{}' not found", name);
  return found.AutoScalingGroups.front();
}

Result<int> outdated(Session& session, const AutoScalingGroup& group, const std::string& image) {
  std::set<std::string> staying;
  for (const autoscaling::Instance& member : group.Instances)
    if (!member.LifecycleState.value_or("").starts_with("Terminat")) staying.insert(*member.InstanceId);
  if (staying.empty()) return 0;
  BRUME_TRY(described, session.ec2.DescribeInstances(session.call,
                                                     {.Filters = {{"instance-id", {staying.begin(), staying.end()}}}}));
  int count = 0;
  for (const ec2::Reservation& reservation : described.Reservations)
    for (const ec2::Instance& instance : reservation.Instances)
      if (instance.ImageId != image && instance.State->Name != "terminated") ++count;
  return count;
}

Result<bool> wants_image(Session& session, const AutoScalingGroup& group, const std::string& image) {
  if (group.LaunchConfigurationName) {
    autoscaling::LaunchConfigurationNamesType request;
    request.LaunchConfigurationNames = {*group.LaunchConfigurationName};
    BRUME_TRY(found, session.autoscaling.DescribeLaunchConfigurations(session.call, request));
    return !found.LaunchConfigurations.empty() && found.LaunchConfigurations.front().ImageId == image;
  }
  if (!group.LaunchTemplate) return false;
  BRUME_TRY(now, version_of(session, *group.LaunchTemplate, group.LaunchTemplate->Version.value_or("$Default")));
  if (image_of(now) == image) return true;
  if (!by_number(group.LaunchTemplate)) return false;
  BRUME_TRY(newest, version_of(session, *group.LaunchTemplate, "$Latest"));
  return image_of(newest) == image;
}

Result<std::optional<std::string>> refresh_under_way(Session& session, const std::string& group) {
  autoscaling::DescribeInstanceRefreshesType ask;
  ask.AutoScalingGroupName = group;
  ask.MaxRecords = 1;  // the newest
  BRUME_TRY(found, session.autoscaling.DescribeInstanceRefreshes(session.call, ask));
  if (found.InstanceRefreshes.empty() || found.InstanceRefreshes.front().EndTime) return std::nullopt;
  const InstanceRefresh& now = found.InstanceRefreshes.front();
  return fmt::format("{}, {} %", *now.Status, now.PercentageComplete.value_or(0));
}

Result<void> refresh_group(Session& session, const AutoScalingGroup& group, const std::string& image) {
  BRUME_TRY(versions, versions_of(session, group, image));
  Refresh refresh(session, *group.AutoScalingGroupName, image, versions);
  BRUME_CHECK(refresh.start());
  return refresh.follow();
}

}  // namespace brume::cli
