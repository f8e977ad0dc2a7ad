#include "services/autoscaling/service.h"

#include <algorithm>

#include "services/common/capacity_units.h"

namespace brume::autoscaling {

std::string member_key(std::string_view group, std::string_view instance) {
  return fmt::format("{}/{}", group, instance);
}

Service::Service(services::Context context, ec2::Api& ec2, elbv2::Api& elbv2, cloudwatch::Api& cloudwatch,
                 services::AlarmActions& actions, services::MetricSink& metrics)
    : context_(std::move(context)),
      ec2_(ec2),
      elbv2_(elbv2),
      cloudwatch_(cloudwatch),
      metrics_(metrics),
      groups_(context_.store, "autoscaling.groups", context_.region),
      members_(context_.store, "autoscaling.members", context_.region),
      activities_(context_.store, "autoscaling.activities", context_.region),
      policies_(context_.store, "autoscaling.policies", context_.region),
      scheduled_(context_.store, "autoscaling.scheduled", context_.region),
      cooldowns_(context_.store, "autoscaling.cooldowns", context_.region),
      decisions_(context_.store, "autoscaling.decisions", context_.region),
      refreshes_(context_.store, "autoscaling.refreshes", context_.region),
      hooks_(context_.store, "autoscaling.hooks", context_.region),
      notifications_(context_.store, "autoscaling.notifications", context_.region),
      configurations_(context_.store, "autoscaling.configurations", context_.region),
      elapsed_(context_.env.clock) {
  actions.add("autoscaling", [this](const services::AlarmEvent& event) { return perform(event); });
}

Result<void> Service::load() {
  BRUME_CHECK(groups_.load());
  BRUME_CHECK(members_.load());
  BRUME_CHECK(activities_.load());
  BRUME_CHECK(policies_.load());
  BRUME_CHECK(scheduled_.load());
  BRUME_CHECK(cooldowns_.load());
  BRUME_CHECK(decisions_.load());
  BRUME_CHECK(refreshes_.load());
  BRUME_CHECK(hooks_.load());
  BRUME_CHECK(notifications_.load());
  BRUME_CHECK(configurations_.load());
  for (const auto& [key, member] : members_.rows()) {
    group_of_[*member.instance.InstanceId] = member.group;
    if (member.in_service_since) elapsed_.note(*member.instance.InstanceId, *member.in_service_since);
  }
  for (const auto& [group, cooldown] : cooldowns_.rows())
    if (cooldown.since) elapsed_.note("cooldown:" + group, *cooldown.since);
  for (const auto& [name, record] : groups_.rows())
    for (const std::string& arn : record.group.TargetGroupARNs) users_of_[arn].insert(name);
  return {};
}

Result<const GroupRecord*> Service::find_group(const std::string& name) const {
  const GroupRecord* record = groups_.find(name);
  if (!record)
    return fail("ValidationError", "AutoScalingGroup name not found - AutoScalingGroup '{}' not found", name);
  return record;
}

bool Service::is_suspended(const GroupRecord& group, const std::string& process) {
  return std::ranges::find(group.group.SuspendedProcesses, std::optional(process), &SuspendedProcess::ProcessName) !=
         group.group.SuspendedProcesses.end();
}

int Service::capacity_of(const std::string& group) const {
  int capacity = 0;
  for (const MemberRecord* member : members_of(group))
    if (is_pending(*member->instance.LifecycleState) || member->instance.LifecycleState == "InService")
      capacity += services::units_of(member->instance);
  return capacity;
}

Result<const MemberRecord*> Service::find_member(const std::string& instance) const {
  const auto group = group_of_.find(instance);
  const MemberRecord* member = group == group_of_.end() ? nullptr : members_.find(member_key(group->second, instance));
  if (!member)
    return fail("ValidationError", "Instance Id not found - No managed instance found for instance ID: {}", instance);
  return member;
}

Result<const MemberRecord*> Service::find_member(const std::string& group, const std::string& instance) const {
  const MemberRecord* member = members_.find(member_key(group, instance));
  if (!member) return fail("ValidationError", "The instance {} is not part of Auto Scaling group {}.", instance, group);
  return member;
}

std::vector<const MemberRecord*> Service::members_of(const std::string& group) const {
  std::vector<const MemberRecord*> found = every_member_of(group);
  std::erase_if(found, [](const MemberRecord* member) { return is_warmed(*member->instance.LifecycleState); });
  return found;
}

std::vector<const MemberRecord*> Service::every_member_of(const std::string& group) const {
  std::vector<const MemberRecord*> found;
  const std::string prefix = group + "/";
  for (auto at = members_.rows().lower_bound(prefix); at != members_.rows().end() && at->first.starts_with(prefix);
       ++at)
    if (at->second.group == group) found.push_back(&at->second);  // a group's name may hold a '/'
  return found;
}

void Service::put_member(const MemberRecord& member) {
  const std::string& instance = *member.instance.InstanceId;
  members_.put(member_key(member.group, instance), member);
  // An index entry without a record leads nowhere: no undo needed.
  group_of_[instance] = member.group;
  if (member.in_service_since) elapsed_.note(instance, *member.in_service_since);
}

void Service::erase_member(const std::string& group, const std::string& instance) {
  members_.erase(member_key(group, instance));
  context_.store.after_commit([this, instance] {
    group_of_.erase(instance);
    elapsed_.forget(instance);
  });
}

void Service::resize(const std::string& group, int by) {
  if (by == 0) return;
  groups_.modify(group,
                 [&](GroupRecord& record) { record.group.DesiredCapacity = *record.group.DesiredCapacity + by; });
}

}  // namespace brume::autoscaling
