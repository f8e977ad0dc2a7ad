#include "services/logs/event_operations.h"

#include <algorithm>
#include <limits>

#include "base/base64.h"
#include "services/logs/batch.h"
#include "services/logs/group_operations.h"
#include "services/logs/pattern/filter_pattern.h"
#include "services/logs/places.h"
#include "services/logs/record_fields.h"

namespace brume::logs {
namespace {

constexpr std::size_t kMostEvents = 10'000;
constexpr std::size_t kMostAnswer = 1 << 20;                      // bytes of messages in an answer, one event apart
constexpr std::uint64_t kMostScanned = std::uint64_t(128) << 20;  // bytes of messages that one call looks at

// Of two parameters that name one thing, the one that is there.
Result<std::string_view> one_of(const std::optional<std::string>& name, const std::optional<std::string>& identifier) {
  if (name.has_value() == identifier.has_value())
    return fail("InvalidParameterException", "Give either logGroupName or logGroupIdentifier.");
  return group_name_of(name ? *name : *identifier);
}

Result<void> check_range(const std::optional<std::int64_t>& start, const std::optional<std::int64_t>& end) {
  if (start && end && *start > *end)
    return fail("InvalidParameterException", "startTime {} is after endTime {}.", *start, *end);
  return {};
}

std::unexpected<Error> no_such_stream() {
  return fail("ResourceNotFoundException", "The specified log stream does not exist.");
}

// Counts what goes into an answer.
class Room {
 public:
  explicit Room(std::int32_t limit) : events_(std::size_t(limit)) {}
  // Is there room for one more of this size? The first always fits.
  bool take(std::size_t size) {
    if (taken_ == events_ || (taken_ > 0 && bytes_ + size > kMostAnswer)) return false;
    ++taken_;
    bytes_ += size;
    return true;
  }

