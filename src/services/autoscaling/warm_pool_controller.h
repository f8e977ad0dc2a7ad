// The controller of warm pools: sees a pool as warm_pool.h wants it, and carries its steps out, one transaction each.
//
// An instance changes between pool and group in the transaction that starts it, or that says so: never both, never
// none. Leaves to others: when it is the pool's turn (controller.h), the way of an instance back to the pool
// (decide.h).
#pragma once

#include <string>
#include <vector>

#include "ec2/api.h"
#include "services/autoscaling/decide.h"
#include "services/autoscaling/group_state.h"
#include "services/autoscaling/launch.h"
#include "services/autoscaling/transitions.h"
#include "services/autoscaling/warm_pool.h"

namespace brume::autoscaling {

class WarmPoolController : private GroupPart {
 public:
  WarmPoolController(GroupState& state, ec2::Api& ec2, Launches& launches, Transitions& transitions)
      : GroupPart(state), ec2_(ec2), launches_(launches), transitions_(transitions) {}

  // In a transaction: starts an instance of the pool for the group. False: there is none.
  Result<bool> take(const GroupRecord& group, const std::string& zone, const std::string& cause);
  // Whether a scale-in gives its instance back.
  [[nodiscard]] bool may_return(const GroupRecord& group) const;
  // Outside of one: the pool's next steps, when the group has nothing more urgent to do. False: there was nothing to be
  // done.
  Result<bool> tend(const GroupRecord& group, const GroupView& seen, const std::vector<MemberView>& members);

 private:
  Result<std::vector<PoolMember>> observe(const GroupRecord& group);
  Result<void> carry_out(const std::string& group, const PoolStep& step);

  ec2::Api& ec2_;
  Launches& launches_;
  Transitions& transitions_;
};

}  // namespace brume::autoscaling
