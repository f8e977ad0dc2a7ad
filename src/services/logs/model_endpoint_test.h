// Kinesis, Firehose, Lambda and S3 in memory, for tests: they keep what they take, and fail as they are told to.
#pragma once

#include <gtest/gtest.h>

#include <map>
#include <string>
#include <vector>

#include "aws/gzip.h"
#include "aws/outgoing.h"
#include "base/base64.h"
#include "base/json.h"

namespace brume::logs {

struct TakenEvent {
  std::string id, message;
  std::int64_t timestamp = 0;
};
struct TakenMessage {
  std::string messageType, owner, logGroup, logStream;
  List<std::string> subscriptionFilters;
  List<TakenEvent> logEvents;
};
struct SentRecord {
  std::string Data, PartitionKey;
};
struct SentRecords {
  std::string StreamName, DeliveryStreamName;
  List<SentRecord> Records;
};
struct SentAwslogs {
  std::string data;
};
struct SentInvocation {
  SentAwslogs awslogs;
};

}  // namespace brume::logs

BRUME_RECORD(brume::logs::TakenEvent, id, message, timestamp)
BRUME_RECORD(brume::logs::TakenMessage, messageType, owner, logGroup, logStream, subscriptionFilters, logEvents)
BRUME_RECORD(brume::logs::SentRecord, Data, PartitionKey)
BRUME_RECORD(brume::logs::SentRecords, StreamName, DeliveryStreamName, Records)
BRUME_RECORD(brume::logs::SentAwslogs, data)
BRUME_RECORD(brume::logs::SentInvocation, awslogs)

namespace brume::logs {

class ModelEndpoint {
 public:
  enum class Fault : std::uint8_t {
    none,
    unreachable,     // takes nothing
    answer_is_lost,  // takes all, and nobody learns of it
    fails,           // 500
    throttles,
    no_stream,
    throttles_every_other_record,
  };
  Fault fault = Fault::none;
  int calls = 0;
  std::vector<TakenMessage> taken;  // without control messages
  int control_messages = 0, dry_runs = 0;
  std::vector<std::string> keys;               // partitions, of `taken`
  std::size_t largest = 0;                     // of compressed payloads
  std::map<std::string, std::string> objects;  // of S3: "/bucket/key" → bytes

  // All messages of events, in the order in which they came.
  [[nodiscard]] std::vector<std::string> messages() const {
    std::vector<std::string> out;
    for (const TakenMessage& message : taken)
      for (const TakenEvent& event : message.logEvents) out.push_back(event.message);
    return out;
  }

  [[nodiscard]] aws::Outgoing outgoing(const env::Clock& clock) {
    return {clock,
            {{"kinesis", "http://model:1"},
             {"firehose", "http://model:1"},
             {"lambda", "http://model:1"},
             {"s3", "http://model:1"}},
            [] { return aws::Credentials{.access_key = "AKID", .secret_key = "secret"}; },
            [this](std::string_view, const aws::HttpRequest& request) { return answer(request); }};
  }

 private:
  Result<aws::HttpAnswer> answer(const aws::HttpRequest& request) {
    ++calls;
    EXPECT_TRUE(aws::find_header(request.headers, "authorization"));
    if (fault == Fault::unreachable) return fail("EndpointConnectionError", "model does not answer");
    if (fault == Fault::fails) return aws::HttpAnswer{.status = 500, .headers = {}, .body = "oops"};
    if (fault == Fault::throttles) return refusal("ProvisionedThroughputExceededException");
    if (fault == Fault::no_stream) return refusal("ResourceNotFoundException");
    const std::string* target = aws::find_header(request.headers, "x-amz-target");
    aws::HttpAnswer out = target ? take_records(request, target->starts_with("Kinesis"))
                          : request.target.starts_with("/2015-03-31/functions/") ? invoke(request)
                                                                                 : serve_bucket(request);
    if (fault == Fault::answer_is_lost) return fail("EndpointConnectionError", "model does not answer: timed out");
    return out;
  }

  static aws::HttpAnswer refusal(std::string_view code) {
    return {.status = 400, .headers = {}, .body = fmt::format(R"({{"__type":"{}","message":"no"}})", code)};
  }

  aws::HttpAnswer take_records(const aws::HttpRequest& request, bool kinesis) {
    const auto sent = from_json<SentRecords>(request.body);
    EXPECT_TRUE(sent) << request.body;
    EXPECT_LE(sent->Records.size(), 500U);
    std::string answers;
    for (std::size_t i = 0; i < sent->Records.size(); ++i) {
      const bool refused = fault == Fault::throttles_every_other_record && i % 2 == 0;
      if (!refused) take(*base64_decode(sent->Records[i].Data), sent->Records[i].PartitionKey);
      answers += fmt::format("{}{}", i > 0 ? "," : "",
                             refused ? R"({"ErrorCode":"ProvisionedThroughputExceededException","ErrorMessage":"slow"})"
                                     : R"({"SequenceNumber":"1"})");
    }
    return {.status = 200,
            .headers = {},
            .body = fmt::format(R"({{"{}":[{}]}})", kinesis ? "Records" : "RequestResponses", answers)};
  }

  aws::HttpAnswer invoke(const aws::HttpRequest& request) {
    if (*aws::find_header(request.headers, "x-amz-invocation-type") == "DryRun") {
      ++dry_runs;
      return {.status = 204, .headers = {}, .body = ""};
    }
    const auto sent = from_json<SentInvocation>(request.body);
    EXPECT_TRUE(sent) << request.body;
    take(*base64_decode(sent->awslogs.data), request.target);
    return {.status = 202, .headers = {}, .body = ""};
  }

  void take(const std::string& bytes, const std::string& key) {
    largest = std::max(largest, bytes.size());
    const auto message = from_json<TakenMessage>(*aws::gunzip(bytes, 64 << 20));
    ASSERT_TRUE(message) << message.error().message;
    if (message->messageType == "CONTROL_MESSAGE") {
      ++control_messages;
      return;
    }
    taken.push_back(*message);
    keys.push_back(key);
  }

  aws::HttpAnswer serve_bucket(const aws::HttpRequest& request) {
    const auto [path, query] = aws::split_target(request.target);
    if (request.method == "PUT") objects[std::string(path)] = request.body;
    if (request.method == "DELETE") objects.erase(std::string(path));
    std::string listed;
    if (request.method == "GET")
      for (const auto& [key, bytes] : objects) {
        const std::string name = key.substr(path.size() + 1);
        const std::size_t at = query.find("prefix=") + 7;
        if (name.starts_with(*percent_decode(query.substr(at), false)))
          listed += fmt::format("<Contents><Key>{}</Key></Contents>", name);
      }
    return {.status = 200, .headers = {}, .body = fmt::format("<ListBucketResult>{}</ListBucketResult>", listed)};
  }
};

}  // namespace brume::logs
