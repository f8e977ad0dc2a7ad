// Undoing an update: every resource that it changed goes back to what it was, in the order of the old dependencies.
#include <algorithm>

#include "services/cloudformation/engine.h"

namespace brume::cloudformation {

Result<Engine::Pass> Engine::roll_back_update(const StackRecord& stack) {
  Pass total;
  bool all_done = true;
  const auto done = [&](const std::string& id) {
    const Record* record = tables_.resources.find(key(stack.id, id));
    return !record || (record->operation == stack.operation && record->status.ends_with("_COMPLETE"));
  };
  for (const std::string& id : logical_ids(stack.id)) {
    if (done(id)) continue;
    const std::string row = key(stack.id, id);
    const Record record = *tables_.resources.find(row);
    Pass pass;
    if (record.operation == stack.operation) {
      if (record.status.ends_with("_FAILED"))
        pass.failed.push_back(id);
      else
        pass = poll_resource(stack, nullptr, id);
    } else if (record.added || !record.previous) {
      // New: removed by the cleanup. Untouched, or a change that did not happen: nothing to undo.
      pass.changed = transact([&]() -> Result<void> {
                       tables_.resources.modify(row, [&](Record& r) {
                         r.operation = stack.operation;
                         r.status = "UPDATE_COMPLETE";
                       });
                       if (record.status.ends_with("_FAILED") && !record.added) {
                         add_event(stack.id, record, "UPDATE_IN_PROGRESS", "", record.now.physical_id);
                         add_event(stack.id, record, "UPDATE_COMPLETE", "", record.now.physical_id);
                       }
                       return {};
                     }).has_value();
    } else if (!std::ranges::all_of(record.previous->depends_on, done)) {
      // later
    } else if (record.garbage) {
      // The replaced one is still there: it takes its place again, and the new one goes.
      pass.changed = transact([&]() -> Result<void> {
                       Record back = record;
                       if (back.now.physical_id.empty())
                         back.garbage.reset();
                       else
                         back.garbage = back.now;
                       back.now = *back.previous;
                       back.previous.reset();
                       back.operation = stack.operation;
                       back.status = "UPDATE_COMPLETE";
                       back.reason.clear();
                       tables_.resources.put(row, back);
                       add_event(stack.id, back, "UPDATE_IN_PROGRESS", "", back.now.physical_id);
                       add_event(stack.id, back, "UPDATE_COMPLETE", "", back.now.physical_id);
                       return {};
                     }).has_value();
    } else {
      // As at AWS, a group goes back by the UpdatePolicy that it had; by that of the update if it had none.
      ResourceState back = *record.previous;
      if (!parse_object(back.update_policy).find("AutoScalingRollingUpdate"))
        back.update_policy = record.now.update_policy;
      pass = update_resource(stack, id, std::move(back), "");
    }
    total.changed |= pass.changed;
    total.waiting |= pass.waiting;
    total.failed.insert(total.failed.end(), pass.failed.begin(), pass.failed.end());
    all_done &= done(id);
  }
  if (!total.failed.empty() || all_done) {
    total.changed |=
        transact([&]() -> Result<void> {
          if (!total.failed.empty()) {
            set_status(stack.id, "UPDATE_ROLLBACK_FAILED",
                       fmt::format("The following resource(s) failed to update: [{}].", joined(total.failed)));
            return {};
          }
          tables_.stacks.modify(stack.id, [](StackRecord& s) {
            if (s.previous) s.now = *s.previous;
          });
          set_status(stack.id, "UPDATE_ROLLBACK_COMPLETE_CLEANUP_IN_PROGRESS");
          return {};
        }).has_value();
  }
  return total;
}

}  // namespace brume::cloudformation
