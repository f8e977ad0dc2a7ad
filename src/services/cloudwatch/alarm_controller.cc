#include "services/cloudwatch/alarm_controller.h"

#include <algorithm>

#include "base/log.h"
#include "services/cloudwatch/alarm_reason.h"

namespace brume::cloudwatch {
namespace {

using std::chrono::seconds;

constexpr seconds kMinute{60}, kTenSeconds{10};
// A new alarm is looked at soon: most of what there is to know is there already.
constexpr seconds kFirstLook{1};
// What Brume itself measures of a minute is there so soon after its end, and alarms are then looked at within this
// time; a fifth of the interval at most, each.
constexpr std::chrono::milliseconds kSettles{300}, kSpread{700};
// Alarms that fall due together are looked at together: one wake-up for many.
constexpr std::chrono::milliseconds kTogether{250};
constexpr std::size_t kAtOnce = 200;  // alarms, then others have their turn
// How far back over time that was not lived through an alarm looks, in periods.
constexpr std::size_t kSpan = 10'000;

// How many periods are looked at.
std::size_t range_of(const AlarmSource& source, const AlarmCriteria& criteria) {
  const auto is_of_instances = [](const MetricQuery& query) {
    return query.metric.metric_namespace == "AWS/EC2" || query.metric.metric_namespace == "CWAgent";
  };
  return std::ranges::any_of(source.queries, is_of_instances)
             ? evaluation_range_of_instances(criteria.evaluation_periods, source.period)
             : evaluation_range(criteria.evaluation_periods);
}

}  // namespace

AlarmController::AlarmController(services::Context context, const MetricReader& reader, Alarms& alarms)
    : context_(std::move(context)),
      reader_(reader),
      alarms_(alarms),
      lived_rows_(context_.store, "cloudwatch_lived", context_.region) {}

Result<void> AlarmController::load() {
  BRUME_CHECK(lived_rows_.load());
  if (const LivedRecord* record = lived_rows_.find("lived")) lived_ = LivedTime(record->stretches);
  return {};
}

void AlarmController::start() {
  started_ = true;
  look_at_clocks();
  for (const auto& [name, record] : alarms_.rows()) {
    if (record.metric) schedule(name, record);
    watch_composite(name, record.composite ? &*record.composite : nullptr);
  }
}

void AlarmController::look_at_clocks() {
  const env::MonotonicTime now = context_.env.clock.now();
  const bool jumped = lived_.observe(now, context_.env.clock.wall());
  if (jumped)
    for (auto& [name, watched] : watched_) watched.seen.reset();
  if (!jumped && now - kept_ < kMinute) return;
  if (jumped && lived_.stretches().size() > 1)
    log_info("alarms pass over time in {} that was not lived through", context_.region);
  if (!watched_.empty()) keep_lived();
}

void AlarmController::keep_lived() {
  kept_ = context_.env.clock.now();
  // Lost, it is a longer gap after a restart.
  const auto kept = context_.store.transact([&]() -> Result<void> {
    lived_rows_.put("lived", LivedRecord{lived_.stretches()});
    return {};
  });
  if (!kept) log_warning("the time that alarms lived through was not kept: {}", kept.error().message);
}

seconds AlarmController::interval(bool high_resolution) const {
  return context_.scaled(high_resolution ? kTenSeconds : kMinute);
}

void AlarmController::changed(const std::string& alarm) {
  if (!started_) return;
  if (const auto watched = watched_.find(alarm); watched != watched_.end()) {
    watched->second.seen.reset();
    watched->second.source.reset();
  }
  const AlarmRecord* record = alarms_.find(alarm);
  watch_composite(alarm, record && record->composite ? &*record->composite : nullptr);
  if (record && record->metric) {
    // What there is to pass over concerns the alarms that there were.
    if (watched_.empty()) lived_ = LivedTime();
    schedule(alarm, *record);
  } else if (const auto watched = watched_.find(alarm); watched != watched_.end()) {
    due_.erase({watched->second.due, &*watched});
    watched_.erase(watched);
    set_timer();
  }
  if (const auto watchers = watchers_.find(alarm); watchers != watchers_.end())
    for (const std::string& composite : watchers->second) look_soon(composite);
}

void AlarmController::schedule(const std::string& alarm, const AlarmRecord& record) {
  const auto source = source_of(*record.metric);
  const bool high_resolution = source && source->period < kMinute;
  const auto known = watched_.find(alarm);
  if (known != watched_.end() && known->second.high_resolution == high_resolution) return;
  if (known != watched_.end()) due_.erase({known->second.due, &*known});
  const env::MonotonicTime due = context_.env.clock.now() + kFirstLook;
  const bool first = watched_.empty();
  const auto watched = watched_.try_emplace(alarm).first;
  watched->second = {.due = due, .high_resolution = high_resolution, .source = {}, .places = {}, .seen = {}};
  due_.insert({due, &*watched});
  if (first) {
    lived_.observe(context_.env.clock.now(), context_.env.clock.wall());
    keep_lived();
  }
  set_timer();
}

void AlarmController::set_timer() {
  context_.env.loop.cancel(std::exchange(timer_, 0));
  if (due_.empty()) return;
  const env::Duration delay = due_.begin()->time - context_.env.clock.now();
  // Where more than one turn's are due, others have theirs in between.
  timer_ = context_.env.loop.after(delay > env::Duration::zero() ? std::max<env::Duration>(delay, kTogether) : delay,
                                   [this] {
                                     timer_ = 0;
                                     run_due();
                                   });
}

void AlarmController::run_due() {
  look_at_clocks();
  const env::MonotonicTime now = context_.env.clock.now();
  for (std::size_t i = 0; i < kAtOnce && !due_.empty() && due_.begin()->time <= now; ++i) {
    auto node = due_.extract(due_.begin());
    Entry& alarm = *node.value().alarm;
    node.value().time = alarm.second.due = next_look(alarm.first, alarm.second.high_resolution);
    due_.insert(std::move(node));
    evaluate(alarm);
  }
  set_timer();
}

env::MonotonicTime AlarmController::next_look(const std::string& alarm, bool high_resolution) const {
  using std::chrono::milliseconds;
  const milliseconds every = interval(high_resolution);
  const milliseconds settles = std::min(kSettles, every / 5), spread = std::min(kSpread, every / 5);
  const std::uint64_t name = std::hash<std::string>()(alarm);
  const milliseconds early = settles + milliseconds(name % std::uint64_t(spread.count()));
  const milliseconds late = settles + spread + milliseconds(name % std::uint64_t((every - settles - spread).count()));
  const milliseconds wall = context_.env.clock.wall().time_since_epoch();
  const auto until = [&](milliseconds place) { return every - (wall - place) % every; };
  return context_.env.clock.now() + std::min(until(early), until(late));
}

std::optional<AlarmController::Seen> AlarmController::to_see(Watched& watched) const {
  const AlarmSource& source = *watched.source;
  const auto newest = lived_.newest(context_.scaled(source.period), 1, kSpan).begins;
  if (newest.empty()) return std::nullopt;
  Seen seen{.newest = newest.front(), .datapoints = {}};
  watched.places.resize(source.queries.size());
  for (std::size_t i = 0; i < source.queries.size(); ++i) {
    if (source.queries[i].expression) continue;
    const auto changes = reader_.changes(source.queries[i].metric, watched.places[i]);
    if (!changes) return std::nullopt;
    seen.changes += *changes;
  }
  return seen;
}

void AlarmController::keep(Entry& alarm, std::optional<Seen> seen, bool decided, std::vector<double> datapoints) {
  if (seen) {
    seen->repeats = decided;
    seen->datapoints = datapoints;
    alarm.second.seen = std::move(seen);
  }
  if (decided) repeat(alarm, datapoints);
}

Result<AlarmController::Looked> AlarmController::look(const AlarmSource& source, std::size_t count) const {
  const seconds period = context_.scaled(source.period);
  const LivedTime::Periods periods = lived_.newest(period, count, std::max(kSpan, count));
  Looked out{.slots = {}, .whole = periods.whole};
  if (periods.begins.empty()) return out;
  QueryEvaluation evaluation(source.queries, reader_, periods.begins.back(), periods.begins.front() + period);
  BRUME_TRY(value, evaluation.result(source.queries[source.returned]));
  const auto* series = std::get_if<expression::Series>(&value);
  if (!series) return fail("ValidationError", "The expression comes to several time series; an alarm watches one");
  for (const Timestamp begin : periods.begins) {
    const double* point = series->at(begin);
    out.slots.push_back({begin, point ? std::optional(*point) : std::nullopt});
  }
  return out;
}

bool AlarmController::lacks_samples(const MetricAlarm& alarm, const AlarmSource& source,
                                    const std::vector<Slot>& slots) const {
  const Statistic& statistic = source.queries.front().statistic;
  if (alarm.EvaluateLowSampleCountPercentile != "ignore" || statistic.kind != Statistic::Kind::percentile ||
      slots.empty())
    return false;
  const seconds period = context_.scaled(source.period);
  const std::size_t last = std::min(slots.size(), std::size_t(*alarm.EvaluationPeriods)) - 1;
  double samples = 0;
  for (const auto& point : reader_.read(source.queries.front().metric, Statistic{.kind = Statistic::Kind::sample_count},
                                        period, slots[last].time, slots.front().time + period, alarm.Unit))
    samples += point.value;
  return samples > 0 && too_few_samples(statistic.high.value_or(50), samples);
}

void AlarmController::evaluate(Entry& entry) {
  const std::string& name = entry.first;
  Watched& watched = entry.second;
  const auto fails = [&](const Error& error) { log_warning("alarm {} cannot be evaluated: {}", name, error.message); };
  if (!watched.source) {
    auto source = source_of(*alarms_.find(name)->metric);
    if (!source) return fails(source.error());
    watched.source = *std::move(source);
    for (MetricQuery& query : watched.source->queries) query.period = context_.scaled(query.period);
  }
  const AlarmSource& source = *watched.source;
  const auto seen = to_see(watched);
  if (seen && watched.seen && watched.seen->newest == seen->newest && watched.seen->changes == seen->changes) {
    if (watched.seen->repeats) repeat(entry, watched.seen->datapoints);
    return;
  }
  const MetricAlarm& alarm = *alarms_.find(name)->metric;
  const AlarmCriteria criteria = criteria_of(alarm);
  const auto looked = look(source, range_of(source, criteria));
  if (!looked) return fails(looked.error());
  const Evaluation found = cloudwatch::evaluate(criteria, looked->slots, looked->whole);
  if (found.state.empty() || lacks_samples(alarm, source, looked->slots)) return keep(entry, seen, false, {});
  std::vector<double> datapoints;
  for (const Slot& slot : found.counted) datapoints.push_back(*slot.value);
  if (found.state == *alarm.StateValue) return keep(entry, seen, true, std::move(datapoints));
  const std::string statistic = alarm.Metrics.empty() ? source.queries.front().statistic_name : "";
  const Alarms::State state{.value = std::string(found.state),
                            .reason = state_reason(criteria, found, alarm.DatapointsToAlarm.has_value()),
                            .reason_data = state_reason_data({.query_date = context_.env.clock.wall(),
                                                              .statistic = statistic,
                                                              .unit = alarm.Unit,
                                                              .period = source.period.count(),
                                                              .threshold = criteria.threshold,
                                                              .slots = looked->slots}),
                            .datapoints = datapoints};
  // What cannot be written now is decided again at the next look.
  const auto written = context_.store.transact([&]() -> Result<void> {
    alarms_.set_state(name, state);
    return {};
  });
  if (!written)
    log_warning("alarm {} stays {}: {}", name, AlarmView(*alarms_.find(name)).state, written.error().message);
  else
    watched.acted = context_.env.clock.now();
}

void AlarmController::repeat(Entry& alarm, const std::vector<double>& datapoints) {
  const env::MonotonicTime now = context_.env.clock.now();
  // Once a minute, though the alarm be looked at more often, and a little early or late.
  if (now - alarm.second.acted < env::Duration(interval(false)) * 11 / 12) return;
  alarm.second.acted = now;
  if (!alarms_.repeat(alarm.first, datapoints) && alarm.second.seen) alarm.second.seen->repeats = false;
}

}  // namespace brume::cloudwatch
