#include "services/cloudwatch/alarm_history.h"

#include <algorithm>
#include <boost/json.hpp>
#include <cctype>

#include "services/cloudwatch/alarm_reason.h"

namespace brume::cloudwatch {
namespace {

namespace json = boost::json;

constexpr auto kKept = std::chrono::days(30);
constexpr std::size_t kMostOfAlarm = 200;
constexpr std::size_t kMost = 20'000;
constexpr std::size_t kLongestSummary = 255, kLongestData = 4095;

std::string key_of(const std::string& alarm, std::int64_t number) {
  return fmt::format("{}\n{:016}", alarm, number);
}

// CloudWatch writes members with a small first letter here.
json::value small_letters(const json::value& value) {
  if (const auto* list = value.if_array()) {
    json::array out;
    for (const json::value& item : *list) out.push_back(small_letters(item));
    return out;
  }
  const auto* object = value.if_object();
  if (!object) return value;
  json::object out;
  for (const auto& [name, item] : *object) {
    std::string small(name);
    if (!small.empty()) small[0] = char(std::tolower(static_cast<unsigned char>(small[0])));
    out[small] = small_letters(item);
  }
  return out;
}

template <typename T>
json::value as_json(const T& described) {
  return small_letters(json::parse(to_json(described)));
}

json::object state_of(const AlarmView& alarm, bool with_data) {
  json::object out{{"stateValue", alarm.state}, {"stateReason", alarm.reason}};
  if (!with_data || alarm.reason_data.empty()) return out;
  boost::system::error_code error;
  json::value data = json::parse(alarm.reason_data, error);  // users may set any text
  out["stateReasonData"] = error ? json::value(alarm.reason_data) : std::move(data);
  return out;
}

}  // namespace

AlarmHistory::AlarmHistory(const services::Context& context)
    : clock_(context.env.clock), items_(context.store, "cloudwatch_alarm_history", context.region) {}

Result<void> AlarmHistory::load() {
  BRUME_CHECK(items_.load());
  for (const auto& [key, record] : items_.rows()) next_ = std::max(next_, record.number + 1);
  return {};
}

void AlarmHistory::add(const std::string& alarm, bool composite, std::string type, const std::string& summary,
                       std::string data) {
  HistoryRecord record;
  record.number = next_++;
  record.item.AlarmName = alarm;
  record.item.AlarmType = composite ? "CompositeAlarm" : "MetricAlarm";
  record.item.Timestamp = clock_.wall();
  record.item.HistoryItemType = std::move(type);
  record.item.HistorySummary = summary.substr(0, kLongestSummary);
  record.item.HistoryData = std::move(data);
  items_.put(key_of(alarm, record.number), std::move(record));
  trim(alarm);
}

void AlarmHistory::trim(const std::string& alarm) {
  const Timestamp oldest = clock_.wall() - kKept;
  auto items = of(alarm);
  std::size_t left = items.size();
  for (const HistoryRecord* record : items) {
    if (left <= kMostOfAlarm && *record->item.Timestamp >= oldest) break;
    items_.erase(key_of(alarm, record->number));
    --left;
  }
  if (items_.size() <= kMost) return;
  // A tenth at once, so that the search for the oldest is not made each time.
  items = of("");
  for (std::size_t i = 0; i < kMost / 10; ++i) items_.erase(key_of(*items[i]->item.AlarmName, items[i]->number));
}

void AlarmHistory::add_configuration(const AlarmRecord& record, std::string_view kind) {
  const AlarmView alarm(record);
  std::string done = std::string(kind) + "d";  // created, updated, deleted
  done[0] = char(std::tolower(static_cast<unsigned char>(done[0])));
  const auto data = [&](json::value configuration) {
    return json::serialize(
        json::object{{"version", "1.0"}, {"type", std::string(kind)}, {done + "Alarm", std::move(configuration)}});
  };
  std::string text = data(record.metric ? as_json(*record.metric) : as_json(*record.composite));
  if (text.size() > kLongestData) text = data(json::object{{"alarmName", alarm.name}, {"alarmArn", alarm.arn}});
  add(alarm.name, !record.metric, "ConfigurationUpdate", fmt::format("Alarm \"{}\" {}", alarm.name, done),
      std::move(text));
}

void AlarmHistory::add_state(const AlarmRecord& before, const AlarmRecord& after) {
  const AlarmView from(before), to(after);
  const auto data = [&](bool from_data, bool to_data) {
    return json::serialize(
        json::object{{"version", "1.0"}, {"oldState", state_of(from, from_data)}, {"newState", state_of(to, to_data)}});
  };
  std::string text = data(true, true);
  if (text.size() > kLongestData) text = data(false, true);
  if (text.size() > kLongestData) text = data(false, false);
  add(to.name, !after.metric, "StateUpdate", fmt::format("Alarm updated from {} to {}", from.state, to.state),
      std::move(text));
}

void AlarmHistory::add_action(const PendingActionRecord& action, bool composite, const Result<std::string>& result,
                              bool recorded) {
  std::string summary;
  if (recorded)
    summary = fmt::format("Recorded action {}: there is no SNS here yet to publish it", action.action_arn);
  else if (result)
    summary = "Successfully executed action " + action.action_arn;
  else
    summary =
        fmt::format("Failed to execute action {}. Received error: \"{}\"", action.action_arn, result.error().message);
  const auto data = [&](bool with_message) {
    json::object out{{"actionState", recorded ? "Recorded"
                                     : result ? "Succeeded"
                                              : "Failed"},
                     {"stateUpdateTimestamp", action.time.time_since_epoch().count()},
                     {"notificationResource", action.action_arn},
                     {"publishedMessage", nullptr},
                     {"error", nullptr}};
    if (recorded && with_message) out["publishedMessage"] = action.message;
    if (!result) out["error"] = result.error().message;
    if (result && !recorded) out["result"] = *result;
    return json::serialize(out);
  };
  std::string text = data(true);
  if (text.size() > kLongestData) text = data(false);
  add(action.alarm_name, composite, "Action", std::move(summary), text.substr(0, kLongestData));
}

void AlarmHistory::add_suppression(const AlarmRecord& record) {
  const AlarmView alarm(record);
  add(alarm.name, true, "Action", fmt::format("Actions suppressed by {}", record.suppression),
      json::serialize(json::object{{"actionState", "Suppressed"},
                                   {"stateUpdateTimestamp", alarm.updated.time_since_epoch().count()},
                                   {"actionsSuppressedBy", record.suppression}}));
}

std::vector<const HistoryRecord*> AlarmHistory::of(const std::string& alarm) const {
  std::vector<const HistoryRecord*> out;
  const std::string prefix = alarm + "\n";
  auto row = alarm.empty() ? items_.rows().begin() : items_.rows().lower_bound(prefix);
  for (; row != items_.rows().end() && (alarm.empty() || row->first.starts_with(prefix)); ++row)
    out.push_back(&row->second);
  if (alarm.empty()) std::ranges::sort(out, {}, &HistoryRecord::number);
  return out;
}

}  // namespace brume::cloudwatch
