// What happened to alarms: the items of DescribeAlarmHistory and their JSON.
//
// Kept for 30 days as on AWS, at most 200 items an alarm and 20,000 a region; the oldest go first. Items outlive their
// alarm. Written in the transaction of what they tell.
#pragma once

#include <string>

#include "services/cloudwatch/alarm_records.h"
#include "services/common/context.h"
#include "store/table.h"

namespace brume::cloudwatch {

class AlarmHistory {
 public:
  explicit AlarmHistory(const services::Context& context);
  Result<void> load();

  // `kind`: Create, Update, Delete.
  void add_configuration(const AlarmRecord& record, std::string_view kind);
  // `before` and `after`: of the same alarm.
  void add_state(const AlarmRecord& before, const AlarmRecord& after);
  // `result`: what whoever carried it out says. `recorded`: nobody carries this out; it was only noted.
  void add_action(const PendingActionRecord& action, bool composite, const Result<std::string>& result, bool recorded);
  // A composite alarm's actions wait: WaitPeriod, ExtensionPeriod, Alarm.
  void add_suppression(const AlarmRecord& record);

  // Those of an alarm, or of all (""), oldest first.
  [[nodiscard]] std::vector<const HistoryRecord*> of(const std::string& alarm) const;

 private:
  void add(const std::string& alarm, bool composite, std::string type, const std::string& summary, std::string data);
  void trim(const std::string& alarm);

  env::Clock& clock_;
  store::Table<HistoryRecord> items_;
  std::int64_t next_ = 1;
};

}  // namespace brume::cloudwatch
