// Auto Scaling for the engine's tests: groups whose members come and go in a few seconds of the simulation's time. A
// group's state is a row, so what a lost transaction did is lost too; what depends on the time is worked out when
// asked.
#pragma once

#include "autoscaling/api.h"
#include "aws/call.h"
#include "services/cloudformation/fake_things_test.h"

namespace brume::cloudformation {

struct FakeMember {
  std::string id, launched_from;  // a launch template's version
  Timestamp since{};
  std::optional<Timestamp> leaving;
};

struct FakeGroup {
  std::string name, launch_template, version;
  std::int32_t min_size = 0, max_size = 0, desired = 0;
  std::int32_t launched = 0;  // in all
  List<std::string> suspended, target_groups;
  std::string health_check_type;
  List<FakeMember> members;
};

}  // namespace brume::cloudformation

BRUME_RECORD(brume::cloudformation::FakeMember, id, launched_from, since, leaving)
BRUME_RECORD(brume::cloudformation::FakeGroup, name, launch_template, version, min_size, max_size, desired, launched,
             suspended, target_groups, health_check_type, members)

namespace brume::cloudformation {

class FakeAutoScaling : public virtual FakeThings, public autoscaling::Api {
 public:
  FakeAutoScaling(store::Store& store, env::SimEnv& env) : FakeThings(store, env) {}

  bool launches_fail = false;  // nothing launched from now on comes into service
  std::string mute;            // instances of this version fail the health checks of their target groups
  std::chrono::seconds launch_time{3}, drain_time{2};

  // Those that are not leaving, oldest first.
  std::vector<FakeMember> members(const std::string& name) const {
    std::vector<FakeMember> out;
    for (const FakeMember& member : group(name).members)
      if (!member.leaving) out.push_back(member);
    return out;
  }
  FakeGroup group(const std::string& name) const { return *from_json<FakeGroup>(things.find(name)->name); }

