// Names of statistics: "Average", "p99.9".
#pragma once

#include <optional>
#include <string_view>

#include "services/cloudwatch/metric_reader.h"

namespace brume::cloudwatch {

// None if it is no statistic's name.
std::optional<Statistic> parse_statistic(std::string_view name);

}  // namespace brume::cloudwatch
