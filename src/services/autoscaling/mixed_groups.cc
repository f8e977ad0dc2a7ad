// What mixed instances policies ask of a group: weights of the instances that are there, versions of several templates,
// and where EC2 had no room for a type.
#include "services/autoscaling/service.h"

namespace brume::autoscaling {
namespace {

// A type is not tried again for so long in a zone where EC2 had no room for it.
constexpr std::chrono::seconds kFullFor{60};

}  // namespace

Result<void> Service::reweigh(const AutoScalingGroup& group) {
  for (const MemberRecord* found : members_of(*group.AutoScalingGroupName)) {
    if (is_terminating(*found->instance.LifecycleState)) continue;
    BRUME_TRY(weight, reweighed(group.MixedInstancesPolicy, found->instance));
    if (weight == found->instance.WeightedCapacity) continue;
    MemberRecord member = *found;
    member.instance.WeightedCapacity = weight;
    put_member(member);
  }
  return {};
}

Result<std::string> Service::version_number(const LaunchTemplateSpecification& launch) const {
  std::string version = launch.Version.value_or("$Default");
  if (!version.starts_with('$')) return version;
  ec2::DescribeLaunchTemplateVersionsRequest versions;
  versions.LaunchTemplateId = launch.LaunchTemplateId;
  versions.Versions = {version};
  BRUME_TRY(described, ec2_.DescribeLaunchTemplateVersions(context_.call("autoscaling"), versions));
  if (described.LaunchTemplateVersions.empty())
    return fail("ValidationError", "The launch template {} has no version {}", launch.LaunchTemplateId.value_or(""),
                version);
  return std::to_string(*described.LaunchTemplateVersions.front().VersionNumber);
}

std::vector<LaunchOption> Service::numbered(std::vector<LaunchOption> options) const {
  for (LaunchOption& option : options)
    if (const auto version = version_number(option.launch_template)) option.launch_template.Version = *version;
  return options;
}

Result<void> Service::number_versions(MixedInstancesPolicy& policy) const {
  LaunchTemplate& launch = *policy.LaunchTemplate;
  BRUME_TRY(base, version_number(*launch.LaunchTemplateSpecification));
  launch.LaunchTemplateSpecification->Version = base;
  for (LaunchTemplateOverrides& one : launch.Overrides) {
    if (!one.LaunchTemplateSpecification) continue;
    BRUME_TRY(own, version_number(*one.LaunchTemplateSpecification));
    one.LaunchTemplateSpecification->Version = own;
  }
  return {};
}

std::set<Pool> Service::full_pools(const std::string& group) const {
  std::set<Pool> found;
  const auto watch = watches_.find(group);
  if (watch == watches_.end()) return found;
  for (const auto& [pool, until] : watch->second.full_pools)
    if (context_.env.clock.now() < until) found.insert(pool);
  return found;
}

bool Service::try_another(const std::string& group, const Pool& pool, std::string_view code) {
  const GroupRecord* record = groups_.find(group);
  if (record && lacks_capacity(code)) {
    const std::vector<LaunchOption> options = launch_options(as_launched(*record).group);
    const env::MonotonicTime until = context_.env.clock.now() + kFullFor;
    Watch& watch = watches_[group];
    if (options.size() > 1) {
      watch.full_pools[pool] = until;
      if (!is_full(options, pool.first, full_pools(group))) return true;
      watch.failing_zones[pool.first] = until;
    }
  }
  back_off(group);
  return false;
}

}  // namespace brume::autoscaling
