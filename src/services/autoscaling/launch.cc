#include "services/autoscaling/launch.h"

#include <algorithm>
#include <sstream>

#include "base/log.h"
#include "services/autoscaling/decide.h"
#include "services/autoscaling/hooks.h"
#include "services/autoscaling/launch_configuration.h"
#include "services/autoscaling/launch_configurations.h"
#include "services/autoscaling/refresh_state.h"
#include "services/autoscaling/texts.h"
#include "services/autoscaling/types_by_requirements.h"
#include "services/common/capacity_units.h"

namespace brume::autoscaling {
namespace {

using std::chrono::seconds;

constexpr seconds kFirstBackOff{1};
constexpr seconds kLongestBackOff{60};
// A type is not tried again for so long in a zone where EC2 had no room for it.
constexpr seconds kFullFor{60};
constexpr std::string_view kSpotTemplate =
    "Incompatible launch template: You cannot use a launch template that is set to request Spot Instances "
    "(InstanceMarketOptions) when you configure an Auto Scaling group with a mixed instances policy. Add a different "
    "launch template to the group and try again.";

}  // namespace

Result<void> Launches::check_configuration(const Call& call, AutoScalingGroup& group) {
  const int given = int(group.LaunchTemplate.has_value()) + int(group.LaunchConfigurationName.has_value()) +
                    int(group.MixedInstancesPolicy.has_value());
  if (given != 1) return fail("ValidationError", "{}", kOneConfiguration);
  if (group.LaunchConfigurationName) {
    BRUME_CHECK(find_configuration(state_, *group.LaunchConfigurationName));
    return {};
  }
  const auto complete = [&](LaunchTemplateSpecification& launch) -> Result<void> {
    ec2::DescribeLaunchTemplateVersionsRequest versions;
    // A group that is there has both; the id is the one that stays.
    versions.LaunchTemplateId = launch.LaunchTemplateId;
    if (!launch.LaunchTemplateId) versions.LaunchTemplateName = launch.LaunchTemplateName;
    versions.Versions = {launch.Version.value_or("$Default")};
    const auto described = ec2_.DescribeLaunchTemplateVersions(call, versions);
    if (!described || described->LaunchTemplateVersions.empty())
      return fail("ValidationError", "You must use a valid fully-formed launch template. {}",
                  described ? "The version does not exist" : described.error().message);
    launch.LaunchTemplateId = described->LaunchTemplateVersions.front().LaunchTemplateId;
    launch.LaunchTemplateName = described->LaunchTemplateVersions.front().LaunchTemplateName;
    const auto& data = described->LaunchTemplateVersions.front().LaunchTemplateData;
    if (group.MixedInstancesPolicy && data && data->InstanceMarketOptions)
      return fail("InvalidQueryParameter", "{}", kSpotTemplate);
    return {};
  };
  if (group.LaunchTemplate) return complete(*group.LaunchTemplate);
  if (group.WarmPoolConfiguration)
    return fail("ValidationError", "The Auto Scaling group {} has a warm pool and cannot have a mixed instances policy",
                *group.AutoScalingGroupName);
  BRUME_CHECK(check_mixed(*group.MixedInstancesPolicy));
  LaunchTemplate& mixed = *group.MixedInstancesPolicy->LaunchTemplate;
  BRUME_CHECK(complete(*mixed.LaunchTemplateSpecification));
  for (LaunchTemplateOverrides& one : mixed.Overrides)
    if (one.LaunchTemplateSpecification) BRUME_CHECK(complete(*one.LaunchTemplateSpecification));
  return {};
}

Result<ec2::RunInstancesRequest> Launches::launch_request(const GroupRecord& record, const LaunchOption& option,
                                                          const std::string& zone) {
  const aws::Call call = context_.call("autoscaling");
  ec2::RunInstancesRequest request;
  request.MinCount = request.MaxCount = 1;
  if (const auto& configuration = record.group.LaunchConfigurationName) {
    BRUME_TRY(found, find_configuration(state_, *configuration));
    request = launch_of(*found);
  } else {
    ec2::LaunchTemplateSpecification& launch_template = request.LaunchTemplate.emplace();
    launch_template.LaunchTemplateId = option.launch_template.LaunchTemplateId;
    launch_template.Version = option.launch_template.Version.value_or("$Default");
    if (option.type) request.InstanceType = option.type;
    if (option.spot) {
      request.InstanceMarketOptions.emplace().MarketType = "spot";
      const auto& distribution = record.group.MixedInstancesPolicy->InstancesDistribution;
      if (distribution->SpotMaxPrice)
        request.InstanceMarketOptions->SpotOptions.emplace().MaxPrice = distribution->SpotMaxPrice;
    }
  }
  // A subnet of the zone; without subnets the zone's default one.
  std::string subnet;
  std::istringstream subnets(record.group.VPCZoneIdentifier.value_or(""));
  ec2::DescribeSubnetsRequest unknown;
  std::vector<std::string> ids;
  for (std::string id; std::getline(subnets, id, ',');) {
    std::erase(id, ' ');
    if (!zone_of_subnet_.contains(id)) unknown.SubnetIds.push_back(id);
    ids.push_back(std::move(id));
  }
  if (!unknown.SubnetIds.empty()) {
    BRUME_TRY(described, ec2_.DescribeSubnets(call, unknown));
    for (const ec2::Subnet& s : described.Subnets) zone_of_subnet_[*s.SubnetId] = *s.AvailabilityZone;
  }
  if (!ids.empty()) {
    for (const std::string& id : ids)
      if (const auto found = zone_of_subnet_.find(id); found != zone_of_subnet_.end() && found->second == zone)
        subnet = id;
    (request.NetworkInterfaces.empty() ? request.SubnetId : request.NetworkInterfaces.front().SubnetId) = subnet;
  } else {
    request.Placement.emplace().AvailabilityZone = zone;
  }
  ec2::TagSpecification& tags = request.TagSpecifications.emplace_back();
  tags.ResourceType = "instance";
  for (const TagDescription& tag : record.group.Tags)
    if (*tag.PropagateAtLaunch) tags.Tags.push_back({tag.Key, tag.Value});
  tags.Tags.push_back({"aws:autoscaling:groupName", record.group.AutoScalingGroupName});
  return request;
}

Result<void> Launches::try_launch(const GroupRecord& record) {
  std::vector<LaunchOption> options = launch_options(record.group);
  if (record.group.MixedInstancesPolicy) {
    auto found = with_types(context_, ec2_, std::move(options));
    if (!found) return fail("ValidationError", "{}", found.error().message);
    if (found->empty())
      return fail("ValidationError",
                  "No instance type that Brume offers has what the InstanceRequirements of the Auto Scaling group {} "
                  "ask for (aws ec2 get-instance-types-from-instance-requirements shows which do)",
                  *record.group.AutoScalingGroupName);
    options = *std::move(found);
  }
  if (const auto& mixed = record.group.MixedInstancesPolicy;
      mixed && *mixed->InstancesDistribution->OnDemandPercentageAboveBaseCapacity < 100)
    for (std::size_t i = 0, count = options.size(); i < count; ++i) {
      options.push_back(options[i]);
      options.back().spot = true;
    }
  for (const LaunchOption& option : options) {
    BRUME_TRY(request, launch_request(record, option, record.group.AvailabilityZones.front()));
    // Whether there is room now is another question.
    request.DryRun = true;
    const auto tried =
        context_.store.transact([&] { return ec2_.RunInstances(context_.call("autoscaling"), request); });
    if (tried || tried.error().code == "DryRunOperation") continue;
    if (record.group.LaunchConfigurationName)
      return fail("ValidationError", "The launch configuration {} cannot be launched: {}",
                  *record.group.LaunchConfigurationName, tried.error().message);
    return fail("ValidationError", "You must use a valid fully-formed launch template. {}", tried.error().message);
  }
  return {};
}

std::string Launches::launch_cause(const GroupRecord& record, int units) const {
  const std::string& name = *record.group.AutoScalingGroupName;
  const Timestamp now = context_.env.clock.wall();
  const int capacity = capacity_of(name);
  const std::string grows = at(now, launch_sentence(capacity, capacity + units));
  if (!record.cause.empty()) return record.cause + "  " + grows;
  const bool replaces = std::ranges::any_of(
      members_of(name), [](const MemberRecord* member) { return member->instance.HealthStatus == "Unhealthy"; });
  if (replaces) return at(now, replacement_launch_sentence());
  return active_refresh(state_, name) ? at(now, refresh_launch_sentence()) : grows;
}

Result<void> Launches::launch_instance(const GroupRecord& group, const std::string& zone, Into where) {
  const GroupRecord record = as_launched(state_, group);
  const std::string name = *record.group.AutoScalingGroupName;
  const bool warms = where == Into::pool;
  const LaunchOption option = next_option(record.group, zone);
  BRUME_TRY(request, launch_request(record, option, zone));
  BRUME_TRY(reservation, ec2_.RunInstances(context_.call("autoscaling"), request));
  const ec2::Instance& instance = reservation.Instances.front();

  const Timestamp now = context_.env.clock.wall();
  MemberRecord member;
  member.refresh = launching_refresh(state_, name);
  member.group = name;
  const auto& interfaces = request.NetworkInterfaces;
  const std::string subnet = (interfaces.empty() ? request.SubnetId : interfaces.front().SubnetId).value_or("");
  member.subnet = subnet;
  member.created = now;
  member.instance.InstanceId = instance.InstanceId;
  member.instance.InstanceType = instance.InstanceType;
  member.instance.AvailabilityZone = zone;
  // Its hooks begin with it, so that what it runs first can already complete them.
  member.actions = begin_actions(state_, name, kLaunching);
  member.instance.LifecycleState =
      fmt::format("{}{}", warms ? "Warmed:" : "", member.actions.empty() ? "Pending" : "Pending:Wait");
  member.instance.HealthStatus = "Healthy";
  member.instance.ProtectedFromScaleIn = record.group.NewInstancesProtectedFromScaleIn;
  member.instance.WeightedCapacity = option.weight;
  member.spot = instance.InstanceLifecycle == "spot";  // by the option, or by a template of its own
  if (!record.group.LaunchConfigurationName) member.instance.LaunchTemplate = option.launch_template;
  member.instance.LaunchConfigurationName = record.group.LaunchConfigurationName;
  if (const auto& configuration = record.group.LaunchConfigurationName)
    member.configuration_created = state_.configurations.find(*configuration)->CreatedTime;
  for (const ec2::Tag& tag : instance.Tags)
    if (member.instance.LaunchTemplate && tag.Key == "aws:ec2launchtemplate:version")
      member.instance.LaunchTemplate->Version = tag.Value;
  member.activity = begin_activity(
      name, warms ? into_pool_description(*instance.InstanceId) : launch_description(*instance.InstanceId),
      warms ? at(now, pool_launch_sentence()) : launch_cause(record, option.units),
      member.actions.empty() ? "PreInService" : "MidLifecycleAction", 30, zone, subnet);
  put_member(member);
  announce(name);
  return {};
}

bool Launches::may_launch(const std::string& group) const {
  return pause_left(group) <= env::Duration::zero();
}

env::Duration Launches::pause_left(const std::string& group) const {
  const auto pause = pauses_.find(group);
  return pause == pauses_.end() ? env::Duration::zero() : pause->second.until - context_.env.clock.now();
}

std::set<std::string> Launches::failing_zones(const std::string& group) const {
  std::set<std::string> zones;
  if (const auto pause = pauses_.find(group); pause != pauses_.end())
    for (const auto& [zone, until] : pause->second.failing_zones)
      if (context_.env.clock.now() < until) zones.insert(zone);
  return zones;
}

std::set<Pool> Launches::full_pools(const std::string& group) const {
  std::set<Pool> pools;
  if (const auto pause = pauses_.find(group); pause != pauses_.end())
    for (const auto& [pool, until] : pause->second.full_pools)
      if (context_.env.clock.now() < until) pools.insert(pool);
  return pools;
}

std::vector<Holding> Launches::holdings(const std::string& group) const {
  std::vector<Holding> present;
  for (const MemberRecord* member : members_of(group)) {
    const Instance& instance = member->instance;
    if (!member->replacing.empty() || (!is_pending(*instance.LifecycleState) && instance.LifecycleState != "InService"))
      continue;
    present.push_back({.zone = *instance.AvailabilityZone,
                       .type = *instance.InstanceType,
                       .units = services::units_of(instance),
                       .spot = member->spot,
                       .is_protected = instance.ProtectedFromScaleIn.value_or(false)});
  }
  return present;
}

std::set<std::string> Launches::noticed(const std::string& group) {
  std::set<std::string> ids;
  if (std::ranges::none_of(members_of(group), &MemberRecord::spot)) return ids;
  ec2::DescribeSpotInstanceRequestsRequest request;
  request.Filters = {{"status-code", {"marked-for-termination"}}};
  if (const auto described = ec2_.DescribeSpotInstanceRequests(context_.call("autoscaling"), request))
    for (const ec2::SpotInstanceRequest& one : described->SpotInstanceRequests) ids.insert(*one.InstanceId);
  return ids;
}

void Launches::learn_sizes(std::span<const LaunchOption> options) {
  ec2::DescribeInstanceTypesRequest request;
  for (const LaunchOption& option : options)
    if (option.type && !sizes_.contains(*option.type)) request.InstanceTypes.push_back(*option.type);
  if (request.InstanceTypes.empty()) return;
  // A group is not made with types that EC2 does not have; if it had one all the same, its place is the last.
  if (const auto described = ec2_.DescribeInstanceTypes(context_.call("autoscaling"), request))
    for (const ec2::InstanceTypeInfo& type : described->InstanceTypes)
      sizes_[*type.InstanceType] = {*type.MemoryInfo->SizeInMiB, *type.VCpuInfo->DefaultVCpus};
}

std::vector<LaunchOption> Launches::options_of(const AutoScalingGroup& group) {
  std::vector<LaunchOption> options = launch_options(group);
  if (!group.MixedInstancesPolicy) return options;
  // Where EC2 names none any more a launch says so: the options are left as they are.
  if (auto found = with_types(context_, ec2_, options); found && !found->empty()) return *std::move(found);
  return options;
}

std::vector<LaunchOption> Launches::options_in(const AutoScalingGroup& group, bool spot, const std::string& zone) {
  std::vector<LaunchOption> options = options_of(group);
  if (!group.MixedInstancesPolicy) return options;
  const InstancesDistribution& distribution = *group.MixedInstancesPolicy->InstancesDistribution;
  if (needs_sizes(distribution, spot, options)) learn_sizes(options);
  return in_order(std::move(options), distribution, spot, sizes_, holdings(*group.AutoScalingGroupName), zone);
}

LaunchOption Launches::next_option(const AutoScalingGroup& group, const std::string& zone) {
  const std::string& name = *group.AutoScalingGroupName;
  const bool spot = group.MixedInstancesPolicy && next_is_spot(*group.MixedInstancesPolicy->InstancesDistribution,
                                                               *group.DesiredCapacity, holdings(name));
  return choose_option(options_in(group, spot, zone), zone, full_pools(name));
}

void Launches::back_off(const std::string& group) {
  Pause& pause = pauses_[group];
  pause.length = std::min<env::Duration>(std::max<env::Duration>(pause.length * 2, kFirstBackOff), kLongestBackOff);
  pause.until = context_.env.clock.now() + pause.length;
}

void Launches::succeeded(const std::string& group) {
  if (const auto pause = pauses_.find(group); pause != pauses_.end()) pause->second.length = env::Duration::zero();
}

bool Launches::try_another(const std::string& group, const Pool& pool, std::string_view code) {
  const GroupRecord* record = groups_.find(group);
  if (record && lacks_capacity(code)) {
    std::vector<LaunchOption> options = options_of(as_launched(state_, *record).group);
    for (LaunchOption& option : options) option.spot = pool.spot;
    if (options.size() > 1) {
      const env::MonotonicTime until = context_.env.clock.now() + kFullFor;
      Pause& pause = pauses_[group];
      pause.full_pools[pool] = until;
      if (!is_full(options, pool.zone, full_pools(group))) return true;
      pause.failing_zones[pool.zone] = until;
    }
  }
  back_off(group);
  return false;
}

void Launches::launch_failed(const std::string& name, const std::string& zone, const Error& error) {
  const LaunchOption option = next_option(as_launched(state_, *groups_.find(name)).group, zone);
  if (!try_another(name, {zone, option.type.value_or(""), option.spot}, error.code))
    pauses_[name].failing_zones[zone] = context_.env.clock.now() + kLongestBackOff;
  const auto told = context_.store.transact([&]() -> Result<void> {
    const GroupRecord* record = groups_.find(name);
    const int capacity = capacity_of(name);
    std::string cause = record->cause;
    if (!cause.empty()) cause += "  ";
    cause += at(context_.env.clock.wall(), launch_sentence(capacity, capacity + option.units));
    end_activity(begin_activity(name, launch_description(""), cause, "InProgress", 0, zone, ""), false,
                 launch_failure_message(error.message));
    announce(name);
    return {};
  });
  if (!told) log_warning("group {}: a failed launch could not be recorded: {}", name, told.error().message);
}

}  // namespace brume::autoscaling
