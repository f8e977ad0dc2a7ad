// What an instance refresh does next.
//
// Sizes, and what is counted, are in capacity units. Pure: a function of the refresh, the group's instances and the
// time; asked again after every step and whenever something changed, so it holds no state. Sources: Auto Scaling user
// guide, "How an instance refresh works", "Add checkpoints", "Undo changes with a rollback", "Use an instance refresh
// with skip matching". How many at once is replacement.h's. Leaves to others: carrying out (refresh_controller.h),
// launching (the group controller fills gaps).
#pragma once

#include <chrono>
#include <optional>
#include <string>
#include <vector>

#include "base/time.h"
#include "services/autoscaling/replacement.h"

namespace brume::autoscaling {

struct RefreshMember {
  std::string id;
  int units = 1;
  // Has to be replaced: in a refresh what it did not launch, in a rollback what it did launch.
  bool stale = false;
  // Of the configuration that is wanted already (skip matching): left alone and not counted in percentages.
  bool skipped = false;
  bool counts = false;   // pending or in service; what is on its way out is not in the list
  bool standby = false;  // or on its way there
  bool is_protected = false;
  bool marked = false;
  bool ready = false;
  bool failing = false;
  bool warming = false;  // in service and healthy, but not warmed up
};

struct RefreshView {
  enum class Phase { replacing, baking, cancelling, rolling_back } phase = Phase::replacing;
  int desired = 0;
  int largest_units = 1;  // of what the group has or launches
  int min_percent = 90, max_percent = 100;
  std::vector<int> checkpoints;        // percentages, ascending
  int checkpoint = 0;                  // the highest that was reached; 0: none
  std::optional<Timestamp> paused_at;  // when it was reached
  std::chrono::seconds checkpoint_delay{}, bake_time{}, warm_up{}, patience{};
  std::optional<Timestamp> baking_since;
  Timestamp progressed{};  // when it last came further, or began
  enum class Protected { refresh, ignore, wait } if_protected = Protected::wait;
  enum class Standby { terminate, ignore, wait } if_standby = Standby::wait;
  std::vector<std::string> alarms;  // those in state ALARM
  bool alarms_unknown = false;      // CloudWatch could not be asked
  bool suspended = false;           // InstanceRefresh, Launch or Terminate
  bool auto_rollback = false;
  bool wait_for_transitions = true;  // on cancelling
  int in_transition = 0;             // instances that are pending or on their way out
  std::vector<RefreshMember> members;
};

struct RefreshStep {
  enum class Kind {
    wait,        // for `reason`, at the latest until `until`
    pause,       // suspended: as wait, but the patience does not run
    replace,     // carry out `replacements`
    checkpoint,  // reached `percent`; wait from now on
    bake,        // all is replaced; wait the bake time from now on
    succeed,     // also of a rollback
    fail,        // for `reason`, without a way back
    roll_back,   // for `reason`
    cancel,      // is over
  } kind = Kind::wait;
  Replacements replacements;
  std::string reason;
  std::optional<Timestamp> until;
  int percent = 0;
};

RefreshStep decide_refresh(const RefreshView& view, Timestamp now);

struct RefreshProgress {
  int percent = 0;    // of those in its scope that are replaced and ready, 0 to 100
  int remaining = 0;  // still to be replaced or not ready yet
  int total = 0;      // in its scope
  int updated = 0;    // replaced and ready
  int untouched = 0;  // to be replaced and not begun with
  bool operator==(const RefreshProgress&) const = default;
};
// In a rollback: how much of the refresh is not undone yet.
RefreshProgress refresh_progress(const RefreshView& view);

}  // namespace brume::autoscaling
