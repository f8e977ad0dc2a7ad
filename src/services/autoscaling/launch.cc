#include "services/autoscaling/launch.h"

#include <algorithm>
#include <sstream>

#include "base/log.h"
#include "services/autoscaling/hooks.h"
#include "services/autoscaling/launch_configuration.h"
#include "services/autoscaling/launch_configurations.h"
#include "services/autoscaling/refresh_state.h"
#include "services/autoscaling/texts.h"

namespace brume::autoscaling {
namespace {

using std::chrono::seconds;

constexpr seconds kFirstBackOff{1};
constexpr seconds kLongestBackOff{60};
// A type is not tried again for so long in a zone where EC2 had no room for it.
constexpr seconds kFullFor{60};

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
  for (const LaunchOption& option : launch_options(record.group)) {
    BRUME_TRY(request, launch_request(record, option, record.group.AvailabilityZones.front()));
    bool launched = false;
    const auto tried = context_.store.transact([&]() -> Result<void> {
      BRUME_CHECK(ec2_.RunInstances(context_.call("autoscaling"), request));
      launched = true;
      return fail("DryRunOperation", "Taken back with its transaction");
    });
    if (launched) continue;
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
  const std::vector<LaunchOption> options = launch_options(record.group);
  const LaunchOption& option = choose_option(options, zone, full_pools(name));
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
    const std::vector<LaunchOption> options = launch_options(as_launched(state_, *record).group);
    if (options.size() > 1) {
      const env::MonotonicTime until = context_.env.clock.now() + kFullFor;
      Pause& pause = pauses_[group];
      pause.full_pools[pool] = until;
      if (!is_full(options, pool.first, full_pools(group))) return true;
      pause.failing_zones[pool.first] = until;
    }
  }
  back_off(group);
  return false;
}

void Launches::launch_failed(const std::string& name, const std::string& zone, const Error& error) {
  const std::vector<LaunchOption> options = launch_options(as_launched(state_, *groups_.find(name)).group);
  const LaunchOption option = choose_option(options, zone, full_pools(name));
  if (!try_another(name, {zone, option.type.value_or("")}, error.code))
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
