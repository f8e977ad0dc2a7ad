#include "services/logs/service.h"

#include <algorithm>

namespace brume::logs {
namespace {

// Of one append to the event store.
constexpr std::size_t kMostEvents = 10'000, kMostBytes = 8 << 20;

}  // namespace

Service::Service(services::Context context, logstore::EventStore& store, services::MetricSink& metrics,
                 const env::Aside& aside, std::function<void()> touched, std::string export_folder)
    : GroupOperations(context),
      EventOperations(context.env.clock, store, directory()),
      MetricFilterOperations(context, *this, metrics),
      QueryOperations(context, store, *this, aside),
      ExportOperations(context, store, *this, aside, std::move(export_folder)),
      context_(context),
      store_(store),
      upkeep_(context, store, groups(), aside) {
  stored_bytes = [this](std::uint64_t group) { return std::int64_t(store_.usage(group).stored_bytes); };
  metric_filters_of = [this](const std::string& name) { return rules_of(name); };
  on_delete = [this](const GroupRecord& group) {
    forget_filters(group.name);
    upkeep_.remove(group.id);
  };
  appended = [this, touched = std::move(touched)](const GroupView& group, std::span<const logstore::NewEvent> events) {
    touched();
    measure(group, events);
  };
}

Result<void> Service::load() {
  BRUME_CHECK(load_filters());
  BRUME_CHECK(load_groups());
  BRUME_CHECK(load_queries());
  BRUME_CHECK(load_exports());
  return upkeep_.load();
}

Result<void> Service::ensure_group(const std::string& group) {
  if (groups().contains(group)) return {};
  return context_.store.transact([&] { return CreateLogGroup(context_.call("logs"), {.logGroupName = group}); });
}

Result<void> Service::append(const std::string& group, const std::string& stream,
                             const std::vector<services::LogEvent>& events, std::string_view token) {
  BRUME_TRY(view, directory().find(group));
  std::vector<logstore::NewEvent> batch;
  std::size_t bytes = 0, batches = 0;
  const auto flush = [&]() -> Result<void> {
    if (batch.empty()) return {};
    const std::string name = token.empty() ? "" : fmt::format("{}/{}", token, batches++);
    BRUME_TRY(done, store_.append(view->id, stream, batch, context_.env.clock.wall().time_since_epoch().count(), name,
                                  true));
    if (!done.repeated) appended(*view, batch);
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
