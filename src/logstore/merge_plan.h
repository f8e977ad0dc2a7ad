// Which blocks of a group to make new blocks of. Pure.
//
// Two reasons: many small ones (each fold of a quiet group makes one), and many that overlap in time (events that come
// late), for a visit holds all that overlap in memory. Merging eight alike into ones eight times as large, an event is
// written again a few times only, whatever the number of folds.
#pragma once

#include <cstdint>
#include <vector>

#include "logstore/block.h"

namespace brume::logstore {

constexpr std::size_t kMergedAtOnce = 8;  // blocks of one size, and those that may overlap at one time

// `blocks` by the time of their first event; `block_bytes` is what a full one has. Empty: nothing needs to be merged.
std::vector<BlockHead> choose_merge(const std::vector<BlockHead>& blocks, std::uint64_t block_bytes);

}  // namespace brume::logstore
