// What stands after `brume up`: where the service answers, who serves it, what to type next.
#pragma once

#include <string>

#include "cli/command.h"

namespace brume::cli {

// Waits until every target of the stack's load balancers is healthy and the service answers, for at most five minutes.
// Error: NotAnswering, with the health of the targets.
Result<void> print_summary(Session& session, const std::string& stack);

}  // namespace brume::cli
