#include "services/cloudformation/service.h"

#include <algorithm>

#include "services/cloudformation/lint.h"
#include "services/cloudformation/preview.h"
#include "services/cloudformation/pseudo.h"
#include "services/common/ids.h"
#include "services/common/wildcard.h"

namespace brume::cloudformation {
namespace {

bool valid_name(std::string_view name) {
  const auto letter = [](char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z'); };
  return !name.empty() && name.size() <= 128 && letter(name[0]) &&
         std::ranges::all_of(name, [&](char c) { return letter(c) || (c >= '0' && c <= '9') || c == '-'; });
}

bool one_of(std::string_view word, std::initializer_list<std::string_view> words) {
  return std::ranges::find(words, word) != words.end();
}

// How long a deleted stack can still be described (CloudFormation user guide, "Viewing deleted stacks").
constexpr auto kKeepDeleted = std::chrono::days(90);

}  // namespace

Service::Service(services::Context context, Apis apis)
    : context_(std::move(context)),
      apis_(apis),
      tables_(context_.store, context_.region),
      engine_(context_, apis_, tables_) {}

void Service::start() {
  engine_.start();
  context_.hints.subscribe([this](std::string_view) {
    for (const auto& [id, stack] : tables_.stacks.rows())
      if (stack.status.ends_with("_IN_PROGRESS") && stack.status != "REVIEW_IN_PROGRESS") engine_.wake(id);
  });
}

const StackRecord* Service::find_stack(const std::string& name_or_id) const {
  if (name_or_id.starts_with("arn:")) return tables_.stacks.find(name_or_id);
  for (const auto& [id, stack] : tables_.stacks.rows())
    if (stack.name == name_or_id && stack.status != "DELETE_COMPLETE") return &stack;
  return nullptr;
}

Result<const StackRecord*> Service::get_stack(const std::optional<std::string>& name_or_id,
                                              std::string_view message) const {
  const StackRecord* stack = find_stack(name_or_id.value_or(""));
  if (!stack) return fail("ValidationError", "{}", fmt::format(fmt::runtime(message), name_or_id.value_or("")));
  return stack;
}

templates::LookUp Service::look_up() {
  return [this](const std::string& name) -> Result<std::string> {
    ssm::GetParameterRequest request;
    request.Name = name;
    auto found = apis_.ssm.GetParameter(context_.call("cloudformation"), request);
    if (!found || !found->Parameter)
      return fail("ValidationError", "Unable to fetch parameters [{}] from parameter store for this account.", name);
    return found->Parameter->Value.value_or("");
  };
}

Result<Definition> Service::judge(const Asked& asked, const StackRecord* stack, const std::string& name,
                                  const std::string& id) {
  if (asked.url) return fail("ValidationError", "TemplateURL is not supported: give the template as TemplateBody");
  if (!asked.notification_arns.empty())
    return fail("ValidationError", "NotificationARNs are not supported: stack events are not published to SNS");
  if (asked.rollback && !asked.rollback->RollbackTriggers.empty())
    return fail("ValidationError", "Rollback triggers are not supported");
  Definition out;
  if (asked.previous_template) {
    if (asked.body)
      return fail("ValidationError",
                  "Either Template URL or Template Body must be specified, not together with UsePreviousTemplate");
    if (!stack || stack->now.template_body.empty())
      return fail("ValidationError", "Stack {} has no previous template", name);
    out.template_body = stack->now.template_body;
  } else if (asked.body) {
    out.template_body = *asked.body;
  } else {
    return fail("ValidationError", "Either Template URL or Template Body must be specified.");
  }
  BRUME_TRY(source, templates::read_template(out.template_body));
  LintInput input{.pseudo = pseudo_parameters(context_.region, name, id), .look_up = look_up()};
  for (const Parameter& parameter : asked.parameters) {
    const std::string key = parameter.ParameterKey.value_or("");
    if (!parameter.UsePreviousValue.value_or(false)) {
      input.parameters[key] = parameter.ParameterValue.value_or("");
      continue;
    }
    const Parameter* previous = nullptr;
    if (stack)
      for (const Parameter& known : stack->now.parameters)
        if (known.ParameterKey == key) previous = &known;
    if (!previous)
      return fail("ValidationError",
                  "Invalid input for parameter key {}. Cannot specify usePreviousValue as true for a parameter key not "
                  "in the previous template",
                  key);
    input.parameters[key] = previous->ParameterValue.value_or("");
  }
  if (const auto findings = lint(source, input); !findings.empty()) {
    std::string all;
    for (std::size_t i = 0; i < findings.size() && i < 10; ++i) all += (i ? "; " : "") + findings[i].message;
    if (findings.size() > 10) all += fmt::format("; and {} more", findings.size() - 10);
    return fail("ValidationError", "{}", all);
  }
  for (const auto& resource : source.resources) {
    const bool allowed =
        asked.resource_types.empty() || std::ranges::any_of(asked.resource_types, [&](const std::string& pattern) {
          return services::wildcard_match(pattern, resource.type);
        });
    if (!allowed)
      return fail("ValidationError", "Resource type {} is not allowed by parameter ResourceTypes {}", resource.type,
                  joined(asked.resource_types));
  }
  if (const auto needed = needed_capability(source)) {
    const bool given = std::ranges::any_of(
        asked.capabilities, [&](const std::string& c) { return c == needed->name || c == "CAPABILITY_NAMED_IAM"; });
    if (!given) return fail("InsufficientCapabilitiesException", "Requires capabilities : [{}]", needed->name);
  }
  BRUME_TRY(bound, templates::bind_parameters(source, input.parameters, input.look_up));
  for (const auto& [key, value] : bound) {
    Parameter& parameter = out.parameters.emplace_back();
    parameter.ParameterKey = key;
    parameter.ParameterValue = value.given;
    if (value.resolved) {
      std::string resolved = value.value.text;
      for (const auto& item : value.value.items) resolved += (resolved.empty() ? "" : ",") + item.text;
      parameter.ResolvedValue = resolved;
    }
    if (source.parameter(key)->no_echo) out.hidden.push_back(key);
  }
  for (const Tag& tag : asked.tags)
    if (tag.Key.value_or("").starts_with("aws:"))
      return fail("ValidationError", "aws: prefixed tag key names are not allowed for external use.");
  out.tags = asked.tags;
  return out;
}

StackRecord Service::new_stack(const std::string& name) {
  StackRecord stack;
  stack.name = name;
  stack.id =
      services::arn("cloudformation", context_.region, fmt::format("stack/{}/{}", name, context_.env.random.uuid()));
  stack.created = context_.env.clock.wall();
  return stack;
}

void Service::purge_expired() {
  const Timestamp limit = context_.env.clock.wall() - kKeepDeleted;
  std::vector<std::string> expired;
  for (const auto& [id, stack] : tables_.stacks.rows())
    if (stack.deleted && *stack.deleted < limit) expired.push_back(id);
  for (const std::string& id : expired) {
    const std::int32_t events = tables_.stacks.find(id)->events;
    for (std::int32_t i = 1; i <= events; ++i) tables_.events.erase(fmt::format("{}/{:08}", id, i));
    for (const std::string& resource : engine_.logical_ids(id)) tables_.resources.erase(Engine::key(id, resource));
    tables_.stacks.erase(id);
  }
}

void Service::wake_later(const std::string& stack_id) {
  context_.store.after_commit([this, stack_id] { engine_.wake(stack_id); });
}

void Service::begin_create(StackRecord stack) {
  const std::string id = stack.id;
  ++stack.operation;
  if (stack.timeout_minutes) stack.deadline = context_.env.clock.wall() + std::chrono::minutes(*stack.timeout_minutes);
  tables_.stacks.put(id, std::move(stack));
  engine_.set_status(id, "CREATE_IN_PROGRESS", "User Initiated");
  wake_later(id);
}

void Service::begin_update(StackRecord stack, Definition definition) {
  const std::string id = stack.id;
  ++stack.operation;
  // After an update that failed and was left as it is, a rollback still goes back to the last good definition.
  if (!stack.previous) stack.previous = stack.now;
  stack.now = std::move(definition);
  stack.updated = context_.env.clock.wall();
  tables_.stacks.put(id, std::move(stack));
  engine_.set_status(id, "UPDATE_IN_PROGRESS", "User Initiated");
  wake_later(id);
}

Result<CreateStackOutput> Service::CreateStack(const aws::Call&, const CreateStackInput& request) {
  const std::string name = request.StackName.value_or("");
  if (!valid_name(name))
    return fail(
        "ValidationError",
        "1 validation error detected: Value '{}' at 'stackName' failed to satisfy constraint: Member must satisfy "
        "regular expression pattern: [a-zA-Z][-a-zA-Z0-9]*",
        name);
  CreateStackOutput out;
  const std::string token = request.ClientRequestToken.value_or("");
  if (const StackRecord* known = find_stack(name)) {
    if (token.empty() || known->client_token != token)
      return fail("AlreadyExistsException", "Stack [{}] already exists", name);
    out.StackId = known->id;
    return out;
  }
  if (request.StackPolicyBody || request.StackPolicyURL)
    return fail("ValidationError", "Stack policies are not supported");
  if (request.OnFailure && request.DisableRollback)
    return fail("ValidationError", "You can specify either DisableRollback or OnFailure, but not both.");
  StackRecord stack = new_stack(name);
  BRUME_TRY(definition, judge({.body = request.TemplateBody,
                               .url = request.TemplateURL,
                               .parameters = request.Parameters,
                               .tags = request.Tags,
                               .capabilities = request.Capabilities,
                               .resource_types = request.ResourceTypes,
                               .notification_arns = request.NotificationARNs,
                               .rollback = request.RollbackConfiguration},
                              nullptr, name, stack.id));
  stack.now = std::move(definition);
  BRUME_TRY(source, templates::read_template(stack.now.template_body));
  stack.description = source.description;
  stack.rollback_disabled = request.DisableRollback.value_or(false);
  stack.on_failure = request.OnFailure.value_or(stack.rollback_disabled ? "DO_NOTHING" : "ROLLBACK");
  stack.timeout_minutes = request.TimeoutInMinutes;
  stack.termination_protection = request.EnableTerminationProtection.value_or(false);
  stack.capabilities = request.Capabilities;
  stack.role_arn = request.RoleARN.value_or("");
  stack.client_token = token;
  out.StackId = stack.id;
  purge_expired();
  begin_create(std::move(stack));
  return out;
}

Result<UpdateStackOutput> Service::UpdateStack(const aws::Call&, const UpdateStackInput& request) {
  BRUME_TRY(found, get_stack(request.StackName, "Stack [{}] does not exist"));
  StackRecord stack = *found;
  UpdateStackOutput out;
  out.StackId = stack.id;
  const std::string token = request.ClientRequestToken.value_or("");
  if (!token.empty() && token == stack.client_token) return out;
  if (!one_of(stack.status,
              {"CREATE_COMPLETE", "CREATE_FAILED", "UPDATE_COMPLETE", "UPDATE_FAILED", "UPDATE_ROLLBACK_COMPLETE"}))
    return fail("ValidationError", "Stack:{} is in {} state and can not be updated.", stack.id, stack.status);
  if (request.StackPolicyBody || request.StackPolicyURL || request.StackPolicyDuringUpdateBody ||
      request.StackPolicyDuringUpdateURL)
    return fail("ValidationError", "Stack policies are not supported");
  const List<Tag>& tags = request.Tags.present() ? request.Tags : stack.now.tags;
  BRUME_TRY(definition, judge({.body = request.TemplateBody,
                               .url = request.TemplateURL,
                               .previous_template = request.UsePreviousTemplate.value_or(false),
                               .parameters = request.Parameters,
                               .tags = tags,
                               .capabilities = request.Capabilities,
                               .resource_types = request.ResourceTypes,
                               .notification_arns = request.NotificationARNs,
                               .rollback = request.RollbackConfiguration},
                              &stack, stack.name, stack.id));
  const bool failed = stack.status.ends_with("_FAILED");
  BRUME_TRY(nothing, without_effect(engine_, tables_, stack, definition));
  if (nothing && !failed) return fail("ValidationError", "No updates are to be performed.");
  BRUME_TRY(source, templates::read_template(definition.template_body));
  stack.description = source.description;
  stack.rollback_disabled = request.DisableRollback.value_or(false);
  if (request.Capabilities.present()) stack.capabilities = request.Capabilities;
  if (request.RoleARN) stack.role_arn = *request.RoleARN;
  stack.client_token = token;
  delete_change_sets(stack.id);
  begin_update(std::move(stack), std::move(definition));
  return out;
}

Result<void> Service::DeleteStack(const aws::Call&, const DeleteStackInput& request) {
  const StackRecord* found = find_stack(request.StackName.value_or(""));
  if (!found || found->status == "DELETE_COMPLETE" || found->status == "DELETE_IN_PROGRESS") return {};
  StackRecord stack = *found;
  if (stack.termination_protection)
    return fail("ValidationError", "Stack [{}] cannot be deleted while TerminationProtection is enabled", stack.name);
  if (stack.status.starts_with("UPDATE_") && stack.status.ends_with("_IN_PROGRESS"))
    return fail("ValidationError", "Stack [{}] cannot be deleted while in status {}", stack.name, stack.status);
  if (request.DeletionMode.value_or("STANDARD") != "STANDARD")
    return fail("ValidationError", "DeletionMode {} is not supported", *request.DeletionMode);
  if (!request.RetainResources.empty() && stack.status != "DELETE_FAILED")
    return fail("ValidationError",
                "Invalid operation on stack [{}]. RetainResources can be specified only for a stack in the "
                "DELETE_FAILED state.",
                stack.id);
  for (const std::string& resource : request.RetainResources)
    if (!tables_.resources.contains(Engine::key(stack.id, resource)))
      return fail("ValidationError", "Resource {} to retain does not exist in stack {}", resource, stack.name);
  delete_change_sets(stack.id);
  const std::string id = stack.id;
  const bool review = stack.status == "REVIEW_IN_PROGRESS";
  ++stack.operation;
  stack.retain = request.RetainResources;
  stack.client_token = request.ClientRequestToken.value_or("");
  if (review) stack.deleted = context_.env.clock.wall();
  tables_.stacks.put(id, std::move(stack));
  engine_.set_status(id, review ? "DELETE_COMPLETE" : "DELETE_IN_PROGRESS", review ? "" : "User Initiated");
  if (!review) wake_later(id);
  return {};
}

Result<void> Service::CancelUpdateStack(const aws::Call&, const CancelUpdateStackInput& request) {
  BRUME_TRY(stack, get_stack(request.StackName, "Stack [{}] does not exist"));
  if (stack->status != "UPDATE_IN_PROGRESS")
    return fail("ValidationError", "CancelUpdateStack cannot be called from current stack status {}", stack->status);
  const std::string id = stack->id;
  // What is under way is cancelled by the rollback: the resources' records say what was done.
  for (const std::string& logical_id : engine_.logical_ids(id)) {
    ResourceRecord record = *tables_.resources.find(Engine::key(id, logical_id));
    if (record.operation != stack->operation || !record.status.ends_with("_IN_PROGRESS")) continue;
    const bool create = record.status.starts_with("CREATE");
    record.status = create ? "CREATE_FAILED" : "UPDATE_FAILED";
    record.reason = create ? "Resource creation cancelled" : "Resource update cancelled";
    tables_.resources.put(Engine::key(id, logical_id), record);
    engine_.add_event(id, record, record.status, record.reason, record.now.physical_id);
  }
  tables_.stacks.modify(id, [](StackRecord& s) { ++s.operation; });
  engine_.set_status(id, "UPDATE_ROLLBACK_IN_PROGRESS", "User Initiated");
  wake_later(id);
  return {};
}

Result<ContinueUpdateRollbackOutput> Service::ContinueUpdateRollback(const aws::Call&,
                                                                     const ContinueUpdateRollbackInput& request) {
  BRUME_TRY(stack, get_stack(request.StackName, "Stack [{}] does not exist"));
  if (stack->status != "UPDATE_ROLLBACK_FAILED")
    return fail("ValidationError", "Stack:{} is in {} state and can not continue update rollback.", stack->id,
                stack->status);
  const std::string id = stack->id;
  for (const std::string& logical_id : request.ResourcesToSkip) {
    const std::string row = Engine::key(id, logical_id);
    const ResourceRecord* record = tables_.resources.find(row);
    if (!record || record->status != "UPDATE_FAILED")
      return fail("ValidationError", "Resource {} cannot be skipped: only resources in the state UPDATE_FAILED can",
                  logical_id);
    tables_.resources.modify(row, [](ResourceRecord& r) { r.previous.reset(); });
  }
  tables_.stacks.modify(id, [&](StackRecord& s) {
    ++s.operation;
    s.client_token = request.ClientRequestToken.value_or("");
  });
  engine_.set_status(id, "UPDATE_ROLLBACK_IN_PROGRESS", "User Initiated");
  wake_later(id);
  return ContinueUpdateRollbackOutput{};
}

Result<void> Service::SignalResource(const aws::Call&, const SignalResourceInput& request) {
  BRUME_TRY(stack, get_stack(request.StackName));
  const std::string logical_id = request.LogicalResourceId.value_or(""), unique = request.UniqueId.value_or("");
  const std::string row = Engine::key(stack->id, logical_id), id = stack->id;
  const ResourceRecord* found = tables_.resources.find(row);
  if (!found) return fail("ValidationError", "Resource {} does not exist for stack {}", logical_id, stack->name);
  if (!one_of(found->status, {"CREATE_IN_PROGRESS", "UPDATE_IN_PROGRESS"}))
    return fail("ValidationError", "Resource {} is in {} state and cannot be signaled", logical_id, found->status);
  ResourceRecord record = *found;
  const std::string status = request.Status.value_or("");
  const auto known = std::ranges::find(record.signals, unique, &Signal::id);
  if (known != record.signals.end()) {
    if (status != "FAILURE")
      return fail(
          "ValidationError",
          "Signal with ID {} for resource {} already exists. Signals may only be updated with a FAILURE status.",
          unique, logical_id);
    known->status = status;
  } else {
    record.signals.push_back({unique, status});
  }
  tables_.resources.put(row, record);
  engine_.add_event(id, record, record.status, fmt::format("Received {} signal with UniqueId {}", status, unique),
                    record.now.physical_id);
  wake_later(id);
  return {};
}

Result<UpdateTerminationProtectionOutput> Service::UpdateTerminationProtection(
    const aws::Call&, const UpdateTerminationProtectionInput& request) {
  BRUME_TRY(stack, get_stack(request.StackName, "Stack [{}] does not exist"));
  const std::string id = stack->id;
  tables_.stacks.modify(
      id, [&](StackRecord& s) { s.termination_protection = request.EnableTerminationProtection.value_or(false); });
  UpdateTerminationProtectionOutput out;
  out.StackId = id;
  return out;
}

}  // namespace brume::cloudformation
