// Has the event store fold, free and stay within its disk budget (EventStore::maintain): a second after something was
// appended, and each minute. Says in the daemon's log what had to go.
#pragma once

#include <atomic>

#include "env/aside.h"
#include "env/env.h"
#include "logstore/event_store.h"

namespace brume::daemon {

class LogKeeper {
 public:
  LogKeeper(env::Env& env, logstore::EventStore& store, env::Aside aside)
      : env_(env), store_(store), aside_(std::move(aside)) {}
  void start() { look_in(std::chrono::minutes(1)); }
  // Something was appended. From any thread.
  void touch() {
    if (!touched_.exchange(true)) env_.loop.post([this] { look_in(std::chrono::seconds(1)); });
  }

 private:
  void look_in(env::Duration time);
  void look();

  env::Env& env_;
  logstore::EventStore& store_;
  env::Aside aside_;
  std::atomic<bool> touched_ = false;
  bool busy_ = false;
  env::Loop::TimerId timer_ = 0;
};

}  // namespace brume::daemon
