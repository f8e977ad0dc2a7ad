// Recurrences of scheduled actions: five-field cron expressions in a time zone.
//
// Pure. Fields as crontab(5): minute, hour, day of month, month, day of week (0 and 7 are Sunday), with `*`, lists,
// ranges, steps and the English names of months and days; when both days are restricted, either will do. When clocks
// are put forward, what falls into the gap is done at the change; when they are put back, what has fixed hours is done
// the first time only (both as cron(8) does it). No `?`, `L`, `W`, `#` and no @-names, as AWS has none.
#pragma once

#include <bitset>
#include <optional>
#include <string>

#include "base/result.h"
#include "base/time.h"
#include "services/autoscaling/schedule/zone.h"

namespace brume::autoscaling {

class Cron {
 public:
  // Error: ValidationError "Given recurrence string: … is invalid", also for a day that never comes (30 February).
  static Result<Cron> parse(const std::string& text);

  // The first time after `after`, and the last one that is not after `until`.
  [[nodiscard]] Timestamp next(const Zone& zone, Timestamp after) const;
  [[nodiscard]] Timestamp last(const Zone& zone, Timestamp until) const;

 private:
  [[nodiscard]] bool on(cctz::civil_day day) const;
  // In order.
  [[nodiscard]] std::vector<Timestamp> times_on(const Zone& zone, cctz::civil_day day) const;

  std::bitset<60> minutes_;
  std::bitset<24> hours_;
  std::bitset<32> days_;
  std::bitset<13> months_;
  std::bitset<8> weekdays_;  // 0: Sunday
  bool any_day_ = false, any_weekday_ = false;
};

}  // namespace brume::autoscaling
