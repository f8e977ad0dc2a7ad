#include "services/autoscaling/lifecycle_actions.h"

#include <algorithm>

namespace brume::autoscaling {
namespace {

using std::chrono::seconds;

constexpr int kLongest = 48 * 3600;
constexpr int kHeartbeats = 100;

}  // namespace

int global_timeout(int heartbeat) {
  return std::min(kLongest, kHeartbeats * heartbeat);
}

LifecycleAction begin_action(const LifecycleHook& hook, std::string token, Timestamp now) {
  LifecycleAction action;
  action.hook = *hook.LifecycleHookName;
  action.token = std::move(token);
  action.default_result = *hook.DefaultResult;
  action.deadline = now + seconds(*hook.HeartbeatTimeout);
  action.limit = now + seconds(*hook.GlobalTimeout);
  return action;
}

void record_heartbeat(LifecycleAction& action, const LifecycleHook& hook, Timestamp now) {
  action.deadline = std::min<Timestamp>(now + seconds(*hook.HeartbeatTimeout), *action.limit);
}

HookOutcome outcome(const List<LifecycleAction>& actions, Timestamp now) {
  if (actions.empty()) return HookOutcome::none;
  bool waits = false;
  for (const LifecycleAction& action : actions) {
    const bool is_over = !action.result.empty() || now >= *action.deadline;
    const std::string& result = action.result.empty() ? action.default_result : action.result;
    if (is_over && result == "ABANDON") return HookOutcome::abandons;
    waits = waits || !is_over;
  }
  return waits ? HookOutcome::waits : HookOutcome::proceeds;
}

std::optional<Timestamp> next_timeout(const List<LifecycleAction>& actions) {
  std::optional<Timestamp> next;
  for (const LifecycleAction& action : actions)
    if (action.result.empty()) next = std::min(next.value_or(*action.deadline), *action.deadline);
  return next;
}

}  // namespace brume::autoscaling
