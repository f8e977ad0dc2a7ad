#include "services/logs/delivery/target.h"

#include <algorithm>
#include <array>

namespace brume::logs {
namespace {

constexpr std::size_t kKey = 256;  // of a partition, which counts with its record

// Limits: API references, PutRecords, PutRecordBatch, Invoke. An asynchronous invocation takes 1 MiB of JSON (256 KiB
// until October 2025, and still so elsewhere: hence the small texts), in which the payload is in base64.
constexpr TargetTraits kTraits[] = {
    {"kinesis", "Kinesis Data Streams", "Kinesis stream", true, 1'000'000, (1 << 20) - kKey, 500, 4 << 20},
    {"firehose", "Firehose", "Firehose", true, 1'000'000, 1000 << 10, 500, 4 << 20},
    {"lambda", "Lambda", "Lambda", false, 190'000, ((1 << 20) - 64) / 4 * 3, 1, 1 << 20},
};

struct Form {
  std::string_view service, before_name;
  DeliveryTarget::Kind kind;
};
constexpr Form kForms[] = {{"kinesis", "stream/", DeliveryTarget::Kind::kinesis},
                           {"firehose", "deliverystream/", DeliveryTarget::Kind::firehose},
                           {"lambda", "function:", DeliveryTarget::Kind::lambda}};

}  // namespace

const TargetTraits& traits_of(DeliveryTarget::Kind kind) {
  return kTraits[std::size_t(kind)];
}

Result<DeliveryTarget> parse_target(std::string_view arn) {
  // arn:aws:<service>:<region>:<account>:<resource>
  std::array<std::string_view, 5> parts;
  std::string_view rest = arn;
  for (std::string_view& part : parts) {
    const std::size_t colon = std::min(rest.find(':'), rest.size());
    part = rest.substr(0, colon);
    rest.remove_prefix(std::min(colon + 1, rest.size()));
  }
  for (const Form& form : kForms)
    if (parts[0] == "arn" && parts[1].starts_with("aws") && parts[2] == form.service && !parts[3].empty() &&
        rest.starts_with(form.before_name) && rest.size() > form.before_name.size())
      return DeliveryTarget{form.kind, std::string(arn), std::string(parts[3]),
                            std::string(rest.substr(form.before_name.size()))};
  return fail("InvalidParameterException",
              "destinationArn {} is not the ARN of a Kinesis stream, a Firehose stream, a Lambda function or a "
              "destination of CloudWatch Logs.",
              arn);
}

}  // namespace brume::logs
