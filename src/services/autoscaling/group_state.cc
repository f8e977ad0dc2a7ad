#include "services/autoscaling/group_state.h"

#include <algorithm>

#include "services/autoscaling/decide.h"
#include "services/autoscaling/mixed_instances.h"
#include "services/autoscaling/warm_pool.h"
#include "services/common/capacity_units.h"

namespace brume::autoscaling {

std::string member_key(std::string_view group, std::string_view instance) {
  return fmt::format("{}/{}", group, instance);
}

GroupState::GroupState(services::Context service_context)
    : context(std::move(service_context)),
      groups(context.store, "autoscaling.groups", context.region),
      members(context.store, "autoscaling.members", context.region),
      activities(context.store, "autoscaling.activities", context.region),
      refreshes(context.store, "autoscaling.refreshes", context.region),
      hooks(context.store, "autoscaling.hooks", context.region),
      configurations(context.store, "autoscaling.configurations", context.region),
      in_service(context.env.clock) {}

Result<void> GroupState::load() {
  BRUME_CHECK(groups.load());
  BRUME_CHECK(members.load());
  BRUME_CHECK(activities.load());
  BRUME_CHECK(refreshes.load());
  BRUME_CHECK(hooks.load());
  BRUME_CHECK(configurations.load());
  for (const auto& [key, member] : members.rows()) {
    group_of[*member.instance.InstanceId] = member.group;
    if (member.in_service_since) in_service.note(*member.instance.InstanceId, *member.in_service_since);
  }
  for (const auto& [name, record] : groups.rows())
    for (const std::string& arn : record.group.TargetGroupARNs) users_of[arn].insert(name);
  return {};
}

Result<const GroupRecord*> GroupPart::find_group(const std::string& name) const {
  const GroupRecord* record = groups_.find(name);
  if (!record)
    return fail("ValidationError", "AutoScalingGroup name not found - AutoScalingGroup '{}' not found", name);
  return record;
}

bool GroupPart::is_suspended(const GroupRecord& group, const std::string& process) {
  return std::ranges::find(group.group.SuspendedProcesses, std::optional(process), &SuspendedProcess::ProcessName) !=
         group.group.SuspendedProcesses.end();
}

Result<void> GroupPart::check_sizes(const AutoScalingGroup& group) {
  if (*group.MinSize < 0 || *group.MaxSize < 0)
    return fail("ValidationError", "MinSize and MaxSize must not be negative");
  if (*group.MinSize > *group.MaxSize)
    return fail("ValidationError", "Max bound, {}, must be greater than or equal to min bound, {}", *group.MaxSize,
                *group.MinSize);
  if (*group.DesiredCapacity < *group.MinSize || *group.DesiredCapacity > *group.MaxSize)
    return fail("ValidationError", "Desired capacity:{} must be between the specified min size:{} and max size:{}",
                *group.DesiredCapacity, *group.MinSize, *group.MaxSize);
  return {};
}

void GroupPart::resize(const std::string& group, int by) {
  if (by == 0) return;
  groups_.modify(group,
                 [&](GroupRecord& record) { record.group.DesiredCapacity = *record.group.DesiredCapacity + by; });
}

Result<void> GroupPart::reweigh(const AutoScalingGroup& group) {
  for (const MemberRecord* found : members_of(*group.AutoScalingGroupName)) {
    if (is_terminating(*found->instance.LifecycleState)) continue;
    BRUME_TRY(weight, reweighed(group.MixedInstancesPolicy, found->instance));
    if (weight == found->instance.WeightedCapacity) continue;
    MemberRecord member = *found;
    member.instance.WeightedCapacity = weight;
    put_member(member);
  }
  return {};
}

Result<void> GroupPart::erase_group(const std::string& name) {
  for (const auto& forget : state_.on_erase) BRUME_CHECK(forget(name));
  context_.store.after_commit([this, name, arns = groups_.find(name)->group.TargetGroupARNs] {
    for (const std::string& arn : arns) state_.users_of[arn].erase(name);
  });
  groups_.erase(name);
  announce(name);
  return {};
}

AutoScalingGroup GroupPart::shown(const GroupRecord& record) const {
  AutoScalingGroup group = record.group;
  group.Instances.set_present();
  for (const MemberRecord* member : members_of(*group.AutoScalingGroupName))
    group.Instances.push_back(member->instance);
  if (group.WarmPoolConfiguration) group.WarmPoolSize = std::int32_t(pool_of(*group.AutoScalingGroupName).size());
  for (const std::string& arn : group.TargetGroupARNs) group.TrafficSources.push_back({arn, "elbv2"});
  return group;
}

Result<const MemberRecord*> GroupPart::find_member(const std::string& instance) const {
  const auto group = state_.group_of.find(instance);
  const MemberRecord* member =
      group == state_.group_of.end() ? nullptr : members_.find(member_key(group->second, instance));
  if (!member)
    return fail("ValidationError", "Instance Id not found - No managed instance found for instance ID: {}", instance);
  return member;
}

Result<const MemberRecord*> GroupPart::find_member(const std::string& group, const std::string& instance) const {
  const MemberRecord* member = members_.find(member_key(group, instance));
  if (!member) return fail("ValidationError", "The instance {} is not part of Auto Scaling group {}.", instance, group);
  return member;
}

const MemberRecord& GroupPart::member_of(const std::string& group, const std::string& instance) const {
  return *members_.find(member_key(group, instance));
}

std::vector<const MemberRecord*> GroupPart::members_of(const std::string& group) const {
  std::vector<const MemberRecord*> found = every_member_of(group);
  std::erase_if(found, [](const MemberRecord* member) { return is_warmed(*member->instance.LifecycleState); });
  return found;
}

std::vector<const MemberRecord*> GroupPart::pool_of(const std::string& group) const {
  std::vector<const MemberRecord*> found = every_member_of(group);
  std::erase_if(found, [](const MemberRecord* member) { return !is_warmed(*member->instance.LifecycleState); });
  return found;
}

std::vector<const MemberRecord*> GroupPart::every_member_of(const std::string& group) const {
  std::vector<const MemberRecord*> found;
  for (const auto& [key, member] : rows_under(members_, group + "/"))
    if (member.group == group) found.push_back(&member);  // a group's name may hold a '/'
  return found;
}

int GroupPart::capacity_of(const std::string& group) const {
  int capacity = 0;
  for (const MemberRecord* member : members_of(group))
    if (is_pending(*member->instance.LifecycleState) || member->instance.LifecycleState == "InService")
      capacity += services::units_of(member->instance);
  return capacity;
}

void GroupPart::put_member(const MemberRecord& member) {
  const std::string& instance = *member.instance.InstanceId;
  members_.put(member_key(member.group, instance), member);
  // An index entry without a record leads nowhere: no undo needed.
  state_.group_of[instance] = member.group;
  if (member.in_service_since) state_.in_service.note(instance, *member.in_service_since);
}

void GroupPart::erase_member(const std::string& group, const std::string& instance) {
  members_.erase(member_key(group, instance));
  context_.store.after_commit([this, instance] {
    state_.group_of.erase(instance);
    state_.in_service.forget(instance);
  });
}

void GroupPart::wake_after_commit(const std::string& group) {
  context_.store.after_commit([this, group] { state_.wake(group); });
}

void GroupPart::announce(const std::string& group) {
  context_.store.after_commit([this, group] { context_.hints.publish("asg:" + group); });
}

}  // namespace brume::autoscaling
