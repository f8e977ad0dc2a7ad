// The numbers of launch templates' versions, whatever "$Latest" and "$Default" are now.
//
// Leaves to others: which templates a group launches from (mixed_instances.h).
#pragma once

#include <string>
#include <vector>

#include "ec2/api.h"
#include "services/autoscaling/mixed_instances.h"
#include "services/common/context.h"

namespace brume::autoscaling {

// Of a template that is named by its id. Errors: EC2's, ValidationError for a version that does not exist.
Result<std::string> version_number(const services::Context& context, ec2::Api& ec2,
                                   const LaunchTemplateSpecification& launch);
// In all templates of the policy. Errors: as above.
Result<void> number_versions(const services::Context& context, ec2::Api& ec2, MixedInstancesPolicy& policy);
// In all options; one whose template is gone stays as it is.
std::vector<LaunchOption> numbered(const services::Context& context, ec2::Api& ec2, std::vector<LaunchOption> options);

}  // namespace brume::autoscaling
