// `brume logs`: lines of log groups, as they are or as they come; and Insights queries of them.
#pragma once

#include <string>
#include <vector>

#include "daemon/settings.h"

namespace brume::cli {

struct LogsOptions {
  std::string source;  // a log group, or a stack that has some
  std::string since = "10m", pattern;
  bool follow = false;  // goes on until it is ended
};
int logs(const daemon::Settings& settings, const LogsOptions& options);

struct LogsQueryOptions {
  std::string query;
  std::vector<std::string> sources;  // empty: all log groups
  std::string since = "1h";
};
int logs_query(const daemon::Settings& settings, const LogsQueryOptions& options);

}  // namespace brume::cli
