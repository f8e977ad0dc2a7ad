// What a subscription filter delivers next, and its delivery: on another thread than the loop's.
//
// Events are delivered in the order in which they were appended, round by round: a round has all that was appended up
// to its begin, in the order of their times, as the event store reads them. A cursor says how far that is. It moves on
// only after the destination has taken what is before it, so that whatever dies, an event is delivered at least once.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "aws/outgoing.h"
#include "logstore/event_store.h"
#include "services/logs/delivery/payload.h"
#include "services/logs/pattern/filter_pattern.h"

namespace brume::logs {

struct DeliveryCursor {
  std::uint64_t above = 0;  // all events with ids up to this one are delivered
  std::uint64_t up_to = 0;  // the round under way has those up to this one; 0: there is none
  logstore::Position at;    // of the round, all up to here are delivered
  bool operator==(const DeliveryCursor&) const = default;
};

// What a filter delivers. Never changes.
struct DeliveryRule {
  logstore::GroupId group = 0;
  std::string group_name, filter;
  FilterPattern pattern;
  bool by_stream = true;
};

struct DeliveryBatch {
  std::vector<Payload> payloads;             // not taken yet
  std::uint64_t expired = 0, too_large = 0;  // events that are not among them
  DeliveryCursor behind;                     // once they are taken
};

// Some MiB at most. None: all that was appended is delivered. Events that came before `give_up_before` (ms since 1970)
// are left out. Errors: the store's.
Result<std::optional<DeliveryBatch>> next_batch(logstore::EventStore& store, const DeliveryRule& rule,
                                                const TargetTraits& traits, const DeliveryCursor& from,
                                                std::int64_t give_up_before);

// Some batches of one filter, one after another, until all is delivered, something is refused or a few seconds are
// over.
struct DeliveryJob {
  std::shared_ptr<const DeliveryRule> rule;
  DeliveryTarget destination;
  DeliveryCursor cursor;
  std::optional<DeliveryBatch> batch;  // what an earlier job could not deliver, and what this one could not
  std::int64_t give_up_before = 0;

  std::uint64_t delivered = 0, bytes = 0;   // events; compressed
  std::uint64_t lost = 0;                   // events that are too large, or too old and were refused for so long
  std::uint64_t failed = 0, throttled = 0;  // events that were refused, for the latter reason
  std::string why;                          // of a refusal
  bool more = false;                        // there is more to deliver now

  void run(logstore::EventStore& store, const aws::Outgoing& outgoing, const env::Clock& clock);

 private:
  // Of the batch; false if something was refused.
  bool deliver(const aws::Outgoing& outgoing);
};

}  // namespace brume::logs
