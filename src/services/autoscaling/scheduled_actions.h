// Scheduled actions: kept, described, and done when their time has come.
//
// Schedules are wall time by nature. Each action has the next time it is due as its StartTime; what came due while the
// daemon was not running is done at its start, once for each action, in the order of their last times. An action only
// changes a group's bounds and its desired capacity. Leaves to others: cron and time zones (schedule/).
#pragma once

#include <string>
#include <vector>

#include "autoscaling/api.h"
#include "services/autoscaling/decision_log.h"
#include "services/autoscaling/group_state.h"
#include "services/autoscaling/scaling/records.h"

namespace brume::autoscaling {

class ScheduledActionOperations : public virtual Api, protected GroupPart {
 public:
  ScheduledActionOperations(GroupState& state, DecisionLog& decisions);
  Result<void> load_schedules() { return scheduled_.load(); }
  // Does what is due, now and from now on.
  void start_schedules();

  Result<void> PutScheduledUpdateGroupAction(const Call&, const PutScheduledUpdateGroupActionType&) override;
  Result<BatchPutScheduledUpdateGroupActionAnswer> BatchPutScheduledUpdateGroupAction(
      const Call&, const BatchPutScheduledUpdateGroupActionType&) override;
  Result<ScheduledActionsType> DescribeScheduledActions(const Call&, const DescribeScheduledActionsType&) override;
  Result<void> DeleteScheduledAction(const Call&, const DeleteScheduledActionType&) override;
  Result<BatchDeleteScheduledActionAnswer> BatchDeleteScheduledAction(const Call&,
                                                                      const BatchDeleteScheduledActionType&) override;

 private:
  static std::string scheduled_key(const ScheduledUpdateGroupAction& action);
  [[nodiscard]] std::vector<const ScheduledRecord*> scheduled_of(const std::string& group) const;
  Result<void> put_scheduled(const std::string& group, const ScheduledUpdateGroupActionRequest& request);
  Result<void> check_times(const std::string& key, ScheduledUpdateGroupAction& action,
                           const ScheduledUpdateGroupActionRequest& request);
  Result<void> delete_scheduled(const std::string& group, const std::string& name);
  void plan_schedules();
  void do_due();
  Result<void> do_scheduled(const std::string& key, Timestamp now);

  DecisionLog& decisions_;
  store::Table<ScheduledRecord> scheduled_;
  bool schedules_started_ = false;
  env::Loop::TimerId schedule_timer_ = 0;
};

}  // namespace brume::autoscaling
