// Whatever is given as a recurrence: it is refused, or it has a next time, after which the last one is that.
#include <cstdint>
#include <cstdlib>

#include "services/autoscaling/schedule/cron.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace brume::autoscaling;
  static const Zone zone = Zone::find("America/New_York").value_or(Zone());
  const auto cron = Cron::parse(std::string(reinterpret_cast<const char*>(data), size));
  if (!cron) return 0;
  brume::Timestamp time = std::chrono::sys_days(std::chrono::March / 7 / 2026);
  for (int i = 0; i < 4; ++i) {
    const brume::Timestamp next = cron->next(zone, time);
    if (next <= time || cron->last(zone, next) != next) std::abort();
    time = next;
  }
  return 0;
}
