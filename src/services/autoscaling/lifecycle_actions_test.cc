#include "services/autoscaling/lifecycle_actions.h"

#include <gtest/gtest.h>

namespace brume::autoscaling {
namespace {

using std::chrono::seconds;

constexpr Timestamp kNow{std::chrono::hours(24 * 365 * 50)};

LifecycleHook hook(int heartbeat, const char* result) {
  LifecycleHook hook;
  hook.LifecycleHookName = "configure";
  hook.HeartbeatTimeout = heartbeat;
  hook.GlobalTimeout = global_timeout(heartbeat);
  hook.DefaultResult = result;
  return hook;
}

TEST(LifecycleActions, LastAHundredHeartbeatsOrTwoDays) {
  EXPECT_EQ(global_timeout(30), 3000);
  EXPECT_EQ(global_timeout(1728), 172800);
  EXPECT_EQ(global_timeout(7200), 172800);
}

TEST(LifecycleActions, AHeartbeatPutsTheEndOffButNotBeyondTheLimit) {
  LifecycleAction action = begin_action(hook(30, "ABANDON"), "token", kNow);
  EXPECT_EQ(action.deadline, kNow + seconds(30));
  record_heartbeat(action, hook(30, "ABANDON"), kNow + seconds(20));
  EXPECT_EQ(action.deadline, kNow + seconds(50));
  record_heartbeat(action, hook(30, "ABANDON"), kNow + seconds(2990));
  EXPECT_EQ(action.deadline, kNow + seconds(3000));
}

TEST(LifecycleActions, AllHaveToContinueAndOneAbandons) {
  const LifecycleAction abandons = begin_action(hook(30, "ABANDON"), "1", kNow);
  const LifecycleAction continues = begin_action(hook(60, "CONTINUE"), "2", kNow);
  const auto done = [](LifecycleAction action, const char* result) {
    action.result = result;
    return action;
  };
  const struct {
    List<LifecycleAction> actions;
    int after;
    HookOutcome outcome;
  } cases[] = {
      {{}, 0, HookOutcome::none},
      {{abandons}, 29, HookOutcome::waits},
      {{abandons}, 30, HookOutcome::abandons},
      {{continues}, 59, HookOutcome::waits},
      {{continues}, 60, HookOutcome::proceeds},
      {{done(abandons, "CONTINUE")}, 40, HookOutcome::proceeds},
      {{done(abandons, "CONTINUE"), continues}, 40, HookOutcome::waits},
      {{done(abandons, "CONTINUE"), continues}, 60, HookOutcome::proceeds},
      {{abandons, done(continues, "ABANDON")}, 0, HookOutcome::abandons},
      {{abandons, done(continues, "CONTINUE")}, 30, HookOutcome::abandons},
  };
  for (const auto& c : cases) EXPECT_EQ(outcome(c.actions, kNow + seconds(c.after)), c.outcome) << &c - cases;
  EXPECT_EQ(next_timeout({abandons, continues}), kNow + seconds(30));
  EXPECT_EQ(next_timeout({done(abandons, "CONTINUE"), continues}), kNow + seconds(60));
  EXPECT_EQ(next_timeout({}), std::nullopt);
}

}  // namespace
}  // namespace brume::autoscaling
