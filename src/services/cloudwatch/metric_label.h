// Labels of GetMetricData's results, with their dynamic parts ("Using dynamic labels", CloudWatch user guide).
//
// Pure. Knows ${LABEL}, ${PROP('…')}, ${AVG} ${MAX} ${MIN} ${SUM} ${FIRST} ${LAST} ${DATAPOINT_COUNT}, and ${MAX_TIME}
// ${MIN_TIME} ${FIRST_TIME} ${LAST_TIME}; refuses others by name.
#pragma once

#include <chrono>
#include <string>

#include "base/result.h"
#include "services/cloudwatch/expression/series.h"
#include "services/cloudwatch/metric_queries.h"

namespace brume::cloudwatch {

// "+0130", "-0800". Errors: ValidationError.
Result<std::chrono::minutes> read_timezone(const std::string& text);

// The label of one result. `several`: the query comes to an array, whose series have labels of their own.
Result<std::string> label_of(const MetricQuery& query, const expression::Series& series, bool several,
                             std::chrono::minutes timezone);

}  // namespace brume::cloudwatch
