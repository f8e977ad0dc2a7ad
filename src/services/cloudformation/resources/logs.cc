// Log groups, metric filters, subscription filters, saved queries.
//
// Not AWS::Logs::LogStream: a stream is not part of the transaction that records the resource (services/logs).
#include "base/json.h"
#include "services/cloudformation/resources/apis.h"
#include "services/cloudformation/resources/properties.h"
#include "services/common/ids.h"

namespace brume::cloudformation::resources {

// As the template has them; the API begins its names in lower case, and has dimensions as a map.
struct FilterDimension {
  std::optional<std::string> Key, Value;
};
struct Transformation {
  std::optional<std::string> MetricName, MetricNamespace, MetricValue, Unit;
  std::optional<double> DefaultValue;
  List<FilterDimension> Dimensions;
};

}  // namespace brume::cloudformation::resources

BRUME_RECORD(brume::cloudformation::resources::FilterDimension, Key, Value)
BRUME_RECORD(brume::cloudformation::resources::Transformation, MetricName, MetricNamespace, MetricValue, Unit,
             DefaultValue, Dimensions)

namespace brume::cloudformation::resources {
namespace {

std::string arn_of(const Work& work, const Instance& instance) {
  return services::arn("logs", work.call.region, "log-group:" + instance.physical_id);
}

Result<void> set_retention(Work& work, const Instance& instance) {
  if (!instance.properties.find("RetentionInDays"))
    return work.apis.logs.DeleteRetentionPolicy(work.call, {.logGroupName = instance.physical_id});
  BRUME_TRY(days, read<std::int32_t>(instance.properties, "RetentionInDays"));
  return work.apis.logs.PutRetentionPolicy(work.call, {.logGroupName = instance.physical_id, .retentionInDays = days});
}

Result<void> create_group(Work& work, Instance& instance) {
  instance.physical_id = instance.properties.find("LogGroupName") ? instance.text("LogGroupName") : work.name;
  instance.attributes.set("Arn", Value::string(arn_of(work, instance) + ":*"));
  logs::CreateLogGroupRequest request{.logGroupName = instance.physical_id};
  if (instance.properties.find("KmsKeyId")) request.kmsKeyId = instance.text("KmsKeyId");
  if (instance.properties.find("LogGroupClass")) request.logGroupClass = instance.text("LogGroupClass");
  request.deletionProtectionEnabled = flag(instance.properties, "DeletionProtectionEnabled");
  for (const auto& [key, value] : tags_of(instance.properties)) request.tags[key] = value;
  BRUME_CHECK(work.apis.logs.CreateLogGroup(work.call, request));
  if (!instance.properties.find("RetentionInDays")) return {};
  return set_retention(work, instance);
}

Result<void> update_group(Work& work, Instance& instance, const Value& before) {
  if (changed(before, instance.properties, "RetentionInDays")) BRUME_CHECK(set_retention(work, instance));
  if (changed(before, instance.properties, "DeletionProtectionEnabled"))
    BRUME_CHECK(work.apis.logs.PutLogGroupDeletionProtection(
        work.call, {.logGroupIdentifier = instance.physical_id,
                    .deletionProtectionEnabled = flag(instance.properties, "DeletionProtectionEnabled")}));
  const TagChanges changes = tag_changes(before, instance.properties);
  const std::string arn = arn_of(work, instance);
  if (!changes.drop.empty())
    BRUME_CHECK(work.apis.logs.UntagResource(work.call, {.resourceArn = arn, .tagKeys = changes.drop}));
  if (changes.put.empty()) return {};
  logs::TagResourceRequest request{.resourceArn = arn, .tags = {}};
  for (const auto& [key, value] : changes.put) request.tags[key] = value;
  return work.apis.logs.TagResource(work.call, request);
}

Result<void> remove_group(Work& work, const Instance& instance) {
  return work.apis.logs.DeleteLogGroup(work.call, {.logGroupName = instance.physical_id});
}

Result<void> put_filter(Work& work, const Instance& instance) {
  BRUME_TRY(transformations, read<List<Transformation>>(instance.properties, "MetricTransformations"));
  logs::PutMetricFilterRequest request{.logGroupName = instance.text("LogGroupName"),
                                       .filterName = instance.physical_id,
                                       .filterPattern = instance.text("FilterPattern"),
                                       .metricTransformations = {}};
  for (const Transformation& from : transformations) {
    logs::MetricTransformation& to = request.metricTransformations.emplace_back();
    to.metricName = from.MetricName;
    to.metricNamespace = from.MetricNamespace;
    to.metricValue = from.MetricValue;
    to.unit = from.Unit;
    to.defaultValue = from.DefaultValue;
    for (const FilterDimension& dimension : from.Dimensions)
      to.dimensions[dimension.Key.value_or("")] = dimension.Value.value_or("");
  }
  return work.apis.logs.PutMetricFilter(work.call, request);
}

Result<void> create_filter(Work& work, Instance& instance) {
  instance.physical_id = instance.properties.find("FilterName") ? instance.text("FilterName") : work.name;
  return put_filter(work, instance);
}

Result<void> update_filter(Work& work, Instance& instance, const Value&) {
  return put_filter(work, instance);
}

Result<void> remove_filter(Work& work, const Instance& instance) {
  return work.apis.logs.DeleteMetricFilter(
      work.call, {.logGroupName = instance.text("LogGroupName"), .filterName = instance.physical_id});
}

// A subscription filter is made once its destination has been asked, which takes a while: `settled` puts it, as often
// as that takes.
Result<void> create_subscription(Work& work, Instance& instance) {
  instance.physical_id = instance.properties.find("FilterName") ? instance.text("FilterName") : work.name;
  BRUME_TRY(there, work.apis.logs.DescribeSubscriptionFilters(work.call, {.logGroupName = instance.text("LogGroupName"),
                                                                          .filterNamePrefix = instance.physical_id}));
  for (const logs::SubscriptionFilter& filter : there.subscriptionFilters)
    if (filter.filterName == instance.physical_id)
      return fail("AlreadyExists", "The subscription filter {} of {} already exists", instance.physical_id,
                  instance.text("LogGroupName"));
  return {};
}

Result<void> update_subscription(Work&, Instance&, const Value&) {
  return {};
}

Result<bool> subscription_settled(Work& work, Instance& instance) {
  logs::PutSubscriptionFilterRequest request{.logGroupName = instance.text("LogGroupName"),
                                             .filterName = instance.physical_id,
                                             .filterPattern = instance.text("FilterPattern"),
                                             .destinationArn = instance.text("DestinationArn")};
  if (instance.properties.find("RoleArn")) request.roleArn = instance.text("RoleArn");
  if (instance.properties.find("Distribution")) request.distribution = instance.text("Distribution");
  const auto put = work.apis.logs.PutSubscriptionFilter(work.call, request);
  if (put) return true;
  if (put.error().code == "OperationAbortedException") return false;
  return std::unexpected(put.error());
}

Result<void> remove_subscription(Work& work, const Instance& instance) {
  return work.apis.logs.DeleteSubscriptionFilter(
      work.call, {.logGroupName = instance.text("LogGroupName"), .filterName = instance.physical_id});
}

Result<void> put_query(Work& work, Instance& instance, const std::optional<std::string>& id) {
  logs::PutQueryDefinitionRequest request{.name = instance.text("Name"),
                                          .queryDefinitionId = id,
                                          .logGroupNames = text_list(instance.properties, "LogGroupNames"),
                                          .queryString = instance.text("QueryString")};
  BRUME_TRY(put, work.apis.logs.PutQueryDefinition(work.call, request));
  instance.physical_id = *put.queryDefinitionId;
  instance.attributes.set("QueryDefinitionId", Value::string(instance.physical_id));
  return {};
}

Result<void> create_query(Work& work, Instance& instance) {
  return put_query(work, instance, std::nullopt);
}

Result<void> update_query(Work& work, Instance& instance, const Value&) {
  return put_query(work, instance, instance.physical_id);
}

Result<void> remove_query(Work& work, const Instance& instance) {
  BRUME_CHECK(work.apis.logs.DeleteQueryDefinition(work.call, {.queryDefinitionId = instance.physical_id}));
  return {};
}

}  // namespace

std::span<const ResourceType> logs_types() {
  static const ResourceType types[] = {
      {.name = "AWS::Logs::LogGroup",
       .properties = {text("LogGroupName", kCreateOnly), number("RetentionInDays"), text("KmsKeyId"),
                      text("LogGroupClass", kCreateOnly), boolean("DeletionProtectionEnabled"),
                      property<List<cloudwatch::Tag>>("Tags")},
       .attributes = {"Arn"},
       .name_property = "LogGroupName",
       .create = create_group,
       .update = update_group,
       .remove = remove_group},
      {.name = "AWS::Logs::MetricFilter",
       .properties = {text("FilterName", kCreateOnly), text("FilterPattern", kRequired),
                      text("LogGroupName", kRequired | kCreateOnly),
                      property<List<Transformation>>("MetricTransformations", kRequired)},
       .attributes = {},
       .name_property = "FilterName",
       .create = create_filter,
       .update = update_filter,
       .remove = remove_filter},
      {.name = "AWS::Logs::SubscriptionFilter",
       .properties = {text("FilterName", kCreateOnly), text("FilterPattern", kRequired),
                      text("LogGroupName", kRequired | kCreateOnly), text("DestinationArn", kRequired), text("RoleArn"),
                      text("Distribution")},
       .attributes = {},
       .name_property = "FilterName",
       .create = create_subscription,
       .settled = subscription_settled,
       .update = update_subscription,
       .remove = remove_subscription},
      {.name = "AWS::Logs::QueryDefinition",
       .properties = {text("Name", kRequired), text("QueryString", kRequired), texts("LogGroupNames")},
       .attributes = {"QueryDefinitionId"},
       .create = create_query,
       .update = update_query,
       .remove = remove_query},
  };
  return types;
}

}  // namespace brume::cloudformation::resources
