// What a metric maths expression comes to ("Functions supported for metric math", CloudWatch user guide).
//
// Pure: metrics, other expressions and searches come through the Source. Bounded: at most 500 series in an array and
// 2,000,000 points in all. Refuses by name what needs more than the metrics: ANOMALY_DETECTION_BAND, SERVICE_QUOTA,
// INSIGHT_RULE_METRIC, DB_PERF_INSIGHTS, LAMBDA.
#pragma once

#include <optional>
#include <string>

#include "base/result.h"
#include "services/cloudwatch/expression/search.h"
#include "services/cloudwatch/expression/series.h"
#include "services/cloudwatch/expression/syntax.h"

namespace brume::cloudwatch::expression {

inline constexpr std::size_t kMostSeries = 500;

class Source {
 public:
  virtual ~Source() = default;
  // The query with this id. Errors: ValidationError if there is none, or what evaluating it answers.
  virtual Result<Value> query(const std::string& id) = 0;
  // The queries of metrics whose id contains this.
  virtual Result<Array> metrics(const std::string& contained) = 0;
  // The metrics that are found, at most kMostSeries; without a period, that of the expression.
  virtual Result<Array> search(const Search& search, const std::string& statistic,
                               std::optional<std::chrono::seconds> period) = 0;
};

// Series that are not sparse (TIME_SERIES, FILL, HOUR, …) have a point every `period` in [start, end).
struct Range {
  Timestamp start, end;
  std::chrono::seconds period{60};
};

// Errors: ValidationError saying which function or operator was given what it cannot take.
Result<Value> evaluate(const Node& node, Source& source, const Range& range);

}  // namespace brume::cloudwatch::expression
