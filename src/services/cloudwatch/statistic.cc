#include "services/cloudwatch/statistic.h"

#include <charconv>

namespace brume::cloudwatch {

std::optional<Statistic> parse_statistic(std::string_view name) {
  if (name == "Average") return Statistic{.kind = Statistic::Kind::average};
  if (name == "Sum") return Statistic{.kind = Statistic::Kind::sum};
  if (name == "Minimum") return Statistic{.kind = Statistic::Kind::minimum};
  if (name == "Maximum") return Statistic{.kind = Statistic::Kind::maximum};
  if (name == "SampleCount") return Statistic{.kind = Statistic::Kind::sample_count};
  if (name.starts_with('p')) {
    double percent = 0;
    const auto [end, error] = std::from_chars(name.data() + 1, name.data() + name.size(), percent);
    if (error == std::errc{} && end == name.data() + name.size() && percent >= 0 && percent <= 100)
      return Statistic{.kind = Statistic::Kind::percentile, .low = std::nullopt, .high = percent};
  }
  return std::nullopt;
}

}  // namespace brume::cloudwatch
