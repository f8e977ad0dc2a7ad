// A LogSink that remembers, for tests.
#pragma once

#include <map>
#include <set>
#include <string>
#include <vector>

#include "services/common/log_sink.h"

namespace brume::services {

class RecordedLogs : public LogSink {
 public:
  Result<void> ensure_group(const std::string& group, std::int32_t retention_days) override {
    if (groups.insert(group).second) retentions[group] = retention_days;
    return {};
  }
  Result<void> append(const std::string& group, const std::string& stream, const std::vector<LogEvent>& events,
                      std::string_view token) override {
    if (full) return std::unexpected(Error{"InsufficientStorage", "the disk is full", 507});
    if (!groups.contains(group)) return fail("ResourceNotFoundException", "The specified log group does not exist.");
    if (!token.empty() && !tokens_.insert(group + "\n" + stream + "\n" + std::string(token)).second) return {};
    for (const LogEvent& event : events) streams[group][stream].push_back(event.message);
    return {};
  }

  std::set<std::string> groups;
  std::map<std::string, std::int32_t> retentions;
  std::map<std::string, std::map<std::string, std::vector<std::string>>> streams;  // group → stream → messages
  bool full = false;

 private:
  std::set<std::string> tokens_;
};

}  // namespace brume::services
