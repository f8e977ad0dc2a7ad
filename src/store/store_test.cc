#include "store/store.h"

#include <gtest/gtest.h>
#include <sys/stat.h>

#include <filesystem>

#include "store/memory_backend.h"
#include "store/sqlite_backend.h"
#include "store/table.h"

namespace {
struct Pet {
  std::string name;
  std::int64_t age = 0;
};
}  // namespace
BRUME_RECORD(Pet, name, age)

namespace brume::store {
namespace {

class StoreTest : public testing::TestWithParam<bool> {
 protected:
  void SetUp() override {
    folder_ = std::filesystem::temp_directory_path() / ("brume-store-test-" + std::to_string(getpid()));
    std::filesystem::create_directory(folder_);
    reopen();
  }
  void TearDown() override {
    backend_.reset();
    std::filesystem::remove_all(folder_);
  }
  // What a crash and a restart leave: the backend's content, nothing else.
  void reopen() {
    if (GetParam()) {
      sqlite_.reset();
      auto opened = SqliteBackend::open(folder_ / "state.db");
      ASSERT_TRUE(opened.has_value()) << opened.error().message;
      sqlite_ = *std::move(opened);
    }
    store_ = std::make_unique<Store>(GetParam() ? static_cast<Backend&>(*sqlite_) : memory_);
    pets_ = std::make_unique<Table<Pet>>(*store_, "pets", "eu-west-1");
    ASSERT_TRUE(pets_->load().has_value());
  }

