// Where a subscription filter delivers to, from the ARN that names it; what each kind of destination takes. Pure.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "base/result.h"

namespace brume::logs {

struct DeliveryTarget {
  enum class Kind : std::uint8_t { kinesis, firehose, lambda };
  Kind kind = Kind::kinesis;
  std::string arn, region, name;  // the stream's name; of a function also ":" and a qualifier
};

// Errors: InvalidParameterException for an ARN of another kind.
Result<DeliveryTarget> parse_target(std::string_view arn);

// What is known of a kind.
struct TargetTraits {
  const char* service;      // in signatures, and of its endpoint
  const char* metric_name;  // DestinationType of the metrics AWS/Logs
  const char* test_name;    // in control messages
  bool needs_role;
  // JSON text of a payload that has several events; compressed, and in base64 where it has to be, it always fits.
  std::size_t text_bytes;
  std::size_t payload_bytes;              // compressed, the most that is taken: of a payload with one event
  std::size_t call_payloads, call_bytes;  // compressed, of a call
};
const TargetTraits& traits_of(DeliveryTarget::Kind kind);

}  // namespace brume::logs
