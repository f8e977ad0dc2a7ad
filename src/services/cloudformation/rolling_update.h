// A rolling update of an Auto Scaling group: which instances go now, and when their successors are good enough.
//
// Pure. Instances go in batches; while one is replaced, at least MinInstancesInService others serve, and no batch ends
// before its successors do (group_view.h): a version that does not serve ends the update while old ones are left. So it
// says more than AWS, where without signals an instance that runs is good enough. Where the group is
// too small for that, its capacity is raised for the time of the update, and the last instances that go leave without
// being replaced. (CloudFormation user guide, "UpdatePolicy attribute"; the numbers and words of the events are what
// AWS's stacks show.) Leaves to the engine: reading the group, and carrying out and recording a step.
#pragma once

#include <string>
#include <variant>
#include <vector>

#include "services/cloudformation/group_view.h"
#include "services/cloudformation/policies.h"
#include "services/cloudformation/records.h"

namespace brume::cloudformation {

// Begins: what is obsolete goes in batches of `batch`, from a capacity that may be above the present one.
// Errors: ValidationError, MinInstancesInService leaves nothing to replace.
struct RollSizes {
  int batch = 0, capacity = 0;
};
Result<RollSizes> roll_sizes(const RollingPolicy& policy, int desired, int max_size, int obsolete);

struct RollStep {
  enum class Kind {
    wait,        // nothing to do before the group or a signal moves
    terminated,  // the batch is gone from the group
    added,       // its successors, `instances`, are there; signals are awaited from now
    lost,        // `instances` of them have gone again
    settled,     // they serve; the pause begins
    batch_done,  // with `successes` and `failures`
    terminate,   // `instances`, of which the last `unreplaced` leave no gap
    fail,        // for `reason`
    complete
  };
  Kind kind = Kind::wait;
  std::vector<std::string> instances;  // of terminate: the batch; of batch_done: the successors
  std::vector<std::string> unhealthy;  // of batch_done: those of the failures that fail their health checks
  int unreplaced = 0;
  int successes = 0, failures = 0;
  int missing = 0;  // of the failures: signals that never came
  std::string reason;
};

// `pause` is how long PauseTime without signals really takes.
RollStep next_step(const RollingPolicy& policy, const RollingUpdate& roll, const GroupNow& group,
                   const List<Signal>& signals, Timestamp now, std::chrono::seconds pause);

// Why the update cannot succeed any more with these failures; empty: it can.
std::string too_many_failures(const RollingPolicy& policy, const RollingUpdate& roll, bool by_timeout);

}  // namespace brume::cloudformation
