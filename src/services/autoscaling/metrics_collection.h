// Which of a group's own metrics are collected, and their publishing, once a minute. Leaves to others: what they are
// (group_metrics.h).
#pragma once

#include <map>
#include <string>

#include "autoscaling/api.h"
#include "services/autoscaling/group_state.h"
#include "services/common/metric_sink.h"

namespace brume::autoscaling {

class MetricsCollectionOperations : public virtual Api, protected GroupPart {
 public:
  MetricsCollectionOperations(GroupState& state, services::MetricSink& metrics) : GroupPart(state), metrics_(metrics) {}
  // Publishes at each full minute from now on.
  void start_metrics();

  Result<void> EnableMetricsCollection(const Call&, const EnableMetricsCollectionQuery&) override;
  Result<void> DisableMetricsCollection(const Call&, const DisableMetricsCollectionQuery&) override;

 private:
  services::MetricSink& metrics_;
  std::map<std::string, services::MetricSubject> subjects_;  // groups that were published
};

}  // namespace brume::autoscaling
