// What goes wrong beneath the event store: bytes that are not what was written, processes killed, disks that are full.
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <sqlite3.h>
#include <sys/mount.h>
#include <sys/resource.h>
#include <sys/wait.h>

#include <algorithm>
#include <atomic>
#include <fstream>
#include <random>
#include <thread>

#include "env/fd.h"
#include "logstore/store_fixture_test.h"

namespace brume::logstore {
namespace {

Read everything(GroupId group) {
  Read read;
  read.group = group;
  read.to = std::int64_t(1) << 60;
  return read;
}

// Events "<number>", a millisecond apart, from `first` on.
Result<Appended> append(EventStore& store, GroupId group, const std::string& stream, int first, int count) {
  std::vector<std::string> lines;
  std::vector<NewEvent> events;
  for (int i = 0; i < count; ++i) lines.push_back(fmt::format("{} {}", first + i, std::string(100, 'x')));
  for (int i = 0; i < count; ++i) events.push_back({first + i, lines[std::size_t(i)]});
  return store.append(group, stream, events, 1, "", true);
}

void sql(const std::string& path, const std::string& text) {
  sqlite3* database = nullptr;
  ASSERT_EQ(sqlite3_open(path.c_str(), &database), SQLITE_OK);
  EXPECT_EQ(sqlite3_exec(database, text.c_str(), nullptr, nullptr, nullptr), SQLITE_OK) << sqlite3_errmsg(database);
  sqlite3_close(database);
}

TEST(EventStoreFaults, ADamagedBlockIsPassedOverAndSaidSo) {
  const Folder folder;
  auto store = open_store(folder.options());
  ASSERT_TRUE(append(*store, 1, "a", 0, 400));
  ASSERT_TRUE(store->maintain(0));
  ASSERT_TRUE(append(*store, 1, "a", 1000, 10));
  ASSERT_TRUE(append(*store, 1, "a", 2000, 20));
  store.reset();
  sql(folder.path + "/logs.db",
      "UPDATE block_bytes SET bytes = substr(bytes, 1, length(bytes) - 9) || x'00' || substr(bytes, -8) WHERE id = 2;"
      "UPDATE journal SET body = x'28B52FFD' WHERE id = 2");
  store = open_store(folder.options());
  std::size_t seen = 0;
  const auto count = [&](const Event&) { return ++seen > 0; };
  auto scanned = store->visit(everything(1), count);
  ASSERT_TRUE(scanned);
  EXPECT_EQ(scanned->damaged, 2U);
  const std::size_t left = seen;
  EXPECT_GT(left, 300U);
  EXPECT_LT(left, 400U);
  // Folding leaves them where they are, and goes on with the others.
  for (int turn = 0; turn < 30; ++turn) {
    ASSERT_TRUE(append(*store, 1, "a", 3000 + turn * 40, 40));
    const auto done = store->maintain(std::int64_t(1) << 60);
    ASSERT_TRUE(done) << done.error().message;
    EXPECT_EQ(done->damaged, turn == 0 ? 1U : 0U);
  }
  seen = 0;
  scanned = store->visit(everything(1), count);
  EXPECT_EQ(scanned->damaged, 2U);
  EXPECT_EQ(seen, left + 30 * 40);
  ASSERT_TRUE(store->expire(1, 500));
  ASSERT_TRUE(store->maintain(0));
  EXPECT_EQ(store->visit(everything(1), count)->damaged, 1U);
}

TEST(EventStoreFaults, ChangedBytesAnywhereNeverCrash) {
  std::mt19937 random(1);
  const Folder folder;
  auto store = open_store(folder.options());
  for (int i = 0; i < 40; ++i) ASSERT_TRUE(append(*store, GroupId(1 + i % 2), "a", i * 100, 90));
  ASSERT_TRUE(store->maintain(0));
  for (int i = 40; i < 44; ++i) ASSERT_TRUE(append(*store, GroupId(1 + i % 2), "a", i * 100, 20));
  store.reset();
  std::string bytes;
  {
    std::ifstream file(folder.path + "/logs.db", std::ios::binary);
    bytes.assign(std::istreambuf_iterator<char>(file), {});
  }
  ASSERT_GT(bytes.size(), 50'000U);
  for (int turn = 0; turn < 60; ++turn) {
    const Folder other;
    std::string changed = bytes;
    for (int i = 0; i < 1 << turn % 8; ++i) changed[random() % changed.size()] = char(random());
    if (turn % 10 == 9) changed.resize(random() % changed.size());
    std::ofstream(other.path + "/logs.db", std::ios::binary) << changed;
    auto opened = EventStore::open(other.options());
    if (!opened) continue;
    for (const GroupId group : {1, 2}) (void)(*opened)->visit(everything(group), [](const Event&) { return true; });
    (void)(*opened)->maintain(std::int64_t(1) << 60);
  }
}

TEST(EventStoreFaults, ATornLogCostsWhatIsBehindTheTearOnly) {
  std::mt19937 random(1);
  const Folder folder;
  const std::string log = folder.path + "/logs.db-wal";
  const auto store = open_store(folder.options());
  std::vector<std::uint64_t> ends;  // of the log, after each append
  for (int i = 0; i < 30; ++i) {
    ASSERT_TRUE(append(*store, 1, "a", i * 10, 10));
    ends.push_back(std::filesystem::file_size(log));
  }
  ASSERT_TRUE(std::ranges::is_sorted(ends));
  for (int turn = 0; turn < 40; ++turn) {
    const Folder other;
    for (const char* file : {"/logs.db", "/logs.db-wal"})
      std::filesystem::copy_file(folder.path + file, other.path + file);
    const std::uint64_t tear = ends.front() + random() % (ends.back() - ends.front());
    if (turn % 2 == 0) {
      std::filesystem::resize_file(other.path + "/logs.db-wal", tear);
    } else {
      std::fstream file(other.path + "/logs.db-wal", std::ios::binary | std::ios::in | std::ios::out);
      file.seekp(std::streamoff(tear));
      file << "torn, but not the rest";
    }
    const auto left = open_store(other.options());
    ASSERT_TRUE(left);
    const auto whole = std::ranges::upper_bound(ends, tear) - ends.begin();
    EXPECT_EQ(all_of(*left, everything(1)).size(), std::size_t(whole) * 10) << tear;
    ASSERT_TRUE(append(*left, 1, "a", 5000, 10));
    EXPECT_EQ(all_of(*left, everything(1)).size(), std::size_t(whole) * 10 + 10);
  }
}

TEST(EventStoreFaults, OneProcessHasItOpen) {
  const Folder folder;
  const auto store = open_store(folder.options());
  const auto second = EventStore::open(folder.options());
  ASSERT_FALSE(second);
  EXPECT_NE(second.error().message.find("another daemon"), std::string::npos);
  std::ofstream(folder.path + "/text") << std::string(5000, 'x');
  Options options = folder.options();
  options.path = folder.path + "/text";
  EXPECT_FALSE(EventStore::open(options));
}

// A process that appends, folds and tells each acknowledged append by a byte, until it is killed.
void append_until_killed(const Options& options, int told, int first) {
  auto store = EventStore::open(options);
  if (!store) _exit(1);
  std::thread upkeep([&] {
    while ((*store)->maintain(0)) std::this_thread::yield();
    _exit(2);
  });
  for (int i = first;; ++i)
    if (!append(**store, 1, "a", i * 7, 7) || ::write(told, "x", 1) != 1) _exit(3);
}

TEST(EventStoreFaults, KilledAtAnyMomentNothingAcknowledgedIsLost) {
  const Folder folder;
  std::mt19937 random(3);
  int acknowledged = 0;
  for (int turn = 0; turn < 8; ++turn) {
    int pipe[2];
    ASSERT_EQ(::pipe(pipe), 0);
    const pid_t child = ::fork();
    ASSERT_GE(child, 0);
    if (child == 0) append_until_killed(folder.options(), pipe[1], acknowledged);
    ::close(pipe[1]);
    // So many appends later.
    char byte;
    for (auto more = 1 + random() % 60; more > 0 && ::read(pipe[0], &byte, 1) == 1; --more) ++acknowledged;
    ::kill(child, SIGKILL);
    int status = 0;
    ASSERT_EQ(::waitpid(child, &status, 0), child);
    ASSERT_TRUE(WIFSIGNALED(status)) << WEXITSTATUS(status);
    while (::read(pipe[0], &byte, 1) == 1) ++acknowledged;
    ::close(pipe[0]);

    const auto store = open_store(folder.options());
    int next = 0;
    const auto scanned = store->visit(everything(1), [&](const Event& event) {
      EXPECT_EQ(event.message.substr(0, event.message.find(' ')), std::to_string(next));
      EXPECT_EQ(event.id, std::uint64_t(next) + 1);
      ++next;
      return true;
    });
    ASSERT_TRUE(scanned);
    EXPECT_EQ(next % 7, 0);
    EXPECT_GE(next, acknowledged * 7);
    EXPECT_LE(next, acknowledged * 7 + 7);  // the one that was not yet told
    acknowledged = next / 7;
  }
  EXPECT_GT(acknowledged, 20);
}

TEST(EventStoreFaults, AFullDiskRefusesWritesAndNothingElse) {
  const Folder folder;
  struct Unmount {
    std::string path;
    ~Unmount() { ::umount2(path.c_str(), MNT_DETACH); }
  } unmount{folder.path};
  // In a mount namespace of its own, so that the disk goes with this process.
  if (::unshare(CLONE_NEWNS) != 0 || ::mount("", "/", nullptr, MS_REC | MS_PRIVATE, nullptr) != 0 ||
      ::mount("small", folder.path.c_str(), "tmpfs", 0, "size=16m") != 0)
    GTEST_SKIP() << "a small disk can be mounted by root only";
  Options options = folder.options();
  options.fold_bytes = 64 << 10;
  options.block_bytes = 32 << 10;
  auto store = open_store(options);
  const std::string other = folder.path + "/other";
  std::ofstream(other) << std::string(4 << 20, 'x') << std::flush;
  std::mt19937 random(1);
  std::int64_t time = 0;
  const auto append_noise = [&](std::size_t size = 20'000) {
    std::string noise(size, ' ');
    for (char& c : noise) c = char(' ' + random() % 95);
    const NewEvent event{++time, noise};
    return store->append(1, "a", std::span(&event, 1), 1, "", true);
  };
  const auto count = [&] { return all_of(*store, everything(1)).size(); };
  std::size_t acknowledged = 0;
  EXPECT_EQ(append_noise(16 << 20).error().code, "InsufficientStorage");
  Result<Appended> last;
  for (int i = 0; i < 1000 && (last = append_noise()); ++i) {
    ++acknowledged;
    if (i % 10 == 9) (void)store->maintain(0);
  }
  ASSERT_FALSE(last);
  EXPECT_EQ(last.error().code, "InsufficientStorage");
  EXPECT_EQ(last.error().status, 507);
  EXPECT_GT(acknowledged, 20U);
  EXPECT_EQ(count(), acknowledged);
  EXPECT_FALSE(append_noise());
  EXPECT_EQ(append_noise(8 << 20).error().code, "InsufficientStorage");
  (void)store->maintain(0);
  EXPECT_EQ(count(), acknowledged);
  store.reset();
  store = open_store(options);
  EXPECT_EQ(count(), acknowledged);
  std::filesystem::remove(other);
  for (int i = 0; i < 20; ++i) ASSERT_TRUE(append_noise()) << i;
  ASSERT_TRUE(store->maintain(0));
  EXPECT_EQ(count(), acknowledged + 20);
  // What frees works on a full disk, too.
  while (append_noise()) ++acknowledged;
  ASSERT_TRUE(store->expire(1, time));
  const auto done = store->maintain(std::int64_t(1) << 60);
  ASSERT_TRUE(done) << done.error().message;
  ASSERT_TRUE(append_noise());
}

TEST(EventStoreFaults, AWriteThatFailsInTheMiddleLeavesNothing) {
  const Folder folder;
  const auto store = open_store(folder.options());
  ASSERT_TRUE(append(*store, 1, "a", 0, 10));
  struct Limit {
    rlimit before{};
    Limit() {
      ::signal(SIGXFSZ, SIG_IGN);
      ::getrlimit(RLIMIT_FSIZE, &before);
      const rlimit small{1 << 20, before.rlim_max};
      ::setrlimit(RLIMIT_FSIZE, &small);
    }
    ~Limit() { ::setrlimit(RLIMIT_FSIZE, &before); }
  };
  std::mt19937 random(1);
  std::string noise(8 << 20, ' ');
  for (char& c : noise) c = char(' ' + random() % 95);
  const NewEvent event{5, noise};
  {
    const Limit limit;
    const auto failed = store->append(1, "new", std::span(&event, 1), 1, "token", true);
    ASSERT_FALSE(failed);
    EXPECT_EQ(failed.error().status, 500);
    EXPECT_EQ(all_of(*store, everything(1)).size(), 10U);
    EXPECT_FALSE(store->stream(1, "new"));
  }
  const auto again = store->append(1, "new", std::span(&event, 1), 1, "token", true);
  ASSERT_TRUE(again);
  EXPECT_FALSE(again->repeated);
  EXPECT_EQ(all_of(*store, everything(1)).size(), 11U);
}

TEST(EventStoreThreads, AppendsReadsAndUpkeepAtOnce) {
  const Folder folder;
  const auto store = open_store(folder.options());
  constexpr int kThreads = 4, kAppends = 120;
  std::atomic<int> appending = kThreads;
  std::vector<std::thread> threads;
  for (int thread = 0; thread < kThreads; ++thread)
    threads.emplace_back([&, thread] {
      for (int i = 0; i < kAppends; ++i) {
        const auto appended = append(*store, GroupId(1 + i % 2), fmt::format("s{}", thread), i * 3, 5);
        EXPECT_TRUE(appended);
        // All send this one batch; one of them adds it.
        const std::string line = fmt::format("shared {}", i);
        const NewEvent event{i, line};
        EXPECT_TRUE(store->append(3, "s", std::span(&event, 1), 1, line, true));
      }
      --appending;
    });
  threads.emplace_back([&] {
    while (appending > 0) EXPECT_TRUE(store->maintain(0));
  });
  for (const bool backward : {false, true})
    threads.emplace_back([&, backward] {
      while (appending > 0) {
        std::optional<Position> before;
        Read read = everything(1);
        read.backward = backward;
        EXPECT_TRUE(store->visit(read, [&](const Event& event) {
          EXPECT_TRUE(!before || (backward ? event.position() < *before : *before < event.position()));
          before = event.position();
          return true;
        }));
      }
    });
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(all_of(*store, everything(1)).size(), std::size_t(kThreads * kAppends / 2 * 5));
  EXPECT_EQ(all_of(*store, everything(2)).size(), std::size_t(kThreads * kAppends / 2 * 5));
  // A thread may be more than 256 batches behind the others: then the token is forgotten.
  EXPECT_GE(all_of(*store, everything(3)).size(), std::size_t(kAppends));
}

}  // namespace
}  // namespace brume::logstore
