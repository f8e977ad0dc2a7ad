// The intrinsic functions and dynamic references of a template.
//
// Pure: everything a function may look at is in the Scope. A Scope whose callbacks answer Value::unknown() evaluates
// a template before anything exists, which finds most mistakes; functions of something unknown are unknown. Errors:
// ValidationError "Template error: … (line N)".
#pragma once

#include <functional>
#include <map>

#include "services/cloudformation/template/template.h"

namespace brume::cloudformation::templates {

struct Scope {
  const Template* source = nullptr;
  // Of parameters and pseudo parameters (AWS::Region …), by name. AWS::NoValue is not among them.
  std::map<std::string, Value, std::less<>> parameters;
  // Of the Conditions section, see evaluate_conditions.
  std::map<std::string, bool, std::less<>> conditions;
  std::function<Result<Value>(const std::string& logical_id)> ref;
  std::function<Result<Value>(const std::string& logical_id, const std::string& attribute)> attribute;
  std::function<Result<Value>(const std::string& region)> zones;
  std::function<Result<Value>(const std::string& export_name)> import;
  // The text that stands for "{{resolve:<service>:<reference>}}".
  std::function<Result<Value>(const std::string& service, const std::string& reference)> resolve;
};

// The value without functions. What AWS::NoValue stands for is left out of maps and lists.
Result<Value> evaluate(const Value& value, const Scope& scope);
// Evaluates the Conditions section into `scope.conditions`.
Result<void> evaluate_conditions(Scope& scope);
// Is the resource or output there? "" is a condition that holds.
Result<bool> holds(const std::string& condition, const Scope& scope, int line);

struct Reference {
  std::string target, attribute;  // attribute: "" for Ref
  int line = 0;
};
// What Ref, GetAtt and Sub in `value` name: resources, parameters and pseudo parameters. With `conditions`, only in the
// branches that Fn::If takes.
std::vector<Reference> references(const Value& value,
                                  const std::map<std::string, bool, std::less<>>* conditions = nullptr);

// The function that `value` calls ("Ref", "Fn::Sub", "Condition"), or "": a map with that one key.
std::string_view function_of(const Value& value);

template <typename... Args>
std::unexpected<Error> template_error(int line, fmt::format_string<Args...> format, Args&&... args) {
  std::string text = fmt::format(format, std::forward<Args>(args)...);
  return line > 0 ? fail("ValidationError", "Template error: {} (line {})", text, line)
                  : fail("ValidationError", "Template error: {}", text);
}

}  // namespace brume::cloudformation::templates
