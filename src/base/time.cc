#include "base/time.h"

#include <array>
#include <cmath>
#include <cstdint>

namespace brume {
namespace {

using std::chrono::milliseconds;

struct Fields {
  int year = 0, month = 0, day = 0, hour = 0, minute = 0, second = 0, millis = 0;
};

Fields split(Timestamp time) {
  const auto day = std::chrono::floor<std::chrono::days>(time);
  const std::chrono::year_month_day date(day);
  const std::chrono::hh_mm_ss clock(time - day);
  return {int(date.year()),
          int(unsigned(date.month())),
          int(unsigned(date.day())),
          int(clock.hours().count()),
          int(clock.minutes().count()),
          int(clock.seconds().count()),
          int(clock.subseconds().count())};
}

Result<Timestamp> join(const Fields& f, std::string_view text) {
  const std::chrono::year_month_day date(std::chrono::year(f.year), std::chrono::month(unsigned(f.month)),
                                         std::chrono::day(unsigned(f.day)));
  if (!date.ok() || f.hour > 23 || f.minute > 59 || f.second > 60)
    return fail("ValidationError", "'{}' is not a valid time", text);
  return std::chrono::sys_days(date) + std::chrono::hours(f.hour) + std::chrono::minutes(f.minute) +
         std::chrono::seconds(f.second) + milliseconds(f.millis);
}

// Reads exactly `width` digits at the front of `rest`.
bool take_digits(std::string_view& rest, std::size_t width, int& value) {
  if (rest.size() < width) return false;
  value = 0;
  for (std::size_t i = 0; i < width; ++i) {
    if (rest[i] < '0' || rest[i] > '9') return false;
    value = value * 10 + (rest[i] - '0');
  }
  rest.remove_prefix(width);
  return true;
}

bool take(std::string_view& rest, char c) {
  if (rest.empty() || rest.front() != c) return false;
  rest.remove_prefix(1);
  return true;
}

bool take_fraction(std::string_view& rest, int& millis) {
  if (!take(rest, '.')) return true;
  std::size_t digits = 0;
  int scale = 100;
  while (!rest.empty() && rest.front() >= '0' && rest.front() <= '9' && digits < 9) {
    if (scale > 0) millis += (rest.front() - '0') * scale;
    scale /= 10;
    rest.remove_prefix(1);
    ++digits;
  }
  return digits > 0;
}

constexpr std::array<std::string_view, 12> kMonths = {"Jan", "Feb", "Mar", "Apr", "May", "Jun",
                                                      "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};
constexpr std::array<std::string_view, 7> kDays = {"Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"};

}  // namespace

std::string to_iso8601(Timestamp time, bool always_millis) {
  const Fields f = split(time);
  if (f.millis == 0 && !always_millis)
    return fmt::format("{:04}-{:02}-{:02}T{:02}:{:02}:{:02}Z", f.year, f.month, f.day, f.hour, f.minute, f.second);
  return fmt::format("{:04}-{:02}-{:02}T{:02}:{:02}:{:02}.{:03}Z", f.year, f.month, f.day, f.hour, f.minute, f.second,
                     f.millis);
}

std::string to_http_date(Timestamp time) {
  const Fields f = split(time);
  const std::chrono::weekday weekday(std::chrono::floor<std::chrono::days>(time));
  return fmt::format("{}, {:02} {} {:04} {:02}:{:02}:{:02} GMT", kDays[weekday.c_encoding()], f.day,
                     kMonths[std::size_t(f.month - 1)], f.year, f.hour, f.minute, f.second);
}

std::string to_basic_iso8601(Timestamp time) {
  const Fields f = split(time);
  return fmt::format("{:04}{:02}{:02}T{:02}{:02}{:02}Z", f.year, f.month, f.day, f.hour, f.minute, f.second);
}

Result<Timestamp> parse_iso8601(std::string_view text) {
  std::string_view rest = text;
  Fields f;
  const bool date = take_digits(rest, 4, f.year) && take(rest, '-') && take_digits(rest, 2, f.month) &&
                    take(rest, '-') && take_digits(rest, 2, f.day);
  if (!date) return fail("ValidationError", "'{}' is not an ISO 8601 time", text);
  if (rest.empty()) return join(f, text);
  if (!(take(rest, 'T') || take(rest, ' ')) || !take_digits(rest, 2, f.hour) || !take(rest, ':') ||
      !take_digits(rest, 2, f.minute) || !take(rest, ':') || !take_digits(rest, 2, f.second) ||
      !take_fraction(rest, f.millis))
    return fail("ValidationError", "'{}' is not an ISO 8601 time", text);
  BRUME_TRY(time, join(f, text));
  if (rest.empty() || rest == "Z" || rest == "z") return time;
  const int sign = take(rest, '+') ? 1 : take(rest, '-') ? -1 : 0;
  int hours = 0, minutes = 0;
  if (sign == 0 || !take_digits(rest, 2, hours) || (take(rest, ':'), !take_digits(rest, 2, minutes)) || !rest.empty())
    return fail("ValidationError", "'{}' is not an ISO 8601 time", text);
  return time - sign * (std::chrono::hours(hours) + std::chrono::minutes(minutes));
}

Result<Timestamp> parse_http_date(std::string_view text) {
  std::string_view rest = text;
  Fields f;
  const auto comma = rest.find(", ");
  if (comma != 3) return fail("ValidationError", "'{}' is not an HTTP date", text);
  rest.remove_prefix(5);
  if (!take_digits(rest, 2, f.day) || !take(rest, ' ') || rest.size() < 4)
    return fail("ValidationError", "'{}' is not an HTTP date", text);
  const std::string_view month = rest.substr(0, 3);
  for (std::size_t i = 0; i < kMonths.size(); ++i)
    if (kMonths[i] == month) f.month = int(i) + 1;
  rest.remove_prefix(3);
  if (f.month == 0 || !take(rest, ' ') || !take_digits(rest, 4, f.year) || !take(rest, ' ') ||
      !take_digits(rest, 2, f.hour) || !take(rest, ':') || !take_digits(rest, 2, f.minute) || !take(rest, ':') ||
      !take_digits(rest, 2, f.second) || !take_fraction(rest, f.millis) || rest != " GMT")
    return fail("ValidationError", "'{}' is not an HTTP date", text);
  return join(f, text);
}

Result<Timestamp> parse_basic_iso8601(std::string_view text) {
  std::string_view rest = text;
  Fields f;
  if (!take_digits(rest, 4, f.year) || !take_digits(rest, 2, f.month) || !take_digits(rest, 2, f.day) ||
      !take(rest, 'T') || !take_digits(rest, 2, f.hour) || !take_digits(rest, 2, f.minute) ||
      !take_digits(rest, 2, f.second) || rest != "Z")
    return fail("ValidationError", "'{}' is not a time of the form YYYYMMDDTHHMMSSZ", text);
  return join(f, text);
}

double to_epoch_seconds(Timestamp time) {
  return double(time.time_since_epoch().count()) / 1000.0;
}

Timestamp from_epoch_seconds(double seconds) {
  // Beyond the year 9999 (or not a number at all) there is no AWS time: clamped, so that nothing overflows.
  constexpr double kLimit = 253402300799.0;
  if (!(seconds > -kLimit)) seconds = -kLimit;
  if (seconds > kLimit) seconds = kLimit;
  return Timestamp(milliseconds(std::int64_t(std::llround(seconds * 1000.0))));
}

}  // namespace brume
