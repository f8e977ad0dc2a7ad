// A template's sections, checked for form: what a resource, a parameter, an output may be made of.
//
// Leaves to others: what functions mean (evaluate.h), what a resource type's properties are (resources/), whether names
// exist (lint.h). Errors: ValidationError with section, name and line.
#pragma once

#include "services/cloudformation/template/parse.h"

namespace brume::cloudformation::templates {

struct Parameter {
  std::string name, type, description, constraint_description;
  std::optional<std::string> default_value;
  std::vector<std::string> allowed_values;
  std::optional<std::string> allowed_pattern;
  std::optional<double> min_value, max_value;
  std::optional<std::size_t> min_length, max_length;
  bool no_echo = false;
  int line = 0;
};

struct Resource {
  std::string id, type, condition;
  std::string deletion_policy = "Delete", update_replace_policy = "Delete";
  std::vector<std::string> depends_on;
  Value properties = Value::map(), creation_policy = Value::map(), update_policy = Value::map(),
        metadata = Value::map();
  int line = 0;
};

struct Output {
  std::string name, description, condition;
  Value value, export_name;  // export_name: null if there is none
  int line = 0;
};

struct Template {
  std::string description, metadata;  // metadata: JSON text, or ""
  std::vector<Parameter> parameters;
  Value mappings = Value::map(), conditions = Value::map();
  std::vector<Resource> resources;
  std::vector<Output> outputs;

  [[nodiscard]] const Parameter* parameter(std::string_view name) const;
  [[nodiscard]] const Resource* resource(std::string_view id) const;
};

Result<Template> read_template(std::string_view text);

}  // namespace brume::cloudformation::templates
