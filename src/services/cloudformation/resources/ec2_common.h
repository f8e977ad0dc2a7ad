// What the EC2 types share.
#pragma once

#include "services/cloudformation/resources/apis.h"
#include "services/cloudformation/resources/properties.h"

namespace brume::cloudformation::resources {

// Tags a new resource. `id` is what EC2 calls it where that is not its physical id.
Result<void> tag_ec2(Work& work, const Instance& instance);
Result<void> tag_ec2(Work& work, const Instance& instance, const std::string& id);
// Brings its tags from `before` to the instance's.
Result<void> retag_ec2(Work& work, Instance& instance, const Value& before);
Result<void> retag_ec2(Work& work, const Instance& instance, const Value& before, const std::string& id);
List<ec2::Filter> ec2_filter(std::string name, std::string value);
// Records an attribute; an absent value as "".
void set_attribute(Instance& instance, std::string name, const std::optional<std::string>& value);
void set_attribute(Instance& instance, std::string name, const std::vector<std::string>& values);

}  // namespace brume::cloudformation::resources
