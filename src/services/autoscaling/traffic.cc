// The target groups that a group's instances are registered with (also told as traffic sources of type elbv2).
#include <algorithm>

#include "services/autoscaling/group.h"
#include "services/autoscaling/targets.h"
#include "services/common/page.h"

namespace brume::autoscaling {
namespace {

constexpr std::size_t kMaxTargetGroups = 50;

}  // namespace

Result<AttachLoadBalancerTargetGroupsResultType> GroupOperations::AttachLoadBalancerTargetGroups(
    const Call& call, const AttachLoadBalancerTargetGroupsType& request) {
  const std::string& name = *request.AutoScalingGroupName;
  BRUME_TRY(found, find_group(name));
  BRUME_CHECK(check_target_groups(call, request.TargetGroupARNs));
  GroupRecord record = *found;
  for (const std::string& arn : request.TargetGroupARNs) {
    if (std::ranges::find(record.group.TargetGroupARNs, arn) != record.group.TargetGroupARNs.end()) continue;
    record.group.TargetGroupARNs.push_back(arn);
    state_.users_of[arn].insert(name);
  }
  if (record.group.TargetGroupARNs.size() > kMaxTargetGroups)
    return fail("ValidationError", "A group can have at most {} target groups", kMaxTargetGroups);
  groups_.put(name, record);
  if (!is_suspended(record, "AddToLoadBalancer"))
    for (const MemberRecord* member : members_of(name))
      if (member->instance.LifecycleState == "InService")
        BRUME_CHECK(register_targets(context_, elbv2_, record.group.TargetGroupARNs, *member->instance.InstanceId));
  wake_after_commit(name);
  return AttachLoadBalancerTargetGroupsResultType{};
}

Result<DetachLoadBalancerTargetGroupsResultType> GroupOperations::DetachLoadBalancerTargetGroups(
    const Call&, const DetachLoadBalancerTargetGroupsType& request) {
  const std::string& name = *request.AutoScalingGroupName;
  BRUME_TRY(found, find_group(name));
  GroupRecord record = *found;
  for (const std::string& arn : request.TargetGroupARNs) {
    if (std::erase(record.group.TargetGroupARNs, arn) == 0)
      return fail("ValidationError", "Trying to remove Target Groups that are not part of the group: {}", arn);
    state_.users_of[arn].erase(name);
    for (const MemberRecord* member : members_of(name))
      BRUME_CHECK(deregister_targets(context_, elbv2_, {arn}, *member->instance.InstanceId));
  }
  record.group.TargetGroupARNs.set_present();
  groups_.put(name, std::move(record));
  wake_after_commit(name);
  return DetachLoadBalancerTargetGroupsResultType{};
}

Result<DescribeLoadBalancerTargetGroupsResponse> GroupOperations::DescribeLoadBalancerTargetGroups(
    const Call&, const DescribeLoadBalancerTargetGroupsRequest& request) {
  BRUME_TRY(group, find_group(*request.AutoScalingGroupName));
  std::vector<LoadBalancerTargetGroupState> found;
  for (const std::string& arn : group->group.TargetGroupARNs) found.push_back({arn, "InService"});
  const auto key_of = [](const LoadBalancerTargetGroupState& s) { return *s.LoadBalancerTargetGroupARN; };
  std::ranges::sort(found, {}, key_of);
  BRUME_TRY(page, services::paginate(std::move(found), std::size_t(request.MaxRecords.value_or(100)), request.NextToken,
                                     key_of));
  return DescribeLoadBalancerTargetGroupsResponse{std::move(page.items), std::move(page.next_token)};
}

Result<AttachTrafficSourcesResultType> GroupOperations::AttachTrafficSources(const Call& call,
                                                                             const AttachTrafficSourcesType& request) {
  AttachLoadBalancerTargetGroupsType attach;
  attach.AutoScalingGroupName = request.AutoScalingGroupName;
  for (const TrafficSourceIdentifier& source : request.TrafficSources) {
    if (source.Type.value_or("elbv2") != "elbv2")
      return fail("UnsupportedOperation", "Brume's traffic sources are of type elbv2");
    attach.TargetGroupARNs.push_back(*source.Identifier);
  }
  BRUME_CHECK(AttachLoadBalancerTargetGroups(call, attach));
  return AttachTrafficSourcesResultType{};
}

Result<DetachTrafficSourcesResultType> GroupOperations::DetachTrafficSources(const Call& call,
                                                                             const DetachTrafficSourcesType& request) {
  DetachLoadBalancerTargetGroupsType detach;
  detach.AutoScalingGroupName = request.AutoScalingGroupName;
  for (const TrafficSourceIdentifier& source : request.TrafficSources)
    detach.TargetGroupARNs.push_back(*source.Identifier);
  BRUME_CHECK(DetachLoadBalancerTargetGroups(call, detach));
  return DetachTrafficSourcesResultType{};
}

Result<DescribeTrafficSourcesResponse> GroupOperations::DescribeTrafficSources(
    const Call& call, const DescribeTrafficSourcesRequest& request) {
  DescribeTrafficSourcesResponse answer;
  if (request.TrafficSourceType.value_or("elbv2") != "elbv2") return answer;
  BRUME_TRY(groups, DescribeLoadBalancerTargetGroups(
                        call, {request.AutoScalingGroupName, request.NextToken, request.MaxRecords}));
  for (const LoadBalancerTargetGroupState& state : groups.LoadBalancerTargetGroups)
    answer.TrafficSources.push_back(
        {state.LoadBalancerTargetGroupARN, state.State, state.LoadBalancerTargetGroupARN, "elbv2"});
  answer.NextToken = groups.NextToken;
  return answer;
}

Result<DescribeLoadBalancersResponse> GroupOperations::DescribeLoadBalancers(
    const Call&, const DescribeLoadBalancersRequest& request) {
  BRUME_CHECK(find_group(*request.AutoScalingGroupName));
  return DescribeLoadBalancersResponse{};  // Classic Load Balancers: no group can have one
}

}  // namespace brume::autoscaling
