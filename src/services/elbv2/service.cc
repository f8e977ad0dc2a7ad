#include "services/elbv2/service.h"

#include <algorithm>

#include "base/log.h"
#include "services/elbv2/access_log_shipper.h"
#include "services/elbv2/attributes.h"
#include "services/elbv2/clients.h"
#include "services/elbv2/snapshot.h"

namespace brume::elbv2 {

using std::chrono::milliseconds;
using std::chrono::seconds;

Service::Service(services::Context context, ec2::Api& ec2, DataPlane& data_plane, services::MetricSink& metrics)
    : context_(std::move(context)),
      ec2_(ec2),
      data_plane_(data_plane),
      load_balancers_(context_.store, "elbv2.load_balancers", context_.region),
      target_groups_(context_.store, "elbv2.target_groups", context_.region),
      listeners_(context_.store, "elbv2.listeners", context_.region),
      rules_(context_.store, "elbv2.rules", context_.region),
      metrics_(context_, metrics, [this](const std::string& group) {
        const List<std::string> balancers = balancers_of(group);
        return std::vector<std::string>(balancers.begin(), balancers.end());
      }) {
  context_.hints.subscribe([this](std::string_view resource) {
    if (started_ && resource.starts_with("vpc-")) vpc_changed(resource);
  });
}

Result<void> Service::load() {
  BRUME_CHECK(load_balancers_.load());
  BRUME_CHECK(target_groups_.load());
  BRUME_CHECK(listeners_.load());
  return rules_.load();
}

void Service::start() {
  started_ = true;
  metrics_.start();
  publish();
}

Result<const LoadBalancerRecord*> Service::find_load_balancer(const std::string& arn) const {
  const LoadBalancerRecord* record = load_balancers_.find(arn);
  if (!record) return fail("LoadBalancerNotFound", "Load balancer '{}' not found", arn);
  return record;
}

Result<const TargetGroupRecord*> Service::find_target_group(const std::string& arn) const {
  return find(target_groups_, arn, "TargetGroupNotFound", "target groups");
}

Result<const ListenerRecord*> Service::find_listener(const std::string& arn) const {
  return find(listeners_, arn, "ListenerNotFound", "listeners");
}

Result<const RuleRecord*> Service::find_rule(const std::string& arn) const {
  return find(rules_, arn, "RuleNotFound", "rules");
}

void Service::changed() {
  context_.store.after_commit([this] {
    if (publish_due_ || !started_) return;
    publish_due_ = true;
    context_.env.loop.post([this] { publish(); });
  });
}

std::vector<std::string> Service::clients_of(const ListenerRecord& listener) const {
  const LoadBalancerRecord& balancer = *load_balancers_.find(*listener.listener.LoadBalancerArn);
  auto clients = allowed_clients(ec2_, context_.call("elasticloadbalancing"), balancer.load_balancer.SecurityGroups,
                                 *listener.listener.Port);
  if (clients) return *std::move(clients);
  log_error("{} lets nobody in: {}", *listener.listener.ListenerArn, clients.error().message);
  return {};
}

void Service::vpc_changed(std::string_view vpc_id) {
  for (const auto& [arn, listener] : listeners_.rows()) {
    const LoadBalancerRecord* balancer = load_balancers_.find(*listener.listener.LoadBalancerArn);
    if (balancer && balancer->load_balancer.VpcId == vpc_id && clients_[arn] != clients_of(listener)) return publish();
  }
}

std::set<std::string> Service::access_logs() const {
  std::set<std::string> names;
  for (const auto& [arn, record] : load_balancers_.rows())
    if (record.attributes.at("access_logs.s3.enabled") == "true") names.insert(access_log_name(arn));
  return names;
}

void Service::publish() {
  publish_due_ = false;
  clients_.clear();
  for (const auto& [arn, listener] : listeners_.rows()) clients_[arn] = clients_of(listener);
  std::vector<const ListenerRecord*> listeners;
  for (const auto& [arn, listener] : listeners_.rows()) listeners.push_back(&listener);
  std::vector<lb::LoadBalancer> balancers;
  for (const auto& [arn, record] : load_balancers_.rows()) {
    lb::LoadBalancer balancer = describe(record, data_plane_.vpc_namespace(*record.load_balancer.VpcId),
                                         data_plane_.access_log_folder(context_.region));
    for (const ListenerRecord* listener : listeners)
      if (*listener->listener.LoadBalancerArn == arn)
        balancer.listeners.push_back(
            describe(*listener, rules_of(*listener), clients_.at(*listener->listener.ListenerArn)));
    balancers.push_back(std::move(balancer));
  }
  std::vector<lb::TargetGroup> groups;
  for (const auto& [arn, record] : target_groups_.rows())
    // A group that no listener forwards to is not health-checked, as on AWS ("unused").
    if (!balancers_of(arn).empty()) {
      groups.push_back(describe(record));
      for (lb::Target& target : groups.back().targets) {
        const auto known = health_[arn].find(target.id);
        if (known != health_[arn].end()) target.last_health = known->second.health;
      }
    }
  published_ = data_plane_.publish(context_.region, std::move(balancers), std::move(groups));
  finish_draining();
}

void Service::on_stats(const lb::Stats& stats) {
  applied_ = stats.version;
  lb::Stats ours{.version = stats.version};
  std::ranges::copy_if(stats.targets, std::back_inserter(ours.targets),
                       [&](const auto& one) { return target_groups_.contains(one.target_group); });
  std::ranges::copy_if(stats.target_groups, std::back_inserter(ours.target_groups),
                       [&](const auto& one) { return target_groups_.contains(one.target_group); });
  std::ranges::copy_if(stats.load_balancers, std::back_inserter(ours.load_balancers),
                       [&](const auto& one) { return load_balancers_.contains(one.load_balancer); });
  for (const lb::BalancerStats& balancer : ours.load_balancers) {
    std::int64_t& told = access_lines_dropped_[balancer.load_balancer];
    if (balancer.access_lines_dropped > told)
      log_warning("{} lines of the access log of {} were dropped: there was no room for them",
                  balancer.access_lines_dropped - told, balancer.load_balancer);
    told = balancer.access_lines_dropped;  // from zero in a new process
  }
  metrics_.on_stats(std::move(ours));
  std::set<std::string> changed_groups;
  std::map<std::string, std::map<std::string, lb::TargetStats>> health;
  for (const lb::TargetStats& target : stats.targets) {
    if (!target_groups_.contains(target.target_group)) continue;
    const auto before = health_[target.target_group].find(target.target);
    if (before == health_[target.target_group].end() || before->second.health != target.health)
      changed_groups.insert(target.target_group);
    health[target.target_group][target.target] = target;
  }
  health_ = std::move(health);
  for (const std::string& group : changed_groups) context_.hints.publish(group);
  listener_errors_.clear();
  for (const lb::ListenerStats& listener : stats.listeners)
    if (!listener.error.empty()) listener_errors_[listener.listener] = listener.error;

  // A load balancer is active once the process has it.
  if (applied_ >= published_ && !publish_due_) {
    std::vector<std::string> ready;
    for (const auto& [arn, record] : load_balancers_.rows())
      if (record.load_balancer.State->Code == "provisioning") ready.push_back(arn);
    if (!ready.empty())
      // A failed commit leaves it provisioning; the next stats try again.
      (void)context_.store.transact([&]() -> Result<void> {
        for (const std::string& arn : ready) {
          load_balancers_.modify(
              arn, [](LoadBalancerRecord& r) { r.load_balancer.State = LoadBalancerState{"active", {}}; });
          context_.store.after_commit([this, arn] { context_.hints.publish(arn); });
        }
        return {};
      });
  }
  finish_draining();
}

void Service::finish_draining() {
  context_.env.loop.cancel(std::exchange(drain_timer_, 0));
  const Timestamp now = context_.env.clock.wall();
  std::optional<Timestamp> next;
  std::map<std::string, std::set<std::string>> drained;  // group to targets
  for (const auto& [arn, record] : target_groups_.rows()) {
    const auto delay = seconds(std::stol(record.attributes.at("deregistration_delay.timeout_seconds")));
    for (const TargetRecord& target : record.targets) {
      if (!target.draining_since) continue;
      const auto stats = health_[arn].find(target_id(target));
      // Only a process that knows it drains can say that nothing is in flight.
      const bool idle =
          applied_ >= published_ && !publish_due_ &&
          (stats == health_[arn].end() || (stats->second.health == "draining" && stats->second.in_flight == 0));
      const Timestamp end = *target.draining_since + delay;
      if (idle || now >= end)
        drained[arn].insert(target_id(target));
      else if (!next || end < *next)
        next = end;
    }
  }
  if (!drained.empty()) {
    const auto done = context_.store.transact([&]() -> Result<void> {
      for (const auto& [arn, targets] : drained) {
        target_groups_.modify(arn, [&](TargetGroupRecord& record) {
          std::erase_if(record.targets, [&](const TargetRecord& t) { return targets.contains(target_id(t)); });
        });
        context_.store.after_commit([this, group = arn] { context_.hints.publish(group); });
      }
      changed();
      return {};
    });
    if (!done) next = now + seconds(1);
  }
  if (next)
    drain_timer_ = context_.env.loop.after(std::max(*next - now, milliseconds(1)), [this] { finish_draining(); });
}

}  // namespace brume::elbv2
