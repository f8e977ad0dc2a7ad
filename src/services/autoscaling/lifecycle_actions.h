// What an instance waits for in Pending:Wait and Terminating:Wait: one action for each of the group's hooks.
//
// Pure. Source: Auto Scaling user guide, "How lifecycle hooks work": actions run side by side; each is over when it is
// completed, when its heartbeat does not come, or at its limit; then its default counts. At launch one ABANDON ends the
// launch; at termination one ends the waiting for the others. Leaves to others: states (decide.h), the calls
// (hooks.cc).
#pragma once

#include <optional>
#include <string>

#include "autoscaling/shapes.h"
#include "services/autoscaling/records.h"

namespace brume::autoscaling {

inline constexpr std::string_view kLaunching = "autoscaling:EC2_INSTANCE_LAUNCHING";
inline constexpr std::string_view kTerminating = "autoscaling:EC2_INSTANCE_TERMINATING";

// In seconds, for a heartbeat of so many.
int global_timeout(int heartbeat);
LifecycleAction begin_action(const LifecycleHook& hook, std::string token, Timestamp now);
// Puts the heartbeat off; never beyond the limit.
void record_heartbeat(LifecycleAction& action, const LifecycleHook& hook, Timestamp now);

enum class HookOutcome { none, waits, proceeds, abandons };
// `none`: there is nothing to wait for.
HookOutcome outcome(const List<LifecycleAction>& actions, Timestamp now);
// When the next one times out, if any is waited for.
std::optional<Timestamp> next_timeout(const List<LifecycleAction>& actions);

}  // namespace brume::autoscaling
