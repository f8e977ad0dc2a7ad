// What metric maths reckons with: numbers, time series and arrays of these.
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <optional>
#include <span>
#include <string>
#include <utility>
#include <variant>
#include <vector>

#include "base/time.h"

namespace brume::cloudwatch::expression {

using Point = std::pair<Timestamp, double>;

struct Series {
  std::string label;
  std::chrono::seconds period{};
  std::vector<Point> points;  // by time, each time once, finite values

  [[nodiscard]] const double* at(Timestamp time) const;
};

using Array = std::vector<Series>;
using Value = std::variant<double, Series, Array>;

// What AVG, SUM, … make of values; none of no values.
enum class Summary : std::uint8_t { average, sum, minimum, maximum, deviation, count };
std::optional<double> summarise(Summary summary, std::span<const double> values);

// A point for each time of `series` for which `value` has one.
Series map_points(const Series& series, const std::function<std::optional<double>(const Point&)>& value);

// A point for each time of either, a missing one taken for 0 ("Basic arithmetic functions" of the user guide). Values
// that are not finite, a division by zero among them, are dropped.
Series join(const Series& a, const Series& b, const std::function<double(double, double)>& value);

// All series as one: at each time that one of them has, the summary of the values there. Only AVG counts series that
// have none (as 0).
Series merge(const Array& all, Summary summary);

// The values that are missing in [start, end), every period of the series; periods begin at multiples of it.
enum class Filling : std::uint8_t { constant, repeat, linear };
Series fill(const Series& series, Timestamp start, Timestamp end, Filling filling,
            const std::function<std::optional<double>(Timestamp)>& constant = {});

}  // namespace brume::cloudwatch::expression
