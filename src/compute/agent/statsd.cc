#include "compute/agent/statsd.h"

#include <algorithm>
#include <cmath>
#include <functional>

namespace brume::agent {
namespace {

// To two digits.
double rounded(double value) {
  if (value == 0) return 0;
  const double unit = std::pow(10, std::floor(std::log10(std::abs(value))) - 1);
  const double out = std::round(value / unit) * unit;
  return std::isfinite(out) && std::abs(out) <= kLargestValue ? out : value;
}

}  // namespace

void Statsd::take(std::string_view datagram) {
  while (!datagram.empty()) {
    const std::size_t end = datagram.find('\n');
    std::string_view line = datagram.substr(0, end);
    datagram.remove_prefix(end == std::string_view::npos ? datagram.size() : end + 1);
    const std::size_t begin = line.find_first_not_of(" \t\r\v\f");
    if (begin == std::string_view::npos) continue;
    line = line.substr(begin, line.find_last_not_of(" \t\r\v\f") - begin + 1);
    const auto parsed = parse_statsd(line, config_.separator);
    if (!parsed) {
      ++lost_.malformed;
      continue;
    }
    for (const StatsdValue& value : parsed->values)
      if (Current* current = series(*parsed, value.type))
        add(*current, value);
      else
        ++lost_.beyond;
  }
}

Statsd::Current* Statsd::series(const StatsdLine& line, StatsdType type) {
  Key key(line.name, type, line.tags);
  std::get<Dimensions>(key).try_emplace("metric_type", metric_type(type));
  if (const auto found = current_.find(key); found != current_.end()) return &found->second;
  std::size_t bytes = line.name.size();
  for (const auto& [name, value] : line.tags) bytes += name.size() + value.size();
  if (current_.size() >= kMaxSeries || name_bytes_ + bytes > kMaxNameBytes) return nullptr;
  name_bytes_ += bytes;
  return &current_[std::move(key)];
}

void Statsd::add(Current& current, const StatsdValue& value) {
  switch (value.type) {
    case StatsdType::gauge:
      current.number = value.relative ? current.number + value.number : value.number;
      return;
    case StatsdType::counter:
      current.number += value.number;
      return;
    case StatsdType::set:
      if (stored_ >= kMaxStored)
        ++lost_.beyond;
      else if (current.members.insert(std::hash<std::string>()(value.member)).second)
        ++stored_;
      return;
    default:
      add(current.values, value.number, value.weight);
  }
}

void Statsd::add(Values& values, double value, double count) {
  if (values.size() >= kMaxDistinct && !values.contains(value)) {
    Values fewer;
    for (const auto& [known, times] : values) fewer[rounded(known)] += times;
    stored_ -= values.size() - fewer.size();
    values = std::move(fewer);
    value = rounded(value);
  }
  const auto known = values.find(value);
  if (known != values.end()) {
    known->second += count;
  } else if (values.size() >= kMaxDistinct || stored_ >= kMaxStored) {
    ++lost_.beyond;
  } else {
    values.emplace(value, count);
    ++stored_;
  }
}

void Statsd::collect(Timestamp now) {
  const std::int64_t seconds = now.time_since_epoch().count() / 1000;
  const std::int64_t step = std::max(config_.aggregation_interval, 1);
  auto& interval = intervals_[seconds / step * step];
  for (auto& [key, current] : current_) {
    Values values = std::move(current.values);
    stored_ -= values.size() + current.members.size();
    const StatsdType type = std::get<StatsdType>(key);
    if (type == StatsdType::set) values[double(current.members.size())] = 1;
    if (type == StatsdType::counter || type == StatsdType::gauge) values[current.number] = 1;
    auto found = interval.find(key);
    if (found == interval.end()) {
      if (interval.size() >= kMaxSeries) {
        ++lost_.beyond;
        continue;
      }
      found = interval.emplace(key, Values()).first;
    }
    for (const auto& [value, count] : values)
      if (std::abs(value) <= kLargestValue) add(found->second, value, count);
  }
  current_.clear();
  name_bytes_ = 0;
}

std::vector<Datum> Statsd::take_data(Timestamp now, bool all) {
  const std::int64_t seconds = now.time_since_epoch().count() / 1000;
  std::vector<Datum> out;
  std::erase_if(intervals_, [&](auto& one) {
    auto& [begin, series] = one;
    // One that lies ahead is over as well: the clock was set back.
    if (!all && seconds >= begin && seconds < begin + config_.aggregation_interval) return false;
    for (auto& [key, values] : series) {
      stored_ -= values.size();
      const std::string& name = std::get<std::string>(key);
      if (values.empty()) continue;
      out.push_back({.metric = name,
                     .unit = {},
                     .dimensions = std::get<Dimensions>(key),
                     .time = Timestamp(std::chrono::seconds(begin)),
                     .values = {values.begin(), values.end()},
                     .high_resolution = config_.aggregation_interval < 60,
                     .drop_original = config_.dropped.contains(name)});
    }
    return true;
  });
  return out;
}

}  // namespace brume::agent
