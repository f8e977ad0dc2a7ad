#include "logstore/merge_plan.h"

#include <algorithm>
#include <map>

#include "logstore/journal_row.h"

namespace brume::logstore {
namespace {

// 0: large enough; then each eighth is one more.
int tier_of(const BlockHead& block, std::uint64_t block_bytes) {
  if (block.events >= kMostEvents / 2) return 0;  // of short ones
  int tier = 0;
  for (std::uint64_t least = block_bytes / 2; least > 0 && block.text_bytes < least; least /= kMergedAtOnce) ++tier;
  return tier;
}

}  // namespace

std::vector<BlockHead> choose_merge(const std::vector<BlockHead>& blocks, std::uint64_t block_bytes) {
  std::map<int, std::vector<BlockHead>> small;
  std::vector<BlockHead> overlapping;  // all that reach over the present one's begin
  for (const BlockHead& block : blocks) {
    if (const int tier = tier_of(block, block_bytes)) {
      std::vector<BlockHead>& alike = small[tier];
      alike.push_back(block);
      if (alike.size() == kMergedAtOnce) return alike;
    }
    std::erase_if(overlapping, [&](const BlockHead& other) { return other.last < block.first; });
    overlapping.push_back(block);
    if (overlapping.size() > kMergedAtOnce) return overlapping;
  }
  return {};
}

}  // namespace brume::logstore
