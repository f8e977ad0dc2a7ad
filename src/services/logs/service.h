// CloudWatch Logs: groups, events, metric filters, queries, exports; and where Brume's own services put their logs.
#pragma once

#include "services/common/log_sink.h"
#include "services/common/metric_sink.h"
#include "services/logs/event_operations.h"
#include "services/logs/export_operations.h"
#include "services/logs/group_operations.h"
#include "services/logs/live_tails.h"
#include "services/logs/metric_filter_operations.h"
#include "services/logs/query_operations.h"
#include "services/logs/subscription_filter_operations.h"
#include "services/logs/upkeep.h"

namespace brume::logs {

class Service : public GroupOperations,
                public EventOperations,
                public MetricFilterOperations,
                public SubscriptionFilterOperations,
                public QueryOperations,
                public ExportOperations,
                public services::LogSink {
 public:
  // `store` has the events of all regions and outlives this, as `outside` does. `aside` is where searches and exports
  // run; `touched` is called on any thread when something was appended.
  Service(services::Context context, logstore::EventStore& store, services::MetricSink& metrics,
          const env::Aside& aside, std::function<void()> touched, std::string export_folder,
          const services::Outside& outside);
  // Reads the tables.
  Result<void> load();
  void start() {
    start_exports();
    start_subscriptions();
    upkeep_.start();
  }

  using Call = aws::Call;
  // StartLiveTail, which answers with events as they come (aws/dispatcher.h).
  Result<aws::EventSource> start_live_tail(const Call&, const StartLiveTailRequest&);
  Result<void> ensure_group(const std::string& group, std::int32_t retention_days) override;
  Result<void> append(const std::string& group, const std::string& stream,
                      const std::vector<services::LogEvent>& events, std::string_view token) override;

 private:
  [[nodiscard]] std::int64_t stored_bytes(std::uint64_t group) const override;
  [[nodiscard]] std::size_t metric_filter_count(const std::string& name) const override;
  [[nodiscard]] MetricFilterRules metric_filter_rules(const std::string& name) const override;
  [[nodiscard]] bool has_subscription_filters(const std::string& name) const override;
  void forget(const GroupRecord& group) override;
  void appended(const GroupView& group, const std::string& stream, std::int64_t ingestion,
                std::span<const logstore::NewEvent> events) override;

  services::Context context_;
  logstore::EventStore& store_;
  std::function<void()> touched_;
  LiveTails live_tails_;
  Upkeep upkeep_;
};

}  // namespace brume::logs
