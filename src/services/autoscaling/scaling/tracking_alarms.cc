#include "services/autoscaling/scaling/tracking_alarms.h"

#include <fmt/format.h>

#include "services/autoscaling/scaling/policy_check.h"

namespace brume::autoscaling {
namespace {

constexpr std::size_t kLongestName = 255;
constexpr std::int32_t kDefaultPeriod = 60;
constexpr std::int32_t kHighPeriods = 3;
constexpr std::int32_t kLowSeconds = 15 * 60;
constexpr double kLowThreshold = 0.9;

struct Predefined {
  const char *metric_namespace, *name, *statistic, *unit;
};

Predefined predefined(const std::string& type) {
  if (type == "ASGAverageNetworkIn") return {"AWS/EC2", "NetworkIn", "Average", "Bytes"};
  if (type == "ASGAverageNetworkOut") return {"AWS/EC2", "NetworkOut", "Average", "Bytes"};
  if (type == "ALBRequestCountPerTarget") return {"AWS/ApplicationELB", "RequestCountPerTarget", "Sum", nullptr};
  return {"AWS/EC2", "CPUUtilization", "Average", "Percent"};
}

cloudwatch::Dimension dimension(std::string name, std::string value) {
  return {std::move(name), std::move(value)};
}

List<cloudwatch::Dimension> dimensions(const List<MetricDimension>& given) {
  List<cloudwatch::Dimension> all;
  for (const MetricDimension& one : given) all.push_back(dimension(*one.Name, *one.Value));
  return all;
}

// All queries of an alarm have one period.
std::int32_t period_of(const List<TargetTrackingMetricDataQuery>& queries) {
  for (const TargetTrackingMetricDataQuery& query : queries) {
    if (query.MetricStat && query.MetricStat->Period) return *query.MetricStat->Period;
    if (query.Period) return *query.Period;
  }
  return kDefaultPeriod;
}

cloudwatch::MetricDataQuery query_of(const TargetTrackingMetricDataQuery& given, std::int32_t period) {
  cloudwatch::MetricDataQuery query;
  query.Id = given.Id;
  query.Expression = given.Expression;
  query.Label = given.Label;
  query.ReturnData = given.ReturnData.value_or(true);
  if (given.Expression) query.Period = period;
  if (!given.MetricStat) return query;
  cloudwatch::MetricStat& stat = query.MetricStat.emplace();
  stat.Stat = given.MetricStat->Stat;
  stat.Unit = given.MetricStat->Unit;
  stat.Period = period;
  stat.Metric.emplace().Namespace = given.MetricStat->Metric->Namespace;
  stat.Metric->MetricName = given.MetricStat->Metric->MetricName;
  stat.Metric->Dimensions = dimensions(given.MetricStat->Metric->Dimensions);
  return query;
}

// What is measured, and how often.
void measure(cloudwatch::PutMetricAlarmInput& alarm, std::int32_t& period, const TargetTrackingConfiguration& tracking,
             const std::string& group) {
  if (tracking.PredefinedMetricSpecification) {
    const Predefined metric = predefined(*tracking.PredefinedMetricSpecification->PredefinedMetricType);
    alarm.Namespace = metric.metric_namespace;
    alarm.MetricName = metric.name;
    alarm.Statistic = metric.statistic;
    if (metric.unit) alarm.Unit = metric.unit;
    if (const auto& label = tracking.PredefinedMetricSpecification->ResourceLabel)
      alarm.Dimensions = {dimension("TargetGroup", parse_resource_label(*label)->target_group)};
    else
      alarm.Dimensions = {dimension("AutoScalingGroupName", group)};
    alarm.Period = period = kDefaultPeriod;
    return;
  }
  const CustomizedMetricSpecification& metric = *tracking.CustomizedMetricSpecification;
  if (!metric.Metrics.empty()) {
    period = period_of(metric.Metrics);
    for (const TargetTrackingMetricDataQuery& query : metric.Metrics) alarm.Metrics.push_back(query_of(query, period));
    return;
  }
  alarm.Namespace = metric.Namespace;
  alarm.MetricName = metric.MetricName;
  alarm.Statistic = metric.Statistic;
  alarm.Unit = metric.Unit;
  alarm.Dimensions = dimensions(metric.Dimensions);
  alarm.Period = period = metric.Period.value_or(kDefaultPeriod);
}

}  // namespace

std::string tracking_alarm_name(std::string_view group, bool high, std::string_view uuid) {
  const std::string tail = fmt::format("-Alarm{}-{}", high ? "High" : "Low", uuid);
  std::string head = fmt::format("TargetTracking-{}", group);
  if (head.size() + tail.size() > kLongestName) head.resize(kLongestName - tail.size());
  return head + tail;
}

bool is_high_alarm(std::string_view name) {
  constexpr std::size_t kUuid = 36;
  return name.size() > kUuid && name.substr(0, name.size() - kUuid).ends_with("-AlarmHigh-");
}

std::vector<cloudwatch::PutMetricAlarmInput> tracking_alarms(const ScalingPolicy& policy) {
  const TargetTrackingConfiguration& tracking = *policy.TargetTrackingConfiguration;
  std::vector<cloudwatch::PutMetricAlarmInput> alarms;
  for (const Alarm& given : policy.Alarms) {
    const bool high = is_high_alarm(*given.AlarmName);
    cloudwatch::PutMetricAlarmInput& alarm = alarms.emplace_back();
    std::int32_t period = kDefaultPeriod;
    alarm.AlarmName = given.AlarmName;
    alarm.AlarmDescription =
        fmt::format("DO NOT EDIT OR DELETE. For TargetTrackingScaling policy {}.", *policy.PolicyARN);
    alarm.ActionsEnabled = true;
    alarm.AlarmActions = {*policy.PolicyARN};
    measure(alarm, period, tracking, *policy.AutoScalingGroupName);
    alarm.EvaluationPeriods = high ? kHighPeriods : kLowSeconds / period;
    alarm.Threshold = high ? *tracking.TargetValue : kLowThreshold * *tracking.TargetValue;
    alarm.ComparisonOperator = high ? "GreaterThanThreshold" : "LessThanThreshold";
  }
  return alarms;
}

}  // namespace brume::autoscaling
