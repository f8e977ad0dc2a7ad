#include "services/autoscaling/template_versions.h"

namespace brume::autoscaling {

Result<std::string> version_number(const services::Context& context, ec2::Api& ec2,
                                   const LaunchTemplateSpecification& launch) {
  std::string version = launch.Version.value_or("$Default");
  if (!version.starts_with('$')) return version;
  ec2::DescribeLaunchTemplateVersionsRequest versions;
  versions.LaunchTemplateId = launch.LaunchTemplateId;
  versions.Versions = {version};
  BRUME_TRY(described, ec2.DescribeLaunchTemplateVersions(context.call("autoscaling"), versions));
  if (described.LaunchTemplateVersions.empty())
    return fail("ValidationError", "The launch template {} has no version {}", launch.LaunchTemplateId.value_or(""),
                version);
  return std::to_string(*described.LaunchTemplateVersions.front().VersionNumber);
}

Result<void> number_versions(const services::Context& context, ec2::Api& ec2, MixedInstancesPolicy& policy) {
  LaunchTemplate& launch = *policy.LaunchTemplate;
  BRUME_TRY(base, version_number(context, ec2, *launch.LaunchTemplateSpecification));
  launch.LaunchTemplateSpecification->Version = base;
  for (LaunchTemplateOverrides& one : launch.Overrides) {
    if (!one.LaunchTemplateSpecification) continue;
    BRUME_TRY(own, version_number(context, ec2, *one.LaunchTemplateSpecification));
    one.LaunchTemplateSpecification->Version = own;
  }
  return {};
}

std::vector<LaunchOption> numbered(const services::Context& context, ec2::Api& ec2, std::vector<LaunchOption> options) {
  for (LaunchOption& option : options)
    if (const auto version = version_number(context, ec2, option.launch_template))
      option.launch_template.Version = *version;
  return options;
}

}  // namespace brume::autoscaling
