// Described values as JSON.
//
// Strict: no comments, no trailing text, nesting at most 32 deep, UTF-8 checked. Members that the description does not
// know are ignored when reading, as AWS's services do. Leaves constraints (lengths, patterns) to aws/validate.h.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

#include "base/reflect.h"
#include "base/result.h"

namespace brume {

struct JsonStyle {
  bool wire_names = false;                        // locationName instead of the member's own name
  TimeFormat default_time = TimeFormat::iso8601;  // where the model does not say
};

std::string write_json(const Shape& shape, const void* value, const JsonStyle& style = {});
// Errors: SerializationException, naming the place.
Result<void> read_json(const Shape& shape, void* value, std::string_view text, const JsonStyle& style = {});

template <typename T>
std::string to_json(const T& value) {
  return write_json(shape_of<T>(), &value);
}

template <typename T>
Result<T> from_json(std::string_view text) {
  T value;
  BRUME_CHECK(read_json(shape_of<T>(), &value, text));
  return value;
}

// Is `text` a JSON object (and nothing else)?
bool is_json_object(std::string_view text);

// `text` as a JSON string literal with its quotes.
std::string json_quote(std::string_view text);

}  // namespace brume
