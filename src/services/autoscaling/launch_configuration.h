// What a launch configuration may say, and what EC2 is asked for by one.
//
// Pure. A launch configuration never changes once it is made, so what it is refused for, it is refused for when it is
// made. Sources: Auto Scaling API reference, CreateLaunchConfiguration; user guide, "Launch configurations". Leaves to
// others: where an instance is launched and its tags (launch.cc), whether what is named exists
// (launch_configurations.cc), and what EC2 itself refuses, such as second volumes.
#pragma once

#include <string>

#include "autoscaling/shapes.h"
#include "base/result.h"
#include "ec2/shapes.h"

namespace brume::autoscaling {

// What the request leaves out of it, by the instance: all that a launch configuration can say of one, but its block
// devices, which are the image's. `user_data` is base64. Source: user guide, "Create a launch configuration using an
// EC2 instance".
CreateLaunchConfigurationType completed_by(CreateLaunchConfigurationType request, const ec2::Instance& instance,
                                           const std::string& user_data);

// As it is kept and shown: with AWS's defaults (detailed monitoring, no EBS optimization). Without ARN and time.
// Errors: ValidationError; UnsupportedOperation for what Brume cannot do, by name.
Result<LaunchConfiguration> checked_configuration(const CreateLaunchConfigurationType& request);

// One instance by the configuration, anywhere. With AssociatePublicIpAddress, its groups are those of its network
// interface, which is then the place for a subnet, too.
ec2::RunInstancesRequest launch_of(const LaunchConfiguration& configuration);

}  // namespace brume::autoscaling
