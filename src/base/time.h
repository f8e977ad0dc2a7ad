// Wall-clock time and its text forms. (Durations and the monotonic clock are in env/clock.h.)
#pragma once

#include <chrono>
#include <string>
#include <string_view>

#include "base/result.h"

namespace brume {

// Milliseconds since the Unix epoch, UTC: the finest grain that AWS's APIs carry.
using Timestamp = std::chrono::sys_time<std::chrono::milliseconds>;

// "2026-11-24T10:15:30.123Z"; the fraction is left out when it is zero unless `always_millis`.
std::string to_iso8601(Timestamp time, bool always_millis = false);
// "Tue, 24 Nov 2026 10:15:30 GMT" (RFC 9110 IMF-fixdate); a non-zero fraction is dropped.
std::string to_http_date(Timestamp time);
// "20261124T101530Z", as SigV4 writes it.
std::string to_basic_iso8601(Timestamp time);

// Accept what AWS's parsers accept: `Z` or a numeric offset, an optional fraction. Errors: code ValidationError.
Result<Timestamp> parse_iso8601(std::string_view text);
Result<Timestamp> parse_http_date(std::string_view text);
Result<Timestamp> parse_basic_iso8601(std::string_view text);

// Seconds since the epoch, with a fraction.
double to_epoch_seconds(Timestamp time);
Timestamp from_epoch_seconds(double seconds);

}  // namespace brume
