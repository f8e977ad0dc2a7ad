// CloudWatch: metrics, alarms on them, dashboards.
#pragma once

#include "services/cloudwatch/alarm_operations.h"
#include "services/cloudwatch/metric_operations.h"

namespace brume::cloudwatch {

class Service : public MetricOperations, public AlarmOperations {
 public:
  // `actions` holds who carries out what alarms ask for. `budget`: of what metrics take on disk, all regions' together.
  Service(const services::Context& context, services::AlarmActions& actions, MetricBudget* budget = nullptr)
      : MetricOperations(context, {}, budget), AlarmOperations(context, metrics(), actions) {}
  // Reads the tables.
  Result<void> load() {
    BRUME_CHECK(load_metrics());
    return load_alarms();
  }
  void start() {
    start_metrics();
    start_alarms();
  }
};

}  // namespace brume::cloudwatch
