// One thread's epoll loop: sockets, timers, and tasks posted from elsewhere.
//
// A socket is registered once, edge-triggered for both directions, and never touched again: the steady state makes no
// epoll_ctl. A watcher may be retired inside any callback; it is destroyed after the round, so that events of the same
// round never meet freed memory.
#pragma once

#include <atomic>
#include <cstdint>
#include <functional>
#include <memory>
#include <mutex>
#include <vector>

#include "base/result.h"
#include "env/clock.h"
#include "env/fd.h"
#include "lb/timer_wheel.h"

namespace brume::lb {

class Watcher {
 public:
  virtual ~Watcher() = default;
  // `events` as of epoll(7); 0 when it asked to be called again.
  virtual void on_events(std::uint32_t events) = 0;
};

class EventLoop {
 public:
  EventLoop();
  ~EventLoop();
  EventLoop(const EventLoop&) = delete;
  EventLoop& operator=(const EventLoop&) = delete;

  // Closing `fd` ends it. False if the kernel refuses (out of memory or watches).
  bool watch(int fd, Watcher& watcher);
  // Calls the watcher again in the next round: for long transfers that let others have their turn.
  void call_again(Watcher& watcher) { again_.push_back(&watcher); }
  // Takes the watcher, whose descriptor is closed, and destroys it after this round.
  void retire(std::unique_ptr<Watcher> watcher);

  // From any thread.
  void post(std::function<void()> task);
  void stop();

  void run();
  // The time at the start of this round.
  [[nodiscard]] env::MonotonicTime now() const { return now_; }
  void set_timer(Timer& timer, env::Duration delay) { wheel_.set(timer, now_ + delay); }

 private:
  void run_posted();
  static env::MonotonicTime clock();

  env::Fd epoll_, wake_;
  env::MonotonicTime now_;
  TimerWheel wheel_;
  std::vector<Watcher*> again_, called_;
  std::vector<std::unique_ptr<Watcher>> retired_;
  std::mutex mutex_;
  std::vector<std::function<void()>> posted_;  // guarded by mutex_
  std::atomic<bool> stopped_ = false;
};

}  // namespace brume::lb
