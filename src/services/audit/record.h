// A call as CloudTrail records it.
//
// Pure. Fields as in the CloudTrail user guide, "CloudTrail record contents", version 1.11; requestParameters and
// responseElements (of calls that change something) from the shapes, with what is secret replaced by CloudTrail's own
// words for it. An element of more than 100 KB is left out, as there.
#pragma once

#include <string>
#include <string_view>

#include "aws/dispatcher.h"
#include "base/time.h"

namespace brume::audit {

// Does the call change nothing? As CloudTrail's readOnly.
bool is_read(const aws::ServiceModel& service, std::string_view operation);
// Is it about data rather than about resources: log events, samples?
bool is_data_event(const aws::ServiceModel& service, std::string_view operation);
// Should this call be recorded? `reads`: also reads that succeeded.
bool is_recorded(const aws::Dispatcher::Answered& answered, bool reads);

// One JSON object, on one line.
std::string record_of(const aws::Dispatcher::Answered& answered, Timestamp time, std::string_view event_id);

}  // namespace brume::audit
