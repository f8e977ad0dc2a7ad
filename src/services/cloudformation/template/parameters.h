// From what a caller gives for a template's parameters to what Ref answers.
#pragma once

#include <functional>
#include <map>

#include "services/cloudformation/template/template.h"

namespace brume::cloudformation::templates {

struct ParameterValue {
  std::string given;      // as the caller or the default wrote it
  Value value;            // what Ref answers: a string or a list of strings; unknown without a value
  bool resolved = false;  // through SSM: `value` differs from `given`
};
using ParameterValues = std::map<std::string, ParameterValue, std::less<>>;

// The value of an SSM parameter by name, a string.
using LookUp = std::function<Result<std::string>(const std::string& name)>;

// Checks form (types, constraints) and resolves SSM parameter types. `allow_missing`: parameters without a value are
// unknown instead of an error. Errors: ValidationError, "Parameters: [X] must have values", "Parameter 'X' …".
Result<ParameterValues> bind_parameters(const Template& source, const std::map<std::string, std::string>& given,
                                        const LookUp& look_up, bool allow_missing = false);

// Is this a parameter type that Brume knows?
bool known_parameter_type(std::string_view type);

}  // namespace brume::cloudformation::templates
