// The fields of one log event, by their names in Insights: what GetLogRecord answers and GetLogGroupFields counts.
// Pure.
#pragma once

#include <map>
#include <string>
#include <string_view>

namespace brume::logs {

// Those of a message that is a JSON object: "a", "a.b" of objects within, "a.0" of lists; scalars as text. At most 200,
// as Insights finds them; none for other messages.
std::map<std::string, std::string> discovered_fields(std::string_view message);

}  // namespace brume::logs