  std::filesystem::path folder_;
  MemoryBackend memory_;
  std::unique_ptr<SqliteBackend> sqlite_;
  std::unique_ptr<Backend> backend_;
  std::unique_ptr<Store> store_;
  std::unique_ptr<Table<Pet>> pets_;
};

TEST_P(StoreTest, WhatIsAcknowledgedSurvives) {
  ASSERT_TRUE(store_->transact([&]() -> Result<void> {
    pets_->put("a", {"Ada", 3});
    pets_->put("b", {"Bob", 4});
    return {};
  }));
  ASSERT_TRUE(store_->transact([&]() -> Result<void> {
    pets_->erase("a");
    pets_->modify("b", [](Pet& p) { ++p.age; });
    return {};
  }));
  reopen();
  EXPECT_EQ(pets_->size(), 1U);
  EXPECT_EQ(pets_->find("b")->age, 5);
  EXPECT_EQ(*store_->backend().scopes(), std::vector<std::string>{"eu-west-1"});
}

TEST_P(StoreTest, AFailedTransactionChangesNothing) {
  ASSERT_TRUE(store_->transact([&]() -> Result<void> {
    pets_->put("a", {"Ada", 3});
    return {};
  }));
  bool ran = false;
  const auto failed = store_->transact([&]() -> Result<void> {
    pets_->put("a", {"Changed", 0});
    pets_->put("c", {"New", 0});
    pets_->erase("a");
    store_->after_commit([&] { ran = true; });
    return fail("ValidationError", "no");
  });
  EXPECT_FALSE(failed);
  EXPECT_FALSE(ran);
  EXPECT_EQ(pets_->size(), 1U);
  EXPECT_EQ(pets_->find("a")->name, "Ada");
  reopen();
  EXPECT_EQ(pets_->find("a")->name, "Ada");
}

TEST_P(StoreTest, AnInnerFailureUndoesOnlyTheInner) {
  ASSERT_TRUE(store_->transact([&]() -> Result<void> {
    pets_->put("a", {"Ada", 3});
    const auto inner = store_->transact([&]() -> Result<void> {
      pets_->put("a", {"Eve", 9});
      return fail("X", "no");
    });
    EXPECT_FALSE(inner);
    return {};
  }));
  reopen();
  EXPECT_EQ(pets_->find("a")->name, "Ada");
}

TEST_P(StoreTest, TheKeyMayLieInsideTheRecord) {
  ASSERT_TRUE(store_->transact([&]() -> Result<void> {
    Pet pet{"a name too long to be held in the string object itself", 1};
    pets_->put(pet.name, std::move(pet));
    return {};
  }));
  EXPECT_TRUE(pets_->contains("a name too long to be held in the string object itself"));
}

TEST_P(StoreTest, AWatcherLearnsWhichRowsChanged) {
  using Keys = std::set<std::string>;
  const auto change = [&](bool succeeds) {
    (void)store_->transact([&]() -> Result<void> {
      pets_->put("a", {"Ada", 3});
      pets_->erase("b");
      return succeeds ? Result<void>() : fail("X", "no");
    });
  };
  ASSERT_TRUE(store_->transact([&]() -> Result<void> {
    pets_->put("b", {"Bob", 4});
    pets_->put("c", {"Cyd", 5});
    return {};
  }));
  reopen();
  Changes loaded(*pets_);
  EXPECT_EQ(loaded.take(), (Keys{"b", "c"}));
  EXPECT_TRUE(loaded.take().empty());
  change(false);
  EXPECT_EQ(loaded.take(), (Keys{"a", "b"})) << "one may have looked before it was undone";
  change(true);
  EXPECT_EQ(loaded.take(), (Keys{"a", "b"}));
  Table<Pet> again(*store_, "pets", "eu-west-1");
  Changes waiting(again);
  ASSERT_TRUE(again.load());
  EXPECT_EQ(waiting.take(), (Keys{"a", "c"}));
}

TEST_P(StoreTest, PartsOfATableByTheirKeys) {
  const std::string bytes("\0\xff\0not text", 11);
  std::vector<Change> changes = {{"blocks", "eu-west-1", "a", bytes}, {"blocks", "", "a1", "elsewhere"}};
  for (const char* key : {"a1", "a2", "b1", "c"}) changes.push_back({"blocks", "eu-west-1", key, key});
  ASSERT_TRUE(store_->backend().commit(changes));
  reopen();
  Ranges* ranges = ranges_of(*store_);
  ASSERT_NE(ranges, nullptr);
  std::vector<Row> rows;
  ASSERT_TRUE(ranges->read("blocks", "eu-west-1", "a", "b", [&](std::string_view key, std::string_view value) {
    rows.push_back({std::string(key), std::string(value)});
  }));
  ASSERT_EQ(rows.size(), 3U);
  EXPECT_EQ(rows.front().value, bytes);
  EXPECT_EQ(rows.back().key, "a2");
  EXPECT_EQ(*ranges->keys("blocks", "eu-west-1", "a2", "c"), (std::vector<std::string>{"a2", "b1"}));
  EXPECT_TRUE(ranges->keys("blocks", "eu-west-1", "c", "a")->empty());
  EXPECT_EQ(*store_->backend().scopes(), (std::vector<std::string>{"", "eu-west-1"}));
}

INSTANTIATE_TEST_SUITE_P(Backends, StoreTest, testing::Bool(),
                         [](const auto& which) { return which.param ? "Sqlite" : "Memory"; });

TEST(Store, AFullDiskLeavesMemoryAsItWas) {
  MemoryBackend backend;
  Store store(backend);
  Table<Pet> pets(store, "pets", "");
  backend.full = true;
  const auto result = store.transact([&]() -> Result<void> {
    pets.put("a", {"Ada", 3});
    return {};
  });
  ASSERT_FALSE(result);
  EXPECT_EQ(result.error().code, "InsufficientStorage");
  EXPECT_EQ(pets.size(), 0U);
}

TEST(SqliteBackend, FilesAreForTheOwnerOnlyAndASecondDaemonIsRefused) {
  const auto folder = std::filesystem::temp_directory_path() / ("brume-sqlite-test-" + std::to_string(getpid()));
  std::filesystem::create_directory(folder);
  const std::string path = folder / "state.db";
  {
    auto first = SqliteBackend::open(path);
    ASSERT_TRUE(first) << first.error().message;
    ASSERT_TRUE((*first)->commit({{"t", "", "k", "1"}}));
    struct stat info;
    ASSERT_EQ(stat(path.c_str(), &info), 0);
    EXPECT_EQ(info.st_mode & 0777, 0600U);
    const auto second = SqliteBackend::open(path);
    ASSERT_FALSE(second);
    EXPECT_NE(second.error().message.find("another daemon"), std::string::npos) << second.error().message;
  }
  std::filesystem::remove_all(folder);
}

}  // namespace
}  // namespace brume::store
