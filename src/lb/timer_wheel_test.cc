#include "lb/timer_wheel.h"

#include <gtest/gtest.h>

#include <memory>
#include <vector>

namespace brume::lb {
namespace {

using std::chrono::milliseconds;

struct Counter : Timer {
  void on_timer() override { ++fired; }
  int fired = 0;
};

env::MonotonicTime at(int ms) { return env::MonotonicTime(milliseconds(ms)); }

TEST(TimerWheel, FiresOnceAndNeverEarly) {
  for (int deadline : {0, 5, 10, 995, 10'230, 10'240, 60'000, 3'600'000}) {
    TimerWheel wheel(at(0));
    Counter timer;
    wheel.set(timer, at(deadline));
    for (int now = 0; now <= deadline; now += std::max(1, deadline / 50)) {
      wheel.advance(at(now));
      if (now < deadline) {
        EXPECT_EQ(timer.fired, 0) << deadline << " at " << now;
      }
    }
    wheel.advance(at(deadline + 20));
    EXPECT_EQ(timer.fired, 1) << deadline;
    wheel.advance(at(deadline + 100'000));
    EXPECT_EQ(timer.fired, 1) << deadline;
  }
}

TEST(TimerWheel, DeadlinesMoveBothWays) {
  TimerWheel wheel(at(0));
  Counter later, earlier, cancelled;
  wheel.set(later, at(100));
  wheel.set(later, at(500));
  wheel.set(earlier, at(5000));
  wheel.set(earlier, at(50));
  wheel.set(cancelled, at(50));
  TimerWheel::cancel(cancelled);
  wheel.advance(at(200));
  EXPECT_EQ(later.fired, 0);
  EXPECT_EQ(earlier.fired, 1);
  EXPECT_EQ(cancelled.fired, 0);
  wheel.advance(at(520));
  EXPECT_EQ(later.fired, 1);
}

TEST(TimerWheel, TellsHowLongToWait) {
  TimerWheel wheel(at(0));
  EXPECT_EQ(wheel.wait_milliseconds(at(0)), -1);
  {
    Counter timer;
    wheel.set(timer, at(300));
    const int wait = wheel.wait_milliseconds(at(0));
    EXPECT_GE(wait, 300);
    EXPECT_LE(wait, 320);
  }
  EXPECT_EQ(wheel.wait_milliseconds(at(0)), -1) << "a destroyed timer is gone";
}

TEST(TimerWheel, ALongPauseMissesNothing) {
  TimerWheel wheel(at(0));
  std::vector<std::unique_ptr<Counter>> timers;
  for (int i = 0; i < 100; ++i) {
    timers.push_back(std::make_unique<Counter>());
    wheel.set(*timers.back(), at(i * 97));
  }
  wheel.advance(at(100'000'000));
  for (const auto& timer : timers) EXPECT_EQ(timer->fired, 1);
}

}  // namespace
}  // namespace brume::lb
