#include "services/elbv2/sim_data_plane.h"

#include <algorithm>

namespace brume::elbv2 {

std::int64_t SimDataPlane::publish(const std::string& region, std::vector<lb::LoadBalancer> load_balancers,
                                   std::vector<lb::TargetGroup> target_groups) {
  balancers_[region] = std::move(load_balancers);
  groups_[region] = std::move(target_groups);
  snapshot_.load_balancers.clear();
  snapshot_.target_groups.clear();
  for (const auto& [name, balancers] : balancers_)
    snapshot_.load_balancers.insert(snapshot_.load_balancers.end(), balancers.begin(), balancers.end());
  for (const auto& [name, groups] : groups_)
    snapshot_.target_groups.insert(snapshot_.target_groups.end(), groups.begin(), groups.end());
  const std::int64_t version = ++snapshot_.version;
  std::set<std::pair<std::string, std::string>> present;
  for (const lb::TargetGroup& group : snapshot_.target_groups) {
    for (const lb::Target& target : group.targets) {
      present.emplace(group.id, target.id);
      const auto [health, added] = health_.try_emplace({group.id, target.id});
      if (added && target.last_health == "healthy") health->second.state = "healthy";
    }
    // A new target is checked at once, as the real process does.
    if (checked_.insert(group.id).second)
      loop_.after(std::chrono::milliseconds(100), [this, id = group.id, g = generation_] { check(id, g); });
  }
  std::erase_if(health_, [&](const auto& entry) { return !present.contains(entry.first); });
  loop_.after(std::chrono::milliseconds(1), [this, g = generation_] {
    if (g == generation_) report();
  });
  return version;
}

Result<void> SimDataPlane::check_port(const std::string&, int port) {
  if (busy_ports.contains(port)) return fail("ResourceInUse", "Port {} is in use by another program", port);
  return {};
}

void SimDataPlane::restart() {
  ++generation_;
  health_.clear();
  checked_.clear();
  auto balancers = std::exchange(balancers_, {});
  auto groups = std::exchange(groups_, {});
  for (auto& [region, list] : balancers) publish(region, std::move(list), std::move(groups[region]));
}

void SimDataPlane::check(const std::string& target_group, std::uint64_t generation) {
  if (generation != generation_) return;
  const auto group = std::ranges::find(snapshot_.target_groups, target_group, &lb::TargetGroup::id);
  if (group == snapshot_.target_groups.end()) {
    checked_.erase(target_group);
    return;
  }
  bool changed = false;
  bool waiting = false;
  for (const lb::Target& target : group->targets) {
    Health& health = health_[{target_group, target.id}];
    const std::string before = health.state;
    if (answers_(target.id)) {
      health.failed = 0;
      // The first success makes a new target healthy.
      if (++health.passed >= group->health_check.healthy_threshold || health.state == "initial")
        health.state = "healthy";
    } else {
      health.passed = 0;
      if (++health.failed >= group->health_check.unhealthy_threshold) health.state = "unhealthy";
    }
    changed = changed || health.state != before;
    waiting = waiting || health.state == "initial";
  }
  if (changed) report();
  const auto interval = std::chrono::duration_cast<env::Duration>(std::chrono::duration<double>(
      waiting ? std::min(5.0, group->health_check.interval_seconds) : group->health_check.interval_seconds));
  loop_.after(interval, [this, target_group, generation] { check(target_group, generation); });
}

void SimDataPlane::report() {
  lb::Stats stats;
  stats.version = snapshot_.version;
  for (const lb::TargetGroup& group : snapshot_.target_groups)
    for (const lb::Target& target : group.targets) {
      const std::string state = target.draining ? "draining" : health_[{group.id, target.id}].state;
      lb::TargetStats& added = stats.targets.emplace_back();
      added.target_group = group.id;
      added.target = target.id;
      added.health = state;
      if (state == "initial") {
        added.reason = "Elb.InitialHealthChecking";
        added.description = "Initial health checks in progress";
      } else if (state == "unhealthy") {
        added.reason = "Target.Timeout";
        added.description = "Request timed out";
      }
    }
  if (on_stats) on_stats(stats);
}

}  // namespace brume::elbv2
