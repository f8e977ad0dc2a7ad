#include "services/autoscaling/transitions.h"

#include "services/autoscaling/hooks.h"
#include "services/autoscaling/targets.h"
#include "services/autoscaling/texts.h"

namespace brume::autoscaling {
namespace {

constexpr std::string_view kWait = ":Wait";

}  // namespace

Result<void> Transitions::take_out(const std::string& group, const std::string& instance, const std::string& lifecycle,
                                   const std::string& description, const std::string& cause) {
  MemberRecord member = member_of(group, instance);
  const List<std::string> targets = groups_.find(group)->group.TargetGroupARNs;
  BRUME_CHECK(deregister_targets(context_, elbv2_, targets, instance));
  cancel_activity(member.activity);
  member.activity =
      begin_activity(group, description, cause, targets.empty() ? "InProgress" : "WaitingForELBConnectionDraining", 50,
                     *member.instance.AvailabilityZone, member.subnet);
  member.instance.LifecycleState = lifecycle;
  member.replacing.clear();
  member.returning = false;
  member.actions.clear();
  put_member(member);
  announce(group);
  return {};
}

void Transitions::take_out_of_pool(MemberRecord member, const std::string& cause) {
  cancel_activity(member.activity);
  member.activity = begin_activity(member.group, pool_termination_description(*member.instance.InstanceId), cause,
                                   "InProgress", 50, *member.instance.AvailabilityZone, member.subnet);
  member.instance.LifecycleState = "Warmed:Terminating";
  member.actions.clear();
  put_member(member);
}

Result<bool> Transitions::replace(const std::string& name, const Replacements& plan, const std::string& why) {
  const Timestamp now = context_.env.clock.wall();
  for (const std::string& id : plan.take_out) {
    MemberRecord member = member_of(name, id);
    const std::string& reason = member.replacing.empty() ? why : member.replacing;
    std::string cause = at(now, replacement_sentence(reason));
    if (reason == "elb" || reason == "user") {
      member.instance.HealthStatus = "Unhealthy";
      put_member(member);
    } else {
      cause += "  " + at(now, selected_sentence(id));
    }
    BRUME_CHECK(take_out(name, id, "Terminating", termination_description(id), cause));
  }
  for (const std::string& id : plan.mark) {
    MemberRecord member = member_of(name, id);
    member.replacing = why;
    put_member(member);
  }
  return !plan.take_out.empty() || !plan.mark.empty();
}

void Transitions::unmark(const std::string& group) {
  for (const MemberRecord* found : members_of(group)) {
    if (found->replacing != "refresh") continue;
    MemberRecord member = *found;
    member.replacing.clear();
    put_member(member);
  }
}

bool Transitions::wait_for_hooks(MemberRecord& member) {
  std::string& lifecycle = *member.instance.LifecycleState;
  if (!lifecycle.ends_with("Terminating")) return false;
  member.actions = begin_actions(state_, member.group, kTerminating);
  if (member.actions.empty()) return false;
  lifecycle += kWait;
  update_activity(member.activity, [](Activity& activity) { activity.StatusCode = "MidLifecycleAction"; });
  put_member(member);
  return true;
}

void Transitions::proceed(MemberRecord member) {
  std::string& lifecycle = *member.instance.LifecycleState;
  lifecycle = lifecycle.substr(0, lifecycle.rfind(kWait)) + ":Proceed";
  const bool launches = lifecycle.find("Pending") != std::string::npos;
  member.actions.clear();
  update_activity(member.activity,
                  [&](Activity& activity) { activity.StatusCode = launches ? "PreInService" : "InProgress"; });
  put_member(member);
}

Result<void> Transitions::send_termination(MemberRecord member) {
  ec2::TerminateInstancesRequest request;
  request.InstanceIds = {*member.instance.InstanceId};
  const auto done = ec2_.TerminateInstances(context_.call("autoscaling"), request);
  if (!done && done.error().code != "InvalidInstanceID.NotFound") return std::unexpected(done.error());
  update_activity(member.activity, [](Activity& activity) {
    activity.StatusCode = "InProgress";
    activity.Progress = 75;
  });
  member.terminating_sent = true;
  put_member(member);
  return {};
}

void Transitions::settle(MemberRecord member, const std::string& lifecycle) {
  end_activity(member.activity, true);
  member.activity.clear();
  member.instance.LifecycleState = lifecycle;
  put_member(member);
}

void Transitions::forget(const MemberRecord& member) {
  end_activity(member.activity, true);
  erase_member(member.group, *member.instance.InstanceId);
}

}  // namespace brume::autoscaling
