// Cooldowns: what simple policies, and requests that honour them, wait for.
//
// A cooldown begins once the instances that its policy asked for have come or gone; until then an activity is in
// progress. When it began is kept in wall time and, while the daemon runs, measured in monotonic time. Leaves to
// others: who has to wait.
#pragma once

#include <optional>
#include <string>

#include "services/autoscaling/group_state.h"
#include "services/autoscaling/scaling/records.h"

namespace brume::autoscaling {

class Cooldowns : private GroupPart {
 public:
  explicit Cooldowns(GroupState& state);
  Result<void> load();

  // In a transaction: a simple policy changed the capacity; `seconds` as it says, not yet scaled.
  void set(const std::string& group, const std::string& policy, std::int64_t seconds);
  // Outside of one: begins it, if one is set and no instance is on its way.
  void begin(const std::string& group);
  // Why a simple policy has to wait: an activity, or a cooldown. None: it need not.
  [[nodiscard]] std::optional<std::string> why_waiting(const std::string& group);

 private:
  [[nodiscard]] bool in_transition(const std::string& group) const;

  store::Table<CooldownRecord> cooldowns_;
  Elapsed elapsed_;  // since they began, by group
};

}  // namespace brume::autoscaling
