#include "services/logs/batch.h"

#include <algorithm>
#include <chrono>

namespace brume::logs {
namespace {

constexpr std::int64_t ms(std::chrono::milliseconds time) {
  return time.count();
}
constexpr std::int64_t kOldest = ms(std::chrono::days(14)), kNewest = ms(std::chrono::hours(2)),
                       kSpan = ms(std::chrono::hours(24));

}  // namespace

Result<Batch> accept_batch(const List<InputLogEvent>& events, std::int64_t now,
                           const std::optional<std::int32_t>& retention_days) {
  std::size_t bytes = 0;
  std::int64_t last = 0;
  for (const InputLogEvent& event : events) {
    const std::size_t size = event.message->size() + kEventOverhead;
    if (size > kMostBatchBytes)
      return fail("InvalidParameterException", "Log event too large: {} bytes exceeds limit of {}", size,
                  kMostBatchBytes);
    bytes += size;
    if (*event.timestamp < last)
      return fail("InvalidParameterException",
                  "Log events in a single PutLogEvents request must be in chronological order.");
    last = *event.timestamp;
  }
  if (bytes > kMostBatchBytes)
    return fail("InvalidParameterException", "Upload too large: {} bytes exceeds limit of {}", bytes, kMostBatchBytes);

  const auto older_than = [&](std::int64_t time) {
    const auto time_of = [](const InputLogEvent& event) { return *event.timestamp; };
    return std::ranges::lower_bound(events, time, {}, time_of) - events.begin();
  };
  const std::int64_t kept = retention_days ? ms(std::chrono::days(*retention_days)) : kOldest;
  const auto too_old = older_than(now - kOldest), expired = kept < kOldest ? older_than(now - kept) : 0;
  const auto first = std::max(too_old, expired), end = older_than(now + kNewest + 1);

  Batch batch;
  if (first > 0 || end < std::ssize(events)) {
    batch.rejected.emplace();
    if (too_old > 0) batch.rejected->tooOldLogEventEndIndex = std::int32_t(too_old);
    if (expired > too_old) batch.rejected->expiredLogEventEndIndex = std::int32_t(expired);
    if (end < std::ssize(events)) batch.rejected->tooNewLogEventStartIndex = std::int32_t(end);
  }
  if (first >= end) return batch;
  if (*events[std::size_t(end - 1)].timestamp - *events[std::size_t(first)].timestamp > kSpan)
    return fail("InvalidParameterException",
                "The batch of log events in a single PutLogEvents request cannot span more than 24 hours.");
  batch.events.reserve(std::size_t(end - first));
  for (auto i = first; i < end; ++i)
    batch.events.push_back({*events[std::size_t(i)].timestamp, *events[std::size_t(i)].message});
  return batch;
}

}  // namespace brume::logs
