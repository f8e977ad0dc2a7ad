#include "services/ec2/instance_metrics.h"

#include <algorithm>

#include "services/ec2/instance_types.h"
#include "services/ec2/instance_usage.h"

namespace brume::ec2 {
namespace {

constexpr std::chrono::seconds kLook{1};
constexpr std::chrono::seconds kMinute{60};
constexpr int kBasicMinutes = 5;

using Dimensions = std::vector<std::pair<std::string, std::string>>;

void add(services::MetricSample& to, const services::MetricSample& more) {
  to.minimum = std::min(to.minimum, more.minimum);
  to.maximum = std::max(to.maximum, more.maximum);
  to.sum += more.sum;
  to.count += more.count;
  to.values.insert(to.values.end(), more.values.begin(), more.values.end());
}

}  // namespace

InstanceMetrics::InstanceMetrics(services::Context context, const store::Table<InstanceRecord>& instances,
                                 const Tags& tags, compute::Driver& driver, services::MetricSink& sink)
    : context_(std::move(context)), instances_(instances), tags_(tags), driver_(driver), sink_(sink) {}

void InstanceMetrics::start() {
  minute_ = begin_of(context_.env.clock.wall(), 1);
  look_soon();
}

std::map<std::string, InstanceLoad> InstanceMetrics::loads() const {
  std::map<std::string, InstanceLoad> all;
  for (const auto& [id, watched] : watched_)
    if (watched.load) all.emplace(id, *watched.load);
  return all;
}

Timestamp InstanceMetrics::begin_of(Timestamp time, int minutes) const {
  const std::chrono::milliseconds period = context_.scaled(kMinute) * minutes;
  return Timestamp(time.time_since_epoch() / period * period);
}

void InstanceMetrics::look_soon() {
  context_.env.loop.after(kLook, [this] {
    driver_.usage([this](const std::map<std::string, compute::Usage>& usage) {
      looked(usage);
      look_soon();
    });
  });
}

void InstanceMetrics::looked(const std::map<std::string, compute::Usage>& usage) {
  const env::MonotonicTime now = context_.env.clock.now();
  std::map<std::string, Watched> watched;
  for (const auto& [id, used] : usage) {
    const InstanceRecord* record = instances_.find(id);
    if (!record) continue;  // another region's
    const Look look{used, now};
    const auto known = watched_.find(id);
    Watched& next =
        watched.emplace(id, known == watched_.end() ? Watched{look, look, {}} : known->second).first->second;
    const InstanceType* type = find_instance_type(record->instance.InstanceType.value_or(""));
    if (now > next.last.time && type)
      next.load = {cpu_percent(next.last.usage, used, now - next.last.time, type->vcpus), used.memory_bytes};
    next.last = look;
  }
  // Of those that should run and do not, the status check fails; else they are forgotten.
  for (auto& [id, before] : watched_)
    if (const InstanceRecord* record = instances_.find(id);
        record && record->state() == InstanceStateCode::running && !watched.contains(id))
      watched.emplace(id, std::move(before)).first->second.load.reset();
  watched_ = std::move(watched);
  if (begin_of(context_.env.clock.wall(), 1) != minute_) end_minute(usage, now);
}

void InstanceMetrics::end_minute(const std::map<std::string, compute::Usage>& usage, env::MonotonicTime now) {
  Samples detailed;
  for (auto& [id, watched] : watched_) {
    const InstanceRecord& record = *instances_.find(id);
    const InstanceType* type = find_instance_type(record.instance.InstanceType.value_or(""));
    const auto used = usage.find(id);
    if (!type || now <= watched.minute.time) continue;
    const bool is_detailed = record.instance.Monitoring && record.instance.Monitoring->State == "enabled";

    std::vector<Dimensions> dimensions = {{{"InstanceId", id}}};
    const List<Tag> tags = tags_.of(id);
    if (const auto group = std::ranges::find(tags, std::optional<std::string>("aws:autoscaling:groupName"), &Tag::Key);
        group != tags.end())
      dimensions.push_back({{"AutoScalingGroupName", group->Value.value_or("")}});
    if (is_detailed) {
      dimensions.push_back({{"ImageId", record.instance.ImageId.value_or("")}});
      dimensions.push_back({{"InstanceType", std::string(type->name)}});
      dimensions.emplace_back();
    }
    const auto now_used = used == usage.end() ? std::nullopt : std::optional(used->second);
    for (const Measured& measured : measure(watched.minute.usage, now_used, now - watched.minute.time, *type))
      for (const Dimensions& one : dimensions) {
        const services::MetricSample sample =
            services::one_value(std::string(measured.name), one, std::string(measured.unit),
                                is_detailed ? minute_ : begin_of(minute_, kBasicMinutes), measured.value);
        Samples& samples = is_detailed ? detailed : basic_;
        const Key key(measured.metric_namespace, one, measured.name);
        if (const auto [known, is_new] = samples.try_emplace(key, sample); !is_new) add(known->second, sample);
      }
    watched.minute = watched.last;
  }
  publish(detailed);
  const Timestamp began = minute_;
  minute_ = begin_of(context_.env.clock.wall(), 1);
  if (begin_of(minute_, kBasicMinutes) != begin_of(began, kBasicMinutes)) publish(basic_);
}

void InstanceMetrics::publish(Samples& samples) {
  std::map<std::string, std::vector<services::MetricSample>> by_namespace;
  for (auto& [key, sample] : samples) by_namespace[std::get<0>(key)].push_back(std::move(sample));
  samples.clear();
  for (const auto& [name, all] : by_namespace) sink_.put(name, all);
}

}  // namespace brume::ec2
