#include "services/cloudformation/lint.h"

#include <algorithm>

#include "services/cloudformation/policies.h"
#include "services/cloudformation/resources/properties.h"

namespace brume::cloudformation {
namespace {

using templates::Reference;
using templates::Resource;
using templates::Scope;
using templates::Template;
using templates::Value;

constexpr std::string_view kPseudo[] = {"AWS::AccountId", "AWS::NoValue", "AWS::NotificationARNs", "AWS::Partition",
                                        "AWS::Region",    "AWS::StackId", "AWS::StackName",        "AWS::URLSuffix"};

class Linter {
 public:
  Linter(const Template& source, const LintInput& input) : source_(source), input_(input) {}

  std::vector<Finding> run() {
    check_types();
    for (const Resource& resource : source_.resources) {
      check_condition(resource.condition, resource.line, resource.id);
      check_references(resource.properties, resource.id, true);
      for (Finding& finding : check_policies(resource)) findings_.push_back(std::move(finding));
    }
    for (const auto& output : source_.outputs) {
      check_condition(output.condition, output.line, "");
      check_references(output.value, "", true);
      check_references(output.export_name, "", true);
    }
    check_references(source_.conditions, "", false);
    auto parameters =
        templates::bind_parameters(source_, input_.parameters, input_.look_up, input_.allow_missing_parameters);
    if (!parameters) {
      add(parameters.error());
      return std::move(findings_);
    }
    if (!findings_.empty()) return std::move(findings_);  // what follows would only repeat them
    Scope scope = unknown_scope(source_, *parameters, input_.pseudo);
    if (auto conditions = evaluate_conditions(scope); !conditions) {
      add(conditions.error());
      return std::move(findings_);
    }
    auto needs = templates::dependencies(source_, scope);
    if (!needs) {
      add(needs.error());
    } else {
      if (auto order = templates::in_order(*needs); !order) add(order.error());
      for (const Resource& resource : source_.resources)
        if (needs->contains(resource.id)) check_properties_of(resource, scope);
    }
    check_outputs(scope);
    return std::move(findings_);
  }

 private:
  void add(const Error& error, std::string resource = {}) {
    findings_.push_back({error.message, std::move(resource), 0});
  }

  void check_types() {
    for (const Resource& resource : source_.resources) {
      if (resources::find_type(resource.type)) continue;
      findings_.push_back(
          {fmt::format("Template format error: Unrecognized resource types: [{}] of resource {} (line {})",
                       resource.type, resource.id, resource.line),
           resource.id, resource.line});
    }
  }

  void check_condition(const std::string& name, int line, const std::string& resource) {
    if (name.empty() || source_.conditions.find(name)) return;
    findings_.push_back({fmt::format("Template format error: Unresolved condition {}{}{} (line {})", name,
                                     resource.empty() ? "" : " of resource ", resource, line),
                         resource, line});
  }

  void check_references(const Value& value, const std::string& resource, bool to_resources) {
    for (const Reference& reference : templates::references(value)) {
      const Resource* target = to_resources ? source_.resource(reference.target) : nullptr;
      if (reference.attribute.empty()) {
        if (target || source_.parameter(reference.target) ||
            std::ranges::find(kPseudo, reference.target) != std::end(kPseudo))
          continue;
        findings_.push_back(
            {fmt::format("Template format error: Unresolved resource dependencies [{}] in the {} block of the "
                         "template{}{} (line {})",
                         reference.target, to_resources ? resource.empty() ? "Outputs" : "Resources" : "Conditions",
                         resource.empty() ? "" : ", resource ", resource, reference.line),
             resource, reference.line});
        continue;
      }
      if (!target) {
        findings_.push_back(
            {fmt::format("Template error: instance of Fn::GetAtt references undefined resource {}{}{} (line {})",
                         reference.target, resource.empty() ? "" : ", resource ", resource, reference.line),
             resource, reference.line});
        continue;
      }
      const auto* type = resources::find_type(target->type);
      if (!type || reference.attribute == "*") continue;
      if (std::ranges::none_of(type->attributes, [&](const char* name) { return reference.attribute == name; }))
        findings_.push_back(
            {fmt::format("Template error: resource {} does not support attribute type {} in Fn::GetAtt{}{} (line {})",
                         reference.target, reference.attribute, resource.empty() ? "" : ", resource ", resource,
                         reference.line),
             resource, reference.line});
    }
  }

