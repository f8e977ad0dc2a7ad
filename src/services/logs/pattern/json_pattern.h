// Patterns for JSON log events: { $.latency > 100 && ($.user.name = "a*" || $.error IS NULL) }.
//
// Comparisons hold of strings and numbers only: of no other value, and of none where there is no property. With a
// wildcard it suffices that one of what is selected meets the condition. An event that is not JSON never matches. The
// answer is looked for in one reading, which ends at once when it is no.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "services/logs/pattern/comparison.h"
#include "services/logs/pattern/expression.h"
#include "services/logs/pattern/json_path.h"

namespace brume::logs {

class JsonPattern {
 public:
  // At the cursor, which is behind the opening brace. Errors: InvalidParameterException.
  static Result<JsonPattern> parse(Cursor& cursor);

  [[nodiscard]] bool matches(std::string_view message) const;

 private:
  class Match;
  struct Condition {
    enum class Kind : std::uint8_t { comparison, is_true, is_false, is_null, not_exists } kind = Kind::comparison;
    std::optional<Comparison> comparison;
    std::size_t path = 0;   // its number in paths_
    std::string last_name;  // of the path's properties; empty if there is none
    bool wildcard = false;
  };

  Result<void> condition(Cursor& cursor);
  void find_hint();

  JsonPaths paths_;
  std::vector<Condition> conditions_;
  std::vector<std::vector<std::size_t>> conditions_of_;  // a path, by number
  Expression expression_;
  // In each event that matches, unless it is written there with escapes.
  std::optional<Substring> hint_;
  std::size_t wildcards_ = 0;
};

// The text of the string or number at `path` in a JSON event; none if there is none, or another value.
std::optional<std::string> json_value(std::string_view message, const JsonPaths& paths);

}  // namespace brume::logs
