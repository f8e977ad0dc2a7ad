// Who listens on a TCP port of this machine.
#pragma once

#include <string>

#include "base/result.h"

namespace brume::daemon {

// "nginx (pid 812)", or empty if nobody does or it cannot be told.
std::string port_owner(int port);

// Could we listen there now, beside our own load balancer? Error: ResourceInUse, with who has it and what to do.
Result<void> check_port_free(const std::string& address, int port);

}  // namespace brume::daemon
