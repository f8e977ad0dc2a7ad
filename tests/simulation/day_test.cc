// A day of groups under a load that rises and falls: the same seed gives the same day, another gives another.
#include "day.h"

#include <gtest/gtest.h>

namespace brume::simulation {
namespace {

using std::chrono::hours;

TEST(DayTest, FollowsFromItsSeed) {
  const auto trace_of = [](std::uint64_t seed) {
    Day day(seed, 2, 2);
    day.run_for(hours(1));
    return day.trace();
  };
  const std::uint64_t trace = trace_of(1);
  EXPECT_EQ(trace, trace_of(1));
  EXPECT_NE(trace, trace_of(2));
}

TEST(DayTest, GroupsFollowTheirLoad) {
  Day day(3, 2, 1);
  day.run_for(hours(24));
  const Day::Counts counts = day.counts();
  EXPECT_GE(counts.decisions, 8u);  // out and in again, each
  EXPECT_GE(counts.killed, 1u);
  EXPECT_GT(counts.starts, 20u + counts.killed);
  EXPECT_GE(counts.smallest, 4);
  EXPECT_LE(counts.greatest, 16);
}

}  // namespace
}  // namespace brume::simulation
