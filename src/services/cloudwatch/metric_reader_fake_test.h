// Metrics in memory, for tests: one value a sample, any time.
#pragma once

#include <algorithm>
#include <map>
#include <vector>

#include "services/cloudwatch/metric_reader.h"

namespace brume::cloudwatch {

class FakeMetrics : public MetricReader {
 public:
  void put(const MetricId& metric, Timestamp time, double value, const std::string& unit = "") {
    samples_[metric].push_back({time, value, unit});
    ++puts_;
  }
  [[nodiscard]] std::optional<std::uint64_t> changes(const MetricId& /*metric*/, Place& /*place*/) const override {
    return tells_changes ? std::optional(puts_) : std::nullopt;
  }
  [[nodiscard]] std::vector<MetricPoint> read(const MetricId& metric, const Statistic& statistic,
                                              std::chrono::seconds period, Timestamp start, Timestamp end,
                                              const std::optional<std::string>& unit) const override {
    ++reads;
    std::map<Timestamp, std::vector<double>> periods;
    start -= start.time_since_epoch() % period;
    if (const auto found = samples_.find(metric); found != samples_.end())
      for (const MetricPoint& sample : found->second)
        if (sample.time >= start && sample.time < end && (!unit || *unit == sample.unit))
          periods[sample.time - sample.time.time_since_epoch() % period].push_back(sample.value);
    std::vector<MetricPoint> out;
    for (auto& [time, values] : periods) out.push_back({time, of(statistic, values), ""});
    return out;
  }
  [[nodiscard]] std::vector<MetricId> list(const MetricFilter& filter, std::size_t limit,
                                           const std::optional<MetricId>& after) const override {
    std::vector<MetricId> out;
    for (const auto& [metric, samples] : samples_) {
      if (out.size() == limit) break;
      if (after && metric <= *after) continue;
      if (filter.metric_namespace && *filter.metric_namespace != metric.metric_namespace) continue;
      if (filter.exact_dimensions && filter.dimensions.size() != metric.dimensions.size()) continue;
      out.push_back(metric);
    }
    return out;
  }

  bool tells_changes = false;
  mutable int reads = 0;  // calls of read()

 private:
  static double of(const Statistic& statistic, std::vector<double>& values) {
    double sum = 0;
    for (const double v : values) sum += v;
    std::ranges::sort(values);
    switch (statistic.kind) {
      case Statistic::Kind::sum:
        return sum;
      case Statistic::Kind::minimum:
        return values.front();
      case Statistic::Kind::maximum:
        return values.back();
      case Statistic::Kind::sample_count:
        return double(values.size());
      case Statistic::Kind::percentile:
        return values[std::min(values.size() - 1, std::size_t(double(values.size()) * *statistic.high / 100))];
      default:
        return sum / double(values.size());
    }
  }

  std::map<MetricId, std::vector<MetricPoint>> samples_;
  std::uint64_t puts_ = 0;
};

}  // namespace brume::cloudwatch
