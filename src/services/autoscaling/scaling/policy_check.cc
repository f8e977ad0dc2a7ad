#include "services/autoscaling/scaling/policy_check.h"

#include <algorithm>
#include <cmath>
#include <set>

#include "services/autoscaling/scaling/step_scaling.h"

namespace brume::autoscaling {
namespace {

constexpr std::int32_t kLongestPeriod = 60;  // of a metric that is tracked

// A parameter that another type of policy has.
struct Foreign {
  bool given;
  std::string_view name;
};

template <std::size_t N>
Result<void> refuse(const Foreign (&foreign)[N], std::string_view type) {
  for (const Foreign& one : foreign)
    if (one.given) return fail("ValidationError", "{} is not supported for a {} policy", one.name, type);
  return {};
}

Result<void> check_adjustment(const PutScalingPolicyType& request, std::string_view type) {
  if (!request.AdjustmentType)
    return fail("ValidationError", "You must specify an AdjustmentType for policy type: {}", type);
  const std::string& how = *request.AdjustmentType;
  if (how != "ChangeInCapacity" && how != "ExactCapacity" && how != "PercentChangeInCapacity")
    return fail("ValidationError",
                "Invalid AdjustmentType {}: it is ChangeInCapacity, ExactCapacity or PercentChangeInCapacity", how);
  const auto magnitude = request.MinAdjustmentMagnitude ? request.MinAdjustmentMagnitude : request.MinAdjustmentStep;
  if (!magnitude) return {};
  if (request.MinAdjustmentMagnitude && request.MinAdjustmentStep)
    return fail("ValidationError", "MinAdjustmentStep is the old name of MinAdjustmentMagnitude: specify one of them");
  if (how != "PercentChangeInCapacity")
    return fail("ValidationError",
                "MinAdjustmentMagnitude is only supported for the PercentChangeInCapacity adjustment");
  if (*magnitude < 1) return fail("ValidationError", "MinAdjustmentMagnitude must be at least 1");
  return {};
}

Result<void> check_exact(const PutScalingPolicyType& request, int adjustment) {
  if (request.AdjustmentType == "ExactCapacity" && adjustment < 0)
    return fail("ValidationError", "ScalingAdjustment must not be negative for the ExactCapacity adjustment");
  return {};
}

Result<void> check_period(std::optional<std::int32_t> period) {
  if (!period) return {};
  if (*period > kLongestPeriod) return fail("ValidationError", "A metric period greater than 60 isn't supported");
  if (*period != 10 && *period != 20 && *period != 30 && *period != 60)
    return fail("ValidationError", "The metric period {} is not valid: it is 10, 20, 30 or 60 seconds", *period);
  return {};
}

Result<void> check_queries(const List<TargetTrackingMetricDataQuery>& queries) {
  constexpr std::size_t kMostQueries = 10;  // of a CloudWatch alarm
  if (queries.size() > kMostQueries)
    return fail("ValidationError", "A metric has at most {} metric data queries", kMostQueries);
  std::set<std::int32_t> periods;
  std::set<std::string> ids;
  int returning = 0;
  for (const TargetTrackingMetricDataQuery& query : queries) {
    if (!ids.insert(*query.Id).second)
      return fail("ValidationError", "The Id {} is used by more than one metric data query", *query.Id);
    if (query.Expression && query.MetricStat)
      return fail("ValidationError",
                  "The parameters MetricDataQuery Expression and MetricStat are mutually exclusive and you have "
                  "specified both");
    if (!query.Expression && !query.MetricStat)
      return fail("ValidationError", "Either MetricDataQuery Expression or MetricStat must be specified");
    returning += query.ReturnData.value_or(true);
    const auto period = query.MetricStat && query.MetricStat->Period ? query.MetricStat->Period : query.Period;
    BRUME_CHECK(check_period(period));
    if (period) periods.insert(*period);
  }
  if (returning != 1) return fail("ValidationError", "Exactly one element of the metrics list should return data");
  if (periods.size() > 1) return fail("ValidationError", "All metrics in the alarm should have the same period");
  return {};
}

Result<void> check_custom(const CustomizedMetricSpecification& metric) {
  if (!metric.Metrics.empty()) {
    if (!metric.Dimensions.empty() || metric.MetricName || metric.Namespace || metric.Statistic || metric.Unit ||
        metric.Period)
      return fail("ValidationError",
                  "A customized metric specification with 'Metrics' specified cannot have any of ['Dimensions', "
                  "'MetricName', 'Namespace', 'Statistic', 'Unit', 'Period'] specified as well");
    return check_queries(metric.Metrics);
  }
  if (!metric.MetricName || !metric.Namespace || !metric.Statistic)
    return fail("ValidationError",
                "A customized metric specification must have MetricName, Namespace and Statistic, or Metrics");
  return check_period(metric.Period);
}

Result<void> check_tracking(const TargetTrackingConfiguration& tracking) {
  if (tracking.PredefinedMetricSpecification.has_value() == tracking.CustomizedMetricSpecification.has_value())
    return fail("ValidationError",
                "You should provide either a CustomizedMetricSpecification or a PredefinedMetricSpecification");
  if (!std::isfinite(*tracking.TargetValue) || *tracking.TargetValue <= 0)
    return fail("ValidationError", "TargetValue must be greater than 0");
  if (tracking.CustomizedMetricSpecification) return check_custom(*tracking.CustomizedMetricSpecification);
  const PredefinedMetricSpecification& metric = *tracking.PredefinedMetricSpecification;
  const std::string& type = *metric.PredefinedMetricType;
  if (type != "ALBRequestCountPerTarget") {
    if (metric.ResourceLabel)
      return fail("ValidationError", "Resource label should not be specified for predefined metric type {}", type);
    return {};
  }
  if (!metric.ResourceLabel)
    return fail("ValidationError", "Resource label should be specified for predefined metric type {}", type);
  BRUME_CHECK(parse_resource_label(*metric.ResourceLabel));
  return {};
}

}  // namespace

Result<ResourceLabel> parse_resource_label(const std::string& label) {
  const std::size_t middle = label.find("/targetgroup/");
  const auto parts = [](std::string_view text) { return std::ranges::count(text, '/'); };
  if (middle != std::string::npos && label.starts_with("app/")) {
    ResourceLabel found{label.substr(0, middle), label.substr(middle + 1)};
    if (parts(found.load_balancer) == 2 && parts(found.target_group) == 2 && label.find("//") == std::string::npos &&
        !label.ends_with('/'))
      return found;
  }
  return fail("ValidationError",
              "The resource label {} is not valid: it is "
              "app/<load balancer name>/<load balancer id>/targetgroup/<target group name>/<target group id>",
              label);
}

Result<void> check_policy(const PutScalingPolicyType& request) {
  const std::string type = request.PolicyType.value_or("SimpleScaling");
  if (type == "PredictiveScaling" || request.PredictiveScalingConfiguration)
    return fail("UnsupportedOperation", "Brume's Auto Scaling groups do not support the policy type PredictiveScaling");
  if (request.Cooldown.value_or(0) < 0 || request.EstimatedInstanceWarmup.value_or(0) < 0)
    return fail("ValidationError", "Cooldown and EstimatedInstanceWarmup must not be negative");
  if (type == "SimpleScaling") {
    BRUME_CHECK(refuse({{request.MetricAggregationType.has_value(), "MetricAggregationType"},
                        {request.EstimatedInstanceWarmup.has_value(), "EstimatedInstanceWarmup"},
                        {!request.StepAdjustments.empty(), "StepAdjustments"},
                        {request.TargetTrackingConfiguration.has_value(), "TargetTrackingConfiguration"}},
                       type));
    BRUME_CHECK(check_adjustment(request, type));
    if (!request.ScalingAdjustment)
      return fail("ValidationError", "Scaling increment must be specified for a SimpleScaling policy");
    return check_exact(request, *request.ScalingAdjustment);
  }
  if (type == "StepScaling") {
    BRUME_CHECK(refuse({{request.ScalingAdjustment.has_value(), "ScalingAdjustment"},
                        {request.TargetTrackingConfiguration.has_value(), "TargetTrackingConfiguration"}},
                       type));
    BRUME_CHECK(check_adjustment(request, type));
    const std::string aggregation = request.MetricAggregationType.value_or("Average");
    if (aggregation != "Average" && aggregation != "Minimum" && aggregation != "Maximum")
      return fail("ValidationError", "Invalid MetricAggregationType {}: it is Average, Minimum or Maximum",
                  aggregation);
    BRUME_CHECK(check_steps(request.StepAdjustments));
    for (const StepAdjustment& step : request.StepAdjustments)
      BRUME_CHECK(check_exact(request, *step.ScalingAdjustment));
    return {};
  }
  if (type == "TargetTrackingScaling") {
    const Foreign foreign[] = {
        {request.MetricAggregationType.has_value(), "MetricAggregationType"},
        {request.MinAdjustmentMagnitude.has_value() || request.MinAdjustmentStep.has_value(), "MinAdjustmentMagnitude"},
        {request.ScalingAdjustment.has_value(), "ScalingAdjustment"},
        {!request.StepAdjustments.empty(), "StepAdjustments"}};
    for (const Foreign& one : foreign)
      if (one.given) return fail("ValidationError", "{} are not supported for a TargetTracking policy", one.name);
    if (!request.TargetTrackingConfiguration)
      return fail("ValidationError", "You should provide a TargetTrackingConfiguration");
    return check_tracking(*request.TargetTrackingConfiguration);
  }
  return fail("ValidationError",
              "Invalid PolicyType {}: it is SimpleScaling, StepScaling, TargetTrackingScaling or PredictiveScaling",
              type);
}

}  // namespace brume::autoscaling
