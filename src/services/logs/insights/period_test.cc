#include "services/logs/insights/period.h"

#include <gtest/gtest.h>

#include "base/time.h"

namespace brume::logs::insights {
namespace {

std::int64_t at(std::string_view text) {
  return parse_iso8601(text)->time_since_epoch().count();
}
std::string when(std::int64_t time) {
  return to_iso8601(Timestamp(std::chrono::milliseconds(time)));
}

TEST(InsightsPeriod, CutsTimes) {
  struct Case {
    double count;
    const char *unit, *floor, *ceil;
  };
  // Of a Tuesday.
  const std::int64_t time = at("2026-11-24T10:15:30.123Z");
  const Case cases[] = {
      {100, "ms", "2026-11-24T10:15:30.100Z", "2026-11-24T10:15:30.200Z"},
      {30, "s", "2026-11-24T10:15:30Z", "2026-11-24T10:16:00Z"},
      {5, "m", "2026-11-24T10:15:00Z", "2026-11-24T10:20:00Z"},
      {1, "Hour", "2026-11-24T10:00:00Z", "2026-11-24T11:00:00Z"},
      {12, "hrs", "2026-11-24T00:00:00Z", "2026-11-24T12:00:00Z"},
      {1, "d", "2026-11-24T00:00:00Z", "2026-11-25T00:00:00Z"},
      {1, "w", "2026-11-23T00:00:00Z", "2026-11-30T00:00:00Z"},
      {1, "mo", "2026-11-01T00:00:00Z", "2026-12-01T00:00:00Z"},
      {2, "months", "2026-11-01T00:00:00Z", "2027-01-01T00:00:00Z"},
      {1, "q", "2026-10-01T00:00:00Z", "2027-01-01T00:00:00Z"},
      {1, "y", "2026-01-01T00:00:00Z", "2027-01-01T00:00:00Z"},
  };
  for (const Case& c : cases) {
    const auto period = to_period(c.count, c.unit);
    ASSERT_TRUE(period) << c.unit;
    EXPECT_EQ(when(date_floor(time, *period)), c.floor) << c.unit;
    EXPECT_EQ(when(date_ceil(time, *period)), c.ceil) << c.unit;
    EXPECT_EQ(date_ceil(date_floor(time, *period), *period), date_floor(time, *period)) << c.unit;
  }
  EXPECT_EQ(when(date_floor(at("1969-12-31T23:59:00Z"), *to_period(1, "mo"))), "1969-12-01T00:00:00Z");
  EXPECT_EQ(when(date_floor(at("1969-12-31T23:59:00Z"), *to_period(5, "m"))), "1969-12-31T23:55:00Z");
}

TEST(InsightsPeriod, RefusesWhatCloudWatchWouldCutToItsCap) {
  EXPECT_EQ(to_period(300, "s").error().message,
            "A period in s has at most 60 of them (CloudWatch would take 60s); write it in m");
  EXPECT_TRUE(to_period(60, "s"));
  for (const double count : {0.0, -1.0, 1.5, 1e9}) EXPECT_FALSE(to_period(count, "d")) << count;
  for (const char* unit : {"", "ss", "fortnight", "hs", "ds"}) EXPECT_FALSE(to_period(1, unit)) << unit;
}

}  // namespace
}  // namespace brume::logs::insights
