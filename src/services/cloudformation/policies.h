// A resource's CreationPolicy and UpdatePolicy: what they may hold, and what they say.
//
// Acting on them is the engine's.
#pragma once

#include <chrono>
#include <optional>

#include "base/reflect.h"
#include "services/cloudformation/lint.h"

namespace brume::cloudformation {

std::vector<Finding> check_policies(const templates::Resource& resource);

// The signals that a resource waits for.
struct Awaited {
  int count = 0;  // 0: none
  int minimum_percent = 100;
  std::chrono::seconds timeout{300};
};
Awaited awaited_signals(const templates::Value& creation_policy);

struct RollingPolicy {
  int max_batch = 1;
  int min_in_service = 0;
  double min_successful_percent = 100, min_active_percent = 100;
  std::chrono::seconds pause{0};  // with signals: how long they are awaited
  std::string pause_text = "PT0S";
  bool wait_on_signals = false;
  List<std::string> suspend;  // processes
};

// What an UpdatePolicy, evaluated, says. Errors: ValidationError.
struct UpdateRules {
  bool will_replace = false;
  std::optional<RollingPolicy> rolling;
};
Result<UpdateRules> update_rules(const templates::Value& update_policy);

// "PT5M", "PT1H30M", "P1DT2H". Errors: ValidationError.
Result<std::chrono::seconds> parse_iso_duration(std::string_view text);

}  // namespace brume::cloudformation
