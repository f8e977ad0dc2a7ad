// What is wrong with a template, found before anything is created.
//
// Pure. Looks at everything that does not need a deployment: form, names, functions with what is known, dependencies,
// resource types, their properties and attributes, policies, outputs. Each finding names resource and line. Leaves to
// the engine: values that only a deployment knows.
#pragma once

#include <map>

#include "services/cloudformation/template/graph.h"
#include "services/cloudformation/template/parameters.h"

namespace brume::cloudformation {

struct Finding {
  std::string message;
  std::string resource;  // logical id, or ""
  int line = 0;
};

struct LintInput {
  std::map<std::string, std::string> parameters;
  std::map<std::string, std::string> pseudo;  // AWS::Region …
  templates::LookUp look_up;                  // of SSM parameters; may be empty
  bool allow_missing_parameters = false;
};

// In the order of the template; a template that cannot be read at all is one finding.
std::vector<Finding> lint(std::string_view template_text, const LintInput& input);

// The same for a template that has been read; also used when one is deployed.
std::vector<Finding> lint(const templates::Template& source, const LintInput& input);

// A scope with bound parameters and pseudo parameters, in which all that a deployment would tell is unknown.
templates::Scope unknown_scope(const templates::Template& source, const templates::ParameterValues& parameters,
                               const std::map<std::string, std::string>& pseudo);

// CAPABILITY_IAM or CAPABILITY_NAMED_IAM if the template needs it, with AWS's reason.
struct Capability {
  std::string name, reason;
};
std::optional<Capability> needed_capability(const templates::Template& source);

}  // namespace brume::cloudformation
