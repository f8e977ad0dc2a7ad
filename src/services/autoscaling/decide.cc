#include "services/autoscaling/decide.h"

#include <algorithm>

namespace brume::autoscaling {
namespace {

using Kind = Step::Kind;
using Why = Step::Why;

bool ended(const MemberView& m) {
  return m.instance_state == "terminated" || m.instance_state == "shutting-down" || m.instance_state == "stopped" ||
         m.instance_state == "stopping";
}

// The zone with the fewest units, those where launches fail only if there is no other.
std::string emptiest_zone(const GroupView& group, const std::map<std::string, int>& counts) {
  const auto of = [&](const std::string& zone) {
    const auto found = counts.find(zone);
    return std::pair(group.failing_zones.contains(zone), found == counts.end() ? 0 : found->second);
  };
  return *std::ranges::min_element(group.zones, {}, of);
}

int capacity_of(const std::vector<MemberView>& members) {
  int capacity = 0;
  for (const MemberView& m : members)
    if (counts(m)) capacity += m.units;
  return capacity;
}

// Whether a launch of `weight` units in the zone with the fewest, and what goes for it where there are most, leave
// these two more even than they are, whichever instance goes. So the fullest zone falls each time, and this ends.
bool evens_out(const GroupView& group, const std::vector<MemberView>& members,
               const std::map<std::string, int>& by_zone, int fewest, int most, int weight) {
  const int excess = capacity_of(members) - group.desired;
  // The limit that AWS enforces, and for balance only: the desired capacity and the largest weight.
  if (excess + weight > group.largest_units) return false;
  bool any = false;
  for (const MemberView& m : members) {
    if (!counts(m) || m.is_protected || m.units > excess + weight || by_zone.at(m.zone) != most) continue;
    if (m.units + weight > most - fewest) return false;
    any = true;
  }
  return any;
}

}  // namespace

std::vector<const MemberView*> spare(int desired, const std::vector<MemberView>& members) {
  const int excess = capacity_of(members) - desired;
  std::vector<const MemberView*> found;
  for (const MemberView& m : members)
    if (counts(m) && m.units <= excess) found.push_back(&m);
  return found;
}

bool is_fulfilled(int desired, const std::vector<MemberView>& members) {
  return capacity_of(members) >= desired && spare(desired, members).empty();
}

Why unhealthy(const GroupView& group, const MemberView& m) {
  // Marks and checks are EC2's and ELB's while HealthCheck runs; what a user says always counts.
  if (m.marked_unhealthy) return Why::user;
  if (group.suspended.contains("HealthCheck")) return Why::none;
  if (ended(m)) return Why::ec2;
  if (group.elb_checks && m.elb_unhealthy && !m.in_grace) return Why::elb;
  return Why::none;
}

bool is_pending(std::string_view lifecycle) {
  return lifecycle.starts_with("Pending");
}

bool is_terminating(std::string_view lifecycle) {
  return lifecycle.starts_with("Terminating");
}

bool is_present(const MemberView& member) {
  return is_pending(member.lifecycle) || member.lifecycle == "InService";
}

bool counts(const MemberView& member) {
  return is_present(member) && !member.marked;
}

bool is_failing(const MemberView& member) {
  return ended(member) || member.marked_unhealthy || member.elb_unhealthy;
}

bool is_ready(const MemberView& member, std::chrono::seconds warm_up) {
  return member.lifecycle == "InService" && member.instance_state == "running" && !is_failing(member) &&
         !member.awaited && member.in_service_for && *member.in_service_for >= warm_up;
}

std::vector<Step> decide(const GroupView& group, const std::vector<MemberView>& members) {
  std::vector<Step> steps;
  const auto suspended = [&](const char* process) { return group.suspended.contains(process); };
  int capacity = 0, pending = 0, leaving = 0;
  bool loses = false;  // by these steps
  std::map<std::string, int> by_zone;
  for (const std::string& zone : group.zones) by_zone[zone] = 0;
  for (const MemberView& m : members) {
    if (is_pending(m.lifecycle)) pending += m.units;
    if (is_terminating(m.lifecycle)) leaving += m.units;
    if (!counts(m)) continue;
    capacity += m.units;
    by_zone[m.zone] += m.units;
  }

  const auto lose = [&](const MemberView& m) {
    if (m.marked) return;
    capacity -= m.units;
    by_zone[m.zone] -= m.units;
    loses = true;
  };

  // Health failures found by a load balancer are replaced a tenth of the group at a time, at least one.
  int replaceable = std::max(1, group.desired / 10) - pending - leaving;
  for (const MemberView& m : members) {
    if (is_pending(m.lifecycle)) {
      if (m.instance_state == "terminated" || m.instance_state == "shutting-down") {
        steps.push_back({Kind::give_up_launch, m.id, m.zone});
        lose(m);
      } else if (m.instance_state == "stopped") {  // one of the warm pool did not start
        steps.push_back({Kind::abandon, m.id, m.zone, Why::ec2});
      } else if (m.lifecycle == "Pending:Wait") {
        if (m.hooks == HookOutcome::abandons)
          steps.push_back({Kind::abandon, m.id, m.zone});
        else if (m.hooks != HookOutcome::waits)
          steps.push_back({Kind::proceed, m.id, m.zone});
      } else if (m.instance_state == "running") {
        steps.push_back({Kind::put_in_service, m.id, m.zone});
      }
    } else if (m.lifecycle == "InService") {
      const Why why = unhealthy(group, m);
      if (why == Why::none || suspended("ReplaceUnhealthy")) continue;
      // Without Terminate nothing can be replaced.
      if (suspended("Terminate")) continue;
      if (group.has_policy && why != Why::ec2) continue;
      if (why == Why::elb) {
        if (replaceable <= 0) continue;
        replaceable -= m.units;
      }
      steps.push_back({Kind::replace, m.id, m.zone, why});
      lose(m);
    } else if (is_terminating(m.lifecycle)) {
      if (m.instance_state == "terminated")
        steps.push_back({Kind::forget, m.id, m.zone});
      else if (m.lifecycle == "Terminating:Wait" && (m.hooks != HookOutcome::waits || group.deleting))
        steps.push_back({Kind::proceed, m.id, m.zone});
      else if (m.lifecycle == "Terminating:Wait")
        continue;
      else if (!m.registered && !m.terminating_sent)
        steps.push_back({Kind::terminate, m.id, m.zone});
    } else if (m.lifecycle == "EnteringStandby") {
      if (!m.registered) steps.push_back({Kind::rest, m.id, m.zone});
    } else if (m.lifecycle == "Detaching") {
      if (!m.registered) steps.push_back({Kind::release, m.id, m.zone});
    } else if (m.lifecycle == "Standby" && group.deleting) {
      steps.push_back({Kind::replace, m.id, m.zone});
    } else if (m.lifecycle == "Standby" && (m.instance_state == "terminated" || m.instance_state == "shutting-down")) {
      // No health checks in standby, but what no longer exists is no longer of the group.
      steps.push_back({Kind::replace, m.id, m.zone, Why::ec2});
    }
  }

  if (group.zones.empty()) return steps;
  if (capacity < group.desired) {
    if (!suspended("Launch") && group.may_launch) steps.push_back({Kind::launch, "", emptiest_zone(group, by_zone)});
    return steps;
  }
  if (loses) return steps;  // what is too many is seen when these have gone
  const auto [fewest, most] = std::ranges::minmax_element(by_zone, {}, [](const auto& entry) { return entry.second; });
  if (const auto may_go = spare(group.desired, members); !may_go.empty()) {
    if (suspended("Terminate")) return steps;
    // What came for balance, or is heavier than what was lacking, is waited for before others go for it.
    const int largest = (*std::ranges::max_element(may_go, {}, &MemberView::units))->units;
    const bool came_for_others = most->second > fewest->second || group.largest_units > 1;
    if (pending > 0 && capacity - pending - largest < group.desired && came_for_others && !group.deleting) return steps;
    const bool any =
        std::ranges::any_of(may_go, [&](const MemberView* m) { return !m->is_protected || group.deleting; });
    steps.push_back({any ? Kind::scale_in : Kind::report_protected, "", ""});
    return steps;
  }
  // Balance zones: launch where there are fewest; what is then too many goes where there are most.
  const auto weight = group.launch_units.find(fewest->first);
  if (pending == 0 && leaving == 0 && steps.empty() && !suspended("AZRebalance") && !suspended("Launch") &&
      !suspended("Terminate") && group.may_launch && !group.failing_zones.contains(fewest->first) &&
      std::ranges::find(group.zones, fewest->first) != group.zones.end() &&
      evens_out(group, members, by_zone, fewest->second, most->second,
                weight == group.launch_units.end() ? 1 : weight->second))
    steps.push_back({Kind::launch, "", fewest->first});
  return steps;
}

}  // namespace brume::autoscaling
