// The resolutions in which metrics are kept, and for how long (GetMetricStatistics, "retains metric data as follows").
//
// Every sample is put into every level when it comes (into the finest only if it is of a high-resolution metric), so
// nothing has to be rolled up later: data ages by being dropped, level by level. Data is dropped some time after its
// retention, so that a clock that jumps ahead and back loses nothing; readers keep to the retention exactly.
#pragma once

#include <cstdint>

namespace brume::cloudwatch {

struct Level {
  char name;                // of its keys on disk
  std::uint32_t period;     // seconds
  std::uint32_t retention;  // seconds
  std::uint32_t window;     // seconds of data that are kept together; a multiple of the period
};

constexpr std::uint32_t kHour = 3600, kDay = 24 * kHour;
inline constexpr Level kLevels[] = {{'a', 1, 3 * kHour, kHour / 4},
                                    {'b', 60, 15 * kDay, 6 * kHour},
                                    {'c', 300, 63 * kDay, kDay},
                                    {'d', 3600, 455 * kDay, 4 * kDay}};
inline constexpr const Level& kFinest = kLevels[0];
inline constexpr const Level& kCoarsest = kLevels[3];
constexpr std::uint32_t kDropLag = 2 * kHour;

}  // namespace brume::cloudwatch
