// What an instance refresh is to bring a group to, and what of that it launches by.
#include "services/autoscaling/mixed_instances.h"
#include "services/autoscaling/refresh.h"
#include "services/autoscaling/template_versions.h"

namespace brume::autoscaling {

Result<void> RefreshOperations::take_desired(const Call& call, const GroupRecord& group,
                                             const DesiredConfiguration& desired, RefreshRecord& refresh) {
  if (desired.LaunchTemplate.has_value() == desired.MixedInstancesPolicy.has_value())
    return fail("ValidationError",
                "The desired configuration must specify either a launch template or a mixed instances policy");
  GroupRecord changed = group;
  changed.group.LaunchConfigurationName.reset();
  changed.group.LaunchTemplate = desired.LaunchTemplate;
  if (const auto& launch = desired.LaunchTemplate) {
    if (launch->LaunchTemplateId && launch->LaunchTemplateName)
      return fail("ValidationError", "Valid requests must contain either launchTemplateId or LaunchTemplateName");
    changed.group.MixedInstancesPolicy.reset();
  } else {
    BRUME_CHECK(check_template_names(*desired.MixedInstancesPolicy));
    changed.group.MixedInstancesPolicy = merged(group.group.MixedInstancesPolicy, *desired.MixedInstancesPolicy);
  }
  // Sizes cannot be in units for some of a group's instances only.
  if (is_weighted(changed.group.MixedInstancesPolicy) != is_weighted(group.group.MixedInstancesPolicy))
    return fail("UnsupportedOperation",
                "Brume's instance refreshes do not give a group weights or take them back: update the group with its "
                "weights and sizes first");
  BRUME_CHECK(launches_.check_configuration(call, changed.group));
  BRUME_CHECK(launches_.try_launch(changed));
  DesiredConfiguration& shown = refresh.refresh.DesiredConfiguration.emplace();
  shown.LaunchTemplate = refresh.launch_template = changed.group.LaunchTemplate;
  shown.MixedInstancesPolicy = refresh.mixed = changed.group.MixedInstancesPolicy;
  // All of a refresh's instances are of one version, whatever "$Latest" is meanwhile.
  if (refresh.mixed) return number_versions(context_, ec2_, *refresh.mixed);
  BRUME_TRY(version, version_number(context_, ec2_, *refresh.launch_template));
  refresh.launch_template->Version = version;
  return {};
}

}  // namespace brume::autoscaling
