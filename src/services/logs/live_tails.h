// Live tails: sessions that are sent what is appended to some log groups, each second, for up to three hours.
//
// A session holds at most 500 events of a second; of more it has a sample, spread evenly, and says so, as AWS does.
// What is appended while the client does not read is lost to it.
#pragma once

#include <atomic>
#include <list>
#include <memory>
#include <mutex>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "aws/event_stream.h"
#include "env/env.h"
#include "logs/shapes.h"
#include "logstore/event_store.h"
#include "services/logs/group_directory.h"
#include "services/logs/pattern/filter_pattern.h"

namespace brume::logs {

// What a session is for.
struct Tailed {
  std::vector<std::shared_ptr<const GroupView>> groups;
  std::vector<std::string> streams, stream_prefixes;  // both empty: all
  FilterPattern pattern;
};

class LiveTails {
 public:
  explicit LiveTails(env::Env& env) : env_(env) {}
  ~LiveTails();

  // What writes a session's events, beginning with `start`. On the loop.
  aws::EventSource session(Tailed tailed, LiveTailSessionStart start);
  // From any thread, after it is on disk.
  void appended(const GroupView& group, const std::string& stream, std::int64_t ingestion,
                std::span<const logstore::NewEvent> events);
  [[nodiscard]] std::size_t size() const { return count_; }

 private:
  struct Session;
  void tick(const std::shared_ptr<Session>& session);
  void remove(const std::shared_ptr<Session>& session);

  env::Env& env_;
  std::mutex mutex_;
  std::list<std::shared_ptr<Session>> sessions_;
  std::atomic<std::size_t> count_ = 0;
};

}  // namespace brume::logs
