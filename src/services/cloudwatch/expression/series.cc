#include "services/cloudwatch/expression/series.h"

#include <algorithm>
#include <cmath>
#include <map>
#include <numeric>

namespace brume::cloudwatch::expression {

const double* Series::at(Timestamp time) const {
  const auto found = std::ranges::lower_bound(points, time, {}, &Point::first);
  return found != points.end() && found->first == time ? &found->second : nullptr;
}

std::optional<double> summarise(Summary summary, std::span<const double> values) {
  if (summary == Summary::count) return double(values.size());
  if (values.empty()) return std::nullopt;
  const double sum = std::accumulate(values.begin(), values.end(), 0.0);
  const double mean = sum / double(values.size());
  switch (summary) {
    case Summary::average:
      return mean;
    case Summary::sum:
    case Summary::count:
      return sum;
    case Summary::minimum:
      return *std::ranges::min_element(values);
    case Summary::maximum:
      return *std::ranges::max_element(values);
    case Summary::deviation: {
      double squares = 0;
      for (const double v : values) squares += (v - mean) * (v - mean);
      return std::sqrt(squares / double(values.size()));
    }
  }
  return std::nullopt;
}

Series map_points(const Series& series, const std::function<std::optional<double>(const Point&)>& value) {
  Series out{.label = series.label, .period = series.period, .points = {}};
  out.points.reserve(series.points.size());
  for (const Point& point : series.points)
    if (const auto v = value(point); v && std::isfinite(*v)) out.points.emplace_back(point.first, *v);
  return out;
}

Series join(const Series& a, const Series& b, const std::function<double(double, double)>& value) {
  Series out{.label = a.label, .period = std::max(a.period, b.period), .points = {}};
  auto left = a.points.begin();
  auto right = b.points.begin();
  while (left != a.points.end() || right != b.points.end()) {
    const bool from_left = left != a.points.end() && (right == b.points.end() || left->first <= right->first);
    const bool from_right = right != b.points.end() && (left == a.points.end() || right->first <= left->first);
    const Timestamp time = from_left ? left->first : right->first;
    const double v = value(from_left ? left->second : 0, from_right ? right->second : 0);
    if (std::isfinite(v)) out.points.emplace_back(time, v);
    if (from_left) ++left;
    if (from_right) ++right;
  }
  return out;
}

Series merge(const Array& all, Summary summary) {
  std::map<Timestamp, std::vector<double>> values;
  Series out;
  for (const Series& series : all) {
    out.period = std::max(out.period, series.period);
    for (const auto& [time, v] : series.points) values[time].push_back(v);
  }
  for (auto& [time, there] : values) {
    if (summary == Summary::average) there.resize(all.size(), 0);
    if (const auto v = summarise(summary, there); v && std::isfinite(*v)) out.points.emplace_back(time, *v);
  }
  return out;
}

Series fill(const Series& series, Timestamp start, Timestamp end, Filling filling,
            const std::function<std::optional<double>(Timestamp)>& constant) {
  Series out{.label = series.label, .period = series.period, .points = {}};
  if (series.period.count() <= 0) return series;
  auto next = series.points.begin();
  const Point* previous = nullptr;
  const Timestamp first = start - start.time_since_epoch() % series.period;
  for (Timestamp time = first; time < end; time += series.period) {
    while (next != series.points.end() && next->first < time) out.points.push_back(*(previous = &*next++));
    if (next != series.points.end() && next->first == time) {
      out.points.push_back(*(previous = &*next++));
      continue;
    }
    std::optional<double> value;
    if (filling == Filling::constant)
      value = constant(time);
    else if (filling == Filling::repeat && previous)
      value = previous->second;
    else if (filling == Filling::linear && previous && next != series.points.end())
      value = previous->second + (next->second - previous->second) * double((time - previous->first).count()) /
                                     double((next->first - previous->first).count());
    if (value && std::isfinite(*value)) out.points.emplace_back(time, *value);
  }
  out.points.insert(out.points.end(), next, series.points.end());
  return out;
}

}  // namespace brume::cloudwatch::expression
