// What is asked about stacks; nothing here changes one.
#include <algorithm>

#include "services/cloudformation/service.h"
#include "services/common/page.h"

namespace brume::cloudformation {
namespace {

constexpr std::size_t kPage = 100;

// Newest first, as CloudFormation lists.
std::string newest_first(Timestamp time, const std::string& id) {
  return fmt::format("{:020}/{}", (std::int64_t(1) << 52) - time.time_since_epoch().count(), id);
}

StackResourceDriftInformation not_checked() {
  StackResourceDriftInformation out;
  out.StackResourceDriftStatus = "NOT_CHECKED";
  return out;
}

Stack stack_of(const StackRecord& record) {
  Stack out;
  out.StackId = record.id;
  out.StackName = record.name;
  if (!record.change_set_id.empty()) out.ChangeSetId = record.change_set_id;
  if (!record.description.empty()) out.Description = record.description;
  out.Parameters = record.now.parameters;
  for (Parameter& parameter : out.Parameters)
    if (std::ranges::find(record.now.hidden, parameter.ParameterKey.value_or("")) != record.now.hidden.end())
      parameter.ParameterValue = "****";
  out.CreationTime = record.created;
  out.LastUpdatedTime = record.updated;
  out.DeletionTime = record.deleted;
  out.RollbackConfiguration.emplace();
  out.StackStatus = record.status;
  if (!record.status_reason.empty()) out.StackStatusReason = record.status_reason;
  out.DisableRollback = record.rollback_disabled;
  out.NotificationARNs.set_present();
  out.TimeoutInMinutes = record.timeout_minutes;
  out.Capabilities = record.capabilities;
  out.Outputs = record.outputs;
  if (!record.role_arn.empty()) out.RoleARN = record.role_arn;
  out.Tags = record.now.tags;
  out.Tags.set_present();
  out.EnableTerminationProtection = record.termination_protection;
  out.DriftInformation.emplace().StackDriftStatus = "NOT_CHECKED";
  return out;
}

template <typename Shape>
Shape resource_of(const ResourceRecord& record) {
  Shape out;
  out.LogicalResourceId = record.logical_id;
  if (!record.now.physical_id.empty()) out.PhysicalResourceId = record.now.physical_id;
  out.ResourceType = record.now.type;
  out.ResourceStatus = record.status;
  if (!record.reason.empty()) out.ResourceStatusReason = record.reason;
  if constexpr (requires { out.Timestamp; })
    out.Timestamp = record.since;
  else
    out.LastUpdatedTimestamp = record.since;
  if constexpr (!std::is_same_v<Shape, StackResourceSummary>)
    out.DriftInformation = not_checked();
  else
    out.DriftInformation.emplace().StackResourceDriftStatus = "NOT_CHECKED";
  return out;
}

template <typename Output, typename Page>
void set_token(Output& output, Page& page) {
  output.NextToken = std::move(page.next_token);
}

}  // namespace

Result<DescribeStacksOutput> Service::DescribeStacks(const aws::Call&, const DescribeStacksInput& request) {
  DescribeStacksOutput out;
  out.Stacks.set_present();
  if (request.StackName) {
    BRUME_TRY(stack, get_stack(request.StackName));
    out.Stacks.push_back(stack_of(*stack));
    return out;
  }
  std::map<std::string, const StackRecord*> sorted;
  for (const auto& [id, stack] : tables_.stacks.rows())
    if (stack.status != "DELETE_COMPLETE") sorted[newest_first(stack.created, id)] = &stack;
  std::vector<std::pair<std::string, const StackRecord*>> rows(sorted.begin(), sorted.end());
  BRUME_TRY(page, services::paginate(
                      std::move(rows), kPage, request.NextToken, [](const auto& row) { return row.first; },
                      "ValidationError"));
  for (const auto& [key, stack] : page.items) out.Stacks.push_back(stack_of(*stack));
  set_token(out, page);
  return out;
}

Result<ListStacksOutput> Service::ListStacks(const aws::Call&, const ListStacksInput& request) {
  ListStacksOutput out;
  out.StackSummaries.set_present();
  std::map<std::string, const StackRecord*> sorted;
  for (const auto& [id, stack] : tables_.stacks.rows()) {
    const auto& filter = request.StackStatusFilter;
    if (filter.empty() || std::ranges::find(filter, stack.status) != filter.end())
      sorted[newest_first(stack.created, id)] = &stack;
  }
  std::vector<std::pair<std::string, const StackRecord*>> rows(sorted.begin(), sorted.end());
  BRUME_TRY(page, services::paginate(
                      std::move(rows), kPage, request.NextToken, [](const auto& row) { return row.first; },
                      "ValidationError"));
  for (const auto& [key, stack] : page.items) {
    StackSummary& summary = out.StackSummaries.emplace_back();
    summary.StackId = stack->id;
    summary.StackName = stack->name;
    if (!stack->description.empty()) summary.TemplateDescription = stack->description;
    summary.CreationTime = stack->created;
    summary.LastUpdatedTime = stack->updated;
    summary.DeletionTime = stack->deleted;
    summary.StackStatus = stack->status;
    if (!stack->status_reason.empty()) summary.StackStatusReason = stack->status_reason;
    summary.DriftInformation.emplace().StackDriftStatus = "NOT_CHECKED";
  }
  set_token(out, page);
  return out;
}

Result<DescribeStackEventsOutput> Service::DescribeStackEvents(const aws::Call&,
                                                               const DescribeStackEventsInput& request) {
  BRUME_TRY(stack, get_stack(request.StackName, "Stack [{}] does not exist"));
  DescribeStackEventsOutput out;
  out.StackEvents.set_present();
  std::vector<std::pair<std::string, const EventRecord*>> rows;
  for (std::int32_t number = stack->events; number > 0; --number)
    if (const EventRecord* event = tables_.events.find(fmt::format("{}/{:08}", stack->id, number)))
      rows.emplace_back(fmt::format("{:010}", 1'000'000'000 - number), event);
  BRUME_TRY(page, services::paginate(
                      std::move(rows), kPage, request.NextToken, [](const auto& row) { return row.first; },
                      "ValidationError"));
  for (const auto& [key, record] : page.items) out.StackEvents.push_back(record->event);
  set_token(out, page);
  return out;
}

Result<DescribeStackResourceOutput> Service::DescribeStackResource(const aws::Call&,
                                                                   const DescribeStackResourceInput& request) {
  BRUME_TRY(stack, get_stack(request.StackName, "Stack '{}' does not exist"));
  const std::string id = request.LogicalResourceId.value_or("");
  const ResourceRecord* record = tables_.resources.find(Engine::key(stack->id, id));
  if (!record) return fail("ValidationError", "Resource {} does not exist for stack {}", id, stack->name);
  DescribeStackResourceOutput out;
  auto& detail = out.StackResourceDetail.emplace(resource_of<StackResourceDetail>(*record));
  detail.StackId = stack->id;
  detail.StackName = stack->name;
  if (auto source = templates::read_template(stack->now.template_body)) {
    const auto* resource = source->resource(id);
    if (resource && !resource->metadata.keys.empty()) detail.Metadata = to_json_text(resource->metadata);
  }
  return out;
}

Result<DescribeStackResourcesOutput> Service::DescribeStackResources(const aws::Call&,
                                                                     const DescribeStackResourcesInput& request) {
  const StackRecord* stack = nullptr;
  if (request.StackName) {
    BRUME_TRY(found, get_stack(request.StackName));
    stack = found;
  } else if (request.PhysicalResourceId) {
    for (const auto& [key, record] : tables_.resources.rows())
      if (record.now.physical_id == *request.PhysicalResourceId && record.status != "DELETE_COMPLETE")
        stack = tables_.stacks.find(record.stack_id);
    if (!stack) return fail("ValidationError", "Stack for {} does not exist", *request.PhysicalResourceId);
  } else {
    return fail("ValidationError", "Either StackName or PhysicalResourceId must be specified");
  }
  DescribeStackResourcesOutput out;
  out.StackResources.set_present();
  for (const std::string& id : engine_.logical_ids(stack->id)) {
    if (request.LogicalResourceId && id != *request.LogicalResourceId) continue;
    auto& resource = out.StackResources.emplace_back(
        resource_of<StackResource>(*tables_.resources.find(Engine::key(stack->id, id))));
    resource.StackId = stack->id;
    resource.StackName = stack->name;
  }
  if (request.LogicalResourceId && out.StackResources.empty())
    return fail("ValidationError", "Resource {} does not exist for stack {}", *request.LogicalResourceId, stack->name);
  return out;
}

Result<ListStackResourcesOutput> Service::ListStackResources(const aws::Call&, const ListStackResourcesInput& request) {
  BRUME_TRY(stack, get_stack(request.StackName));
  ListStackResourcesOutput out;
  out.StackResourceSummaries.set_present();
  BRUME_TRY(page, services::paginate(
                      engine_.logical_ids(stack->id), kPage, request.NextToken,
                      [](const std::string& id) { return id; }, "ValidationError"));
  for (const std::string& id : page.items)
    out.StackResourceSummaries.push_back(
        resource_of<StackResourceSummary>(*tables_.resources.find(Engine::key(stack->id, id))));
  set_token(out, page);
  return out;
}

Result<ListExportsOutput> Service::ListExports(const aws::Call&, const ListExportsInput& request) {
  std::map<std::string, Export> sorted;
  for (const auto& [id, stack] : tables_.stacks.rows()) {
    for (const Output& output : stack.outputs) {
      if (!output.ExportName) continue;
      Export& one = sorted[*output.ExportName];
      one.ExportingStackId = id;
      one.Name = output.ExportName;
      one.Value = output.OutputValue;
    }
  }
  std::vector<Export> rows;
  for (auto& [name, one] : sorted) rows.push_back(std::move(one));
  BRUME_TRY(page, services::paginate(
                      std::move(rows), kPage, request.NextToken,
                      [](const Export& one) { return one.Name.value_or(""); }, "ValidationError"));
  ListExportsOutput out;
  out.Exports = List<Export>(std::move(page.items));
  set_token(out, page);
  return out;
}

Result<ListImportsOutput> Service::ListImports(const aws::Call&, const ListImportsInput& request) {
  const std::string name = request.ExportName.value_or("");
  std::vector<std::string> importers;
  for (const auto& [id, stack] : tables_.stacks.rows())
    if (std::ranges::find(stack.imports, name) != stack.imports.end()) importers.push_back(stack.name);
  if (importers.empty()) return fail("ValidationError", "Export '{}' is not imported by any stack.", name);
  std::ranges::sort(importers);
  BRUME_TRY(page, services::paginate(
                      std::move(importers), kPage, request.NextToken, [](const std::string& one) { return one; },
                      "ValidationError"));
  ListImportsOutput out;
  out.Imports = List<std::string>(std::move(page.items));
  set_token(out, page);
  return out;
}

}  // namespace brume::cloudformation
