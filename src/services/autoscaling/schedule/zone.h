// Time zones by their IANA names, from the system's tzdata (/usr/share/zoneinfo).
//
// The standard library of g++ 12 has no time zones; this is CCTZ, kept to two files until it does. A zone is loaded
// once and then kept by CCTZ, which has at most as many as tzdata.
#pragma once

#include <cctz/time_zone.h>

#include <string>
#include <vector>

#include "base/result.h"
#include "base/time.h"

namespace brume::autoscaling {

using CivilTime = cctz::civil_second;

class Zone {
 public:
  Zone() = default;  // UTC
  // Error: ValidationError for a name that tzdata does not have.
  static Result<Zone> find(const std::string& name);

  [[nodiscard]] CivilTime civil(Timestamp time) const;
  // When the clocks of the zone show `civil`: usually once. When they are put back twice, in order; when they are put
  // forward over it never: then the moment of that change, with `skipped` set.
  struct Moments {
    std::vector<Timestamp> times;
    bool skipped = false;
  };
  [[nodiscard]] Moments moments(CivilTime civil) const;

 private:
  cctz::time_zone zone_ = cctz::utc_time_zone();
};

}  // namespace brume::autoscaling
