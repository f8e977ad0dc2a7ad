// Lifecycle hooks: put, described, deleted; the actions of instances that wait for them completed or kept alive.
//
// Notification targets are recorded; nothing is sent. Leaves to others: when an instance may go on
// (lifecycle_actions.h), and what it then does (decide.h, warm_pool.h).
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "autoscaling/api.h"
#include "services/autoscaling/group_state.h"
#include "services/autoscaling/lifecycle_actions.h"

namespace brume::autoscaling {

// All of the group's, or those of a transition.
std::vector<const LifecycleHook*> hooks_of(const GroupState& state, const std::string& group,
                                           std::string_view transition);
// What an instance waits for that comes or leaves now, one action a hook.
List<LifecycleAction> begin_actions(const GroupState& state, const std::string& group, std::string_view transition);
// Makes or changes a hook of a group that there is. Errors: ValidationError, LimitExceeded.
Result<void> put_hook(GroupState& state, const PutLifecycleHookType& request);

class HookOperations : public virtual Api, protected GroupPart {
 public:
  explicit HookOperations(GroupState& state);

  Result<PutLifecycleHookAnswer> PutLifecycleHook(const Call&, const PutLifecycleHookType&) override;
  Result<DescribeLifecycleHooksAnswer> DescribeLifecycleHooks(const Call&, const DescribeLifecycleHooksType&) override;
  Result<DeleteLifecycleHookAnswer> DeleteLifecycleHook(const Call&, const DeleteLifecycleHookType&) override;
  Result<CompleteLifecycleActionAnswer> CompleteLifecycleAction(const Call&,
                                                                const CompleteLifecycleActionType&) override;
  Result<RecordLifecycleActionHeartbeatAnswer> RecordLifecycleActionHeartbeat(
      const Call&, const RecordLifecycleActionHeartbeatType&) override;

 private:
  // Changes the action that is found by instance or token. Error: ValidationError.
  Result<void> change_action(const std::string& group, const std::string& hook,
                             const std::optional<std::string>& instance, const std::optional<std::string>& token,
                             const std::function<void(LifecycleAction&)>& change);
};

}  // namespace brume::autoscaling
