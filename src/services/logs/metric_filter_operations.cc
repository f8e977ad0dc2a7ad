#include "services/logs/metric_filter_operations.h"

#include <algorithm>

#include "base/log.h"
#include "services/common/page.h"
#include "services/logs/group_operations.h"

namespace brume::logs {
namespace {

constexpr std::size_t kMostFilters = 100, kMostWithRegex = 5;  // of a group

std::string key_of(std::string_view group, std::string_view filter) {
  return fmt::format("{}\n{}", group, filter);
}

// What threads are to do for a filter. Errors: InvalidParameterException.
Result<MetricFilterRule> rule_of(const MetricFilter& filter) {
  BRUME_TRY(pattern, FilterPattern::parse(*filter.filterPattern));
  const MetricTransformation& transformation = filter.metricTransformations.front();
  MetricDefinition definition{.name = *transformation.metricName,
                              .value = *transformation.metricValue,
                              .default_value = transformation.defaultValue,
                              .unit = transformation.unit.value_or(""),
                              .dimensions = {transformation.dimensions.begin(), transformation.dimensions.end()}};
  BRUME_CHECK(MetricExtraction::make(pattern, definition));
  definition.default_value.reset();  // once a minute, which no single append sees (metric_filters.h)
  BRUME_TRY(extraction, MetricExtraction::make(std::move(pattern), definition));
  return MetricFilterRule{std::move(extraction), *transformation.metricNamespace, definition.name, definition.unit,
                          transformation.defaultValue};
}

}  // namespace

MetricFilterOperations::MetricFilterOperations(services::Context context, GroupOperations& groups,
                                               services::MetricSink& metrics)
    : groups_(groups),
      context_(std::move(context)),
      filters_(context_.store, "log-metric-filters", context_.region),
      metric_filters_(context_, metrics) {}

Result<void> MetricFilterOperations::load_filters() {
  return filters_.load();
}

std::vector<const MetricFilter*> MetricFilterOperations::filters_of(std::string_view group) const {
  std::vector<const MetricFilter*> found;
  const std::string first = key_of(group, "");
  for (auto row = filters_.rows().lower_bound(first); row != filters_.rows().end() && row->first.starts_with(first);
       ++row)
    found.push_back(&row->second.filter);
  return found;
}

MetricFilterRules MetricFilterOperations::rules_of(const std::string& group) const {
  MetricFilterRules rules;
  for (const MetricFilter* filter : filters_of(group)) {
    auto rule = rule_of(*filter);
    if (rule)
      rules.push_back(std::make_shared<const MetricFilterRule>(*std::move(rule)));
    else  // by an older version
      log_error("the metric filter {} of {} is not understood: {}", *filter->filterName, group, rule.error().message);
  }
  return rules;
}

void MetricFilterOperations::forget_filters(const std::string& group) {
  std::vector<std::string> names;
  for (const MetricFilter* filter : filters_of(group)) names.push_back(*filter->filterName);
  for (const std::string& name : names) filters_.erase(key_of(group, name));
}

Result<void> MetricFilterOperations::PutMetricFilter(const Call&, const PutMetricFilterRequest& request) {
  BRUME_TRY(group, groups_.find_group(*request.logGroupName));
  if (request.applyOnTransformedLogs.value_or(false))
    return fail("InvalidParameterException", "Brume has no log transformers: leave applyOnTransformedLogs out.");
  if (request.fieldSelectionCriteria || !request.emitSystemFieldDimensions.empty())
    return fail("InvalidParameterException",
                "Brume has no centralized log groups: leave fieldSelectionCriteria and emitSystemFieldDimensions out.");
  if (group->log_class != "STANDARD")
    return fail("InvalidOperationException", "Log groups of the class {} have no metric filters.", group->log_class);
  if (request.metricTransformations.front().metricNamespace->starts_with("AWS/"))
    return fail("InvalidParameterException", "metricNamespace {}: namespaces that begin with AWS/ are AWS's.",
                *request.metricTransformations.front().metricNamespace);
  MetricFilter filter{.filterName = request.filterName,
                      .filterPattern = request.filterPattern,
                      .metricTransformations = request.metricTransformations,
                      .creationTime = context_.env.clock.wall().time_since_epoch().count(),
                      .logGroupName = group->name,
                      .applyOnTransformedLogs = false};
  BRUME_TRY(rule, rule_of(filter));
  std::size_t others = 0, with_regex = rule.extraction.pattern().has_regexes() ? 1 : 0;
  for (const MetricFilter* other : filters_of(group->name)) {
    if (other->filterName == filter.filterName) continue;
    ++others;
    if (const auto pattern = FilterPattern::parse(*other->filterPattern); pattern && pattern->has_regexes())
      ++with_regex;
  }
  if (others >= kMostFilters)
    return fail("LimitExceededException", "The log group {} has {} metric filters, the most it may have.", group->name,
                others);
  if (with_regex > kMostWithRegex)
    return fail("LimitExceededException", "At most {} filters of a log group may have regular expressions.",
                kMostWithRegex);
  filters_.put(key_of(group->name, *filter.filterName), MetricFilterRecord{filter});
  groups_.changed(group->name);
  return {};
}

Result<void> MetricFilterOperations::DeleteMetricFilter(const Call&, const DeleteMetricFilterRequest& request) {
  BRUME_TRY(group, groups_.find_group(*request.logGroupName));
  const std::string key = key_of(group->name, *request.filterName);
  if (!filters_.contains(key)) return fail("ResourceNotFoundException", "The specified metric filter does not exist.");
  filters_.erase(key);
  groups_.changed(group->name);
  return {};
}

Result<DescribeMetricFiltersResponse> MetricFilterOperations::DescribeMetricFilters(
    const Call&, const DescribeMetricFiltersRequest& request) {
  if (request.metricName.has_value() != request.metricNamespace.has_value())
    return fail("InvalidParameterException", "Give metricName and metricNamespace together.");
  std::string group;
  if (request.logGroupName) {
    BRUME_TRY(found, groups_.find_group(*request.logGroupName));
    group = found->name;
  }
  std::vector<MetricFilter> all;
  for (const auto& [key, record] : filters_.rows()) {
    const MetricFilter& filter = record.filter;
    const MetricTransformation& transformation = filter.metricTransformations.front();
    if (!group.empty() && filter.logGroupName != group) continue;
    if (request.filterNamePrefix && !filter.filterName->starts_with(*request.filterNamePrefix)) continue;
    if (request.metricName &&
        (transformation.metricName != request.metricName || transformation.metricNamespace != request.metricNamespace))
      continue;
    all.push_back(filter);
  }
  const auto place_of = [](const MetricFilter& filter) { return key_of(*filter.logGroupName, *filter.filterName); };
  BRUME_TRY(page, services::paginate(std::move(all), std::size_t(request.limit.value_or(50)), request.nextToken,
                                     place_of, "InvalidParameterException"));
  return DescribeMetricFiltersResponse{.metricFilters = List<MetricFilter>(std::move(page.items)),
                                       .nextToken = std::move(page.next_token)};
}

Result<TestMetricFilterResponse> MetricFilterOperations::TestMetricFilter(const Call&,
                                                                          const TestMetricFilterRequest& request) {
  BRUME_TRY(pattern, FilterPattern::parse(*request.filterPattern));
  TestMetricFilterResponse response;
  response.matches.set_present();
  std::int64_t number = 0;
  for (const std::string& message : request.logEventMessages) {
    ++number;
    const auto extracted = pattern.extract(message);
    if (!extracted) continue;
    MetricFilterMatchRecord match{.eventNumber = number, .eventMessage = message, .extractedValues = {}};
    match.extractedValues.insert(extracted->begin(), extracted->end());
    match.extractedValues.set_present();
    response.matches.push_back(std::move(match));
  }
  return response;
}

}  // namespace brume::logs
