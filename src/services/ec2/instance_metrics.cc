#include "services/ec2/instance_metrics.h"

#include <algorithm>
#include <cmath>
#include <span>
#include <utility>
#include <vector>

namespace brume::ec2 {
namespace {

constexpr std::chrono::seconds kMinute{60};
constexpr std::chrono::seconds kSecond{1};      // between looks for who asks
constexpr std::chrono::seconds kAttentive{30};  // after the last question; longer than scrapers usually pause

constexpr const char* kGroupTag = "aws:autoscaling:groupName";

// The Auto Scaling group that an instance is of; none: nullptr.
const std::string* group_of(const Tags& tags, const std::string& id) {
  const auto record = tags.rows().find(id);
  if (record == tags.rows().end()) return nullptr;
  const auto tag = std::ranges::find_if(record->second.tags, [](const Tag& each) { return each.Key == kGroupTag; });
  return tag == record->second.tags.end() || !tag->Value ? nullptr : &*tag->Value;
}

}  // namespace

void Tally::add(double value) {
  if (count == 0) minimum = maximum = value;
  if (value != minimum || value != maximum) {
    if (values.empty()) values.emplace_back(minimum, count);
    values.emplace_back(value, 1);
    minimum = std::min(minimum, value);
    maximum = std::max(maximum, value);
  }
  sum += value;
  ++count;
}

void Tally::clear() {
  sum = count = minimum = maximum = 0;
  values.clear();
}

// Samples of one time; instances' own, and those of what they have in common.
class InstanceMetrics::Batch {
 public:
  // `expected`: about how many samples.
  Batch(InstanceMetrics& metrics, Timestamp time, std::size_t expected = 0)
      : metrics_(metrics), batch_(time, expected) {}

  void add(Watched& watched, std::span<const MeasuredValues> minutes) {
    for (std::size_t i = 0; i < kInstanceMetrics.size(); ++i) {
      tally_.clear();
      count(tally_, i, minutes);
      put(watched.metrics, i, tally_);
    }
  }
  void add_to(Dimension dimension, std::span<const MeasuredValues> minutes) {
    auto found = metrics_.shared_.find(dimension);
    if (found == metrics_.shared_.end()) {
      services::MetricDimensions dimensions;
      if (!dimension.first.empty()) dimensions.emplace_back(dimension);
      found = metrics_.shared_
                  .emplace(std::pair<std::string, std::string>(dimension),
                           Shared{{kInstanceMetrics, std::move(dimensions)}, {}})
                  .first;
    }
    Shared& shared = found->second;
    for (std::size_t i = 0; i < kInstanceMetrics.size(); ++i) count(shared.tallies[i], i, minutes);
    shared.used = true;
  }
  void end() {
    for (auto& [dimension, shared] : metrics_.shared_)
      for (std::size_t i = 0; i < kInstanceMetrics.size(); ++i) {
        put(shared.metrics, i, shared.tallies[i]);
        shared.tallies[i].clear();
      }
    metrics_.sink_.put(batch_);
  }

 private:
  static void count(Tally& tally, std::size_t metric, std::span<const MeasuredValues> minutes) {
    for (const MeasuredValues& values : minutes)
      if (!std::isnan(values[metric])) tally.add(values[metric]);
  }
  void put(services::MetricSubject& subject, std::size_t metric, const Tally& tally) {
    if (tally.count > 0)
      batch_.add(subject, metric, tally.sum, tally.count, tally.minimum, tally.maximum, tally.values);
  }

