#include "services/cloudformation/rolling_update.h"

#include <gtest/gtest.h>

namespace brume::cloudformation {
namespace {

using Kind = RollStep::Kind;
using std::chrono::minutes;
using std::chrono::seconds;

Timestamp at(seconds since) {
  return Timestamp() + since;
}

// "a" is obsolete and in service, "a-" obsolete and not, "N" new and in service, "N-" new and pending, "N!" fails its
// health checks, "N?" has yet to be looked at, "~" before: leaving.
GroupNow group(std::initializer_list<const char*> members, int desired = -1) {
  GroupNow out{.min_size = 0, .max_size = 10, .desired = desired < 0 ? int(members.size()) : desired};
  for (std::string_view text : members) {
    GroupMember member;
    member.leaving = text.starts_with('~');
    if (member.leaving) text.remove_prefix(1);
    member.in_service = !text.ends_with('-');
    member.failing = text.ends_with('!');
    member.awaited = text.ends_with('?');
    if (!member.in_service || member.failing || member.awaited) text.remove_suffix(1);
    member.id = text;
    out.members.push_back(member);
  }
  return out;
}

TEST(RollSizes, AsStacksShowThem) {
  struct Case {
    int max_batch, keep, desired, max, obsolete, batch, capacity;
  };
  for (const Case& c : {
           Case{1, 0, 2, 2, 2, 1, 2},  // nothing is kept: from what there is
           Case{1, 1, 2, 5, 2, 1, 2},  // one may be missing
           Case{1, 3, 3, 4, 3, 1, 4},  // one more for the time of the update
           Case{5, 5, 5, 10, 5, 5, 10},
           Case{6, 6, 6, 9, 6, 3, 9},  // no more than MaxSize; the batches get smaller
           Case{1, 8, 9, 9, 9, 1, 9},
           Case{10, 0, 3, 3, 3, 3, 3},
           Case{1, 2, 1, 4, 1, 1, 3},
       }) {
    const RollingPolicy policy{.max_batch = c.max_batch, .min_in_service = c.keep};
    const auto sizes = roll_sizes(policy, c.desired, c.max, c.obsolete);
    ASSERT_TRUE(sizes);
    EXPECT_EQ(sizes->batch, c.batch) << c.desired << " " << c.keep;
    EXPECT_EQ(sizes->capacity, c.capacity) << c.desired << " " << c.keep;
  }
  EXPECT_FALSE(roll_sizes({.min_in_service = 3}, 3, 3, 3));
}

TEST(RollingUpdate, WhoGoesNext) {
  struct Case {
    const char* name;
    RollingPolicy policy;
    RollingUpdate roll;
    GroupNow now;
    Kind kind;
    std::vector<std::string> instances;
    int unreplaced;
  };
  const List<std::string> abc = {"a", "b", "c"};
  for (const Case& c : {
           Case{"one at a time",
                {},
                {.obsolete = abc, .batch_size = 1},
                group({"a", "b", "c"}),
                Kind::terminate,
                {"a"},
                0},
           Case{"two", {}, {.obsolete = abc, .batch_size = 2}, group({"a", "b", "c"}), Kind::terminate, {"a", "b"}, 0},
           Case{"what does not serve first",
                {},
                {.obsolete = abc, .batch_size = 1},
                group({"a", "b-", "c"}),
                Kind::terminate,
                {"b"},
                0},
           Case{"as many as are to stay",
                {.min_in_service = 2},
                {.obsolete = abc, .batch_size = 3},
                group({"a", "b", "c"}),
                Kind::terminate,
                {"a"},
                0},
           Case{"none can be missed",
                {.min_in_service = 3},
                {.obsolete = abc, .batch_size = 1},
                group({"a", "b", "c"}),
                Kind::wait,
                {},
                0},
           Case{"but those that do not serve",
                {.min_in_service = 3},
                {.obsolete = abc, .batch_size = 1},
                group({"a", "b", "c-"}),
                Kind::terminate,
                {"c"},
                0},
           Case{"nor those that fail",
                {.min_in_service = 2},
                {.obsolete = abc, .batch_size = 2},
                group({"a", "b!", "N"}),
                Kind::terminate,
                {"b"},
                0},
           Case{"what nobody has looked at yet may serve",
                {.min_in_service = 2},
                {.obsolete = abc, .batch_size = 2},
                group({"a?", "b?", "c"}),
                Kind::wait,
                {},
                0},
           Case{"new ones serve, too",
                {.min_in_service = 3},
                {.obsolete = abc, .batch_size = 1, .extra = 1},
                group({"a", "b", "c", "N"}),
                Kind::terminate,
                {"a"},
                0},
           Case{"the last leave no gap",
                {.min_in_service = 3},
                {.obsolete = abc, .batch_size = 1, .extra = 1},
                group({"N", "M", "c", "L"}),
                Kind::terminate,
                {"c"},
                1},
           Case{"nor all of them",
                {.min_in_service = 3},
                {.obsolete = abc, .batch_size = 3, .extra = 3},
                group({"a", "b", "c", "N", "M", "L"}),
                Kind::terminate,
                {"a", "b", "c"},
                3},
           Case{"not below the minimum",
                {},
                {.obsolete = abc, .batch_size = 1, .extra = 1, .min_size = 2},
                group({"c", "N"}, 2),
                Kind::terminate,
                {"c"},
                0},
           Case{"one that goes already",
                {},
                {.obsolete = abc, .batch_size = 1},
                group({"~a", "b", "c"}),
                Kind::terminate,
                {"b"},
                0},
           Case{"all are gone", {}, {.obsolete = abc, .batch_size = 1}, group({"N", "M", "L"}), Kind::complete, {}, 0},
       }) {
    const RollStep step = next_step(c.policy, c.roll, c.now, {}, at(seconds(1)), seconds(0));
    EXPECT_EQ(step.kind, c.kind) << c.name;
    EXPECT_EQ(step.instances, c.instances) << c.name;
    EXPECT_EQ(step.unreplaced, c.unreplaced) << c.name;
  }
  RollingUpdate roll{.obsolete = abc, .batch_size = 1};
  EXPECT_EQ(next_step({.min_in_service = 3}, roll, group({"a", "b", "c"}), {}, at(minutes(60)), seconds(0)).kind,
            Kind::fail);
}

// One batch of "a" out of "a" and "b", from its termination to its end.
TEST(RollingUpdate, ABatchWithoutSignals) {
  const RollingPolicy policy{.pause = seconds(30)};
  RollingUpdate roll{.obsolete = {"a", "b"}, .batch = {"a"}, .batch_size = 1, .expected = 1};
  const auto step = [&](GroupNow now, seconds time) { return next_step(policy, roll, now, {}, at(time), seconds(15)); };
  EXPECT_EQ(step(group({"~a", "b"}, 2), seconds(1)).kind, Kind::wait);
  EXPECT_EQ(step(group({"~a", "b", "N-"}, 2), seconds(1)).kind, Kind::added);  // in whatever order
  EXPECT_EQ(step(group({"b"}, 2), seconds(1)).kind, Kind::terminated);
  roll.terminated = true;
  EXPECT_EQ(step(group({"b"}, 2), seconds(1)).kind, Kind::wait);
  roll.added = true;
  roll.arrived = {"N"};
  EXPECT_EQ(step(group({"b", "N-"}), seconds(1)).kind, Kind::wait);
  EXPECT_EQ(step(group({"b", "N?"}), seconds(1)).kind, Kind::wait);
  EXPECT_EQ(step(group({"b", "N!"}), seconds(1)).kind, Kind::wait);     // the group does not replace it either
  EXPECT_EQ(step(group({"b!", "N"}), seconds(1)).kind, Kind::settled);  // the update is to mend that
  EXPECT_EQ(step(group({"b", "N"}), seconds(1)).kind, Kind::settled);
  roll.settled = true;
  EXPECT_EQ(step(group({"b", "N"}), seconds(14)).kind, Kind::wait);
  const RollStep done = step(group({"b", "N"}), seconds(15));
  EXPECT_EQ(done.kind, Kind::batch_done);
  EXPECT_EQ(done.instances, std::vector<std::string>{"N"});
  EXPECT_EQ(done.successes, 1);
  EXPECT_EQ(step(group({"b", "N-"}), minutes(60)).kind, Kind::fail);
}

TEST(RollingUpdate, SuccessorsThatDoNotServe) {
  RollingPolicy policy;
  RollingUpdate roll{.obsolete = {"a", "b"},
                     .batch = {"a"},
                     .arrived = {"N"},
                     .batch_size = 1,
                     .expected = 1,
                     .terminated = true,
                     .added = true};
  const auto step = [&](GroupNow now, seconds time) {
    now.grace = seconds(60);
    return next_step(policy, roll, now, {}, at(time), seconds(0));
  };
  EXPECT_EQ(step(group({"b", "N!"}), seconds(59)).kind, Kind::wait);
  EXPECT_EQ(step(group({"b", "N?"}), seconds(61)).kind, Kind::wait);
  RollStep done = step(group({"b", "N!"}), seconds(60));
  EXPECT_EQ(done.kind, Kind::batch_done);
  EXPECT_EQ(done.unhealthy, std::vector<std::string>{"N"});
  EXPECT_EQ(done.failures, 1);
  // Where half of them is enough, the update goes on without it.
  policy.min_successful_percent = 50;
  done = step(group({"b", "N!"}), seconds(60));
  EXPECT_EQ(done.kind, Kind::batch_done);
  EXPECT_EQ(done.instances, std::vector<std::string>{"N"});
  policy.min_successful_percent = 100;

  // One that goes again is replaced by the group, three times.
  done = step(group({"b"}, 2), seconds(1));
  EXPECT_EQ(done.kind, Kind::lost);
  EXPECT_EQ(done.instances, std::vector<std::string>{"N"});
  roll.arrived.clear();
  roll.lost = {"N"};
  EXPECT_EQ(step(group({"b"}, 2), seconds(1)).kind, Kind::wait);
  done = step(group({"b", "M-"}), seconds(1));
  EXPECT_EQ(done.kind, Kind::added);
  EXPECT_EQ(done.instances, std::vector<std::string>{"M"});
  roll.lost = {"N", "M", "L"};
  done = step(group({"b"}, 2), seconds(1));
  EXPECT_EQ(done.kind, Kind::batch_done);
  EXPECT_EQ(done.failures, 1);

  roll.failures = 1;
  roll.unhealthy = {"N"};
  EXPECT_EQ(too_many_failures(policy, roll, false),
            "New instance(s) [N] failed their health checks.  Unable to satisfy 100% MinSuccessfulInstancesPercent "
            "requirement");
}

TEST(GroupThatReplacesAnother, ServesBeforeTheOtherGoes) {
  GroupNow now = group({"N", "M?"});
  now.grace = seconds(60);
  EXPECT_FALSE(*all_serve(now, seconds(61)));
  EXPECT_TRUE(*all_serve(group({"N", "M"}), seconds(0)));
  now = group({"N", "M!"});
  now.grace = seconds(60);
  EXPECT_FALSE(*all_serve(now, seconds(59)));
  EXPECT_EQ(all_serve(now, seconds(60)).error().message, "New instance(s) [M] failed their health checks");
}

TEST(RollingUpdate, ABatchWithSignals) {
  RollingPolicy policy{.pause = minutes(5), .wait_on_signals = true};
  RollingUpdate roll{.obsolete = {"a", "b"},
                     .batch = {"a", "b"},
                     .arrived = {"N", "M"},
                     .batch_size = 2,
                     .expected = 2,
                     .terminated = true,
                     .added = true};
  const auto step = [&](const List<Signal>& signals, seconds time) {
    return next_step(policy, roll, group({"N", "M"}), signals, at(time), seconds(0));
  };
  EXPECT_EQ(step({}, seconds(1)).kind, Kind::wait);
  EXPECT_EQ(step({{"N", "SUCCESS"}, {"a", "SUCCESS"}, {"else", "SUCCESS"}}, seconds(1)).kind, Kind::wait);
  RollStep done = step({{"N", "SUCCESS"}, {"M", "SUCCESS"}}, seconds(1));
  EXPECT_EQ(done.kind, Kind::batch_done);
  EXPECT_EQ(done.failures, 0);
  done = step({{"N", "FAILURE"}}, seconds(1));  // all must succeed, so there is nothing to wait for
  EXPECT_EQ(done.kind, Kind::batch_done);
  EXPECT_EQ(done.failures, 1);
  EXPECT_EQ(done.missing, 0);
  done = step({{"N", "SUCCESS"}}, minutes(5));
  EXPECT_EQ(done.kind, Kind::batch_done);
  EXPECT_EQ(done.failures, 1);
  EXPECT_EQ(done.missing, 1);
  policy.min_successful_percent = 50;
  EXPECT_EQ(step({{"N", "FAILURE"}}, seconds(1)).kind, Kind::wait);
}

TEST(RollingUpdate, FailuresThatAreTooMany) {
  RollingUpdate roll{.obsolete = {"a", "b", "c"}, .successes = 1, .failures = 1};
  EXPECT_EQ(too_many_failures({}, roll, true),
            "Received 1 SUCCESS signal(s) out of 3.  Unable to satisfy 100% MinSuccessfulInstancesPercent requirement");
  EXPECT_EQ(too_many_failures({}, roll, false),
            "Received 1 FAILURE signal(s) out of 3.  Unable to satisfy 100% MinSuccessfulInstancesPercent requirement");
  EXPECT_EQ(too_many_failures({.min_successful_percent = 66.6}, roll, false), "");
  EXPECT_NE(too_many_failures({.min_successful_percent = 66.7}, roll, false), "");
}

}  // namespace
}  // namespace brume::cloudformation
