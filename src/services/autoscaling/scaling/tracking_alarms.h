// The two CloudWatch alarms of a target tracking policy.
//
// Pure. AlarmHigh: three datapoints above the target. AlarmLow: a quarter of an hour below nine tenths of it, so that a
// group shrinks more slowly than it grows and not at each wobble; none where scale-in is disabled. Both call the policy
// while they are in ALARM (as alarms that AWS makes look, and "Target tracking scaling policies").
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "autoscaling/shapes.h"
#include "cloudwatch/shapes.h"

namespace brume::autoscaling {

// "TargetTracking-<group>-AlarmHigh-<uuid>"; the group's name is cut where the whole would exceed 255 characters.
std::string tracking_alarm_name(std::string_view group, bool high, std::string_view uuid);
bool is_high_alarm(std::string_view name);

// As they are put; `policy` has its ARN and, in Alarms, their names: the high one first.
std::vector<cloudwatch::PutMetricAlarmInput> tracking_alarms(const ScalingPolicy& policy);

}  // namespace brume::autoscaling
