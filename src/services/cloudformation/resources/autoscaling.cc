#include <algorithm>

#include "services/cloudformation/resources/apis.h"
#include "services/cloudformation/resources/properties.h"
#include "services/common/capacity_units.h"

namespace brume::cloudformation::resources {

struct MetricsCollection {
  std::optional<std::string> Granularity;
  List<std::string> Metrics;  // all, if none is named
};

}  // namespace brume::cloudformation::resources

BRUME_RECORD(brume::cloudformation::resources::MetricsCollection, Granularity, Metrics)

namespace brume::cloudformation::resources {
namespace {

// A group that keeps failing to launch is given up after this many failed activities, rather than at the time limit.
constexpr std::size_t kFailedLaunches = 3;

std::string joined(const std::vector<std::string>& items) {
  std::string out;
  for (const std::string& item : items) out += (out.empty() ? "" : ",") + item;
  return out;
}

List<autoscaling::Tag> group_tags(const std::string& group, const Value& properties) {
  List<autoscaling::Tag> out;
  const Value* tags = properties.find("Tags");
  if (!tags) return out;
  for (const Value& item : tags->items) {
    auto& tag = out.emplace_back();
    tag.Key = item.text_of("Key");
    tag.Value = item.text_of("Value");
    tag.PropagateAtLaunch = flag(item, "PropagateAtLaunch");
    tag.ResourceId = group;
    tag.ResourceType = "auto-scaling-group";
  }
  return out;
}

// What creating and updating have in common, under the API's names.
template <typename Request>
Result<Request> group_request(const Value& properties) {
  BRUME_TRY(request,
            read<Request>(without(properties, {"VPCZoneIdentifier", "Cooldown", "Tags", "MetricsCollection"})));
  if (properties.find("VPCZoneIdentifier"))
    request.VPCZoneIdentifier = joined(text_list(properties, "VPCZoneIdentifier"));
  if (properties.find("Cooldown")) {
    BRUME_TRY(cooldown, read<std::int32_t>(properties, "Cooldown"));
    request.DefaultCooldown = cooldown;
  }
  return std::move(request);
}

Result<void> collect_metrics(Work& work, const Instance& instance) {
  const Value* wanted = instance.properties.find("MetricsCollection");
  if (!wanted) return {};
  for (const Value& item : wanted->items) {
    autoscaling::EnableMetricsCollectionQuery request;
    request.AutoScalingGroupName = instance.physical_id;
    request.Granularity = item.text_of("Granularity");
    for (const std::string& metric : text_list(item, "Metrics")) request.Metrics.push_back(metric);
    BRUME_CHECK(work.apis.autoscaling.EnableMetricsCollection(work.call, request));
  }
  return {};
}

Result<void> recollect_metrics(Work& work, const Instance& instance, const Value& before) {
  if (!changed(before, instance.properties, "MetricsCollection")) return {};
  autoscaling::DisableMetricsCollectionQuery none;
  none.AutoScalingGroupName = instance.physical_id;
  BRUME_CHECK(work.apis.autoscaling.DisableMetricsCollection(work.call, none));
  return collect_metrics(work, instance);
}

Result<void> create_group(Work& work, Instance& instance) {
  BRUME_TRY(request, group_request<autoscaling::CreateAutoScalingGroupType>(instance.properties));
  if (!request.AutoScalingGroupName) request.AutoScalingGroupName = work.name;
  request.Tags = group_tags(*request.AutoScalingGroupName, instance.properties);
  for (const auto& [key, value] : work.system_tags) {
    auto& tag = request.Tags.emplace_back();
    tag.Key = key;
    tag.Value = value;
    tag.PropagateAtLaunch = true;
    tag.ResourceId = request.AutoScalingGroupName;
    tag.ResourceType = "auto-scaling-group";
  }
  BRUME_CHECK(work.apis.autoscaling.CreateAutoScalingGroup(work.call, request));
  instance.physical_id = *request.AutoScalingGroupName;
  return collect_metrics(work, instance);
}

Result<std::optional<autoscaling::AutoScalingGroup>> describe(Work& work, const std::string& name) {
  autoscaling::AutoScalingGroupNamesType request;
  request.AutoScalingGroupNames = {name};
  BRUME_TRY(found, work.apis.autoscaling.DescribeAutoScalingGroups(work.call, request));
  if (found.AutoScalingGroups.empty()) return std::nullopt;
  return std::move(found.AutoScalingGroups[0]);
}

Result<bool> group_settled(Work& work, Instance& instance) {
  BRUME_TRY(group, describe(work, instance.physical_id));
  if (!group) return fail("NotStabilized", "AutoScalingGroup {} disappeared", instance.physical_id);
  const auto desired = std::max(group->DesiredCapacity.value_or(0), 0);
  int in_service = 0;  // units
  for (const autoscaling::Instance& one : group->Instances)
    if (one.LifecycleState == "InService") in_service += services::units_of(one);
  if (in_service >= desired) return true;
  autoscaling::DescribeScalingActivitiesType request;
  request.AutoScalingGroupName = instance.physical_id;
  BRUME_TRY(activities, work.apis.autoscaling.DescribeScalingActivities(work.call, request));
  std::size_t failed = 0;
  std::string reason;
  for (const auto& activity : activities.Activities) {  // newest first
    if (activity.StatusCode == "Successful") break;
    if (activity.StatusCode != "Failed" && activity.StatusCode != "Cancelled") continue;
    if (++failed == 1) reason = activity.StatusMessage.value_or(activity.Description.value_or(""));
  }
  if (failed < kFailedLaunches) return false;
  return fail("NotStabilized",
              "Group did not stabilize. {{current/minSize/desired}} group size: {{{}/{}/{}}}. Last failed activity: {}",
              in_service, group->MinSize.value_or(0), desired, reason);
}

Result<void> retag(Work& work, const Instance& instance, const Value& before) {
  if (!changed(before, instance.properties, "Tags")) return {};
  const TagChanges changes = tag_changes(before, instance.properties);
  if (!changes.drop.empty()) {
    autoscaling::DeleteTagsType request;
    for (const std::string& key : changes.drop) {
      auto& tag = request.Tags.emplace_back();
      tag.Key = key;
      tag.ResourceId = instance.physical_id;
      tag.ResourceType = "auto-scaling-group";
    }
    BRUME_CHECK(work.apis.autoscaling.DeleteTags(work.call, request));
  }
  autoscaling::CreateOrUpdateTagsType request;
  request.Tags = group_tags(instance.physical_id, instance.properties);
  if (request.Tags.empty()) return {};
  return work.apis.autoscaling.CreateOrUpdateTags(work.call, request);
}

Result<void> update_group(Work& work, Instance& instance, const Value& before) {
  const Value& now = instance.properties;
  // Only what the template changed.
  Value differences = Value::map();
  for (std::size_t i = 0; i < now.keys.size(); ++i)
    if (changed(before, now, now.keys[i])) differences.set(now.keys[i], now.items[i]);
  // Unless the template says otherwise, though, an update of the group takes its size back to the template's.
  const Value* scheduled = work.update_policy.find("AutoScalingScheduledAction");
  if (!scheduled || !flag(*scheduled, "IgnoreUnmodifiedGroupSizeProperties"))
    for (const char* name : {"MinSize", "MaxSize", "DesiredCapacity"})
      if (const Value* size = now.find(name)) differences.set(name, *size);
  BRUME_TRY(request, group_request<autoscaling::UpdateAutoScalingGroupType>(differences));
  request.AutoScalingGroupName = instance.physical_id;
  BRUME_CHECK(work.apis.autoscaling.UpdateAutoScalingGroup(work.call, request));
  const auto old_targets = text_list(before, "TargetGroupARNs"), new_targets = text_list(now, "TargetGroupARNs");
  if (auto gone = missing_in(old_targets, new_targets); !gone.empty()) {
    autoscaling::DetachLoadBalancerTargetGroupsType detach;
    detach.AutoScalingGroupName = instance.physical_id;
    detach.TargetGroupARNs = std::move(gone);
    BRUME_CHECK(work.apis.autoscaling.DetachLoadBalancerTargetGroups(work.call, detach));
  }
  if (auto added = missing_in(new_targets, old_targets); !added.empty()) {
    autoscaling::AttachLoadBalancerTargetGroupsType attach;
    attach.AutoScalingGroupName = instance.physical_id;
    attach.TargetGroupARNs = std::move(added);
    BRUME_CHECK(work.apis.autoscaling.AttachLoadBalancerTargetGroups(work.call, attach));
  }
  BRUME_CHECK(recollect_metrics(work, instance, before));
  return retag(work, instance, before);
}

Result<void> remove_group(Work& work, const Instance& instance) {
  autoscaling::DeleteAutoScalingGroupType request;
  request.AutoScalingGroupName = instance.physical_id;
  request.ForceDelete = true;
  return work.apis.autoscaling.DeleteAutoScalingGroup(work.call, request);
}

Result<bool> group_gone(Work& work, const Instance& instance) {
  BRUME_TRY(group, describe(work, instance.physical_id));
  return !group;
}

}  // namespace

std::span<const ResourceType> autoscaling_types() {
  static const ResourceType types[] = {
      {.name = "AWS::AutoScaling::AutoScalingGroup",
       .properties = {text("AutoScalingGroupName", kCreateOnly),
                      number("MinSize", kRequired),
                      number("MaxSize", kRequired),
                      number("DesiredCapacity"),
                      number("Cooldown"),
                      number("DefaultInstanceWarmup"),
                      texts("AvailabilityZones"),
                      texts("VPCZoneIdentifier"),
                      texts("TargetGroupARNs"),
                      text("HealthCheckType"),
                      number("HealthCheckGracePeriod"),
                      texts("TerminationPolicies"),
                      boolean("NewInstancesProtectedFromScaleIn"),
                      boolean("CapacityRebalance"),
                      number("MaxInstanceLifetime"),
                      property<autoscaling::LaunchTemplateSpecification>("LaunchTemplate"),
                      text("LaunchConfigurationName"),
                      property<autoscaling::MixedInstancesPolicy>("MixedInstancesPolicy"),
                      property<autoscaling::InstanceMaintenancePolicy>("InstanceMaintenancePolicy"),
                      property<List<MetricsCollection>>("MetricsCollection"),
                      property<List<autoscaling::Tag>>("Tags")},
       .attributes = {},
       .name_property = "AutoScalingGroupName",
       .create = create_group,
       .settled = group_settled,
       .update = update_group,
       .remove = remove_group,
       .gone = group_gone},
  };
  return types;
}

}  // namespace brume::cloudformation::resources
