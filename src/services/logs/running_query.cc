#include "services/logs/running_query.h"

#include "aws/call.h"
#include "base/log.h"
#include "services/logs/places.h"

namespace brume::logs {
namespace {

constexpr std::uint64_t kSlice = std::uint64_t(32) << 20;  // bytes between looks at whether it is to stop
constexpr std::chrono::hours kLongest{1};
constexpr std::chrono::seconds kPublished{1};  // between looks at the rows so far

bool is_end(const std::string& status) {
  return status != "Scheduled" && status != "Running";
}

}  // namespace

RunningQuery::RunningQuery(insights::Query query, std::size_t limit, std::vector<QueriedGroup> groups,
                           std::int64_t from, std::int64_t to, const env::Clock& clock)
    : query_(std::move(query)),
      limit_(limit),
      groups_(std::move(groups)),
      from_(from),
      to_(to),
      clock_(clock),
      began_(clock.now()),
      published_(began_) {
  summary_.status = "Scheduled";
}

bool RunningQuery::ended() const {
  const std::lock_guard lock(mutex_);
  return is_end(summary_.status);
}

bool RunningQuery::cancel() {
  const std::lock_guard lock(mutex_);
  if (is_end(summary_.status)) return false;
  cancelled_ = true;
  return true;
}

QuerySummary RunningQuery::summary() const {
  const std::lock_guard lock(mutex_);
  QuerySummary summary = summary_;
  if (!is_end(summary.status)) summary.took = clock_.now() - began_;
  return summary;
}

std::vector<insights::Row> RunningQuery::rows() const {
  const std::lock_guard lock(mutex_);
  return rows_;
}

void RunningQuery::end(const std::string& status) {
  const std::lock_guard lock(mutex_);
  summary_.status = status;
  summary_.took = clock_.now() - began_;
}

bool RunningQuery::stopped() {
  return cancelled_ || clock_.now() - began_ > kLongest;
}

void RunningQuery::publish(const insights::Run& run) {
  auto rows = run.rows();
  std::size_t bytes = 0;
  if (rows)
    for (const insights::Row& row : *rows)
      for (const auto& [field, value] : row) bytes += field.size() + value.size();
  const std::lock_guard lock(mutex_);
  summary_.statistics = run.statistics();
  published_ = clock_.now();
  if (!rows) return;
  rows_ = *std::move(rows);
  summary_.row_bytes = bytes;
}

void RunningQuery::run(logstore::EventStore& store) {
  {
    const std::lock_guard lock(mutex_);
    summary_.status = "Running";
  }
  // Each group by itself, as only so its records come newest first; then all together.
  insights::Run all(query_, limit_);
  for (const QueriedGroup& group : groups_) {
    insights::Run run(query_, limit_);
    const auto scanned = scan(store, group, groups_.size() == 1 ? all : run);
    if (!scanned) {
      log_warning("an Insights query of {} failed: {}", group.name, scanned.error().message);
      return end("Failed");
    }
    if (!*scanned) return end(cancelled_ ? "Cancelled" : "Timeout");
    if (groups_.size() > 1) all.merge(std::move(run));
    publish(all);
  }
  const auto rows = all.rows();
  if (!rows) log_warning("an Insights query failed: {}", rows.error().message);
  end(rows ? "Complete" : "Failed");
}

Result<bool> RunningQuery::scan(logstore::EventStore& store, const QueriedGroup& group, insights::Run& run) {
  const std::string log = fmt::format("{}:{}", aws::kAccount, group.name);
  logstore::Read read{.group = group.id,
                      .streams = {},
                      .stream_prefix = "",
                      .from = from_,
                      .to = to_,
                      .backward = true,
                      .after = std::nullopt,
                      .needle = std::string(query_.needle()),
                      .scan_limit = kSlice};
  bool enough = false;
  PointerText pointer(group.id);
  do {
    if (stopped()) return false;
    BRUME_TRY(scanned, store.visit(read, [&](const logstore::Event& event) {
      enough = !run.add({.timestamp = event.timestamp,
                         .ingestion = event.ingestion,
                         .message = event.message,
                         .stream = event.stream,
                         .log = log,
                         .pointer = pointer.of(event.position())});
      return !enough && !cancelled_;
    }));
    if (cancelled_) return false;
    read.after = scanned.stopped;
    if (groups_.size() == 1 && clock_.now() - published_ > kPublished) publish(run);
  } while (!enough && read.after);
  return true;
}

}  // namespace brume::logs
