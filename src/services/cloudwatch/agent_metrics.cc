#include "services/cloudwatch/agent_metrics.h"

namespace brume::cloudwatch {

void AgentMetrics::note(const SeriesKey& series, env::MonotonicTime now) {
  if (last_.size() >= kMost) std::erase_if(last_, [&](const auto& one) { return now - one.second > kHold; });
  std::pair key(series.metric, series.dimensions);
  if (const auto known = last_.find(key); known != last_.end())
    known->second = now;
  else if (last_.size() < kMost)
    last_.emplace(std::move(key), now);
}

bool AgentMetrics::is_published(const SeriesKey& series, env::MonotonicTime now) const {
  const auto known = last_.find({series.metric, series.dimensions});
  return known != last_.end() && now - known->second <= kHold;
}

}  // namespace brume::cloudwatch
