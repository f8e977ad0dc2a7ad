// What threads other than the loop's know of the log groups: which there are, and how they are to be treated.
//
// The loop writes it when a change of the tables is on disk; whoever appends or reads takes the newest. So an append
// that is under way while its group is deleted may still be acknowledged; its events go with the group's.
#pragma once

#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "base/result.h"
#include "services/logs/metric_filters.h"

namespace brume::logs {

struct GroupView {
  std::uint64_t id = 0;
  std::string name, arn;  // the ARN without ":*" at its end
  std::optional<std::int32_t> retention_days;
  MetricFilterRules metric_filters;
  bool subscribed = false;  // has subscription filters
};

class GroupDirectory {
 public:
  void put(GroupView view) {
    auto made = std::make_shared<const GroupView>(std::move(view));
    const std::lock_guard lock(mutex_);
    groups_.insert_or_assign(made->name, std::move(made));
  }
  void erase(const std::string& name) {
    const std::lock_guard lock(mutex_);
    groups_.erase(name);
  }
  // Error: ResourceNotFoundException.
  [[nodiscard]] Result<std::shared_ptr<const GroupView>> find(std::string_view name) const {
    const std::lock_guard lock(mutex_);
    const auto found = groups_.find(name);
    if (found == groups_.end()) return fail("ResourceNotFoundException", "The specified log group does not exist.");
    return found->second;
  }
  // Null if it is not there.
  [[nodiscard]] std::shared_ptr<const GroupView> find_id(std::uint64_t id) const {
    const std::lock_guard lock(mutex_);
    for (const auto& [name, view] : groups_)
      if (view->id == id) return view;
    return nullptr;
  }

 private:
  mutable std::mutex mutex_;
  std::map<std::string, std::shared_ptr<const GroupView>, std::less<>> groups_;
};

}  // namespace brume::logs
