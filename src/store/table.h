// A typed table of described records (base/reflect.h), by string key, in one scope (a region, or "" for what is
// global).
//
// Reading gives references into memory, valid until the row is next changed. Writing needs a transaction
// (Store::transact). Iteration is in key order. Who keeps something made from the rows asks for the keys of those that
// changed (`Changes`), instead of reading them all.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "base/json.h"
#include "store/store.h"

namespace brume::store {

template <typename T>
class Table;

// Keys of a table's rows that came, changed or went, also by a transaction that was undone, since they were last taken;
// at first those of all rows. Lives as long as the table is used.
class Changes {
 public:
  template <typename T>
  explicit Changes(Table<T>& table) {
    table.watch(*this);
  }
  Changes(const Changes&) = delete;
  Changes& operator=(const Changes&) = delete;

  [[nodiscard]] std::set<std::string> take() { return std::exchange(keys_, {}); }
  void note(const std::string& key) { keys_.insert(key); }

 private:
  std::set<std::string> keys_;
};

template <typename T>
class Table {
 public:
  Table(Store& store, std::string name, std::string scope)
      : store_(store), name_(std::move(name)), scope_(std::move(scope)) {}
  Table(const Table&) = delete;
  Table& operator=(const Table&) = delete;

  // Reads what is on disk; called once, before use. Errors: a row that cannot be read is named, nothing is dropped.
  Result<void> load() {
    BRUME_TRY(rows, store_.backend().load(name_, scope_));
    for (Row& row : rows) {
      auto record = from_json<T>(row.value);
      if (!record) return fail_internal("The record {} {} cannot be read: {}", name_, row.key, record.error().message);
      changed(row.key);
      rows_.emplace(std::move(row.key), *std::move(record));
    }
    return {};
  }

  [[nodiscard]] const T* find(std::string_view key) const {
    const auto found = rows_.find(key);
    return found == rows_.end() ? nullptr : &found->second;
  }
  [[nodiscard]] bool contains(std::string_view key) const { return rows_.find(key) != rows_.end(); }
  [[nodiscard]] const std::map<std::string, T, std::less<>>& rows() const { return rows_; }
  [[nodiscard]] std::size_t size() const { return rows_.size(); }
  // Another one after each change, also one that was undone.
  [[nodiscard]] std::uint64_t version() const { return version_; }

  void watch(Changes& changes) {
    watchers_.push_back(&changes);
    for (const auto& [key, record] : rows_) changes.note(key);
  }

  // By reference, so that `key` may lie inside `record`.
  void put(const std::string& key, T&& record) {
    Change change{name_, scope_, key, to_json(record)};
    auto before = std::make_shared<std::optional<T>>();
    const auto [row, added] = rows_.try_emplace(change.key);
    if (!added) *before = std::move(row->second);
    row->second = std::move(record);
    remember(std::move(change), std::move(before));
  }
  void put(const std::string& key, const T& record) { put(key, T(record)); }

  // Changes a row in place through `change(T&)`. The row must exist.
  template <typename F>
  void modify(const std::string& key, F&& change) {
    T record = *find(key);
    change(record);
    put(key, std::move(record));
  }

  void erase(const std::string& key) {
    auto node = rows_.extract(key);
    if (node.empty()) return;
    remember({name_, scope_, key, std::nullopt}, std::make_shared<std::optional<T>>(std::move(node.mapped())));
  }

 private:
  void changed(const std::string& key) {
    ++version_;
    for (Changes* watcher : watchers_) watcher->note(key);
  }
  void remember(Change change, std::shared_ptr<std::optional<T>> before) {
    std::string key = change.key;
    changed(key);
    store_.record(std::move(change), [this, key = std::move(key), before = std::move(before)] {
      changed(key);
      if (*before)
        rows_.insert_or_assign(key, **std::move(before));
      else
        rows_.erase(key);
    });
  }

  Store& store_;
  std::string name_, scope_;
  std::map<std::string, T, std::less<>> rows_;
  std::vector<Changes*> watchers_;
  std::uint64_t version_ = 0;
};

}  // namespace brume::store
