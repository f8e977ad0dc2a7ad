#include "services/cloudwatch/alarms.h"

#include <algorithm>

#include "base/json.h"
#include "base/log.h"
#include "services/cloudwatch/alarm_reason.h"
#include "services/cloudwatch/alarm_rule.h"

namespace brume::cloudwatch {
namespace {

constexpr std::chrono::seconds kRetry{10};
constexpr int kAtOnce = 16;  // actions, each of them a commit

// The third part of an ARN: "sns", "autoscaling", "automate".
std::string_view service_of(std::string_view arn) {
  for (int colons = 0; colons < 2; ++colons) arn.remove_prefix(std::min(arn.find(':'), arn.size() - 1) + 1);
  return arn.substr(0, arn.find(':'));
}

// What SNS would be given to publish.
std::string notification(const AlarmView& alarm, const std::string& region, std::string_view description) {
  return fmt::format(R"({{"AlarmName":{},"AlarmDescription":{},"AWSAccountId":"000000000000","NewStateValue":"{}",)"
                     R"("NewStateReason":{},"StateChangeTime":"{}","Region":"{}","AlarmArn":{}}})",
                     json_quote(alarm.name), json_quote(description), alarm.state, json_quote(alarm.reason),
                     java_time(alarm.updated), region, json_quote(alarm.arn));
}

}  // namespace

Alarms::Alarms(services::Context context, const services::AlarmActions& actions)
    : context_(std::move(context)),
      actions_(actions),
      table_(context_.store, "cloudwatch_alarms", context_.region),
      pending_(context_.store, "cloudwatch_pending_actions", context_.region),
      history_(context_) {}

Result<void> Alarms::load() {
  BRUME_CHECK(table_.load());
  BRUME_CHECK(pending_.load());
  if (!pending_.rows().empty()) next_action_ = std::stoll(pending_.rows().rbegin()->first) + 1;
  return history_.load();
}

void Alarms::start() {
  carry_out();
}

std::set<std::string> Alarms::watchers_of(const std::string& alarm) const {
  std::set<std::string> out;
  for (const auto& [name, record] : table_.rows()) {
    if (!record.composite) continue;
    const auto rule = parse_alarm_rule(*record.composite->AlarmRule);
    const auto is_it = [&](const std::string& named) { return alarm_name_of(named) == alarm; };
    if ((rule && std::ranges::any_of(alarms_of(*rule), is_it)) ||
        is_it(record.composite->ActionsSuppressor.value_or("")))
      out.insert(name);
  }
  return out;
}

bool Alarms::is_composite(const std::string& alarm) const {
  const AlarmRecord* record = table_.find(alarm);
  return record && record->composite;
}

void Alarms::tell(const std::string& alarm) {
  context_.store.after_commit([this, alarm] {
    if (changed_) changed_(alarm);
  });
}

void Alarms::put(const AlarmRecord& record) {
  const std::string name = AlarmView(record).name;
  history_.add_configuration(record, table_.contains(name) ? "Update" : "Create");
  table_.put(name, record);
  tell(name);
}

void Alarms::modify(const std::string& alarm, const std::function<void(AlarmRecord&)>& change) {
  table_.modify(alarm, change);
}

void Alarms::remove(const std::string& alarm) {
  history_.add_configuration(*table_.find(alarm), "Delete");
  table_.erase(alarm);
  tell(alarm);
}

void Alarms::set_state(const std::string& alarm, const State& state) {
  const AlarmRecord before = *table_.find(alarm);
  AlarmRecord after = before;
  const Timestamp now = context_.env.clock.wall();
  const bool changed = AlarmView(before).state != state.value;
  const auto change = [&](auto& record) {
    record.StateValue = state.value;
    record.StateReason = state.reason;
    record.StateReasonData.reset();
    if (!state.reason_data.empty()) record.StateReasonData = state.reason_data;
    record.StateUpdatedTimestamp = now;
    if (changed) record.StateTransitionedTimestamp = now;
  };
  if (after.metric)
    change(*after.metric);
  else
    change(*after.composite);
  table_.put(alarm, after);
  if (changed) {
    history_.add_state(before, after);
    if (after.metric) act(alarm, state.datapoints);
  }
  tell(alarm);
}

PendingActionRecord Alarms::action_of(const AlarmRecord& record, const std::string& arn,
                                      const std::vector<double>& datapoints) const {
  const AlarmView alarm(record);
  PendingActionRecord out;
  out.alarm_name = alarm.name;
  out.alarm_arn = alarm.arn;
  out.state = alarm.state;
  out.action_arn = arn;
  out.time = alarm.updated;
  out.datapoints.assign(datapoints.begin(), datapoints.end());
  if (record.metric) out.threshold = record.metric->Threshold.value_or(0);
  const auto& description = record.metric ? record.metric->AlarmDescription : record.composite->AlarmDescription;
  if (service_of(arn) == "sns") out.message = notification(alarm, context_.region, description.value_or(""));
  return out;
}

void Alarms::act(const std::string& alarm, const std::vector<double>& datapoints) {
  const AlarmRecord& record = *table_.find(alarm);
  const AlarmView view(record);
  if (!view.actions_enabled || view.actions().empty()) return;
  for (const std::string& arn : view.actions())
    pending_.put(fmt::format("{:016}", next_action_++), action_of(record, arn, datapoints));
  context_.store.after_commit([this] { context_.env.loop.post([this] { carry_out(); }); });
}

Result<std::string> Alarms::perform(const services::AlarmEvent& event) {
  const services::AlarmActions::Perform* performer = actions_.find(service_of(event.action_arn));
  if (!performer) return fail("InvalidAction", "Nobody here carries out actions of {}", service_of(event.action_arn));
  // What it did before it failed is undone; that it failed is kept.
  return context_.store.transact([&] { return (*performer)(event); });
}

void Alarms::carry_out() {
  for (int i = 0; !pending_.rows().empty(); ++i) {
    if (i == kAtOnce) {
      context_.env.loop.post([this] { carry_out(); });
      return;
    }
    const std::string key = pending_.rows().begin()->first;
    const PendingActionRecord action = pending_.rows().begin()->second;
    const auto done = context_.store.transact([&]() -> Result<void> {
      pending_.erase(key);
      const bool recorded = service_of(action.action_arn) == "sns";
      const Result<std::string> result =
          recorded ? Result<std::string>("")
                   : perform({.alarm_name = action.alarm_name,
                              .alarm_arn = action.alarm_arn,
                              .state = action.state,
                              .action_arn = action.action_arn,
                              .time = action.time,
                              .datapoints = {action.datapoints.begin(), action.datapoints.end()},
                              .threshold = action.threshold,
                              .repeated = false});
      said_[action.alarm_name + "\n" + action.action_arn] = result ? *result : result.error().message;
      history_.add_action(action, is_composite(action.alarm_name), result, recorded);
      return {};
    });
    if (done) continue;
    log_warning("action {} of alarm {} waits: {}", action.action_arn, action.alarm_name, done.error().message);
    context_.env.loop.after(kRetry, [this] { carry_out(); });
    return;
  }
}

bool Alarms::repeat(const std::string& alarm, const std::vector<double>& datapoints) {
  const auto is_repeated = [](const std::string& arn) { return service_of(arn) == "autoscaling"; };
  const AlarmRecord* record = table_.find(alarm);
  if (!record || std::ranges::none_of(AlarmView(*record).actions(), is_repeated)) return false;
  if (!AlarmView(*record).actions_enabled) return true;  // they may be, at any time
  const List<std::string> arns = AlarmView(*record).actions();
  for (const std::string& arn : arns) {
    if (!is_repeated(arn)) continue;
    const AlarmView view(*record);
    const services::AlarmEvent event{.alarm_name = view.name,
                                     .alarm_arn = view.arn,
                                     .state = view.state,
                                     .action_arn = arn,
                                     .time = view.updated,
                                     .datapoints = datapoints,
                                     .threshold = record->metric ? record->metric->Threshold.value_or(0) : 0,
                                     .repeated = true};
    const auto done = context_.store.transact([&]() -> Result<void> {
      const Result<std::string> result = perform(event);
      // Told when it comes to something else than the last time: a minute's "in cooldown" after the other says nothing.
      std::string& said = said_[alarm + "\n" + arn];
      const std::string& says = result ? *result : result.error().message;
      const AlarmRecord* still = table_.find(alarm);
      if (std::exchange(said, says) != says && still)
        history_.add_action(action_of(*still, arn, datapoints), false, result, false);
      return {};
    });
    if (!done) log_warning("action {} of alarm {}: {}", arn, alarm, done.error().message);
    record = table_.find(alarm);
    if (!record) return false;
  }
  return true;
}

}  // namespace brume::cloudwatch
