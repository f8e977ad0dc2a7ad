// Threads for work that may take long, beside Loop::run_blocking's.
#pragma once

#include <functional>

namespace brume::env {

// Runs `work` on another thread, then `done` on the loop. `work` must not touch state of the loop.
using Aside = std::function<void(std::function<void()> work, std::function<void()> done)>;

}  // namespace brume::env
