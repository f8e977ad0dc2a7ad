// A scale-in carried out: whom the termination policies choose of those that the group can spare, and how it leaves.
#include <algorithm>
#include <functional>
#include <limits>

#include "services/autoscaling/controller.h"
#include "services/autoscaling/mixed_instances.h"
#include "services/autoscaling/purchase_options.h"
#include "services/autoscaling/refresh_state.h"
#include "services/autoscaling/template_versions.h"
#include "services/autoscaling/termination_policy.h"
#include "services/autoscaling/texts.h"
#include "services/common/capacity_units.h"

namespace brume::autoscaling {

Result<void> GroupController::scale_in(const GroupRecord& record, const std::vector<MemberView>& views) {
  const std::string name = *record.group.AutoScalingGroupName;
  std::vector<Candidate> candidates;
  std::map<std::string, int> zones;
  for (const MemberView& view : views)
    if (counts(view)) zones[view.zone] += view.units;
  const std::vector<LaunchOption> options = launch_options(record.group);
  const std::string current = options.front().launch_template.LaunchTemplateId.value_or("");
  const bool mixed = record.group.MixedInstancesPolicy.has_value();
  const std::vector<LaunchOption> newest = mixed ? numbered(context_, ec2_, options) : std::vector<LaunchOption>{};
  for (const MemberView* view : spare(*record.group.DesiredCapacity, views)) {
    if (view->is_protected && !record.force_delete) continue;
    const MemberRecord& member = member_of(name, view->id);
    Candidate& candidate = candidates.emplace_back();
    candidate.id = view->id;
    candidate.zone = view->zone;
    if (member.instance.LaunchTemplate) {
      candidate.launch_template = member.instance.LaunchTemplate->LaunchTemplateId.value_or("");
      candidate.template_version = std::atoll(member.instance.LaunchTemplate->Version.value_or("0").c_str());
    }
    if (mixed) {
      // Any template of the policy is a current one, and a version is old only if its template has another by now.
      candidate.rank =
          rank_of(launches_.options_in(record.group, member.spot, view->zone), *member.instance.InstanceType);
      if (std::ranges::any_of(options, [&](const LaunchOption& option) {
            return option.launch_template.LaunchTemplateId == candidate.launch_template;
          }))
        candidate.launch_template = current;
      if (is_launched_by(member.instance, newest))
        candidate.template_version = std::numeric_limits<std::int64_t>::max();
    }
    candidate.configuration_created = member.configuration_created;
    candidate.launched = member.created.value_or(Timestamp());
  }
  // On-Demand and Spot keep their shares, before any policy (user guide, "Configure termination policies").
  if (mixed) {
    const auto spot = spot_in_excess(*record.group.MixedInstancesPolicy->InstancesDistribution,
                                     *record.group.DesiredCapacity, launches_.holdings(name));
    const auto goes = [&](const Candidate& c) { return member_of(name, c.id).spot == spot; };
    if (spot && std::ranges::any_of(candidates, goes)) std::erase_if(candidates, std::not_fn(goes));
  }
  // What a refresh or a rollback replaces anyway goes first.
  if (const ActiveRefresh active = active_refresh(state_, name)) {
    const auto goes = [&](const Candidate& c) { return is_stale(*active.record, member_of(name, c.id)); };
    if (std::ranges::any_of(candidates, goes)) std::erase_if(candidates, std::not_fn(goes));
  }
  const std::vector<std::string> policies(record.group.TerminationPolicies);
  const Timestamp now = context_.env.clock.wall();
  const std::string victim =
      choose_termination(policies, std::move(candidates), zones, current, now, context_.env.random);
  int capacity = 0;
  for (const auto& [zone, count] : zones) capacity += count;
  std::string cause = record.cause;
  if (!cause.empty()) cause += "  ";
  const int units = services::units_of(member_of(name, victim).instance);
  cause += at(now, shrink_sentence(capacity, capacity - units)) + "  " + at(now, selected_sentence(victim));
  if (!warm_pools_.may_return(record))
    return transitions_.take_out(name, victim, "Terminating", termination_description(victim), cause);
  // It leaves the group as if it were to end: drained, and after the hooks of terminations.
  BRUME_CHECK(transitions_.take_out(name, victim, "Terminating", return_description(victim), cause));
  members_.modify(member_key(name, victim), [](MemberRecord& member) { member.returning = true; });
  return {};
}

}  // namespace brume::autoscaling
