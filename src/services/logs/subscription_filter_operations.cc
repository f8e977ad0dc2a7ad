#include "services/logs/subscription_filter_operations.h"

#include <algorithm>

#include "base/log.h"
#include "services/common/page.h"
#include "services/logs/group_operations.h"

namespace brume::logs {
namespace {

constexpr std::size_t kMostFilters = 2;  // of a group

std::string key_of(std::string_view group, std::string_view filter) {
  return fmt::format("{}\n{}", group, filter);
}

}  // namespace

SubscriptionFilterOperations::SubscriptionFilterOperations(services::Context context, GroupOperations& groups,
                                                           logstore::EventStore& store, services::MetricSink& metrics,
                                                           const services::Outside& outside)
    : DestinationOperations(context),
      context_(context),
      groups_(groups),
      subscriptions_(context_.store, "log-subscription-filters", context_.region),
      tests_(context_.env, outside),
      deliveries_(context, store, metrics, outside, [this](const std::string& arn) { return target_of(arn); }) {}

Result<void> SubscriptionFilterOperations::load_subscriptions() {
  BRUME_CHECK(load_destinations());
  BRUME_CHECK(subscriptions_.load());
  return deliveries_.load();
}

void SubscriptionFilterOperations::start_subscriptions() {
  for (const auto& [key, record] : subscriptions_.rows()) follow(key);
}

std::vector<const SubscriptionFilter*> SubscriptionFilterOperations::subscriptions_of(std::string_view group) const {
  std::vector<const SubscriptionFilter*> found;
  const std::string first = key_of(group, "");
  for (auto row = subscriptions_.rows().lower_bound(first);
       row != subscriptions_.rows().end() && row->first.starts_with(first); ++row)
    found.push_back(&row->second.filter);
  return found;
}

void SubscriptionFilterOperations::follow(const std::string& key) {
  const SubscriptionFilterRecord* record = subscriptions_.find(key);
  const GroupRecord* group = record ? groups_.groups().find(*record->filter.logGroupName) : nullptr;
  if (!group) return;  // gone again
  const SubscriptionFilter& filter = record->filter;
  auto pattern = FilterPattern::parse(*filter.filterPattern);
  if (!pattern)  // by an older version
    return log_error("the subscription filter {} of {} is not understood: {}", *filter.filterName, group->name,
                     pattern.error().message);
  deliveries_.follow(key,
                     {.group = std::uint64_t(group->id),
                      .group_name = group->name,
                      .filter = *filter.filterName,
                      .pattern = *std::move(pattern),
                      .by_stream = filter.distribution != "Random"},
                     *filter.destinationArn);
}

void SubscriptionFilterOperations::erase(const std::string& group, const std::string& filter) {
  const std::string key = key_of(group, filter);
  subscriptions_.erase(key);
  deliveries_.end(key);
}

void SubscriptionFilterOperations::forget_subscriptions(const std::string& group) {
  std::vector<std::string> names;
  for (const SubscriptionFilter* filter : subscriptions_of(group)) names.push_back(*filter->filterName);
  for (const std::string& name : names) erase(group, name);
}

Result<SubscriptionFilterOperations::Wanted> SubscriptionFilterOperations::check(
    const PutSubscriptionFilterRequest& request) const {
  BRUME_TRY(group, groups_.find_group(*request.logGroupName));
  if (request.applyOnTransformedLogs.value_or(false))
    return fail("InvalidParameterException", "Brume has no log transformers: leave applyOnTransformedLogs out.");
  if (request.fieldSelectionCriteria || !request.emitSystemFields.empty())
    return fail("InvalidParameterException",
                "Brume has no centralized log groups: leave fieldSelectionCriteria and emitSystemFields out.");
  if (group->log_class != "STANDARD")
    return fail("InvalidOperationException", "Log groups of the class {} have no subscription filters.",
                group->log_class);
  BRUME_CHECK(FilterPattern::parse(*request.filterPattern));
  BRUME_TRY(target, target_of(*request.destinationArn));
  const TargetTraits& traits = traits_of(target.kind);
  const bool direct = target.arn == *request.destinationArn;  // a destination has a role of its own
  if (traits.needs_role && direct && !request.roleArn)
    return fail("InvalidParameterException", "destinationArn for vendor {} cannot be used without roleArn",
                traits.service);
  SubscriptionFilter filter{.filterName = request.filterName,
                            .logGroupName = group->name,
                            .filterPattern = request.filterPattern,
                            .destinationArn = request.destinationArn,
                            .roleArn = request.roleArn,
                            .distribution = request.distribution.value_or("ByLogStream"),
                            .applyOnTransformedLogs = false,
                            .creationTime = context_.env.clock.wall().time_since_epoch().count()};
  std::size_t others = 0;
  for (const SubscriptionFilter* other : subscriptions_of(group->name))
    if (other->filterName == filter.filterName)
      filter.creationTime = other->creationTime;
    else
      ++others;
  if (others >= kMostFilters)
    return fail("LimitExceededException",
                "Resource limit exceeded. The log group {} has {} subscription filters, the most it may have.",
                group->name, others);
  return Wanted{std::move(filter), std::uint64_t(group->id), std::move(target)};
}

Result<std::function<Result<void>()>> SubscriptionFilterOperations::put_errand(
    const PutSubscriptionFilterRequest& request) {
  BRUME_TRY(wanted, check(request));
  return [this, target = wanted.target] { return tests_.ask(target); };
}

Result<void> SubscriptionFilterOperations::PutSubscriptionFilter(const Call&,
                                                                 const PutSubscriptionFilterRequest& request) {
  BRUME_TRY(wanted, check(request));
  BRUME_CHECK(tests_.passed(wanted.target));
  const std::string group = *wanted.filter.logGroupName, key = key_of(group, *wanted.filter.filterName);
  subscriptions_.put(key, SubscriptionFilterRecord{std::move(wanted.filter)});
  deliveries_.begin(key, wanted.group);
  groups_.changed(group);
  context_.store.after_commit([this, key] { follow(key); });
  return {};
}

Result<void> SubscriptionFilterOperations::DeleteSubscriptionFilter(const Call&,
                                                                    const DeleteSubscriptionFilterRequest& request) {
  BRUME_TRY(group, groups_.find_group(*request.logGroupName));
  if (!subscriptions_.contains(key_of(group->name, *request.filterName)))
    return fail("ResourceNotFoundException", "The specified subscription filter does not exist.");
  erase(group->name, *request.filterName);
  groups_.changed(group->name);
  return {};
}

Result<DescribeSubscriptionFiltersResponse> SubscriptionFilterOperations::DescribeSubscriptionFilters(
    const Call&, const DescribeSubscriptionFiltersRequest& request) {
  BRUME_TRY(group, groups_.find_group(*request.logGroupName));
  std::vector<SubscriptionFilter> all;
  for (const SubscriptionFilter* filter : subscriptions_of(group->name))
    if (filter->filterName->starts_with(request.filterNamePrefix.value_or(""))) all.push_back(*filter);
  const auto name_of = [](const SubscriptionFilter& filter) { return *filter.filterName; };
  BRUME_TRY(page, services::paginate(std::move(all), std::size_t(request.limit.value_or(50)), request.nextToken,
                                     name_of, "InvalidParameterException"));
  DescribeSubscriptionFiltersResponse response{.subscriptionFilters = List<SubscriptionFilter>(std::move(page.items)),
                                               .nextToken = std::move(page.next_token)};
  response.subscriptionFilters.set_present();
  return response;
}

}  // namespace brume::logs
