// Operations on templates rather than stacks.
#include <set>

#include "services/cloudformation/lint.h"
#include "services/cloudformation/pseudo.h"
#include "services/cloudformation/service.h"

namespace brume::cloudformation {

Result<GetTemplateOutput> Service::GetTemplate(const aws::Call&, const GetTemplateInput& request) {
  GetTemplateOutput out;
  out.StagesAvailable = {"Original", "Processed"};
  if (request.ChangeSetName) {
    const ChangeSetRecord* set = find_change_set(*request.ChangeSetName, request.StackName);
    if (!set) return fail("ChangeSetNotFound", "ChangeSet [{}] does not exist", *request.ChangeSetName);
    out.TemplateBody = set->definition.template_body;
    return out;
  }
  BRUME_TRY(stack, get_stack(request.StackName));
  out.TemplateBody = stack->now.template_body;
  return out;
}

Result<GetTemplateSummaryOutput> Service::GetTemplateSummary(const aws::Call&, const GetTemplateSummaryInput& request) {
  std::string body;
  if (request.TemplateURL)
    return fail("ValidationError", "TemplateURL is not supported: give the template as TemplateBody");
  if (request.StackSetName) return fail("ValidationError", "Stack sets are not supported");
  if (request.TemplateBody) {
    body = *request.TemplateBody;
  } else {
    BRUME_TRY(stack, get_stack(request.StackName));
    body = stack->now.template_body;
  }
  BRUME_TRY(source, templates::read_template(body));
  GetTemplateSummaryOutput out;
  out.Parameters.set_present();
  for (const auto& parameter : source.parameters) {
    ParameterDeclaration& declared = out.Parameters.emplace_back();
    declared.ParameterKey = parameter.name;
    declared.DefaultValue = parameter.default_value;
    declared.ParameterType = parameter.type;
    declared.NoEcho = parameter.no_echo;
    if (!parameter.description.empty()) declared.Description = parameter.description;
    auto& constraints = declared.ParameterConstraints.emplace();
    constraints.AllowedValues = parameter.allowed_values;
  }
  if (!source.description.empty()) out.Description = source.description;
  if (const auto needed = needed_capability(source)) {
    out.Capabilities = {needed->name};
    out.CapabilitiesReason = needed->reason;
  }
  std::set<std::string> types;
  for (const auto& resource : source.resources) types.insert(resource.type);
  out.ResourceTypes.assign(types.begin(), types.end());
  out.ResourceTypes.set_present();
  out.Version = "2010-09-09";
  if (!source.metadata.empty()) out.Metadata = source.metadata;
  return out;
}

Result<ValidateTemplateOutput> Service::ValidateTemplate(const aws::Call&, const ValidateTemplateInput& request) {
  if (request.TemplateURL)
    return fail("ValidationError", "TemplateURL is not supported: give the template as TemplateBody");
  if (!request.TemplateBody) return fail("ValidationError", "Either Template URL or Template Body must be specified.");
  BRUME_TRY(source, templates::read_template(*request.TemplateBody));
  const LintInput input{.pseudo = pseudo_parameters(context_.region, "stack", "stack"),
                        .look_up = look_up(),
                        .allow_missing_parameters = true};
  if (const auto findings = lint(source, input); !findings.empty()) {
    std::string all;
    for (const Finding& finding : findings) all += (all.empty() ? "" : "; ") + finding.message;
    return fail("ValidationError", "{}", all);
  }
  ValidateTemplateOutput out;
  out.Parameters.set_present();
  for (const auto& parameter : source.parameters) {
    TemplateParameter& one = out.Parameters.emplace_back();
    one.ParameterKey = parameter.name;
    one.DefaultValue = parameter.default_value;
    one.NoEcho = parameter.no_echo;
    if (!parameter.description.empty()) one.Description = parameter.description;
  }
  if (!source.description.empty()) out.Description = source.description;
  if (const auto needed = needed_capability(source)) {
    out.Capabilities = {needed->name};
    out.CapabilitiesReason = needed->reason;
  }
  return out;
}

}  // namespace brume::cloudformation
