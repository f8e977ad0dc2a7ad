#include "services/autoscaling/types_by_requirements.h"

#include <algorithm>

#include "base/json.h"

namespace brume::autoscaling {
namespace {

// The template's own requirements, if it names no type.
Result<std::optional<ec2::InstanceRequirementsRequest>> requirements_of(const services::Context& context, ec2::Api& ec2,
                                                                        const LaunchTemplateSpecification& launch) {
  ec2::DescribeLaunchTemplateVersionsRequest versions;
  versions.LaunchTemplateId = launch.LaunchTemplateId;
  versions.Versions = {launch.Version.value_or("$Default")};
  BRUME_TRY(described, ec2.DescribeLaunchTemplateVersions(context.call("autoscaling"), versions));
  if (described.LaunchTemplateVersions.empty()) return std::nullopt;
  const auto& data = described.LaunchTemplateVersions.front().LaunchTemplateData;
  if (!data || !data->InstanceRequirements) return std::nullopt;
  BRUME_TRY(wanted, from_json<ec2::InstanceRequirementsRequest>(to_json(*data->InstanceRequirements)));
  return wanted;
}

}  // namespace

Result<std::vector<LaunchOption>> with_types(const services::Context& context, ec2::Api& ec2,
                                             std::vector<LaunchOption> options) {
  std::vector<LaunchOption> all;
  for (LaunchOption& option : options) {
    std::optional<ec2::InstanceRequirementsRequest> wanted;
    if (option.requirements) {
      // EC2's shape has the members of Auto Scaling's, under the same names.
      BRUME_TRY(own, from_json<ec2::InstanceRequirementsRequest>(to_json(*option.requirements)));
      wanted = own;
    } else if (!option.type) {
      BRUME_TRY(found, requirements_of(context, ec2, option.launch_template));
      wanted = found;
    }
    if (!wanted) {
      all.push_back(std::move(option));
      continue;
    }
    ec2::GetInstanceTypesFromInstanceRequirementsRequest request;
    request.ArchitectureTypes = {"x86_64"};
    request.VirtualizationTypes = {"hvm"};
    request.InstanceRequirements = std::move(wanted);
    BRUME_TRY(found, ec2.GetInstanceTypesFromInstanceRequirements(context.call("autoscaling"), request));
    for (const auto& type : found.InstanceTypes) {
      // Sets of requirements may overlap: the first that a type has is the one that it is launched by.
      if (std::ranges::any_of(all, [&](const LaunchOption& o) { return o.type == type.InstanceType; })) continue;
      all.push_back(option);
      all.back().type = type.InstanceType;
      all.back().requirements.reset();
      all.back().by_requirements = true;
    }
  }
  return all;
}

}  // namespace brume::autoscaling
