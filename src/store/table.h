// A typed table of described records (base/reflect.h), by string key, in one scope (a region, or "" for what is
// global).
//
// Reading gives references into memory, valid until the row is next changed. Writing needs a transaction
// (Store::transact). Iteration is in key order.
#pragma once

#include <map>
#include <memory>
#include <string>
#include <utility>

#include "base/json.h"
#include "store/store.h"

namespace brume::store {

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
  void remember(Change change, std::shared_ptr<std::optional<T>> before) {
    std::string key = change.key;
    store_.record(std::move(change), [this, key = std::move(key), before = std::move(before)] {
      if (*before)
        rows_.insert_or_assign(key, **std::move(before));
      else
        rows_.erase(key);
    });
  }

  Store& store_;
  std::string name_, scope_;
  std::map<std::string, T, std::less<>> rows_;
};

}  // namespace brume::store
