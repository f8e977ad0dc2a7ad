// What programs have sent by StatsD's protocol, summed up as the CloudWatch agent does it.
//
// Pure. Of each metric (name, type and tags), counters, gauges and sets give one value a collection interval and then
// begin anew (a gauge, too: what is added to it later is added to nothing); timings and histograms give all of theirs.
// The values of an aggregation interval are one datum, at the interval's begin. (Source: CloudWatch user guide,
// "Retrieve custom metrics with StatsD"; github.com/aws/amazon-cloudwatch-agent, plugins/inputs/statsd.)
//
// Bounds, so that no program takes the instance's memory: kMaxSeries metrics a collection interval, kMaxNameBytes of
// names and tags, kMaxDistinct different values of one (then they are rounded to two digits), kMaxStored of all. What
// is beyond, and lines that are none, are counted and left out.
#pragma once

#include <cstdint>
#include <map>
#include <set>
#include <string_view>
#include <tuple>
#include <vector>

#include "compute/agent/metric_datum.h"
#include "compute/agent/statsd_line.h"

namespace brume::agent {

inline constexpr std::size_t kMaxSeries = 10'000;
inline constexpr std::size_t kMaxNameBytes = 4 << 20;
inline constexpr std::size_t kMaxDistinct = 1'000;
inline constexpr std::size_t kMaxStored = 100'000;  // values and members of sets

class Statsd {
 public:
  explicit Statsd(StatsdConfig config) : config_(std::move(config)) {}

  void take(std::string_view datagram);
  // A collection interval is over.
  void collect(Timestamp now);
  // The aggregation intervals that are over, or all.
  std::vector<Datum> take_data(Timestamp now, bool all = false);

  struct Lost {
    std::uint64_t malformed = 0, beyond = 0;  // lines and values since the beginning

    bool operator==(const Lost&) const = default;
  };
  [[nodiscard]] const Lost& lost() const { return lost_; }

 private:
  using Key = std::tuple<std::string, StatsdType, Dimensions>;
  using Values = std::map<double, double>;  // and how often each came
  struct Current {
    double number = 0;                // of counters and gauges
    std::set<std::uint64_t> members;  // of sets, hashes
    Values values;                    // of timings and histograms
  };

  // Null if there is no room for it.
  Current* series(const StatsdLine& line, StatsdType type);
  void add(Current& current, const StatsdValue& value);
  void add(Values& values, double value, double count);

  StatsdConfig config_;
  std::map<Key, Current> current_;
  std::map<std::int64_t, std::map<Key, Values>> intervals_;  // by their begin, seconds
  std::size_t stored_ = 0, name_bytes_ = 0;
  Lost lost_;
};

}  // namespace brume::agent
