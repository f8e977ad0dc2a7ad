// Groups and their instances: made, changed, described, told what to do; their target groups and tags; what there is to
// choose from.
//
// Handlers record what is desired and wake the controller. Leaves to others: what follows from it (controller.h), and
// the operations on what a group has beside its instances: policies.h, scheduled_actions.h, hooks.h, warm_pools.h,
// refresh.h, notifications.h, metrics_collection.h.
#pragma once

#include <string>
#include <string_view>

#include "autoscaling/api.h"
#include "ec2/api.h"
#include "elbv2/api.h"
#include "services/autoscaling/cooldowns.h"
#include "services/autoscaling/decision_log.h"
#include "services/autoscaling/group_state.h"
#include "services/autoscaling/launch.h"
#include "services/autoscaling/transitions.h"

namespace brume::autoscaling {

class GroupOperations : public virtual Api, protected GroupPart {
 public:
  GroupOperations(GroupState& state, ec2::Api& ec2, elbv2::Api& elbv2, Launches& launches, Transitions& transitions,
                  Cooldowns& cooldowns, DecisionLog& decisions)
      : GroupPart(state),
        ec2_(ec2),
        elbv2_(elbv2),
        launches_(launches),
        transitions_(transitions),
        cooldowns_(cooldowns),
        decisions_(decisions) {}

  // group.cc
  Result<void> CreateAutoScalingGroup(const Call&, const CreateAutoScalingGroupType&) override;
  Result<void> UpdateAutoScalingGroup(const Call&, const UpdateAutoScalingGroupType&) override;
  Result<void> DeleteAutoScalingGroup(const Call&, const DeleteAutoScalingGroupType&) override;
  Result<AutoScalingGroupsType> DescribeAutoScalingGroups(const Call&, const AutoScalingGroupNamesType&) override;
  Result<AutoScalingInstancesType> DescribeAutoScalingInstances(const Call&,
                                                                const DescribeAutoScalingInstancesType&) override;
  Result<void> SuspendProcesses(const Call&, const ScalingProcessQuery&) override;
  Result<void> ResumeProcesses(const Call&, const ScalingProcessQuery&) override;
  // capacity.cc
  Result<void> SetDesiredCapacity(const Call&, const SetDesiredCapacityType&) override;
  Result<ActivityType> TerminateInstanceInAutoScalingGroup(const Call&,
                                                           const TerminateInstanceInAutoScalingGroupType&) override;
  Result<SetInstanceProtectionAnswer> SetInstanceProtection(const Call&, const SetInstanceProtectionQuery&) override;
  Result<void> SetInstanceHealth(const Call&, const SetInstanceHealthQuery&) override;
  Result<EnterStandbyAnswer> EnterStandby(const Call&, const EnterStandbyQuery&) override;
  Result<ExitStandbyAnswer> ExitStandby(const Call&, const ExitStandbyQuery&) override;
  Result<void> AttachInstances(const Call&, const AttachInstancesQuery&) override;
  Result<DetachInstancesAnswer> DetachInstances(const Call&, const DetachInstancesQuery&) override;
  // activities.cc
  Result<ActivitiesType> DescribeScalingActivities(const Call&, const DescribeScalingActivitiesType&) override;
  // traffic.cc
  Result<AttachLoadBalancerTargetGroupsResultType> AttachLoadBalancerTargetGroups(
      const Call&, const AttachLoadBalancerTargetGroupsType&) override;
  Result<DetachLoadBalancerTargetGroupsResultType> DetachLoadBalancerTargetGroups(
      const Call&, const DetachLoadBalancerTargetGroupsType&) override;
  Result<DescribeLoadBalancerTargetGroupsResponse> DescribeLoadBalancerTargetGroups(
      const Call&, const DescribeLoadBalancerTargetGroupsRequest&) override;
  Result<AttachTrafficSourcesResultType> AttachTrafficSources(const Call&, const AttachTrafficSourcesType&) override;
  Result<DetachTrafficSourcesResultType> DetachTrafficSources(const Call&, const DetachTrafficSourcesType&) override;
  Result<DescribeTrafficSourcesResponse> DescribeTrafficSources(const Call&,
                                                                const DescribeTrafficSourcesRequest&) override;
  Result<DescribeLoadBalancersResponse> DescribeLoadBalancers(const Call&,
                                                              const DescribeLoadBalancersRequest&) override;
  // tags.cc
  Result<void> CreateOrUpdateTags(const Call&, const CreateOrUpdateTagsType&) override;
  Result<void> DeleteTags(const Call&, const DeleteTagsType&) override;
  Result<TagsType> DescribeTags(const Call&, const DescribeTagsType&) override;
  // types.cc: what there is to choose from
  Result<ProcessesType> DescribeScalingProcessTypes(const Call&) override;
  Result<DescribeAccountLimitsAnswer> DescribeAccountLimits(const Call&) override;
  Result<DescribeAdjustmentTypesAnswer> DescribeAdjustmentTypes(const Call&) override;
  Result<DescribeAutoScalingNotificationTypesAnswer> DescribeAutoScalingNotificationTypes(const Call&) override;
  Result<DescribeTerminationPolicyTypesAnswer> DescribeTerminationPolicyTypes(const Call&) override;
  Result<DescribeLifecycleHookTypesAnswer> DescribeLifecycleHookTypes(const Call&) override;
  Result<DescribeMetricCollectionTypesAnswer> DescribeMetricCollectionTypes(const Call&) override;

 private:
  // from_instance.cc: makes a launch configuration of the instance that the request names; the request with that in its
  // place. Errors: ValidationError, AlreadyExists.
  Result<CreateAutoScalingGroupType> based_on_instance(const Call& call, const CreateAutoScalingGroupType& request);
  // Checks what Create and Update have in common; fills in what AWS echoes (both the template's id and name).
  Result<void> check_group(const Call& call, AutoScalingGroup& group);
  Result<void> check_target_groups(const Call& call, const List<std::string>& arns);
  // May the group do without these instances? Error: ValidationError; `verb` is what is asked for.
  Result<void> check_shrink(const AutoScalingGroup& group, const List<std::string>& instances,
                            std::string_view verb) const;

  ec2::Api& ec2_;
  elbv2::Api& elbv2_;
  Launches& launches_;
  Transitions& transitions_;
  Cooldowns& cooldowns_;
  DecisionLog& decisions_;
};

}  // namespace brume::autoscaling
