#include "compute/agent/metric_publisher.h"

#include <algorithm>

#include "compute/agent/text_encoding.h"

namespace brume::agent {
namespace {

constexpr double kAskAgainSeconds = 30;

std::string quoted(std::string_view text) {
  std::string out = "\"";
  append_json(text, out);
  return out + "\"";
}

}  // namespace

std::vector<std::string> metric_data(const MetricsConfig& config, const MetricPlugin& plugin, const Sample& sample,
                                     const Dimensions& appended, Timestamp time) {
  Dimensions all = sample.dimensions;
  all.insert(appended.begin(), appended.end());
  all.insert(plugin.dimensions.begin(), plugin.dimensions.end());
  std::vector<std::string> out;
  const auto add = [&](const Dimensions& dimensions) {
    std::string text =
        fmt::format(R"({{"MetricName":{},"Timestamp":{},"Value":{},"Unit":{})", quoted(sample.measurement->metric),
                    time.time_since_epoch().count() / 1000, sample.value, quoted(sample.measurement->unit));
    if (plugin.interval < 60) text += R"(,"StorageResolution":1)";
    text += R"(,"Dimensions":[)";
    for (bool first = true; const auto& [name, value] : dimensions) {
      text += fmt::format(R"({}{{"Name":{},"Value":{}}})", first ? "" : ",", quoted(name), quoted(value));
      first = false;
    }
    out.push_back(text + "]}");
  };
  if (!sample.measurement->drop_original) add(all);
  for (const auto& names : config.aggregation_dimensions) {
    Dimensions some;
    for (const std::string& name : names)
      if (const auto found = all.find(name); found != all.end()) some.insert(*found);
    if (some.size() == names.size() && (some != all || sample.measurement->drop_original)) add(some);
  }
  return out;
}

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
      flush_at_(way_.seconds() + config_.flush_interval) {}

void MetricPublisher::step() {
  const double now = way_.seconds();
  for (std::size_t i = 0; i < last_.size(); ++i)
    if (last_[i].at == 0 || now - last_[i].at >= config_.plugins[i].interval) collect(i);
  if (now < flush_at_) return;
  flush_at_ = now + config_.flush_interval;
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
  if (last.at != 0 && complete_dimensions())
    for (const Sample& sample : samples(plugin, last.readings, next.readings, next.at - last.at))
      for (std::string& datum : metric_data(config_, plugin, sample, appended_, way_.now()))
        waiting_.push_back(std::move(datum));
  else if (last.at == 0)
    complete_dimensions();
  last = std::move(next);
  while (waiting_.size() > kMaxWaiting) waiting_.pop_front();
}

void MetricPublisher::flush() {
  while (!waiting_.empty()) {
    const std::size_t count = std::min(waiting_.size(), kMaxMetricsOfACall);
    std::string body = fmt::format(R"({{"Namespace":{},"MetricData":[)", quoted(config_.metric_namespace));
    for (std::size_t i = 0; i < count; ++i) body += (i ? "," : "") + waiting_[i];
    const Answer answer = way_.put(body + "]}");
    const Outcome result = outcome(answer);
    if (result == Outcome::accepted) {
      notices_.well("metrics");
    } else {
      notices_.trouble("metrics", describe(answer));
      // Without an answer one cannot know; refused ones would be refused again.
      if (result != Outcome::refused && answer.code != "Unanswered") return;
    }
    waiting_.erase(waiting_.begin(), waiting_.begin() + std::ptrdiff_t(count));
  }
}

}  // namespace brume::agent
