// What a launch really asks for: the request laid over its launch template.
//
// As AWS documents RunInstances: what the request says overrides the template; block devices are merged by device name,
// interfaces by device index, tags by key. Pure.
#pragma once

#include "base/result.h"
#include "ec2/shapes.h"

namespace brume::ec2 {

Result<RunInstancesRequest> merge_template(const RunInstancesRequest& request, const ResponseLaunchTemplateData& data);

// Refuses by name what the model accepts and Brume cannot do. Errors: UnsupportedOperation.
Result<void> check_supported(const RunInstancesRequest& request);

// Checks a base64 text of user data and its size. Errors: InvalidParameterValue, InvalidUserData.Malformed.
Result<void> check_user_data(const std::string& base64);

}  // namespace brume::ec2
