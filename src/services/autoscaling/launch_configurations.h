// Launch configurations: made, described, deleted.
//
// One never changes, and stays while a group has it. Leaves to others: what one may say and what EC2 is asked for by it
// (launch_configuration.h), launching (launch.h).
#pragma once

#include <string>

#include "autoscaling/api.h"
#include "ec2/api.h"
#include "services/autoscaling/group_state.h"

namespace brume::autoscaling {

constexpr std::size_t kMaxConfigurations = 200;  // quota "Launch configurations per Region"

// Error: ValidationError "Launch configuration name not found - …".
Result<const LaunchConfiguration*> find_configuration(const GroupState& state, const std::string& name);

// One that is to be copied. Error: ValidationError, also if it does not run.
Result<ec2::Instance> running_instance(ec2::Api& ec2, const aws::Call& call, const std::string& id);

class LaunchConfigurationOperations : public virtual Api, protected GroupPart {
 public:
  LaunchConfigurationOperations(GroupState& state, ec2::Api& ec2) : GroupPart(state), ec2_(ec2) {}

  Result<void> CreateLaunchConfiguration(const Call&, const CreateLaunchConfigurationType&) override;
  Result<LaunchConfigurationsType> DescribeLaunchConfigurations(const Call&,
                                                                const LaunchConfigurationNamesType&) override;
  Result<void> DeleteLaunchConfiguration(const Call&, const LaunchConfigurationNameType&) override;

 private:
  ec2::Api& ec2_;
};

}  // namespace brume::autoscaling
