// Why a group has the capacity that it has, in words: pure.
#pragma once

#include <string>
#include <vector>

#include "autoscaling/shapes.h"
#include "cloudwatch/shapes.h"
#include "services/autoscaling/scaling/records.h"

namespace brume::cli {

struct Explained {
  autoscaling::AutoScalingGroup group;
  List<autoscaling::ScalingPolicy> policies;
  List<autoscaling::ScheduledUpdateGroupAction> scheduled;
  List<cloudwatch::MetricAlarm> alarms;                // of the policies
  List<autoscaling::Activity> activities;              // newest first
  std::vector<autoscaling::DecisionRecord> decisions;  // newest first
};

// First what is so now and what may change it, then what was decided and done, newest first.
std::string in_words(const Explained& explained);

}  // namespace brume::cli
