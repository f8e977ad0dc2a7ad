// What has become of a file that is followed, from what is at its path now. Pure.
#pragma once

#include <optional>

#include "compute/agent/world.h"

namespace brume::agent {

enum class TailChange { none, grown, truncated, replaced, missing };

// `known`: the file as it was last seen.
inline TailChange tail_change(const FileStat& known, const std::optional<FileStat>& now) {
  if (!now) return TailChange::missing;
  if (!now->is_same_file(known)) return TailChange::replaced;
  if (now->size < known.size) return TailChange::truncated;
  return now->size > known.size ? TailChange::grown : TailChange::none;
}

// Seconds until what failed is tried again: doubling from one to a quarter of a minute, to a minute where somebody has
// to change what the role may do.
inline double next_try(double pause, Outcome outcome) {
  const double longest = outcome == Outcome::denied ? 60 : 15;
  return pause <= 0 ? 1 : pause * 2 < longest ? pause * 2 : longest;
}

}  // namespace brume::agent
