// Random calls of the event store, with restarts and crashes in between, against a model that is a sorted map.
//
// A crash leaves a copy of the store's files at some moment (what kill -9 leaves), at times with rubbish behind the end
// of the write-ahead log.
#include <algorithm>
#include <fstream>
#include <map>
#include <random>
#include <set>

#include "logstore/store_fixture_test.h"

namespace brume::logstore {
namespace {

struct ModelEvent {
  std::int64_t ingestion = 0;
  std::string stream, message;
};

struct ModelGroup {
  std::uint64_t next_id = 1;
  std::map<Position, ModelEvent> events;
  std::set<std::string> streams;
};

using Model = std::map<GroupId, ModelGroup>;

class World {
 public:
  explicit World(unsigned seed) : World(seed, {"a", "ab", "abc", "b", "web/1"}, 1) {}
  // `appends` to streams of these names at a time, and blocks that hold about as many.
  World(unsigned seed, std::vector<std::string> names, std::size_t appends)
      : random_(seed), names_(std::move(names)), appends_(appends), options_(folder_.options()) {
    for (std::uint64_t* const bytes : {&options_.block_bytes, &options_.fold_bytes}) *bytes *= appends;
    options_.fold_rows *= appends;
    options_.journal_rows *= appends;
    store_ = open_store(options_);
  }

  void step() {
    switch (number(24)) {
      case 0:
        create_stream();
        break;
      case 1:
        delete_stream();
        break;
      case 2:
        if (number(8) == 0) delete_group();
        break;
      case 3:
        expire();
        break;
      case 4:
      case 5:
        maintain();
        break;
      case 6:
        restart();
        break;
      case 7:
      case 8:
        compare_some();
        break;
      default:
        for (std::size_t i = 0; i < appends_; ++i) append();
    }
  }

  void compare_all() {
    for (GroupId group = 1; group <= 3; ++group) {
      Read read;
      read.group = group + base_;
      read.to = kEnd;
      compare(read);
      std::uint64_t bytes = 0, events = 0;
      for (const std::string& name : names_) {
        const auto info = store_->stream(group + base_, name);
        const bool known = model_[group + base_].streams.contains(name);
        ASSERT_EQ(info.has_value(), known);
        if (!info) continue;
        bytes += info->stored_bytes;
        events += info->events;
      }
      EXPECT_EQ(store_->last_id(group + base_), model_[group + base_].next_id - 1);
      const Usage usage = store_->usage(group + base_);
      EXPECT_EQ(usage.streams, model_[group + base_].streams.size());
      EXPECT_GE(usage.events, events);  // those of deleted streams may still be there
      EXPECT_GE(usage.stored_bytes, bytes);
      // Expired events are counted until they are freed.
      EXPECT_GE(events, model_[group + base_].events.size());
    }
  }

 private:
  static constexpr std::int64_t kEnd = 100'000;

  std::size_t number(std::size_t below) { return std::uniform_int_distribution<std::size_t>(0, below - 1)(random_); }
  std::string name() { return names_[number(names_.size())]; }
  GroupId group() { return base_ + 1 + number(3); }
  std::string message() {
    using namespace std::string_view_literals;
    static constexpr std::string_view words[] = {"GET", "error", "/index.html", "200", "12.5ms", "\0x"sv, "ö"};
    std::string out(words[number(7)]);
    for (std::size_t i = number(number(20) == 0 ? 400 : 12); i > 0; --i) (out += ' ') += words[number(7)];
    return out;
  }

  void append() {
    const GroupId into = group();
    const std::string stream = name();
    std::vector<std::string> messages;
    std::vector<NewEvent> events;
    const std::int64_t from = now_ > 3000 && number(4) == 0 ? now_ - std::int64_t(number(3000)) : now_;
    for (std::size_t i = 1 + number(number(10) == 0 ? 300 : 8); i > 0; --i) messages.push_back(message());
    for (const std::string& text : messages) events.push_back({from + std::int64_t(number(20)), text});
    const bool create = number(2) == 0;
    const std::string token = number(3) == 0 ? fmt::format("t{}", ++token_) : "";
    now_ += std::int64_t(number(10));
    const auto appended = store_->append(into, stream, events, now_, token, create);
    ModelGroup& in = model_[into];
    if (!create && !in.streams.contains(stream)) {
      ASSERT_FALSE(appended);
      EXPECT_EQ(appended.error().code, "ResourceNotFoundException");
      return;
    }
    ASSERT_TRUE(appended) << appended.error().message;
    in.streams.insert(stream);
    EXPECT_EQ(appended->first_id, in.next_id);
    std::ranges::stable_sort(events, {}, &NewEvent::timestamp);
    for (const NewEvent& event : events)
      in.events[{event.timestamp, in.next_id++}] = {now_, stream, std::string(event.message)};
    if (!token.empty() && number(2) == 0) {
      const auto again = store_->append(into, stream, events, now_ + 1, token, false);
      ASSERT_TRUE(again);
      EXPECT_TRUE(again->repeated);
    }
  }

  void create_stream() {
    const GroupId into = group();
    const std::string stream = name();
    const auto made = store_->create_stream(into, stream, now_);
    EXPECT_EQ(made.has_value(), model_[into].streams.insert(stream).second);
  }

  void delete_stream() {
    const GroupId from = group();
    const std::string stream = name();
    const auto gone = store_->delete_stream(from, stream);
    EXPECT_EQ(gone.has_value(), model_[from].streams.erase(stream) == 1);
    std::erase_if(model_[from].events, [&](const auto& entry) { return entry.second.stream == stream; });
  }

