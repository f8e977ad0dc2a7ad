#include "services/autoscaling/metrics_collection.h"

#include <algorithm>

#include "services/autoscaling/group_metrics.h"

namespace brume::autoscaling {
namespace {

// What is asked for, or all that there is. Error: ValidationError for a metric that groups do not have.
Result<std::vector<std::string>> metrics_of(const List<std::string>& wanted, const List<MetricCollectionType>& all) {
  std::vector<std::string> found;
  if (wanted.empty())
    for (const MetricCollectionType& type : all) found.push_back(*type.Metric);
  for (const std::string& metric : wanted) {
    if (std::ranges::find(all, std::optional(metric), &MetricCollectionType::Metric) == all.end())
      return fail("ValidationError", "{} is not a metric that Brume collects of Auto Scaling groups", metric);
    found.push_back(metric);
  }
  return found;
}

}  // namespace

Result<void> MetricsCollectionOperations::EnableMetricsCollection(const Call& call,
                                                                  const EnableMetricsCollectionQuery& request) {
  const std::string& name = *request.AutoScalingGroupName;
  BRUME_CHECK(find_group(name));
  BRUME_TRY(types, DescribeMetricCollectionTypes(call));
  if (*request.Granularity != *types.Granularities.front().Granularity)
    return fail("ValidationError", "The granularity {} is not valid: it is 1Minute", *request.Granularity);
  BRUME_TRY(metrics, metrics_of(request.Metrics, types.Metrics));
  groups_.modify(name, [&](GroupRecord& record) {
    auto& enabled = record.group.EnabledMetrics;
    for (const std::string& metric : metrics)
      if (std::ranges::find(enabled, std::optional(metric), &EnabledMetric::Metric) == enabled.end())
        enabled.push_back({metric, request.Granularity});
  });
  return {};
}

Result<void> MetricsCollectionOperations::DisableMetricsCollection(const Call& call,
                                                                   const DisableMetricsCollectionQuery& request) {
  const std::string& name = *request.AutoScalingGroupName;
  BRUME_CHECK(find_group(name));
  BRUME_TRY(types, DescribeMetricCollectionTypes(call));
  BRUME_TRY(metrics, metrics_of(request.Metrics, types.Metrics));
  groups_.modify(name, [&](GroupRecord& record) {
    std::erase_if(record.group.EnabledMetrics,
                  [&](const EnabledMetric& one) { return std::ranges::find(metrics, *one.Metric) != metrics.end(); });
  });
  return {};
}

void MetricsCollectionOperations::start_metrics() {
  const std::chrono::milliseconds period = context_.scaled(std::chrono::minutes(1));
  context_.env.loop.after(period - context_.env.clock.wall().time_since_epoch() % period, [this, period] {
    const auto minute = context_.env.clock.wall().time_since_epoch() / period * period;
    services::MetricBatch batch{Timestamp(minute)};
    for (const auto& [name, record] : groups_.rows()) {
      if (record.group.EnabledMetrics.empty()) continue;
      List<Instance> pool;
      for (const MemberRecord* member : pool_of(name)) pool.push_back(member->instance);
      const auto subject = subjects_.find(name);
      services::MetricSubject& group =
          subject != subjects_.end()
              ? subject->second
              : subjects_.emplace(name, services::MetricSubject{kGroupDefinitions, {{"AutoScalingGroupName", name}}})
                    .first->second;
      for (const auto& [metric, value] : group_metrics(shown(record), pool))
        batch.add(group, metric, value, 1, value, value, {});
    }
    metrics_.put(batch);
    std::erase_if(subjects_, [&](const auto& subject) { return !groups_.contains(subject.first); });
    start_metrics();
  });
}

}  // namespace brume::autoscaling
