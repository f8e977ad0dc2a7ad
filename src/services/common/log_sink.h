// Where a service puts what it logs for its user: a log group and in it a stream, as in CloudWatch Logs. One a region.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "base/time.h"

namespace brume::services {

struct LogEvent {
  Timestamp time;
  std::string message;
  bool operator==(const LogEvent&) const = default;
};

// Of the groups that Brume makes of its own accord.
inline constexpr std::int32_t kOwnRetentionDays = 14;

class LogSink {
 public:
  virtual ~LogSink() = default;
  // Makes the group if it is not there; one that is made so keeps its events for so many days (CloudWatch's choices),
  // 0: for ever. On the loop.
  virtual Result<void> ensure_group(const std::string& group, std::int32_t retention_days = 0) = 0;
  // All of them, in their order, durable when the call returns, or none; the stream is made when it is first used.
  // `token` names this very batch: appended again, by a caller who did not live to hear of it, it is there once (as
  // long as it is among the newest few of the stream). Blocks; may be called from any thread. Errors:
  // ResourceNotFoundException for a group that is not there.
  virtual Result<void> append(const std::string& group, const std::string& stream, const std::vector<LogEvent>& events,
                              std::string_view token) = 0;
};

}  // namespace brume::services
