// Scheduled actions over the whole service. The simulated clock begins on Thursday 1 January 2026, 00:00 UTC.
#include <gtest/gtest.h>

#include "services/autoscaling/group_metrics.h"
#include "services/autoscaling/scaling/scaling_testing.h"

namespace brume::autoscaling {
namespace {

using std::chrono::hours;
using std::chrono::minutes;
using std::chrono::seconds;
using testing::World;

Timestamp when(const char* text) {
  return parse_iso8601(text).value();
}

PutScheduledUpdateGroupActionType action(const char* name, std::optional<int> desired) {
  PutScheduledUpdateGroupActionType request;
  request.AutoScalingGroupName = "web";
  request.ScheduledActionName = name;
  request.DesiredCapacity = desired;
  return request;
}

std::string put(World& world, const PutScheduledUpdateGroupActionType& request) {
  const auto done = world.transact([&] { return world.service().PutScheduledUpdateGroupAction(world.call, request); });
  return done ? std::string() : done.error().message;
}

List<ScheduledUpdateGroupAction> all(World& world) {
  return world.service().DescribeScheduledActions(world.call, {})->ScheduledUpdateGroupActions;
}

TEST(Scheduled, OnceAtItsTime) {
  World world;
  world.make_group(1, 3, 1);
  auto once = action("launch", 5);
  once.MaxSize = 8;
  once.StartTime = when("2026-01-01T00:30:00Z");
  ASSERT_EQ(put(world, once), "");
  ASSERT_EQ(all(world).size(), 1U);
  EXPECT_EQ(all(world)[0].Time, once.StartTime);
  EXPECT_TRUE(all(world)[0].ScheduledActionARN->ends_with(":autoScalingGroupName/web:scheduledActionName/launch"));
  world.run_for(minutes(29));
  EXPECT_EQ(world.desired(), 1);
  world.run_for(minutes(1));
  EXPECT_EQ(world.desired(), 5);
  EXPECT_EQ(*world.group().MaxSize, 8);
  EXPECT_TRUE(all(world).empty());
  world.run_for(minutes(1));
  EXPECT_EQ(world.in_service(), 5);
  EXPECT_NE(world.last_cause().find("At 2026-01-01T00:30:00Z a scheduled action update of AutoScalingGroup constraints "
                                    "to min: 1, max: 8, desired: 5 changing the desired capacity from 1 to 5."),
            std::string::npos)
      << world.last_cause();
  EXPECT_EQ(world.service().decisions("web").at(0).by, "scheduled action");
}

TEST(Scheduled, AgainAndAgainUntilItsEnd) {
  World world;
  world.make_group(0, 10, 1);
  auto up = action("up", 4), down = action("down", 2);
  up.Recurrence = "0 8 * * *";
  up.TimeZone = "Asia/Singapore";  // midnight UTC
  up.EndTime = when("2026-01-03T12:00:00Z");
  down.Recurrence = "0 20 * * MON-FRI";
  ASSERT_EQ(put(world, up), "");
  ASSERT_EQ(put(world, down), "");
  EXPECT_EQ(all(world)[1].StartTime, when("2026-01-02T00:00:00Z"));
  world.run_for(hours(23));
  EXPECT_EQ(world.desired(), 2);
  world.run_for(hours(2));
  EXPECT_EQ(world.desired(), 4);
  EXPECT_EQ(all(world)[1].StartTime, when("2026-01-03T00:00:00Z"));
  world.run_for(hours(24));
  EXPECT_EQ(all(world).size(), 1U);  // the next would be after its end
  world.run_for(hours(24));
  EXPECT_EQ(world.desired(), 4);  // Saturday
  world.run_for(hours(48));
  EXPECT_EQ(world.desired(), 2);
  // A new recurrence counts at once; what is left out stays.
  auto changed = action("down", {});
  changed.Recurrence = "30 * * * *";
  ASSERT_EQ(put(world, changed), "");
  EXPECT_EQ(all(world)[0].DesiredCapacity, 2);
  EXPECT_EQ(all(world)[0].StartTime, when("2026-01-06T01:30:00Z"));
}

TEST(Scheduled, StartsAtItsStartTime) {
  World world;
  world.make_group(0, 10, 1);
  auto later = action("later", 4);
  later.StartTime = when("2026-01-02T10:10:00Z");
  later.Recurrence = "0 0 * * *";
  ASSERT_EQ(put(world, later), "");
  world.run_for(hours(34));
  EXPECT_EQ(world.desired(), 1);
  world.run_for(minutes(11));
  EXPECT_EQ(world.desired(), 4);
  EXPECT_EQ(all(world)[0].StartTime, when("2026-01-03T00:00:00Z"));
}

TEST(Scheduled, WhatWasMissedIsDoneOnceInOrder) {
  World world;
  world.make_group(0, 10, 1);
  auto up = action("a-down", 2), down = action("z-up", 7);
  up.Recurrence = "0 20 * * *";
  down.Recurrence = "0 8 * * *";
  ASSERT_EQ(put(world, up), "");
  ASSERT_EQ(put(world, down), "");
  world.sim.loop.clear();  // the machine sleeps for two days and a half
  world.sim.clock.jump_wall(hours(60));
  world.crash();
  world.run_for(minutes(1));
  EXPECT_EQ(world.desired(), 7);  // 08:00 of the third day was the last
  EXPECT_EQ(world.service().decisions("web").size(), 2U);
  EXPECT_EQ(all(world)[0].StartTime, when("2026-01-03T20:00:00Z"));
}

TEST(Scheduled, AClockThatIsSetIsNoticedWithinAMinute) {
  World world;
  world.make_group(0, 10, 1);
  auto up = action("up", 4);
  up.Recurrence = "0 8 * * *";
  ASSERT_EQ(put(world, up), "");
  world.run_for(minutes(5));
  world.sim.clock.jump_wall(hours(8));
  world.run_for(minutes(1));
  EXPECT_EQ(world.desired(), 4);
  EXPECT_EQ(all(world)[0].StartTime, when("2026-01-02T08:00:00Z"));
}

TEST(Scheduled, SuspendedOnesAreLostAndWhatDoesNotFitIsTold) {
  World world;
  world.make_group(1, 3, 1);
  auto hourly = action("hourly", 5);
  hourly.Recurrence = "0 * * * *";
  ASSERT_EQ(put(world, hourly), "");
  ScalingProcessQuery query;
  query.AutoScalingGroupName = "web";
  query.ScalingProcesses = {"ScheduledActions"};
  ASSERT_TRUE(world.transact([&] { return world.service().SuspendProcesses(world.call, query); }));
  world.run_for(hours(1));
  EXPECT_EQ(world.service().decisions("web").at(0).reason, "the process ScheduledActions is suspended");
  ASSERT_TRUE(world.transact([&] { return world.service().ResumeProcesses(world.call, query); }));
  world.run_for(minutes(30));
  EXPECT_EQ(world.desired(), 1);
  world.run_for(minutes(30));
  EXPECT_EQ(world.desired(), 1);
  const auto activity = world.service().DescribeScalingActivities(world.call, {})->Activities.at(0);
  EXPECT_EQ(activity.StatusCode, "Failed");
  EXPECT_EQ(activity.StatusMessage, "Desired capacity:5 must be between the specified min size:1 and max size:3");
  // Bounds alone move the capacity into them.
  auto bounds = action("bounds", {});
  bounds.MinSize = 2;
  bounds.StartTime = when("2026-01-01T02:30:00Z");
  ASSERT_EQ(put(world, bounds), "");
  world.run_for(minutes(31));
  EXPECT_EQ(world.desired(), 2);
}

TEST(Scheduled, WhatIsRefused) {
  World world;
  world.make_group(1, 3, 1);
  const auto refused = [&](const std::function<void(PutScheduledUpdateGroupActionType&)>& change) {
    auto request = action("x", 2);
    request.Recurrence = "0 8 * * *";
    change(request);
    return put(world, request);
  };
  using R = PutScheduledUpdateGroupActionType;
  EXPECT_EQ(refused([](R& r) { r.DesiredCapacity.reset(); }),
            "At least one of max size, min size, or desired capacity must be specified");
  EXPECT_EQ(refused([](R& r) { r.DesiredCapacity = -1; }), "Desired capacity must be non-negative");
  EXPECT_EQ(refused([](R& r) { r.MaxSize = 1; }), "Desired capacity must be less than or equal to max size");
  EXPECT_EQ(refused([](R& r) { r.MinSize = 3; }), "Desired capacity must be greater than or equal to min size");
  EXPECT_EQ(refused([](R& r) {
              r.DesiredCapacity.reset();
              r.MinSize = 3;
              r.MaxSize = 2;
            }),
            "Min size must be less than or equal to max size");
  EXPECT_EQ(refused([](R& r) { r.Recurrence = "0 0 6 * * 1-5"; }), "Given recurrence string: 0 0 6 * * 1-5 is invalid");
  EXPECT_EQ(refused([](R& r) { r.Recurrence.reset(); }),
            "Scheduled start time must be specified for non-recurrent future group action");
  EXPECT_EQ(refused([](R& r) { r.StartTime = when("2025-12-31T00:00:00Z"); }), "Given start time is in the past");
  EXPECT_EQ(refused([](R& r) { r.EndTime = when("2025-12-31T00:00:00Z"); }), "Given end time is in the past");
  EXPECT_EQ(refused([](R& r) {
              r.StartTime = when("2026-02-01T00:00:00Z");
              r.EndTime = when("2026-01-31T00:00:00Z");
            }),
            "Given end time must be after start time");
  EXPECT_NE(refused([](R& r) { r.TimeZone = "Mars/Olympus"; }), "");
  EXPECT_NE(refused([](R& r) {
              r.Time = when("2026-01-31T00:00:00Z");
              r.StartTime = when("2026-02-01T00:00:00Z");
            }),
            "");
  EXPECT_EQ(refused([](R& r) { r.AutoScalingGroupName = "absent"; }),
            "AutoScalingGroup name not found - AutoScalingGroup 'absent' not found");
  EXPECT_TRUE(all(world).empty());
  ASSERT_EQ(refused([](R&) {}), "");
  EXPECT_EQ(refused([](R& r) { r.ScheduledActionName = "y"; }),
            "Scheduled action with this scheduled start time already exists");
  EXPECT_EQ(refused([](R&) {}), "");  // itself is no other
}

TEST(Scheduled, InBatches) {
  World world;
  world.make_group(1, 3, 1);
  BatchPutScheduledUpdateGroupActionType batch;
  batch.AutoScalingGroupName = "web";
  const auto add = [&](const char* name, const char* recurrence) {
    ScheduledUpdateGroupActionRequest& one = batch.ScheduledUpdateGroupActions.emplace_back();
    one.ScheduledActionName = name;
    one.Recurrence = recurrence;
    one.DesiredCapacity = 2;
  };
  add("a", "0 8 * * *");
  add("b", "never");
  add("c", "0 8 * * *");
  add("d", "0 9 * * *");
  const auto done =
      world.transact([&] { return world.service().BatchPutScheduledUpdateGroupAction(world.call, batch); });
  ASSERT_EQ(done->FailedScheduledUpdateGroupActions.size(), 2U);
  EXPECT_EQ(*done->FailedScheduledUpdateGroupActions[0].ScheduledActionName, "b");
  EXPECT_EQ(*done->FailedScheduledUpdateGroupActions[1].ErrorCode, "AlreadyExists");
  ASSERT_EQ(all(world).size(), 2U);
  DescribeScheduledActionsType until;
  until.EndTime = when("2026-01-01T08:30:00Z");
  EXPECT_EQ(world.service().DescribeScheduledActions(world.call, until)->ScheduledUpdateGroupActions.size(), 1U);
  BatchDeleteScheduledActionType remove;
  remove.AutoScalingGroupName = "web";
  remove.ScheduledActionNames = {std::string("a"), std::string("b")};
  const auto removed = world.transact([&] { return world.service().BatchDeleteScheduledAction(world.call, remove); });
  ASSERT_EQ(removed->FailedScheduledActions.size(), 1U);
  EXPECT_EQ(*removed->FailedScheduledActions[0].ErrorMessage, "Scheduled action name not found");
  const std::string arn = *all(world).at(0).ScheduledActionARN;
  ASSERT_TRUE(world.transact([&] { return world.service().DeleteScheduledAction(world.call, {"web", arn}); }));
  EXPECT_TRUE(all(world).empty());
}

TEST(MetricsCollection, IsKeptAndShown) {
  World world;
  world.make_group(1, 3, 1);
  EnableMetricsCollectionQuery enable;
  enable.AutoScalingGroupName = "web";
  enable.Granularity = "1Minute";
  const auto call = [&] { return world.service().EnableMetricsCollection(world.call, enable); };
  ASSERT_TRUE(world.transact(call));
  ASSERT_TRUE(world.transact(call));
  EXPECT_EQ(world.group().EnabledMetrics.size(), std::size(kGroupMetrics));
  world.sim.loop.run_for(std::chrono::minutes(2));
  const auto wanted = world.metrics.of("GroupDesiredCapacity", {{"AutoScalingGroupName", "web"}});
  ASSERT_EQ(wanted.size(), 2U);
  EXPECT_EQ(wanted[0].sum, 1);
  EXPECT_EQ(wanted[1].time - wanted[0].time, std::chrono::minutes(1));
  enable.Granularity = "5Minutes";
  EXPECT_EQ(world.transact(call).error().code, "ValidationError");
  DisableMetricsCollectionQuery disable;
  disable.AutoScalingGroupName = "web";
  disable.Metrics = {std::string("GroupMinSize")};
  ASSERT_TRUE(world.transact([&] { return world.service().DisableMetricsCollection(world.call, disable); }));
  EXPECT_EQ(world.group().EnabledMetrics.size(), std::size(kGroupMetrics) - 1);
  disable.Metrics = {std::string("GroupHappiness")};
  EXPECT_FALSE(world.transact([&] { return world.service().DisableMetricsCollection(world.call, disable); }));
}

}  // namespace
}  // namespace brume::autoscaling
