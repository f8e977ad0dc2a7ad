#include "services/autoscaling/decide.h"

#include <gtest/gtest.h>

namespace brume::autoscaling {
namespace {

using Kind = Step::Kind;
using Why = Step::Why;

MemberView in_service(std::string id, std::string zone) {
  return {.id = std::move(id),
          .zone = std::move(zone),
          .lifecycle = "InService",
          .instance_state = "running",
          .registered = true};
}

MemberView with(MemberView member, void (*change)(MemberView&)) {
  change(member);
  return member;
}

GroupView group(int desired) {
  return {.desired = desired, .zones = {"a", "b"}, .elb_checks = true};
}

// The steps as text: "launch:b", "replace:i-1(elb)".
std::string plan(const GroupView& view, const std::vector<MemberView>& members) {
  static const std::map<Kind, std::string> names = {
      {Kind::put_in_service, "serve"}, {Kind::give_up_launch, "give-up"},
      {Kind::replace, "replace"},      {Kind::terminate, "terminate"},
      {Kind::forget, "forget"},        {Kind::rest, "rest"},
      {Kind::release, "release"},      {Kind::launch, "launch"},
      {Kind::scale_in, "scale-in"},    {Kind::report_protected, "protected"},
      {Kind::proceed, "proceed"},      {Kind::abandon, "abandon"}};
  static const std::map<Why, std::string> reasons = {
      {Why::none, ""}, {Why::ec2, "(ec2)"}, {Why::elb, "(elb)"}, {Why::user, "(user)"}};
  std::string text;
  for (const Step& step : decide(view, members)) {
    if (!text.empty()) text += " ";
    text += names.at(step.kind) + (step.instance.empty() ? "" : ":" + step.instance) + reasons.at(step.why);
    if (step.kind == Kind::launch) text += ":" + step.zone;
  }
  return text;
}

TEST(Decide, KeepsTheSizeInBalance) {
  EXPECT_EQ(plan(group(0), {}), "");
  EXPECT_EQ(plan(group(2), {}), "launch:a");
  EXPECT_EQ(plan(group(2), {in_service("1", "a")}), "launch:b");
  EXPECT_EQ(plan(group(2), {in_service("1", "a"), in_service("2", "b")}), "");
  EXPECT_EQ(plan(group(1), {in_service("1", "a"), in_service("2", "b")}), "scale-in");
  // Two more in a than in b: launch first, then let the surplus go.
  EXPECT_EQ(plan(group(2), {in_service("1", "a"), in_service("2", "a")}), "launch:b");
  EXPECT_EQ(plan(group(2), {in_service("1", "a"), in_service("2", "a"), in_service("3", "b")}), "scale-in");
}

TEST(Decide, APendingInstanceCountsAndEndsInServiceOrNot) {
  const auto pending = [](const char* state) {
    MemberView m = in_service("1", "a");
    m.lifecycle = "Pending";
    m.instance_state = state;
    return m;
  };
  EXPECT_EQ(plan(group(1), {pending("pending")}), "");
  EXPECT_EQ(plan(group(1), {pending("running")}), "serve:1");
  EXPECT_EQ(plan(group(1), {pending("terminated")}), "give-up:1 launch:a");
  EXPECT_EQ(plan(group(1), {pending("stopped")}), "abandon:1(ec2)");
  // What came for balance is waited for.
  EXPECT_EQ(plan(group(2), {in_service("2", "b"), in_service("3", "b"), pending("pending")}), "");
}

TEST(Decide, HealthFailuresAreReplaced) {
  const auto dead = with(in_service("1", "a"), [](MemberView& m) { m.instance_state = "terminated"; });
  const auto stopped = with(in_service("1", "a"), [](MemberView& m) { m.instance_state = "stopped"; });
  const auto sick = with(in_service("1", "a"), [](MemberView& m) { m.elb_unhealthy = true; });
  const auto marked = with(in_service("1", "a"), [](MemberView& m) { m.marked_unhealthy = true; });
  const MemberView well = in_service("2", "b");
  EXPECT_EQ(plan(group(2), {dead, well}), "replace:1(ec2) launch:a");
  EXPECT_EQ(plan(group(2), {stopped, well}), "replace:1(ec2) launch:a");
  EXPECT_EQ(plan(group(2), {sick, well}), "replace:1(elb) launch:a");
  EXPECT_EQ(plan(group(2), {marked, well}), "replace:1(user) launch:a");
  // Within the grace period only a load balancer's word does not count.
  EXPECT_EQ(plan(group(2), {with(sick, [](MemberView& m) { m.in_grace = true; }), well}), "");
  EXPECT_EQ(plan(group(2), {with(dead, [](MemberView& m) { m.in_grace = true; }), well}), "replace:1(ec2) launch:a");
  GroupView ec2_only = group(2);
  ec2_only.elb_checks = false;
  EXPECT_EQ(plan(ec2_only, {sick, well}), "");
}

TEST(Decide, SickInstancesGoOneAtATime) {
  std::vector<MemberView> members;
  for (const char* id : {"1", "2", "3", "4"})
    members.push_back(with(in_service(id, *id % 2 ? "a" : "b"), [](MemberView& m) { m.elb_unhealthy = true; }));
  EXPECT_EQ(plan(group(4), members), "replace:1(elb) launch:a");
  members[0].lifecycle = "Terminating";
  EXPECT_EQ(plan(group(3), members), "");
}

TEST(Decide, SuspendedProcesses) {
  const auto dead = with(in_service("1", "a"), [](MemberView& m) { m.instance_state = "terminated"; });
  const MemberView well = in_service("2", "b");
  const struct {
    const char* process;
    int desired;
    std::vector<MemberView> members;
    const char* steps;
  } cases[] = {
      {"Launch", 3, {well}, ""},
      {"Launch", 2, {dead, well}, "replace:1(ec2)"},
      {"Terminate", 1, {in_service("1", "a"), well}, ""},
      {"Terminate", 2, {dead, well}, ""},
      {"HealthCheck", 2, {dead, well}, ""},
      {"HealthCheck",
       2,
       {with(well, [](MemberView& m) { m.marked_unhealthy = true; }), in_service("1", "a")},
       "replace:2(user) launch:b"},
      {"ReplaceUnhealthy", 2, {dead, well}, ""},
      {"AZRebalance", 2, {in_service("1", "b"), well}, ""},
  };
  for (const auto& c : cases) {
    GroupView view = group(c.desired);
    view.suspended = {c.process};
    EXPECT_EQ(plan(view, c.members), c.steps) << c.process;
  }
}

TEST(Decide, LeavingGoesStepByStep) {
  const auto leaving = [](const char* lifecycle, bool registered, bool sent, const char* state) {
    MemberView m = in_service("1", "a");
    m.lifecycle = lifecycle;
    m.registered = registered;
    m.terminating_sent = sent;
    m.instance_state = state;
    return m;
  };
  EXPECT_EQ(plan(group(0), {leaving("Terminating", true, false, "running")}), "");
  EXPECT_EQ(plan(group(0), {leaving("Terminating", false, false, "running")}), "terminate:1");
  EXPECT_EQ(plan(group(0), {leaving("Terminating", false, true, "shutting-down")}), "");
  EXPECT_EQ(plan(group(0), {leaving("Terminating", false, true, "terminated")}), "forget:1");
  EXPECT_EQ(plan(group(0), {leaving("EnteringStandby", true, false, "running")}), "");
  EXPECT_EQ(plan(group(0), {leaving("EnteringStandby", false, false, "running")}), "rest:1");
  EXPECT_EQ(plan(group(0), {leaving("Standby", false, false, "running")}), "");
  EXPECT_EQ(plan(group(0), {leaving("Detaching", false, false, "running")}), "release:1");
}

TEST(Decide, HooksHoldUntilTheyAreDone) {
  const auto in = [](const char* lifecycle, HookOutcome hooks, const char* state = "running") {
    MemberView m = in_service("1", "a");
    m.lifecycle = lifecycle;
    m.hooks = hooks;
    m.instance_state = state;
    m.registered = false;
    return m;
  };
  EXPECT_EQ(plan(group(1), {in("Pending:Wait", HookOutcome::waits)}), "");
  EXPECT_EQ(plan(group(1), {in("Pending:Wait", HookOutcome::waits, "terminated")}), "give-up:1 launch:a");
  EXPECT_EQ(plan(group(1), {in("Pending:Wait", HookOutcome::proceeds, "pending")}), "proceed:1");
  EXPECT_EQ(plan(group(1), {in("Pending:Wait", HookOutcome::abandons)}), "abandon:1");
  EXPECT_EQ(plan(group(1), {in("Pending:Proceed", HookOutcome::none, "pending")}), "");
  EXPECT_EQ(plan(group(1), {in("Pending:Proceed", HookOutcome::none)}), "serve:1");
  EXPECT_EQ(plan(group(0), {in("Terminating:Wait", HookOutcome::waits)}), "");
  EXPECT_EQ(plan(group(0), {in("Terminating:Wait", HookOutcome::abandons)}), "proceed:1");
  EXPECT_EQ(plan(group(0), {in("Terminating:Wait", HookOutcome::waits, "terminated")}), "forget:1");
  EXPECT_EQ(plan(group(0), {in("Terminating:Proceed", HookOutcome::none)}), "terminate:1");
  GroupView deleting = group(0);
  deleting.deleting = true;
  EXPECT_EQ(plan(deleting, {in("Terminating:Wait", HookOutcome::waits)}), "proceed:1");
}

TEST(Decide, AMarkedInstanceDoesNotCount) {
  const auto marked = with(in_service("1", "a"), [](MemberView& m) { m.marked = true; });
  const MemberView well = in_service("2", "b");
  EXPECT_EQ(plan(group(2), {marked, well}), "launch:a");
  EXPECT_EQ(plan(group(2), {marked, well, in_service("3", "a")}), "");
  // One that dies while it is marked leaves no gap of its own.
  const auto dead = with(marked, [](MemberView& m) { m.instance_state = "terminated"; });
  EXPECT_EQ(plan(group(2), {dead, well, in_service("3", "a")}), "replace:1(ec2)");
}

TEST(Decide, APolicyReplacesTheSickElsewhere) {
  GroupView view = group(2);
  view.has_policy = true;
  const auto sick = with(in_service("1", "a"), [](MemberView& m) { m.elb_unhealthy = true; });
  const auto dead = with(in_service("1", "a"), [](MemberView& m) { m.instance_state = "terminated"; });
  EXPECT_EQ(plan(view, {sick, in_service("2", "b")}), "");
  EXPECT_EQ(plan(view, {dead, in_service("2", "b")}), "replace:1(ec2) launch:a");
}

TEST(Decide, ProtectionHoldsButForDeletion) {
  const auto kept = with(in_service("1", "a"), [](MemberView& m) { m.is_protected = true; });
  EXPECT_EQ(plan(group(0), {kept}), "protected");
  GroupView deleting = group(0);
  deleting.deleting = true;
  EXPECT_EQ(plan(deleting, {kept}), "scale-in");
}

TEST(Decide, AFailingZoneIsAvoidedIfThereIsAnother) {
  GroupView view = group(1);
  view.failing_zones = {"a"};
  EXPECT_EQ(plan(view, {}), "launch:b");
  view.failing_zones = {"a", "b"};
  EXPECT_EQ(plan(view, {}), "launch:a");
  view.may_launch = false;
  EXPECT_EQ(plan(view, {}), "");
}

}  // namespace
}  // namespace brume::autoscaling
