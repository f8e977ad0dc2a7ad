// Values against described shapes: is this what the type takes, and the filling of a request with it.
//
// As lenient as CloudFormation: numbers and booleans may be quoted, text may be a bare number or boolean.
#pragma once

#include "services/cloudformation/resources/type.h"

namespace brume::cloudformation::resources {

struct Problem {
  std::string message;
  int line = 0;
};

// What is wrong with evaluated properties: unsupported names, missing ones, wrong types, values outside an enumeration.
// What is still unknown passes.
std::vector<Problem> check_properties(const ResourceType& type, const Value& properties);
// Of one value; `path` is for the message ("LaunchTemplateData.ImageId").
void check_value(const Shape& shape, const Value& value, const std::string& path, std::vector<Problem>& problems);

// Copies what `shape` has members for; the value has passed the check.
Result<void> fill(const Shape& shape, void* target, const Value& value);

template <typename T>
Result<T> read(const Value& value) {
  T out{};
  BRUME_CHECK(fill(shape_of<T>(), &out, value));
  return out;
}

// A property's value as T, or T's default if it is absent.
template <typename T>
Result<T> read(const Value& properties, std::string_view name) {
  const Value* value = properties.find(name);
  return value ? read<T>(*value) : T{};
}

// A copy without some keys: properties that mean something else in the request.
Value without(Value map, std::initializer_list<std::string_view> keys);
bool flag(const Value& properties, std::string_view name, bool otherwise = false);
bool changed(const Value& before, const Value& after, std::string_view name);
// The texts of a list property.
std::vector<std::string> text_list(const Value& properties, std::string_view name);
// Of `from`, those not in `other`.
std::vector<std::string> missing_in(const std::vector<std::string>& from, const std::vector<std::string>& other);
// The Tags property ({Key, Value} list or map) as pairs.
std::vector<std::pair<std::string, std::string>> tags_of(const Value& properties);

// The system's and the resource's own tags as a service's list.
template <typename Tag>
List<Tag> all_tags(const Work& work, const Value& properties) {
  List<Tag> out;
  const auto add = [&](const std::string& key, const std::string& value) {
    Tag& tag = out.emplace_back();
    tag.Key = key;
    tag.Value = value;
  };
  for (const auto& [key, value] : tags_of(properties)) add(key, value);
  for (const auto& [key, value] : work.system_tags) add(key, value);
  return out;
}

struct TagChanges {
  std::vector<std::pair<std::string, std::string>> put;
  std::vector<std::string> drop;
};
TagChanges tag_changes(const Value& before, const Value& after);

}  // namespace brume::cloudformation::resources
