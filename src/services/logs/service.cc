#include "services/logs/service.h"

#include <algorithm>

namespace brume::logs {
namespace {

constexpr std::size_t kMostTails = 15;
// Of one append to the event store.
constexpr std::size_t kMostEvents = 10'000, kMostBytes = 8 << 20;

}  // namespace

Service::Service(services::Context context, logstore::EventStore& store, services::MetricSink& metrics,
                 const env::Aside& aside, std::function<void()> touched, std::string export_folder,
                 const services::Outside& outside)
    : GroupOperations(context),
      EventOperations(context.env.clock, store, directory()),
      MetricFilterOperations(context, *this, metrics),
      SubscriptionFilterOperations(context, *this, store, metrics, outside),
      QueryOperations(context, store, *this, aside),
      ExportOperations(context, store, *this, aside, std::move(export_folder), outside),
      context_(context),
      store_(store),
      touched_(std::move(touched)),
      live_tails_(context.env),
      upkeep_(context, store, groups(), aside) {}

std::int64_t Service::stored_bytes(std::uint64_t group) const {
  return std::int64_t(store_.usage(group).stored_bytes);
}

std::size_t Service::metric_filter_count(const std::string& name) const {
  return filters_of(name).size();
}

MetricFilterRules Service::metric_filter_rules(const std::string& name) const {
  return rules_of(name);
}

bool Service::has_subscription_filters(const std::string& name) const {
  return is_subscribed(name);
}

void Service::forget(const GroupRecord& group) {
  forget_subscriptions(group.name);
  forget_filters(group.name);
  upkeep_.remove(group.id);
}

void Service::appended(const GroupView& group, const std::string& stream, std::int64_t ingestion,
                       std::span<const logstore::NewEvent> events) {
  touched_();
  if (group.subscribed) deliver_soon();
  metric_filters().measure(group.metric_filters, events);
  live_tails_.appended(group, stream, ingestion, events);
}

Result<void> Service::load() {
  BRUME_CHECK(load_filters());
  BRUME_CHECK(load_subscriptions());
  BRUME_CHECK(load_groups());
  BRUME_CHECK(load_queries());
  BRUME_CHECK(load_exports());
  return upkeep_.load();
}

Result<aws::EventSource> Service::start_live_tail(const Call& call, const StartLiveTailRequest& request) {
  const auto both = !request.logStreamNames.empty() && !request.logStreamNamePrefixes.empty();
  const auto some = !request.logStreamNames.empty() || !request.logStreamNamePrefixes.empty();
  if (both || (some && request.logGroupIdentifiers.size() > 1))
    return fail("InvalidParameterException",
                "Give either logStreamNames or logStreamNamePrefixes, and only with a single log group.");
  if (live_tails_.size() >= kMostTails)
    return fail("LimitExceededException", "There are {} live tail sessions, the most there may be.", kMostTails);
  BRUME_TRY(pattern, FilterPattern::parse(request.logEventFilterPattern.value_or("")));
  Tailed tailed{.groups = {},
                .streams = request.logStreamNames,
                .stream_prefixes = request.logStreamNamePrefixes,
                .pattern = std::move(pattern)};
  for (const std::string& identifier : request.logGroupIdentifiers) {
    BRUME_TRY(name, group_name_of(identifier));
    BRUME_TRY(group, directory().find(name));
    tailed.groups.push_back(group);
  }
  return live_tails_.session(std::move(tailed), {.requestId = call.request_id,
                                                 .sessionId = context_.env.random.uuid(),
                                                 .logGroupIdentifiers = request.logGroupIdentifiers,
                                                 .logStreamNames = request.logStreamNames,
                                                 .logStreamNamePrefixes = request.logStreamNamePrefixes,
                                                 .logEventFilterPattern = request.logEventFilterPattern});
}

Result<void> Service::ensure_group(const std::string& group, std::int32_t retention_days) {
  if (groups().contains(group)) return {};
  return context_.store.transact([&]() -> Result<void> {
    const Call call = context_.call("logs");
    BRUME_CHECK(CreateLogGroup(call, {.logGroupName = group}));
    if (retention_days == 0) return {};
    return PutRetentionPolicy(call, {.logGroupName = group, .retentionInDays = retention_days});
  });
}

Result<void> Service::append(const std::string& group, const std::string& stream,
                             const std::vector<services::LogEvent>& events, std::string_view token) {
  BRUME_TRY(view, directory().find(group));
  std::vector<logstore::NewEvent> batch;
  std::size_t bytes = 0, batches = 0;
  const auto flush = [&]() -> Result<void> {
    if (batch.empty()) return {};
    const std::string name = token.empty() ? "" : fmt::format("{}/{}", token, batches++);
    const std::int64_t ingestion = context_.env.clock.wall().time_since_epoch().count();
    BRUME_TRY(done, store_.append(view->id, stream, batch, ingestion, name, true));
    if (!done.repeated) appended(*view, stream, ingestion, batch);
    batch.clear();
    bytes = 0;
    return {};
  };
  for (const services::LogEvent& event : events) {
    if (batch.size() == kMostEvents || bytes + event.message.size() > kMostBytes) BRUME_CHECK(flush());
    batch.push_back({event.time.time_since_epoch().count(), event.message});
    bytes += event.message.size();
  }
  return flush();
}

}  // namespace brume::logs
