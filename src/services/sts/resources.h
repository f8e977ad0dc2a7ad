// Which resources a call is about, as far as its input tells: for policies that name some.
//
// Pure. Only for operations where the input tells all of them; of any other the resource is not known, and a policy
// must then speak of all ("*"). Describe* of EC2, Auto Scaling and Elastic Load Balancing has no resource, as on AWS.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "aws/model.h"

namespace brume::sts {

// ARNs, or "*" for none; nothing where they are not known. Never empty.
std::vector<std::optional<std::string>> resources_of(const aws::ServiceModel& service, const aws::Operation& operation,
                                                     const void* input, const std::string& region);

// The string member of an input, if it has that member and it is present. Structures are reached into with dots.
std::optional<std::string> text_member(const aws::Operation& operation, const void* input, std::string_view path);
bool has_member(const aws::Operation& operation, const void* input, std::string_view name);

}  // namespace brume::sts
