// Patterns of the language: regular expressions as CloudWatch Logs Insights writes them, and globs of `parse`.
//
// Regular expressions are RE2's (linear time); "(?<name>" is read as its "(?P<name>". Look-around and back-references,
// which RE2 has not, are errors.
#pragma once

#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include <re2/re2.h>

#include "base/result.h"
#include "services/logs/insights/value.h"

namespace brume::logs::insights {

// Errors: ValidationException, one sentence.
Result<std::shared_ptr<const RE2>> to_regex(std::string_view pattern);

// The text that a pattern stands for, if it has no operators.
std::optional<std::string> literal_of(std::string_view pattern);
// A text that is in every match: the longest run of plain characters outside of groups. Empty if there is none.
std::string literal_within(std::string_view pattern);

// A pattern of `parse` with a * for each value: what is before the first * may be anywhere in the text, each value is
// as short as what follows allows; a * at the end takes all that is left.
class Glob {
 public:
  // `\*` is a star.
  explicit Glob(std::string_view pattern);

  [[nodiscard]] std::size_t values() const { return pieces_.size() - 1; }
  // Sets values() values: missing ones, and false, if the text does not match.
  bool match(std::string_view text, std::span<Value> values) const;

 private:
  std::vector<std::string> pieces_;  // between the stars
};

}  // namespace brume::logs::insights
