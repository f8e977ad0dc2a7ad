// Payloads as calls of the destination's API, and what its answers say of each. Pure.
#pragma once

#include <span>
#include <vector>

#include "aws/http.h"
#include "services/logs/delivery/payload.h"

namespace brume::logs {

// How many of the first ones one call carries; at least one. `payloads` is not empty.
std::size_t payloads_of_call(const DeliveryTarget& destination, std::span<const Payload> payloads);
// Without Host and signature. Kinesis PutRecords, Firehose PutRecordBatch, Lambda Invoke (of one, asynchronously).
aws::HttpRequest delivery_request(const DeliveryTarget& destination, std::span<const Payload> payloads);
// Asks whether the destination would take something: a control message, or a function's dry run.
aws::HttpRequest test_request(const DeliveryTarget& destination, std::int64_t now);

struct DeliveryAnswer {
  std::vector<std::size_t> refused;  // which of the call's payloads were not taken
  bool throttled = false;            // ... because there were too many
  std::string why;                   // of one of them; empty: all were taken
};
DeliveryAnswer read_delivery_answer(const DeliveryTarget& destination, const aws::HttpAnswer& answer,
                                    std::size_t payloads);

}  // namespace brume::logs
