// `brume status`: a region's service at a glance, asked of the AWS API.
#pragma once

#include "daemon/settings.h"

namespace brume::cli {

struct StatusOptions {
  bool json = false;   // once, as JSON
  bool watch = false;  // again every two seconds until it is interrupted, on a screen of its own
};

// On a terminal it watches, unless JSON is asked for. Exit status 1 if the API does not answer.
int status(const daemon::Settings& settings, const StatusOptions& options);

}  // namespace brume::cli
