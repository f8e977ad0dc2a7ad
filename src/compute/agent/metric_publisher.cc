#include "compute/agent/metric_publisher.h"

#include <algorithm>

namespace brume::agent {
namespace {

constexpr double kAskAgainSeconds = 30;

std::size_t weight(const Datum& datum) {
  return 16 + datum.values.size();
}

}  // namespace

std::string group_of_tags(std::string_view xml) {
  const std::size_t key = xml.find("<key>aws:autoscaling:groupName</key>");
  if (key == std::string_view::npos) return {};
  // Members are in no order that one may rely on: within the tag's own item.
  const std::size_t begin = xml.rfind("<item>", key), end = xml.find("</item>", key);
  if (begin == std::string_view::npos || end == std::string_view::npos) return {};
  const std::string_view item = xml.substr(begin, end - begin);
  const std::size_t value = item.find("<value>"), close = item.find("</value>");
  if (value == std::string_view::npos || close == std::string_view::npos || close < value + 7) return {};
  std::string name(item.substr(value + 7, close - value - 7));
  static constexpr std::pair<std::string_view, std::string_view> kEntities[] = {
      {"&lt;", "<"}, {"&gt;", ">"}, {"&quot;", "\""}, {"&apos;", "'"}, {"&amp;", "&"}};
  for (const auto& [entity, character] : kEntities)
    for (std::size_t at = 0; (at = name.find(entity, at)) != std::string::npos; ++at)
      name.replace(at, entity.size(), character);
  return name;
}

MetricPublisher::MetricPublisher(MetricsConfig config, const Identity& identity, Machine machine, Way way,
                                 Notices& notices)
    : config_(std::move(config)),
      identity_(identity),
      machine_(std::move(machine)),
      way_(std::move(way)),
      notices_(notices),
      last_(config_.plugins.size()),
      flush_at_(way_.seconds() + config_.flush_interval) {
  if (!config_.statsd) return;
  statsd_.emplace(*config_.statsd);
  statsd_at_ = way_.seconds() + config_.statsd->collection_interval;
}

void MetricPublisher::step() {
  const double now = way_.seconds();
  if (!config_.empty()) complete_dimensions();
  for (std::size_t i = 0; i < last_.size(); ++i)
    if (last_[i].at == 0 || now - last_[i].at >= config_.plugins[i].interval) collect(i);
  if (statsd_) {
    for (const std::string& datagram : way_.datagrams()) statsd_->take(datagram);
    if (now >= statsd_at_) {
      statsd_at_ = now + config_.statsd->collection_interval;
      collect_statsd();
    }
    for (Datum& datum : statsd_->take_data(way_.now())) wait(std::move(datum));
  }
  if (now < flush_at_) return;
  flush_at_ = now + config_.flush_interval;
  flush();
}

void MetricPublisher::finish() {
  if (statsd_) {
    for (const std::string& datagram : way_.datagrams()) statsd_->take(datagram);
    collect_statsd();
    for (Datum& datum : statsd_->take_data(way_.now(), true)) wait(std::move(datum));
  }
  flush();
}

// What is published without one of them would be another metric.
bool MetricPublisher::complete_dimensions() {
  if (complete_) return true;
  if (way_.seconds() < group_at_) return false;
  Dimensions found;
  for (const auto& [name, stands_for] : config_.append_dimensions) {
    if (stands_for == "InstanceId") found[name] = identity_.instance_id;
    if (stands_for == "ImageId") found[name] = identity_.image_id;
    if (stands_for == "InstanceType") found[name] = identity_.instance_type;
    if (stands_for != "AutoScalingGroupName") continue;
    const auto group = way_.group();
    if (!group) {
      group_at_ = way_.seconds() + kAskAgainSeconds;
      return false;
    }
    if (!group->empty()) found[name] = *group;
  }
  if (config_.host_dimension) found["host"] = identity_.local_hostname;
  appended_ = std::move(found);
  complete_ = true;
  return true;
}

void MetricPublisher::collect(std::size_t index) {
  const MetricPlugin& plugin = config_.plugins[index];
  Collected& last = last_[index];
  Collected next{way_.seconds(), take_readings(plugin, machine_)};
  if (last.at != 0)
    for (Sample& sample : samples(plugin, last.readings, next.readings, next.at - last.at)) {
      sample.dimensions.insert(plugin.dimensions.begin(), plugin.dimensions.end());
      wait({.metric = sample.measurement->metric,
            .unit = sample.measurement->unit,
            .dimensions = std::move(sample.dimensions),
            .time = way_.now(),
            .values = {{sample.value, 1}},
            .high_resolution = plugin.interval < 60,
            .drop_original = sample.measurement->drop_original});
    }
  last = std::move(next);
}

void MetricPublisher::collect_statsd() {
  statsd_->collect(way_.now());
  const auto [malformed, beyond] = statsd_->lost();
  if (malformed + beyond <= lost_told_) return;
  lost_told_ = 10 * (malformed + beyond);  // again when it is much worse
  notices_.say(
      fmt::format("statsd: {} lines that cannot be read, and {} values for which there is no room, are left out so far",
                  malformed, beyond));
}

void MetricPublisher::wait(Datum datum) {
  waiting_weight_ += weight(datum);
  waiting_.push_back(std::move(datum));
  while (waiting_weight_ > kMaxWaiting) {
    waiting_weight_ -= weight(waiting_.front());
    waiting_.pop_front();
  }
}

void MetricPublisher::flush() {
  if ((waiting_.empty() && ready_.empty()) || !complete_dimensions()) return;
  for (;;) {
    while (ready_.size() < kMaxMetricsOfACall && !waiting_.empty()) {
      for (std::string& datum : metric_data(config_.aggregation_dimensions, waiting_.front(), appended_))
        ready_.push_back(std::move(datum));
      waiting_weight_ -= weight(waiting_.front());
      waiting_.pop_front();
    }
    if (ready_.empty()) return;
    std::string body = fmt::format(R"({{"Namespace":{},"MetricData":[)", quoted_json(config_.metric_namespace));
    std::size_t count = 0;
    for (; count < std::min(ready_.size(), kMaxMetricsOfACall); ++count) {
      if (count > 0 && body.size() + ready_[count].size() > kMaxBytesOfACall) break;
      body += (count > 0 ? "," : "") + ready_[count];
    }
    const Answer answer = way_.put(body + "]}");
    const Outcome result = outcome(answer);
    if (result == Outcome::accepted) {
      notices_.well("metrics");
    } else {
      notices_.trouble("metrics", describe(answer));
      // Without an answer one cannot know; refused ones would be refused again.
      if (result != Outcome::refused && answer.code != "Unanswered") return;
    }
    ready_.erase(ready_.begin(), ready_.begin() + std::ptrdiff_t(count));
  }
}

}  // namespace brume::agent
