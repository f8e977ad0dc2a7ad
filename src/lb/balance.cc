#include "lb/balance.h"

namespace brume::lb {

std::vector<std::uint32_t> eligible(std::span<const Candidate> candidates) {
  std::vector<std::uint32_t> healthy, open;
  for (std::uint32_t i = 0; i < candidates.size(); ++i) {
    if (candidates[i].draining) continue;
    open.push_back(i);
    if (candidates[i].healthy) healthy.push_back(i);
  }
  return healthy.empty() ? open : healthy;
}

std::uint32_t choose_round_robin(std::span<const std::uint32_t> eligible_targets, std::uint64_t cursor) {
  return eligible_targets[cursor % eligible_targets.size()];
}

int choose_weighted(std::span<const std::uint32_t> weights, std::uint64_t random) {
  std::uint64_t total = 0;
  for (std::uint32_t weight : weights) total += weight;
  if (total == 0) return -1;
  std::uint64_t point = random % total;
  for (std::size_t i = 0; i < weights.size(); ++i) {
    if (point < weights[i]) return int(i);
    point -= weights[i];
  }
  return -1;
}

}  // namespace brume::lb
