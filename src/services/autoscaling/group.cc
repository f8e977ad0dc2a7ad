// Groups: made, changed, deleted, described; their processes.
#include "services/autoscaling/group.h"

#include <algorithm>
#include <set>
#include <sstream>

#include "services/autoscaling/hooks.h"
#include "services/autoscaling/mixed_instances.h"
#include "services/autoscaling/refresh.h"
#include "services/autoscaling/refresh_preferences.h"
#include "services/autoscaling/tags.h"
#include "services/autoscaling/termination_policy.h"
#include "services/autoscaling/texts.h"
#include "services/common/ids.h"
#include "services/common/page.h"

namespace brume::autoscaling {
namespace {

constexpr std::size_t kMaxGroups = 500;  // quota "Auto Scaling groups per Region"

const std::vector<std::string>& process_names() {
  static const std::vector<std::string> names = {"AddToLoadBalancer", "AlarmNotification", "AZRebalance",
                                                 "HealthCheck",       "InstanceRefresh",   "Launch",
                                                 "ReplaceUnhealthy",  "ScheduledActions",  "Terminate"};
  return names;
}

std::vector<std::string> split_list(const std::string& text) {
  std::vector<std::string> parts;
  std::istringstream in(text);
  for (std::string part; std::getline(in, part, ',');) {
    std::erase(part, ' ');
    if (!part.empty()) parts.push_back(part);
  }
  return parts;
}

// What Brume cannot do yet is refused by name.
template <typename Request>
Result<void> refuse_unsupported(const Request& request) {
  const auto refuse = [](bool given, std::string_view what) -> Result<void> {
    if (given) return fail("UnsupportedOperation", "Brume's Auto Scaling groups do not support {} yet", what);
    return {};
  };
  BRUME_CHECK(refuse(request.PlacementGroup.has_value() && !request.PlacementGroup->empty(), "PlacementGroup"));
  BRUME_CHECK(refuse(request.DesiredCapacityType.value_or("units") != "units", "DesiredCapacityType other than units"));
  BRUME_CHECK(
      refuse(request.AvailabilityZoneDistribution.has_value() &&
                 request.AvailabilityZoneDistribution->CapacityDistributionStrategy.value_or("") == "balanced-only",
             "the distribution balanced-only"));
  return {};
}

template <typename Request>
Result<void> check_one_configuration(const Request& request) {
  const std::optional<LaunchTemplateSpecification>& launch = request.LaunchTemplate;
  const int given = int(launch.has_value()) + int(request.LaunchConfigurationName.has_value()) +
                    int(request.MixedInstancesPolicy.has_value());
  if (given > 1) return fail("ValidationError", "{}", kOneConfiguration);
  if (request.MixedInstancesPolicy) return check_template_names(*request.MixedInstancesPolicy);
  if (launch && launch->LaunchTemplateId && launch->LaunchTemplateName)
    return fail("ValidationError", "Valid requests must contain either launchTemplateId or LaunchTemplateName");
  return {};
}

// What Create and Update take in the same way: a policy, and a lifetime of a day or more.
template <typename Request>
Result<void> take_maintenance(AutoScalingGroup& group, const Request& request) {
  if (request.InstanceMaintenancePolicy) {
    BRUME_TRY(policy, checked_policy(*request.InstanceMaintenancePolicy));
    group.InstanceMaintenancePolicy = policy;
  }
  if (!request.MaxInstanceLifetime) return {};
  constexpr int kDay = 86400;
  if (*request.MaxInstanceLifetime != 0 && *request.MaxInstanceLifetime < kDay)
    return fail("ValidationError", "MaxInstanceLifetime must be 0 or at least {} seconds, not {}", kDay,
                *request.MaxInstanceLifetime);
  group.MaxInstanceLifetime = request.MaxInstanceLifetime;
  if (*request.MaxInstanceLifetime == 0) group.MaxInstanceLifetime.reset();
  return {};
}

}  // namespace

Result<void> GroupOperations::check_target_groups(const Call& call, const List<std::string>& arns) {
  if (arns.empty()) return {};
  elbv2::DescribeTargetGroupsInput request;
  request.TargetGroupArns = arns;
  if (auto found = elbv2_.DescribeTargetGroups(call, request); !found)
    return fail("ValidationError", "Provided Target Groups may not be valid. Please ensure they exist and try again.");
  return {};
}

Result<void> GroupOperations::check_group(const Call& call, AutoScalingGroup& group) {
  BRUME_CHECK(check_sizes(group));
  if (group.DefaultInstanceWarmup == -1) group.DefaultInstanceWarmup.reset();  // how a value is taken back
  BRUME_CHECK(launches_.check_configuration(call, group));
  const std::vector<std::string> subnets = split_list(group.VPCZoneIdentifier.value_or(""));
  if (!subnets.empty()) {
    ec2::DescribeSubnetsRequest request;
    request.SubnetIds.assign(subnets.begin(), subnets.end());
    const auto found = ec2_.DescribeSubnets(call, request);
    if (!found) return fail("ValidationError", "{}", found.error().message);
    std::set<std::string> zones;
    for (const ec2::Subnet& subnet : found->Subnets) zones.insert(*subnet.AvailabilityZone);
    for (const std::string& zone : group.AvailabilityZones)
      if (!zones.contains(zone))
        return fail("ValidationError",
                    "The availability zones of the specified subnets and the Auto Scaling group do not match");
    group.AvailabilityZones.assign(zones.begin(), zones.end());
  } else if (group.AvailabilityZones.empty()) {
    return fail("ValidationError", "At least one Availability Zone or VPC Subnet is required.");
  }
  const std::string health = *group.HealthCheckType;
  for (const std::string& type : split_list(health))
    if (type != "EC2" && type != "ELB")
      return fail("ValidationError", "Brume's Auto Scaling groups have the health check types EC2 and ELB, not {}",
                  type);
  BRUME_CHECK(check_termination_policies(group.TerminationPolicies));
  return check_target_groups(call, group.TargetGroupARNs);
}

Result<void> GroupOperations::CreateAutoScalingGroup(const Call& call, const CreateAutoScalingGroupType& request) {
  const std::string& name = *request.AutoScalingGroupName;
  if (name.find(':') != std::string::npos)
    return fail("ValidationError", "The group name '{}' must not contain a colon", name);
  if (groups_.contains(name))
    return fail("AlreadyExists",
                "AutoScalingGroup by this name already exists - A group with the name {} already exists", name);
  if (groups_.size() >= kMaxGroups)
    return fail("LimitExceeded", "You have reached the limit of {} Auto Scaling groups", kMaxGroups);
  BRUME_CHECK(refuse_unsupported(request));
  BRUME_CHECK(check_one_configuration(request));
  if (request.InstanceId) {
    BRUME_TRY(based, based_on_instance(call, request));
    return CreateAutoScalingGroup(call, based);
  }
  if (!request.LoadBalancerNames.empty()) return fail("UnsupportedOperation", "Brume has no Classic Load Balancers");
  GroupRecord record;
  AutoScalingGroup& group = record.group;
  group.AutoScalingGroupName = name;
  group.AutoScalingGroupARN =
      services::arn("autoscaling", context_.region,
                    fmt::format("autoScalingGroup:{}:autoScalingGroupName/{}", context_.env.random.uuid(), name));
  group.LaunchTemplate = request.LaunchTemplate;
  group.LaunchConfigurationName = request.LaunchConfigurationName;
  if (request.MixedInstancesPolicy) group.MixedInstancesPolicy = merged(std::nullopt, *request.MixedInstancesPolicy);
  group.MinSize = request.MinSize;
  group.MaxSize = request.MaxSize;
  group.DesiredCapacity = request.DesiredCapacity.value_or(*request.MinSize);
  group.DefaultCooldown = request.DefaultCooldown.value_or(300);
  group.AvailabilityZones = request.AvailabilityZones;
  group.LoadBalancerNames.set_present();
  group.TargetGroupARNs = request.TargetGroupARNs;
  for (const TrafficSourceIdentifier& source : request.TrafficSources) {
    if (source.Type.value_or("elbv2") != "elbv2")
      return fail("UnsupportedOperation", "Brume's traffic sources are of type elbv2");
    group.TargetGroupARNs.push_back(*source.Identifier);
  }
  group.TargetGroupARNs.set_present();
  group.HealthCheckType = request.HealthCheckType.value_or("EC2");
  group.HealthCheckGracePeriod = request.HealthCheckGracePeriod.value_or(0);
  group.CreatedTime = context_.env.clock.wall();
  group.SuspendedProcesses.set_present();
  group.VPCZoneIdentifier = request.VPCZoneIdentifier.value_or("");
  group.EnabledMetrics.set_present();
  group.TerminationPolicies = request.TerminationPolicies;
  if (group.TerminationPolicies.empty()) group.TerminationPolicies = {std::string("Default")};
  group.NewInstancesProtectedFromScaleIn = request.NewInstancesProtectedFromScaleIn.value_or(false);
  group.ServiceLinkedRoleARN = request.ServiceLinkedRoleARN.value_or(fmt::format(
      "arn:aws:iam::{}:role/aws-service-role/autoscaling.amazonaws.com/AWSServiceRoleForAutoScaling", aws::kAccount));
  group.CapacityRebalance = request.CapacityRebalance.value_or(false);
  group.Context = request.Context;
  group.DefaultInstanceWarmup = request.DefaultInstanceWarmup;
  group.DeletionProtection = request.DeletionProtection;
  BRUME_CHECK(take_maintenance(group, request));
  BRUME_CHECK(check_group(call, group));
  BRUME_CHECK(merge_tags(group.Tags, request.Tags, name));
  group.Tags.set_present();
  BRUME_CHECK(launches_.try_launch(record));
  record.cause = at(context_.env.clock.wall(), created_sentence(*group.DesiredCapacity));
  for (const std::string& arn : group.TargetGroupARNs) state_.users_of[arn].insert(name);
  groups_.put(name, std::move(record));
  for (const LifecycleHookSpecification& hook : request.LifecycleHookSpecificationList)
    BRUME_CHECK(put_hook(
        state_, {hook.LifecycleHookName, name, hook.LifecycleTransition, hook.RoleARN, hook.NotificationTargetARN,
                 hook.NotificationMetadata, hook.HeartbeatTimeout, hook.DefaultResult}));
  wake_after_commit(name);
  return {};
}

Result<void> GroupOperations::UpdateAutoScalingGroup(const Call& call, const UpdateAutoScalingGroupType& request) {
  const std::string& name = *request.AutoScalingGroupName;
  BRUME_TRY(found, find_group(name));
  if (found->group.Status)
    return fail("ScalingActivityInProgress", "AutoScalingGroup '{}' is pending delete and cannot be changed", name);
  BRUME_CHECK(refuse_unsupported(request));
  BRUME_CHECK(check_one_configuration(request));
  BRUME_CHECK(check_configuration_free(state_, request));
  GroupRecord record = *found;
  AutoScalingGroup& group = record.group;
  const int before = *group.DesiredCapacity;
  const auto take = [](auto& field, const auto& value) {
    if (value) field = value;
  };
  // One takes the other's place.
  const bool launches_anew =
      request.LaunchTemplate || request.LaunchConfigurationName || request.MixedInstancesPolicy.has_value();
  if (launches_anew) {
    group.LaunchTemplate = request.LaunchTemplate;
    group.LaunchConfigurationName = request.LaunchConfigurationName;
    if (request.MixedInstancesPolicy)
      group.MixedInstancesPolicy = merged(group.MixedInstancesPolicy, *request.MixedInstancesPolicy);
    else
      group.MixedInstancesPolicy.reset();
  }
  take(group.MinSize, request.MinSize);
  take(group.MaxSize, request.MaxSize);
  take(group.DefaultCooldown, request.DefaultCooldown);
  take(group.HealthCheckType, request.HealthCheckType);
  take(group.HealthCheckGracePeriod, request.HealthCheckGracePeriod);
  take(group.NewInstancesProtectedFromScaleIn, request.NewInstancesProtectedFromScaleIn);
  take(group.DefaultInstanceWarmup, request.DefaultInstanceWarmup);
  take(group.CapacityRebalance, request.CapacityRebalance);
  take(group.Context, request.Context);
  take(group.ServiceLinkedRoleARN, request.ServiceLinkedRoleARN);
  take(group.DeletionProtection, request.DeletionProtection);
  BRUME_CHECK(take_maintenance(group, request));
  if (request.VPCZoneIdentifier) {
    group.VPCZoneIdentifier = request.VPCZoneIdentifier;
    group.AvailabilityZones = request.AvailabilityZones;
  } else if (request.AvailabilityZones.present()) {
    group.AvailabilityZones = request.AvailabilityZones;
  }
  if (request.TerminationPolicies.present()) {
    group.TerminationPolicies = request.TerminationPolicies;
    if (group.TerminationPolicies.empty()) group.TerminationPolicies = {std::string("Default")};
  }
  // Without a desired capacity of its own the request moves it into the new bounds.
  group.DesiredCapacity =
      request.DesiredCapacity.value_or(std::clamp(before, *group.MinSize, std::max(*group.MinSize, *group.MaxSize)));
  BRUME_CHECK(check_group(call, group));
  if (launches_anew || request.VPCZoneIdentifier) BRUME_CHECK(launches_.try_launch(record));
  if (launches_anew) BRUME_CHECK(reweigh(group));
  if (*group.DesiredCapacity != before) {
    record.cause =
        at(context_.env.clock.wall(), updated_sentence(*group.MinSize, *group.MaxSize, *group.DesiredCapacity, before));
    decisions_.add_request(name, before, *group.DesiredCapacity);
  }
  groups_.put(name, std::move(record));
  wake_after_commit(name);
  return {};
}

Result<void> GroupOperations::DeleteAutoScalingGroup(const Call&, const DeleteAutoScalingGroupType& request) {
  const std::string& name = *request.AutoScalingGroupName;
  BRUME_TRY(found, find_group(name));
  const std::string protection = found->group.DeletionProtection.value_or("none");
  const bool force = request.ForceDelete.value_or(false);
  if (protection == "prevent-all-deletion" || (protection == "prevent-force-deletion" && force))
    return fail("ResourceInUse", "The group {} has deletion protection ({}) and cannot be deleted", name, protection);
  const auto& pool = found->group.WarmPoolConfiguration;
  const auto members = every_member_of(name);
  if (members.empty() && !pool) return erase_group(name);
  if (!force && members_of(name).empty())
    return fail("ResourceInUse",
                "You cannot delete the AutoScalingGroup {} while it has a warm pool. Delete the warm pool first, or "
                "force the deletion",
                name);
  if (!force)
    return fail("ResourceInUse",
                "You cannot delete an AutoScalingGroup while there are instances or pending Spot instance request(s) "
                "still in the group.");
  groups_.modify(name, [&](GroupRecord& record) {
    record.force_delete = true;
    record.group.Status = "Delete in progress";
    record.group.MinSize = record.group.MaxSize = record.group.DesiredCapacity = 0;
    record.cause = at(context_.env.clock.wall(),
                      "a user request force deleted AutoScalingGroup changing the desired capacity to 0.");
  });
  wake_after_commit(name);
  return {};
}

Result<AutoScalingGroupsType> GroupOperations::DescribeAutoScalingGroups(const Call&,
                                                                         const AutoScalingGroupNamesType& request) {
  std::vector<const GroupRecord*> found;
  const auto add = [&](const GroupRecord& record) {
    for (const Filter& filter : request.Filters)
      if (!matches_tags(filter, record.group.Tags)) return;
    found.push_back(&record);
  };
  for (const Filter& filter : request.Filters)
    if (!is_tag_filter(filter))
      return fail("ValidationError",
                  "Filter type {} is not correct. Allowed Filter types are: tag-key tag-value tag:<key>",
                  filter.Name.value_or(""));
  if (request.AutoScalingGroupNames.empty())
    for (const auto& [name, record] : groups_.rows()) add(record);
  else
    for (const std::string& name :
         std::set<std::string>(request.AutoScalingGroupNames.begin(), request.AutoScalingGroupNames.end()))
      if (const GroupRecord* record = groups_.find(name)) add(*record);  // unknown names are left out, not an error
  BRUME_TRY(page, services::paginate(std::move(found), std::size_t(request.MaxRecords.value_or(50)), request.NextToken,
                                     [](const GroupRecord* g) { return *g->group.AutoScalingGroupName; }));
  AutoScalingGroupsType result;
  for (const GroupRecord* record : page.items) {
    result.AutoScalingGroups.push_back(shown(*record));
    if (!request.IncludeInstances.value_or(true)) result.AutoScalingGroups.back().Instances.clear();
  }
  result.NextToken = std::move(page.next_token);
  return result;
}

Result<AutoScalingInstancesType> GroupOperations::DescribeAutoScalingInstances(
    const Call&, const DescribeAutoScalingInstancesType& request) {
  std::vector<AutoScalingInstanceDetails> found;
  for (const auto& [key, member] : members_.rows()) {
    const Instance& i = member.instance;
    if (!request.InstanceIds.empty() &&
        std::ranges::find(request.InstanceIds, *i.InstanceId) == request.InstanceIds.end())
      continue;
    AutoScalingInstanceDetails& details = found.emplace_back();
    details.InstanceId = i.InstanceId;
    details.InstanceType = i.InstanceType;
    details.AutoScalingGroupName = member.group;
    details.AvailabilityZone = i.AvailabilityZone;
    details.LifecycleState = i.LifecycleState;
    details.HealthStatus = i.HealthStatus == "Healthy" ? "HEALTHY" : "UNHEALTHY";
    details.LaunchConfigurationName = i.LaunchConfigurationName;
    details.LaunchTemplate = i.LaunchTemplate;
    details.ProtectedFromScaleIn = i.ProtectedFromScaleIn;
    details.WeightedCapacity = i.WeightedCapacity;
  }
  std::ranges::sort(found, {}, &AutoScalingInstanceDetails::InstanceId);
  BRUME_TRY(page, services::paginate(std::move(found), std::size_t(request.MaxRecords.value_or(50)), request.NextToken,
                                     [](const AutoScalingInstanceDetails& d) { return *d.InstanceId; }));
  return AutoScalingInstancesType{std::move(page.items), std::move(page.next_token)};
}

Result<void> GroupOperations::SuspendProcesses(const Call&, const ScalingProcessQuery& request) {
  BRUME_TRY(found, find_group(*request.AutoScalingGroupName));
  GroupRecord record = *found;
  const auto& all = process_names();
  for (const std::string& name : request.ScalingProcesses.empty() ? all : request.ScalingProcesses) {
    if (std::ranges::find(all, name) == all.end())
      return fail("ValidationError", "{} is not a valid scaling process", name);
    auto& suspended = record.group.SuspendedProcesses;
    if (!is_suspended(record, name))
      suspended.push_back({name, "User suspended at " +
                                     to_iso8601(std::chrono::floor<std::chrono::seconds>(context_.env.clock.wall()))});
  }
  groups_.put(*request.AutoScalingGroupName, std::move(record));
  return {};
}

Result<void> GroupOperations::ResumeProcesses(const Call&, const ScalingProcessQuery& request) {
  BRUME_TRY(found, find_group(*request.AutoScalingGroupName));
  GroupRecord record = *found;
  const auto& all = process_names();
  for (const std::string& name : request.ScalingProcesses)
    if (std::ranges::find(all, name) == all.end())
      return fail("ValidationError", "{} is not a valid scaling process", name);
  std::erase_if(record.group.SuspendedProcesses, [&](const SuspendedProcess& p) {
    return request.ScalingProcesses.empty() ||
           std::ranges::find(request.ScalingProcesses, *p.ProcessName) != request.ScalingProcesses.end();
  });
  groups_.put(*request.AutoScalingGroupName, std::move(record));
  wake_after_commit(*request.AutoScalingGroupName);
  return {};
}

Result<ProcessesType> GroupOperations::DescribeScalingProcessTypes(const Call&) {
  ProcessesType answer;
  for (const std::string& name : process_names()) answer.Processes.push_back({name});
  return answer;
}

}  // namespace brume::autoscaling
