#include "services/cloudformation/template/template.h"

#include <algorithm>
#include <charconv>

namespace brume::cloudformation::templates {
namespace {

bool alphanumeric(std::string_view name) {
  return !name.empty() && name.size() <= 255 && std::ranges::all_of(name, [](char c) {
    return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
  });
}

bool contains(std::initializer_list<std::string_view> words, std::string_view word) {
  return std::ranges::find(words, word) != words.end();
}

Result<void> check_keys(const Value& map, std::string_view where, std::initializer_list<std::string_view> allowed) {
  for (std::size_t i = 0; i < map.keys.size(); ++i)
    if (!contains(allowed, map.keys[i]))
      return format_error(map.items[i].line, "{} contains the unsupported attribute '{}'", where, map.keys[i]);
  return {};
}

Result<void> expect_map(const Value& value, std::string_view where) {
  if (value.is_map()) return {};
  return format_error(value.line, "{} must be an object", where);
}

// A string attribute, or "".
Result<std::string> text(const Value& map, std::string_view key, std::string_view where) {
  const Value* value = map.find(key);
  if (!value) return std::string();
  if (!value->is_scalar()) return format_error(value->line, "'{}' of {} must be a string", key, where);
  return value->text;
}

Result<std::optional<double>> number(const Value& map, std::string_view key, std::string_view where) {
  BRUME_TRY(written, text(map, key, where));
  if (!map.find(key)) return std::nullopt;
  double out = 0;
  const auto [end, problem] = std::from_chars(written.data(), written.data() + written.size(), out);
  if (problem != std::errc() || end != written.data() + written.size())
    return format_error(map.find(key)->line, "'{}' of {} must be a number", key, where);
  return out;
}

Result<Parameter> read_parameter(const std::string& name, const Value& map) {
  const std::string where = fmt::format("Parameter {}", name);
  if (!alphanumeric(name)) return format_error(map.line, "Parameter name {} is non alphanumeric.", name);
  BRUME_CHECK(expect_map(map, where));
  BRUME_CHECK(check_keys(map, where,
                         {"Type", "Description", "Default", "AllowedValues", "AllowedPattern", "ConstraintDescription",
                          "MinLength", "MaxLength", "MinValue", "MaxValue", "NoEcho"}));
  Parameter out{.name = name, .line = map.line};
  BRUME_TRY(type, text(map, "Type", where));
  if (type.empty()) return format_error(map.line, "Every Parameters object must contain a Type member: {}", name);
  out.type = type;
  BRUME_TRY(description, text(map, "Description", where));
  out.description = description;
  BRUME_TRY(constraint, text(map, "ConstraintDescription", where));
  out.constraint_description = constraint;
  BRUME_TRY(default_value, text(map, "Default", where));
  if (map.find("Default")) out.default_value = default_value;
  BRUME_TRY(pattern, text(map, "AllowedPattern", where));
  if (map.find("AllowedPattern")) out.allowed_pattern = pattern;
  BRUME_TRY(no_echo, text(map, "NoEcho", where));
  if (!contains({"", "true", "false"}, no_echo))
    return format_error(map.line, "NoEcho of {} must be true or false", where);
  out.no_echo = no_echo == "true";
  if (const Value* allowed = map.find("AllowedValues")) {
    if (!allowed->is_list()) return format_error(allowed->line, "AllowedValues of {} must be a list", where);
    for (const Value& value : allowed->items) {
      if (!value.is_scalar()) return format_error(value.line, "AllowedValues of {} must be a list of strings", where);
      out.allowed_values.push_back(value.text);
    }
  }
  BRUME_TRY(min_value, number(map, "MinValue", where));
  BRUME_TRY(max_value, number(map, "MaxValue", where));
  BRUME_TRY(min_length, number(map, "MinLength", where));
  BRUME_TRY(max_length, number(map, "MaxLength", where));
  out.min_value = min_value;
  out.max_value = max_value;
  for (const auto& [length, target] : {std::pair{min_length, &out.min_length}, {max_length, &out.max_length}}) {
    if (!length) continue;
    if (*length < 0 || *length > 1e6) return format_error(map.line, "a length of {} is out of range", where);
    *target = std::size_t(*length);
  }
  return out;
}

Result<std::string> policy(const Value& map, std::string_view key, std::string_view where) {
  BRUME_TRY(written, text(map, key, where));
  if (written.empty()) return std::string("Delete");
  if (written == "Snapshot")
    return format_error(map.find(key)->line,
                        "{} Snapshot of {} is not supported: no resource type that Brume has keeps snapshots", key,
                        where);
  if (!contains({"Delete", "Retain", "RetainExceptOnCreate"}, written) ||
      (written == "RetainExceptOnCreate" && key != "DeletionPolicy"))
    return format_error(map.find(key)->line, "Unrecognized {} {} of {}", key, written, where);
  return written;
}

Result<Resource> read_resource(const std::string& id, const Value& map) {
  const std::string where = fmt::format("Resource {}", id);
  if (id.starts_with("Fn::ForEach"))
    return format_error(map.line, "{} needs the transform AWS::LanguageExtensions, which is not supported", id);
  if (!alphanumeric(id)) return format_error(map.line, "Resource name {} is non alphanumeric.", id);
  BRUME_CHECK(expect_map(map, where));
  BRUME_CHECK(check_keys(map, where,
                         {"Type", "Properties", "DependsOn", "Condition", "DeletionPolicy", "UpdateReplacePolicy",
                          "CreationPolicy", "UpdatePolicy", "Metadata"}));
  Resource out{.id = id, .line = map.line};
  BRUME_TRY(type, text(map, "Type", where));
  if (type.empty())
    return format_error(map.line, "[/Resources/{}] Every Resources object must contain a Type member.", id);
  out.type = type;
  BRUME_TRY(condition, text(map, "Condition", where));
  out.condition = condition;
  BRUME_TRY(deletion, policy(map, "DeletionPolicy", where));
  out.deletion_policy = deletion;
  BRUME_TRY(replace, policy(map, "UpdateReplacePolicy", where));
  out.update_replace_policy = replace;
  for (const auto& [key, target] : {std::pair{"Properties", &out.properties},
                                    {"CreationPolicy", &out.creation_policy},
                                    {"UpdatePolicy", &out.update_policy},
                                    {"Metadata", &out.metadata}}) {
    if (const Value* value = map.find(key)) {
      BRUME_CHECK(expect_map(*value, fmt::format("{} of {}", key, where)));
      *target = *value;
    }
  }
  if (const Value* depends = map.find("DependsOn")) {
    const std::vector<Value> one{*depends};
    for (const Value& item : depends->is_list() ? depends->items : one) {
      if (!item.is_scalar()) return format_error(item.line, "Every DependsOn value must be a string ({})", where);
      out.depends_on.push_back(item.text);
    }
  }
  return out;
}

Result<Output> read_output(const std::string& name, const Value& map) {
  const std::string where = fmt::format("Output {}", name);
  if (!alphanumeric(name)) return format_error(map.line, "Output name {} is non alphanumeric.", name);
  BRUME_CHECK(expect_map(map, where));
  BRUME_CHECK(check_keys(map, where, {"Value", "Description", "Export", "Condition"}));
  Output out{.name = name, .line = map.line};
  const Value* value = map.find("Value");
  if (!value) return format_error(map.line, "[/Outputs/{}] Every Outputs member must contain a Value object", name);
  out.value = *value;
  BRUME_TRY(description, text(map, "Description", where));
  out.description = description;
  BRUME_TRY(condition, text(map, "Condition", where));
  out.condition = condition;
  if (const Value* exported = map.find("Export")) {
    BRUME_CHECK(expect_map(*exported, fmt::format("Export of {}", where)));
    BRUME_CHECK(check_keys(*exported, fmt::format("Export of {}", where), {"Name"}));
    if (!exported->find("Name")) return format_error(exported->line, "Export of {} must contain a Name", where);
    out.export_name = *exported->find("Name");
  }
  return out;
}

Result<void> refuse_nulls(const Value& value, const std::string& path) {
  if (value.kind == Value::Kind::null)
    return format_error(value.line, "[{}] 'null' values are not allowed in templates", path);
  for (std::size_t i = 0; i < value.items.size(); ++i)
    BRUME_CHECK(refuse_nulls(value.items[i], path + "/" + (value.is_map() ? value.keys[i] : std::to_string(i))));
  return {};
}

}  // namespace

const Parameter* Template::parameter(std::string_view name) const {
  const auto found = std::ranges::find(parameters, name, &Parameter::name);
  return found == parameters.end() ? nullptr : &*found;
}

const Resource* Template::resource(std::string_view id) const {
  const auto found = std::ranges::find(resources, id, &Resource::id);
  return found == resources.end() ? nullptr : &*found;
}

Result<Template> read_template(std::string_view text_in) {
  BRUME_TRY(root, parse_text(text_in));
  if (!root.is_map()) return format_error(root.line, "unsupported structure.");
  for (std::size_t i = 0; i < root.keys.size(); ++i) {
    const std::string& key = root.keys[i];
    const int line = root.items[i].line;
    if (key == "Transform")
      return format_error(
          line,
          "the Transform section is not supported: Brume runs no macros, AWS::Serverless or AWS::LanguageExtensions");
    if (key == "Rules") return format_error(line, "the Rules section is not supported");
    if (key == "Hooks") return format_error(line, "the Hooks section is not supported");
    if (!contains({"AWSTemplateFormatVersion", "Description", "Metadata", "Parameters", "Mappings", "Conditions",
                   "Resources", "Outputs"},
                  key))
      return format_error(line, "Invalid template property or properties [{}]", key);
  }
  Template out;
  BRUME_TRY(version, text(root, "AWSTemplateFormatVersion", "the template"));
  if (!contains({"", "2010-09-09"}, version))
    return format_error(root.find("AWSTemplateFormatVersion")->line, "unsupported value for AWSTemplateFormatVersion.");
  BRUME_TRY(description, text(root, "Description", "the template"));
  if (description.size() > 1024)
    return format_error(root.find("Description")->line, "'Description' length is greater than 1024.");
  out.description = description;
  if (const Value* metadata = root.find("Metadata")) out.metadata = to_json_text(*metadata);

  const auto each = [&](const char* section, std::size_t limit, auto&& read) -> Result<void> {
    const Value* map = root.find(section);
    if (!map) return {};
    BRUME_CHECK(expect_map(*map, fmt::format("'{}'", section)));
    if (map->keys.size() > limit)
      return format_error(map->line, "Number of {}, {}, is greater than maximum allowed, {}", section, map->keys.size(),
                          limit);
    BRUME_CHECK(refuse_nulls(*map, fmt::format("/{}", section)));
    for (std::size_t i = 0; i < map->keys.size(); ++i) BRUME_CHECK(read(map->keys[i], map->items[i]));
    return {};
  };
  const auto collect = [](auto& list, auto read) {
    return [&list, read](const std::string& name, const Value& map) -> Result<void> {
      BRUME_TRY(item, read(name, map));
      list.push_back(std::move(item));
      return {};
    };
  };
  BRUME_CHECK(each("Parameters", 200, collect(out.parameters, read_parameter)));
  BRUME_CHECK(each("Mappings", 200, [&](const std::string& name, const Value& map) -> Result<void> {
    BRUME_CHECK(expect_map(map, fmt::format("Mapping {}", name)));
    for (const Value& second : map.items)
      BRUME_CHECK(expect_map(second, fmt::format("Every attribute of mapping {}", name)));
    out.mappings.set(name, map);
    return {};
  }));
  BRUME_CHECK(each("Conditions", 500, [&](const std::string& name, const Value& value) -> Result<void> {
    BRUME_CHECK(expect_map(value, fmt::format("Condition {}", name)));
    out.conditions.set(name, value);
    return {};
  }));
  BRUME_CHECK(each("Resources", 500, collect(out.resources, read_resource)));
  BRUME_CHECK(each("Outputs", 200, collect(out.outputs, read_output)));
  if (out.resources.empty()) return format_error(0, "At least one Resources member must be defined.");
  return out;
}

}  // namespace brume::cloudformation::templates
