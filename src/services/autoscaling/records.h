// What Auto Scaling keeps.
#pragma once

#include <optional>
#include <string>

#include "autoscaling/shapes.h"

namespace brume::autoscaling {

struct GroupRecord {
  AutoScalingGroup group;  // without Instances; Tags included
  // The sentence that explains the capacity: "At … a user request …". Told with each launch and termination that it
  // causes, until the group has the capacity.
  std::string cause;
  std::int64_t next_activity = 0;
  bool force_delete = false;
};

// An instance of a group. Key "<group>/<instance>".
struct MemberRecord {
  Instance instance;
  std::string group;
  std::string subnet;
  std::string activity;  // under way: the key of the activity that ends with the present transition
  std::optional<Timestamp> in_service_since;
  std::optional<Timestamp> created;
  bool terminating_sent = false;  // TerminateInstances has been called
};

// Key "<group>/<12 digits>": newest last.
struct ActivityRecord {
  Activity activity;
};

}  // namespace brume::autoscaling

BRUME_RECORD(brume::autoscaling::GroupRecord, group, cause, next_activity, force_delete)
BRUME_RECORD(brume::autoscaling::MemberRecord, instance, group, subnet, activity, in_service_since, created,
             terminating_sent)
BRUME_RECORD(brume::autoscaling::ActivityRecord, activity)
