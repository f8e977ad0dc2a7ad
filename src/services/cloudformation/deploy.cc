// Creating and updating: forward to what the template says.
#include <algorithm>
#include <utility>

#include "services/cloudformation/engine.h"
#include "services/cloudformation/policies.h"
#include "services/cloudformation/resources/properties.h"

namespace brume::cloudformation {

using templates::Value;

namespace {

// What no provider says it has failed is given up after this long.
constexpr auto kSettleLimit = std::chrono::minutes(60);

constexpr const char* kReplacing =
    "Requested update requires the creation of a new physical resource; hence creating one.";

bool creating(const StackRecord& stack) {
  return stack.status == "CREATE_IN_PROGRESS";
}

// The status prefix of a resource under way.
std::string verb_of(const ResourceRecord& record) {
  return record.status.starts_with("UPDATE") ? "UPDATE" : "CREATE";
}

// Must `now` be replaced to become `wanted`? Null type: other type.
constexpr std::string_view kGroup = "AWS::AutoScaling::AutoScalingGroup";

// What makes a group's instances other ones (CloudFormation user guide, "UpdatePolicy attribute"). Of the launch
// template each instance tells by itself what it was launched from.
constexpr const char* kLaunchSettings[] = {"LaunchTemplate", "LaunchConfigurationName", "MixedInstancesPolicy",
                                           "VPCZoneIdentifier", "PlacementGroup"};

struct Difference {
  bool any = false, replacement = false;
  bool in_place_of = false;  // a replacement that the type's update does
  std::string clash;         // the property whose fixed name forbids a replacement
};

Difference difference(const ResourceState& now, const ResourceState& wanted) {
  Difference out;
  const auto* type = resources::find_type(wanted.type);
  if (now.type != wanted.type) return {.any = true, .replacement = true};
  const Value before = instance_of(now).properties, after = instance_of(wanted).properties;
  for (const auto& property : type->properties) {
    if (!resources::changed(before, after, property.name)) continue;
    out.any = true;
    out.replacement |= !type->update || (property.traits & resources::kCreateOnly);
  }
  if (wanted.type == kGroup &&
      std::ranges::any_of(kLaunchSettings, [&](const char* name) { return resources::changed(before, after, name); })) {
    const auto rules = update_rules(parse_object(wanted.update_policy));
    out.replacement |= rules && rules->will_replace;
  }
  if (type->delete_then_create) out.in_place_of = std::exchange(out.replacement, false);
  if (out.replacement && type->name_property && after.find(type->name_property) &&
      !resources::changed(before, after, type->name_property))
    out.clash = after.text_of(type->name_property);
  return out;
}

// What is wrong with evaluated policies; "": nothing.
std::string policy_problem(const Result<Value>& creation, const Result<Value>& update) {
  if (!creation) return creation.error().message;
  if (!update) return update.error().message;
  if (creation->has_unknown() || update->has_unknown())
    return "CreationPolicy and UpdatePolicy may refer to parameters only";
  const auto rules = update_rules(*update);
  return rules ? "" : rules.error().message;
}

}  // namespace

Result<Engine::Pass> Engine::deploy(const StackRecord& stack) {
  const Plan* plan = plan_of(stack);
  Pass total;
  if (!plan) {
    // It was valid when it was accepted; what a binary no longer takes cannot be deployed.
    auto made = make_plan(stack, stack.now);
    total.reason = made ? "" : made.error().message;
    return Pass{.changed = fail_deployment(stack, total)};
  }
  if (stack.deadline && now() >= *stack.deadline) {
    total.reason = "Stack creation time exceeded the specified timeout.";
    return Pass{.changed = fail_deployment(stack, total)};
  }
  bool all_done = true;
  const auto done = [&](const std::string& id) {
    const Record* record = tables_.resources.find(key(stack.id, id));
    return record && record->operation == stack.operation && record->status.ends_with("_COMPLETE");
  };
  for (const std::string& id : plan->order) {
    if (done(id)) continue;
    const Record* record = tables_.resources.find(key(stack.id, id));
    Pass pass;
    if (record && record->operation == stack.operation && record->status.ends_with("_FAILED")) {
      pass.failed.push_back(id);
    } else if (record && record->operation == stack.operation) {
      pass = poll_resource(stack, plan, id);
    } else if (total.failed.empty() && std::ranges::all_of(plan->needs.find(id)->second, done)) {
      pass = start_resource(stack, *plan, *plan->source.resource(id));
    }
    total.changed |= pass.changed;
    total.waiting |= pass.waiting;
    total.failed.insert(total.failed.end(), pass.failed.begin(), pass.failed.end());
    all_done &= done(id);
  }
  if (!total.failed.empty()) {
    total.changed |= fail_deployment(stack, total);
  } else if (all_done) {
    auto finished = finish_deployment(stack, *plan);
    if (finished) {
      total.changed = true;
    } else if (finished.error().code != "InsufficientStorage") {
      total.reason = finished.error().message;
      total.changed |= fail_deployment(stack, total);
    }
  }
  return total;
}

Engine::Pass Engine::start_resource(const StackRecord& stack, const Plan& plan, const templates::Resource& resource) {
  const Record* record = tables_.resources.find(key(stack.id, resource.id));
  const bool exists = record && !record->now.physical_id.empty();
  const std::string in_progress = exists ? "UPDATE_IN_PROGRESS" : "CREATE_IN_PROGRESS",
                    failed = exists ? "UPDATE_FAILED" : "CREATE_FAILED";
  ResourceState wanted{.type = resource.type,
                       .deletion_policy = resource.deletion_policy,
                       .update_replace_policy = resource.update_replace_policy};
  const auto& needs = plan.needs.find(resource.id)->second;
  wanted.depends_on.assign(needs.begin(), needs.end());
  const auto* type = resources::find_type(resource.type);
  auto properties = wanted_properties(plan, resource, stack.now);
  const auto creation_policy = evaluate(resource.creation_policy, plan.scope),
             update_policy = evaluate(resource.update_policy, plan.scope);
  std::string problem;
  if (!properties) {
    problem = properties.error().message;
  } else {
    if (properties->has_unknown()) problem = "Properties refer to something that does not exist";
    for (const auto& found : resources::check_properties(*type, *properties))
      if (problem.empty())
        problem =
            fmt::format("Properties validation failed for resource {} with message: {}", resource.id, found.message);
  }
  if (problem.empty()) problem = policy_problem(creation_policy, update_policy);
  if (!problem.empty()) {
    if (!record) {
      auto stored = transact([&]() -> Result<void> {
        Record fresh{.stack_id = stack.id, .logical_id = resource.id, .now = wanted};
        fresh.added = !creating(stack);
        tables_.resources.put(key(stack.id, resource.id), fresh);
        return {};
      });
      if (!stored) return {};
    }
    return fail_resource(stack, resource.id, in_progress, failed, problem);
  }
  wanted.properties = to_json_text(*properties);
  wanted.creation_policy = to_json_text(*creation_policy);
  wanted.update_policy = to_json_text(*update_policy);
  if (!exists) return create_resource(stack, resource, std::move(wanted), false);

  Difference change = difference(record->now, wanted);
  // What never became ready is made anew.
  if (record->status == "CREATE_FAILED") change.any = change.replacement = true;
  // A group that failed to roll may have instances left that are to go.
  if (record->status == "UPDATE_FAILED" && resource.type == kGroup) change.any = true;
  if (!change.any) {
    auto done = transact([&]() -> Result<void> {
      tables_.resources.modify(key(stack.id, resource.id), [&](Record& r) {
        r.operation = stack.operation;
        // A resource that failed in the operation before is what it was.
        if (!r.status.ends_with("_COMPLETE")) r.status = "UPDATE_COMPLETE";
        r.now.depends_on = wanted.depends_on;
        r.now.deletion_policy = wanted.deletion_policy;
        r.now.update_replace_policy = wanted.update_replace_policy;
        r.now.creation_policy = wanted.creation_policy;
        r.now.update_policy = wanted.update_policy;
      });
      return {};
    });
    return {.changed = done.has_value()};
  }
  if (!change.clash.empty()) {
    return fail_resource(stack, resource.id, in_progress, failed,
                         fmt::format("CloudFormation cannot update a stack when a custom-named resource requires "
                                     "replacing. Rename {} and update the stack again.",
                                     change.clash));
  }
  if (change.replacement) return create_resource(stack, resource, std::move(wanted), true);
  return update_resource(stack, resource.id, std::move(wanted), change.in_place_of ? kReplacing : "");
}

Engine::Pass Engine::create_resource(const StackRecord& stack, const templates::Resource& resource,
                                     ResourceState wanted, bool replaces) {
  const std::string verb = replaces ? "UPDATE" : "CREATE", row = key(stack.id, resource.id);
  const auto* type = resources::find_type(wanted.type);
  const std::string start_reason = replaces ? kReplacing : "";
  auto made = transact([&]() -> Result<void> {
    const Record* known = tables_.resources.find(row);
    Record record = known ? *known : Record{.stack_id = stack.id, .logical_id = resource.id};
    if (replaces) {
      wanted.generation = record.now.generation + 1;
      record.previous = record.now;
      record.garbage = record.now;
    } else {
      record.added = !creating(stack);
    }
    record.now = wanted;
    record.operation = stack.operation;
    record.signals.clear();
    record.since = now();
    record.reason.clear();
    add_event(stack.id, record, verb + "_IN_PROGRESS", start_reason, replaces ? record.previous->physical_id : "");
    resources::Work work = work_for(stack, resource.id, wanted);
    resources::Instance instance = instance_of(wanted);
    BRUME_CHECK(type->create(work, instance));
    record_instance(record.now, instance);
    record.status = verb + "_IN_PROGRESS";
    record.reason = "Resource creation Initiated";
    add_event(stack.id, record, record.status, record.reason, instance.physical_id);
    if (!type->settled && awaited_signals(parse_object(wanted.creation_policy)).count == 0) {
      record.status = verb + "_COMPLETE";
      record.reason.clear();
      add_event(stack.id, record, record.status, "", instance.physical_id);
    }
    tables_.resources.put(row, record);
    return {};
  });
  if (made) return {.changed = true};
  if (made.error().code == "InsufficientStorage") return {};
  auto noted = transact([&]() -> Result<void> {
    if (!tables_.resources.find(row)) {
      Record record{.stack_id = stack.id, .logical_id = resource.id, .now = wanted};
      record.added = !creating(stack);
      tables_.resources.put(row, record);
    }
    return {};
  });
  if (!noted) return {};
  return fail_resource(stack, resource.id, verb + "_IN_PROGRESS", verb + "_FAILED", made.error().message);
}

Engine::Pass Engine::update_resource(const StackRecord& stack, const std::string& logical_id, ResourceState wanted,
                                     const std::string& reason) {
  const std::string row = key(stack.id, logical_id);
  const auto* type = resources::find_type(wanted.type);
  auto changed = transact([&]() -> Result<void> {
    Record record = *tables_.resources.find(row);
    resources::Instance instance = instance_of(record.now);
    const Value before = instance.properties;
    instance.properties = instance_of(wanted).properties;
    if (!record.previous) record.previous = record.now;
    BRUME_CHECK(end_roll(record, false));
    record.now.creation_policy = wanted.creation_policy;
    record.now.update_policy = wanted.update_policy;
    resources::Work work = work_for(stack, logical_id, record.now);
    record.now.deletion_policy = wanted.deletion_policy;
    record.now.update_replace_policy = wanted.update_replace_policy;
    record.now.depends_on = wanted.depends_on;
    record.operation = stack.operation;
    record.since = now();
    record.status = "UPDATE_IN_PROGRESS";
    record.reason = reason;
    add_event(stack.id, record, record.status, reason, instance.physical_id);
    BRUME_CHECK(type->update(work, instance, before));
    record_instance(record.now, instance);
    if (record.now.type == kGroup) {
      BRUME_TRY(rules, update_rules(work.update_policy));
      bool all = false;
      for (const char* name : {"MixedInstancesPolicy", "VPCZoneIdentifier", "PlacementGroup"})
        all |= resources::changed(before, instance.properties, name);
      if (rules.rolling) BRUME_CHECK(begin_roll(stack, record, *rules.rolling, all));
    }
    if (!type->settled) {
      record.status = "UPDATE_COMPLETE";
      add_event(stack.id, record, record.status, "", instance.physical_id);
    }
    tables_.resources.put(row, record);
    return {};
  });
  if (changed) return {.changed = true};
  if (changed.error().code == "InsufficientStorage") return {};
  return fail_resource(stack, logical_id, "UPDATE_IN_PROGRESS", "UPDATE_FAILED", changed.error().message);
}

Engine::Pass Engine::poll_resource(const StackRecord& stack, const Plan* plan, const std::string& logical_id) {
  const std::string row = key(stack.id, logical_id);
  const Record record = *tables_.resources.find(row);
  if (record.rolling) return roll_resource(stack, logical_id);
  const auto* type = resources::find_type(record.now.type);
  std::string problem;
  bool settled = true;
  auto limit = std::chrono::duration_cast<std::chrono::seconds>(kSettleLimit);
  resources::Instance instance = instance_of(record.now);
  if (type->settled) {
    auto answer = [&] {
      Result<bool> out = false;
      auto work = work_for(stack, logical_id, record.now);
      auto committed = transact([&]() -> Result<void> {
        out = type->settled(work, instance);
        return {};
      });
      if (!committed) out = false;
      return out;
    }();
    if (!answer && !resources::may_pass(answer.error())) problem = answer.error().message;
    settled = answer && *answer;
  }
  // Behind a group that takes another's place the other goes: it has to serve first.
  if (problem.empty() && plan && settled && record.now.type == kGroup && record.garbage) {
    const auto serving = replacement_serves(record);
    if (!serving && !resources::may_pass(serving.error())) problem = serving.error().message;
    settled = serving && *serving;
  }
  // Signals count for new resources only: a resource that is updated in place sends none again.
  const bool fresh = !record.previous || record.garbage;
  if (problem.empty() && plan && fresh) {
    const Awaited awaited = awaited_signals(parse_object(record.now.creation_policy));
    if (awaited.count > 0) {
      limit = std::max(limit, awaited.timeout);
      const int failures = int(std::ranges::count(record.signals, "FAILURE", &Signal::status));
      const int successes = int(record.signals.size()) - failures;
      const int required = (awaited.count * awaited.minimum_percent + 99) / 100;
      if (failures > awaited.count - required)
        problem = fmt::format(
            "Received {} FAILURE signal(s) out of {}.  Unable to satisfy {}% MinSuccessfulInstancesPercent requirement",
            failures, awaited.count, awaited.minimum_percent);
      else if (successes < required && now() - record.since >= awaited.timeout)
        problem = fmt::format("Failed to receive {} resource signal(s) within the specified duration",
                              awaited.count - successes);
      settled &= successes >= required;
    }
  }
  if (problem.empty() && !settled && now() - record.since >= limit)
    problem = fmt::format("Resource {} did not stabilize within {} minutes", logical_id,
                          std::chrono::duration_cast<std::chrono::minutes>(limit).count());
  if (!problem.empty()) {
    return fail_resource(stack, logical_id, "", verb_of(record) + "_FAILED", problem);
  }
  if (!settled) return {.waiting = true};
  auto done = transact([&]() -> Result<void> {
    Record settled_record = record;
    record_instance(settled_record.now, instance);
    settled_record.status = verb_of(record) + "_COMPLETE";
    settled_record.reason.clear();
    tables_.resources.put(row, settled_record);
    add_event(stack.id, settled_record, settled_record.status, "", instance.physical_id);
    return {};
  });
  return {.changed = done.has_value()};
}

Engine::Pass Engine::fail_resource(const StackRecord& stack, const std::string& logical_id,
                                   const std::string& in_progress, const std::string& status,
                                   const std::string& reason) {
  const auto noted = transact([&]() -> Result<void> {
    Record record = *tables_.resources.find(key(stack.id, logical_id));
    if (!in_progress.empty()) add_event(stack.id, record, in_progress, "", record.now.physical_id);
    record.status = status;
    record.reason = reason;
    record.operation = stack.operation;
    record.since = now();
    tables_.resources.put(key(stack.id, logical_id), record);
    add_event(stack.id, record, status, reason, record.now.physical_id);
    return {};
  });
  if (!noted) return {};
  return {.changed = true, .failed = {logical_id}};
}

bool Engine::fail_deployment(const StackRecord& stack, const Pass& pass) {
  const bool create = creating(stack);
  const bool keep = stack.rollback_disabled || (create && stack.on_failure == "DO_NOTHING");
  return transact([&]() -> Result<void> {
           for (const std::string& id : logical_ids(stack.id)) {
             Record record = *tables_.resources.find(key(stack.id, id));
             if (record.operation != stack.operation || !record.status.ends_with("_IN_PROGRESS")) continue;
             const bool update = verb_of(record) == "UPDATE";
             record.status = update ? "UPDATE_FAILED" : "CREATE_FAILED";
             record.reason = update ? "Resource update cancelled" : "Resource creation cancelled";
             if (keep) BRUME_CHECK(end_roll(record, false));  // a rollback does it otherwise
             tables_.resources.put(key(stack.id, id), record);
             add_event(stack.id, record, record.status, record.reason, record.now.physical_id);
           }
           std::string reason = pass.reason;
           if (!pass.failed.empty())
             reason = fmt::format("The following resource(s) failed to {}: [{}].", create ? "create" : "update",
                                  joined(pass.failed));
           if (keep) {
             set_status(stack.id, create ? "CREATE_FAILED" : "UPDATE_FAILED", reason);
             return {};
           }
           tables_.stacks.modify(stack.id, [](StackRecord& s) { ++s.operation; });
           if (create && stack.on_failure == "DELETE")
             set_status(stack.id, "DELETE_IN_PROGRESS", reason + " Delete requested by user.");
           else if (create)
             set_status(stack.id, "ROLLBACK_IN_PROGRESS", reason + " Rollback requested by user.");
           else
             set_status(stack.id, "UPDATE_ROLLBACK_IN_PROGRESS", reason);
           return {};
         })
      .has_value();
}

Result<void> Engine::finish_deployment(const StackRecord& stack, const Plan& plan) {
  List<Output> outputs;
  for (const auto& output : plan.source.outputs) {
    BRUME_TRY(there, holds(output.condition, plan.scope, output.line));
    if (!there) continue;
    BRUME_TRY(value, evaluate(output.value, plan.scope));
    if (!value.is_scalar())
      return fail("ValidationError",
                  "Template format error: Output {} is malformed. The Value field of every Outputs member must "
                  "evaluate to a String.",
                  output.name);
    Output& out = outputs.emplace_back();
    out.OutputKey = output.name;
    out.OutputValue = value.text;
    if (!output.description.empty()) out.Description = output.description;
    if (output.export_name.kind == Value::Kind::null) continue;
    BRUME_TRY(name, evaluate(output.export_name, plan.scope));
    out.ExportName = name.text;
    for (const auto& [id, other] : tables_.stacks.rows()) {
      if (id == stack.id || other.status == "DELETE_COMPLETE") continue;
      for (const Output& theirs : other.outputs)
        if (theirs.ExportName == name.text)
          return fail("ValidationError",
                      "Export with name {} is already exported by stack {}. Rolling back the request.", name.text,
                      other.name);
    }
  }
  // An export that another stack imports stays what it is.
  for (const Output& old_output : stack.outputs) {
    if (!old_output.ExportName) continue;
    const bool same = std::ranges::any_of(outputs, [&](const Output& output) {
      return output.ExportName == old_output.ExportName && output.OutputValue == old_output.OutputValue;
    });
    if (same) continue;
    for (const auto& [id, other] : tables_.stacks.rows())
      if (other.status != "DELETE_COMPLETE" &&
          std::ranges::find(other.imports, *old_output.ExportName) != other.imports.end())
        return fail("ValidationError", "Export {} cannot be updated as it is in use by {}", *old_output.ExportName,
                    other.name);
  }
  // Evaluating once more with an import that listens tells which exports the template uses.
  List<std::string> imports;
  templates::Scope listening = plan.scope;
  listening.import = [&](const std::string& name) {
    if (std::ranges::find(imports, name) == imports.end()) imports.push_back(name);
    return find_export(name);
  };
  for (const std::string& id : plan.order) BRUME_CHECK(evaluate(plan.source.resource(id)->properties, listening));
  for (const auto& output : plan.source.outputs) {
    BRUME_TRY(there, holds(output.condition, listening, output.line));
    if (there) BRUME_CHECK(evaluate(output.value, listening));
  }
  return transact([&]() -> Result<void> {
    tables_.stacks.modify(stack.id, [&](StackRecord& s) {
      s.outputs = std::move(outputs);
      s.imports = std::move(imports);
      s.deadline.reset();
    });
    set_status(stack.id, creating(stack) ? "CREATE_COMPLETE" : "UPDATE_COMPLETE_CLEANUP_IN_PROGRESS");
    return {};
  });
}

}  // namespace brume::cloudformation
