// Logs as files: <folder>/<group>/<stream>.log, one line an event.
//
// Bounded: a file that is full becomes <stream>.log.1, in place of an older one; when all files together are too large,
// those that were written longest ago go. Both are said in the daemon's log, once. Names are percent-encoded, a full
// stop too, and long ones cut into folders within folders, each but the first with a leading '+'. Files are their
// owner's only (0600). Leaves the events' times to their messages.
#pragma once

#include <cstdint>
#include <mutex>

#include "env/files.h"
#include "services/common/log_sink.h"

namespace brume::services {

class LogFiles : public LogSink {
 public:
  struct Limits {
    std::uint64_t file = std::uint64_t(16) << 20;  // bytes, unless a single call brings more
    std::uint64_t total = std::uint64_t(1) << 30;
  };
  LogFiles(env::Files& files, std::string folder) : LogFiles(files, std::move(folder), Limits()) {}
  LogFiles(env::Files& files, std::string folder, const Limits& limits)
      : files_(files), folder_(std::move(folder)), limits_(limits) {}

  Result<void> append(const std::string& group, const std::string& stream, const std::vector<LogEvent>& events,
                      bool again) override;
  // Where they are.
  [[nodiscard]] std::string path(const std::string& group, const std::string& stream) const;

 private:
  Result<void> make_room(const std::string& path, std::uint64_t size);
  // Removes files until the rest is within the limit, but not `kept`.
  Result<void> trim(const std::string& kept);

  env::Files& files_;
  std::string folder_;
  Limits limits_;
  std::mutex mutex_;
  bool rotation_told_ = false, trim_told_ = false;
};

}  // namespace brume::services
