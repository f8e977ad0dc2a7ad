#include "services/cloudwatch/metric_budget.h"

#include <algorithm>

#include "base/log.h"
#include "services/cloudwatch/metric_store.h"
#include "services/cloudwatch/metric_tables.h"

namespace brume::cloudwatch {

std::optional<std::uint32_t> drop_for(std::uint64_t budget, const std::multimap<std::uint32_t, std::uint64_t>& blocks,
                                      std::uint32_t now) {
  std::uint64_t left = 0;
  for (const auto& [end, bytes] : blocks) left += bytes;
  if (left <= budget) return std::nullopt;
  std::optional<std::uint32_t> before;
  for (const auto& [end, bytes] : blocks) {
    if ((left <= budget - budget / 64 && end != before) || end > now) break;
    left -= bytes;
    before = end;
  }
  return before;
}

void MetricBudget::look(std::uint32_t now) {
  std::multimap<std::uint32_t, std::uint64_t> blocks;
  std::uint64_t all = 0;
  for (const MetricStore* store : stores_) {
    if (store->is_dropping()) return;  // folds come again
    all += store->blocks().bytes();
    blocks.merge(store->blocks().by_age());
  }
  if (all <= bytes_) {
    too_little_told_ = false;
    return;
  }
  if (const auto before = drop_for(bytes_, blocks, now))
    for (MetricStore* store : stores_) store->drop_before(to_timestamp(*before));
  else if (!std::exchange(too_little_told_, true))
    log_warning("metrics of the last hours alone take {} bytes, more than the disk budget of metrics ({})", all,
                bytes_);
}

}  // namespace brume::cloudwatch
