// Groups that are made after an instance: it gives them a launch configuration of the group's name and, where the
// request says nothing, their subnet. Its tags and target groups are not theirs, and it is none of their instances.
//
// Source: Auto Scaling user guide, "Create an Auto Scaling group using parameters from an existing instance".
#include "services/autoscaling/group.h"
#include "services/autoscaling/launch_configurations.h"
#include "services/autoscaling/texts.h"

namespace brume::autoscaling {

Result<CreateAutoScalingGroupType> GroupOperations::based_on_instance(const Call& call,
                                                                      const CreateAutoScalingGroupType& request) {
  if (request.LaunchTemplate || request.LaunchConfigurationName || request.MixedInstancesPolicy)
    return fail("ValidationError", "{}", kOneConfiguration);
  const std::string& id = *request.InstanceId;
  BRUME_TRY(instance, running_instance(ec2_, call, id));
  if (const auto member = find_member(id))
    return fail("ValidationError", "The instance {} is already part of the Auto Scaling group {}", id,
                (*member)->group);
  CreateLaunchConfigurationType configuration;
  configuration.LaunchConfigurationName = request.AutoScalingGroupName;
  configuration.InstanceId = id;
  BRUME_CHECK(CreateLaunchConfiguration(call, configuration));
  CreateAutoScalingGroupType based = request;
  based.InstanceId.reset();
  based.LaunchConfigurationName = request.AutoScalingGroupName;
  if (!request.VPCZoneIdentifier) based.VPCZoneIdentifier = instance.SubnetId;
  return based;
}

}  // namespace brume::autoscaling
