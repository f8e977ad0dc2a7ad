// What the metrics of all regions may take on disk, in bytes of their blocks.
//
// Looked at when a region has folded, and at the start. When there is more, the oldest goes, whichever region's,
// metric's and resolution's it is, until there is somewhat less, so that it is not at each fold; the store says so in
// the log. What the windows under way hold stays, however little the budget is. Leaves to others: the dropping
// (MetricStore).
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <vector>

namespace brume::cloudwatch {

class MetricStore;

// Pure: before when to drop; none: nothing need go. `blocks`: bytes by when their newest data ends, in seconds.
std::optional<std::uint32_t> drop_for(std::uint64_t budget, const std::multimap<std::uint32_t, std::uint64_t>& blocks,
                                      std::uint32_t now);

class MetricBudget {
 public:
  explicit MetricBudget(std::uint64_t bytes) : bytes_(bytes) {}
  MetricBudget(const MetricBudget&) = delete;
  MetricBudget& operator=(const MetricBudget&) = delete;

  void join(MetricStore& store) { stores_.push_back(&store); }
  void leave(const MetricStore& store) { std::erase(stores_, &store); }
  // `now`: seconds since the epoch.
  void look(std::uint32_t now);

 private:
  std::uint64_t bytes_;
  std::vector<MetricStore*> stores_;
  bool too_little_told_ = false;
};

}  // namespace brume::cloudwatch
