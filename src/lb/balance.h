// Which target a request goes to, and which group.
//
// Pure. Eligible are the healthy targets that are not draining; when none is healthy, all that are not draining (AWS
// calls it fail-open). Leaves to the caller: counting what is outstanding, and the cursor that makes round robin go on.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

namespace brume::lb {

struct Candidate {
  bool healthy = false;
  bool draining = false;
};

// Indices into `candidates`, ascending.
std::vector<std::uint32_t> eligible(std::span<const Candidate> candidates);

// An element of `eligible_targets`, which must not be empty; `cursor` is the caller's count of choices so far.
std::uint32_t choose_round_robin(std::span<const std::uint32_t> eligible_targets, std::uint64_t cursor);

// The element with the least outstanding requests; among equals the first at or after the cursor's position, so that
// idle targets take turns.
template <typename Outstanding>
std::uint32_t choose_least_outstanding(std::span<const std::uint32_t> eligible_targets, std::uint64_t cursor,
                                       Outstanding outstanding) {
  const std::size_t count = eligible_targets.size();
  std::uint32_t best = eligible_targets[cursor % count];
  auto least = outstanding(best);
  for (std::size_t i = 1; i < count && least > 0; ++i) {
    const std::uint32_t target = eligible_targets[(cursor + i) % count];
    if (const auto now = outstanding(target); now < least) {
      least = now;
      best = target;
    }
  }
  return best;
}

// The index of the group that `random` (uniform over 64 bits) falls on by weight; -1 if there is no weight at all.
int choose_weighted(std::span<const std::uint32_t> weights, std::uint64_t random);

}  // namespace brume::lb
