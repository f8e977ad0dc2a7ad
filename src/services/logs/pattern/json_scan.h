// Reads a JSON log event once, from front to back, for the values of some properties; nothing else of it is kept.
//
// Strict (RFC 8259): what is no object or array, or has anything behind it, is not JSON; nesting at most 1000 deep. Of
// properties with the same name the first counts. Allocates only for names and wanted strings that have escapes. Leaves
// to others whether the text is UTF-8.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "services/logs/pattern/json_path.h"

namespace brume::logs {

struct JsonValue {
  enum class Kind : std::uint8_t { string, number, yes, no, null, container } kind = Kind::null;
  std::string_view text;  // of a string, without escapes, and of a number, as it is written; valid during the call
};

class JsonReader {
 public:
  enum class Next : std::uint8_t {
    more,   // what comes may matter
    check,  // only whether the rest is JSON
    stop,   // nothing matters any more
  };
  virtual ~JsonReader() = default;
  // `path`: by its number in the scan's JsonPaths. One with a wildcard may be found several times.
  virtual Next found(std::size_t path, const JsonValue& value) = 0;
};

enum class JsonScan : std::uint8_t { whole, stopped, not_json };
JsonScan scan_json(std::string_view text, const JsonPaths& paths, JsonReader& reader);

}  // namespace brume::logs
