#include "compute/agent/timestamp_format.h"

#include <time.h>

#include <algorithm>
#include <array>

namespace brume::agent {
namespace {

using std::chrono::days;
using std::chrono::milliseconds;
using std::chrono::seconds;

constexpr std::size_t kMaxItems = 64;
constexpr std::array<std::string_view, 12> kMonths = {"January",   "February", "March",    "April",
                                                      "May",       "June",     "July",     "August",
                                                      "September", "October",  "November", "December"};
constexpr std::array<std::string_view, 7> kDays = {"Sunday",   "Monday", "Tuesday", "Wednesday",
                                                   "Thursday", "Friday", "Saturday"};

bool is_digit(char c) {
  return c >= '0' && c <= '9';
}

char lower(char c) {
  return c >= 'A' && c <= 'Z' ? char(c + 32) : c;
}

bool starts_with_word(std::string_view text, std::string_view word) {
  return text.size() >= word.size() &&
         std::equal(word.begin(), word.end(), text.begin(), [](char a, char b) { return lower(a) == lower(b); });
}

// From `least` to `most` digits at `at`, which is moved behind them.
bool take_number(std::string_view line, std::size_t& at, std::size_t least, std::size_t most, int& out) {
  std::size_t n = 0;
  int value = 0;
  while (n < most && at + n < line.size() && is_digit(line[at + n])) value = value * 10 + (line[at + n++] - '0');
  if (n < least) return false;
  at += n;
  out = value;
  return true;
}

// The first of `words` that stands at `at`, whole or (`brief`) its first three letters.
template <typename Words>
int take_word(std::string_view line, std::size_t& at, const Words& words, bool brief) {
  const std::string_view rest = line.substr(at);
  for (std::size_t i = 0; i < words.size(); ++i) {
    const std::string_view word = brief ? words[i].substr(0, 3) : words[i];
    if (!starts_with_word(rest, word)) continue;
    at += word.size();
    return int(i);
  }
  return -1;
}

// "+0100", "-01:00" or "Z", in seconds.
bool take_offset(std::string_view line, std::size_t& at, int& out) {
  if (at < line.size() && line[at] == 'Z') {
    ++at;
    out = 0;
    return true;
  }
  if (at >= line.size() || (line[at] != '+' && line[at] != '-')) return false;
  const int sign = line[at] == '-' ? -1 : 1;
  std::size_t next = at + 1;
  int hours = 0, minutes = 0;
  if (!take_number(line, next, 2, 2, hours)) return false;
  if (next < line.size() && line[next] == ':') ++next;
  if (!take_number(line, next, 2, 2, minutes) || hours > 18 || minutes > 59) return false;
  at = next;
  out = sign * (hours * 3600 + minutes * 60);
  return true;
}

}  // namespace

struct TimestampFormat::Fields {
  int year = -1, month = 1, day = 1, hour = 0, minute = 0, second = 0, milli = 0;
  int pm = -1;
  bool has_offset = false;
  int offset = 0;
};

Result<TimestampFormat> TimestampFormat::compile(std::string_view format, bool utc) {
  TimestampFormat out;
  out.utc_ = utc;
  for (std::size_t i = 0; i < format.size(); ++i) {
    if (out.items_.size() == kMaxItems) return fail("InvalidFormat", "timestamp_format is too long");
    Item item;
    if (format[i] == '%') {
      if (++i < format.size() && format[i] == '-') {
        item.short_form = true;
        ++i;
      }
      if (i >= format.size()) return fail("InvalidFormat", "timestamp_format ends with %");
      item.directive = format[i];
      const std::string_view known = item.short_form ? "mdHIMS" : "yYBbmAadHIMSfpZz%";
      if (known.find(item.directive) == std::string_view::npos)
        return fail("InvalidFormat", "timestamp_format has %{}{}, which is not known", item.short_form ? "-" : "",
                    item.directive);
      if (item.directive == '%') item = {0, false, "%"};
    } else {
      item.literal = format[i];
    }
    if (item.directive == 0 && !out.items_.empty() && out.items_.back().directive == 0)
      out.items_.back().literal += item.literal;
    else
      out.items_.push_back(std::move(item));
  }
  if (std::ranges::none_of(out.items_, [](const Item& item) { return item.directive != 0; }))
    return fail("InvalidFormat", "timestamp_format has no directive");
  return out;
}

std::optional<std::size_t> TimestampFormat::match(std::string_view line, std::size_t at, Fields& out) const {
  const std::size_t begin = at;
  for (const Item& item : items_) {
    if (item.directive == 0) {
      if (line.compare(at, item.literal.size(), item.literal) != 0) return std::nullopt;
      at += item.literal.size();
      continue;
    }
    const std::size_t least = item.short_form ? 1 : 2;
    bool well = true;
    switch (item.directive) {
      case 'y':
        well = take_number(line, at, 2, 2, out.year);
        out.year += out.year < 69 ? 2000 : 1900;  // as Go and POSIX
        break;
      case 'Y':
        well = take_number(line, at, 4, 4, out.year);
        break;
      case 'B':
      case 'b':
        out.month = take_word(line, at, kMonths, item.directive == 'b') + 1;
        well = out.month > 0;
        break;
      case 'm':
      case 'd':
        // The agent's pattern lets one blank stand before; not at the very beginning.
        if (at > begin && at < line.size() && line[at] == ' ') ++at;
        well = take_number(line, at, 1, 2, item.directive == 'm' ? out.month : out.day);
        break;
      case 'A':
      case 'a':
        well = take_word(line, at, kDays, item.directive == 'a') >= 0;
        break;
      case 'H':
      case 'I':
        well = take_number(line, at, least, 2, out.hour);
        break;
      case 'M':
        well = take_number(line, at, least, 2, out.minute);
        break;
      case 'S':
        well = take_number(line, at, least, 2, out.second);
        break;
      case 'f': {
        std::size_t n = 0;
        int milli = 0;
        for (; n < 9 && at + n < line.size() && is_digit(line[at + n]); ++n)
          if (n < 3) milli = milli * 10 + (line[at + n] - '0');
        for (std::size_t k = n; k < 3; ++k) milli *= 10;
        well = n > 0;
        at += n;
        out.milli = milli;
        break;
      }
      case 'p':
        if (starts_with_word(line.substr(at), "AM"))
          out.pm = 0;
        else if (starts_with_word(line.substr(at), "PM"))
          out.pm = 1;
        else
          well = false;
        at += 2;
        break;
      case 'Z': {
        std::size_t n = 0;
        while (n < 5 && at + n < line.size() && line[at + n] >= 'A' && line[at + n] <= 'Z') ++n;
        const std::string_view zone = line.substr(at, n);
        if (zone == "UTC" || zone == "GMT" || zone == "Z") out.has_offset = true;
        well = n > 0;
        at += n;
        break;
      }
      case 'z':
        well = take_offset(line, at, out.offset);
        out.has_offset = true;
        break;
      default:
        well = false;
    }
    if (!well) return std::nullopt;
  }
  return at;
}

std::optional<Timestamp> TimestampFormat::time_of(const Fields& f, Timestamp now) const {
  int hour = f.hour;
  if (f.pm >= 0) {
    if (hour < 1 || hour > 12) return std::nullopt;
    hour = hour % 12 + 12 * f.pm;
  }
  if (hour > 23 || f.minute > 59 || f.second > 60) return std::nullopt;
  // Without a date as the agent would have it (year 0, January 1st) a time could not be stored: it is today's.
  const auto with_year = [&](int year) -> std::optional<Timestamp> {
    const std::chrono::year_month_day date{std::chrono::year(year), std::chrono::month(unsigned(f.month)),
                                           std::chrono::day(unsigned(f.day))};
    if (!date.ok()) return std::nullopt;
    const seconds in_day(hour * 3600 + f.minute * 60 + f.second);
    const auto naive = std::chrono::sys_days(date) + in_day;
    if (f.has_offset || utc_) return Timestamp(naive - seconds(f.offset)) + milliseconds(f.milli);
    tm local{};
    local.tm_year = year - 1900;
    local.tm_mon = f.month - 1;
    local.tm_mday = f.day;
    local.tm_hour = hour;
    local.tm_min = f.minute;
    local.tm_sec = f.second;
    local.tm_isdst = -1;
    return Timestamp(seconds(::mktime(&local))) + milliseconds(f.milli);
  };
  if (f.year >= 0) return with_year(f.year);
  const int year = int(std::chrono::year_month_day(std::chrono::floor<days>(now)).year());
  auto time = with_year(year);
  if (!time || *time - now > days(30)) time = with_year(year - 1);
  return time;
}

std::optional<FoundTime> TimestampFormat::find(std::string_view line, Timestamp now) const {
  const bool literal = items_.front().directive == 0;
  for (std::size_t at = 0; at < line.size(); ++at) {
    if (literal) {
      at = line.find(items_.front().literal, at);
      if (at == std::string_view::npos) break;
    }
    Fields fields;
    if (const auto end = match(line, at, fields)) {
      const auto time = time_of(fields, now);
      if (!time) return std::nullopt;  // the agent, too, looks no further
      return FoundTime{*time, at, *end};
    }
  }
  return std::nullopt;
}

}  // namespace brume::agent
