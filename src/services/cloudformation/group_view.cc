#include "services/cloudformation/group_view.h"

#include <algorithm>
#include <map>

namespace brume::cloudformation {
namespace {

void note(GroupMember& member, const elbv2::TargetHealth& health) {
  const std::string state = health.State.value_or("");
  member.awaited |= state == "initial";
  member.failing |= state == "unhealthy" || health.Reason == "Target.InvalidState";
}

}  // namespace

Result<std::optional<autoscaling::AutoScalingGroup>> find_group(Apis& apis, const aws::Call& call,
                                                                const std::string& name) {
  autoscaling::AutoScalingGroupNamesType request;
  request.AutoScalingGroupNames = {name};
  BRUME_TRY(found, apis.autoscaling.DescribeAutoScalingGroups(call, request));
  if (found.AutoScalingGroups.empty()) return std::nullopt;
  return std::move(found.AutoScalingGroups[0]);
}

bool serves(const GroupMember& member) {
  return member.in_service && !member.leaving && !member.awaited && !member.failing;
}

Result<GroupNow> view_group(Apis& apis, const aws::Call& call, const autoscaling::AutoScalingGroup& group) {
  GroupNow out{.min_size = group.MinSize.value_or(0),
               .max_size = group.MaxSize.value_or(0),
               .desired = group.DesiredCapacity.value_or(0)};
  if (group.HealthCheckType == "ELB") out.grace = std::chrono::seconds(group.HealthCheckGracePeriod.value_or(0));
  std::map<std::string, std::size_t> places;
  for (const autoscaling::Instance& instance : group.Instances) {
    const std::string state = instance.LifecycleState.value_or("");
    places[instance.InstanceId.value_or("")] = out.members.size();
    out.members.push_back({.id = instance.InstanceId.value_or(""),
                           .in_service = state == "InService",
                           .leaving = state.starts_with("Terminat") || state.starts_with("Detach"),
                           .failing = instance.HealthStatus == "Unhealthy"});
  }
  for (const std::string& arn : group.TargetGroupARNs) {
    elbv2::DescribeTargetHealthInput request;
    request.TargetGroupArn = arn;
    const auto health = apis.elbv2.DescribeTargetHealth(call, request);
    if (!health && health.error().code == "TargetGroupNotFound") continue;
    if (!health) return std::unexpected(health.error());
    for (const elbv2::TargetHealthDescription& one : health->TargetHealthDescriptions) {
      const auto place = one.Target ? places.find(one.Target->Id.value_or("")) : places.end();
      if (place != places.end() && one.TargetHealth) note(out.members[place->second], *one.TargetHealth);
    }
  }
  return out;
}

Result<bool> all_serve(const GroupNow& group, std::chrono::seconds age) {
  std::vector<std::string> failing;
  for (const GroupMember& member : group.members)
    if (member.in_service && member.failing && group.grace && age >= *group.grace) failing.push_back(member.id);
  if (!failing.empty())
    return fail("NotStabilized", "New instance(s) [{}] failed their health checks", fmt::join(failing, ","));
  return std::ranges::count_if(group.members, serves) >= group.desired;
}

}  // namespace brume::cloudformation
