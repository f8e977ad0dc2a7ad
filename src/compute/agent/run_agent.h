// The agent as a process: `brume-init agent`, a child of PID 1.
#pragma once

namespace brume::agent {

// Runs until SIGTERM; then the log files are shipped to their end, once nothing else runs in the instance (for a while
// at most). A configuration that changes is followed
// from the next look on. Ends with status 0, or 1 if the metadata service gives nothing to go by.
int run_agent();

}  // namespace brume::agent
