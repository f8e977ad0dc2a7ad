// Deadlines of thousands of connections, cheaply.
//
// Moving a deadline later only writes a field: the timer is looked at when its old slot comes up and filed anew. Grain is
// 10 ms; a timer never fires early and at most a grain late. One thread.
#pragma once

#include <array>
#include <cstdint>
#include <functional>
#include <utility>

#include "env/clock.h"

namespace brume::lb {

class TimerWheel;

class Timer {
 public:
  Timer() = default;
  Timer(const Timer&) = delete;
  Timer& operator=(const Timer&) = delete;
  virtual ~Timer() { unlink(); }
  virtual void on_timer() = 0;

 private:
  friend class TimerWheel;
  void unlink();

  Timer* next_ = nullptr;
  Timer* previous_ = nullptr;
  std::uint64_t deadline_ = 0;  // in ticks; 0: none
  std::uint64_t filed_ = 0;     // the tick it is filed under; 0: not filed
};

// A timer that calls a function.
class Alarm final : public Timer {
 public:
  explicit Alarm(std::function<void()> action) : action_(std::move(action)) {}
  void on_timer() override { action_(); }

 private:
  std::function<void()> action_;
};

class TimerWheel {
 public:
  explicit TimerWheel(env::MonotonicTime start);
  void set(Timer& timer, env::MonotonicTime deadline);
  static void cancel(Timer& timer) { timer.deadline_ = 0; }
  // Fires what is due.
  void advance(env::MonotonicTime now);
  // Milliseconds until advance() has something to look at; -1: nothing is filed.
  [[nodiscard]] int wait_milliseconds(env::MonotonicTime now) const;

 private:
  static constexpr std::size_t kSlots = 1024;
  struct Slot : Timer {
    void on_timer() override {}
  };
  void file(Timer& timer);
  [[nodiscard]] std::uint64_t ticks(env::MonotonicTime time) const;

  env::MonotonicTime start_;
  std::uint64_t current_ = 1;
  std::array<Slot, kSlots> slots_;
};

}  // namespace brume::lb
