// `brume explain GROUP`: why an Auto Scaling group has the capacity that it has.
#pragma once

#include <string>

#include "daemon/settings.h"

namespace brume::cli {

// `group`: its name, or the name of a stack that has one. What was decided about the desired capacity comes from the
// daemon's own log of decisions (GET /decisions), all else from the AWS API.
int explain(const daemon::Settings& settings, const std::string& group);

}  // namespace brume::cli
