// A template as a tree: what YAML and JSON templates are both read into.
//
// Every value knows its line (of its key, if it is in a map). Scalars keep their text as written, so `007` and
// `2010-09-09` stay what they are. `unknown` stands for what only a deployment can tell (an id not yet given out); it
// is never in a parsed template, only in the result of evaluating one.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/result.h"

namespace brume::cloudformation::templates {

struct Value {
  enum class Kind { null, boolean, number, string, list, map, unknown };
  Kind kind = Kind::null;
  std::string text;               // of a scalar
  std::vector<std::string> keys;  // of a map, in order; keys[i] belongs to items[i]
  std::vector<Value> items;       // of a list or a map
  int line = 0;

  static Value string(std::string text, int line = 0) { return {Kind::string, std::move(text), {}, {}, line}; }
  static Value boolean(bool value, int line = 0) { return {Kind::boolean, value ? "true" : "false", {}, {}, line}; }
  static Value number(std::string text, int line = 0) { return {Kind::number, std::move(text), {}, {}, line}; }
  static Value list(std::vector<Value> items = {}, int line = 0) {
    return {Kind::list, {}, {}, std::move(items), line};
  }
  static Value map(int line = 0) { return {Kind::map, {}, {}, {}, line}; }
  static Value unknown(int line = 0) { return {Kind::unknown, {}, {}, {}, line}; }

  [[nodiscard]] bool is_scalar() const { return kind == Kind::boolean || kind == Kind::number || kind == Kind::string; }
  [[nodiscard]] bool is_list() const { return kind == Kind::list; }
  [[nodiscard]] bool is_map() const { return kind == Kind::map; }
  [[nodiscard]] bool is_unknown() const { return kind == Kind::unknown; }
  // Is it, or does it hold, something unknown?
  [[nodiscard]] bool has_unknown() const;
  // A map's value, or nullptr.
  [[nodiscard]] const Value* find(std::string_view key) const;
  [[nodiscard]] Value* find(std::string_view key);
  // Sets or adds an entry of a map.
  void set(std::string key, Value value);
  // The text of a scalar in a map, or "".
  [[nodiscard]] std::string text_of(std::string_view key) const;

  // Equal in meaning: lines do not count, nor a map's order, nor whether a scalar was quoted.
  friend bool operator==(const Value& a, const Value& b);
};

// As JSON text. Numbers and booleans as written.
std::string to_json_text(const Value& value);

}  // namespace brume::cloudformation::templates
