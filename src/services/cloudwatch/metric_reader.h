// What alarms, metric maths and the API ask of the metric store.
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "base/time.h"

namespace brume::cloudwatch {

struct MetricId {
  std::string metric_namespace, name;
  std::vector<std::pair<std::string, std::string>> dimensions;  // sorted by name, each name once
  auto operator<=>(const MetricId&) const = default;
};

// "Average", "Sum", "Minimum", "Maximum", "SampleCount", "p99.9", "tm90", "TM(10%:90%)", "IQM", …; statistic.h reads
// and writes them.
struct Statistic {
  enum class Kind : std::uint8_t {
    average,
    sum,
    minimum,
    maximum,
    sample_count,
    percentile,
    trimmed_mean,
    winsorized_mean,
    percentile_rank,
    trimmed_count,
    trimmed_sum,
  } kind = Kind::average;
  // Bounds of the kinds after sample_count: percent (0 to 100) or, with `by_value`, values of the metric; none: open.
  std::optional<double> low, high;
  bool by_value = false;
  bool operator==(const Statistic&) const = default;
};

// Not the API's Datapoint, which has all statistics.
struct MetricPoint {
  Timestamp time;  // the begin of its period
  double value = 0;
  std::string unit;  // "" where samples of several units were put together, or none
  bool operator==(const MetricPoint&) const = default;
};

struct MetricFilter {
  std::optional<std::string> metric_namespace, name;
  // Each must be there; without a value, with any.
  std::vector<std::pair<std::string, std::optional<std::string>>> dimensions;
  bool exact_dimensions = false;          // no others
  std::optional<Timestamp> active_since;  // has samples since
};

class MetricReader {
 public:
  virtual ~MetricReader() = default;

  // Where a metric is, as the reader found it: kept by who asks again and again. The reader's business alone.
  struct Place {
    std::uint64_t epoch = 0;
    std::optional<std::uint32_t> series = {};
  };

  // One datapoint for each period in [start, end) that has samples, oldest first. Periods begin at multiples of
  // `period` since the epoch (at least 1 s); `start` is rounded down to one. `unit`: only samples that have it. Nothing
  // for a metric that is not known, and none from before the data's retention, or where only coarser data is kept than
  // `period` asks for (AWS: under 60 s for 3 h, 60 s for 15 days, 300 s for 63 days, 3600 s for 455 days).
  [[nodiscard]] virtual std::vector<MetricPoint> read(const MetricId& metric, const Statistic& statistic,
                                                      std::chrono::seconds period, Timestamp start, Timestamp end,
                                                      const std::optional<std::string>& unit = std::nullopt) const = 0;
  // A number that is another one than before whenever the metric may have more samples than before; none: it may at any
  // time. For who looks again and again, and does nothing where nothing came. Not kept across restarts.
  [[nodiscard]] virtual std::optional<std::uint64_t> changes(const MetricId& /*metric*/, Place& /*place*/) const {
    return std::nullopt;
  }
  // In their order. At most `limit`, those after `after`.
  [[nodiscard]] virtual std::vector<MetricId> list(const MetricFilter& filter, std::size_t limit,
                                                   const std::optional<MetricId>& after = std::nullopt) const = 0;
};

}  // namespace brume::cloudwatch
