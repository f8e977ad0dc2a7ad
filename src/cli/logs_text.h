// How logs are shown: lines of many streams, told apart by colour, and tables of query results. Pure.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "base/time.h"
#include "logs/api.h"

namespace brume::cli {

// "90s", "10m", "2h", "3d" ago, or a time as ISO 8601. Error: ValidationError.
Result<Timestamp> parse_since(std::string_view text, Timestamp now);

struct ShownEvent {
  std::string group;  // empty: there is only one, which need not be said
  logs::FilteredLogEvent event;
};
// "12:00:01.234 i-0abc… message", in the stream's own colour if `coloured`. No control characters of the message reach
// the terminal then; a piped line has them as they are.
std::string line_of(const ShownEvent& event, bool coloured);

// A column a field, in the order in which they are first met, without @ptr; a line a row, cut to `width` if it is not
// 0.
std::string table_of(const std::vector<std::vector<logs::ResultField>>& rows, std::size_t width);

}  // namespace brume::cli