  Result<void> CreateAutoScalingGroup(const aws::Call&, const autoscaling::CreateAutoScalingGroupType& r) override {
    BRUME_CHECK(make_named("CreateAutoScalingGroup", "asg", *r.AutoScalingGroupName, r));
    FakeGroup made{.name = *r.AutoScalingGroupName,
                   .min_size = *r.MinSize,
                   .max_size = *r.MaxSize,
                   .desired = r.DesiredCapacity.value_or(*r.MinSize),
                   .target_groups = r.TargetGroupARNs,
                   .health_check_type = r.HealthCheckType.value_or("EC2")};
    if (r.LaunchTemplate) {
      made.launch_template = r.LaunchTemplate->LaunchTemplateId.value_or("");
      made.version = r.LaunchTemplate->Version.value_or("1");
    }
    keep(std::move(made));
    return {};
  }
  Result<void> UpdateAutoScalingGroup(const aws::Call&, const autoscaling::UpdateAutoScalingGroupType& r) override {
    BRUME_CHECK(called("UpdateAutoScalingGroup"));
    FakeGroup changed = group(*r.AutoScalingGroupName);
    if (r.MinSize) changed.min_size = *r.MinSize;
    if (r.MaxSize) changed.max_size = *r.MaxSize;
    changed.desired = std::max(r.DesiredCapacity.value_or(changed.desired), changed.min_size);
    if (changed.desired > changed.max_size)
      return fail("ValidationError", "Desired capacity:{} must be between the specified min size:{} and max size:{}",
                  changed.desired, changed.min_size, changed.max_size);
    if (r.LaunchTemplate) changed.version = r.LaunchTemplate->Version.value_or("1");
    keep(std::move(changed));
    return {};
  }
  Result<autoscaling::ActivityType> TerminateInstanceInAutoScalingGroup(
      const aws::Call&, const autoscaling::TerminateInstanceInAutoScalingGroupType& r) override {
    BRUME_CHECK(called("TerminateInstanceInAutoScalingGroup"));
    for (const std::string& name : ids("asg")) {
      FakeGroup changed = group(name);
      for (FakeMember& member : changed.members) {
        if (member.id != *r.InstanceId) continue;
        if (*r.ShouldDecrementDesiredCapacity && changed.desired <= changed.min_size)
          return fail("ValidationError", "Currently, desiredSize equals minSize ({}).", changed.min_size);
        if (*r.ShouldDecrementDesiredCapacity) --changed.desired;
        if (!member.leaving) member.leaving = now();
        keep(std::move(changed));
        return autoscaling::ActivityType{};
      }
    }
    return fail("ValidationError", "Instance Id not found - No managed instance found for instance ID: {}",
                *r.InstanceId);
  }
  Result<void> SuspendProcesses(const aws::Call&, const autoscaling::ScalingProcessQuery& r) override {
    BRUME_CHECK(called("SuspendProcesses"));
    FakeGroup changed = group(*r.AutoScalingGroupName);
    for (const auto& process : r.ScalingProcesses) changed.suspended.push_back(process);
    keep(std::move(changed));
    return {};
  }
  Result<void> ResumeProcesses(const aws::Call&, const autoscaling::ScalingProcessQuery& r) override {
    BRUME_CHECK(called("ResumeProcesses"));
    FakeGroup changed = group(*r.AutoScalingGroupName);
    for (const auto& process : r.ScalingProcesses) std::erase(changed.suspended, process);
    keep(std::move(changed));
    return {};
  }
  Result<autoscaling::AutoScalingGroupsType> DescribeAutoScalingGroups(
      const aws::Call&, const autoscaling::AutoScalingGroupNamesType& r) override {
    autoscaling::AutoScalingGroupsType out;
    if (!things.contains(r.AutoScalingGroupNames[0])) return out;
    const FakeGroup state = group(r.AutoScalingGroupNames[0]);
    auto& shown = out.AutoScalingGroups.emplace_back();
    shown.MinSize = state.min_size;
    shown.MaxSize = state.max_size;
    shown.DesiredCapacity = state.desired;
    shown.TargetGroupARNs = state.target_groups;
    shown.HealthCheckType = state.health_check_type;
    shown.HealthCheckGracePeriod = 60;
    auto& launch = shown.LaunchTemplate.emplace();
    launch.LaunchTemplateId = state.launch_template;
    launch.Version = state.version;
    for (const auto& process : state.suspended) shown.SuspendedProcesses.emplace_back().ProcessName = process;
    for (const FakeMember& member : state.members) {
      if (member.leaving && now() - *member.leaving >= drain_time) continue;
      auto& instance = shown.Instances.emplace_back();
      instance.InstanceId = member.id;
      instance.LaunchTemplate = launch;
      instance.LaunchTemplate->Version = member.launched_from;
      const bool ready = now() - member.since >= launch_time && !(launches_fail && member.launched_from == broken());
      instance.LifecycleState = member.leaving ? "Terminating" : ready ? "InService" : "Pending";
    }
    return out;
  }
  Result<autoscaling::ActivitiesType> DescribeScalingActivities(
      const aws::Call&, const autoscaling::DescribeScalingActivitiesType&) override {
    autoscaling::ActivitiesType out;
    for (int i = 0; launches_fail && i < 3; ++i) {
      auto& activity = out.Activities.emplace_back();
      activity.StatusCode = "Failed";
      activity.StatusMessage = "The image id 'ami-1' does not exist";
    }
    return out;
  }
  Result<void> DeleteAutoScalingGroup(const aws::Call&, const autoscaling::DeleteAutoScalingGroupType& r) override {
    return drop("DeleteAutoScalingGroup", *r.AutoScalingGroupName);
  }
  Result<void> CreateOrUpdateTags(const aws::Call&, const autoscaling::CreateOrUpdateTagsType&) override {
    return called("CreateOrUpdateTags");
  }
  Result<void> DeleteTags(const aws::Call&, const autoscaling::DeleteTagsType&) override {
    return called("DeleteTags");
  }

