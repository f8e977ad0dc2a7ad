// The outside world, as one bundle that is handed down. Real: env/real.h. Simulated: env/sim.h.
#pragma once

#include "env/clock.h"
#include "env/files.h"
#include "env/loop.h"
#include "env/processes.h"
#include "env/random.h"

namespace brume::env {

struct Env {
  Clock& clock;
  Random& random;
  Loop& loop;
  Files& files;
  Processes& processes;
};

}  // namespace brume::env
