// What a group's warm pool does next: how many instances it holds beside the group, how they come to rest, which one
// the group takes.
//
// Pure, as decide.h, and asked after it: the group's own instances come first. Sources: Auto Scaling user guide, "Warm
// pools for Amazon EC2 Auto Scaling" and "Use lifecycle hooks with a warm pool"; API reference, PutWarmPool. Leaves to
// others: carrying out (warm_pool_controller.h), the instance once the group has it (decide.h).
#pragma once

#include <map>
#include <optional>
#include <set>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "services/autoscaling/lifecycle_actions.h"

namespace brume::autoscaling {

// In the pool rather than in the group.
bool is_warmed(std::string_view lifecycle);

// How many a pool holds: what the prepared capacity (none: the group's maximum) leaves beside the desired one, at
// least `min_size`.
int pool_size(int desired, int max, std::optional<int> prepared, int min_size);

struct PoolMember {
  std::string id, zone;
  // Warmed:Pending[:Wait|:Proceed] Warmed:Stopped Warmed:Running Warmed:Terminating[:Wait|:Proceed]
  std::string lifecycle;
  std::string instance_state;  // EC2's; "terminated" also for one that EC2 no longer knows
  HookOutcome hooks = HookOutcome::none;
  // To go: said to be unhealthy, of another configuration than a refresh brings, of a zone that the group has left.
  bool unfit = false;
  bool terminating_sent = false;
};

struct PoolView {
  int size = 0;       // pool_size
  int missing = 0;    // that the group has not taken from the pool or launched yet
  int returning = 0;  // on their way from the group to the pool
  bool stops = true;  // PoolState Stopped
  bool goes = false;  // the pool is being deleted
  bool waits = true;  // for hooks of terminations
  std::vector<std::string> zones;
  std::set<std::string> failing_zones;  // where a launch failed lately
  bool may_launch = true;               // no back-off
  std::set<std::string> suspended;
};

struct PoolStep {
  enum class Kind {
    lost,          // EC2 has ended it
    proceed,       // its hooks are done
    abandon,       // a hook ends its launch
    stop,          // started and prepared
    rest_stopped,  // as it is to wait
    rest_running,
    take_out,   // unfit, one too many, or the pool goes
    terminate,  // wait for hooks, or call EC2
    forget,     // the termination is done
    launch,     // into the pool, in `zone`
  } kind;
  std::string instance;
  std::string zone;

  bool operator==(const PoolStep&) const = default;
};

// At most one launch, or one that is too many, a call.
std::vector<PoolStep> decide_pool(const PoolView& pool, std::span<const PoolMember> members);

// Whom the group takes for a launch in `zone`: one at rest, rather running than stopped. With `anywhere` of another
// zone if that one has none. None: an instance has to be launched.
const PoolMember* choose_warm(std::span<const PoolMember> members, const std::string& zone, bool anywhere);

}  // namespace brume::autoscaling
