// What PutMetricData is given, checked and as the metric store takes it.
//
// Pure. All that is wrong is told, a line each, as CloudWatch does; the first decides the error's code.
#pragma once

#include <vector>

#include "base/result.h"
#include "cloudwatch/shapes.h"
#include "services/cloudwatch/metric_store.h"

namespace brume::cloudwatch {

// What metric names, namespaces and dimensions are made of: printable ASCII, something but blanks, no colon in front.
bool is_metric_text(std::string_view text);

// Errors: InvalidParameterValue, InvalidParameterCombination, MissingParameter.
Result<std::vector<MetricStore::Sample>> read_metric_data(const PutMetricDataInput& input, Timestamp now);

// A metric's dimensions in the order of their names. `place` is what an error calls them ("Dimensions"). Errors:
// InvalidParameterValue.
Result<std::vector<std::pair<std::string, std::string>>> read_dimensions(const List<Dimension>& dimensions,
                                                                         std::string_view place);

}  // namespace brume::cloudwatch
