#include "services/cloudformation/resources/type.h"

#include <algorithm>
#include <map>

namespace brume::cloudformation::resources {

const Shape* json_shape() {
  static constexpr Shape shape{.kind = Kind::map, .name = "Json"};
  return &shape;
}

const Property* ResourceType::find(std::string_view property_name) const {
  const auto found = std::ranges::find_if(properties, [&](const Property& p) { return p.name == property_name; });
  return found == properties.end() ? nullptr : &*found;
}

bool ResourceType::is_live(std::string_view attribute) const {
  return std::ranges::any_of(live, [&](const char* one) { return attribute == one; });
}

namespace {

const std::map<std::string_view, const ResourceType*>& registry() {
  static const auto types = [] {
    std::map<std::string_view, const ResourceType*> out;
    for (const auto& group :
         {ec2_network_types(), ec2_address_types(), ec2_gateway_types(), ec2_interface_types(), ec2_observation_types(),
          ec2_security_types(), ec2_instance_types(), autoscaling_types(), scaling_types(), cloudwatch_types(),
          logs_types(), elbv2_types(), iam_types(), ssm_types()})
      for (const ResourceType& type : group) out[type.name] = &type;
    return out;
  }();
  return types;
}

}  // namespace

const ResourceType* find_type(std::string_view name) {
  const auto found = registry().find(name);
  return found == registry().end() ? nullptr : found->second;
}

std::vector<const ResourceType*> all_types() {
  std::vector<const ResourceType*> out;
  for (const auto& [name, type] : registry()) out.push_back(type);
  return out;
}

bool not_found(const Error& error) {
  return error.code.contains("NotFound") || error.code.contains("NoSuchEntity") || error.code.contains("NotAttached") ||
         (error.code == "ValidationError" && error.message.contains("not found"));
}

bool may_pass(const Error& error) {
  for (const std::string_view part :
       {"DependencyViolation", "InUse", "DeleteConflict", "InProgress", "IncorrectState", "IncorrectInstanceState",
        "Throttling", "RequestLimitExceeded", "InternalFailure", "ResourceContention"})
    if (error.code.contains(part)) return true;
  return false;
}

}  // namespace brume::cloudformation::resources
