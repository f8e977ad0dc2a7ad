// Periods of time (5m, 1 hour, 2mo) as bin, datefloor and dateceil take them, and truncating times to them.
//
// Units and their caps are the guide's ("Datetime functions"): 1000 milliseconds, 60 seconds, 60 minutes, 24 hours.
// CloudWatch takes the cap for more, so that bin(300s) there means a minute; here it is an error that says what to
// write. Times are cut in UTC: weeks on Mondays, months, quarters and years on the calendar, counted from 1970.
#pragma once

#include <cstdint>
#include <string_view>

#include "base/result.h"

namespace brume::logs::insights {

struct Period {
  std::int64_t milliseconds = 0;  // of a fixed length, or
  int months = 0;                 // by the calendar
  bool weeks = false;

  bool operator==(const Period&) const = default;
};

// `count` and its unit, e.g. 5 and "m". Errors: ValidationException, one sentence.
Result<Period> to_period(double count, std::string_view unit);

// The last beginning of a period that is not after `time`, the first that is not before it; milliseconds since the
// epoch, which is to lie within the years 0 to 9999.
std::int64_t date_floor(std::int64_t time, const Period& period);
std::int64_t date_ceil(std::int64_t time, const Period& period);

}  // namespace brume::logs::insights
