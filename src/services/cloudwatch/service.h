// CloudWatch: metrics, alarms on them, dashboards.
#pragma once

#include "services/cloudwatch/alarm_operations.h"
#include "services/common/alarm_actions.h"
#include "services/common/context.h"

namespace brume::cloudwatch {

// There are no metrics yet.
class NoMetricsYet : public MetricReader {
 public:
  [[nodiscard]] std::vector<MetricPoint> read(const MetricId&, const Statistic&, std::chrono::seconds, Timestamp,
                                              Timestamp, const std::optional<std::string>&) const override {
    return {};
  }
  [[nodiscard]] std::vector<MetricId> list(const MetricFilter&, std::size_t,
                                           const std::optional<MetricId>&) const override {
    return {};
  }
};

class Service : private NoMetricsYet, public AlarmOperations {
 public:
  // `actions` holds who carries out what alarms ask for.
  Service(services::Context context, services::AlarmActions& actions)
      : AlarmOperations(std::move(context), static_cast<const NoMetricsYet&>(*this), actions) {}
};

}  // namespace brume::cloudwatch
