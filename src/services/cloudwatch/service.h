// CloudWatch: metrics, alarms on them, dashboards.
#pragma once

#include "cloudwatch/api.h"
#include "services/cloudwatch/metric_operations.h"
#include "services/common/alarm_actions.h"
#include "services/common/context.h"

namespace brume::cloudwatch {

class Service : public MetricOperations {
 public:
  // `actions` holds who carries out what alarms ask for.
  Service(const services::Context& context, services::AlarmActions& actions)
      : MetricOperations(context), actions_(actions) {}
  // Reads the tables.
  Result<void> load() { return load_metrics(); }
  void start() { start_metrics(); }

 private:
  [[maybe_unused]] services::AlarmActions& actions_;
};

}  // namespace brume::cloudwatch
