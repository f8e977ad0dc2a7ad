// Where a service puts what it logs for its user: a log group and in it a stream, as in CloudWatch Logs. One a region.
#pragma once

#include <string>
#include <vector>

#include "base/result.h"
#include "base/time.h"

namespace brume::services {

struct LogEvent {
  Timestamp time;
  std::string message;
  bool operator==(const LogEvent&) const = default;
};

class LogSink {
 public:
  virtual ~LogSink() = default;
  // All of them, in their order, durable when the call returns, or none. `again`: these same events may have been
  // appended before, by a caller who did not live to hear of it; they are not to be there twice. Group and stream are
  // made when they are first used. Blocks; may be called from any thread.
  virtual Result<void> append(const std::string& group, const std::string& stream, const std::vector<LogEvent>& events,
                              bool again) = 0;
};

}  // namespace brume::services
