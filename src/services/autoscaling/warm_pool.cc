#include "services/autoscaling/warm_pool.h"

#include <algorithm>

namespace brume::autoscaling {
namespace {

using Kind = PoolStep::Kind;

bool ended(const PoolMember& m) {
  return m.instance_state == "terminated" || m.instance_state == "shutting-down";
}

bool is_leaving(const PoolMember& m) {
  return m.lifecycle.starts_with("Warmed:Terminating");
}

bool rests_as_it_should(const PoolMember& m) {
  return m.lifecycle == "Warmed:Stopped" ? m.instance_state == "stopped" : m.instance_state == "running";
}

std::optional<Kind> leaving_step(const PoolView& pool, const PoolMember& m) {
  if (m.instance_state == "terminated") return Kind::forget;
  if (m.lifecycle == "Warmed:Terminating:Wait")
    return m.hooks != HookOutcome::waits || !pool.waits ? std::optional(Kind::proceed) : std::nullopt;
  return m.terminating_sent ? std::nullopt : std::optional(Kind::terminate);
}

std::optional<Kind> staying_step(const PoolView& pool, const PoolMember& m) {
  if (m.lifecycle == "Warmed:Pending:Wait") {
    if (m.hooks == HookOutcome::abandons) return Kind::abandon;
    return m.hooks == HookOutcome::waits ? std::nullopt : std::optional(Kind::proceed);
  }
  if (m.lifecycle.starts_with("Warmed:Pending")) {
    if (m.instance_state == "stopped") return Kind::rest_stopped;
    if (m.instance_state == "running") return pool.stops ? Kind::stop : Kind::rest_running;
    return std::nullopt;
  }
  // Whom somebody else started or stopped is in an unknown condition.
  return rests_as_it_should(m) ? std::nullopt : std::optional(Kind::take_out);
}

}  // namespace

bool is_warmed(std::string_view lifecycle) {
  return lifecycle.starts_with("Warmed:");
}

int pool_size(int desired, int max, std::optional<int> prepared, int min_size) {
  return std::max(min_size, std::max(0, prepared.value_or(max) - desired));
}

std::vector<PoolStep> decide_pool(const PoolView& pool, std::span<const PoolMember> members) {
  std::vector<PoolStep> steps;
  std::map<std::string, int> by_zone;
  for (const std::string& zone : pool.zones) by_zone[zone] = 0;
  std::vector<const PoolMember*> kept;
  for (const PoolMember& m : members) {
    std::optional<Kind> step;
    if (is_leaving(m))
      step = leaving_step(pool, m);
    else if (ended(m))
      step = Kind::lost;
    else if (pool.goes || m.unfit)
      step = Kind::take_out;
    else
      step = staying_step(pool, m);
    if (step) steps.push_back({*step, m.id, m.zone});
    if (is_leaving(m) || step == Kind::lost || step == Kind::take_out || step == Kind::abandon) continue;
    kept.push_back(&m);
    ++by_zone[m.zone];
  }
  if (pool.goes || pool.zones.empty()) return steps;
  // What the group still lacks is to come out of the pool, so it is not too many.
  const int size = int(kept.size()) + pool.returning;
  if (size - pool.missing > pool.size && !kept.empty() && !pool.suspended.contains("Terminate")) {
    const PoolMember* most = *std::ranges::max_element(kept, {}, [&](const PoolMember* m) { return by_zone[m->zone]; });
    std::erase_if(steps, [&](const PoolStep& step) { return step.instance == most->id; });
    steps.push_back({Kind::take_out, most->id, most->zone});
  } else if (size < pool.size && pool.missing == 0 && pool.may_launch && !pool.suspended.contains("Launch")) {
    const std::string& zone = *std::ranges::min_element(pool.zones, {}, [&](const std::string& one) {
      return std::pair(pool.failing_zones.contains(one), by_zone[one]);
    });
    steps.push_back({Kind::launch, "", zone});
  }
  return steps;
}

const PoolMember* choose_warm(std::span<const PoolMember> members, const std::string& zone, bool anywhere) {
  const PoolMember* best = nullptr;
  const auto rank = [&](const PoolMember& m) { return std::pair(m.zone != zone, m.lifecycle != "Warmed:Running"); };
  for (const PoolMember& m : members) {
    if (m.lifecycle != "Warmed:Running" && m.lifecycle != "Warmed:Stopped") continue;
    if (m.unfit || !rests_as_it_should(m) || (m.zone != zone && !anywhere)) continue;
    if (!best || rank(m) < rank(*best)) best = &m;
  }
  return best;
}

}  // namespace brume::autoscaling
