// The alarms of a region: what is kept of them, how one comes to another state, and the actions that this asks for.
//
// A state, its history and its actions are written in one transaction; the actions are carried out after it, each in a
// transaction with its erasure and its history, so that none is lost and none of a service of this cloud runs twice,
// wherever the daemon stops. Leaves to others: which state an alarm should have (the controller), what an action does
// (AlarmActions).
#pragma once

#include <functional>
#include <map>
#include <set>
#include <string>
#include <vector>

#include "services/cloudwatch/alarm_history.h"
#include "services/cloudwatch/alarm_records.h"
#include "services/common/alarm_actions.h"
#include "services/common/context.h"
#include "store/table.h"

namespace brume::cloudwatch {

class Alarms {
 public:
  Alarms(services::Context context, const services::AlarmActions& actions);
  Result<void> load();
  // Carries out what an earlier daemon left.
  void start();
  // Told, after the commit, of alarms that were made, changed, removed or came to another state.
  void on_change(std::function<void(const std::string& alarm)> listener) { changed_ = std::move(listener); }

  [[nodiscard]] const std::map<std::string, AlarmRecord, std::less<>>& rows() const { return table_.rows(); }
  [[nodiscard]] const AlarmRecord* find(std::string_view name) const { return table_.find(name); }
  // Composite alarms that watch this one, by their rule or as their suppressor.
  [[nodiscard]] std::set<std::string> watchers_of(const std::string& alarm) const;
  [[nodiscard]] AlarmHistory& history() { return history_; }

  // In a transaction:
  // Makes or replaces an alarm, and tells its history.
  void put(const AlarmRecord& record);
  // Changes what is no configuration: tags, ActionsEnabled, what waits.
  void modify(const std::string& alarm, const std::function<void(AlarmRecord&)>& change);
  void remove(const std::string& alarm);

  struct State {
    std::string value, reason, reason_data;
    std::vector<double> datapoints;  // that the evaluation counted, newest first
  };
  // A metric alarm's actions run if the state changes; a composite alarm's are its controller's (act).
  void set_state(const std::string& alarm, const State& state);
  // Has the actions of the present state carried out, if the alarm's actions are enabled.
  void act(const std::string& alarm, const std::vector<double>& datapoints = {});

  // Outside of transactions: Auto Scaling's actions of the present state once more. False: as long as the alarm is not
  // changed there are none.
  bool repeat(const std::string& alarm, const std::vector<double>& datapoints);

 private:
  [[nodiscard]] PendingActionRecord action_of(const AlarmRecord& record, const std::string& arn,
                                              const std::vector<double>& datapoints) const;
  Result<std::string> perform(const services::AlarmEvent& event);
  void carry_out();
  void tell(const std::string& alarm);
  [[nodiscard]] bool is_composite(const std::string& alarm) const;

  services::Context context_;
  const services::AlarmActions& actions_;
  store::Table<AlarmRecord> table_;
  store::Table<PendingActionRecord> pending_;
  AlarmHistory history_;
  std::function<void(const std::string&)> changed_;
  std::int64_t next_action_ = 1;
  std::map<std::string, std::string> said_;  // of "<alarm>\n<action>": what its last repetition came to
};

}  // namespace brume::cloudwatch
