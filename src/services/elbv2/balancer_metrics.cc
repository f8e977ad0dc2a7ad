#include "services/elbv2/balancer_metrics.h"

#include <algorithm>
#include <set>

#include "lb/latency.h"

namespace brume::elbv2 {
namespace {

using Dimensions = std::vector<std::pair<std::string, std::string>>;
using services::MetricSample;

constexpr std::chrono::seconds kMinute{60};

double grown(std::int64_t before, std::int64_t now) {
  return double(now >= before ? now - before : now);
}

template <typename T>
T find(const std::vector<T>& all, std::string T::* id, const std::string& wanted) {
  const auto found = std::ranges::find(all, wanted, id);
  return found == all.end() ? T() : *found;
}

MetricSample host_sample(std::string name, const Dimensions& dimensions, Timestamp time, double sum, double reports,
                         double least, double most) {
  return {std::move(name), dimensions, "Count", time, sum, reports, least, most, {}};
}

class Samples {
 public:
  explicit Samples(Timestamp time) : time_(time) {}
  // Nothing is told of what did not happen.
  void count(std::string name, const Dimensions& dimensions, double value, std::string unit = "Count") {
    if (value > 0) always(std::move(name), dimensions, value, std::move(unit));
  }
  void always(std::string name, const Dimensions& dimensions, double value, std::string unit = "Count") {
    all.push_back(services::one_value(std::move(name), dimensions, std::move(unit), time_, value));
  }
  std::vector<MetricSample> all;

