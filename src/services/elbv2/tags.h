// Names and tags, as all resources of ELBv2 have them.
#pragma once

#include <string>
#include <string_view>

#include "base/result.h"
#include "elbv2/shapes.h"

namespace brume::elbv2 {

// The name of a load balancer or target group. Error: ValidationError.
Result<void> check_resource_name(const std::string& name, std::string_view what);

// Adds `added` to `tags`, replacing values of keys that are there. Errors: TooManyTags (50), DuplicateTagKeys.
Result<void> merge_tags(List<Tag>& tags, const List<Tag>& added);

}  // namespace brume::elbv2
