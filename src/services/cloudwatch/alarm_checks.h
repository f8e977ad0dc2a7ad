// What PutMetricAlarm and PutCompositeAlarm ask of their input besides the model, and what an alarm watches.
//
// Pure. Refuses by name what Brume does not have: anomaly detection, PromQL, Metrics Insights, actions of services
// other than Auto Scaling, EC2 and SNS.
#pragma once

#include <string>
#include <vector>

#include "cloudwatch/shapes.h"
#include "services/cloudwatch/alarm_evaluation.h"
#include "services/cloudwatch/metric_queries.h"

namespace brume::cloudwatch {

// The alarm's configuration, without its name's ARN, state and times. Errors: ValidationError,
// InvalidParameterCombination.
Result<MetricAlarm> check_metric_alarm(const PutMetricAlarmInput& input, const std::string& region);
// The rule is read here; whether its alarms exist and go round in a circle is for the caller.
Result<CompositeAlarm> check_composite_alarm(const PutCompositeAlarmInput& input, const std::string& region);

// At most 50, each key once, none that begins with "aws:". Errors: ValidationError, LimitExceeded.
Result<void> check_tags(const List<Tag>& tags);

// What a metric alarm watches: a metric or maths over several.
struct AlarmSource {
  std::vector<MetricQuery> queries;
  std::size_t returned = 0;  // the query whose result is compared
  std::chrono::seconds period{60};
};
Result<AlarmSource> source_of(const MetricAlarm& alarm);
AlarmCriteria criteria_of(const MetricAlarm& alarm);

}  // namespace brume::cloudwatch
