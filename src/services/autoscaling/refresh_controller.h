// The controller of instance refreshes: sees the group as refresh_decision.h wants it, and carries one step out in one
// transaction.
//
// All it knows is in the refresh's row and in the members': which were launched by it, which are marked. The group's
// own configuration changes only when a refresh succeeds. Leaves to others: when it is the refresh's turn
// (controller.h), launches with its configuration (launch.h).
#pragma once

#include <string>
#include <vector>

#include "cloudwatch/api.h"
#include "ec2/api.h"
#include "services/autoscaling/decide.h"
#include "services/autoscaling/group_state.h"
#include "services/autoscaling/refresh_decision.h"
#include "services/autoscaling/transitions.h"

namespace brume::autoscaling {

class RefreshController : private GroupPart {
 public:
  RefreshController(GroupState& state, ec2::Api& ec2, cloudwatch::Api& cloudwatch, Transitions& transitions)
      : GroupPart(state), ec2_(ec2), cloudwatch_(cloudwatch), transitions_(transitions) {}

  // After a restart: while nobody was there, nothing could come further.
  void resume();
  // One step of the group's refresh, when the group has nothing more urgent to do. Answers when to look again: zero if
  // something was done, max if only an event can change anything.
  Result<env::Duration> step(const std::string& group, const std::vector<MemberView>& members);
  // In a transaction, at a user's request. There is an active refresh.
  Result<void> roll_back(const std::string& group);

 private:
  [[nodiscard]] RefreshView view(const GroupRecord& group, const RefreshRecord& refresh,
                                 const std::vector<MemberView>& members) const;
  void read_alarms(const RefreshRecord& refresh, RefreshView& view);
  Result<void> carry_out(const std::string& group, const std::string& key, const RefreshStep& step,
                         const RefreshProgress& progress);

  ec2::Api& ec2_;
  cloudwatch::Api& cloudwatch_;
  Transitions& transitions_;
};

}  // namespace brume::autoscaling
