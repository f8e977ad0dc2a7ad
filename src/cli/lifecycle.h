// `brume start`, `brume stop`, `brume down`: the daemon as a background process, and the way back to a clean machine.
#pragma once

#include "daemon/settings.h"

namespace brume::cli {

// Starts the daemon in the background unless it runs, and returns once the API answers. What stands in the way (no
// root, port in use) is said in a sentence. `root` is the --root given, handed on.
Result<void> start_daemon(const daemon::Settings& settings, const std::string& root);
int start(const daemon::Settings& settings, const std::string& root);
// Ends the daemon; instances and load balancer go on.
int stop(const daemon::Settings& settings);
// Deletes every stack, ends daemon and load balancer, and removes what is left in the kernel: containers, mounts,
// cgroups, namespaces. The state stays: to an instance outside of stacks it is as if the machine had lost its power.
int down(const daemon::Settings& settings, const std::string& root);

}  // namespace brume::cli
