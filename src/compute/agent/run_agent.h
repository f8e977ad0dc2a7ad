// The agent as a process: `brume-init agent`, a child of PID 1.
#pragma once

namespace brume::agent {

// Is there a configuration that it would follow?
bool is_configured();

// Runs until SIGTERM; then the log files are shipped to their end, once nothing else runs in the instance (for a while
// at most). Ends with status 0, also when the configuration has changed: it is to be started again then.
int run_agent();

}  // namespace brume::agent
