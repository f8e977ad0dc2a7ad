#include "logstore/event_store.h"

#include <cstdlib>
#include <map>
#include <random>

#include "logstore/store_fixture_test.h"

namespace brume::logstore {
namespace {

constexpr std::int64_t kEver = std::int64_t(1) << 60;

Read everything(GroupId group) {
  Read read;
  read.group = group;
  read.to = kEver;
  return read;
}

class EventStoreTest : public testing::Test {
 protected:
  void again() {
    store_.reset();
    store_ = open_store(folder_.options());
  }
  Result<Appended> append(GroupId group, const std::string& stream, std::int64_t time, std::string_view message,
                          std::string_view token = "") {
    const NewEvent event{time, message};
    return store_->append(group, stream, std::span(&event, 1), now_++, token, true);
  }
  // `count` events a millisecond apart, ten an append.
  void fill(GroupId group, const std::string& stream, std::int64_t from, int count) {
    for (int i = 0; i < count; i += 10) {
      std::vector<std::string> lines;
      std::vector<NewEvent> events;
      for (int k = i; k < i + 10; ++k)
        lines.push_back(fmt::format("line {} of {} events: {:x}", k, count, k * 2654435761U));
      for (int k = 0; k < 10; ++k) events.push_back({from + i + k, lines[std::size_t(k)]});
      ASSERT_TRUE(store_->append(group, stream, events, now_++, "", true));
    }
  }
  Maintained maintain(std::int64_t now = 0) {
    auto done = store_->maintain(now);
    if (!done) ADD_FAILURE() << done.error().message;
    return done.value_or(Maintained{});
  }

