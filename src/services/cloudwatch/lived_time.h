// Which periods of the wall clock Brume has lived through, so that a clock that is set, a machine that sleeps and a
// daemon that is away are not taken for missing data.
//
// Metrics carry wall time, and wall time jumps. Monotonic time tells when it did: while both clocks go on together,
// time is lived; a jump, a suspend or a restart ends one stretch and begins another. A period counts if it was lived
// once, for nine tenths of it or more. One that was not lived (the clock went over it, or nobody was there) is passed
// over: what came before stands next to what comes after. One that was lived twice (the clock was set back) has the
// samples of both times and says nothing, nor does anything before it. Pure. Time before the first stretch counts as
// lived. Keeps the last 128 stretches.
#pragma once

#include <chrono>
#include <optional>
#include <vector>

#include "base/time.h"
#include "env/clock.h"

namespace brume::cloudwatch {

struct Stretch {
  Timestamp from, to;
};

class LivedTime {
 public:
  LivedTime() = default;
  // As an earlier daemon left them.
  explicit LivedTime(std::vector<Stretch> stretches) : stretches_(std::move(stretches)) {}

  // Reads the clocks. To be called before each decision. True if a new stretch begins.
  bool observe(env::MonotonicTime now, Timestamp wall);

  struct Periods {
    std::vector<Timestamp> begins;  // newest first
    bool whole = true;              // as many as were asked for
  };
  // The newest `count` periods that are over and count, reaching back over at most `span` periods of the wall clock.
  [[nodiscard]] Periods newest(std::chrono::seconds period, std::size_t count, std::size_t span) const;

  [[nodiscard]] const std::vector<Stretch>& stretches() const { return stretches_; }

 private:
  // Which part of the period was lived: 1 is all of it, once.
  [[nodiscard]] double lived(Timestamp begin, std::chrono::seconds period) const;

  std::vector<Stretch> stretches_;  // as they were lived; the last goes on
  std::optional<env::MonotonicTime> observed_;
  Timestamp clean_from_;  // no stretch but the last has time after this
};

}  // namespace brume::cloudwatch
