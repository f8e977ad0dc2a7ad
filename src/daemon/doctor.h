// What this machine lacks for Brume, each with the mend.
#pragma once

#include <string>
#include <vector>

#include "daemon/settings.h"

namespace brume::daemon {

struct Finding {
  enum class Level { ok, warning, problem } level;
  std::string what;  // "runc", "port 80"
  std::string text;  // what was found
  std::string mend;  // what to do; empty when ok
};

// Looks, changes nothing. Needs root only to see all.
std::vector<Finding> examine(const Settings& settings);

}  // namespace brume::daemon