  void delete_group() {
    // Numbers are not used again: all groups move on.
    for (GroupId group = base_ + 1; group <= base_ + 3; ++group) ASSERT_TRUE(store_->delete_group(group));
    base_ += 3;
    model_.clear();
  }

  void expire() {
    const GroupId of = group();
    const std::int64_t before = now_ - std::int64_t(number(2000));
    ASSERT_TRUE(store_->expire(of, before));
    std::erase_if(model_[of].events, [&](const auto& entry) { return entry.first.timestamp < before; });
  }

  void maintain() {
    const auto done = store_->maintain(now_ + (number(3) == 0 ? 4'000'000 : 0));
    ASSERT_TRUE(done) << done.error().message;
    EXPECT_EQ(done->damaged, 0U);
  }

  void restart() {
    Folder other;
    if (number(2) == 0) {  // as after kill -9
      for (const char* file : {"/logs.db", "/logs.db-wal"})
        std::filesystem::copy_file(folder_.path + file, other.path + file);
      if (number(2) == 0) {  // and the machine was writing
        std::ofstream log(other.path + "/logs.db-wal", std::ios::binary | std::ios::app);
        log << std::string(1 + number(40'000), char(number(256)));
      }
      store_.reset();
      for (const char* file : {"/logs.db", "/logs.db-wal", "/logs.db-shm"})
        std::filesystem::remove(folder_.path + file);
      for (const char* file : {"/logs.db", "/logs.db-wal"})
        std::filesystem::copy_file(other.path + file, folder_.path + file);
    }
    store_.reset();
    store_ = open_store(options_);
    compare_all();
  }

  void compare_some() {
    Read read;
    read.group = group();
    read.from = std::int64_t(number(std::size_t(now_ + 50)));
    read.to = number(3) == 0 ? kEnd : read.from + std::int64_t(number(2000));
    read.backward = number(2) == 0;
    if (number(2) == 0) read.streams = {name()};
    if (number(4) == 0) read.streams.push_back(name());
    if (number(3) == 0) read.stream_prefix = name().substr(0, 1 + number(3));
    if (number(3) == 0) read.needle = std::vector<std::string>{"error", "200 GET", "ö", "html 12"}[number(4)];
    if (number(4) == 0) read.after = Position{read.from + std::int64_t(number(500)), number(2000)};
    const std::uint64_t ids = model_[read.group].next_id;
    if (number(3) == 0) read.above_id = number(ids);
    if (number(3) == 0) read.up_to_id = 1 + number(ids);
    compare(read);
  }

  static std::string line(Position at, const ModelEvent& event) {
    return fmt::format("{} {} {} {} {}", at.timestamp, at.id, event.ingestion, event.stream, event.message);
  }

  void compare(Read read) {
    std::vector<std::string> expected;
    const bool all = read.streams.empty();
    for (const auto& [at, event] : model_[read.group].events) {
      if (at.timestamp < read.from || at.timestamp >= read.to) continue;
      if (!all && std::ranges::find(read.streams, event.stream) == read.streams.end()) continue;
      if (!event.stream.starts_with(read.stream_prefix)) continue;
      if (read.after && (read.backward ? at >= *read.after : at <= *read.after)) continue;
      if (event.message.find(read.needle) == std::string::npos) continue;
      if (at.id <= read.above_id || (read.up_to_id > 0 && at.id > read.up_to_id)) continue;
      expected.push_back(line(at, event));
    }
    if (read.backward) std::ranges::reverse(expected);
    ASSERT_EQ(all_of(*store_, read), expected);
    // The same in pages, by the visitor's word or the limit's.
    std::vector<std::string> paged;
    const bool limited = number(2) == 0;
    if (limited) read.scan_limit = 1 + number(20'000);
    for (int pages = 0; pages < 100'000; ++pages) {
      std::size_t left = 1 + number(50);
      const auto scanned = store_->visit(read, [&](const Event& event) {
        paged.push_back(
            line(event.position(), {event.ingestion, std::string(event.stream), std::string(event.message)}));
        return limited || --left > 0;
      });
      ASSERT_TRUE(scanned) << scanned.error().message;
      if (!scanned->stopped) break;
      ASSERT_TRUE(!read.after || (read.backward ? *scanned->stopped < *read.after : *read.after < *scanned->stopped));
      read.after = scanned->stopped;
    }
    ASSERT_EQ(paged, expected);
  }

  std::mt19937 random_;
  Folder folder_;
  std::vector<std::string> names_;
  std::size_t appends_;
  Options options_;
  std::unique_ptr<EventStore> store_;
  Model model_;
  GroupId base_ = 0;
  std::int64_t now_ = 1000;
  int token_ = 0;
};

TEST(EventStoreModel, RandomCallsAndCrashes) {
  for (unsigned seed = 1; seed <= 12; ++seed) {
    SCOPED_TRACE(seed);
    World world(seed);
    for (int i = 0; i < 400 && !testing::Test::HasFailure(); ++i) world.step();
    world.compare_all();
    if (testing::Test::HasFailure()) return;
  }
}

TEST(EventStoreModel, ThousandsOfStreamsAtOnce) {
  std::vector<std::string> names;
  for (int i = 0; i < 3000; ++i) names.push_back(fmt::format("{:x}/{}", i % 7, i));
  for (unsigned seed = 1; seed <= 2; ++seed) {
    SCOPED_TRACE(seed);
    World world(seed, names, 60);
    for (int i = 0; i < 100 && !testing::Test::HasFailure(); ++i) world.step();
    world.compare_all();
    if (testing::Test::HasFailure()) return;
  }
}

}  // namespace
}  // namespace brume::logstore