 private:
  std::size_t events_, taken_ = 0, bytes_ = 0;
};

}  // namespace

Result<void> EventOperations::CreateLogStream(const Call&, const CreateLogStreamRequest& request) {
  BRUME_TRY(group, groups_.find(*request.logGroupName));
  auto made = store_.create_stream(group->id, *request.logStreamName, now());
  if (!made && made.error().code == "ResourceAlreadyExistsException")
    return fail("ResourceAlreadyExistsException", "The specified log stream already exists");
  return made;
}

Result<void> EventOperations::DeleteLogStream(const Call&, const DeleteLogStreamRequest& request) {
  BRUME_TRY(group, groups_.find(*request.logGroupName));
  auto deleted = store_.delete_stream(group->id, *request.logStreamName);
  if (!deleted && deleted.error().code == "ResourceNotFoundException") return no_such_stream();
  return deleted;
}

Result<DescribeLogStreamsResponse> EventOperations::DescribeLogStreams(const Call&,
                                                                       const DescribeLogStreamsRequest& request) {
  BRUME_TRY(name, one_of(request.logGroupName, request.logGroupIdentifier));
  BRUME_TRY(group, groups_.find(name));
  const bool by_time = request.orderBy == "LastEventTime";
  if (by_time && request.logStreamNamePrefix)
    return fail("InvalidParameterException", "Cannot order by LastEventTime with a logStreamNamePrefix.");
  logstore::StreamQuery query{
      .group = group->id,
      .prefix = request.logStreamNamePrefix.value_or(""),
      .order = by_time ? logstore::StreamOrder::last_event : logstore::StreamOrder::name,
      .descending = request.descending.value_or(false),
      .after = std::nullopt,
      .limit = std::size_t(request.limit.value_or(50)),
  };
  if (request.nextToken) {
    // "<last event>:<name>" of the last one of the page before.
    const auto text = base64_decode(*request.nextToken);
    const std::size_t colon = text ? text->find(':') : std::string::npos;
    if (colon == std::string::npos) return fail("InvalidParameterException", "The specified nextToken is invalid.");
    query.after = logstore::StreamPlace{std::nullopt, text->substr(colon + 1)};
    if (colon > 0) query.after->last_event = std::atoll(text->c_str());
  }
  const logstore::StreamPage page = store_.streams(query);
  DescribeLogStreamsResponse response;
  response.logStreams.set_present();
  for (const logstore::StreamInfo& stream : page.streams)
    response.logStreams.push_back({.logStreamName = stream.name,
                                   .creationTime = stream.creation,
                                   .firstEventTimestamp = stream.first_event,
                                   .lastEventTimestamp = stream.last_event,
                                   .lastIngestionTime = stream.last_ingestion,
                                   .uploadSequenceToken = event_id({stream.last_event.value_or(0), stream.events}),
                                   .arn = fmt::format("{}:log-stream:{}", group->arn, stream.name),
                                   .storedBytes = std::int64_t(stream.stored_bytes)});
  if (page.next)
    response.nextToken = base64_encode(
        fmt::format("{}:{}", page.next->last_event ? fmt::to_string(*page.next->last_event) : "", page.next->name));
  return response;
}

Result<PutLogEventsResponse> EventOperations::PutLogEvents(const Call&, const PutLogEventsRequest& request) {
  BRUME_TRY(group, groups_.find(*request.logGroupName));
  const std::int64_t time = now();
  BRUME_TRY(batch, accept_batch(request.logEvents, time, group->retention_days));
  PutLogEventsResponse response{
      .nextSequenceToken = std::nullopt, .rejectedLogEventsInfo = batch.rejected, .rejectedEntityInfo = std::nullopt};
  if (request.entity) response.rejectedEntityInfo = RejectedEntityInfo{.errorType = "UnsupportedLogGroupType"};
  if (batch.events.empty()) {
    if (!store_.stream(group->id, *request.logStreamName)) return no_such_stream();
    response.nextSequenceToken = event_id({time, 0});
    return response;
  }
  // AWS ignores the sequence token. Brume's own agent names its batches by it, so that a batch is not there twice whose
  // acknowledgement was lost.
  const std::string_view token = request.sequenceToken && request.sequenceToken->starts_with(kBatchToken)
                                     ? std::string_view(*request.sequenceToken)
                                     : std::string_view();
  auto done = store_.append(group->id, *request.logStreamName, batch.events, time, token, false);
  if (!done && done.error().code == "ResourceNotFoundException") return no_such_stream();
  if (!done) return std::unexpected(std::move(done).error());
  response.nextSequenceToken = event_id({batch.events.back().timestamp, done->first_id});
  if (!done->repeated) appended(*group, *request.logStreamName, time, batch.events);
  return response;
}

Result<GetLogEventsResponse> EventOperations::GetLogEvents(const Call&, const GetLogEventsRequest& request) {
  BRUME_TRY(name, one_of(request.logGroupName, request.logGroupIdentifier));
  BRUME_TRY(group, groups_.find(name));
  BRUME_CHECK(check_range(request.startTime, request.endTime));
  if (!store_.stream(group->id, *request.logStreamName)) return no_such_stream();
  logstore::Read read{.group = group->id,
                      .streams = {*request.logStreamName},
                      .stream_prefix = "",
                      .from = request.startTime.value_or(0),
                      .to = request.endTime.value_or(std::numeric_limits<std::int64_t>::max()),
                      .backward = !request.startFromHead.value_or(false),
                      .after = std::nullopt,
                      .needle = ""};
  if (request.nextToken) {
    BRUME_TRY(token, parse_token(*request.nextToken));
    read.backward = token.backward;
    read.after = token.position;
  }
  struct Found {
    OutputLogEvent event;
    logstore::Position position;
  };
  std::vector<Found> found;
  Room room(request.limit.value_or(kMostEvents));
  BRUME_CHECK(store_.visit(read, [&](const logstore::Event& event) {
    if (!room.take(event.message.size())) return false;
    found.push_back({{event.timestamp, std::string(event.message), event.ingestion}, event.position()});
    return true;
  }));
  if (read.backward) std::ranges::reverse(found);
  // Where there is nothing (more), a token leads back to where it was.
  const logstore::Position here = read.after.value_or(logstore::Position{read.from, 0});
  GetLogEventsResponse response{
      .events = {},
      .nextForwardToken = to_text(Token{false, found.empty() ? here : found.back().position}),
      .nextBackwardToken = to_text(Token{true, found.empty() ? here : found.front().position})};
  response.events.set_present();
  for (Found& each : found) response.events.push_back(std::move(each.event));
  return response;
}

Result<FilterLogEventsResponse> EventOperations::FilterLogEvents(const Call&, const FilterLogEventsRequest& request) {
  BRUME_TRY(name, one_of(request.logGroupName, request.logGroupIdentifier));
  BRUME_TRY(group, groups_.find(name));
  BRUME_CHECK(check_range(request.startTime, request.endTime));
  if (!request.logStreamNames.empty() && request.logStreamNamePrefix)
    return fail("InvalidParameterException", "Give either logStreamNames or logStreamNamePrefix.");
  for (const std::string& stream : request.logStreamNames)
    if (!store_.stream(group->id, stream)) return no_such_stream();
  BRUME_TRY(pattern, FilterPattern::parse(request.filterPattern.value_or("")));
  constexpr std::int64_t kEnd = std::numeric_limits<std::int64_t>::max();
  const std::int64_t end = request.endTime.value_or(kEnd);
  logstore::Read read{.group = group->id,
                      .streams = request.logStreamNames,
                      .stream_prefix = request.logStreamNamePrefix.value_or(""),
                      .from = request.startTime.value_or(0),
                      .to = end == kEnd ? kEnd : end + 1,  // here, unlike in GetLogEvents, the end is included
                      .after = std::nullopt,
                      .needle = std::string(pattern.needle()),
                      .scan_limit = kMostScanned};
  if (request.nextToken) {
    BRUME_TRY(token, parse_token(*request.nextToken));
    read.after = token.position;
  }
  FilterLogEventsResponse response;
  response.events.set_present();
  response.searchedLogStreams.set_present();
  Room room(request.limit.value_or(kMostEvents));
  std::optional<logstore::Position> full;  // the last event that had room, once another has not
  logstore::Position last;
  BRUME_TRY(scanned, store_.visit(read, [&](const logstore::Event& event) {
    if (!pattern.matches(event.message)) return true;
    if (!room.take(event.message.size())) {
      full = last;
      return false;
    }
    last = event.position();
    response.events.push_back({.logStreamName = std::string(event.stream),
                               .timestamp = event.timestamp,
                               .message = std::string(event.message),
                               .ingestionTime = event.ingestion,
                               .eventId = event_id(event.position())});
    return true;
  }));
  if (full)
    response.nextToken = to_text(Token{false, *full});
  else if (scanned.stopped)
    response.nextToken = to_text(Token{false, *scanned.stopped});
  return response;
}

Result<GetLogRecordResponse> EventOperations::GetLogRecord(const Call&, const GetLogRecordRequest& request) {
  BRUME_TRY(pointer, parse_pointer(*request.logRecordPointer));
  const auto group = groups_.find_id(pointer.group);
  if (!group) return fail("ResourceNotFoundException", "The log group of the record does not exist any more.");
  BRUME_TRY(event, store_.find(pointer.group, pointer.position));
  if (!event) return fail("ResourceNotFoundException", "The record does not exist any more.");
  GetLogRecordResponse response;
  const auto fields = discovered_fields(event->message);
  response.logRecord.insert(fields.begin(), fields.end());
  response.logRecord["@timestamp"] = fmt::to_string(event->timestamp);
  response.logRecord["@ingestionTime"] = fmt::to_string(event->ingestion);
  response.logRecord["@message"] = event->message;
  response.logRecord["@logStream"] = event->stream;
  response.logRecord["@log"] = fmt::format("{}:{}", aws::kAccount, group->name);
  return response;
}

Result<GetLogGroupFieldsResponse> EventOperations::GetLogGroupFields(const Call&,
                                                                     const GetLogGroupFieldsRequest& request) {
  BRUME_TRY(name, one_of(request.logGroupName, request.logGroupIdentifier));
  BRUME_TRY(group, groups_.find(name));
  // Without a time the last 15 minutes, else 8 minutes on either side (API reference). `time` is in seconds.
  constexpr std::int64_t kMinute = 60'000;
  const std::int64_t around = request.time.value_or(0) * 1000;
  logstore::Read read{.group = group->id,
                      .streams = {},
                      .stream_prefix = "",
                      .from = request.time ? around - 8 * kMinute : now() - 15 * kMinute,
                      .to = request.time ? around + 8 * kMinute : std::numeric_limits<std::int64_t>::max(),
                      .backward = true,
                      .after = std::nullopt,
                      .needle = "",
                      .scan_limit = kMostScanned};
  constexpr std::int32_t kSample = 1000;
  std::int32_t events = 0;
  std::map<std::string, std::int32_t> with;
  BRUME_CHECK(store_.visit(read, [&](const logstore::Event& event) {
    for (const auto& [field, value] : discovered_fields(event.message)) ++with[field];
    return ++events < kSample;
  }));
  GetLogGroupFieldsResponse response;
  response.logGroupFields.set_present();
  if (events == 0) return response;
  for (const char* field : {"@ingestionTime", "@log", "@logStream", "@message", "@timestamp"}) with[field] = events;
  for (const auto& [field, count] : with)
    response.logGroupFields.push_back({.name = field, .percent = (100 * count + events - 1) / events});
  return response;
}

}  // namespace brume::logs
