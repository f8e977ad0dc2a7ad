// What belongs to an Auto Scaling group: policies, scheduled actions, hooks, warm pools; and launch configurations.
#include <algorithm>

#include "services/cloudformation/resources/apis.h"
#include "services/cloudformation/resources/properties.h"

namespace brume::cloudformation::resources {
namespace {

// A put leaves alone what it does not name; so what a template no longer says makes the thing anew.
bool lost_a_property(const Value& before, const Value& after) {
  return std::ranges::any_of(before.keys, [&](const std::string& key) { return !after.find(key); });
}

// Scaling policies --------------------------------------------------------------------------------------------------

Result<void> put_policy(Work& work, Instance& instance, const std::string& name) {
  BRUME_TRY(request, read<autoscaling::PutScalingPolicyType>(instance.properties));
  request.PolicyName = name;
  BRUME_TRY(made, work.apis.autoscaling.PutScalingPolicy(work.call, request));
  instance.physical_id = made.PolicyARN.value_or("");
  instance.attributes.set("Arn", Value::string(instance.physical_id));
  instance.attributes.set("PolicyName", Value::string(name));
  return {};
}

Result<void> create_policy(Work& work, Instance& instance) {
  return put_policy(work, instance, work.name);
}

Result<void> update_policy(Work& work, Instance& instance, const Value&) {
  return put_policy(work, instance, instance.attributes.text_of("PolicyName"));
}

Result<void> remove_policy(Work& work, const Instance& instance) {
  autoscaling::DeletePolicyType request;
  request.AutoScalingGroupName = instance.text("AutoScalingGroupName");
  request.PolicyName = instance.attributes.text_of("PolicyName");
  return work.apis.autoscaling.DeletePolicy(work.call, request);
}

// Scheduled actions -------------------------------------------------------------------------------------------------

Result<void> put_action(Work& work, const Instance& instance) {
  BRUME_TRY(request, read<autoscaling::PutScheduledUpdateGroupActionType>(instance.properties));
  request.ScheduledActionName = instance.physical_id;
  return work.apis.autoscaling.PutScheduledUpdateGroupAction(work.call, request);
}

Result<void> create_action(Work& work, Instance& instance) {
  instance.physical_id = work.name;
  instance.attributes.set("ScheduledActionName", Value::string(work.name));
  return put_action(work, instance);
}

Result<void> remove_action(Work& work, const Instance& instance) {
  autoscaling::DeleteScheduledActionType request;
  request.AutoScalingGroupName = instance.text("AutoScalingGroupName");
  request.ScheduledActionName = instance.physical_id;
  return work.apis.autoscaling.DeleteScheduledAction(work.call, request);
}

Result<void> update_action(Work& work, Instance& instance, const Value& before) {
  if (lost_a_property(before, instance.properties)) BRUME_CHECK(remove_action(work, instance));
  return put_action(work, instance);
}

// Lifecycle hooks ---------------------------------------------------------------------------------------------------

Result<void> put_hook(Work& work, const Instance& instance) {
  BRUME_TRY(request, read<autoscaling::PutLifecycleHookType>(instance.properties));
  request.LifecycleHookName = instance.physical_id;
  BRUME_CHECK(work.apis.autoscaling.PutLifecycleHook(work.call, request));
  return {};
}

Result<void> create_hook(Work& work, Instance& instance) {
  instance.physical_id = instance.properties.find("LifecycleHookName") ? instance.text("LifecycleHookName") : work.name;
  return put_hook(work, instance);
}

Result<void> remove_hook(Work& work, const Instance& instance) {
  autoscaling::DeleteLifecycleHookType request;
  request.AutoScalingGroupName = instance.text("AutoScalingGroupName");
  request.LifecycleHookName = instance.physical_id;
  BRUME_CHECK(work.apis.autoscaling.DeleteLifecycleHook(work.call, request));
  return {};
}

Result<void> update_hook(Work& work, Instance& instance, const Value& before) {
  if (lost_a_property(before, instance.properties)) BRUME_CHECK(remove_hook(work, instance));
  return put_hook(work, instance);
}

// Warm pools --------------------------------------------------------------------------------------------------------

Result<void> create_pool(Work& work, Instance& instance) {
  BRUME_TRY(request, read<autoscaling::PutWarmPoolType>(instance.properties));
  BRUME_CHECK(work.apis.autoscaling.PutWarmPool(work.call, request));
  instance.physical_id = instance.text("AutoScalingGroupName");
  return {};
}

Result<void> update_pool(Work& work, Instance& instance, const Value& before) {
  BRUME_TRY(request, read<autoscaling::PutWarmPoolType>(instance.properties));
  const auto lost = [&](const char* name) { return before.find(name) && !instance.properties.find(name); };
  // The defaults, as the Auto Scaling API reference has them for PutWarmPool; -1 takes the size from the group's again.
  if (lost("MaxGroupPreparedCapacity")) request.MaxGroupPreparedCapacity = -1;
  if (lost("MinSize")) request.MinSize = 0;
  if (lost("PoolState")) request.PoolState = "Stopped";
  if (lost("InstanceReusePolicy")) request.InstanceReusePolicy.emplace().ReuseOnScaleIn = false;
  BRUME_CHECK(work.apis.autoscaling.PutWarmPool(work.call, request));
  return {};
}

Result<bool> pool_gone(Work& work, const Instance& instance) {
  autoscaling::DescribeWarmPoolType request;
  request.AutoScalingGroupName = instance.physical_id;
  auto found = work.apis.autoscaling.DescribeWarmPool(work.call, request);
  if (found) return !found->WarmPoolConfiguration;
  if (not_found(found.error())) return true;
  return std::unexpected(found.error());
}

Result<void> remove_pool(Work& work, const Instance& instance) {
  BRUME_TRY(gone, pool_gone(work, instance));
  if (gone) return {};
  autoscaling::DeleteWarmPoolType request;
  request.AutoScalingGroupName = instance.physical_id;
  request.ForceDelete = true;
  BRUME_CHECK(work.apis.autoscaling.DeleteWarmPool(work.call, request));
  return {};
}

// Launch configurations ---------------------------------------------------------------------------------------------

Result<void> create_configuration(Work& work, Instance& instance) {
  BRUME_TRY(request,
            read<autoscaling::CreateLaunchConfigurationType>(without(instance.properties, {"InstanceMonitoring"})));
  if (!request.LaunchConfigurationName) request.LaunchConfigurationName = work.name;
  if (instance.properties.find("InstanceMonitoring"))
    request.InstanceMonitoring.emplace().Enabled = flag(instance.properties, "InstanceMonitoring");
  BRUME_CHECK(work.apis.autoscaling.CreateLaunchConfiguration(work.call, request));
  instance.physical_id = *request.LaunchConfigurationName;
  return {};
}

Result<void> remove_configuration(Work& work, const Instance& instance) {
  autoscaling::LaunchConfigurationNameType request;
  request.LaunchConfigurationName = instance.physical_id;
  return work.apis.autoscaling.DeleteLaunchConfiguration(work.call, request);
}

}  // namespace

std::span<const ResourceType> scaling_types() {
  static const ResourceType types[] = {
      // Ref is the policy's ARN, as an alarm's action wants it.
      {.name = "AWS::AutoScaling::ScalingPolicy",
       .properties = {text("AutoScalingGroupName", kRequired | kCreateOnly), text("PolicyType"), text("AdjustmentType"),
                      number("Cooldown"), number("EstimatedInstanceWarmup"), text("MetricAggregationType"),
                      number("MinAdjustmentMagnitude"), number("ScalingAdjustment"),
                      property<List<autoscaling::StepAdjustment>>("StepAdjustments"),
                      property<autoscaling::TargetTrackingConfiguration>("TargetTrackingConfiguration"),
                      property<autoscaling::PredictiveScalingConfiguration>("PredictiveScalingConfiguration")},
       .attributes = {"Arn", "PolicyName"},
       .create = create_policy,
       .update = update_policy,
       .remove = remove_policy},
      {.name = "AWS::AutoScaling::ScheduledAction",
       .properties = {text("AutoScalingGroupName", kRequired | kCreateOnly), number("DesiredCapacity"),
                      number("MinSize"), number("MaxSize"), text("Recurrence"), text("StartTime"), text("EndTime"),
                      text("TimeZone")},
       .attributes = {"ScheduledActionName"},
       .create = create_action,
       .update = update_action,
       .remove = remove_action},
      {.name = "AWS::AutoScaling::LifecycleHook",
       .properties = {text("AutoScalingGroupName", kRequired | kCreateOnly), text("LifecycleHookName", kCreateOnly),
                      text("LifecycleTransition", kRequired), text("DefaultResult"), number("HeartbeatTimeout"),
                      text("NotificationMetadata"), text("NotificationTargetARN"), text("RoleARN")},
       .attributes = {},
       .name_property = "LifecycleHookName",
       .create = create_hook,
       .update = update_hook,
       .remove = remove_hook},
      {.name = "AWS::AutoScaling::WarmPool",
       .properties = {text("AutoScalingGroupName", kRequired | kCreateOnly), number("MaxGroupPreparedCapacity"),
                      number("MinSize"), text("PoolState"),
                      property<autoscaling::InstanceReusePolicy>("InstanceReusePolicy")},
       .attributes = {},
       .create = create_pool,
       .update = update_pool,
       .remove = remove_pool,
       .gone = pool_gone},
      {.name = "AWS::AutoScaling::LaunchConfiguration",
       .properties = {text("LaunchConfigurationName", kCreateOnly), text("ImageId", kRequired | kCreateOnly),
                      text("InstanceType", kRequired | kCreateOnly), boolean("AssociatePublicIpAddress", kCreateOnly),
                      property<List<autoscaling::BlockDeviceMapping>>("BlockDeviceMappings", kCreateOnly),
                      boolean("EbsOptimized", kCreateOnly), text("IamInstanceProfile", kCreateOnly),
                      boolean("InstanceMonitoring", kCreateOnly), text("KeyName", kCreateOnly),
                      property<autoscaling::InstanceMetadataOptions>("MetadataOptions", kCreateOnly),
                      text("PlacementTenancy", kCreateOnly), texts("SecurityGroups", kCreateOnly),
                      text("SpotPrice", kCreateOnly), text("UserData", kCreateOnly)},
       .attributes = {},
       .name_property = "LaunchConfigurationName",
       .create = create_configuration,
       .remove = remove_configuration},
  };
  return types;
}

}  // namespace brume::cloudformation::resources
