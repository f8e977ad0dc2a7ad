// Replacing instances that could stay a while longer: those that are too old, those that are marked, those that a
// mixed instances policy no longer wants as they were bought or EC2 is going to interrupt, and, where the group has an
// instance maintenance policy, those that fail their health checks.
#include <algorithm>
#include <limits>

#include "services/autoscaling/controller.h"
#include "services/autoscaling/refresh_preferences.h"
#include "services/autoscaling/refresh_state.h"

namespace brume::autoscaling {

using std::chrono::seconds;

Result<env::Duration> GroupController::maintain(const std::string& name, const std::vector<MemberView>& members) {
  const GroupRecord& group = *groups_.find(name);
  env::Duration next = env::Duration::max();
  if (group.force_delete || is_suspended(group, "Terminate")) return next;
  const auto policy = maintenance_policy(group.group);
  const HealthyPercentages percentages = policy.value_or(HealthyPercentages{});
  const seconds warm_up = context_.scaled(seconds(warm_up_of(group.group)));
  const seconds lifetime = context_.scaled(seconds(group.group.MaxInstanceLifetime.value_or(0)));
  // A refresh makes all instances new, and what cannot be launched anew is kept.
  const bool replaces_old = lifetime.count() > 0 && !active_refresh(state_, name) && !is_suspended(group, "Launch");

  // Of one kind, On-Demand or Spot, there are more than its share, because that was changed.
  std::optional<bool> unwanted;
  int too_many = 0;
  if (group.group.MixedInstancesPolicy && !active_refresh(state_, name) && !is_suspended(group, "Launch")) {
    const auto& distribution = *group.group.MixedInstancesPolicy->InstancesDistribution;
    const std::vector<Holding> present = launches_.holdings(name);
    unwanted = spot_in_excess(distribution, *group.group.DesiredCapacity, present);
    if (unwanted) too_many = excess(distribution, *group.group.DesiredCapacity, present, *unwanted);
  }
  const std::set<std::string> noticed = group.group.CapacityRebalance.value_or(false) && !is_suspended(group, "Launch")
                                            ? launches_.noticed(name)
                                            : std::set<std::string>();

  const GroupView seen = view(group);
  std::map<std::string, std::vector<Replaceable>> wanted;  // by reason
  int marked = 0, unmarked = 0, ready = 0, failing = 0;    // units
  int largest = seen.largest_units;
  for (const MemberView& m : members) {
    if (!is_present(m)) continue;
    const bool is_ready_now = is_ready(m, warm_up);
    (m.marked ? marked : unmarked) += m.units;
    if (is_ready_now)
      ready += m.units;
    else if (is_failing(m))
      failing += m.units;
    largest = std::max(largest, m.units);
    if (m.in_service_for && *m.in_service_for < warm_up)
      next = std::min<env::Duration>(next, warm_up - *m.in_service_for);
    const MemberRecord& member = member_of(name, m.id);
    const auto add = [&](const std::string& why) {
      wanted[why].push_back({m.id, is_ready_now, is_failing(m), m.marked, m.units});
    };
    if (m.marked) {
      if (member.replacing != "refresh") add(member.replacing);
      continue;
    }
    if (m.lifecycle != "InService") continue;
    // Without a policy what is sick has been replaced before this (decide.h).
    const Step::Why why = policy && !is_suspended(group, "ReplaceUnhealthy") ? unhealthy(seen, m) : Step::Why::none;
    if (why != Step::Why::none) {
      add(why == Step::Why::elb ? "elb" : "user");
    } else if (noticed.contains(m.id)) {
      add("rebalance");
    } else if (unwanted && member.spot == *unwanted && !m.is_protected && m.units <= too_many) {
      add("distribution");
    } else if (replaces_old && !m.is_protected && m.in_service_for) {
      if (*m.in_service_for >= lifetime)
        add("lifetime");
      else
        next = std::min<env::Duration>(next, lifetime - *m.in_service_for);
    }
  }
  const Range range = replacement_range(*group.group.DesiredCapacity, percentages.min, percentages.max, largest);
  const int capacity = std::max<int>(*group.group.DesiredCapacity, unmarked) + marked;
  // Where nothing fails another comes first, whatever the policy.
  const Range launching_first = replacement_range(*group.group.DesiredCapacity, 100, 110, largest);
  // One reason at a time, the most urgent first.
  for (const std::string why : {"rebalance", "elb", "user", "lifetime", "distribution"}) {
    const std::vector<Replaceable>& candidates = wanted[why];
    const bool launches_first = why == "rebalance" || why == "distribution";
    const Replacements plan =
        plan_replacements(launches_first ? launching_first : range, capacity, ready, failing, candidates,
                          why == "distribution" ? too_many : std::numeric_limits<int>::max());
    BRUME_TRY(done, context_.store.transact([&] { return transitions_.replace(name, plan, why); }));
    if (done) return env::Duration::zero();
  }
  return next;
}

}  // namespace brume::autoscaling
