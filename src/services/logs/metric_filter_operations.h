// Metric filters: which there are. metric_filters.h has them work.
#pragma once

#include "logs/api.h"
#include "services/common/context.h"
#include "services/logs/group.h"
#include "services/logs/metric_filters.h"
#include "store/table.h"

namespace brume::logs {

class GroupOperations;

class MetricFilterOperations : public virtual Api {
 public:
  MetricFilterOperations(services::Context context, GroupOperations& groups, services::MetricSink& metrics);

  using Call = aws::Call;
  Result<void> PutMetricFilter(const Call&, const PutMetricFilterRequest&) override;
  Result<void> DeleteMetricFilter(const Call&, const DeleteMetricFilterRequest&) override;
  Result<DescribeMetricFiltersResponse> DescribeMetricFilters(const Call&,
                                                              const DescribeMetricFiltersRequest&) override;
  Result<TestMetricFilterResponse> TestMetricFilter(const Call&, const TestMetricFilterRequest&) override;

 protected:
  Result<void> load_filters();
  // Of a group.
  [[nodiscard]] std::vector<const MetricFilter*> filters_of(std::string_view group) const;
  [[nodiscard]] MetricFilterRules rules_of(const std::string& group) const;
  // With their group, in its transaction.
  void forget_filters(const std::string& group);
  [[nodiscard]] MetricFilters& metric_filters() { return metric_filters_; }

 private:
  GroupOperations& groups_;
  services::Context context_;
  store::Table<MetricFilterRecord> filters_;
  MetricFilters metric_filters_;
};

}  // namespace brume::logs
