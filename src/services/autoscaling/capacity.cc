// What people do to a group's size and to single instances.
#include <algorithm>

#include "services/autoscaling/decide.h"
#include "services/autoscaling/group.h"
#include "services/autoscaling/mixed_instances.h"
#include "services/autoscaling/texts.h"
#include "services/autoscaling/warm_pool.h"
#include "services/common/capacity_units.h"

namespace brume::autoscaling {
namespace {

// An instance as it comes into the group. Error: ValidationError for a type without a weight in a group with weights.
Result<Instance> attached_instance(const AutoScalingGroup& group, const ec2::Instance& instance) {
  Instance attached;
  attached.InstanceId = instance.InstanceId;
  attached.InstanceType = instance.InstanceType;
  attached.AvailabilityZone = instance.Placement->AvailabilityZone;
  attached.LifecycleState = "Pending";
  attached.HealthStatus = "Healthy";
  attached.ProtectedFromScaleIn = group.NewInstancesProtectedFromScaleIn;
  if (!is_weighted(group.MixedInstancesPolicy)) return attached;
  attached.WeightedCapacity = weight_of(*group.MixedInstancesPolicy, *instance.InstanceType);
  if (!attached.WeightedCapacity)
    return fail("ValidationError", "The instance {} is of type {}, which has no weight in the group's overrides",
                *instance.InstanceId, *instance.InstanceType);
  return attached;
}

}  // namespace

Result<void> GroupOperations::SetDesiredCapacity(const Call&, const SetDesiredCapacityType& request) {
  const std::string& name = *request.AutoScalingGroupName;
  BRUME_TRY(found, find_group(name));
  const AutoScalingGroup& group = found->group;
  const int desired = *request.DesiredCapacity, before = *group.DesiredCapacity;
  if (desired < *group.MinSize)
    return fail("ValidationError", "New SetDesiredCapacity value {} is below min value {} for the AutoScalingGroup.",
                desired, *group.MinSize);
  if (desired > *group.MaxSize)
    return fail("ValidationError", "New SetDesiredCapacity value {} is above max value {} for the AutoScalingGroup.",
                desired, *group.MaxSize);
  if (request.HonorCooldown.value_or(false))
    if (const auto busy = cooldowns_.why_waiting(name))
      return fail("ScalingActivityInProgress", "The new capacity has to wait: {}", *busy);
  if (desired == before) return {};
  decisions_.add_request(name, before, desired);
  groups_.modify(name, [&](GroupRecord& record) {
    record.group.DesiredCapacity = desired;
    record.cause = at(context_.env.clock.wall(), desired_set_sentence(before, desired));
  });
  wake_after_commit(name);
  return {};
}

Result<ActivityType> GroupOperations::TerminateInstanceInAutoScalingGroup(
    const Call&, const TerminateInstanceInAutoScalingGroupType& request) {
  BRUME_TRY(member, find_member(*request.InstanceId));
  const std::string group = member->group;
  const std::string lifecycle = *member->instance.LifecycleState;
  if (is_terminating(lifecycle)) return ActivityType{activities_.find(member->activity)->activity};
  const GroupRecord& record = *groups_.find(group);
  const int desired = *record.group.DesiredCapacity;
  const bool decrement = *request.ShouldDecrementDesiredCapacity;
  if (is_warmed(lifecycle)) {
    if (decrement)
      return fail("ValidationError", "The instance {} is in the warm pool, so it is not part of the desired capacity",
                  *request.InstanceId);
    if (!lifecycle.starts_with("Warmed:Terminating"))
      transitions_.take_out_of_pool(*member, at(context_.env.clock.wall(), user_terminated_sentence()));
    wake_after_commit(group);
    return ActivityType{activities_.find(find_member(*request.InstanceId).value()->activity)->activity};
  }
  // One in standby is not counted, so it leaves no gap.
  const int units = lifecycle == "Standby" ? 0 : services::units_of(member->instance);
  if (decrement && (desired <= *record.group.MinSize || desired - units < *record.group.MinSize))
    return fail("ValidationError",
                "Currently, desiredSize equals minSize ({}). Terminating instance without replacement will violate "
                "group's min size constraint. "
                "Either set shouldDecrementDesiredCapacity flag to false or lower group's min size.",
                *record.group.MinSize);
  if (decrement) resize(group, -units);
  std::string cause = at(context_.env.clock.wall(), user_terminated_sentence());
  if (decrement)
    cause = at(
        context_.env.clock.wall(),
        fmt::format(
            "instance {} was taken out of service in response to a user request, shrinking the capacity from {} to {}.",
            *request.InstanceId, desired, desired - units));
  BRUME_CHECK(transitions_.take_out(group, *request.InstanceId, "Terminating",
                                    termination_description(*request.InstanceId), cause));
  wake_after_commit(group);
  return ActivityType{activities_.find(find_member(*request.InstanceId).value()->activity)->activity};
}

Result<SetInstanceProtectionAnswer> GroupOperations::SetInstanceProtection(const Call&,
                                                                           const SetInstanceProtectionQuery& request) {
  BRUME_CHECK(find_group(*request.AutoScalingGroupName));
  for (const std::string& instance : request.InstanceIds) {
    BRUME_TRY(found, find_member(*request.AutoScalingGroupName, instance));
    MemberRecord member = *found;
    if (member.instance.LifecycleState != "InService" && member.instance.LifecycleState != "Standby")
      return fail("ValidationError", "The instance {} is not in InService or EnteringStandby or Standby.", instance);
    member.instance.ProtectedFromScaleIn = request.ProtectedFromScaleIn;
    put_member(member);
  }
  wake_after_commit(*request.AutoScalingGroupName);
  return SetInstanceProtectionAnswer{};
}

Result<void> GroupOperations::SetInstanceHealth(const Call&, const SetInstanceHealthQuery& request) {
  if (*request.HealthStatus != "Healthy" && *request.HealthStatus != "Unhealthy")
    return fail("ValidationError", "Invalid health status: {}. Valid statuses are Healthy and Unhealthy",
                *request.HealthStatus);
  BRUME_TRY(found, find_member(*request.InstanceId));
  MemberRecord member = *found;
  const GroupRecord& group = *groups_.find(member.group);
  const auto grace = std::chrono::seconds(*group.group.HealthCheckGracePeriod);
  const bool in_grace = member.in_service_since && context_.env.clock.wall() - *member.in_service_since < grace;
  if (*request.HealthStatus == "Unhealthy" && request.ShouldRespectGracePeriod.value_or(true) && in_grace) return {};
  member.instance.HealthStatus = request.HealthStatus;
  put_member(member);
  wake_after_commit(member.group);
  return {};
}

Result<void> GroupOperations::check_shrink(const AutoScalingGroup& group, const List<std::string>& instances,
                                           std::string_view verb) const {
  const std::size_t count = instances.size();
  int units = 0;
  for (const std::string& instance : instances) {
    BRUME_TRY(member, find_member(*group.AutoScalingGroupName, instance));
    units += services::units_of(member->instance);
  }
  if (*group.DesiredCapacity - units >= *group.MinSize) return {};
  return fail(
      "ValidationError",
      "AutoScalingGroup {} has min-size={}, max-size={}, and desired-size={}. To {} {} instance{}, please update "
      "the AutoScalingGroup sizes appropriately.",
      *group.AutoScalingGroupName, *group.MinSize, *group.MaxSize, *group.DesiredCapacity, verb, count,
      count == 1 ? "" : "s");
}

Result<EnterStandbyAnswer> GroupOperations::EnterStandby(const Call&, const EnterStandbyQuery& request) {
  const std::string& name = *request.AutoScalingGroupName;
  BRUME_TRY(group, find_group(name));
  const bool decrement = *request.ShouldDecrementDesiredCapacity;
  if (decrement) BRUME_CHECK(check_shrink(group->group, request.InstanceIds, "place into standby"));
  EnterStandbyAnswer answer;
  for (const std::string& instance : request.InstanceIds) {
    BRUME_TRY(member, find_member(name, instance));
    if (member->instance.LifecycleState != "InService")
      return fail("ValidationError", "The instance {} is not in InService.", instance);
    const int before = *groups_.find(name)->group.DesiredCapacity;
    const int after = decrement ? before - services::units_of(member->instance) : before;
    resize(name, after - before);
    BRUME_CHECK(transitions_.take_out(name, instance, "EnteringStandby",
                                      fmt::format("Moving EC2 instance to Standby: {}", instance),
                                      at(context_.env.clock.wall(), standby_sentence(instance, true, before, after))));
    answer.Activities.push_back(activities_.find(find_member(name, instance).value()->activity)->activity);
  }
  wake_after_commit(name);
  return answer;
}

Result<ExitStandbyAnswer> GroupOperations::ExitStandby(const Call&, const ExitStandbyQuery& request) {
  const std::string& name = *request.AutoScalingGroupName;
  BRUME_TRY(group, find_group(name));
  const int desired = *group->group.DesiredCapacity, max = *group->group.MaxSize;
  int units = 0;
  for (const std::string& instance : request.InstanceIds) {
    BRUME_TRY(member, find_member(name, instance));
    units += services::units_of(member->instance);
  }
  if (desired + units > max)
    return fail("ValidationError",
                "AutoScalingGroup {} has min-size={}, max-size={}, and desired-size={}. To bring back {} instances, "
                "please update the AutoScalingGroup sizes appropriately.",
                name, *group->group.MinSize, max, desired, request.InstanceIds.size());
  ExitStandbyAnswer answer;
  for (const std::string& instance : request.InstanceIds) {
    BRUME_TRY(found, find_member(name, instance));
    MemberRecord member = *found;
    if (member.instance.LifecycleState != "Standby")
      return fail("ValidationError", "The instance {} is not in Standby.", instance);
    const int before = *groups_.find(name)->group.DesiredCapacity;
    const int after = before + services::units_of(member.instance);
    resize(name, after - before);
    member.instance.LifecycleState = "Pending";
    member.activity = begin_activity(name, fmt::format("Moving EC2 instance out of Standby: {}", instance),
                                     at(context_.env.clock.wall(), standby_sentence(instance, false, before, after)),
                                     "PreInService", 30, *member.instance.AvailabilityZone, member.subnet);
    put_member(member);
    answer.Activities.push_back(activities_.find(member.activity)->activity);
  }
  wake_after_commit(name);
  return answer;
}

Result<void> GroupOperations::AttachInstances(const Call& call, const AttachInstancesQuery& request) {
  const std::string& name = *request.AutoScalingGroupName;
  BRUME_TRY(group, find_group(name));
  ec2::DescribeInstancesRequest describe;
  describe.InstanceIds = request.InstanceIds;
  const auto described = ec2_.DescribeInstances(call, describe);
  if (!described) return fail("ValidationError", "Invalid Instance ID: {}", described.error().message);
  int units = 0;
  for (const ec2::Reservation& reservation : described->Reservations)
    for (const ec2::Instance& instance : reservation.Instances) {
      BRUME_TRY(attached, attached_instance(group->group, instance));
      units += services::units_of(attached);
    }
  if (*group->group.DesiredCapacity + units > *group->group.MaxSize)
    return fail("ValidationError",
                "AutoScalingGroup {} has min-size={}, max-size={}, and desired-size={}. To attach {} instances, please "
                "update the AutoScalingGroup sizes appropriately.",
                name, *group->group.MinSize, *group->group.MaxSize, *group->group.DesiredCapacity,
                request.InstanceIds.size());
  for (const ec2::Reservation& reservation : described->Reservations)
    for (const ec2::Instance& instance : reservation.Instances) {
      const std::string& id = *instance.InstanceId;
      const std::string& zone = *instance.Placement->AvailabilityZone;
      if (state_.group_of.contains(id))
        return fail("ValidationError", "Instance {} is already part of an Auto Scaling group", id);
      if (*instance.State->Name != "running") return fail("ValidationError", "Instance {} is not in correct state", id);
      if (std::ranges::find(group->group.AvailabilityZones, zone) == group->group.AvailabilityZones.end())
        return fail("ValidationError", "Instance {} is in zone {}, which is not one of the group's", id, zone);
      MemberRecord member;
      member.group = name;
      member.subnet = instance.SubnetId.value_or("");
      member.created = context_.env.clock.wall();
      BRUME_TRY(attached, attached_instance(group->group, instance));
      member.instance = attached;
      member.spot = instance.InstanceLifecycle == "spot";
      resize(name, services::units_of(member.instance));
      member.activity =
          begin_activity(name, fmt::format("Attaching an existing EC2 instance: {}", id),
                         at(context_.env.clock.wall(),
                            fmt::format("an instance was attached in response to a user request. Capacity: {}",
                                        *groups_.find(name)->group.DesiredCapacity)),
                         "PreInService", 30, zone, member.subnet);
      put_member(member);
    }
  wake_after_commit(name);
  return {};
}

Result<DetachInstancesAnswer> GroupOperations::DetachInstances(const Call&, const DetachInstancesQuery& request) {
  const std::string& name = *request.AutoScalingGroupName;
  BRUME_TRY(group, find_group(name));
  const bool decrement = *request.ShouldDecrementDesiredCapacity;
  if (decrement) BRUME_CHECK(check_shrink(group->group, request.InstanceIds, "detach"));
  DetachInstancesAnswer answer;
  for (const std::string& instance : request.InstanceIds) {
    BRUME_TRY(member, find_member(name, instance));
    const std::string lifecycle = *member->instance.LifecycleState;
    if (lifecycle != "InService" && lifecycle != "Standby")
      return fail("ValidationError", "The instance {} is not in InService or Standby.", instance);
    const int before = *groups_.find(name)->group.DesiredCapacity;
    const int after = decrement && lifecycle == "InService" ? before - services::units_of(member->instance) : before;
    resize(name, after - before);
    BRUME_CHECK(transitions_.take_out(name, instance, "Detaching", fmt::format("Detaching EC2 instance: {}", instance),
                                      at(context_.env.clock.wall(), detached_sentence(instance, before, after))));
    answer.Activities.push_back(activities_.find(find_member(name, instance).value()->activity)->activity);
  }
  wake_after_commit(name);
  return answer;
}

}  // namespace brume::autoscaling
