// AWS's own managed policies that stacks commonly name. They exist from the start and cannot be changed.
#pragma once

#include <span>

namespace brume::iam {

struct ManagedPolicy {
  const char* name;
  const char* path;  // "/" or "/service-role/"
  const char* document;
};

std::span<const ManagedPolicy> managed_policies();

}  // namespace brume::iam
