// `brume lb`: the load balancer as a process.
#pragma once

#include <string>

namespace brume::lb {

// Serves until SIGTERM or SIGINT, then stops accepting, lets requests end for up to 30 s and returns 0. `socket_path`:
// where the daemon connects (channel.h). `threads`: 0 for one a core. Returns 1, with the reason on standard error, if it
// cannot start. Call it before any thread is started: it blocks these signals and ignores SIGPIPE.
int run_lb(const std::string& socket_path, unsigned threads);

}  // namespace brume::lb
