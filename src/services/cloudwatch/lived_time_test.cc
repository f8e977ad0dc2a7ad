#include "services/cloudwatch/lived_time.h"

#include <gtest/gtest.h>

#include "env/sim.h"

namespace brume::cloudwatch {
namespace {

using std::chrono::hours;
using std::chrono::minutes;
using std::chrono::seconds;

class LivedTimeTest : public testing::Test {
 protected:
  LivedTimeTest() { live(minutes(30)); }
  // Goes on for this long, and looks at the clocks every ten seconds.
  void live(seconds time) {
    for (seconds passed{0}; passed < time; passed += seconds(10)) {
      clock.advance_to(clock.now() + seconds(10));
      lived.observe(clock.now(), clock.wall());
    }
  }
  // How long ago the newest `count` periods of a minute ended, in minutes.
  std::vector<int> ages(std::size_t count) {
    std::vector<int> out;
    const Timestamp now = std::chrono::floor<minutes>(clock.wall());
    for (const Timestamp begin : lived.newest(minutes(1), count, 10'000).begins)
      out.push_back(int(std::chrono::duration_cast<minutes>(now - begin).count()) - 1);
    return out;
  }

  env::SimClock clock;
  LivedTime lived;
};

using Ages = std::vector<int>;

TEST_F(LivedTimeTest, PeriodsFollowEachOther) {
  EXPECT_EQ(ages(3), (Ages{0, 1, 2}));
  live(seconds(30));
  EXPECT_EQ(ages(3), (Ages{0, 1, 2}));
  EXPECT_TRUE(lived.newest(minutes(1), 3, 10'000).whole);
}

TEST_F(LivedTimeTest, BeforeTheFirstDaemonNothingIsKnownToBeMissed) {
  EXPECT_EQ(ages(60).size(), 60U);
  EXPECT_EQ(LivedTime().newest(minutes(1), 3, 100).whole, false);
}

TEST_F(LivedTimeTest, AClockThatIsSetForwardLeavesAGapThatIsPassedOver) {
  clock.jump_wall(hours(1));
  live(seconds(10));
  EXPECT_EQ(ages(3), (Ages{60, 61, 62}));
  live(minutes(2));
  EXPECT_EQ(ages(3), (Ages{0, 62, 63})) << "the minutes that were cut do not count";
}

TEST_F(LivedTimeTest, AClockThatIsSetBackSaysNothingUntilItIsWhereItWas) {
  clock.jump_wall(-hours(1));
  live(minutes(30));
  EXPECT_EQ(ages(3), Ages{});
  EXPECT_FALSE(lived.newest(minutes(1), 3, 10'000).whole);
  live(minutes(32));
  EXPECT_EQ(ages(3), Ages{0}) << "what is before the clock was set back is lived twice";
  live(minutes(2));
  EXPECT_EQ(ages(3), (Ages{0, 1, 2}));
}

TEST_F(LivedTimeTest, ARestartIsAShortGap) {
  LivedTime later(lived.stretches());
  const auto newest = [&] { return later.newest(minutes(1), 2, 10'000).begins; };
  clock.advance_to(clock.now() + seconds(3));
  EXPECT_TRUE(later.observe(env::MonotonicTime{}, clock.wall()));
  EXPECT_EQ(newest().front(), std::chrono::floor<minutes>(clock.wall()) - minutes(1));
  EXPECT_FALSE(later.observe(env::MonotonicTime{seconds(57)}, clock.wall() + seconds(57)));
  EXPECT_EQ(newest().front(), std::chrono::floor<minutes>(clock.wall())) << "nine tenths of the minute were lived";
}

TEST_F(LivedTimeTest, SmallCorrectionsAreNoJumps) {
  clock.jump_wall(std::chrono::milliseconds(-400));
  live(minutes(1));
  clock.jump_wall(std::chrono::milliseconds(400));
  live(minutes(1));
  EXPECT_EQ(lived.stretches().size(), 1U);
}

TEST_F(LivedTimeTest, IsBounded) {
  for (int i = 0; i < 500; ++i) {
    clock.jump_wall(minutes(5));
    live(minutes(1));
  }
  EXPECT_EQ(lived.stretches().size(), 128U);
  EXPECT_EQ(lived.newest(minutes(1), 10'000, 100).begins.size() < 101, true);
}

}  // namespace
}  // namespace brume::cloudwatch
