// Composite alarms: their rule, evaluated when a state that it watches changes, and the actions that may have to wait.
#include <algorithm>

#include "base/json.h"
#include "base/log.h"
#include "services/cloudwatch/action_suppression.h"
#include "services/cloudwatch/alarm_controller.h"
#include "services/cloudwatch/alarm_reason.h"

namespace brume::cloudwatch {
namespace {

constexpr std::chrono::seconds kRetry{10};

// "Friday 22 July, 2022 15:57:45 UTC"
std::string long_time(Timestamp time) {
  constexpr const char* kDays[] = {"Sunday", "Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday"};
  constexpr const char* kMonths[] = {"January", "February", "March",     "April",   "May",      "June",
                                     "July",    "August",   "September", "October", "November", "December"};
  const auto day = std::chrono::floor<std::chrono::days>(time);
  const std::chrono::year_month_day date(day);
  const std::chrono::hh_mm_ss clock(std::chrono::floor<std::chrono::seconds>(time - day));
  return fmt::format("{} {:02} {}, {} {:02}:{:02}:{:02} UTC", kDays[std::chrono::weekday(day).c_encoding()],
                     unsigned(date.day()), kMonths[unsigned(date.month()) - 1], int(date.year()), clock.hours().count(),
                     clock.minutes().count(), clock.seconds().count());
}

}  // namespace

void AlarmController::watch_composite(const std::string& alarm, const CompositeAlarm* composite) {
  const auto known = composites_.find(alarm);
  const std::string suppressor(composite ? alarm_name_of(composite->ActionsSuppressor.value_or("")) : "");
  if (composite && known != composites_.end() && known->second.text == *composite->AlarmRule &&
      (suppressor.empty() || known->second.watched.contains(suppressor))) {
    look_soon(alarm);
    return;
  }
  if (known != composites_.end()) {
    for (const std::string& watched : known->second.watched) watchers_[watched].erase(alarm);
    context_.env.loop.cancel(known->second.timer);
    composites_.erase(known);
  }
  if (!composite) return;
  auto rule = parse_alarm_rule(*composite->AlarmRule);
  if (!rule) {
    log_warning("alarm {} cannot be evaluated: {}", alarm, rule.error().message);
    return;
  }
  Composite& watched = composites_[alarm];
  watched.text = *composite->AlarmRule;
  watched.rule = *std::move(rule);
  for (const std::string& child : alarms_of(watched.rule)) watched.watched.insert(std::string(alarm_name_of(child)));
  if (!suppressor.empty()) watched.watched.insert(suppressor);
  for (const std::string& child : watched.watched) watchers_[child].insert(alarm);
  look_soon(alarm);
}

void AlarmController::look_soon(const std::string& composite) {
  if (!soon_.insert(composite).second) return;
  context_.env.loop.post([this, composite] {
    soon_.erase(composite);
    look_composite(composite);
  });
}

void AlarmController::look_composite(const std::string& name) {
  const auto found = composites_.find(name);
  if (found == composites_.end() || !alarms_.find(name)) return;
  const auto evaluated = context_.store.transact([&] { return evaluate_rule(name, found->second); });
  if (!evaluated) {
    log_warning("alarm {} stays as it is: {}", name, evaluated.error().message);
    found->second.seen.reset();
    context_.env.loop.after(kRetry, [this, name] { look_composite(name); });
    return;
  }
  suppress(name, found->second);
}

Result<void> AlarmController::evaluate_rule(const std::string& name, Composite& watched) {
  const AlarmRecord& record = *alarms_.find(name);
  const auto state_of = [&](const std::string& alarm) -> std::string_view {
    const AlarmRecord* child = alarms_.find(alarm_name_of(alarm));
    return child ? std::string_view(AlarmView(*child).state) : std::string_view();
  };
  // A state that was set by hand stays until something that the rule watches changes, as on AWS.
  std::string states = to_iso8601(*record.composite->AlarmConfigurationUpdatedTimestamp, true);
  const AlarmRecord* newest = nullptr;
  for (const std::string& alarm : alarms_of(watched.rule)) {
    states += fmt::format("\n{}", state_of(alarm));
    const AlarmRecord* child = alarms_.find(alarm_name_of(alarm));
    if (child && (!newest || AlarmView(*child).updated > AlarmView(*newest).updated)) newest = child;
  }
  if (watched.seen == states) return {};
  const bool first = !watched.seen;
  watched.seen = states;
  const std::string value = holds(watched.rule, state_of) ? "ALARM" : "OK";
  if (value == *record.composite->StateValue) return {};
  Alarms::State state{.value = value, .reason = "", .reason_data = "", .datapoints = {}};
  const std::string& arn = *record.composite->AlarmArn;
  if ((first && record.composite->StateReason == kUnchecked) || !newest) {
    state.reason = fmt::format("{} was created and its alarm rule evaluates to {}", arn, value);
  } else {
    const AlarmView child(*newest);
    state.reason = fmt::format("{} transitioned to {} at {}", child.arn, child.state, long_time(child.updated));
    state.reason_data =
        fmt::format(R"({{"triggeringAlarms":[{{"arn":{},"state":{{"value":"{}","timestamp":"{}"}}}}]}})",
                    json_quote(child.arn), child.state, java_time(child.updated));
  }
  alarms_.set_state(name, state);
  return {};
}

void AlarmController::suppress(const std::string& name, Composite& watched) {
  const AlarmRecord& record = *alarms_.find(name);
  const AlarmRecord* suppressor = nullptr;
  if (record.composite->ActionsSuppressor)
    suppressor = alarms_.find(alarm_name_of(*record.composite->ActionsSuppressor));
  const Suppression now{.phase = record.suppression, .announced = record.announced};
  // A period that an earlier daemon began, begins anew.
  const bool timed = now.phase == "WaitPeriod" || now.phase == "ExtensionPeriod";
  const bool over = timed && watched.timed_out == now.phase;
  SuppressionStep next = step(now, *record.composite->StateValue,
                              suppressor ? std::string_view(AlarmView(*suppressor).state) : std::string_view(), over);
  if (next.wait == Wait::keep && timed && watched.timing != now.phase && !over)
    next.wait = now.phase == "WaitPeriod" ? Wait::wait_period : Wait::extension_period;
  if (next.wait != Wait::keep) {
    context_.env.loop.cancel(std::exchange(watched.timer, 0));
    watched.timing.clear();
    watched.timed_out.clear();
  }
  if (next.wait == Wait::wait_period || next.wait == Wait::extension_period) {
    const std::int64_t wait = next.wait == Wait::wait_period
                                  ? record.composite->ActionsSuppressorWaitPeriod.value_or(0)
                                  : record.composite->ActionsSuppressorExtensionPeriod.value_or(0);
    watched.timing = next.next.phase;
    watched.timer = context_.env.loop.after(context_.scaled(std::chrono::seconds(wait)), [this, name] {
      const auto found = composites_.find(name);
      if (found == composites_.end()) return;
      found->second.timer = 0;
      found->second.timed_out = std::exchange(found->second.timing, "");
      look_composite(name);
    });
  }
  if (next.next.phase == now.phase && next.next.announced == now.announced && !next.act) return;
  const auto written = context_.store.transact([&]() -> Result<void> {
    const bool waits = !next.next.phase.empty() && next.next.phase != now.phase;
    alarms_.modify(name, [&](AlarmRecord& changed) {
      changed.suppression = next.next.phase;
      changed.announced = next.next.announced;
      CompositeAlarm& shown = *changed.composite;
      shown.ActionsSuppressedBy.reset();
      shown.ActionsSuppressedReason.reset();
      if (next.next.phase.empty()) return;
      shown.ActionsSuppressedBy = next.next.phase;
      shown.ActionsSuppressedReason = "Actions suppressed by " + next.next.phase;
    });
    if (waits && *alarms_.find(name)->composite->StateValue != next.next.announced)
      alarms_.history().add_suppression(*alarms_.find(name));
    if (next.act) alarms_.act(name);
    return {};
  });
  if (written) return;
  log_warning("the actions of alarm {} wait: {}", name, written.error().message);
  context_.env.loop.after(kRetry, [this, name] { look_composite(name); });
}

}  // namespace brume::cloudwatch
