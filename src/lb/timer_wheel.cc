#include "lb/timer_wheel.h"

#include <algorithm>

namespace brume::lb {
namespace {
constexpr env::Duration kTick = std::chrono::milliseconds(10);
}

void Timer::unlink() {
  if (next_ == nullptr) return;
  next_->previous_ = previous_;
  previous_->next_ = next_;
  next_ = previous_ = nullptr;
  filed_ = 0;
}

TimerWheel::TimerWheel(env::MonotonicTime start) : start_(start) {
  for (Slot& slot : slots_) slot.next_ = slot.previous_ = &slot;
}

std::uint64_t TimerWheel::ticks(env::MonotonicTime time) const {
  return time <= start_ ? 1 : 1 + std::uint64_t((time - start_) / kTick);
}

void TimerWheel::set(Timer& timer, env::MonotonicTime deadline) {
  timer.deadline_ = std::max(current_, ticks(deadline)) + 1;
  if (timer.filed_ != 0 && timer.filed_ <= timer.deadline_) return;
  timer.unlink();
  file(timer);
}

void TimerWheel::file(Timer& timer) {
  timer.filed_ = std::min(timer.deadline_, current_ + kSlots - 1);
  Timer& head = slots_[timer.filed_ % kSlots];
  timer.previous_ = head.previous_;
  timer.next_ = &head;
  head.previous_->next_ = &timer;
  head.previous_ = &timer;
}

void TimerWheel::advance(env::MonotonicTime now) {
  const std::uint64_t target = ticks(now);
  // After a long pause one turn of the wheel sees everything.
  if (target > current_ + kSlots) current_ = target - kSlots;
  while (current_ < target) {
    ++current_;
    Timer& head = slots_[current_ % kSlots];
    while (head.next_ != &head) {
      Timer& timer = *head.next_;
      timer.unlink();
      if (timer.deadline_ == 0) continue;
      if (timer.deadline_ > current_) {
        file(timer);
        continue;
      }
      timer.deadline_ = 0;
      timer.on_timer();
    }
  }
}

int TimerWheel::wait_milliseconds(env::MonotonicTime now) const {
  const std::uint64_t base = ticks(now);
  for (std::uint64_t tick = current_ + 1; tick <= current_ + kSlots; ++tick) {
    const Timer& head = slots_[tick % kSlots];
    if (head.next_ == &head) continue;
    return tick <= base ? 0 : int((tick - base) * 10);
  }
  return -1;
}

}  // namespace brume::lb
