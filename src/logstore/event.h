// An event of a log, and where it stands in its group.
#pragma once

#include <compare>
#include <cstdint>
#include <string>
#include <string_view>

namespace brume::logstore {

using GroupId = std::uint64_t;  // the caller's choice; never used again for another group; below 2^63

// Times are milliseconds since 1970, from 0 to 2^60.
struct NewEvent {
  std::int64_t timestamp = 0;
  std::string_view message;
};

// Where an event stands in its group: of equal timestamps, what was appended earlier has the smaller id. Permanent.
struct Position {
  std::int64_t timestamp = 0;
  std::uint64_t id = 0;  // from 1 on; no two events of a group have the same
  auto operator<=>(const Position&) const = default;
};

// The views are good during the call that got it.
struct Event {
  std::int64_t timestamp = 0, ingestion = 0;
  std::string_view stream, message;
  std::uint64_t id = 0;
  [[nodiscard]] Position position() const { return {timestamp, id}; }
};

struct OwnedEvent {
  std::int64_t timestamp = 0, ingestion = 0;
  std::string stream, message;
  std::uint64_t id = 0;
};

}  // namespace brume::logstore
