// `brume reach`: can one place talk to another on a port, and which rule decides? By Reachability Analyzer's API.
#pragma once

#include <string>

#include "daemon/settings.h"

namespace brume::cli {

// `from` and `to`: an instance (id or Name tag, if one instance or one running instance has that), eni-…, igw-…, pcx-…,
// an IPv4 address, or "internet". `port`: "80" or "53/udp". Exit status: 0 reachable, 1 not, 2 could not tell.
int reach(const daemon::Settings& settings, const std::string& from, const std::string& to, const std::string& port,
          bool json);

}  // namespace brume::cli
