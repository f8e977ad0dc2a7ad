#include "services/logs/delivery/calls.h"

#include "aws/json_rpc.h"
#include "base/base64.h"
#include "base/percent.h"
#include "base/reflect.h"

namespace brume::logs {

// An entry of PutRecords' and PutRecordBatch's answers.
struct RecordAnswer {
  std::optional<std::string> ErrorCode, ErrorMessage;
};
struct RecordAnswers {
  List<RecordAnswer> Records, RequestResponses;  // Kinesis', Firehose's
};

}  // namespace brume::logs

BRUME_RECORD(brume::logs::RecordAnswer, ErrorCode, ErrorMessage)
BRUME_RECORD(brume::logs::RecordAnswers, Records, RequestResponses)

namespace brume::logs {
namespace {

using Kind = DeliveryTarget::Kind;

bool means_too_many(std::string_view code, int status) {
  if (status == 429) return true;
  for (const std::string_view part : {"Throttl", "ThroughputExceeded", "TooManyRequests", "ServiceUnavailable"})
    if (code.contains(part)) return true;
  return false;
}

std::string record(const DeliveryTarget& destination, const Payload& payload) {
  const std::string data = base64_encode(payload.bytes);
  if (destination.kind == Kind::firehose) return fmt::format(R"({{"Data":"{}"}})", data);
  return fmt::format(R"({{"Data":"{}","PartitionKey":{}}})", data, json_quote(payload.key));
}

aws::HttpRequest invocation(const DeliveryTarget& destination, const char* type, std::string body) {
  const std::string name = destination.name.substr(0, destination.name.find(':'));
  std::string target = fmt::format("/2015-03-31/functions/{}/invocations", percent_encode(name));
  if (name.size() < destination.name.size())
    target += "?Qualifier=" + percent_encode(destination.name.substr(name.size() + 1));
  return {.method = "POST",
          .target = std::move(target),
          .headers = {{"Content-Type", "application/json"}, {"X-Amz-Invocation-Type", type}},
          .body = std::move(body),
          .peer = {}};
}

}  // namespace

std::size_t payloads_of_call(const DeliveryTarget& destination, std::span<const Payload> payloads) {
  const TargetTraits& traits = traits_of(destination.kind);
  std::size_t count = 0, bytes = 0;
  for (const Payload& payload : payloads) {
    bytes += payload.bytes.size() + payload.key.size();
    if (count > 0 && (count == traits.call_payloads || bytes > traits.call_bytes)) break;
    ++count;
  }
  return count;
}

aws::HttpRequest delivery_request(const DeliveryTarget& destination, std::span<const Payload> payloads) {
  if (destination.kind == Kind::lambda)
    return invocation(destination, "Event",
                      fmt::format(R"({{"awslogs":{{"data":"{}"}}}})", base64_encode(payloads.front().bytes)));
  const bool kinesis = destination.kind == Kind::kinesis;
  std::string body = fmt::format(R"({{"{}":{},"Records":[)", kinesis ? "StreamName" : "DeliveryStreamName",
                                 json_quote(destination.name));
  for (std::size_t i = 0; i < payloads.size(); ++i) {
    if (i > 0) body += ',';
    body += record(destination, payloads[i]);
  }
  return {.method = "POST",
          .target = "/",
          .headers = {{"Content-Type", "application/x-amz-json-1.1"},
                      {"X-Amz-Target", kinesis ? "Kinesis_20131202.PutRecords" : "Firehose_20150804.PutRecordBatch"}},
          .body = body + "]}",
          .peer = {}};
}

aws::HttpRequest test_request(const DeliveryTarget& destination, std::int64_t now) {
  if (destination.kind == Kind::lambda) return invocation(destination, "DryRun", "{}");
  const Payload message = control_message(destination, now);
  return delivery_request(destination, {&message, 1});
}

DeliveryAnswer read_delivery_answer(const DeliveryTarget& destination, const aws::HttpAnswer& answer,
                                    std::size_t payloads) {
  DeliveryAnswer out;
  const auto refuse_all = [&](std::string_view code, std::string why) {
    for (std::size_t i = 0; i < payloads; ++i) out.refused.push_back(i);
    out.throttled = means_too_many(code, answer.status);
    out.why = std::move(why);
    return out;
  };
  if (answer.status < 200 || answer.status > 299) {
    const Error error = aws::read_json_error(answer);
    return refuse_all(error.code, fmt::format("{} {}: {}", answer.status, error.code, error.message));
  }
  if (destination.kind == Kind::lambda) return out;
  const RecordAnswers read = from_json<RecordAnswers>(answer.body).value_or(RecordAnswers{});
  const auto& records = destination.kind == Kind::kinesis ? read.Records : read.RequestResponses;
  if (records.size() != payloads) return refuse_all("", "its answer does not tell what became of the records");
  for (std::size_t i = 0; i < payloads; ++i) {
    if (!records[i].ErrorCode || records[i].ErrorCode->empty()) continue;
    out.refused.push_back(i);
    out.throttled = out.throttled || means_too_many(*records[i].ErrorCode, 200);
    out.why = fmt::format("{}: {}", *records[i].ErrorCode, records[i].ErrorMessage.value_or(""));
  }
  return out;
}

}  // namespace brume::logs
