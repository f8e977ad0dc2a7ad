// Rolling updates of Auto Scaling groups: the steps of rolling_update.h carried out, each in one transaction with the
// record and the events of it.
#include <algorithm>
#include <utility>

#include "services/cloudformation/engine.h"
#include "services/cloudformation/group_view.h"
#include "services/cloudformation/policies.h"
#include "services/cloudformation/resources/properties.h"
#include "services/cloudformation/rolling_update.h"

namespace brume::cloudformation {
namespace {

using templates::Value;

// How long a rollback waits for what fails its health checks, where the group itself would wait for ever.
constexpr std::chrono::minutes kPatience{5};

std::string listed(const std::vector<std::string>& ids) {
  return fmt::format("{}", fmt::join(ids, ","));
}

// What the group launches from now, with a version's number for $Latest and $Default; nothing if from a configuration.
Result<std::vector<autoscaling::LaunchTemplateSpecification>> launch_templates_of(
    Apis& apis, const aws::Call& call, const autoscaling::AutoScalingGroup& group) {
  std::vector<autoscaling::LaunchTemplateSpecification> out;
  if (group.LaunchTemplate) out.push_back(*group.LaunchTemplate);
  if (group.MixedInstancesPolicy && group.MixedInstancesPolicy->LaunchTemplate) {
    const autoscaling::LaunchTemplate& mixed = *group.MixedInstancesPolicy->LaunchTemplate;
    if (mixed.LaunchTemplateSpecification) out.push_back(*mixed.LaunchTemplateSpecification);
    for (const autoscaling::LaunchTemplateOverrides& one : mixed.Overrides)
      if (one.LaunchTemplateSpecification) out.push_back(*one.LaunchTemplateSpecification);
  }
  for (autoscaling::LaunchTemplateSpecification& launch : out) {
    if (!launch.Version.value_or("$Default").starts_with('$')) continue;
    ec2::DescribeLaunchTemplateVersionsRequest request;
    request.LaunchTemplateId = launch.LaunchTemplateId;
    if (!launch.LaunchTemplateId) request.LaunchTemplateName = launch.LaunchTemplateName;
    request.Versions = {launch.Version.value_or("$Default")};
    BRUME_TRY(found, apis.ec2.DescribeLaunchTemplateVersions(call, request));
    if (!found.LaunchTemplateVersions.empty())
      launch.Version = std::to_string(found.LaunchTemplateVersions[0].VersionNumber.value_or(0));
  }
  return out;
}

bool is_current(const autoscaling::Instance& instance, const autoscaling::AutoScalingGroup& group,
                const std::vector<autoscaling::LaunchTemplateSpecification>& templates) {
  if (templates.empty()) return instance.LaunchConfigurationName == group.LaunchConfigurationName;
  return instance.LaunchTemplate && std::ranges::any_of(templates, [&](const auto& launch) {
           return instance.LaunchTemplate->LaunchTemplateId == launch.LaunchTemplateId &&
                  instance.LaunchTemplate->Version == launch.Version;
         });
}

Result<void> resize(Apis& apis, const aws::Call& call, const std::string& name, int min_size,
                    std::optional<std::int32_t> desired = {}) {
  autoscaling::UpdateAutoScalingGroupType request;
  request.AutoScalingGroupName = name;
  request.MinSize = min_size;
  request.DesiredCapacity = desired;
  return apis.autoscaling.UpdateAutoScalingGroup(call, request);
}

Result<void> terminate(Apis& apis, const aws::Call& call, const std::string& id, bool unreplaced) {
  autoscaling::TerminateInstanceInAutoScalingGroupType request;
  request.InstanceId = id;
  request.ShouldDecrementDesiredCapacity = unreplaced;
  BRUME_CHECK(apis.autoscaling.TerminateInstanceInAutoScalingGroup(call, request));
  return {};
}

Result<void> change_processes(Apis& apis, const aws::Call& call, const std::string& name,
                              const List<std::string>& processes, bool suspend) {
  if (processes.empty()) return {};
  autoscaling::ScalingProcessQuery request;
  request.AutoScalingGroupName = name;
  request.ScalingProcesses = processes;
  return suspend ? apis.autoscaling.SuspendProcesses(call, request) : apis.autoscaling.ResumeProcesses(call, request);
}

}  // namespace

Result<void> Engine::begin_roll(const StackRecord& stack, Record& record, const RollingPolicy& policy, bool all) {
  const aws::Call call = context_.call("cloudformation");
  const std::string& name = record.now.physical_id;
  BRUME_TRY(group, find_group(apis_, call, name));
  if (!group) return fail("NotStabilized", "AutoScalingGroup {} disappeared", name);
  BRUME_TRY(templates, launch_templates_of(apis_, call, *group));
  BRUME_TRY(view, view_group(apis_, call, *group));
  RollingUpdate roll{.policy = record.now.update_policy, .min_size = view.min_size, .since = now()};
  for (std::size_t i = 0; i < view.members.size(); ++i)
    if (!view.members[i].leaving && (all || !is_current(group->Instances[i], *group, templates)))
      roll.obsolete.push_back(view.members[i].id);
  if (roll.obsolete.empty()) return {};
  if (std::ranges::any_of(group->Instances, [](const auto& one) { return one.WeightedCapacity.has_value(); }))
    return fail("UnsupportedOperation",
                "Brume's rolling updates count instances, and the group {} counts the weights of its instance types: "
                "replace its instances with an instance refresh, or give it the UpdatePolicy "
                "AutoScalingReplacingUpdate",
                name);
  BRUME_TRY(sizes, roll_sizes(policy, view.desired, view.max_size, int(roll.obsolete.size())));
  roll.batch_size = sizes.batch;
  const auto tell = [&](std::string text) { add_event(stack.id, record, "UPDATE_IN_PROGRESS", std::move(text), name); };
  for (const std::string& process : policy.suspend)
    if (std::ranges::none_of(group->SuspendedProcesses, [&](const auto& one) { return one.ProcessName == process; }))
      roll.suspended.push_back(process);
  BRUME_CHECK(change_processes(apis_, call, name, roll.suspended, true));
  if (sizes.capacity > view.desired) {
    roll.extra = roll.expected = sizes.capacity - view.desired;
    roll.terminated = true;  // the first batch only adds
    BRUME_CHECK(resize(apis_, call, name, sizes.capacity, sizes.capacity));
    tell(fmt::format("Temporarily setting autoscaling group MinSize and DesiredCapacity to {}.", sizes.capacity));
  }
  std::string text = fmt::format("Rolling update initiated. Terminating {} obsolete instance(s) in batches of {}",
                                 roll.obsolete.size(), roll.batch_size);
  if (policy.min_in_service > 0)
    text += fmt::format(", while keeping at least {} instance(s) in service", policy.min_in_service);
  text += '.';
  if (policy.wait_on_signals)
    text += fmt::format(
        " Waiting on resource signals with a timeout of {} when new instances are added to the autoscaling group.",
        policy.pause_text);
  tell(std::move(text));
  record.signals.clear();
  record.rolling = std::move(roll);
  return {};
}

Engine::Pass Engine::roll_resource(const StackRecord& stack, const std::string& logical_id) {
  const Record record = *tables_.resources.find(key(stack.id, logical_id));
  const aws::Call call = context_.call("cloudformation");
  const std::string& name = record.now.physical_id;
  const auto rules = update_rules(parse_object(record.rolling->policy));
  if (!rules || !rules->rolling) return fail_roll(stack, record, "Its UpdatePolicy cannot be read any more");
  RollingPolicy policy = *rules->rolling;
  auto found = find_group(apis_, call, name);
  if (!found) return {.waiting = true};
  if (!*found) return fail_roll(stack, record, fmt::format("AutoScalingGroup {} disappeared", name));
  const auto viewed = view_group(apis_, call, **found);
  if (!viewed) return {.waiting = true};
  GroupNow group = *viewed;
  if (stack.status == "UPDATE_ROLLBACK_IN_PROGRESS") {
    // There is no further way back: what was there before comes back, in the end even if it does not serve.
    if (!policy.wait_on_signals) policy.min_successful_percent = 0;
    if (now() - record.rolling->since >= group.grace.value_or(kPatience))
      for (GroupMember& member : group.members)
        member.failing &= std::ranges::find(record.rolling->obsolete, member.id) != record.rolling->obsolete.end();
  }
  const RollStep step = next_step(policy, *record.rolling, group, record.signals, now(), context_.scaled(policy.pause));
  if (step.kind == RollStep::Kind::fail) return fail_roll(stack, record, step.reason);
  if (step.kind == RollStep::Kind::wait) {
    // A group that cannot launch says so long before the time is up.
    resources::Work work = work_for(stack, logical_id, record.now);
    resources::Instance instance = instance_of(record.now);
    const auto settled = resources::find_type(record.now.type)->settled(work, instance);
    if (settled || resources::may_pass(settled.error())) return {.waiting = true};
    return fail_roll(stack, record, settled.error().message);
  }
  const auto done = transact([&]() -> Result<void> {
    Record after = record;
    RollingUpdate& roll = *after.rolling;
    roll.since = now();
    const auto tell = [&](std::string text) { add_event(stack.id, record, record.status, std::move(text), name); };
    switch (step.kind) {
      case RollStep::Kind::wait:
      case RollStep::Kind::fail:
        break;
      case RollStep::Kind::terminated:
        roll.terminated = true;
        roll.replaced += std::int32_t(roll.batch.size());
        tell(fmt::format(
            "Successfully terminated instance(s) [{}] (Progress {}%).", listed(roll.batch),
            (100 * roll.replaced + std::int32_t(roll.obsolete.size()) / 2) / std::int32_t(roll.obsolete.size())));
        break;
      case RollStep::Kind::added:
        roll.arrived = step.instances;
        if (!std::exchange(roll.added, true) && policy.wait_on_signals && roll.expected > 0)
          tell(fmt::format(
              "New instance(s) added to autoscaling group - Waiting on {} resource signal(s) with a timeout of {}.",
              roll.expected, policy.pause_text));
        break;
      case RollStep::Kind::lost:
        for (const std::string& id : step.instances) std::erase(roll.arrived, id);
        roll.lost.insert(roll.lost.end(), step.instances.begin(), step.instances.end());
        tell(fmt::format("New instance(s) [{}] did not stay in the group.", listed(step.instances)));
        break;
      case RollStep::Kind::settled:
        roll.settled = true;
        break;
      case RollStep::Kind::batch_done:
        if (step.missing > 0)
          tell(
              fmt::format("Failed to receive {} resource signal(s) for the current batch.  Each resource signal "
                          "timeout is counted as a FAILURE.",
                          step.missing));
        roll.successes += step.successes;
        roll.failures += step.failures;
        roll.renewed.insert(roll.renewed.end(), step.instances.begin(), step.instances.end());
        roll.unhealthy.insert(roll.unhealthy.end(), step.unhealthy.begin(), step.unhealthy.end());
        roll.batch.clear();
        roll.arrived.clear();
        roll.lost.clear();
        roll.expected = 0;
        roll.terminated = roll.added = roll.settled = false;
        break;
      case RollStep::Kind::terminate: {
        const std::size_t count = step.instances.size(), replaced = count - std::size_t(step.unreplaced);
        tell(fmt::format("Terminating instance(s) [{}]; replacing with {} new instance(s).", listed(step.instances),
                         replaced));
        if (step.unreplaced > 0)
          BRUME_CHECK(resize(apis_, call, name, std::max(roll.min_size, group.desired - step.unreplaced)));
        for (std::size_t i = 0; i < count; ++i) BRUME_CHECK(terminate(apis_, call, step.instances[i], i >= replaced));
        roll.batch = step.instances;
        roll.expected = std::int32_t(replaced);
        roll.extra = std::max(0, roll.extra - step.unreplaced);
        break;
      }
      case RollStep::Kind::complete:
        BRUME_CHECK(end_roll(after, true));
        break;
    }
    tables_.resources.put(key(stack.id, logical_id), after);
    return {};
  });
  return {.changed = done.has_value(), .waiting = !done};
}

Engine::Pass Engine::fail_roll(const StackRecord& stack, const Record& record, const std::string& reason) {
  const auto done = transact([&]() -> Result<void> {
    Record failed = record;
    BRUME_CHECK(end_roll(failed, false));
    failed.status = "UPDATE_FAILED";
    failed.reason = reason;
    failed.since = now();
    tables_.resources.put(key(stack.id, record.logical_id), failed);
    add_event(stack.id, failed, failed.status, reason, failed.now.physical_id);
    return {};
  });
  if (!done) return {.waiting = true};
  return {.changed = true, .failed = {record.logical_id}};
}

Result<void> Engine::end_roll(Record& record, bool success) {
  if (!record.rolling) return {};
  const RollingUpdate roll = *std::exchange(record.rolling, std::nullopt);
  const aws::Call call = context_.call("cloudformation");
  const std::string& name = record.now.physical_id;
  BRUME_TRY(found, find_group(apis_, call, name));
  if (!found) return {};  // gone: nothing of it is left to be put back
  BRUME_TRY(group, view_group(apis_, call, *found));
  BRUME_CHECK(change_processes(apis_, call, name, roll.suspended, false));
  const int extra = std::clamp(roll.extra, 0, std::max(0, group.desired - roll.min_size));
  if (extra == 0 && group.min_size == roll.min_size) return {};
  if (success) return resize(apis_, call, name, roll.min_size, group.desired - extra);
  // What was launched for an update that failed goes, rather than what served before.
  BRUME_CHECK(resize(apis_, call, name, roll.min_size));
  int left = extra;
  for (const GroupMember& member : group.members) {
    const bool old = std::ranges::find(roll.obsolete, member.id) != roll.obsolete.end();
    if (left == 0 || old || member.leaving) continue;
    BRUME_CHECK(terminate(apis_, call, member.id, true));
    --left;
  }
  return left == 0 ? Result<void>() : resize(apis_, call, name, roll.min_size, group.desired - extra);
}

Result<bool> Engine::replacement_serves(const Record& record) {
  const aws::Call call = context_.call("cloudformation");
  BRUME_TRY(group, find_group(apis_, call, record.now.physical_id));
  if (!group) return false;
  BRUME_TRY(view, view_group(apis_, call, *group));
  return all_serve(view, std::chrono::floor<std::chrono::seconds>(now() - record.since));
}

}  // namespace brume::cloudformation
