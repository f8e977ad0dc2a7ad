#include "services/logs/metric_filters.h"

#include <algorithm>

namespace brume::logs {
namespace {

Timestamp floor_to(std::int64_t time, env::Duration period) {
  const auto ms = std::chrono::duration_cast<std::chrono::milliseconds>(period).count();
  return Timestamp(std::chrono::milliseconds(time / ms * ms));
}

}  // namespace

void MetricFilters::measure(const MetricFilterRules& rules, std::span<const logstore::NewEvent> events) {
  if (rules.empty()) return;
  auto all = std::make_shared<std::vector<Measured>>();
  for (const auto& rule : rules) {
    Measured& measured = all->emplace_back(Measured{rule, {}, {}});
    // The events of a minute are next to each other.
    for (auto begin = events.begin(); begin != events.end();) {
      const Timestamp start = floor_to(begin->timestamp, minute());
      MetricExtraction::Batch batch(rule->extraction);
      for (; begin != events.end() && floor_to(begin->timestamp, minute()) == start; ++begin)
        batch.add(start, begin->message);
      const auto samples = batch.samples();
      measured.minutes[start] |= !samples.empty();
      for (services::MetricSample sample : samples) {
        sample.time = start;
        measured.samples.push_back(std::move(sample));
      }
    }
  }
  context_.env.loop.post([this, all] { tell(*all); });
}

void MetricFilters::tell(const std::vector<Measured>& measured) {
  for (const Measured& each : measured) {
    if (!each.samples.empty()) metrics_.put(each.rule->metric_namespace, each.samples);
    if (!each.rule->default_value) continue;
    for (const auto& [start, matched] : each.minutes) open_[each.rule][start] |= matched;
  }
  if (timer_ == 0 && !open_.empty())
    timer_ = context_.env.loop.after(minute(), [this] {
      timer_ = 0;
      tell_defaults();
    });
}

void MetricFilters::tell_defaults() {
  const Timestamp over = std::chrono::floor<std::chrono::milliseconds>(context_.env.clock.wall() - minute());
  for (auto& [rule, minutes] : open_)
    while (!minutes.empty() && minutes.begin()->first <= over) {
      if (!minutes.begin()->second)
        metrics_.put(rule->metric_namespace,
                     {services::one_value(rule->metric, {}, rule->unit, minutes.begin()->first, *rule->default_value)});
      minutes.erase(minutes.begin());
    }
  std::erase_if(open_, [](const auto& rule) { return rule.second.empty(); });
  tell({});
}

}  // namespace brume::logs
