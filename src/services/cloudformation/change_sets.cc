#include <algorithm>

#include "services/cloudformation/preview.h"
#include "services/cloudformation/service.h"
#include "services/common/ids.h"
#include "services/common/page.h"

namespace brume::cloudformation {
namespace {

constexpr const char* kNoChanges =
    "The submitted information didn't contain changes. Submit different information to create a change set.";

}  // namespace

const ChangeSetRecord* Service::find_change_set(const std::string& name_or_id,
                                                const std::optional<std::string>& stack_name) const {
  if (name_or_id.starts_with("arn:")) return tables_.change_sets.find(name_or_id);
  const StackRecord* stack = stack_name ? find_stack(*stack_name) : nullptr;
  if (!stack) return nullptr;
  for (const auto& [id, set] : tables_.change_sets.rows())
    if (set.stack_id == stack->id && set.name == name_or_id) return &set;
  return nullptr;
}

void Service::delete_change_sets(const std::string& stack_id, const std::string& except) {
  std::vector<std::string> ids;
  for (const auto& [id, set] : tables_.change_sets.rows())
    if (set.stack_id == stack_id && id != except) ids.push_back(id);
  for (const std::string& id : ids) tables_.change_sets.erase(id);
}

Result<CreateChangeSetOutput> Service::CreateChangeSet(const aws::Call&, const CreateChangeSetInput& request) {
  const std::string stack_name = request.StackName.value_or(""), name = request.ChangeSetName.value_or("");
  const std::string type = request.ChangeSetType.value_or("UPDATE");
  if (type != "CREATE" && type != "UPDATE") return fail("ValidationError", "ChangeSetType {} is not supported", type);
  if (!request.ResourcesToImport.empty() || request.ImportExistingResources.value_or(false))
    return fail("ValidationError", "Importing resources is not supported");
  if (request.IncludeNestedStacks.value_or(false)) return fail("ValidationError", "Nested stacks are not supported");
  const StackRecord* known = find_stack(stack_name);
  CreateChangeSetOutput out;
  if (known) {
    if (const ChangeSetRecord* same = find_change_set(name, known->id)) {
      if (!request.ClientToken || same->client_token != *request.ClientToken)
        return fail("AlreadyExistsException", "ChangeSet {} already exists", name);
      out.Id = same->id;
      out.StackId = known->id;
      return out;
    }
    const bool review = known->status == "REVIEW_IN_PROGRESS";
    if (type == "CREATE" && !review)
      return fail("ValidationError", "Stack [{}] already exists and cannot be created again with the changeSet [{}].",
                  known->name, name);
    const bool updatable = known->status == "CREATE_COMPLETE" || known->status == "CREATE_FAILED" ||
                           known->status == "UPDATE_COMPLETE" || known->status == "UPDATE_FAILED" ||
                           known->status == "UPDATE_ROLLBACK_COMPLETE";
    if (type == "UPDATE" && !updatable)
      return fail("ValidationError", "Stack:{} is in {} state and can not be updated.", known->id, known->status);
  } else if (type == "UPDATE") {
    return fail("ValidationError", "Stack [{}] does not exist", stack_name);
  }
  StackRecord stack = known ? *known : new_stack(stack_name);
  const bool valid = !stack_name.empty() && stack.name.size() <= 128 && std::ranges::all_of(stack.name, [](char c) {
    return std::isalnum(static_cast<unsigned char>(c)) || c == '-';
  });
  if (!valid)
    return fail(
        "ValidationError",
        "1 validation error detected: Value '{}' at 'stackName' failed to satisfy constraint: Member must satisfy "
        "regular expression pattern: [a-zA-Z][-a-zA-Z0-9]*",
        stack_name);
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
                              known, stack.name, stack.id));
  ChangeSetRecord set;
  set.name = name;
  set.id = services::arn("cloudformation", context_.region,
                         fmt::format("changeSet/{}/{}", name, context_.env.random.uuid()));
  set.stack_id = stack.id;
  set.type = type;
  set.description = request.Description.value_or("");
  set.created = context_.env.clock.wall();
  set.client_token = request.ClientToken.value_or("");
  set.on_stack_failure = request.OnStackFailure.value_or("");
  set.capabilities = request.Capabilities;
  BRUME_TRY(changes, preview(engine_, tables_, stack, definition));
  set.changes = std::move(changes);
  BRUME_TRY(nothing, without_effect(engine_, tables_, stack, definition));
  const bool empty = type == "UPDATE" && nothing;
  set.status = empty ? "FAILED" : "CREATE_COMPLETE";
  set.execution_status = empty ? "UNAVAILABLE" : "AVAILABLE";
  if (empty) set.reason = kNoChanges;
  set.definition = std::move(definition);
  if (!known) {
    tables_.stacks.put(stack.id, stack);
    engine_.set_status(stack.id, "REVIEW_IN_PROGRESS", "User Initiated");
  }
  out.Id = set.id;
  out.StackId = stack.id;
  tables_.change_sets.put(set.id, std::move(set));
  return out;
}

