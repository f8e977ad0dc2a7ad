// What the stack engine knows about a resource type: its properties, its attributes and how it comes and goes.
//
// A type is a table row plus a few functions over the services' typed operations. The functions keep no state: all they
// need is in the Instance, which the engine records in the same transaction as the calls they make; so a call that
// failed or was never committed has left nothing behind. They are not told about retries, dependencies or events.
#pragma once

#include <span>
#include <utility>

#include "aws/call.h"
#include "base/reflect.h"
#include "services/cloudformation/template/value.h"

namespace brume::cloudformation {
struct Apis;
}

namespace brume::cloudformation::resources {

using templates::Value;

enum PropertyTrait : unsigned { kOptional = 0, kRequired = 1, kCreateOnly = 2 };

struct Property {
  const char* name;
  const Shape* (*shape)();  // as deep as AWS's own shape goes
  unsigned traits = kOptional;
};

// A policy document or another value of any form.
const Shape* json_shape();

template <typename T>
Property property(const char* name, unsigned traits = kOptional) {
  return {name, &reflect::Describe<T>::shape, traits};
}
inline Property text(const char* name, unsigned traits = kOptional) {
  return property<std::string>(name, traits);
}
inline Property number(const char* name, unsigned traits = kOptional) {
  return property<std::int32_t>(name, traits);
}
inline Property boolean(const char* name, unsigned traits = kOptional) {
  return property<bool>(name, traits);
}
inline Property texts(const char* name, unsigned traits = kOptional) {
  return property<List<std::string>>(name, traits);
}
inline Property json(const char* name, unsigned traits = kOptional) {
  return {name, &json_shape, traits};
}

// One physical resource.
struct Instance {
  std::string physical_id;
  Value properties = Value::map();  // evaluated
  Value attributes = Value::map();  // for Fn::GetAtt

  [[nodiscard]] std::string text(std::string_view property_name) const { return properties.text_of(property_name); }
};

// In whose name a function acts.
struct Work {
  Apis& apis;
  aws::Call call;
  std::string name;   // for a resource that the template does not name: <stack>-<logical id>-<12 letters>
  std::string token;  // for operations with a client token; the same for the same physical resource
  std::vector<std::pair<std::string, std::string>> system_tags;  // aws:cloudformation:…
  Value update_policy = Value::map();                            // of the resource, evaluated
};

struct ResourceType {
  const char* name;
  std::vector<Property> properties;
  std::vector<const char*> attributes;
  // Those of the attributes that other resources change: `settled` reads them anew whenever a template asks.
  std::vector<const char*> live = {};
  const char* name_property = nullptr;  // the property that names it for good; two cannot have the same
  std::size_t name_limit = 255;         // of generated names

  // Makes it and sets physical_id. On error nothing has been made (the engine undoes the transaction).
  Result<void> (*create)(Work&, Instance&);
  // Is it ready? Also refreshes attributes. Errors: it never will be. Null: ready at once.
  Result<bool> (*settled)(Work&, Instance&) = nullptr;
  // Two of it cannot be at once: where a change replaces it, `update` ends the old one and makes the new one (AWS's
  // "delete_then_create").
  bool delete_then_create = false;
  // Changes it in place from `before` to instance.properties. Null: every change replaces.
  Result<void> (*update)(Work&, Instance&, const Value& before) = nullptr;
  // Begins its end; asked again while it fails with an error that may pass (a dependent still going).
  Result<void> (*remove)(Work&, const Instance&);
  // Is it gone? Null: at once.
  Result<bool> (*gone)(Work&, const Instance&) = nullptr;

  [[nodiscard]] const Property* find(std::string_view property_name) const;
  [[nodiscard]] bool is_live(std::string_view attribute) const;
};

// Null if Brume does not have the type.
const ResourceType* find_type(std::string_view name);
std::vector<const ResourceType*> all_types();

// The rows of each file.
std::span<const ResourceType> ec2_network_types();
std::span<const ResourceType> ec2_address_types();
std::span<const ResourceType> ec2_gateway_types();
std::span<const ResourceType> ec2_interface_types();
std::span<const ResourceType> ec2_observation_types();
std::span<const ResourceType> ec2_security_types();
std::span<const ResourceType> ec2_instance_types();
std::span<const ResourceType> autoscaling_types();
std::span<const ResourceType> scaling_types();
std::span<const ResourceType> cloudwatch_types();
std::span<const ResourceType> logs_types();
std::span<const ResourceType> elbv2_types();
std::span<const ResourceType> iam_types();
std::span<const ResourceType> ssm_types();

// "Not there" in any service's words.
bool not_found(const Error& error);
// May a deletion that failed so succeed later?
bool may_pass(const Error& error);

}  // namespace brume::cloudformation::resources