  Folder folder_;
  std::unique_ptr<EventStore> store_ = open_store(folder_.options());
  std::int64_t now_ = 5000;
};

TEST_F(EventStoreTest, EventsAreInTheOrderOfTimeThenOfAppending) {
  ASSERT_TRUE(append(1, "a", 200, "second"));
  ASSERT_TRUE(append(1, "b", 100, "first"));
  ASSERT_TRUE(append(1, "c", 200, "third"));
  const NewEvent both[] = {{300, "fifth"}, {200, "fourth"}};
  const auto last = store_->append(1, "a", both, 5100, "", false);
  ASSERT_TRUE(last);
  EXPECT_EQ(last->first_id, 4U);
  const std::vector<std::string> all{"100 2 5001 b first", "200 1 5000 a second", "200 3 5002 c third",
                                     "200 4 5100 a fourth", "300 5 5100 a fifth"};
  EXPECT_EQ(all_of(*store_, everything(1)), all);
  maintain(kEver);  // so long after that even a few rows are folded
  EXPECT_EQ(all_of(*store_, everything(1)), all);
  again();
  EXPECT_EQ(all_of(*store_, everything(1)), all);
  const auto found = store_->find(1, {200, 3});
  ASSERT_TRUE(found && *found);
  EXPECT_EQ((*found)->message, "third");
  EXPECT_EQ((*found)->stream, "c");
  EXPECT_FALSE(*store_->find(1, {200, 2}));
  EXPECT_TRUE(all_of(*store_, everything(2)).empty());
}

TEST_F(EventStoreTest, WhatCannotBeStoredIsRefused) {
  const NewEvent event{1, "x"};
  const auto code = [&](Result<Appended> result) { return result ? "" : result.error().code; };
  EXPECT_EQ(code(store_->append(1, "a", std::span(&event, 1), 1, "", false)), "ResourceNotFoundException");
  EXPECT_EQ(code(store_->append(1, "a", {}, 1, "", true)), "InvalidParameterException");
  EXPECT_EQ(code(append(1, "a", 1, "")), "InvalidParameterException");
  EXPECT_EQ(code(append(1, "a", -1, "x")), "InvalidParameterException");
  EXPECT_EQ(code(append(1, "a", 1, "x", std::string(129, 't'))), "InvalidParameterException");
  EXPECT_EQ(code(append(1, "a", 1, std::string((32 << 20) + 1, 'x'))), "InvalidParameterException");
  EXPECT_EQ(store_->usage().streams, 0U);
  ASSERT_TRUE(append(1, "a", 1, std::string(32 << 20, 'x')));
  maintain(kEver);
  EXPECT_EQ((*store_->find(1, {1, 1}))->message.size(), std::size_t(32) << 20);
}

TEST_F(EventStoreTest, ABatchWithATokenIsThereOnce) {
  ASSERT_TRUE(append(1, "a", 1, "x", "t0"));
  EXPECT_TRUE(append(1, "a", 1, "x", "t0")->repeated);
  EXPECT_FALSE(append(1, "b", 1, "x", "t0")->repeated);  // another stream's
  again();
  EXPECT_TRUE(append(1, "a", 1, "x", "t0")->repeated);
  maintain(kEver);
  again();
  EXPECT_TRUE(append(1, "a", 1, "x", "t0")->repeated);
  for (int i = 1; i <= 256; ++i) EXPECT_FALSE(append(1, "a", 1, "x", fmt::format("t{}", i))->repeated);
  EXPECT_TRUE(append(1, "a", 1, "x", "t1")->repeated);
  EXPECT_FALSE(append(1, "a", 1, "x", "t0")->repeated);  // 257 before
}

TEST_F(EventStoreTest, StreamsAreListedByNameOrByTheirLastEvent) {
  ASSERT_TRUE(store_->create_stream(1, "web/1", 10));
  EXPECT_EQ(store_->create_stream(1, "web/1", 10).error().code, "ResourceAlreadyExistsException");
  ASSERT_TRUE(append(1, "web/2", 300, "x"));
  ASSERT_TRUE(append(1, "db/1", 200, "xy"));
  ASSERT_TRUE(append(1, "web/3", 200, "x"));
  const auto names = [&](StreamQuery query) {
    std::vector<std::string> out;
    query.group = 1;
    query.limit = 1;
    do {
      const StreamPage page = store_->streams(query);
      for (const StreamInfo& stream : page.streams) out.push_back(stream.name);
      query.after = page.next;
    } while (query.after);
    return out;
  };
  using Names = std::vector<std::string>;
  EXPECT_EQ(names({}), (Names{"db/1", "web/1", "web/2", "web/3"}));
  EXPECT_EQ(names({.descending = true}), (Names{"web/3", "web/2", "web/1", "db/1"}));
  EXPECT_EQ(names({.prefix = "web/", .descending = true}), (Names{"web/3", "web/2", "web/1"}));
  EXPECT_EQ(names({.order = StreamOrder::last_event}), (Names{"web/1", "db/1", "web/3", "web/2"}));
  EXPECT_EQ(names({.order = StreamOrder::last_event, .descending = true}), (Names{"web/2", "web/3", "db/1", "web/1"}));
  const auto info = store_->stream(1, "db/1");
  ASSERT_TRUE(info);
  EXPECT_EQ(info->first_event, 200);
  EXPECT_EQ(info->last_event, 200);
  EXPECT_EQ(info->last_ingestion, 5001);
  EXPECT_EQ(info->stored_bytes, 28U);
  EXPECT_EQ(info->creation, 5001);
  EXPECT_FALSE(store_->stream(1, "web/1")->last_event);
  EXPECT_FALSE(store_->stream(1, "db"));
}

TEST_F(EventStoreTest, FoldingMakesEventsSmallAndFewBlocksOfThem) {
  std::uint64_t folded = 0, rewritten = 0;
  for (int i = 0; i < 40; ++i) {
    fill(1, fmt::format("s{}", i % 3), i * 1000, 400);
    const Maintained done = maintain();
    folded += done.folded_events;
    rewritten += done.rewritten_events;
  }
  EXPECT_GE(folded, 15'000U);
  EXPECT_EQ(store_->usage(1).events, 16'000U);
  EXPECT_LT(store_->usage(1).disk_bytes * 3, store_->usage(1).stored_bytes);
  EXPECT_EQ(all_of(*store_, everything(1)).size(), 16'000U);
  EXPECT_LT(rewritten, 32'000U);
  const StreamInfo before = *store_->stream(1, "s1");
  again();
  EXPECT_EQ(store_->stream(1, "s1")->stored_bytes, before.stored_bytes);
  EXPECT_EQ(store_->stream(1, "s1")->events, before.events);
}

TEST_F(EventStoreTest, BlocksOfTheShortestEventsAreFullToo) {
  Options options;
  options.path = folder_.path + "/short.db";
  const auto store = open_store(options);
  const std::vector<NewEvent> events(65'536, NewEvent{7, "x"});
  for (int i = 0; i < 9; ++i) ASSERT_TRUE(store->append(1, "a", events, 1, "", true));
  const auto done = store->maintain(kEver);
  ASSERT_TRUE(done);
  EXPECT_EQ(done->folded_events, 9 * events.size());
  EXPECT_EQ(done->rewritten_events, 0U);
  std::uint64_t next = 1;
  ASSERT_TRUE(store->visit(everything(1), [&](const Event& event) { return event.id == next++; }));
  EXPECT_EQ(next, 9 * events.size() + 1);
}

TEST_F(EventStoreTest, OneStreamOfManyIsReadWhicheverVersionWroteItsBlocks) {
  Options options = folder_.options();
  options.block_bytes = options.fold_bytes = 256 << 10;
  options.fold_rows = 1000;
  const auto with = [&](std::uint64_t section_bytes) {
    store_.reset();
    options.section_bytes = section_bytes;
    store_ = open_store(options);
  };
  std::map<std::string, std::vector<std::string>> expected;
  std::uint64_t id = 0;
  const auto append_to_each = [&](std::int64_t time) {
    for (int i = 0; i < 1000; ++i) {
      const std::string stream = fmt::format("s{}", i), text = fmt::format("{} said at {}: {:x}", i, time, i * 40'503);
      ASSERT_TRUE(append(1, stream, time + i % 10, text));
      expected[stream].push_back(fmt::format("{} {} {} {} {}", time + i % 10, ++id, now_ - 1, stream, text));
    }
    maintain(kEver);
  };
  const auto compare = [&] {
    Read read = everything(1);
    EXPECT_EQ(all_of(*store_, read).size(), id);
    for (int i = 0; i < 1000; i += 37) {
      const std::string stream = fmt::format("s{}", i);
      read.streams = {stream};
      EXPECT_EQ(all_of(*store_, read), expected[stream]);
      read.needle = "at 200:";
      EXPECT_EQ(all_of(*store_, read), std::vector<std::string>{expected[stream][1]});
      read.needle = "";
    }
    read.streams = {"s5", "s500", "s999", "none"};
    EXPECT_EQ(all_of(*store_, read).size(), 3 * expected["s5"].size());
    read.streams.clear();
    read.stream_prefix = "s99";
    EXPECT_EQ(all_of(*store_, read).size(), 11 * expected["s5"].size());
    read.needle = "999 said at 200:";
    EXPECT_EQ(all_of(*store_, read), std::vector<std::string>{expected["s999"][1]});
  };
  with(UINT64_MAX);  // one section, as all blocks had once
  append_to_each(100);
  append_to_each(200);
  compare();
  with(2048);
  append_to_each(300);
  compare();
  // Enough to merge them all.
  for (int time = 400; time <= 1500; time += 100) append_to_each(time);
  compare();
  ASSERT_TRUE(store_->delete_stream(1, "s37"));
  EXPECT_EQ(all_of(*store_, everything(1)).size(), id - expected["s37"].size());
}

TEST_F(EventStoreTest, ReadsCountWhatTheyLookAt) {
  fill(1, "a", 0, 1000);
  fill(1, "b", 5000, 1000);
  maintain();
  const auto scanned = [&](Read read) { return *store_->visit(read, [](const Event&) { return true; }); };
  EXPECT_EQ(scanned(everything(1)).events, 2000U);
  EXPECT_EQ(scanned(everything(1)).bytes, store_->usage(1).stored_bytes - 2000 * 26);
  Read one = everything(1);
  one.streams = {"a"};
  one.needle = "no such thing";
  EXPECT_EQ(scanned(one).events, 1000U);
  one.streams.clear();
  EXPECT_EQ(scanned(one).events, 2000U);
  one.scan_limit = 10'000;
  const Scanned some = scanned(one);
  EXPECT_TRUE(some.stopped);
  EXPECT_LT(some.bytes, 30'000U);
}

TEST_F(EventStoreTest, WhatIsExpiredIsNotSeenAndOlderEventsMayComeLater) {
  fill(1, "a", 0, 2000);
  maintain();
  const Usage before = store_->usage(1);
  ASSERT_TRUE(store_->expire(1, 1500));
  EXPECT_EQ(all_of(*store_, everything(1)).size(), 500U);
  maintain();
  EXPECT_LT(store_->usage(1).events, 1000U);
  EXPECT_LT(store_->usage(1).disk_bytes, before.disk_bytes / 2);
  EXPECT_EQ(store_->stream(1, "a")->events, store_->usage(1).events);
  ASSERT_TRUE(append(1, "a", 3, "late"));  // retention may have become longer
  ASSERT_TRUE(store_->expire(1, 2));
  EXPECT_EQ(all_of(*store_, everything(1)).size(), 501U);
  maintain(kEver);
  again();
  EXPECT_EQ(all_of(*store_, everything(1)).size(), 501U);
  ASSERT_TRUE(store_->expire(1, kEver));
  maintain(kEver);
  EXPECT_EQ(store_->usage(1).events, 0U);
  EXPECT_EQ(store_->stream(1, "a")->stored_bytes, 0U);
}

TEST_F(EventStoreTest, WhatIsDeletedIsGoneAndItsSpaceIsFree) {
  fill(1, "a", 0, 2000);
  fill(1, "b", 0, 500);
  fill(2, "a", 0, 2000);
  maintain();
  ASSERT_TRUE(store_->delete_stream(1, "a"));
  EXPECT_EQ(store_->delete_stream(1, "a").error().code, "ResourceNotFoundException");
  EXPECT_EQ(all_of(*store_, everything(1)).size(), 500U);
  ASSERT_TRUE(append(1, "a", 100, "the new a"));
  EXPECT_EQ(store_->stream(1, "a")->events, 1U);
  again();
  maintain();
  EXPECT_LT(store_->usage(1).events, 1000U);
  EXPECT_EQ(all_of(*store_, everything(1)).size(), 501U);
  const std::uint64_t before = store_->usage().disk_bytes;
  ASSERT_TRUE(store_->delete_group(2));
  ASSERT_TRUE(store_->delete_group(77));
  EXPECT_TRUE(all_of(*store_, everything(2)).empty());
  EXPECT_EQ(append(2, "a", 1, "x").error().code, "ResourceNotFoundException");
  again();
  EXPECT_TRUE(all_of(*store_, everything(2)).empty());
  maintain();
  EXPECT_LE(store_->usage().disk_bytes, before);
  EXPECT_EQ(store_->usage(2).disk_bytes, 0U);
  EXPECT_EQ(all_of(*store_, everything(1)).size(), 501U);
}

TEST_F(EventStoreTest, TheBudgetTakesTheOldestOfAllGroupsAndSaysSo) {
  Options options = folder_.options();
  options.disk_budget = 1 << 20;
  store_.reset();
  store_ = open_store(options);
  std::uint64_t appended[3] = {}, dropped[3] = {};
  std::int64_t until[3] = {-1, -1, -1};
  std::mt19937 random(1);
  for (int i = 0; i < 60; ++i) {
    for (GroupId group : {1, 2}) {
      std::string noise(30'000, ' ');  // which cannot be compressed much
      for (char& c : noise) c = char(' ' + random() % 95);
      const NewEvent events[] = {{i * 10, noise}, {i * 10 + 5, "short"}};
      ASSERT_TRUE(store_->append(group, "s", events, 1, "", true));
      appended[group] += 2;
    }
    for (const Dropped& one : maintain().dropped) {
      dropped[one.group] += one.events;
      until[one.group] = std::max(until[one.group], one.last_event);
      EXPECT_GT(one.bytes, 0U);
    }
    EXPECT_LT(store_->usage().disk_bytes, (1U << 20) + 600'000) << i;
  }
  EXPECT_GT(dropped[1], 20U);
  EXPECT_LE(std::abs(until[1] - until[2]), 50);
  for (const GroupId group : {1, 2}) {
    const std::vector<std::string> left = all_of(*store_, everything(group));
    EXPECT_EQ(left.size() + dropped[group], appended[group]);
    EXPECT_GT(std::stoll(left.front()) + 100, until[group]);  // a block's newest event decides
    EXPECT_EQ(store_->stream(group, "s")->events, left.size());
  }
}

}  // namespace
}  // namespace brume::logstore
