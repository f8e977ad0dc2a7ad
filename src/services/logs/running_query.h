// One run of an Insights query over log groups: worked on by one thread, watched by others.
#pragma once

#include <atomic>
#include <mutex>
#include <string>
#include <vector>

#include "env/clock.h"
#include "logstore/event_store.h"
#include "services/logs/insights/query.h"

namespace brume::logs {

struct QueriedGroup {
  logstore::GroupId id = 0;
  std::string name;
};

struct QuerySummary {
  std::string status;  // "Scheduled", "Running", "Complete", "Failed", "Cancelled", "Timeout"
  insights::Statistics statistics;
  env::Duration took{};       // until now, or until it ended
  std::size_t row_bytes = 0;  // that the rows so far have
};

class RunningQuery {
 public:
  // Over the events in [from, to) ms since 1970.
  RunningQuery(insights::Query query, std::size_t limit, std::vector<QueriedGroup> groups, std::int64_t from,
               std::int64_t to, const env::Clock& clock);

  // Blocks until it has ended. At most an hour.
  void run(logstore::EventStore& store);
  // From any thread. False if it has ended already.
  bool cancel();
  // What is known so far.
  [[nodiscard]] QuerySummary summary() const;
  [[nodiscard]] std::vector<insights::Row> rows() const;
  [[nodiscard]] bool ended() const;

 private:
  // Of one group; nothing if it was stopped.
  Result<bool> scan(logstore::EventStore& store, const QueriedGroup& group, insights::Run& run);
  void publish(const insights::Run& run);
  void end(const std::string& status);
  [[nodiscard]] bool stopped();

  const insights::Query query_;
  const std::size_t limit_;
  const std::vector<QueriedGroup> groups_;
  const std::int64_t from_, to_;
  const env::Clock& clock_;
  const env::MonotonicTime began_;
  std::atomic<bool> cancelled_ = false;
  env::MonotonicTime published_;

  mutable std::mutex mutex_;
  QuerySummary summary_;
  std::vector<insights::Row> rows_;
};

}  // namespace brume::logs
