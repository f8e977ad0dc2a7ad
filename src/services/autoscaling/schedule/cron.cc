#include "services/autoscaling/schedule/cron.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <span>
#include <sstream>
#include <string_view>

namespace brume::autoscaling {
namespace {

constexpr std::array<std::string_view, 13> kMonths = {"",    "JAN", "FEB", "MAR", "APR", "MAY", "JUN",
                                                      "JUL", "AUG", "SEP", "OCT", "NOV", "DEC"};
constexpr std::array<std::string_view, 8> kDays = {"SUN", "MON", "TUE", "WED", "THU", "FRI", "SAT", "SUN"};
// From a Sunday 29 February over a century without a leap day to the next.
constexpr int kLongestWait = 40 * 366;

std::vector<std::string_view> split(std::string_view text, char by) {
  std::vector<std::string_view> parts;
  for (std::size_t from = 0;;) {
    const std::size_t at = text.find(by, from);
    parts.push_back(text.substr(from, at - from));
    if (at == std::string_view::npos) return parts;
    from = at + 1;
  }
}

std::optional<int> number(std::string_view text) {
  int value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (text.empty() || text.front() == '-' || error != std::errc() || end != text.data() + text.size()) return {};
  return value;
}

std::optional<int> value_of(std::string_view text, std::span<const std::string_view> names) {
  std::string upper(text);
  std::ranges::transform(upper, upper.begin(), [](unsigned char c) { return char(std::toupper(c)); });
  if (const auto name = std::ranges::find(names, std::string_view(upper)); !upper.empty() && name != names.end())
    return int(name - names.begin());
  return number(text);
}

// Sets what the field names; false if it is not a field.
template <std::size_t N>
bool read(std::string_view field, int lowest, std::bitset<N>& set, std::span<const std::string_view> names = {}) {
  const int highest = int(N) - 1;
  for (std::string_view part : split(field, ',')) {
    int step = 1;
    const std::size_t slash = part.find('/');
    if (slash != std::string_view::npos) {
      const auto given = number(part.substr(slash + 1));
      if (!given || *given < 1) return false;
      step = *given;
      part = part.substr(0, slash);
    }
    int first = lowest, last = highest;
    if (part != "*") {
      const auto ends = split(part, '-');
      const auto from = value_of(ends.front(), names);
      auto to = value_of(ends.back(), names);
      if (ends.size() > 2 || !from || !to) return false;
      // SAT-SUN: as the last day of the week Sunday is 7.
      if (N == 8 && ends.size() == 2 && *to == 0 && *from > 0) to = 7;
      first = *from;
      last = slash != std::string_view::npos && ends.size() == 1 ? highest : *to;
      if (first < lowest || last > highest || first > last) return false;
    }
    for (int value = first; value <= last; value += step) set.set(std::size_t(value));
  }
  return true;
}

}  // namespace

Result<Cron> Cron::parse(const std::string& text) {
  const auto invalid = [&] { return fail("ValidationError", "Given recurrence string: {} is invalid", text); };
  std::istringstream in(text);
  std::vector<std::string> fields;
  for (std::string field; in >> field;) fields.push_back(field);
  Cron cron;
  if (fields.size() != 5 || !read(fields[0], 0, cron.minutes_) || !read(fields[1], 0, cron.hours_) ||
      !read(fields[2], 1, cron.days_) || !read(fields[3], 1, cron.months_, kMonths) ||
      !read(fields[4], 0, cron.weekdays_, kDays))
    return invalid();
  if (cron.weekdays_[7]) cron.weekdays_.set(0);
  cron.any_day_ = fields[2].starts_with('*');
  cron.any_weekday_ = fields[4].starts_with('*');
  // These 28 years have every day of a year on every day of the week.
  for (cctz::civil_day day(2001, 1, 1); day.year() < 2029; ++day)
    if (cron.on(day)) return cron;
  return invalid();
}

bool Cron::on(cctz::civil_day day) const {
  if (!months_[std::size_t(day.month())]) return false;
  const bool by_day = days_[std::size_t(day.day())];
  // CCTZ's weekdays begin with Monday.
  const bool by_weekday = weekdays_[(std::size_t(cctz::get_weekday(day)) + 1) % 7];
  return any_day_ || any_weekday_ ? by_day && by_weekday : by_day || by_weekday;
}

std::vector<Timestamp> Cron::times_on(const Zone& zone, cctz::civil_day day) const {
  std::vector<Timestamp> times;
  if (!on(day)) return times;
  for (std::size_t hour = 0; hour < hours_.size(); ++hour)
    for (std::size_t minute = 0; minute < minutes_.size(); ++minute) {
      if (!hours_[hour] || !minutes_[minute]) continue;
      const Zone::Moments moments = zone.moments(cctz::civil_minute(cctz::civil_hour(day) + int(hour)) + int(minute));
      if (!hours_.all()) {
        times.push_back(moments.times.front());
      } else if (!moments.skipped) {  // every hour that there is, and no others
        times.insert(times.end(), moments.times.begin(), moments.times.end());
      }
    }
  std::ranges::sort(times);
  return times;
}

Timestamp Cron::next(const Zone& zone, Timestamp after) const {
  const cctz::civil_day today(zone.civil(after));
  for (int i = 0; i < kLongestWait; ++i) {
    const auto times = times_on(zone, today + i);
    if (const auto found = std::ranges::upper_bound(times, after); found != times.end()) return *found;
  }
  return Timestamp::max();  // only at the end of time: parse() has seen a day
}

Timestamp Cron::last(const Zone& zone, Timestamp until) const {
  const cctz::civil_day today(zone.civil(until));
  for (int i = 0; i < kLongestWait; ++i) {
    const auto times = times_on(zone, today - i);
    if (const auto found = std::ranges::upper_bound(times, until); found != times.begin()) return *std::prev(found);
  }
  return Timestamp::min();
}

}  // namespace brume::autoscaling