 private:
  Timestamp time_;
};

// The response times of a group between two reports.
MetricSample response_times(const lb::GroupStats& before, const lb::GroupStats& now, Timestamp time) {
  MetricSample sample{"TargetResponseTime", {}, "Seconds", time, 0, 0, 0, 0, {}};
  std::map<std::int64_t, std::int64_t> counted;
  for (const lb::LatencyCount& one : before.response_times) counted[one.bucket] = one.count;
  for (const lb::LatencyCount& one : now.response_times) {
    const double count = grown(counted[one.bucket], one.count);
    if (count > 0) sample.values.emplace_back(lb::latency_of(std::size_t(one.bucket)), count);
    sample.count += count;
  }
  if (sample.values.empty()) return sample;
  sample.sum = grown(before.response_microseconds, now.response_microseconds) / 1e6;
  sample.minimum = sample.values.front().first;
  sample.maximum = sample.values.back().first;
  return sample;
}

void merge(MetricSample& to, const MetricSample& from) {
  to.minimum = to.count == 0 ? from.minimum : std::min(to.minimum, from.minimum);
  to.maximum = std::max(to.maximum, from.maximum);
  to.sum += from.sum;
  to.count += from.count;
  to.values.insert(to.values.end(), from.values.begin(), from.values.end());
}

// Among how many targets the requests of the interval were shared: at least the one that answered, however short it was
// healthy in it. 0: none was.
double targets_of(const HostCounts& count) {
  return count.most_healthy > 0 ? std::max(1.0, count.healthy / count.reports) : 0;
}

}  // namespace

std::string dimension_of(const std::string& arn) {
  constexpr std::string_view kBalancer = ":loadbalancer/";
  if (const auto at = arn.find(kBalancer); at != std::string::npos) return arn.substr(at + kBalancer.size());
  return arn.substr(arn.rfind(':') + 1);
}

void HostCounts::add(double healthy_now, double unhealthy_now) {
  least_healthy = reports == 0 ? healthy_now : std::min(least_healthy, healthy_now);
  least_unhealthy = reports == 0 ? unhealthy_now : std::min(least_unhealthy, unhealthy_now);
  most_healthy = std::max(most_healthy, healthy_now);
  most_unhealthy = std::max(most_unhealthy, unhealthy_now);
  healthy += healthy_now;
  unhealthy += unhealthy_now;
  ++reports;
}

std::vector<MetricSample> samples_of(const lb::Stats& before, const lb::Stats& now,
                                     const std::map<std::string, HostCounts>& hosts, const BalancersOf& balancers_of,
                                     Timestamp time) {
  Samples samples(time);
  std::map<std::string, MetricSample> times;  // by load balancer
  std::map<std::string, double> connection_errors;
  std::set<std::string> with_targets;
  for (const lb::GroupStats& group : now.target_groups) {
    const lb::GroupStats was = find(before.target_groups, &lb::GroupStats::target_group, group.target_group);
    const double requests = grown(was.requests, group.requests);
    const MetricSample time_of_group = response_times(was, group, time);
    const auto counted = hosts.find(group.target_group);
    const Dimensions alone = {{"TargetGroup", dimension_of(group.target_group)}};
    if (counted != hosts.end()) {
      if (const double targets = targets_of(counted->second); targets > 0)
        samples.always("RequestCountPerTarget", alone, requests / targets);
    }
    for (const std::string& balancer : balancers_of(group.target_group)) {
      const Dimensions dimensions = {{"LoadBalancer", dimension_of(balancer)}, alone.front()};
      if (counted != hosts.end()) {
        const HostCounts& count = counted->second;
        with_targets.insert(balancer);
        samples.always("RequestCount", dimensions, requests);
        if (const double targets = targets_of(count); targets > 0)
          samples.always("RequestCountPerTarget", dimensions, requests / targets);
        samples.all.push_back(host_sample("HealthyHostCount", dimensions, time, count.healthy, count.reports,
                                          count.least_healthy, count.most_healthy));
        samples.all.push_back(host_sample("UnHealthyHostCount", dimensions, time, count.unhealthy, count.reports,
                                          count.least_unhealthy, count.most_unhealthy));
      }
      samples.count("HTTPCode_Target_2XX_Count", dimensions, grown(was.target_2xx, group.target_2xx));
      samples.count("HTTPCode_Target_3XX_Count", dimensions, grown(was.target_3xx, group.target_3xx));
      samples.count("HTTPCode_Target_4XX_Count", dimensions, grown(was.target_4xx, group.target_4xx));
      samples.count("HTTPCode_Target_5XX_Count", dimensions, grown(was.target_5xx, group.target_5xx));
      const double errors = grown(was.connection_errors, group.connection_errors);
      samples.count("TargetConnectionErrorCount", dimensions, errors);
      connection_errors[balancer] += errors;
      if (time_of_group.count == 0) continue;
      samples.all.push_back(time_of_group);
      samples.all.back().dimensions = dimensions;
      const auto [row, is_new] = times.try_emplace(balancer, time_of_group);
      if (!is_new) merge(row->second, time_of_group);
    }
  }
  for (const lb::BalancerStats& balancer : now.load_balancers) {
    const lb::BalancerStats was =
        find(before.load_balancers, &lb::BalancerStats::load_balancer, balancer.load_balancer);
    const Dimensions dimensions = {{"LoadBalancer", dimension_of(balancer.load_balancer)}};
    const double requests = grown(was.requests, balancer.requests);
    if (with_targets.contains(balancer.load_balancer))
      samples.always("RequestCount", dimensions, requests);
    else
      samples.count("RequestCount", dimensions, requests);
    samples.count("ActiveConnectionCount", dimensions, double(balancer.active_connections));
    samples.count("NewConnectionCount", dimensions, grown(was.new_connections, balancer.new_connections));
    samples.count("ProcessedBytes", dimensions, grown(was.processed_bytes, balancer.processed_bytes), "Bytes");
    samples.count("HTTPCode_ELB_4XX_Count", dimensions, grown(was.elb_4xx, balancer.elb_4xx));
    samples.count("HTTPCode_ELB_5XX_Count", dimensions, grown(was.elb_5xx, balancer.elb_5xx));
    samples.count("HTTPCode_ELB_502_Count", dimensions, grown(was.elb_502, balancer.elb_502));
    samples.count("HTTPCode_ELB_503_Count", dimensions, grown(was.elb_503, balancer.elb_503));
    samples.count("HTTPCode_ELB_504_Count", dimensions, grown(was.elb_504, balancer.elb_504));
    samples.count("HTTPCode_Target_2XX_Count", dimensions, grown(was.target_2xx, balancer.target_2xx));
    samples.count("HTTPCode_Target_3XX_Count", dimensions, grown(was.target_3xx, balancer.target_3xx));
    samples.count("HTTPCode_Target_4XX_Count", dimensions, grown(was.target_4xx, balancer.target_4xx));
    samples.count("HTTPCode_Target_5XX_Count", dimensions, grown(was.target_5xx, balancer.target_5xx));
    samples.count("TargetConnectionErrorCount", dimensions, connection_errors[balancer.load_balancer]);
    if (const auto found = times.find(balancer.load_balancer); found != times.end()) {
      samples.all.push_back(found->second);
      samples.all.back().dimensions = dimensions;
    }
  }
  return std::move(samples.all);
}

BalancerMetrics::BalancerMetrics(services::Context context, services::MetricSink& sink, BalancersOf balancers_of)
    : context_(std::move(context)), sink_(sink), balancers_of_(std::move(balancers_of)) {}

void BalancerMetrics::start() {
  publish_later();
}

void BalancerMetrics::publish_later() {
  // At the next full minute of the wall clock, wherever that jumps meanwhile.
  const std::chrono::milliseconds period = context_.scaled(kMinute);
  const auto passed = context_.env.clock.wall().time_since_epoch() % period;
  context_.env.loop.after(period - passed, [this] {
    publish();
    publish_later();
  });
}

void BalancerMetrics::on_stats(lb::Stats stats) {
  // Of what a process counted before this one looked there is no telling when it happened.
  if (!std::exchange(reported_, true)) published_ = stats;
  std::map<std::string, std::pair<double, double>> counts;  // healthy, unhealthy
  for (const lb::TargetStats& target : stats.targets) {
    auto& [healthy, unhealthy] = counts[target.target_group];
    healthy += target.health == "healthy" ? 1 : 0;
    unhealthy += target.health == "unhealthy" ? 1 : 0;
  }
  for (const auto& [group, count] : counts) hosts_[group].add(count.first, count.second);
  now_ = std::move(stats);
}

void BalancerMetrics::publish() {
  const std::chrono::milliseconds period = context_.scaled(kMinute);
  // The minute that has just ended; a timer may be a little late, never early.
  const auto minute = (context_.env.clock.wall().time_since_epoch() / period - 1) * period;
  const auto samples = samples_of(published_, now_, hosts_, balancers_of_, Timestamp(minute));
  published_ = now_;
  hosts_.clear();
  if (!samples.empty()) sink_.put("AWS/ApplicationELB", samples);
}

}  // namespace brume::elbv2
