#include "store/store.h"

#include <cstdlib>
#include <map>
#include <tuple>

namespace brume::store {

void Store::after_commit(std::function<void()> task) {
  if (depth_ == 0) std::abort();  // a programming error: nothing would ever run it
  undo_.push_back({std::nullopt, {}, std::move(task)});
}

void Store::record(Change change, std::function<void()> undo) {
  if (depth_ == 0) std::abort();  // a write outside a transaction would not be durable
  undo_.push_back({std::move(change), std::move(undo), {}});
}

void Store::roll_back(std::size_t mark) {
  while (undo_.size() > mark) {
    if (undo_.back().undo) undo_.back().undo();
    undo_.pop_back();
  }
}

Result<void> Store::commit() {
  // Only the last change of a row counts.
  std::map<std::tuple<std::string_view, std::string_view, std::string_view>, const Change*> last;
  for (const Step& step : undo_)
    if (step.change) last[{step.change->table, step.change->scope, step.change->key}] = &*step.change;
  if (!last.empty()) {
    std::vector<Change> changes;
    changes.reserve(last.size());
    for (const auto& [row, change] : last) changes.push_back(*change);
    if (auto done = backend_.commit(changes); !done) {
      roll_back(0);
      return done;
    }
  }
  std::vector<Step> steps;
  steps.swap(undo_);
  for (Step& step : steps)
    if (step.after_commit) step.after_commit();
  return {};
}

}  // namespace brume::store
