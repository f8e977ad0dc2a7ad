// Why a group's desired capacity is what it is: everything that was decided about it, for `brume explain`.
//
// The same non-event over and over is one entry, so that it does not push out what happened; the last hundred of a
// group are kept and go with it. Leaves to others: deciding.
#pragma once

#include <string>
#include <vector>

#include "services/autoscaling/group_state.h"
#include "services/autoscaling/scaling/records.h"

namespace brume::autoscaling {

class DecisionLog {
 public:
  explicit DecisionLog(GroupState& state);
  Result<void> load() { return decisions_.load(); }

  // In a transaction. Its times are now.
  void add(const std::string& group, DecisionRecord decision);
  void add_request(const std::string& group, int before, int after);  // by a user
  // Newest first.
  [[nodiscard]] std::vector<DecisionRecord> of(const std::string& group) const;

 private:
  const env::Clock& clock_;
  store::Table<DecisionRecord> decisions_;
};

}  // namespace brume::autoscaling
