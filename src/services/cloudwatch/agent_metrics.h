// Which metrics the agents inside instances publish themselves, of those that EC2 publishes of each instance.
//
// EC2 puts the memory that an instance uses into the namespace CWAgent, as if each image had the CloudWatch agent.
// Where one has it, and it publishes the same metric, that is the user's own word: EC2's samples are left out while it
// does, or counts and sums would be of both. Pure; in memory only, so that for a restart's first minute there may be
// both.
#pragma once

#include <chrono>
#include <map>
#include <string>
#include <string_view>
#include <utility>

#include "env/clock.h"
#include "services/cloudwatch/series_index.h"

namespace brume::cloudwatch {

// The one namespace of users' that EC2 puts into as well.
inline constexpr std::string_view kAgentNamespace = "CWAgent";

class AgentMetrics {
 public:
  // A user has put a sample. At most kMost are known at a time.
  void note(const SeriesKey& series, env::MonotonicTime now);
  [[nodiscard]] bool empty() const { return last_.empty(); }
  // Was it put within kHold? That is two of EC2's longer intervals; agents publish each minute.
  [[nodiscard]] bool is_published(const SeriesKey& series, env::MonotonicTime now) const;

  static constexpr std::chrono::minutes kHold{10};
  static constexpr std::size_t kMost = 20'000;

 private:
  std::map<std::pair<std::string, std::string>, env::MonotonicTime> last_;
};

}  // namespace brume::cloudwatch
