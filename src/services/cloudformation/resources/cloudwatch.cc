// Alarms and dashboards.
#include "services/cloudformation/resources/apis.h"
#include "services/cloudformation/resources/properties.h"
#include "services/common/ids.h"

namespace brume::cloudformation::resources {
namespace {

using Tags = List<cloudwatch::Tag>;

// The name of a new one, recorded with its ARN.
std::string name_alarm(const Work& work, Instance& instance) {
  if (instance.physical_id.empty())
    instance.physical_id = instance.properties.find("AlarmName") ? instance.text("AlarmName") : work.name;
  instance.attributes.set(
      "Arn", Value::string(services::arn("cloudwatch", work.call.region, "alarm:" + instance.physical_id)));
  return instance.physical_id;
}

template <typename Request>
Result<Request> alarm_request(const Work& work, Instance& instance, bool fresh) {
  BRUME_TRY(request, read<Request>(without(instance.properties, {"Tags"})));
  request.AlarmName = name_alarm(work, instance);
  // A put changes no tags of an alarm that is there.
  if (fresh)
    for (const auto& [key, value] : tags_of(instance.properties)) {
      auto& tag = request.Tags.emplace_back();
      tag.Key = key;
      tag.Value = value;
    }
  return std::move(request);
}

Result<void> retag(Work& work, const Instance& instance, const Value& before) {
  const TagChanges changes = tag_changes(before, instance.properties);
  const std::string arn = instance.attributes.text_of("Arn");
  if (!changes.drop.empty()) {
    cloudwatch::UntagResourceInput request;
    request.ResourceARN = arn;
    request.TagKeys = changes.drop;
    BRUME_CHECK(work.apis.cloudwatch.UntagResource(work.call, request));
  }
  if (changes.put.empty()) return {};
  cloudwatch::TagResourceInput request;
  request.ResourceARN = arn;
  for (const auto& [key, value] : changes.put) {
    auto& tag = request.Tags.emplace_back();
    tag.Key = key;
    tag.Value = value;
  }
  BRUME_CHECK(work.apis.cloudwatch.TagResource(work.call, request));
  return {};
}

Result<void> create_alarm(Work& work, Instance& instance) {
  BRUME_TRY(request, alarm_request<cloudwatch::PutMetricAlarmInput>(work, instance, true));
  return work.apis.cloudwatch.PutMetricAlarm(work.call, request);
}

Result<void> update_alarm(Work& work, Instance& instance, const Value& before) {
  BRUME_TRY(request, alarm_request<cloudwatch::PutMetricAlarmInput>(work, instance, false));
  BRUME_CHECK(work.apis.cloudwatch.PutMetricAlarm(work.call, request));
  return retag(work, instance, before);
}

Result<void> create_composite(Work& work, Instance& instance) {
  BRUME_TRY(request, alarm_request<cloudwatch::PutCompositeAlarmInput>(work, instance, true));
  return work.apis.cloudwatch.PutCompositeAlarm(work.call, request);
}

Result<void> update_composite(Work& work, Instance& instance, const Value& before) {
  BRUME_TRY(request, alarm_request<cloudwatch::PutCompositeAlarmInput>(work, instance, false));
  BRUME_CHECK(work.apis.cloudwatch.PutCompositeAlarm(work.call, request));
  return retag(work, instance, before);
}

Result<void> remove_alarm(Work& work, const Instance& instance) {
  cloudwatch::DeleteAlarmsInput request;
  request.AlarmNames = {instance.physical_id};
  return work.apis.cloudwatch.DeleteAlarms(work.call, request);
}

Result<void> put_dashboard(Work& work, const Instance& instance) {
  cloudwatch::PutDashboardInput request;
  request.DashboardName = instance.physical_id;
  request.DashboardBody = instance.text("DashboardBody");
  BRUME_CHECK(work.apis.cloudwatch.PutDashboard(work.call, request));
  return {};
}

Result<void> create_dashboard(Work& work, Instance& instance) {
  instance.physical_id = instance.properties.find("DashboardName") ? instance.text("DashboardName") : work.name;
  return put_dashboard(work, instance);
}

Result<void> update_dashboard(Work& work, Instance& instance, const Value&) {
  return put_dashboard(work, instance);
}

Result<void> remove_dashboard(Work& work, const Instance& instance) {
  cloudwatch::DeleteDashboardsInput request;
  request.DashboardNames = {instance.physical_id};
  BRUME_CHECK(work.apis.cloudwatch.DeleteDashboards(work.call, request));
  return {};
}

}  // namespace

std::span<const ResourceType> cloudwatch_types() {
  static const ResourceType types[] = {
      {.name = "AWS::CloudWatch::Alarm",
       .properties = {text("AlarmName", kCreateOnly),
                      text("AlarmDescription"),
                      boolean("ActionsEnabled"),
                      texts("OKActions"),
                      texts("AlarmActions"),
                      texts("InsufficientDataActions"),
                      text("MetricName"),
                      text("Namespace"),
                      text("Statistic"),
                      text("ExtendedStatistic"),
                      property<List<cloudwatch::Dimension>>("Dimensions"),
                      number("Period"),
                      text("Unit"),
                      number("EvaluationPeriods", kRequired),
                      number("DatapointsToAlarm"),
                      property<double>("Threshold"),
                      text("ThresholdMetricId"),
                      text("ComparisonOperator", kRequired),
                      text("TreatMissingData"),
                      text("EvaluateLowSampleCountPercentile"),
                      property<List<cloudwatch::MetricDataQuery>>("Metrics"),
                      property<Tags>("Tags")},
       .attributes = {"Arn"},
       .name_property = "AlarmName",
       .create = create_alarm,
       .update = update_alarm,
       .remove = remove_alarm},
      {.name = "AWS::CloudWatch::CompositeAlarm",
       .properties = {text("AlarmName", kCreateOnly), text("AlarmRule", kRequired), text("AlarmDescription"),
                      boolean("ActionsEnabled"), texts("OKActions"), texts("AlarmActions"),
                      texts("InsufficientDataActions"), text("ActionsSuppressor"),
                      number("ActionsSuppressorWaitPeriod"), number("ActionsSuppressorExtensionPeriod"),
                      property<Tags>("Tags")},
       .attributes = {"Arn"},
       .name_property = "AlarmName",
       .create = create_composite,
       .update = update_composite,
       .remove = remove_alarm},
      {.name = "AWS::CloudWatch::Dashboard",
       .properties = {text("DashboardName", kCreateOnly), text("DashboardBody", kRequired)},
       .attributes = {},
       .name_property = "DashboardName",
       .create = create_dashboard,
       .update = update_dashboard,
       .remove = remove_dashboard},
  };
  return types;
}

}  // namespace brume::cloudformation::resources
