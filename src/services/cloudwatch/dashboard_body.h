// Is a text the body of a dashboard ("Dashboard body structure and syntax", CloudWatch API reference)?
//
// Pure. Checks the frame (widgets, their places and types) and what Brume's users get wrong most: the metrics of a
// widget. What else a widget holds is for whoever draws it.
#pragma once

#include <string_view>

#include "base/result.h"
#include "cloudwatch/shapes.h"

namespace brume::cloudwatch {

// What is odd and passed over (properties that a widget does not have). Errors: InvalidParameterInput with all that is
// wrong, as CloudWatch words it.
Result<List<DashboardValidationMessage>> check_dashboard_body(std::string_view body);

}  // namespace brume::cloudwatch