  InstanceMetrics& metrics_;
  services::MetricBatch batch_;
  Tally tally_;
};

InstanceMetrics::InstanceMetrics(services::Context context, const store::Table<InstanceRecord>& instances,
                                 const Tags& tags, compute::Driver& driver, services::MetricSink& sink)
    : context_(std::move(context)), instances_(instances), tags_(tags), driver_(driver), sink_(sink) {}

void InstanceMetrics::start() {
  minute_ = begin_of(context_.env.clock.wall(), 1);
  look();
}

std::map<std::string, InstanceLoad> InstanceMetrics::loads() {
  asked_ = context_.env.clock.now();
  look_later();
  std::map<std::string, InstanceLoad> all;
  for (const auto& [id, watched] : watched_)
    if (watched.load) all.emplace(id, *watched.load);
  return all;
}

Timestamp InstanceMetrics::begin_of(Timestamp time, std::size_t minutes) const {
  const std::chrono::milliseconds period = context_.scaled(kMinute) * std::int64_t(minutes);
  return Timestamp(time.time_since_epoch() / period * period);
}

void InstanceMetrics::look_later() {
  if (looking_) return;
  context_.env.loop.cancel(timer_);
  const std::chrono::milliseconds period = context_.scaled(kMinute);
  env::Duration delay = period - context_.env.clock.wall().time_since_epoch() % period;
  const env::MonotonicTime now = context_.env.clock.now();
  if (asked_ && now - *asked_ < kAttentive)
    delay = std::min<env::Duration>(delay, looked_.value_or(now) + kSecond - now);
  timer_ = context_.env.loop.after(delay, [this] {
    timer_ = 0;
    look();
  });
}

void InstanceMetrics::look() {
  looking_ = true;
  driver_.usage([this](const std::map<std::string, compute::Usage>& usage) {
    looking_ = false;
    looked(usage);
    look_later();
  });
}

void InstanceMetrics::looked(const std::map<std::string, compute::Usage>& usage) {
  const env::MonotonicTime now = context_.env.clock.now();
  const bool minute_ends = begin_of(context_.env.clock.wall(), 1) != minute_;
  Batch detailed(*this, minute_);
  // All are in the order of ids, and walked side by side. What other regions' instances use is passed over.
  auto used = usage.begin();
  auto known = watched_.begin();
  for (const auto& [id, record] : instances_.rows()) {
    while (used != usage.end() && used->first < id) ++used;
    while (known != watched_.end() && known->first < id) miss(known++->second);  // its record is gone
    const bool is_used = used != usage.end() && used->first == id;
    if (known == watched_.end() || known->first != id) {
      if (!is_used && (looked_ || record.state() == InstanceStateCode::terminated)) continue;
      known = watched_.emplace_hint(known, id, Watched{});
      known->second.strange = !looked_;
      known->second.metrics = {kInstanceMetrics, {{"InstanceId", id}}};
    }
    Watched& watched = known++->second;
    if (is_used)
      see(record, watched, used->second, now);
    else if (record.state() == InstanceStateCode::running)
      watched.load.reset();  // its status check fails
    else
      miss(watched);
    if (minute_ends) end_minute(id, record, watched, now, detailed);
  }
  for (; known != watched_.end(); ++known) miss(known->second);
  looked_ = now;
  if (!minute_ends) return;
  detailed.end();
  const Timestamp began = begin_of(std::exchange(minute_, begin_of(context_.env.clock.wall(), 1)), kBasicMinutes);
  // A clock that is set back makes an interval longer.
  const bool full = std::ranges::any_of(watched_, [](const auto& one) { return one.second.minutes == kBasicMinutes; });
  if (full || begin_of(minute_, kBasicMinutes) != began) publish_basic(began);
}

void InstanceMetrics::see(const InstanceRecord& record, Watched& watched, const compute::Usage& used,
                          env::MonotonicTime now) {
  if (!std::exchange(watched.runs, true)) {
    watched.type = find_instance_type(record.instance.InstanceType.value_or(""));
    watched.last_time = now;
    if (std::exchange(watched.strange, false)) {
      watched.last = used;
    } else if (record.instance.LaunchTime) {
      // It has begun since the last look, whatever the wall clock did.
      const env::Duration age = context_.env.clock.wall() - *record.instance.LaunchTime;
      watched.last_time = std::clamp(now - age, *looked_, now);
    }
    watched.minute = watched.last;
    watched.minute_time = watched.last_time;
  }
  if (now > watched.last_time && watched.type)
    watched.load = {cpu_percent(watched.last, used, now - watched.last_time, watched.type->vcpus), used.memory_bytes};
  watched.last = used;
  watched.last_time = now;
}

void InstanceMetrics::miss(Watched& watched) {
  if (!std::exchange(watched.runs, false)) return;
  watched.load.reset();
  // Its cgroup begins anew with its next start, its interfaces go on.
  const compute::Usage before = std::exchange(watched.last, {});
  watched.last.network_in_bytes = before.network_in_bytes;
  watched.last.network_out_bytes = before.network_out_bytes;
  watched.last.network_in_packets = before.network_in_packets;
  watched.last.network_out_packets = before.network_out_packets;
}

void InstanceMetrics::end_minute(const std::string& id, const InstanceRecord& record, Watched& watched,
                                 env::MonotonicTime now, Batch& detailed) {
  if (!watched.runs || !watched.type || now <= watched.minute_time) return;
  const bool is_there = watched.last_time == now;
  const MeasuredValues values = measure(watched.minute, is_there ? std::optional(watched.last) : std::nullopt,
                                        now - watched.minute_time, *watched.type);
  watched.minute = watched.last;
  watched.minute_time = watched.last_time;
  const Instance& instance = record.instance;
  if (!instance.Monitoring || instance.Monitoring->State != "enabled") {
    watched.basic.at(watched.minutes++) = values;
    return;
  }
  const std::span<const MeasuredValues> one(&values, 1);
  detailed.add(watched, one);
  if (const std::string* group = group_of(tags_, id)) detailed.add_to({"AutoScalingGroupName", *group}, one);
  if (instance.ImageId) detailed.add_to({"ImageId", *instance.ImageId}, one);
  detailed.add_to({"InstanceType", watched.type->name}, one);
  detailed.add_to({"", ""}, one);
}

void InstanceMetrics::publish_basic(Timestamp began) {
  Batch batch(*this, began, (watched_.size() + shared_.size()) * kInstanceMetrics.size());
  for (auto& [id, watched] : watched_) {
    const std::span minutes = std::span(watched.basic).first(std::exchange(watched.minutes, 0));
    if (minutes.empty()) continue;
    batch.add(watched, minutes);
    if (const std::string* group = group_of(tags_, id)) batch.add_to({"AutoScalingGroupName", *group}, minutes);
  }
  batch.end();
  std::erase_if(shared_, [](const auto& one) { return !one.second.used; });
  for (auto& [dimension, shared] : shared_) shared.used = false;
  std::erase_if(watched_, [&](const auto& one) {
    if (one.second.runs) return false;
    const InstanceRecord* record = instances_.find(one.first);
    return !record || record->state() == InstanceStateCode::terminated;
  });
}

}  // namespace brume::ec2
