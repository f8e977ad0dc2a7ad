#include "services/logs/pattern/json_path.h"

#include <charconv>

#include "services/logs/pattern/characters.h"

namespace brume::logs {
namespace {

using Kind = JsonPath::Step::Kind;

// What is in brackets: 0, * or 'a name'. The cursor is behind the opening one.
Result<JsonPath::Step> bracketed(Cursor& cursor) {
  JsonPath::Step step;
  if (cursor.take("*")) {
    step.kind = Kind::any_element;
  } else if (cursor.take("'")) {
    for (; cursor.peek() != '\''; cursor.skip()) {
      if (cursor.at_end()) return cursor.wrong("a single quote is not closed");
      if (cursor.ahead().starts_with("\\'") || cursor.ahead().starts_with("\\\\")) cursor.skip();
      step.name += cursor.peek();
    }
    cursor.skip();
  } else {
    step.kind = Kind::element;
    const std::string_view digits = cursor.take_while(is_digit);
    if (digits.empty()) return cursor.wrong_character();
    if (std::from_chars(digits.data(), digits.data() + digits.size(), step.element).ec != std::errc())
      return cursor.wrong("an array's index is too large");
  }
  if (!cursor.take("]")) return cursor.wrong_character();
  return step;
}

}  // namespace

Result<JsonPath> JsonPath::parse(Cursor& cursor) {
  if (cursor.peek() != '$') {
    return cursor.at_end() ? cursor.wrong_character() : cursor.wrong("a property selector ($.name) is expected");
  }
  cursor.skip();
  JsonPath out;
  while (cursor.peek() == '.' || cursor.peek() == '[') {
    const bool period = cursor.take(".");
    Step& step = out.steps.emplace_back();
    if (cursor.take("[")) {
      BRUME_TRY(read, bracketed(cursor));
      step = std::move(read);
    } else if (period && cursor.take("*")) {
      step.kind = Kind::any_property;
    } else {
      step.name = cursor.take_while([](char c) { return is_alphanumeric(c) || c == '-' || c == '_'; });
      if (step.name.empty()) return cursor.wrong_character();
    }
    if (step.kind == Kind::any_property || step.kind == Kind::any_element) {
      if (out.wildcard) return cursor.wrong("a property selector has more than one wildcard");
      out.wildcard = true;
    }
  }
  if (out.steps.empty()) return cursor.wrong_character();
  return out;
}

std::uint32_t JsonPaths::below(std::uint32_t number, const JsonPath::Step& step) {
  Node& node = nodes_[number];
  const auto fresh = std::uint32_t(nodes_.size());
  switch (step.kind) {
    case Kind::property:
      for (const auto& [name, next] : node.properties)
        if (name == step.name) return next;
      node.properties.emplace_back(step.name, fresh);
      break;
    case Kind::element:
      for (const auto& [element, next] : node.elements)
        if (element == step.element) return next;
      node.elements.emplace_back(step.element, fresh);
      break;
    case Kind::any_property:
      if (node.any_property != 0) return node.any_property;
      node.any_property = fresh;
      break;
    case Kind::any_element:
      if (node.any_element != 0) return node.any_element;
      node.any_element = fresh;
      break;
  }
  nodes_.emplace_back();
  return fresh;
}

std::size_t JsonPaths::add(const JsonPath& path) {
  std::uint32_t at = 0;
  for (const JsonPath::Step& step : path.steps) at = below(at, step);
  if (nodes_[at].path < 0) nodes_[at].path = paths_++;
  return std::size_t(nodes_[at].path);
}

}  // namespace brume::logs