Result<DescribeChangeSetOutput> Service::DescribeChangeSet(const aws::Call&, const DescribeChangeSetInput& request) {
  const ChangeSetRecord* set = find_change_set(request.ChangeSetName.value_or(""), request.StackName);
  if (!set) return fail("ChangeSetNotFound", "ChangeSet [{}] does not exist", request.ChangeSetName.value_or(""));
  DescribeChangeSetOutput out;
  const StackRecord* stack = tables_.stacks.find(set->stack_id);
  out.ChangeSetName = set->name;
  out.ChangeSetId = set->id;
  out.StackId = set->stack_id;
  out.StackName = stack ? stack->name : "";
  if (!set->description.empty()) out.Description = set->description;
  out.Parameters = set->definition.parameters;
  for (Parameter& parameter : out.Parameters)
    if (std::ranges::find(set->definition.hidden, parameter.ParameterKey.value_or("")) != set->definition.hidden.end())
      parameter.ParameterValue = "****";
  out.CreationTime = set->created;
  out.ExecutionStatus = set->execution_status;
  out.Status = set->status;
  if (!set->reason.empty()) out.StatusReason = set->reason;
  out.NotificationARNs.set_present();
  out.RollbackConfiguration.emplace();
  out.Capabilities = set->capabilities;
  out.Tags = set->definition.tags;
  out.IncludeNestedStacks = false;
  if (!set->on_stack_failure.empty()) out.OnStackFailure = set->on_stack_failure;
  BRUME_TRY(page, services::paginate(
                      std::vector<Change>(set->changes), 0, request.NextToken,
                      [](const Change& change) { return change.ResourceChange->LogicalResourceId.value_or(""); },
                      "ValidationError"));
  out.Changes = List<Change>(std::move(page.items));
  return out;
}

Result<ExecuteChangeSetOutput> Service::ExecuteChangeSet(const aws::Call&, const ExecuteChangeSetInput& request) {
  const ChangeSetRecord* found = find_change_set(request.ChangeSetName.value_or(""), request.StackName);
  if (!found) return fail("ChangeSetNotFound", "ChangeSet [{}] does not exist", request.ChangeSetName.value_or(""));
  ChangeSetRecord set = *found;
  if (set.execution_status != "AVAILABLE")
    return fail("InvalidChangeSetStatus", "ChangeSet [{}] cannot be executed in its current execution status of [{}]",
                set.id, set.execution_status);
  StackRecord stack = *tables_.stacks.find(set.stack_id);
  delete_change_sets(stack.id, set.id);
  set.execution_status = "EXECUTE_COMPLETE";
  tables_.change_sets.put(set.id, set);
  BRUME_TRY(source, templates::read_template(set.definition.template_body));
  stack.description = source.description;
  stack.change_set_id = set.id;
  stack.rollback_disabled = request.DisableRollback.value_or(set.on_stack_failure == "DO_NOTHING");
  stack.capabilities = set.capabilities;
  stack.client_token = request.ClientRequestToken.value_or("");
  if (set.type == "CREATE") {
    stack.on_failure = !set.on_stack_failure.empty() ? set.on_stack_failure
                       : stack.rollback_disabled     ? "DO_NOTHING"
                                                     : "ROLLBACK";
    stack.now = set.definition;
    begin_create(std::move(stack));
  } else {
    begin_update(std::move(stack), set.definition);
  }
  return ExecuteChangeSetOutput{};
}

Result<DeleteChangeSetOutput> Service::DeleteChangeSet(const aws::Call&, const DeleteChangeSetInput& request) {
  const ChangeSetRecord* set = find_change_set(request.ChangeSetName.value_or(""), request.StackName);
  if (set) tables_.change_sets.erase(std::string(set->id));
  return DeleteChangeSetOutput{};
}

Result<ListChangeSetsOutput> Service::ListChangeSets(const aws::Call&, const ListChangeSetsInput& request) {
  BRUME_TRY(stack, get_stack(request.StackName, "Stack [{}] does not exist"));
  std::vector<const ChangeSetRecord*> sets;
  for (const auto& [id, set] : tables_.change_sets.rows())
    if (set.stack_id == stack->id) sets.push_back(&set);
  BRUME_TRY(page, services::paginate(
                      std::move(sets), 100, request.NextToken, [](const ChangeSetRecord* set) { return set->id; },
                      "ValidationError"));
  ListChangeSetsOutput out;
  out.Summaries.set_present();
  for (const ChangeSetRecord* set : page.items) {
    ChangeSetSummary& summary = out.Summaries.emplace_back();
    summary.StackId = stack->id;
    summary.StackName = stack->name;
    summary.ChangeSetId = set->id;
    summary.ChangeSetName = set->name;
    summary.ExecutionStatus = set->execution_status;
    summary.Status = set->status;
    if (!set->reason.empty()) summary.StatusReason = set->reason;
    summary.CreationTime = set->created;
    if (!set->description.empty()) summary.Description = set->description;
    summary.IncludeNestedStacks = false;
  }
  out.NextToken = std::move(page.next_token);
  return out;
}

}  // namespace brume::cloudformation
