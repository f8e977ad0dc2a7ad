#include "services/autoscaling/warm_pool.h"

#include <gtest/gtest.h>

namespace brume::autoscaling {
namespace {

using Kind = PoolStep::Kind;

PoolMember member(std::string id, std::string zone, std::string lifecycle, std::string state,
                  HookOutcome hooks = HookOutcome::none) {
  return {std::move(id), std::move(zone), std::move(lifecycle), std::move(state), hooks};
}
PoolMember stopped(std::string id, std::string zone) {
  return member(std::move(id), std::move(zone), "Warmed:Stopped", "stopped");
}

PoolView pool(int size, int missing = 0, int returning = 0) {
  PoolView view;
  view.size = size;
  view.missing = missing;
  view.returning = returning;
  view.zones = {"a", "b"};
  return view;
}

// The steps as text: "launch:b", "stop:1".
std::string plan(const PoolView& view, const std::vector<PoolMember>& members) {
  static const std::map<Kind, std::string> names = {
      {Kind::lost, "lost"},         {Kind::proceed, "proceed"},           {Kind::abandon, "abandon"},
      {Kind::stop, "stop"},         {Kind::rest_stopped, "rest-stopped"}, {Kind::rest_running, "rest-running"},
      {Kind::take_out, "take-out"}, {Kind::terminate, "terminate"},       {Kind::forget, "forget"},
      {Kind::launch, "launch"}};
  std::string text;
  for (const PoolStep& step : decide_pool(view, members))
    text += (text.empty() ? "" : " ") + names.at(step.kind) + ":" + (step.instance.empty() ? step.zone : step.instance);
  return text;
}

TEST(WarmPool, Sizes) {
  const struct {
    int desired, max;
    std::optional<int> prepared;
    int min_size, size;
  } cases[] = {{2, 5, {}, 0, 3}, {5, 5, {}, 0, 0}, {5, 5, {}, 2, 2}, {2, 5, 3, 0, 1},
               {4, 5, 3, 0, 0},  {4, 5, 3, 1, 1},  {0, 10, 0, 0, 0}, {1, 2, 8, 0, 7}};
  for (const auto& c : cases)
    EXPECT_EQ(pool_size(c.desired, c.max, c.prepared, c.min_size), c.size) << c.desired << " of " << c.max;
}

TEST(WarmPool, KeepsItsSizeInBalance) {
  EXPECT_EQ(plan(pool(0), {}), "");
  EXPECT_EQ(plan(pool(2), {}), "launch:a");
  EXPECT_EQ(plan(pool(2), {stopped("1", "a")}), "launch:b");
  EXPECT_EQ(plan(pool(2), {stopped("1", "a"), stopped("2", "b")}), "");
  EXPECT_EQ(plan(pool(2), {stopped("1", "a"), stopped("2", "b"), stopped("3", "b")}), "take-out:2");
  // The group comes first: it takes what is then too many, and launches before the pool does.
  EXPECT_EQ(plan(pool(1, 1), {stopped("1", "a"), stopped("2", "b")}), "");
  EXPECT_EQ(plan(pool(2, 1), {}), "");
  // What comes back need not be launched.
  EXPECT_EQ(plan(pool(2, 0, 1), {stopped("1", "a")}), "");
  EXPECT_EQ(plan(pool(1, 0, 1), {stopped("1", "a")}), "take-out:1");
}

TEST(WarmPool, LaunchesOnlyWhereAndWhenItMay) {
  PoolView view = pool(1);
  view.failing_zones = {"a"};
  EXPECT_EQ(plan(view, {}), "launch:b");
  view.may_launch = false;
  EXPECT_EQ(plan(view, {}), "");
  view = pool(1);
  view.suspended = {"Launch", "Terminate"};
  EXPECT_EQ(plan(view, {}), "");
  EXPECT_EQ(plan(view, {stopped("1", "a"), stopped("2", "a")}), "");
}

TEST(WarmPool, OneMember) {
  const struct {
    const char* lifecycle;
    const char* state;
    HookOutcome hooks;
    const char* when_stopping;
    const char* when_running;
  } cases[] = {
      {"Warmed:Pending", "pending", HookOutcome::none, "", ""},
      {"Warmed:Pending", "running", HookOutcome::none, "stop:1", "rest-running:1"},
      {"Warmed:Pending", "stopping", HookOutcome::none, "", ""},
      {"Warmed:Pending", "stopped", HookOutcome::none, "rest-stopped:1", "rest-stopped:1"},
      {"Warmed:Pending:Wait", "running", HookOutcome::waits, "", ""},
      {"Warmed:Pending:Wait", "running", HookOutcome::proceeds, "proceed:1", "proceed:1"},
      {"Warmed:Pending:Wait", "running", HookOutcome::abandons, "abandon:1 launch:a", "abandon:1 launch:a"},
      {"Warmed:Pending:Proceed", "running", HookOutcome::none, "stop:1", "rest-running:1"},
      {"Warmed:Pending", "terminated", HookOutcome::none, "lost:1 launch:a", "lost:1 launch:a"},
      {"Warmed:Stopped", "stopped", HookOutcome::none, "", ""},
      {"Warmed:Running", "running", HookOutcome::none, "", ""},
      {"Warmed:Stopped", "running", HookOutcome::none, "take-out:1 launch:a", "take-out:1 launch:a"},
      {"Warmed:Running", "stopped", HookOutcome::none, "take-out:1 launch:a", "take-out:1 launch:a"},
      {"Warmed:Stopped", "terminated", HookOutcome::none, "lost:1 launch:a", "lost:1 launch:a"},
      {"Warmed:Terminating", "stopped", HookOutcome::none, "terminate:1 launch:a", "terminate:1 launch:a"},
      {"Warmed:Terminating:Wait", "stopped", HookOutcome::waits, "launch:a", "launch:a"},
      {"Warmed:Terminating:Wait", "stopped", HookOutcome::abandons, "proceed:1 launch:a", "proceed:1 launch:a"},
      {"Warmed:Terminating:Proceed", "terminated", HookOutcome::none, "forget:1 launch:a", "forget:1 launch:a"},
  };
  for (const auto& c : cases) {
    PoolView view = pool(1);
    EXPECT_EQ(plan(view, {member("1", "a", c.lifecycle, c.state, c.hooks)}), c.when_stopping) << c.lifecycle << c.state;
    view.stops = false;
    EXPECT_EQ(plan(view, {member("1", "a", c.lifecycle, c.state, c.hooks)}), c.when_running) << c.lifecycle << c.state;
  }
}

TEST(WarmPool, WhatIsUnfitGoes) {
  PoolMember unfit = stopped("1", "a");
  unfit.unfit = true;
  EXPECT_EQ(plan(pool(1), {unfit}), "take-out:1 launch:a");
}

TEST(WarmPool, APoolThatGoesTakesAllOut) {
  PoolView view = pool(2);
  view.goes = true;
  const PoolMember waits = member("2", "b", "Warmed:Terminating:Wait", "stopped", HookOutcome::waits);
  EXPECT_EQ(plan(view, {stopped("1", "a"), waits}), "take-out:1");
  view.waits = false;
  EXPECT_EQ(plan(view, {stopped("1", "a"), waits}), "take-out:1 proceed:2");
  EXPECT_EQ(plan(view, {}), "");
}

TEST(WarmPool, WhomTheGroupTakes) {
  const PoolMember running = member("r", "b", "Warmed:Running", "running");
  const auto chosen = [](const std::vector<PoolMember>& members, bool anywhere) {
    const PoolMember* found = choose_warm(members, "a", anywhere);
    return found ? found->id : "";
  };
  EXPECT_EQ(chosen({}, true), "");
  EXPECT_EQ(chosen({running, stopped("s", "a")}, true), "s");
  EXPECT_EQ(chosen({running}, true), "r");
  EXPECT_EQ(chosen({running}, false), "");
  EXPECT_EQ(chosen({stopped("s", "a"), member("r", "a", "Warmed:Running", "running")}, false), "r");
  EXPECT_EQ(chosen({member("p", "a", "Warmed:Pending", "running")}, true), "");
  EXPECT_EQ(chosen({member("s", "a", "Warmed:Stopped", "running")}, true), "");
}

}  // namespace
}  // namespace brume::autoscaling
