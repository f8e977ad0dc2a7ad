#include "services/logs/insights/period.h"

#include <chrono>
#include <cmath>
#include <string>

#include "base/time.h"

namespace brume::logs::insights {
namespace {

constexpr std::int64_t kDay = 86'400'000;
constexpr std::int64_t kMonday = 4 * kDay;  // 5 January 1970; the epoch is a Thursday

struct Unit {
  std::string_view names[3];  // all but those of one letter also with an s
  std::int64_t milliseconds;
  int months;
  int most;                 // 0: no cap
  std::string_view larger;  // the unit for more
};
constexpr Unit kUnits[] = {
    {{"ms", "msec", "millisecond"}, 1, 0, 1000, "s"},
    {{"s", "sec", "second"}, 1000, 0, 60, "m"},
    {{"m", "min", "minute"}, 60'000, 0, 60, "h"},
    {{"h", "hr", "hour"}, 3'600'000, 0, 24, "d"},
    {{"d", "day", ""}, kDay, 0, 0, ""},
    {{"w", "week", ""}, 7 * kDay, 0, 0, ""},
    {{"mo", "mon", "month"}, 0, 1, 0, ""},
    {{"q", "qtr", "quarter"}, 0, 3, 0, ""},
    {{"y", "yr", "year"}, 0, 12, 0, ""},
};
constexpr double kMostCount = 10'000;

bool names(const Unit& unit, std::string_view word) {
  for (const std::string_view name : unit.names)
    if (!name.empty() && (word == name || (name.size() > 1 && word.size() == name.size() + 1 && word.ends_with('s') &&
                                           word.starts_with(name))))
      return true;
  return false;
}

std::int64_t floor_to(std::int64_t value, std::int64_t step) {
  const std::int64_t rest = value % step;
  return value - (rest < 0 ? rest + step : rest);
}

// Months since January 1970, and the beginning of such a month.
std::int64_t month_of(std::int64_t time) {
  const std::chrono::year_month_day date(
      std::chrono::floor<std::chrono::days>(Timestamp(std::chrono::milliseconds(time))));
  return (int(date.year()) - 1970) * 12LL + unsigned(date.month()) - 1;
}
std::int64_t begin_of_month(std::int64_t month) {
  const std::int64_t year = floor_to(month, 12) / 12;
  const std::chrono::year_month_day first(std::chrono::year(int(1970 + year)),
                                          std::chrono::month(unsigned(month - year * 12 + 1)), std::chrono::day(1));
  return std::chrono::duration_cast<std::chrono::milliseconds>(std::chrono::sys_days(first).time_since_epoch()).count();
}

}  // namespace

Result<Period> to_period(double count, std::string_view unit) {
  std::string word(unit);
  for (char& c : word) c = c >= 'A' && c <= 'Z' ? char(c - 'A' + 'a') : c;
  for (const Unit& known : kUnits) {
    if (!names(known, word)) continue;
    if (!(count >= 1) || count != std::floor(count) || count > kMostCount)
      return fail("ValidationException", "A period is a whole number of 1 to 10000 units, not {}", count);
    if (known.most > 0 && count > known.most)
      return fail("ValidationException",
                  "A period in {0} has at most {1} of them (CloudWatch would take {1}{0}); write it in {2}",
                  known.names[0], known.most, known.larger);
    const auto units = std::int64_t(count);
    return Period{units * known.milliseconds, int(units) * known.months, known.names[0] == "w"};
  }
  return fail("ValidationException", "'{}' is no unit of time; those are ms, s, m, h, d, w, mo, q and y", unit);
}

std::int64_t date_floor(std::int64_t time, const Period& period) {
  if (period.months > 0) return begin_of_month(floor_to(month_of(time), period.months));
  const std::int64_t origin = period.weeks ? kMonday : 0;
  return floor_to(time - origin, period.milliseconds) + origin;
}

std::int64_t date_ceil(std::int64_t time, const Period& period) {
  const std::int64_t floor = date_floor(time, period);
  if (floor == time) return time;
  if (period.months > 0) return begin_of_month(month_of(floor) + period.months);
  return floor + period.milliseconds;
}

}  // namespace brume::logs::insights
