// A resource's CreationPolicy and UpdatePolicy: what they may hold, and what they say.
//
// CreationPolicy is acted on by the engine. UpdatePolicy is checked here; rolling and replacing updates are not
// performed.
#pragma once

#include <chrono>

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

// "PT5M", "PT1H30M", "P1DT2H". Errors: ValidationError.
Result<std::chrono::seconds> parse_iso_duration(std::string_view text);

}  // namespace brume::cloudformation
