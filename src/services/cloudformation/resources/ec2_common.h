// What the EC2 types share.
#pragma once

#include "services/cloudformation/resources/apis.h"
#include "services/cloudformation/resources/properties.h"

namespace brume::cloudformation::resources {

// Tags a new resource.
Result<void> tag_ec2(Work& work, const Instance& instance);
// Brings its tags from `before` to the instance's.
Result<void> retag_ec2(Work& work, Instance& instance, const Value& before);
List<ec2::Filter> ec2_filter(std::string name, std::string value);
// Records an attribute; an absent value as "".
void set_attribute(Instance& instance, std::string name, const std::optional<std::string>& value);

}  // namespace brume::cloudformation::resources