  void check_properties_of(const Resource& resource, const Scope& scope) {
    auto properties = evaluate(resource.properties, scope);
    if (!properties) return add(properties.error(), resource.id);
    if (properties->line == 0) properties->line = resource.line;
    if (!properties->is_map()) return;
    for (const auto& problem : resources::check_properties(*resources::find_type(resource.type), *properties))
      findings_.push_back({fmt::format("Template error: Resource {} ({}): {} (line {})", resource.id, resource.type,
                                       problem.message, problem.line ? problem.line : resource.line),
                           resource.id, problem.line ? problem.line : resource.line});
  }

  void check_outputs(const Scope& scope) {
    for (const auto& output : source_.outputs) {
      auto there = holds(output.condition, scope, output.line);
      if (!there) add(there.error());
      if (!there || !*there) continue;
      for (const Value* value : {&output.value, &output.export_name}) {
        if (value->kind == Value::Kind::null) continue;
        auto evaluated = evaluate(*value, scope);
        if (!evaluated)
          add(evaluated.error());
        else if (!evaluated->is_scalar() && !evaluated->has_unknown())
          findings_.push_back({fmt::format("Template format error: The Value field of every Outputs member must "
                                           "evaluate to a String: {} (line {})",
                                           output.name, output.line),
                               "", output.line});
      }
      // A condition that is false hides a resource from outputs as well.
      for (const Reference& reference : templates::references(output.value, &scope.conditions)) {
        const Resource* target = source_.resource(reference.target);
        if (!target) continue;
        auto exists = holds(target->condition, scope, target->line);
        if (exists && !*exists)
          findings_.push_back({fmt::format("Template format error: Unresolved resource dependencies [{}] in the "
                                           "Outputs block of the template (line {})",
                                           reference.target, reference.line),
                               "", reference.line});
      }
    }
  }

  const Template& source_;
  const LintInput& input_;
  std::vector<Finding> findings_;
};

}  // namespace

Scope unknown_scope(const Template& source, const templates::ParameterValues& parameters,
                    const std::map<std::string, std::string>& pseudo) {
  Scope scope;
  scope.source = &source;
  for (const auto& [name, value] : parameters) scope.parameters[name] = value.value;
  for (const auto& [name, value] : pseudo) scope.parameters[name] = Value::string(value);
  scope.parameters["AWS::NotificationARNs"] = Value::list();
  const auto unknown = [](const auto&...) -> Result<Value> { return Value::unknown(); };
  scope.ref = unknown;
  scope.attribute = unknown;
  scope.zones = unknown;
  scope.import = unknown;
  scope.resolve = unknown;
  return scope;
}

std::vector<Finding> lint(const Template& source, const LintInput& input) {
  return Linter(source, input).run();
}

std::vector<Finding> lint(std::string_view template_text, const LintInput& input) {
  auto source = templates::read_template(template_text);
  if (!source) return {{source.error().message, "", 0}};
  return lint(*source, input);
}

std::optional<Capability> needed_capability(const Template& source) {
  std::optional<Capability> out;
  std::string names;
  bool named = false;
  for (const Resource& resource : source.resources) {
    if (!resource.type.starts_with("AWS::IAM::")) continue;
    names += (names.empty() ? "" : ", ") + resource.type;
    const auto* type = resources::find_type(resource.type);
    named |= type && type->name_property && resource.properties.find(type->name_property);
  }
  if (names.empty()) return std::nullopt;
  return Capability{named ? "CAPABILITY_NAMED_IAM" : "CAPABILITY_IAM",
                    fmt::format("The following resource(s) require capabilities: [{}]", names)};
}

}  // namespace brume::cloudformation
