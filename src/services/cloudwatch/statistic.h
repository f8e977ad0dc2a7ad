// Statistics: their names as CloudWatch spells them, and what they are of samples put together.
//
// Names (CloudWatch user guide, "Statistics definitions"): Average, Sum, Minimum, Maximum, SampleCount; p0 to p100 with
// up to ten decimals; tm90, TM(10%:90%), TM(150:1000), TM(:5), IQM; wm, tc, ts likewise; PR(100:2000). Either case.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "services/cloudwatch/aggregate.h"
#include "services/cloudwatch/metric_reader.h"

namespace brume::cloudwatch {

// None if it is no statistic's name.
std::optional<Statistic> parse_statistic(std::string_view name);
// The usual spelling: "p99.9", "tm90", "TM(10%:90%)", "IQM".
std::string statistic_name(const Statistic& statistic);
// Is it one of the five that need no values, only sums? (The API's `Statistics`, not its `ExtendedStatistics`.)
bool is_simple(const Statistic& statistic);

// The statistic of `samples` (count > 0). None where it needs values that are not known, or some are negative
// (GetMetricStatistics: not available then).
//
// A percentile is the least value that at least so many percent of the samples do not exceed. Percent bounds cut the
// sorted samples where they fall, within a sample too: tm90 of one sample is its value. Bounds by value leave out the
// lower and keep the upper one. Nothing between the bounds: none for means, 0 for counts, sums and ranks.
std::optional<double> evaluate(const Statistic& statistic, const Aggregate& samples);

}  // namespace brume::cloudwatch
