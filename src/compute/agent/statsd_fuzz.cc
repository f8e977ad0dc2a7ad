// Whatever comes to StatsD's port: what is told of it is within CloudWatch's limits.
#include <cmath>
#include <cstdint>
#include <cstdlib>

#include "compute/agent/statsd.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace brume;
  using namespace brume::agent;
  const std::string text(reinterpret_cast<const char*>(data), size);
  Statsd statsd({});
  for (int i = 0; i < 3; ++i) {
    statsd.take(text);
    statsd.collect(Timestamp(std::chrono::seconds(10 * i)));
  }
  for (const Datum& datum : statsd.take_data(Timestamp(std::chrono::seconds(60)))) {
    if (datum.metric.empty() || datum.metric.size() > 255 || datum.values.empty()) std::abort();
    for (const auto& [name, value] : datum.dimensions)
      if (name.empty() || name.size() > 255 || value.empty() || value.size() > 1024) std::abort();
    for (const auto& [value, count] : datum.values)
      if (!(std::abs(value) <= kLargestValue) || !(count > 0)) std::abort();
    if (metric_data({}, datum, {}).empty()) std::abort();
  }
  return 0;
}
