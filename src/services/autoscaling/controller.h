// The controller of groups: looks at each whose instances, targets or wishes changed (and at each now and then),
// decides the next steps (decide.h) and carries them out, one transaction a step.
//
// What a step does in EC2 and to target groups is in the same transaction as what is recorded here. When a group has
// nothing more urgent to do, its warm pool, what is too old or sick, and its instance refresh come next, in this order.
// Leaves to others: how an instance comes (launch.h) and changes (transitions.h), what a pool and a refresh do.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "ec2/api.h"
#include "elbv2/api.h"
#include "services/autoscaling/cooldowns.h"
#include "services/autoscaling/decide.h"
#include "services/autoscaling/group_state.h"
#include "services/autoscaling/launch.h"
#include "services/autoscaling/refresh_controller.h"
#include "services/autoscaling/transitions.h"
#include "services/autoscaling/warm_pool_controller.h"

namespace brume::autoscaling {

class GroupController : private GroupPart {
 public:
  GroupController(GroupState& state, ec2::Api& ec2, elbv2::Api& elbv2, Launches& launches, Transitions& transitions,
                  WarmPoolController& warm_pools, RefreshController& refreshes, Cooldowns& cooldowns);
  // Looks at all groups, and from now on at those that are woken.
  void start();
  // Rounds so far, for benchmarks.
  [[nodiscard]] std::uint64_t rounds() const { return rounds_; }

 private:
  // controller.cc
  void wake(const std::string& group);  // looks at it soon, once
  void resync();
  void look(const std::string& group);
  Result<std::vector<MemberView>> observe(const GroupRecord& group);
  [[nodiscard]] GroupView view(const GroupRecord& group) const;
  Result<void> carry_out(const std::string& group, const Step& step);
  // From the warm pool if it has one, else a new one.
  Result<void> launch(const GroupRecord& group, const std::string& zone);

  // scale_in.cc: takes out the one whom the termination policies choose of those that the group can spare.
  Result<void> scale_in(const GroupRecord& group, const std::vector<MemberView>& members);

  // maintenance.cc: one step of what replaces instances that are too old or sick, where the group has a policy for
  // that. Answers when to look again: zero if something was done, max if only an event can change anything.
  Result<env::Duration> maintain(const std::string& group, const std::vector<MemberView>& members);

  struct Watch {  // of a group; in memory only
    bool queued = false;
    env::Loop::TimerId timer = 0;
    bool said_protected = false;
  };

  ec2::Api& ec2_;
  elbv2::Api& elbv2_;
  Launches& launches_;
  Transitions& transitions_;
  WarmPoolController& warm_pools_;
  RefreshController& refreshes_;
  Cooldowns& cooldowns_;
  bool started_ = false;
  std::uint64_t rounds_ = 0;
  std::map<std::string, Watch> watches_;
  std::string resynced_;  // the group that resync() looked at last
};

}  // namespace brume::autoscaling
