// CloudWatch's operations on alarms, dashboards and their tags, and GetMetricData.
//
// Leaves metrics' own operations to MetricOperations, evaluation and actions to AlarmController and Alarms.
#pragma once

#include <string>
#include <vector>

#include "cloudwatch/api.h"
#include "services/cloudwatch/alarm_controller.h"
#include "services/cloudwatch/alarms.h"
#include "services/cloudwatch/metric_reader.h"
#include "services/common/alarm_actions.h"
#include "services/common/context.h"
#include "store/table.h"

namespace brume::cloudwatch {

// Key: the name.
struct DashboardRecord {
  std::string name, body;
  Timestamp modified;
  List<Tag> tags;
};

class AlarmOperations : public virtual Api {
 public:
  // `reader` and `actions` must outlive this; who carries out actions may be added to them later.
  AlarmOperations(services::Context context, const MetricReader& reader, const services::AlarmActions& actions);
  Result<void> load_alarms();
  // Begins to look at alarms, and carries out actions that an earlier daemon left.
  void start_alarms();

  using Call = aws::Call;
  // get_metric_data.cc
  Result<GetMetricDataOutput> GetMetricData(const Call&, const GetMetricDataInput&) override;
  // alarm_operations.cc
  Result<void> PutMetricAlarm(const Call&, const PutMetricAlarmInput&) override;
  Result<void> PutCompositeAlarm(const Call&, const PutCompositeAlarmInput&) override;
  Result<void> DeleteAlarms(const Call&, const DeleteAlarmsInput&) override;
  Result<void> SetAlarmState(const Call&, const SetAlarmStateInput&) override;
  Result<void> EnableAlarmActions(const Call&, const EnableAlarmActionsInput&) override;
  Result<void> DisableAlarmActions(const Call&, const DisableAlarmActionsInput&) override;
  // describe_alarms.cc
  Result<DescribeAlarmsOutput> DescribeAlarms(const Call&, const DescribeAlarmsInput&) override;
  Result<DescribeAlarmsForMetricOutput> DescribeAlarmsForMetric(const Call&,
                                                                const DescribeAlarmsForMetricInput&) override;
  Result<DescribeAlarmHistoryOutput> DescribeAlarmHistory(const Call&, const DescribeAlarmHistoryInput&) override;
  // dashboards.cc
  Result<PutDashboardOutput> PutDashboard(const Call&, const PutDashboardInput&) override;
  Result<GetDashboardOutput> GetDashboard(const Call&, const GetDashboardInput&) override;
  Result<ListDashboardsOutput> ListDashboards(const Call&, const ListDashboardsInput&) override;
  Result<DeleteDashboardsOutput> DeleteDashboards(const Call&, const DeleteDashboardsInput&) override;
  // tags.cc
  Result<TagResourceOutput> TagResource(const Call&, const TagResourceInput&) override;
  Result<UntagResourceOutput> UntagResource(const Call&, const UntagResourceInput&) override;
  Result<ListTagsForResourceOutput> ListTagsForResource(const Call&, const ListTagsForResourceInput&) override;

 private:
  // Errors: ResourceNotFound.
  Result<const AlarmRecord*> find_alarm(const std::string& name) const;
  // Errors: ValidationError for alarms that there are not, and for circles.
  Result<void> check_watched(const std::string& name, const CompositeAlarm& alarm) const;
  void set_actions_enabled(const List<std::string>& names, bool enabled);
  // Tags of an alarm or a dashboard, and a way to change them. Errors: ResourceNotFoundException,
  // InvalidParameterValue.
  Result<List<Tag>> tags_of(const std::string& arn) const;
  void set_tags(const std::string& arn, const List<Tag>& tags);

  services::Context context_;
  const MetricReader& reader_;
  Alarms alarms_;
  AlarmController controller_;
  store::Table<DashboardRecord> dashboards_;
};

}  // namespace brume::cloudwatch

BRUME_RECORD(brume::cloudwatch::DashboardRecord, name, body, modified, tags)
