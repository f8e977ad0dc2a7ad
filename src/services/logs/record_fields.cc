#include "services/logs/record_fields.h"

#include <boost/json.hpp>

namespace brume::logs {
namespace {

namespace json = boost::json;

constexpr std::size_t kMostFields = 200;

void collect(const std::string& name, const json::value& value, std::map<std::string, std::string>& fields) {
  if (fields.size() >= kMostFields) return;
  const auto below = [&](std::string_view part, const json::value& inner) {
    collect(name.empty() ? std::string(part) : name + "." + std::string(part), inner, fields);
  };
  if (const auto* object = value.if_object()) {
    for (const auto& [key, inner] : *object) below(key, inner);
  } else if (const auto* array = value.if_array()) {
    for (std::size_t i = 0; i < array->size(); ++i) below(std::to_string(i), (*array)[i]);
  } else if (const auto* text = value.if_string()) {
    fields.emplace(name, std::string(*text));
  } else {
    fields.emplace(name, json::serialize(value));
  }
}

}  // namespace

std::map<std::string, std::string> discovered_fields(std::string_view message) {
  std::map<std::string, std::string> fields;
  boost::system::error_code error;
  const json::value value = json::parse(json::string_view(message.data(), message.size()), error);
  if (!error && value.is_object()) collect("", value, fields);
  return fields;
}

}  // namespace brume::logs
