// The state loop: the one thread on which all handlers and controllers run, and how they reach time and other threads.
//
// Everything but post() and run() is called on the loop's own thread. Callbacks run one at a time, in the order in
// which they became due; none runs inside the call that scheduled it.
#pragma once

#include <cstdint>
#include <functional>

#include "env/clock.h"

namespace brume::env {

class Loop {
 public:
  using TimerId = std::uint64_t;  // 0 is never given out
  virtual ~Loop() = default;

  // Runs `task` soon. May be called from any thread.
  virtual void post(std::function<void()> task) = 0;
  // Runs `task` once `delay` has passed (at once if it is not positive).
  virtual TimerId after(Duration delay, std::function<void()> task) = 0;
  // Does nothing if the timer has fired, or for 0.
  virtual void cancel(TimerId timer) = 0;
  // Runs `work` on another thread, then `done` on the loop. `work` must not touch state of the loop.
  virtual void run_blocking(std::function<void()> work, std::function<void()> done) = 0;
};

}  // namespace brume::env
