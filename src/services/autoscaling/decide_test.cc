#include "services/autoscaling/decide.h"

#include <algorithm>

#include <gtest/gtest.h>

#include "env/sim.h"

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

// Instances in service by letters: the zone, and how many units it has.
std::vector<MemberView> weighted(std::string_view members) {
  std::vector<MemberView> views;
  for (std::size_t i = 0; i + 1 < members.size(); i += 3) {
    MemberView& m = views.emplace_back(in_service(std::to_string(i / 3 + 1), std::string(members.substr(i, 1))));
    m.units = members[i + 1] - '0';
  }
  return views;
}

TEST(Decide, SizesAreInUnits) {
  const struct {
    const char* what;
    int desired;
    const char* members;
    const char* steps;
  } cases[] = {
      {"nothing yet", 6, "", "launch:a"},
      {"the zone with the fewest units, not instances", 7, "a1 a1 b4", "launch:a"},
      {"above the desired capacity, and nothing fits into that", 6, "a4 b4", ""},
      {"one fits", 4, "a4 b4", "scale-in"},
      {"a small one fits", 8, "a4 b4 b1", "scale-in"},
      {"one unit less than the desired capacity is too few", 5, "a4", "launch:b"},
      {"zones as even as weights allow", 8, "a4 b4", ""},
      {"all in one zone", 8, "a4 a4", "launch:b"},
      {"moving one would only turn it round", 5, "a1 a4", ""},
      {"a launch would leave the group too far above", 6, "a4 a4", ""},
  };
  for (const auto& c : cases) {
    GroupView view = group(c.desired);
    view.launch_units = {{"a", 4}, {"b", 4}};
    view.largest_units = 4;
    EXPECT_EQ(plan(view, weighted(c.members)), c.steps) << c.what;
  }
}

TEST(Decide, WhatTheGroupNeedsMeanwhileIsNotSpared) {
  GroupView view = group(5);
  view.launch_units = {{"a", 4}, {"b", 4}};
  view.largest_units = 4;
  // Three of the small ones are too many once the large one serves.
  std::vector<MemberView> members = weighted("a1 a1 a1 a1 b4");
  members.back().lifecycle = "Pending";
  members.back().instance_state = "pending";
  EXPECT_EQ(plan(view, members), "");
  members.back() = weighted("b4").front();
  members.back().id = "5";
  EXPECT_EQ(plan(view, members), "scale-in");
  // What is taken out in this round is not spared in the same.
  members[0].instance_state = "terminated";
  EXPECT_EQ(plan(view, members), "replace:1(ec2)");
  EXPECT_EQ(spare(5, weighted("a4 b3")).size(), 0U);
  EXPECT_TRUE(is_fulfilled(5, weighted("a4 b3")));
  EXPECT_FALSE(is_fulfilled(5, weighted("a4 b3 b1")));
  EXPECT_FALSE(is_fulfilled(5, weighted("a4")));
}

// From any members and for any weights and sizes a group comes to rest at or above what is desired, by less than the
// largest weight, and its zones do not swap instances for ever.
TEST(Decide, UnitsComeToRest) {
  env::SimRandom random(7);
  for (int world = 0; world < 2000; ++world) {
    GroupView view = group(int(random.below(30)));
    if (random.below(2) == 0) view.zones.push_back("c");
    for (const std::string& zone : view.zones) {
      view.launch_units[zone] = int(1 + random.below(7));
      view.largest_units = std::max(view.largest_units, view.launch_units[zone]);
    }
    std::vector<MemberView> members;
    for (std::uint64_t left = random.below(8); left > 0; --left) {
      MemberView& m = members.emplace_back(in_service("", view.zones[random.below(view.zones.size())]));
      m.units = int(1 + random.below(std::uint64_t(view.largest_units)));
    }
    int rounds = 0;
    for (;; ++rounds) {
      ASSERT_LT(rounds, 200) << "world " << world;
      const std::vector<Step> steps = decide(view, members);
      if (steps.empty()) break;
      ASSERT_EQ(steps.size(), 1U);
      if (steps[0].kind == Kind::launch) {
        MemberView& m = members.emplace_back(in_service("", steps[0].zone));
        m.units = view.launch_units[steps[0].zone];
        continue;
      }
      ASSERT_EQ(steps[0].kind, Kind::scale_in);
      // The fullest zone first, as termination_policy.h; in it any.
      std::map<std::string, int> zones;
      for (const MemberView& m : members) zones[m.zone] += m.units;
      std::vector<const MemberView*> may_go = spare(view.desired, members);
      int most = 0;
      for (const MemberView* m : may_go) most = std::max(most, zones[m->zone]);
      std::erase_if(may_go, [&](const MemberView* m) { return zones[m->zone] != most; });
      members.erase(members.begin() + (may_go[random.below(may_go.size())] - members.data()));
    }
    int capacity = 0;
    for (const MemberView& m : members) capacity += m.units;
    EXPECT_GE(capacity, view.desired) << "world " << world;
    EXPECT_LE(capacity, view.desired + view.largest_units) << "world " << world;
    EXPECT_TRUE(is_fulfilled(view.desired, members)) << "world " << world;
  }
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
