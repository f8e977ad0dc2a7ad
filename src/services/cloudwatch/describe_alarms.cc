// What can be asked of alarms, and their history.
#include <algorithm>
#include <set>

#include "services/cloudwatch/alarm_operations.h"
#include "services/cloudwatch/alarm_rule.h"
#include "services/common/page.h"

namespace brume::cloudwatch {
namespace {

constexpr std::size_t kPage = 50;

bool has_prefix(const List<std::string>& actions, const std::string& prefix) {
  return std::ranges::any_of(actions, [&](const std::string& arn) { return arn.starts_with(prefix); });
}

// Which alarms DescribeAlarms is asked for, besides by names of relatives.
bool is_wanted(const AlarmRecord& record, const DescribeAlarmsInput& request) {
  const AlarmView alarm(record);
  const bool composite = record.composite.has_value();
  if (!request.AlarmNames.empty() && std::ranges::find(request.AlarmNames, alarm.name) == request.AlarmNames.end())
    return false;
  if (request.AlarmNamePrefix && !alarm.name.starts_with(*request.AlarmNamePrefix)) return false;
  if (request.StateValue && alarm.state != *request.StateValue) return false;
  if (request.ActionPrefix && !has_prefix(alarm.ok_actions, *request.ActionPrefix) &&
      !has_prefix(alarm.alarm_actions, *request.ActionPrefix) &&
      !has_prefix(alarm.insufficient_data_actions, *request.ActionPrefix))
    return false;
  // Composite alarms are told only to those who ask for them, by type or as somebody's relative.
  if (request.AlarmTypes.empty()) return !composite || request.ChildrenOfAlarmName || request.ParentsOfAlarmName;
  return std::ranges::find(request.AlarmTypes, composite ? "CompositeAlarm" : "MetricAlarm") !=
         request.AlarmTypes.end();
}

}  // namespace

Result<DescribeAlarmsOutput> AlarmOperations::DescribeAlarms(const Call&, const DescribeAlarmsInput& request) {
  if (request.AlarmNamePrefix && !request.AlarmNames.empty())
    return fail("InvalidParameterCombination", "AlarmNamePrefix and AlarmNames cannot be given together");
  const bool relatives = request.ChildrenOfAlarmName || request.ParentsOfAlarmName;
  if (relatives &&
      (request.AlarmNamePrefix || !request.AlarmNames.empty() || request.StateValue || request.ActionPrefix ||
       !request.AlarmTypes.empty() || (request.ChildrenOfAlarmName && request.ParentsOfAlarmName)))
    return fail("ValidationError",
                "ChildrenOfAlarmName and ParentsOfAlarmName can be given with MaxRecords and NextToken only");
  std::set<std::string> related;
  if (request.ChildrenOfAlarmName) {
    BRUME_TRY(record, find_alarm(*request.ChildrenOfAlarmName));
    if (record->composite) {
      BRUME_TRY(rule, parse_alarm_rule(*record->composite->AlarmRule));
      for (const std::string& child : alarms_of(rule)) related.emplace(alarm_name_of(child));
    }
  } else if (request.ParentsOfAlarmName) {
    BRUME_CHECK(find_alarm(*request.ParentsOfAlarmName));
    related = alarms_.watchers_of(*request.ParentsOfAlarmName);
  }
  std::vector<const AlarmRecord*> wanted;
  for (const auto& [name, record] : alarms_.rows())
    if ((!relatives || related.contains(name)) && is_wanted(record, request)) wanted.push_back(&record);
  BRUME_TRY(page, services::paginate(std::move(wanted), std::size_t(request.MaxRecords.value_or(kPage)),
                                     request.NextToken, [](const AlarmRecord* r) { return AlarmView(*r).name; }));
  DescribeAlarmsOutput out;
  out.MetricAlarms.set_present();
  out.CompositeAlarms.set_present();
  for (const AlarmRecord* record : page.items) {
    if (!request.ParentsOfAlarmName && !request.ChildrenOfAlarmName) {
      if (record->metric)
        out.MetricAlarms.push_back(*record->metric);
      else
        out.CompositeAlarms.push_back(*record->composite);
      continue;
    }
    // Of relatives AWS tells names and states only.
    const AlarmView alarm(*record);
    const auto fill = [&](auto& shown) {
      shown.AlarmName = alarm.name;
      shown.AlarmArn = alarm.arn;
      shown.StateValue = alarm.state;
      shown.StateUpdatedTimestamp = alarm.updated;
    };
    if (record->metric)
      fill(out.MetricAlarms.emplace_back());
    else
      fill(out.CompositeAlarms.emplace_back());
  }
  out.NextToken = std::move(page.next_token);
  return out;
}

Result<DescribeAlarmsForMetricOutput> AlarmOperations::DescribeAlarmsForMetric(
    const Call&, const DescribeAlarmsForMetricInput& request) {
  BRUME_TRY(wanted, read_metric(*request.Namespace, *request.MetricName, request.Dimensions));
  const auto fits = [&](const auto& asked, const auto& has) { return !asked || asked == has; };
  DescribeAlarmsForMetricOutput out;
  out.MetricAlarms.set_present();
  for (const auto& [name, record] : alarms_.rows()) {
    if (!record.metric) continue;
    const MetricAlarm& alarm = *record.metric;
    bool found = false;
    if (alarm.Metrics.empty()) {
      if (!fits(request.Statistic, alarm.Statistic) || !fits(request.ExtendedStatistic, alarm.ExtendedStatistic) ||
          !fits(request.Period, alarm.Period) || !fits(request.Unit, alarm.Unit))
        continue;
      const auto metric = read_metric(*alarm.Namespace, *alarm.MetricName, alarm.Dimensions);
      found = metric && *metric == wanted;
    }
    for (const MetricDataQuery& query : alarm.Metrics) {
      if (!query.MetricStat) continue;
      const MetricStat& stat = *query.MetricStat;
      const auto& statistic = request.Statistic ? request.Statistic : request.ExtendedStatistic;
      if (!fits(statistic, stat.Stat) || !fits(request.Period, stat.Period) || !fits(request.Unit, stat.Unit)) continue;
      const auto metric = read_metric(stat.Metric->Namespace.value_or(""), stat.Metric->MetricName.value_or(""),
                                      stat.Metric->Dimensions);
      found = found || (metric && *metric == wanted);
    }
    if (found) out.MetricAlarms.push_back(alarm);
  }
  return out;
}

Result<DescribeAlarmHistoryOutput> AlarmOperations::DescribeAlarmHistory(const Call&,
                                                                         const DescribeAlarmHistoryInput& request) {
  if (request.AlarmContributorId)
    return fail("ValidationError", "Brume's alarms have no contributors: AlarmContributorId is not supported");
  const bool ascending = request.ScanBy.value_or("TimestampDescending") == "TimestampAscending";
  std::vector<const HistoryRecord*> wanted;
  for (const HistoryRecord* record : alarms_.history().of(request.AlarmName.value_or(""))) {
    const AlarmHistoryItem& item = record->item;
    // Metric alarms' is told unless types are given.
    const std::string type = item.AlarmType.value_or("MetricAlarm");
    if (request.AlarmTypes.empty() ? type != "MetricAlarm" && !request.AlarmName
                                   : std::ranges::find(request.AlarmTypes, type) == request.AlarmTypes.end())
      continue;
    if (request.HistoryItemType && item.HistoryItemType != *request.HistoryItemType) continue;
    if (request.StartDate && *item.Timestamp < *request.StartDate) continue;
    if (request.EndDate && *item.Timestamp > *request.EndDate) continue;
    wanted.push_back(record);
  }
  if (!ascending) std::ranges::reverse(wanted);
  const auto key_of = [&](const HistoryRecord* record) {
    return fmt::format("{:016}", ascending ? record->number : 9'999'999'999'999'999 - record->number);
  };
  BRUME_TRY(page, services::paginate(std::move(wanted), std::size_t(request.MaxRecords.value_or(100)),
                                     request.NextToken, key_of));
  DescribeAlarmHistoryOutput out;
  out.AlarmHistoryItems.set_present();
  for (const HistoryRecord* record : page.items) out.AlarmHistoryItems.push_back(record->item);
  out.NextToken = std::move(page.next_token);
  return out;
}

}  // namespace brume::cloudwatch
