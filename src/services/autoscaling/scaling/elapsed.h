// How long ago something happened whose moment is recorded in wall time, so that it survives a restart.
//
// While the daemon runs it is monotonic time that counts: a wall clock that jumps changes nothing. Only what is found
// at a start is measured by the wall clock, once. Used on the state loop only; holds one entry a key until forgotten.
#pragma once

#include <algorithm>
#include <map>
#include <string>

#include "env/clock.h"

namespace brume::autoscaling {

class Elapsed {
 public:
  explicit Elapsed(const env::Clock& clock) : clock_(clock) {}

  // Begins to count from `since`, unless that moment of `key` is known.
  void note(const std::string& key, Timestamp since) { (void)begin(key, since); }
  void forget(const std::string& key) { begins_.erase(key); }
  // Since then; what the wall clock says lies ahead has happened just now.
  [[nodiscard]] env::Duration of(const std::string& key, Timestamp since) {
    return clock_.now() - begin(key, since).monotonic;
  }

 private:
  struct Begin {
    Timestamp wall;
    env::MonotonicTime monotonic;
  };
  const Begin& begin(const std::string& key, Timestamp since) {
    const auto found = begins_.find(key);
    if (found != begins_.end() && found->second.wall == since) return found->second;
    const env::Duration age = std::max<env::Duration>(clock_.wall() - since, env::Duration::zero());
    return begins_.insert_or_assign(key, Begin{since, clock_.now() - age}).first->second;
  }

  const env::Clock& clock_;
  std::map<std::string, Begin> begins_;
};

}  // namespace brume::autoscaling
