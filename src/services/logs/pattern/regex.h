// The regular expressions of filter patterns: what stands between two percent signs.
//
// Only what the CloudWatch Logs user guide ("Supported regular expressions syntax") lists: letters, digits, spaces and
// _ # = @ / ; , - : as they are; ^ $ ? [] {m,n} | \ * + . ; \d \s \w and their opposites, \xhh. Matched by RE2, so in
// linear time whatever the message; what would be too large for that to be quick is refused. Finds a match anywhere
// unless anchored; `.` is any character, a new line too.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "base/result.h"
#include "services/logs/pattern/substring.h"

namespace re2 {
class RE2;
}

namespace brume::logs {

class Regex {
 public:
  // Errors: InvalidParameterException.
  static Result<Regex> parse(std::string_view text);

  [[nodiscard]] bool in(std::string_view message) const;
  // Every text in which it is found contains this; empty: none is known.
  [[nodiscard]] std::string_view needle() const { return needle_ ? std::string_view(needle_->text()) : ""; }

 private:
  std::optional<Substring> needle_;
  std::shared_ptr<const re2::RE2> compiled_;  // none: the needle is all there is to it
};

}  // namespace brume::logs
