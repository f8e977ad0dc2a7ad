// The time in a line of a log, by the CloudWatch agent's timestamp_format.
//
// Directives (user guide, "timestamp_format"): %y %Y %B %b %m %-m %A %a %d %-d %H %I %-I %M %-M %S %-S %f %p %Z %z;
// also
// %-H. As in the agent, %m and %d take one digit or two with or without a blank before, %f 1 to 9 digits of which
// milliseconds count, and the first place that fits is taken, anywhere in the line. %Z names an offset only if it is
// UTC, GMT or Z. A format without a year is given the year that puts the time at most 30 days after now.
// Time is linear in the line: fields take as many characters as they may and none back.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "base/time.h"

namespace brume::agent {

struct FoundTime {
  Timestamp time;
  std::size_t begin = 0, end = 0;  // where it stands
};

class TimestampFormat {
 public:
  // `utc`: times without an offset are UTC; else in the zone of this process. Errors name what is not known.
  static Result<TimestampFormat> compile(std::string_view format, bool utc);

  [[nodiscard]] std::optional<FoundTime> find(std::string_view line, Timestamp now) const;

 private:
  struct Item {
    char directive = 0;  // 0: the literal
    bool short_form = false;
    std::string literal;
  };
  struct Fields;

  [[nodiscard]] std::optional<std::size_t> match(std::string_view line, std::size_t at, Fields& out) const;
  [[nodiscard]] std::optional<Timestamp> time_of(const Fields& fields, Timestamp now) const;

  std::vector<Item> items_;
  bool utc_ = false;
};

}  // namespace brume::agent
