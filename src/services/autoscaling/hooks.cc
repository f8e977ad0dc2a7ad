#include "services/autoscaling/hooks.h"

#include <algorithm>

namespace brume::autoscaling {
namespace {

constexpr std::size_t kMaxHooks = 50;  // quota "Lifecycle hooks per Auto Scaling group"
constexpr int kShortestHeartbeat = 30, kLongestHeartbeat = 7200, kHeartbeat = 3600;

// Neither part can hold a colon.
std::string hook_key(std::string_view group, std::string_view hook) {
  return fmt::format("{}:{}", group, hook);
}

Result<void> check_result(const std::string& result) {
  if (result == "CONTINUE" || result == "ABANDON") return {};
  return fail("ValidationError", "Lifecycle action result must be one of: CONTINUE, ABANDON, not '{}'", result);
}

}  // namespace

std::vector<const LifecycleHook*> hooks_of(const GroupState& state, const std::string& group,
                                           std::string_view transition) {
  std::vector<const LifecycleHook*> found;
  for (const auto& [key, hook] : rows_under(state.hooks, hook_key(group, "")))
    if (transition.empty() || hook.LifecycleTransition == transition) found.push_back(&hook);
  return found;
}

List<LifecycleAction> begin_actions(const GroupState& state, const std::string& group, std::string_view transition) {
  List<LifecycleAction> actions;
  const env::Env& env = state.context.env;
  for (const LifecycleHook* hook : hooks_of(state, group, transition))
    actions.push_back(begin_action(*hook, env.random.uuid(), env.clock.wall()));
  return actions;
}

Result<void> put_hook(GroupState& state, const PutLifecycleHookType& request) {
  const std::string& group = *request.AutoScalingGroupName;
  const std::string key = hook_key(group, *request.LifecycleHookName);
  const LifecycleHook* found = state.hooks.find(key);
  if (!found && hooks_of(state, group, "").size() >= kMaxHooks)
    return fail("LimitExceeded", "The Auto Scaling group {} has {} lifecycle hooks, which is the limit", group,
                kMaxHooks);
  LifecycleHook hook = found ? *found : LifecycleHook{};
  const auto take = [](auto& field, const auto& value) {
    if (value) field = value;
  };
  hook.LifecycleHookName = request.LifecycleHookName;
  hook.AutoScalingGroupName = group;
  take(hook.LifecycleTransition, request.LifecycleTransition);
  take(hook.RoleARN, request.RoleARN);
  take(hook.NotificationTargetARN, request.NotificationTargetARN);
  take(hook.NotificationMetadata, request.NotificationMetadata);
  take(hook.HeartbeatTimeout, request.HeartbeatTimeout);
  take(hook.DefaultResult, request.DefaultResult);
  if (!hook.LifecycleTransition)
    return fail("ValidationError", "LifecycleTransition must be specified for the new lifecycle hook {}",
                *hook.LifecycleHookName);
  if (hook.LifecycleTransition != kLaunching && hook.LifecycleTransition != kTerminating)
    return fail("ValidationError", "LifecycleTransition must be one of: {}, {}, not '{}'", kLaunching, kTerminating,
                *hook.LifecycleTransition);
  if (!hook.HeartbeatTimeout) hook.HeartbeatTimeout = kHeartbeat;
  if (*hook.HeartbeatTimeout < kShortestHeartbeat || *hook.HeartbeatTimeout > kLongestHeartbeat)
    return fail("ValidationError", "HeartbeatTimeout must be between {} and {} seconds, not {}", kShortestHeartbeat,
                kLongestHeartbeat, *hook.HeartbeatTimeout);
  if (!hook.DefaultResult) hook.DefaultResult = "ABANDON";
  BRUME_CHECK(check_result(*hook.DefaultResult));
  if (hook.NotificationTargetARN && hook.NotificationTargetARN->empty()) hook.NotificationTargetARN.reset();
  if (hook.NotificationTargetARN && !hook.NotificationTargetARN->starts_with("arn:"))
    return fail("ValidationError", "The notification target '{}' is not the ARN of an SNS topic or an SQS queue",
                *hook.NotificationTargetARN);
  hook.GlobalTimeout = global_timeout(*hook.HeartbeatTimeout);
  state.hooks.put(key, std::move(hook));
  return {};
}

HookOperations::HookOperations(GroupState& state) : GroupPart(state) {
  state.on_erase.emplace_back([this](const std::string& group) -> Result<void> {
    erase_under(state_.hooks, hook_key(group, ""));
    return {};
  });
}

Result<PutLifecycleHookAnswer> HookOperations::PutLifecycleHook(const Call&, const PutLifecycleHookType& request) {
  BRUME_CHECK(find_group(*request.AutoScalingGroupName));
  BRUME_CHECK(put_hook(state_, request));
  return PutLifecycleHookAnswer{};
}

Result<DescribeLifecycleHooksAnswer> HookOperations::DescribeLifecycleHooks(const Call&,
                                                                            const DescribeLifecycleHooksType& request) {
  BRUME_CHECK(find_group(*request.AutoScalingGroupName));
  DescribeLifecycleHooksAnswer answer;
  answer.LifecycleHooks.set_present();
  const auto& names = request.LifecycleHookNames;
  for (const LifecycleHook* hook : hooks_of(state_, *request.AutoScalingGroupName, ""))
    if (names.empty() || std::ranges::find(names, *hook->LifecycleHookName) != names.end())
      answer.LifecycleHooks.push_back(*hook);
  return answer;
}

Result<DeleteLifecycleHookAnswer> HookOperations::DeleteLifecycleHook(const Call&,
                                                                      const DeleteLifecycleHookType& request) {
  const std::string& group = *request.AutoScalingGroupName;
  BRUME_CHECK(find_group(group));
  const std::string key = hook_key(group, *request.LifecycleHookName);
  const LifecycleHook* hook = state_.hooks.find(key);
  if (!hook)
    return fail("ValidationError", "No Lifecycle Hook found with name: {} in the Auto Scaling group {}",
                *request.LifecycleHookName, group);
  // Who waits for it waits no longer: a launch is given up, a termination goes on.
  const char* result = hook->LifecycleTransition == kLaunching ? "ABANDON" : "CONTINUE";
  for (const MemberRecord* found : every_member_of(group)) {
    MemberRecord member = *found;
    bool changed = false;
    for (LifecycleAction& action : member.actions) {
      if (action.hook != *request.LifecycleHookName || !action.result.empty()) continue;
      action.result = result;
      changed = true;
    }
    if (changed) put_member(member);
  }
  state_.hooks.erase(key);
  wake_after_commit(group);
  return DeleteLifecycleHookAnswer{};
}

Result<void> HookOperations::change_action(const std::string& group, const std::string& hook,
                                           const std::optional<std::string>& instance,
                                           const std::optional<std::string>& token,
                                           const std::function<void(LifecycleAction&)>& change) {
  BRUME_CHECK(find_group(group));
  if (!instance && !token)
    return fail("ValidationError", "Either InstanceId or LifecycleActionToken must be specified");
  const Timestamp now = context_.env.clock.wall();
  for (const MemberRecord* found : every_member_of(group)) {
    if (instance && found->instance.InstanceId != instance) continue;
    MemberRecord member = *found;
    for (LifecycleAction& action : member.actions) {
      if (action.hook != hook || !action.result.empty() || now >= *action.deadline) continue;
      if (token && action.token != *token) continue;
      change(action);
      put_member(member);
      wake_after_commit(group);
      return {};
    }
  }
  if (token) return fail("ValidationError", "No active Lifecycle Action found with token {}", *token);
  return fail("ValidationError", "No active Lifecycle Action found with instance ID {}", *instance);
}

Result<CompleteLifecycleActionAnswer> HookOperations::CompleteLifecycleAction(
    const Call&, const CompleteLifecycleActionType& request) {
  BRUME_CHECK(check_result(*request.LifecycleActionResult));
  BRUME_CHECK(change_action(*request.AutoScalingGroupName, *request.LifecycleHookName, request.InstanceId,
                            request.LifecycleActionToken,
                            [&](LifecycleAction& action) { action.result = *request.LifecycleActionResult; }));
  return CompleteLifecycleActionAnswer{};
}

Result<RecordLifecycleActionHeartbeatAnswer> HookOperations::RecordLifecycleActionHeartbeat(
    const Call&, const RecordLifecycleActionHeartbeatType& request) {
  BRUME_CHECK(change_action(*request.AutoScalingGroupName, *request.LifecycleHookName, request.InstanceId,
                            request.LifecycleActionToken, [&](LifecycleAction& action) {
                              const std::string key = hook_key(*request.AutoScalingGroupName, action.hook);
                              record_heartbeat(action, *state_.hooks.find(key), context_.env.clock.wall());
                            }));
  return RecordLifecycleActionHeartbeatAnswer{};
}

}  // namespace brume::autoscaling
