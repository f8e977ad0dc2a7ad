#include "lb/event_loop.h"

#include <sys/epoll.h>
#include <sys/eventfd.h>

#include <algorithm>
#include <array>

namespace brume::lb {

env::MonotonicTime EventLoop::clock() { return std::chrono::steady_clock::now(); }

EventLoop::EventLoop()
    : epoll_(epoll_create1(EPOLL_CLOEXEC)),
      wake_(eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)),
      now_(clock()),
      wheel_(now_) {
  epoll_event event{.events = EPOLLIN, .data = {.ptr = nullptr}};
  epoll_ctl(epoll_.get(), EPOLL_CTL_ADD, wake_.get(), &event);
}

EventLoop::~EventLoop() = default;

bool EventLoop::watch(int fd, Watcher& watcher) {
  epoll_event event{.events = EPOLLIN | EPOLLOUT | EPOLLRDHUP | EPOLLET, .data = {.ptr = &watcher}};
  return epoll_ctl(epoll_.get(), EPOLL_CTL_ADD, fd, &event) == 0;
}

void EventLoop::retire(std::unique_ptr<Watcher> watcher) {
  std::erase(again_, watcher.get());
  std::replace(called_.begin(), called_.end(), watcher.get(), static_cast<Watcher*>(nullptr));
  retired_.push_back(std::move(watcher));
}

void EventLoop::post(std::function<void()> task) {
  {
    const std::lock_guard lock(mutex_);
    posted_.push_back(std::move(task));
  }
  const std::uint64_t one = 1;
  [[maybe_unused]] const auto written = ::write(wake_.get(), &one, sizeof one);  // fails only when it is awake anyway
}

void EventLoop::stop() {
  stopped_ = true;
  post([] {});
}

void EventLoop::run_posted() {
  std::uint64_t count = 0;
  [[maybe_unused]] const auto got = ::read(wake_.get(), &count, sizeof count);
  std::vector<std::function<void()>> tasks;
  {
    const std::lock_guard lock(mutex_);
    tasks.swap(posted_);
  }
  for (auto& task : tasks) task();
}

void EventLoop::run() {
  std::array<epoll_event, 256> events;
  while (!stopped_) {
    const int wait = again_.empty() ? wheel_.wait_milliseconds(clock()) : 0;
    const int count = epoll_wait(epoll_.get(), events.data(), int(events.size()), wait);
    now_ = clock();
    bool woken = false;
    for (int i = 0; i < count; ++i) {
      const auto& event = events[std::size_t(i)];
      if (event.data.ptr == nullptr) woken = true;
      else static_cast<Watcher*>(event.data.ptr)->on_events(event.events);
    }
    called_.swap(again_);
    for (std::size_t i = 0; i < called_.size(); ++i) {
      if (called_[i] != nullptr) called_[i]->on_events(0);
    }
    called_.clear();
    wheel_.advance(now_);
    if (woken) run_posted();
    retired_.clear();
  }
  retired_.clear();
}

}  // namespace brume::lb
