// Tags of groups: they belong to a group and may go with the instances that it launches.
#pragma once

#include "autoscaling/shapes.h"
#include "base/result.h"

namespace brume::autoscaling {

// Adds `added` to `tags` of the group, replacing values of keys that are there. Error: ValidationError, LimitExceeded.
Result<void> merge_tags(List<TagDescription>& tags, const List<Tag>& added, const std::string& group);

// tag-key, tag-value, tag:<key>
bool is_tag_filter(const Filter& filter);
bool matches_tags(const Filter& filter, const List<TagDescription>& tags);

}  // namespace brume::autoscaling
