// Which events of a PutLogEvents call are taken. Pure.
//
// The limits are CloudWatch Logs': 10,000 events (the model's) and 1 MiB, an event counted with 26 bytes more, in the
// order of their times; none further apart than 24 hours. Events older than 14 days or than the group keeps them, and
// events more than two hours ahead, are left out and reported; the rest is taken.
#pragma once

#include <optional>
#include <vector>

#include "base/result.h"
#include "logs/shapes.h"
#include "logstore/event_store.h"

namespace brume::logs {

inline constexpr std::size_t kEventOverhead = 26;
inline constexpr std::size_t kMostBatchBytes = 1 << 20;
// What the sequence token of a batch begins with that names this very batch: sent again, it is there once.
inline constexpr std::string_view kBatchToken = "brume:";

struct Batch {
  std::vector<logstore::NewEvent> events;  // views of the messages in the call
  std::optional<RejectedLogEventsInfo> rejected;
};

// `now` in ms since 1970. Errors: InvalidParameterException, for which nothing is taken.
Result<Batch> accept_batch(const List<InputLogEvent>& events, std::int64_t now,
                           const std::optional<std::int32_t>& retention_days);

}  // namespace brume::logs
