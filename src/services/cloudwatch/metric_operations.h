// The metric half of CloudWatch's API: PutMetricData, GetMetricStatistics, ListMetrics; and where Brume's own services
// put what they measure.
//
// Handlers check in AWS's words and leave the keeping to the metric store, through which GetMetricData and alarms read
// too. Entities (PutMetricData's EntityMetricData) are refused by name; other accounts' metrics there are none of.
#pragma once

#include "cloudwatch/api.h"
#include "services/cloudwatch/agent_metrics.h"
#include "services/cloudwatch/metric_store.h"
#include "services/common/context.h"
#include "services/common/metric_sink.h"

namespace brume::cloudwatch {

class MetricOperations : public virtual Api, public services::MetricSink {
 public:
  // `budget`: see MetricStore.
  explicit MetricOperations(services::Context context, MetricLimits limits = {}, MetricBudget* budget = nullptr)
      : context_(std::move(context)), store_(context_.env, context_.store, context_.region, limits, budget) {}

  using Call = aws::Call;
  Result<void> PutMetricData(const Call&, const PutMetricDataInput&) override;
  Result<GetMetricStatisticsOutput> GetMetricStatistics(const Call&, const GetMetricStatisticsInput&) override;
  Result<ListMetricsOutput> ListMetrics(const Call&, const ListMetricsInput&) override;

  void put(std::string_view metric_namespace, const std::vector<services::MetricSample>& samples) override;
  void put(const services::MetricBatch& batch) override;

  [[nodiscard]] const MetricReader& metrics() const { return store_; }
  [[nodiscard]] MetricStore& metric_store() { return store_; }

 protected:
  Result<void> load_metrics() { return store_.load(); }
  void start_metrics() { store_.start(); }

 private:
  // Where minutes pass faster, one is shorter than what is kept of a minute.
  [[nodiscard]] bool high_resolution() const { return context_.time_scale > 1; }
  // Without what instances' own agents publish.
  [[nodiscard]] services::MetricBatch without_agents(const services::MetricBatch& batch) const;
  void tell_loss(std::string_view metric_namespace, const Result<void>& put);

  services::Context context_;
  MetricStore store_;
  AgentMetrics agents_;
  bool loss_told_ = false;  // that samples of Brume's own were lost, until some are kept again
};

}  // namespace brume::cloudwatch
