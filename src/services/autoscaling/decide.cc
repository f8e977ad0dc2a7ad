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

// The zone with the fewest instances, those where launches fail only if there is no other.
std::string emptiest_zone(const GroupView& group, const std::map<std::string, int>& counts) {
  const auto of = [&](const std::string& zone) {
    const auto found = counts.find(zone);
    return std::pair(group.failing_zones.contains(zone), found == counts.end() ? 0 : found->second);
  };
  return *std::ranges::min_element(group.zones, {}, of);
}

}  // namespace

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
  std::map<std::string, int> by_zone;
  for (const std::string& zone : group.zones) by_zone[zone] = 0;
  for (const MemberView& m : members) {
    pending += is_pending(m.lifecycle);
    leaving += is_terminating(m.lifecycle);
    if (!counts(m)) continue;
    ++capacity;
    ++by_zone[m.zone];
  }

  // Health failures found by a load balancer are replaced a tenth of the group at a time, at least one.
  int replaceable = std::max(1, group.desired / 10) - pending - leaving;
  for (const MemberView& m : members) {
    if (is_pending(m.lifecycle)) {
      if (m.instance_state == "terminated" || m.instance_state == "shutting-down") {
        steps.push_back({Kind::give_up_launch, m.id, m.zone});
        if (m.marked) continue;
        --capacity;
        --by_zone[m.zone];
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
      if (why == Why::elb && replaceable-- <= 0) continue;
      steps.push_back({Kind::replace, m.id, m.zone, why});
      if (m.marked) continue;
      --capacity;
      --by_zone[m.zone];
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
  const auto [fewest, most] = std::ranges::minmax_element(by_zone, {}, [](const auto& entry) { return entry.second; });
  if (capacity > group.desired && !suspended("Terminate")) {
    // An instance that came for balance is waited for: it is launched before another is terminated.
    if (pending > 0 && capacity - pending <= group.desired && most->second - fewest->second >= 1 && !group.deleting)
      return steps;
    const bool any = std::ranges::any_of(
        members, [&](const MemberView& m) { return counts(m) && (!m.is_protected || group.deleting); });
    steps.push_back({any ? Kind::scale_in : Kind::report_protected, "", ""});
    return steps;
  }
  // Balance zones: launch where there are fewest; what is then too many goes where there are most.
  if (capacity == group.desired && pending == 0 && leaving == 0 && steps.empty() &&
      most->second - fewest->second >= 2 && !suspended("AZRebalance") && !suspended("Launch") &&
      !suspended("Terminate") && group.may_launch && !group.failing_zones.contains(fewest->first) &&
      std::ranges::find(group.zones, fewest->first) != group.zones.end())
    steps.push_back({Kind::launch, "", fewest->first});
  return steps;
}

}  // namespace brume::autoscaling
