// Time as the control plane sees it.
//
// Monotonic time decides everything that is a duration (health, warm-up, cooldown, draining); wall time is for
// timestamps and schedules only and may jump.
#pragma once

#include <chrono>

#include "base/time.h"

namespace brume::env {

using Duration = std::chrono::nanoseconds;
// Since an arbitrary start; not comparable across restarts of the machine.
using MonotonicTime = std::chrono::time_point<std::chrono::steady_clock, Duration>;

class Clock {
 public:
  virtual ~Clock() = default;
  [[nodiscard]] virtual MonotonicTime now() const = 0;
  [[nodiscard]] virtual Timestamp wall() const = 0;
};

}  // namespace brume::env
