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
  bool pool_forced = false;  // the warm pool goes without waiting for hooks
};

// What an instance waits for because of a hook (lifecycle_actions.h).
struct LifecycleAction {
  std::string hook, token, default_result;
  std::optional<Timestamp> deadline, limit;  // of the heartbeat, of all heartbeats together
  std::string result;                        // CONTINUE or ABANDON, once it is completed
};

// An instance of a group. Key "<group>/<instance>".
struct MemberRecord {
  Instance instance;
  std::string group;
  std::string subnet;
  std::string activity;  // under way: the key of the activity that ends with the present transition
  std::optional<Timestamp> in_service_since;
  std::optional<Timestamp> created;
  // When the launch configuration was made that it was launched from, if it was. It may be gone since.
  std::optional<Timestamp> configuration_created;
  bool returning = false;         // on its way out of the group, but to the warm pool
  bool terminating_sent = false;  // TerminateInstances has been called
  // Why it is to be replaced by another that is launched first: "refresh", "lifetime", "elb", "user",
  // "rebalance" (it is going to be interrupted), "distribution" (On-Demand and Spot have other shares). Then it does
  // not count towards the desired capacity. Empty: it stays.
  std::string replacing;
  bool spot = false;    // a Spot Instance
  std::string refresh;  // id of the instance refresh that it was launched by
  List<LifecycleAction> actions;
};

// Key "<group>/<12 digits>": newest last.
struct ActivityRecord {
  Activity activity;
};

// Key "<group>/<12 digits>": newest last.
struct RefreshRecord {
  InstanceRefresh refresh;
  // What it launches with: its desired configuration, versions as numbers. Neither: as the group.
  std::optional<LaunchTemplateSpecification> launch_template;
  std::optional<MixedInstancesPolicy> mixed;
  std::optional<Timestamp> progressed;  // when it last came further
  // How far it had come then (RefreshProgress).
  std::int32_t total = 0, updated = 0, untouched = 0;
  std::int32_t checkpoint = 0;         // the highest percentage reached of its checkpoints
  std::optional<Timestamp> paused_at;  // there
  std::optional<Timestamp> baking_since;
  bool suspended = false;
  bool wait_for_transitions = true;
};

}  // namespace brume::autoscaling

BRUME_RECORD(brume::autoscaling::GroupRecord, group, cause, next_activity, force_delete, pool_forced)
BRUME_RECORD(brume::autoscaling::LifecycleAction, hook, token, default_result, deadline, limit, result)
BRUME_RECORD(brume::autoscaling::MemberRecord, instance, group, subnet, activity, in_service_since, created,
             configuration_created, returning, terminating_sent, replacing, spot, refresh, actions)
BRUME_RECORD(brume::autoscaling::ActivityRecord, activity)
BRUME_RECORD(brume::autoscaling::RefreshRecord, refresh, launch_template, mixed, progressed, total, updated, untouched,
             checkpoint, paused_at, baking_since, suspended, wait_for_transitions)
