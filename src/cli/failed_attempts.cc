#include "cli/failed_attempts.h"

#include <set>

namespace brume::cli {

std::vector<std::string> FailedAttempts::look(const std::vector<autoscaling::Instance>& instances) {
  std::set<std::string> staying;
  for (const autoscaling::Instance& one : instances) {
    if (!one.LaunchTemplate || one.LaunchTemplate->Version != version_) continue;
    const std::string id = one.InstanceId.value_or("");
    known_.try_emplace(id, false);
    if (!one.LifecycleState.value_or("").starts_with("Terminating")) staying.insert(id);
  }
  std::vector<std::string> fresh;
  for (auto& [id, counted] : known_) {
    if (counted || staying.contains(id)) continue;
    counted = true;
    fresh.push_back(id);
  }
  failed_.insert(failed_.end(), fresh.begin(), fresh.end());
  return fresh;
}

}  // namespace brume::cli
