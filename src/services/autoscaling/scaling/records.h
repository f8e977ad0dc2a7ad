// What scaling policies and scheduled actions keep.
#pragma once

#include <optional>
#include <string>

#include "autoscaling/shapes.h"

namespace brume::autoscaling {

// Keys of policies and scheduled actions are "<group>:<name>"; a group's name has no colon.
struct PolicyRecord {
  ScalingPolicy policy;  // Alarms: those that the policy has made itself
};

struct ScheduledRecord {
  // StartTime (and Time, its old name): when it is next done, as AWS shows it.
  ScheduledUpdateGroupAction action;
};

// Key: the group's name.
struct CooldownRecord {
  std::string policy;        // the simple policy that changed the capacity
  std::int64_t seconds = 0;  // how long its cooldown lasts, not yet scaled
  // When the last of its instances had come or gone; none: they are still on the way.
  std::optional<Timestamp> since;
};

// Why a group's desired capacity is what it is: something decided about it. Key "<group>:<12 digits>", newest last.
struct DecisionRecord {
  Timestamp time;   // of the first
  Timestamp until;  // and of the last, if the same was decided over and over
  std::int64_t times = 1;
  std::string by;     // "policy", "execution" (ExecutePolicy), "scheduled action", "user request"
  std::string name;   // of the policy or the scheduled action
  std::string alarm;  // that asked
  std::optional<double> value, threshold;
  std::int64_t before = 0, after = 0;  // desired capacity
  std::string reason;                  // why it stayed as it was; empty if it did not
};

}  // namespace brume::autoscaling

BRUME_RECORD(brume::autoscaling::PolicyRecord, policy)
BRUME_RECORD(brume::autoscaling::ScheduledRecord, action)
BRUME_RECORD(brume::autoscaling::CooldownRecord, policy, seconds, since)
BRUME_RECORD(brume::autoscaling::DecisionRecord, time, until, times, by, name, alarm, value, threshold, before, after,
             reason)
