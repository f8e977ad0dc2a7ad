// Streams and events: what is written, and how it is read back.
//
// Runs aside (aws/dispatcher.h): outside of transactions, on any thread, several at once. It knows groups by the
// directory; what it acknowledges is on disk in the event store. A call looks at a bounded amount of text:
// FilterLogEvents answers with a token for the rest, as AWS does.
#pragma once

#include <array>
#include <span>
#include <string_view>

#include "env/clock.h"
#include "logs/api.h"
#include "logstore/event_store.h"
#include "services/logs/group_directory.h"

namespace brume::logs {

// What the dispatcher is to run aside.
inline constexpr std::array<std::string_view, 8> kAside{"CreateLogStream", "DeleteLogStream",  "DescribeLogStreams",
                                                        "PutLogEvents",    "GetLogEvents",     "FilterLogEvents",
                                                        "GetLogRecord",    "GetLogGroupFields"};

class EventOperations : public virtual Api {
 public:
  // References outlive it.
  EventOperations(const env::Clock& clock, logstore::EventStore& store, const GroupDirectory& groups)
      : clock_(clock), store_(store), groups_(groups) {}

  using Call = aws::Call;
  Result<void> CreateLogStream(const Call&, const CreateLogStreamRequest&) override;
  Result<void> DeleteLogStream(const Call&, const DeleteLogStreamRequest&) override;
  Result<DescribeLogStreamsResponse> DescribeLogStreams(const Call&, const DescribeLogStreamsRequest&) override;
  Result<PutLogEventsResponse> PutLogEvents(const Call&, const PutLogEventsRequest&) override;
  Result<GetLogEventsResponse> GetLogEvents(const Call&, const GetLogEventsRequest&) override;
  Result<FilterLogEventsResponse> FilterLogEvents(const Call&, const FilterLogEventsRequest&) override;

  Result<GetLogRecordResponse> GetLogRecord(const Call&, const GetLogRecordRequest&) override;
  Result<GetLogGroupFieldsResponse> GetLogGroupFields(const Call&, const GetLogGroupFieldsRequest&) override;

 protected:
  // Told of what was appended, after it is on disk; on the thread that appended it.
  virtual void appended(const GroupView& group, const std::string& stream, std::int64_t ingestion,
                        std::span<const logstore::NewEvent> events) = 0;

 private:
  [[nodiscard]] std::int64_t now() const { return clock_.wall().time_since_epoch().count(); }

  const env::Clock& clock_;
  logstore::EventStore& store_;
  const GroupDirectory& groups_;
};

}  // namespace brume::logs