  // What belongs to groups -------------------------------------------------------------------------------------------
  Result<void> EnableMetricsCollection(const aws::Call&, const autoscaling::EnableMetricsCollectionQuery& r) override {
    BRUME_CHECK(called("EnableMetricsCollection"));
    if (!things.contains(*r.AutoScalingGroupName)) return fail("ValidationError", "AutoScalingGroup name not found");
    return {};
  }
  Result<void> DisableMetricsCollection(const aws::Call&, const autoscaling::DisableMetricsCollectionQuery&) override {
    return called("DisableMetricsCollection");
  }
  Result<autoscaling::PolicyARNType> PutScalingPolicy(const aws::Call&,
                                                      const autoscaling::PutScalingPolicyType& r) override {
    BRUME_CHECK(put_of_group("PutScalingPolicy", *r.PolicyName, r));
    autoscaling::PolicyARNType out;
    out.PolicyARN = "arn:aws:autoscaling:r:0:scalingPolicy:u:autoScalingGroupName/g:policyName/" + *r.PolicyName;
    return out;
  }
  Result<void> DeletePolicy(const aws::Call&, const autoscaling::DeletePolicyType& r) override {
    return drop("DeletePolicy", *r.PolicyName);
  }
  Result<void> PutScheduledUpdateGroupAction(const aws::Call&,
                                             const autoscaling::PutScheduledUpdateGroupActionType& r) override {
    return put_of_group("PutScheduledUpdateGroupAction", *r.ScheduledActionName, r);
  }
  Result<void> DeleteScheduledAction(const aws::Call&, const autoscaling::DeleteScheduledActionType& r) override {
    return drop("DeleteScheduledAction", *r.ScheduledActionName);
  }
  Result<autoscaling::PutLifecycleHookAnswer> PutLifecycleHook(const aws::Call&,
                                                               const autoscaling::PutLifecycleHookType& r) override {
    BRUME_CHECK(put_of_group("PutLifecycleHook", *r.LifecycleHookName, r));
    return autoscaling::PutLifecycleHookAnswer{};
  }
  Result<autoscaling::DeleteLifecycleHookAnswer> DeleteLifecycleHook(
      const aws::Call&, const autoscaling::DeleteLifecycleHookType& r) override {
    BRUME_CHECK(drop("DeleteLifecycleHook", *r.LifecycleHookName));
    return autoscaling::DeleteLifecycleHookAnswer{};
  }
  Result<autoscaling::PutWarmPoolAnswer> PutWarmPool(const aws::Call&, const autoscaling::PutWarmPoolType& r) override {
    BRUME_CHECK(put_of_group("PutWarmPool", "pool/" + *r.AutoScalingGroupName, r));
    return autoscaling::PutWarmPoolAnswer{};
  }
  Result<autoscaling::DescribeWarmPoolAnswer> DescribeWarmPool(const aws::Call&,
                                                               const autoscaling::DescribeWarmPoolType& r) override {
    autoscaling::DescribeWarmPoolAnswer out;
    if (things.contains("pool/" + *r.AutoScalingGroupName)) out.WarmPoolConfiguration.emplace();
    return out;
  }
  Result<autoscaling::DeleteWarmPoolAnswer> DeleteWarmPool(const aws::Call&,
                                                           const autoscaling::DeleteWarmPoolType& r) override {
    BRUME_CHECK(drop("DeleteWarmPool", "pool/" + *r.AutoScalingGroupName));
    return autoscaling::DeleteWarmPoolAnswer{};
  }
  Result<void> CreateLaunchConfiguration(const aws::Call&,
                                         const autoscaling::CreateLaunchConfigurationType& r) override {
    return make_named("CreateLaunchConfiguration", "configuration", *r.LaunchConfigurationName, r);
  }
  Result<void> DeleteLaunchConfiguration(const aws::Call&, const autoscaling::LaunchConfigurationNameType& r) override {
    return drop("DeleteLaunchConfiguration", *r.LaunchConfigurationName);
  }

 private:
  // With launches that fail: the version that does not come into service, the newest. Or all, if there is one only.
  std::string broken() const {
    std::string out;
    for (const std::string& name : ids("asg")) out = std::max(out, group(name).version);
    return out;
  }
  // Launches what the group lacks, terminates what it has too many of.
  void keep(FakeGroup state) {
    const auto staying = [&] {
      return std::int32_t(std::ranges::count_if(state.members, [](const auto& m) { return !m.leaving; }));
    };
    while (staying() < state.desired)
      state.members.push_back({.id = "i-" + env_.random.hex(8) + std::to_string(++state.launched),
                               .launched_from = state.version,
                               .since = now()});
    for (FakeMember& member : state.members)
      if (staying() > state.desired && !member.leaving) member.leaving = now();
    const std::string name = state.name;
    things.modify(name, [&](Thing& thing) { thing.name = to_json(state); });
  }
  template <typename R>
  Result<void> put_of_group(const std::string& operation, const std::string& id, const R& request) {
    if (!things.contains(id)) return make_named(operation, "of a group", id, request);
    BRUME_CHECK(called(operation));
    things.modify(id, [&](Thing& thing) { thing.text = to_json(request); });
    return {};
  }
};

}  // namespace brume::cloudformation
