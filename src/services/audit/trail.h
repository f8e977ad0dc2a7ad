// Records of calls on their way to the log group "/brume/audit".
//
// Collected on the loop; appended on a worker each second, or as soon as there are 1,000, a batch at a time, under
// tokens of its own, so that what is tried again is there once. What cannot be appended is kept and tried again after
// 1 s, doubling to 30 s; beyond 20,000 records or 32 MiB newer ones are dropped and the log says how many.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "aws/dispatcher.h"
#include "env/env.h"
#include "services/common/log_sink.h"

namespace brume::audit {

inline constexpr const char* kGroup = "/brume/audit";

struct TrailLimits {
  std::size_t records = 20'000, bytes = std::size_t(32) << 20;  // that wait
};

class Trail {
 public:
  // A region's; null where there is none. On the loop.
  using Sinks = std::function<services::LogSink*(const std::string& region)>;
  // `reads`: record reads that succeed as well.
  Trail(env::Env& env, Sinks sinks, bool reads, TrailLimits limits = {});
  Trail(const Trail&) = delete;
  Trail& operator=(const Trail&) = delete;

  // As Dispatcher::tell() has it.
  void note(const aws::Dispatcher::Answered& answered);
  // Appends all that waits, and blocks: for when the loop and its workers have ended.
  void flush();

 private:
  struct Batch {
    std::string region, token;
    services::LogSink* sink = nullptr;
    std::vector<services::LogEvent> events;
    std::size_t bytes = 0;
    Result<void> result;
  };
  using Batches = std::vector<Batch>;

  void send_in(env::Duration time);
  void send();
  // What waits becomes batches, as far as their groups can be made.
  [[nodiscard]] Result<void> prepare();
  static void append(Batches& batches);
  [[nodiscard]] Result<void> sent();

  env::Env& env_;
  Sinks sinks_;
  const bool reads_;
  const TrailLimits limits_;
  std::string name_;  // of this trail, in its tokens
  std::uint64_t batches_made_ = 0;
  std::map<std::string, Batch> waiting_;  // by region
  std::shared_ptr<Batches> sending_;      // not known to be appended; never empty if busy_
  std::size_t records_ = 0, bytes_ = 0;   // of both
  std::uint64_t dropped_ = 0;
  bool busy_ = false;
  env::Loop::TimerId timer_ = 0;
  bool soon_ = false;
  int failures_ = 0;
};

}  // namespace brume::audit
