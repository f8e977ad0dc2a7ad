// A log is shipped whole and once, whatever happens to it and to the agent.
#include "compute/agent/follower.h"

#include <functional>
#include <numeric>

#include <gtest/gtest.h>

#include "compute/agent/model_world_testing.h"
#include "compute/agent/shipper.h"
#include "compute/agent/tail_change.h"

namespace brume::agent {
namespace {

constexpr const char* kLog = "/var/log/app.log";
constexpr int kTurns = 64;

FileEntry entry_of(const std::string& pattern = kLog) {
  FileEntry entry;
  entry.key = entry.file_path = pattern;
  entry.log_group_name = "g";
  entry.log_stream_name = "s";
  return entry;
}

Config config_of(FileEntry entry) {
  Config config;
  config.files.push_back(std::move(entry));
  return config;
}

struct Agent {
  explicit Agent(ModelWorld& world, FileEntry entry = entry_of())
      : notices([&world](const std::string& line) { world.say(line); }),
        shipper(config_of(std::move(entry)), {}, "/var/lib/brume-agent", world, notices) {}

  Notices notices;
  Shipper shipper;
};

void run(ModelWorld& world, Agent& agent, double seconds) {
  for (double passed = 0; passed < seconds; passed += 0.25) {
    agent.shipper.step();
    world.pass(0.25);
  }
}

std::string line(int number) {
  return fmt::format("line {}", number);
}

// What happens to the log, a call a quarter of a second; it writes lines from 0 on.
struct Story {
  const char* name;
  std::function<void(ModelWorld&, int turn, int& next)> turn;
  std::string pattern = kLog;
};

void write_lines(ModelWorld& world, int& next, int count) {
  for (int i = 0; i < count; ++i) world.append(kLog, line(next++) + "\n");
}

// So many that none is gone before an agent that was dead has seen it.
void move_on(ModelWorld& world) {
  for (int i = 12; i > 0; --i) world.rename(fmt::format("{}.{}", kLog, i), fmt::format("{}.{}", kLog, i + 1));
}

void renamed(ModelWorld& world, int turn, int& next) {
  write_lines(world, next, 2);
  if (turn % 16 != 7) return;
  move_on(world);
  world.rename(kLog, "/var/log/app.log.1");
}

void copied_and_truncated(ModelWorld& world, int turn, int& next) {
  write_lines(world, next, 2);
  if (turn % 32 != 23) return;
  move_on(world);
  world.copy(kLog, "/var/log/app.log.1");
  world.truncate(kLog);
}

const Story kStories[] = {
    {"a log that grows", [](ModelWorld& world, int, int& next) { write_lines(world, next, 3); }},
    {"lines in halves",
     [](ModelWorld& world, int turn, int& next) {
       if (turn % 2 == 0)
         world.append(kLog, line(next));
       else
         world.append(kLog, "\n"), ++next;
     }},
    {"renamed now and then", renamed},
    {"renamed twice between two looks",
     [](ModelWorld& world, int turn, int& next) {
       write_lines(world, next, 2);
       if (turn % 24 != 7) return;
       for (int i = 0; i < 2; ++i) {
         move_on(world);
         world.rename(kLog, "/var/log/app.log.1");
         write_lines(world, next, 1);
       }
     }},
    {"renamed, and the glob matches both", renamed, "/var/log/app.log*"},
    {"copied and truncated", copied_and_truncated},
    {"copied and truncated, and the glob matches both", copied_and_truncated, "/var/log/app.log*"},
    {"a service that is away for a while",
     [](ModelWorld& world, int turn, int& next) {
       write_lines(world, next, 1);
       world.failure.code = turn > 20 && turn < 50 ? "Unreachable" : "";
       if (turn == 36) world.rename(kLog, "/var/log/app.log.1");
     }},
    {"answers that are lost",
     [](ModelWorld& world, int turn, int& next) {
       write_lines(world, next, 1);
       world.answers_lost = turn % 40 > 20 && turn % 40 < 36;
     }},
};

// Each line once and in order.
void expect_whole(const ModelWorld& world, int lines, const std::string& where) {
  std::vector<std::string> wanted;
  for (int i = 0; i < lines; ++i) wanted.push_back(line(i));
  std::vector<std::string> got = world.messages();
  // What the service kept of one file comes before the next; files may be sent side by side.
  std::ranges::stable_sort(got, {}, [](const std::string& text) { return std::stoi(text.substr(5)); });
  const auto [a, b] = std::ranges::mismatch(got, wanted);
  ASSERT_EQ(got.size(), wanted.size()) << where << "\nfirst other: " << (a == got.end() ? "none" : *a) << " for "
                                       << (b == wanted.end() ? "none" : *b);
  ASSERT_EQ(got, wanted) << where;
}

enum class Kind { agent, machine };

// Tells the story; the agent dies at step `die_at` (or not at all, negative) and is back after a while, in which the
// story goes on. How many steps there were.
int tell(const Story& story, int die_at, Kind kind, int away) {
  ModelWorld world;
  world.die_at = die_at;
  int next = 0, back_at = 0;
  auto agent = std::make_unique<Agent>(world, entry_of(story.pattern));
  for (int turn = 0; turn < kTurns; ++turn) {
    story.turn(world, turn, next);
    try {
      if (!agent && turn >= back_at) agent = std::make_unique<Agent>(world, entry_of(story.pattern));
      if (agent) agent->shipper.step();
    } catch (const Death&) {
      agent.reset();
      if (kind == Kind::machine) world.crash_machine();
      back_at = turn + away;
    }
    world.pass(0.25);
  }
  if (next > 0) world.append(kLog, "");
  world.failure.code.clear();
  world.answers_lost = false;
  try {
    if (!agent) agent = std::make_unique<Agent>(world, entry_of(story.pattern));
    run(world, *agent, 60);
    agent->shipper.finish();
  } catch (const Death&) {
    if (kind == Kind::machine) world.crash_machine();
    agent = std::make_unique<Agent>(world, entry_of(story.pattern));
    run(world, *agent, 60);
    agent->shipper.finish();
  }
  expect_whole(world, next,
               fmt::format("{}, death at {} of the {}, away {}\nsaid: {}", story.name, die_at,
                           kind == Kind::agent ? "agent" : "machine", away, fmt::join(world.said, "\n")));
  return world.steps;
}

TEST(Follower, EachLineOnceWhenNothingDies) {
  for (const Story& story : kStories) tell(story, -1, Kind::agent, 1);
}

TEST(Follower, EachLineOnceWhereverTheAgentDies) {
  for (const Story& story : kStories)
    for (int die_at = 0, steps = 1; die_at < 2 * steps && !HasFatalFailure(); ++die_at)
      steps = std::max(steps, tell(story, die_at, die_at % 3 == 0 ? Kind::agent : Kind::machine, 1 + die_at % 7));
}

TEST(Follower, AFileThatWasShippedIsNotShippedAgainAndItsInodeIsNotMistaken) {
  ModelWorld world;
  Agent agent(world, entry_of("/var/log/app.log*"));
  world.append(kLog, "one\n");
  run(world, agent, 10);
  world.rename(kLog, "/var/log/app.log.1");
  run(world, agent, 60);  // shipped to its end
  world.unlink("/var/log/app.log.1");
  world.append(kLog, "two\n");  // gets the number of the one before
  run(world, agent, 10);
  Agent after(world, entry_of("/var/log/app.log*"));
  run(world, after, 20);
  EXPECT_EQ(world.messages(), (std::vector<std::string>{"one", "two"}));
}

TEST(Follower, OnlyTheNewestOfAGlobUnlessAllAreWanted) {
  ModelWorld world;
  world.append("/var/log/a.log", "old\n");
  world.pass(10);
  world.append("/var/log/b.log", "new\n");
  {
    Agent agent(world, entry_of("/var/log/*.log"));
    run(world, agent, 10);
    EXPECT_EQ(world.messages(), std::vector<std::string>{"new"});
  }
  FileEntry all = entry_of("/var/log/*.log");
  all.key = "other";
  all.publish_multi_logs = true;
  Agent agent(world, all);
  run(world, agent, 10);
  EXPECT_EQ(world.messages("g/s__var_log_a.log"), std::vector<std::string>{"old"});
  EXPECT_EQ(world.messages("g/s__var_log_b.log"), std::vector<std::string>{"new"});
}

TEST(Follower, AnUnfinishedLineWaitsForItsEndAndIsSentAtTheInstancesEnd) {
  ModelWorld world;
  Agent agent(world);
  world.append(kLog, "whole\nhalf");
  run(world, agent, 30);
  EXPECT_EQ(world.messages(), std::vector<std::string>{"whole"});
  agent.shipper.finish();
  EXPECT_EQ(world.messages(), (std::vector<std::string>{"whole", "half"}));
}

TEST(Follower, WithoutPermissionItSaysSoOnceAndTriesAgain) {
  ModelWorld world;
  world.failure = {.status = 400, .code = "AccessDeniedException", .message = "not authorized", .body = {}};
  Agent agent(world);
  world.append(kLog, "one\n");
  run(world, agent, 300);
  EXPECT_EQ(world.said, std::vector<std::string>{
                            "logs of /var/log/app.log: AccessDeniedException: not authorized; it is tried again"});
  EXPECT_LT(world.calls.size(), 12U);
  world.failure.code.clear();
  run(world, agent, 70);
  EXPECT_EQ(world.said.back(), "logs of /var/log/app.log: works again");
  EXPECT_EQ(world.messages(), std::vector<std::string>{"one"});
}

TEST(Follower, WhatIsMissingIsMadeAndRetentionIsSetOnce) {
  ModelWorld world;
  FileEntry entry = entry_of();
  entry.retention_in_days = 14;
  Agent agent(world, entry);
  world.append(kLog, "one\n");
  run(world, agent, 10);
  world.append(kLog, "two\n");
  run(world, agent, 10);
  EXPECT_EQ(world.calls,
            (std::vector<std::string>{"PutLogEvents", "CreateLogStream", "CreateLogGroup", "CreateLogStream",
                                      "PutLogEvents", "PutRetentionPolicy", "PutLogEvents"}));
}

TEST(Follower, TenMinutesWithoutTheServiceLoseNothing) {
  ModelWorld world;
  Agent agent(world);
  int next = 0;
  world.failure.code = "Unreachable";
  for (int minute = 0; minute < 10; ++minute) {
    for (int i = 0; i < 2000; ++i) world.append(kLog, fmt::format("{} {}\n", line(next++), std::string(200, 'x')));
    run(world, agent, 60);
  }
  world.failure.code.clear();
  run(world, agent, 30);
  ASSERT_EQ(world.messages().size(), std::size_t(next));
  // Lines that have no time have the one at which they came.
  const auto& events = world.streams.at("g/s");
  EXPECT_NEAR(double(events.back().time - events.front().time), 9 * 60'000.0, 1000.0);
}

TEST(Follower, NothingIsSentWhileTheStateCannotBeWritten) {
  ModelWorld world;
  world.disk_full = true;
  Agent agent(world);
  world.append(kLog, "one\n");
  run(world, agent, 30);
  EXPECT_TRUE(world.calls.empty());
  world.disk_full = false;
  run(world, agent, 30);
  EXPECT_EQ(world.messages(), std::vector<std::string>{"one"});
}

TEST(Follower, AutoRemovalRemovesWhatIsShippedOnceThereIsANewerFile) {
  ModelWorld world;
  FileEntry entry = entry_of("/var/log/app.*");
  entry.auto_removal = true;
  Agent agent(world, entry);
  world.append("/var/log/app.10", "one\n");
  run(world, agent, 10);
  world.append("/var/log/app.11", "two\n");
  run(world, agent, 60);
  EXPECT_FALSE(world.stat("/var/log/app.10"));
  EXPECT_TRUE(world.stat("/var/log/app.11"));
  EXPECT_EQ(world.messages(), (std::vector<std::string>{"one", "two"}));
}

TEST(TailChange, ByWhatIsAtThePath) {
  const FileStat known{1, 7, 100, {}};
  const auto at = [](std::uint64_t inode, std::int64_t size) { return std::optional(FileStat{1, inode, size, {}}); };
  EXPECT_EQ(tail_change(known, at(7, 100)), TailChange::none);
  EXPECT_EQ(tail_change(known, at(7, 101)), TailChange::grown);
  EXPECT_EQ(tail_change(known, at(7, 99)), TailChange::truncated);
  EXPECT_EQ(tail_change(known, at(8, 500)), TailChange::replaced);
  EXPECT_EQ(tail_change(known, std::nullopt), TailChange::missing);
}

TEST(FileState, IsReadAsItWasWritten) {
  FileState state{.id = "ab12",
                  .entry = "/x/*.log#2",
                  .path = "/x/\"a\".log",
                  .device = 66306,
                  .inode = 18'446'744'073'709'551'615ULL,
                  .offset = 5'000'000'000,
                  .pending_to = 5'000'001'000,
                  .before = 0xffff'ffff'ffff'ffffULL};
  state.last_time = Timestamp(std::chrono::milliseconds(1234));
  state.marks = {{5'000'000'500, Timestamp(std::chrono::milliseconds(99))}};
  state.rotated = true;
  EXPECT_EQ(state_from_text(to_text(state)), state);
  for (const char* broken : {"", "{}", "[]", R"({"version":2})", "\xff"}) EXPECT_FALSE(state_from_text(broken));
}

TEST(FileState, MarksStayBoundedAndTheNewestExact) {
  std::vector<Mark> marks;
  for (int i = 1; i <= 1000; ++i) add_mark(marks, i * 10, Timestamp(std::chrono::milliseconds(i)));
  EXPECT_LE(marks.size(), kMaxMarks);
  EXPECT_EQ(marks.back(), (Mark{10'000, Timestamp(std::chrono::milliseconds(1000))}));
  EXPECT_TRUE(std::ranges::is_sorted(marks, {}, &Mark::offset));
}

}  // namespace
}  // namespace brume::agent
