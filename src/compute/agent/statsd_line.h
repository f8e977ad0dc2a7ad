// A line of StatsD's protocol, with DogStatsD's tags: "name:value|type|@rate|#tag:value,tag".
//
// Pure. As the CloudWatch agent reads it: several values may be given ("name:1|c:2|c"), tags as well behind the name
// ("name,tag=value"); a tag without a value is "<empty>"; a rate that is none is passed over. What CloudWatch would not
// take as a name, a dimension or a value is no line here, since a whole call would be refused for it.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "compute/agent/metrics_config.h"

namespace brume::agent {

enum class StatsdType { counter, gauge, timing, histogram, set };

struct StatsdValue {
  StatsdType type = StatsdType::counter;
  double number = 0;      // of a counter a whole one, that the rate is in; of a set: none
  double weight = 1;      // of timings and histograms: for how many it stands, by the rate
  bool relative = false;  // of a gauge: to be added
  std::string member;     // of a set
};

struct StatsdLine {
  std::string name;
  Dimensions tags;
  std::vector<StatsdValue> values;
};

// `separator` stands for the points in the name. Nothing for what is no such line.
std::optional<StatsdLine> parse_statsd(std::string_view line, std::string_view separator);

// What the dimension metric_type says: "counter", "gauge", "timing", "histogram", "set".
std::string_view metric_type(StatsdType type);

}  // namespace brume::agent
