// Deleting: whole stacks, what a failed creation leaves, and what an update leaves over.
#include <algorithm>
#include <set>

#include "services/cloudformation/engine.h"

namespace brume::cloudformation {
namespace {

// How long a deletion that something else still holds up is tried again.
constexpr auto kDeleteLimit = std::chrono::minutes(10);

}  // namespace

Result<Engine::Pass> Engine::remove_stack(const StackRecord& stack, bool rollback) {
  if (!rollback) {
    for (const Output& output : stack.outputs) {
      if (!output.ExportName) continue;
      for (const auto& [id, other] : tables_.stacks.rows()) {
        if (id == stack.id || other.status == "DELETE_COMPLETE") continue;
        if (std::ranges::find(other.imports, *output.ExportName) == other.imports.end()) continue;
        BRUME_CHECK(transact([&]() -> Result<void> {
          set_status(stack.id, "DELETE_FAILED",
                     fmt::format("Export {} cannot be deleted as it is in use by {}", *output.ExportName, other.name));
          return {};
        }));
        return Pass{.changed = true};
      }
    }
  }
  std::vector<Item> items;
  for (const std::string& id : logical_ids(stack.id)) {
    const Record& record = *tables_.resources.find(key(stack.id, id));
    if (record.garbage) items.push_back({id, true, record.garbage->update_replace_policy == "Retain"});
    if (record.status == "DELETE_COMPLETE" || record.status == "DELETE_SKIPPED") continue;
    const std::string& policy = record.now.deletion_policy;
    const bool retained = policy == "Retain" || (policy == "RetainExceptOnCreate" && !rollback) ||
                          std::ranges::find(stack.retain, id) != stack.retain.end();
    items.push_back({id, false, retained});
  }
  Pass pass = remove_items(stack, items, false);
  if (pass.waiting || pass.changed) return pass;
  // Nothing moves any more: all is gone, or what failed holds the rest.
  BRUME_CHECK(transact([&]() -> Result<void> {
    if (!pass.failed.empty()) {
      set_status(stack.id, rollback ? "ROLLBACK_FAILED" : "DELETE_FAILED",
                 fmt::format("The following resource(s) failed to delete: [{}].", joined(pass.failed)));
      return {};
    }
    tables_.stacks.modify(stack.id, [&](StackRecord& s) {
      s.outputs.clear();
      s.imports.clear();
      if (!rollback) s.deleted = now();
    });
    set_status(stack.id, rollback ? "ROLLBACK_COMPLETE" : "DELETE_COMPLETE");
    return {};
  }));
  return Pass{.changed = true};
}

Result<Engine::Pass> Engine::clean_up(const StackRecord& stack, bool rollback) {
  std::vector<Item> items;
  std::set<std::string> wanted;
  if (!rollback) {
    const Plan* plan = plan_of(stack);
    if (!plan) return fail_internal("The template of {} cannot be planned", stack.name);
    wanted.insert(plan->order.begin(), plan->order.end());
  }
  for (const std::string& id : logical_ids(stack.id)) {
    const Record& record = *tables_.resources.find(key(stack.id, id));
    if (record.garbage) items.push_back({id, true, !rollback && record.garbage->update_replace_policy == "Retain"});
    if (rollback ? record.added : !wanted.contains(id))
      items.push_back({id, false,
                       record.now.deletion_policy == "Retain" ||
                           (!rollback && record.now.deletion_policy == "RetainExceptOnCreate")});
  }
  Pass pass = remove_items(stack, items, true);
  if (pass.waiting || pass.changed) return pass;
  BRUME_CHECK(transact([&]() -> Result<void> {
    for (const std::string& id : logical_ids(stack.id)) {
      const Record& record = *tables_.resources.find(key(stack.id, id));
      if (!record.previous && !record.added) continue;
      tables_.resources.modify(key(stack.id, id), [](Record& r) {
        r.previous.reset();
        r.added = false;
      });
    }
    tables_.stacks.modify(stack.id, [](StackRecord& s) { s.previous.reset(); });
    set_status(stack.id, rollback ? "UPDATE_ROLLBACK_COMPLETE" : "UPDATE_COMPLETE");
    return {};
  }));
  return Pass{.changed = true};
}

Engine::Pass Engine::remove_items(const StackRecord& stack, const std::vector<Item>& items, bool give_up) {
  Pass total;
  const auto state_of = [&](const Item& item) -> const ResourceState& {
    const Record& record = *tables_.resources.find(key(stack.id, item.logical_id));
    return item.garbage ? *record.garbage : record.now;
  };
  // Taken before anything is removed: a pass removes one layer at a time.
  std::set<std::pair<std::string, bool>> held;
  for (const Item& item : items) {
    const bool blocked = std::ranges::any_of(items, [&](const Item& other) {
      const auto& needs = state_of(other).depends_on;
      // What was replaced goes first: its record is part of the present resource's.
      if (other.logical_id == item.logical_id) return other.garbage && !item.garbage;
      return std::ranges::find(needs, item.logical_id) != needs.end();
    });
    if (blocked) held.emplace(item.logical_id, item.garbage);
  }
  // Old and new dependencies together may make a circle; then order is of no use.
  if (held.size() == items.size()) held.clear();
  for (const Item& item : items) {
    if (held.contains({item.logical_id, item.garbage})) continue;
    const Pass pass = remove_item(stack, item, give_up);
    total.changed |= pass.changed;
    total.waiting |= pass.waiting;
    total.failed.insert(total.failed.end(), pass.failed.begin(), pass.failed.end());
  }
  return total;
}

Engine::Pass Engine::remove_item(const StackRecord& stack, const Item& item, bool give_up) {
  const std::string row = key(stack.id, item.logical_id);
  const Record record = *tables_.resources.find(row);
  const ResourceState& state = item.garbage ? *record.garbage : record.now;
  const std::string& status = item.garbage ? record.garbage_status : record.status;
  const bool begun = status == "DELETE_IN_PROGRESS" && (item.garbage || record.operation == stack.operation);
  // A deletion that has failed is tried again only by a new operation.
  if (!item.garbage && status == "DELETE_FAILED" && record.operation == stack.operation)
    return {.failed = {item.logical_id}};
  const auto forget = [&](const std::string& final_status, const std::string& reason) -> Pass {
    const bool done = transact([&]() -> Result<void> {
                        forget_item(stack, item, final_status, reason);
                        return {};
                      }).has_value();
    return {.changed = done, .waiting = !done};
  };
  if (item.keep && !state.physical_id.empty()) return forget("DELETE_SKIPPED", "");
  if (state.physical_id.empty()) return forget("", "");  // it was never made

  const auto* type = resources::find_type(state.type);
  const resources::Instance instance = instance_of(state);
  resources::Work work = work_for(stack, item.logical_id, state);
  if (!begun) {
    const bool noted = transact([&]() -> Result<void> {
                         Record started = record;
                         (item.garbage ? started.garbage_status : started.status) = "DELETE_IN_PROGRESS";
                         (item.garbage ? started.garbage_since : started.since) = now();
                         (item.garbage ? started.garbage_removed : started.removed) = false;
                         if (!item.garbage) {
                           started.operation = stack.operation;
                           started.reason.clear();
                         }
                         tables_.resources.put(row, started);
                         Record shown = started;
                         shown.now = state;
                         add_event(stack.id, shown, "DELETE_IN_PROGRESS", "", state.physical_id);
                         return {};
                       }).has_value();
    return {.changed = noted, .waiting = !noted};
  }
  Result<bool> gone = false;
  std::optional<Error> problem;
  auto committed = transact([&]() -> Result<void> {
    if (item.garbage ? record.garbage_removed : record.removed) {
      gone = type->gone(work, instance);
      return {};
    }
    auto removed = type->remove(work, instance);
    if (!removed && !resources::not_found(removed.error())) {
      problem = removed.error();
      return std::unexpected(removed.error());  // undoes what it did before it failed
    }
    gone = !type->gone || !removed;
    if (!*gone)
      tables_.resources.modify(row, [&](Record& r) { (item.garbage ? r.garbage_removed : r.removed) = true; });
    return {};
  });
  if (!committed && !problem) return {.waiting = true};  // the store refused; again later
  if (!problem && gone && *gone) return forget("DELETE_COMPLETE", "");
  const auto begun_at = item.garbage ? record.garbage_since : record.since;
  const bool wait = (!problem || resources::may_pass(*problem)) && now() - begun_at < kDeleteLimit;
  if (wait) return {.waiting = true};
  const std::string reason =
      problem ? problem->message
              : fmt::format("Resource {} did not go within {} minutes", item.logical_id, kDeleteLimit.count());
  if (give_up) return forget("DELETE_FAILED", reason);
  const auto noted = transact([&]() -> Result<void> {
    Record failed = record;
    if (item.garbage) {
      failed.garbage.reset();
      failed.garbage_status.clear();
    } else {
      failed.status = "DELETE_FAILED";
      failed.reason = reason;
    }
    tables_.resources.put(row, failed);
    Record shown = failed;
    shown.now = state;
    add_event(stack.id, shown, "DELETE_FAILED", reason, state.physical_id);
    return {};
  });
  if (!noted) return {.waiting = true};
  return {.changed = true, .failed = {item.logical_id}};
}

void Engine::forget_item(const StackRecord& stack, const Item& item, const std::string& status,
                         const std::string& reason) {
  const std::string row = key(stack.id, item.logical_id);
  Record record = *tables_.resources.find(row);
  Record shown = record;
  if (item.garbage) shown.now = *record.garbage;
  if (!status.empty()) add_event(stack.id, shown, status, reason, shown.now.physical_id);
  if (item.garbage) {
    record.garbage.reset();
    record.garbage_status.clear();
    tables_.resources.put(row, record);
    return;
  }
  const bool whole = stack.status == "DELETE_IN_PROGRESS" || stack.status == "ROLLBACK_IN_PROGRESS";
  if (!whole || status.empty()) {
    // What an update removed is no longer the stack's; what was never made leaves no trace but its events.
    tables_.resources.erase(row);
    return;
  }
  record.status = status;
  record.reason = reason;
  record.since = now();
  record.now.depends_on.clear();
  tables_.resources.put(row, record);
}

}  // namespace brume::cloudformation
