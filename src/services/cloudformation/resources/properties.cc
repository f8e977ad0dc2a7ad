#include "services/cloudformation/resources/properties.h"

#include <algorithm>
#include <charconv>

#include "base/base64.h"

namespace brume::cloudformation::resources {
namespace {

template <typename T>
bool parse(std::string_view text, T& out) {
  const auto [end, problem] = std::from_chars(text.data(), text.data() + text.size(), out);
  return problem == std::errc() && end == text.data() + text.size();
}

// "8.0" is an integer too, as it is in JSON.
bool parse_integer(std::string_view text, std::int64_t& out) {
  if (parse(text, out)) return true;
  double real = 0;
  if (!parse(text, real) || real != double(std::int64_t(real))) return false;
  out = std::int64_t(real);
  return true;
}

bool is_json(const Shape& shape) {
  return &shape == json_shape();
}

std::optional<bool> truth(std::string_view text) {
  for (const std::string_view word : {"true", "yes", "Yes", "on"})
    if (text == word) return true;
  for (const std::string_view word : {"false", "no", "No", "off"})
    if (text == word) return false;
  return std::nullopt;
}

const char* type_name(Kind kind) {
  switch (kind) {
    case Kind::boolean:
      return "Boolean";
    case Kind::integer:
      return "Integer";
    case Kind::long_integer:
      return "Long";
    case Kind::real:
      return "Double";
    case Kind::list:
      return "List";
    case Kind::map:
    case Kind::structure:
      return "Object";
    default:
      return "String";
  }
}

}  // namespace

void check_value(const Shape& shape, const Value& value, const std::string& path, std::vector<Problem>& problems) {
  if (value.is_unknown()) return;
  if (is_json(shape)) {
    if (!value.is_map() && value.kind != Value::Kind::string)
      problems.push_back({fmt::format("Value of property {} must be an object", path), value.line});
    return;
  }
  const auto wrong = [&] {
    problems.push_back(
        {fmt::format("Value of property {} must be of type {}", path, type_name(shape.kind)), value.line});
  };
  switch (shape.kind) {
    case Kind::boolean:
      if (!value.is_scalar() || !truth(value.text)) wrong();
      return;
    case Kind::integer:
    case Kind::long_integer: {
      std::int64_t parsed = 0;
      if (!value.is_scalar() || !parse_integer(value.text, parsed) ||
          (shape.kind == Kind::integer && parsed != std::int32_t(parsed)))
        return wrong();
      if ((shape.min && double(parsed) < *shape.min) || (shape.max && double(parsed) > *shape.max))
        problems.push_back({fmt::format("Value of property {} is out of range: {}", path, value.text), value.line});
      return;
    }
    case Kind::real: {
      double parsed = 0;
      if (!value.is_scalar() || !parse(value.text, parsed)) wrong();
      return;
    }
    case Kind::string:
    case Kind::blob:
    case Kind::timestamp:
      if (!value.is_scalar()) return wrong();
      if (!shape.values.empty() && std::ranges::find(shape.values, value.text, [](const char* v) {
                                     return std::string_view(v);
                                   }) == shape.values.end()) {
        std::string all;
        for (std::size_t i = 0; i < shape.values.size() && i < 20; ++i)
          all += (i ? ", " : "") + std::string(shape.values[i]);
        if (shape.values.size() > 20) all += ", …";
        problems.push_back(
            {fmt::format("Value of property {} must be one of [{}], not {}", path, all, value.text), value.line});
      }
      return;
    case Kind::list:
      if (!value.is_list()) return wrong();
      for (std::size_t i = 0; i < value.items.size(); ++i)
        check_value(*shape.element(), value.items[i], fmt::format("{}[{}]", path, i), problems);
      return;
    case Kind::map:
      if (!value.is_map()) return wrong();
      for (std::size_t i = 0; i < value.items.size(); ++i)
        check_value(*shape.element(), value.items[i], path + "." + value.keys[i], problems);
      return;
    case Kind::structure:
      if (!value.is_map()) return wrong();
      for (std::size_t i = 0; i < value.items.size(); ++i) {
        const Member* member = shape.find(value.keys[i]);
        if (!member)
          problems.push_back(
              {fmt::format("Encountered unsupported property {}.{}", path, value.keys[i]), value.items[i].line});
        else
          check_value(*member->shape(), value.items[i], path + "." + value.keys[i], problems);
      }
      for (const Member& member : shape.members)
        if (member.required && !value.find(member.name))
          problems.push_back({fmt::format("Property {}.{} is required", path, member.name), value.line});
      return;
  }
}

std::vector<Problem> check_properties(const ResourceType& type, const Value& properties) {
  std::vector<Problem> problems;
  for (std::size_t i = 0; i < properties.keys.size(); ++i) {
    const Property* known = type.find(properties.keys[i]);
    if (!known)
      problems.push_back(
          {fmt::format("Encountered unsupported property {}", properties.keys[i]), properties.items[i].line});
    else
      check_value(*known->shape(), properties.items[i], properties.keys[i], problems);
  }
  for (const Property& known : type.properties)
    if (known.traits & kRequired && !properties.find(known.name))
      problems.push_back({fmt::format("Property {} is required", known.name), properties.line});
  return problems;
}

Result<void> fill(const Shape& shape, void* target, const Value& value) {
  const auto wrong = [&] {
    return fail("ValidationError", "'{}' is not of type {}", value.text, type_name(shape.kind));
  };
  switch (shape.kind) {
    case Kind::boolean:
      *static_cast<bool*>(target) = truth(value.text).value_or(false);
      return {};
    case Kind::integer:
    case Kind::long_integer: {
      std::int64_t parsed = 0;
      if (!parse_integer(value.text, parsed)) return wrong();
      if (shape.kind == Kind::integer)
        *static_cast<std::int32_t*>(target) = std::int32_t(parsed);
      else
        *static_cast<std::int64_t*>(target) = parsed;
      return {};
    }
    case Kind::real:
      return parse(value.text, *static_cast<double*>(target)) ? Result<void>() : wrong();
    case Kind::string:
      *static_cast<std::string*>(target) = value.is_scalar() ? value.text : to_json_text(value);
      return {};
    case Kind::blob:
      static_cast<Blob*>(target)->bytes = value.text;
      return {};
    case Kind::timestamp: {
      BRUME_TRY(time, parse_iso8601(value.text));
      *static_cast<Timestamp*>(target) = time;
      return {};
    }
    case Kind::list:
      shape.list->set_present(target);
      for (const Value& item : value.items) BRUME_CHECK(fill(*shape.element(), shape.list->append(target), item));
      return {};
    case Kind::map:
      shape.map->set_present(target);
      for (std::size_t i = 0; i < value.items.size(); ++i)
        BRUME_CHECK(fill(*shape.element(), shape.map->insert(target, value.keys[i]), value.items[i]));
      return {};
    case Kind::structure:
      for (std::size_t i = 0; i < value.items.size(); ++i)
        if (const Member* member = shape.find(value.keys[i]))
          BRUME_CHECK(fill(*member->shape(), member->emplace(target), value.items[i]));
      return {};
  }
  return {};
}

Value without(Value map, std::initializer_list<std::string_view> keys) {
  Value out = Value::map(map.line);
  for (std::size_t i = 0; i < map.keys.size(); ++i)
    if (std::ranges::find(keys, map.keys[i]) == keys.end()) out.set(map.keys[i], std::move(map.items[i]));
  return out;
}

bool flag(const Value& properties, std::string_view name, bool otherwise) {
  const std::string text = properties.text_of(name);
  return text.empty() ? otherwise : truth(text).value_or(otherwise);
}

bool changed(const Value& before, const Value& after, std::string_view name) {
  const Value *old_value = before.find(name), *new_value = after.find(name);
  if (!old_value || !new_value) return old_value != new_value;
  return !(*old_value == *new_value);
}

std::vector<std::string> text_list(const Value& properties, std::string_view name) {
  std::vector<std::string> out;
  if (const Value* list = properties.find(name))
    for (const Value& item : list->items) out.push_back(item.text);
  return out;
}

std::vector<std::string> missing_in(const std::vector<std::string>& from, const std::vector<std::string>& other) {
  std::vector<std::string> out;
  for (const std::string& item : from)
    if (std::ranges::find(other, item) == other.end()) out.push_back(item);
  return out;
}

std::vector<std::pair<std::string, std::string>> tags_of(const Value& properties) {
  std::vector<std::pair<std::string, std::string>> out;
  const Value* tags = properties.find("Tags");
  if (!tags) return out;
  for (std::size_t i = 0; i < tags->items.size(); ++i) {
    if (tags->is_map())
      out.emplace_back(tags->keys[i], tags->items[i].text);
    else
      out.emplace_back(tags->items[i].text_of("Key"), tags->items[i].text_of("Value"));
  }
  return out;
}

TagChanges tag_changes(const Value& before, const Value& after) {
  TagChanges out;
  const auto old_tags = tags_of(before), new_tags = tags_of(after);
  for (const auto& tag : new_tags)
    if (std::ranges::find(old_tags, tag) == old_tags.end()) out.put.push_back(tag);
  for (const auto& [key, value] : old_tags)
    if (std::ranges::none_of(new_tags, [&](const auto& tag) { return tag.first == key; })) out.drop.push_back(key);
  return out;
}

}  // namespace brume::cloudformation::resources
