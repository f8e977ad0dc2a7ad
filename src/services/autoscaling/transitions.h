// How an instance of a group or of its warm pool goes from one state to the next, in one way for both.
//
// A transition begins with an activity and ends with it. An instance that leaves is deregistered first; when it has
// drained it waits for the hooks of terminations, then EC2 ends it. All of this is in the caller's transaction. Leaves
// to others: who goes where (decide.h, warm_pool.h, replacement.h), new instances (launch.h).
#pragma once

#include <string>

#include "ec2/api.h"
#include "elbv2/api.h"
#include "services/autoscaling/group_state.h"
#include "services/autoscaling/replacement.h"

namespace brume::autoscaling {

class Transitions : private GroupPart {
 public:
  Transitions(GroupState& state, ec2::Api& ec2, elbv2::Api& elbv2) : GroupPart(state), ec2_(ec2), elbv2_(elbv2) {}

  // Begins to take a member out of the group. It ends as `lifecycle`: Terminating, EnteringStandby, Detaching.
  Result<void> take_out(const std::string& group, const std::string& instance, const std::string& lifecycle,
                        const std::string& description, const std::string& cause);
  // Begins to end one of the warm pool.
  void take_out_of_pool(MemberRecord member, const std::string& cause);
  // Takes out and marks what the plan says, because of `why` (MemberRecord::replacing). False: it says nothing.
  Result<bool> replace(const std::string& group, const Replacements& plan, const std::string& why);
  // What an instance refresh had marked stays.
  void unmark(const std::string& group);

  // Has one that is about to end wait for the hooks of terminations, if it has not and there are any. True: it waits.
  bool wait_for_hooks(MemberRecord& member);
  // The hooks that it waited for are done: "…:Wait" becomes "…:Proceed".
  void proceed(MemberRecord member);
  // Has EC2 end it, and remembers that.
  Result<void> send_termination(MemberRecord member);
  // The transition is done: it has come to rest in this state,
  void settle(MemberRecord member, const std::string& lifecycle);
  // or is no longer of the group.
  void forget(const MemberRecord& member);

 private:
  ec2::Api& ec2_;
  elbv2::Api& elbv2_;
};

}  // namespace brume::autoscaling
