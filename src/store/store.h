// Durable state: typed tables over one transaction log.
//
// All of a table is in memory; what changes is written through to the backend when the outermost transaction ends, in
// one commit. Invariant: memory and backend never differ outside a transaction: a transaction whose function fails, or
// whose commit fails, leaves neither changed. Used on the state loop only.
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <type_traits>
#include <vector>

#include "base/result.h"

namespace brume::store {

struct Row {
  std::string key, value;
};

struct Change {
  std::string table, scope, key;
  std::optional<std::string> value;  // none: the row is erased
};

// Where bytes live. Implementations: SqliteBackend (sqlite_backend.h), MemoryBackend (memory_backend.h).
class Backend {
 public:
  virtual ~Backend() = default;
  virtual Result<std::vector<Row>> load(const std::string& table, const std::string& scope) = 0;
  // All or nothing; on disk when it returns. Errors: InsufficientStorage, InternalFailure.
  virtual Result<void> commit(const std::vector<Change>& changes) = 0;
  // The scopes (regions; "" for what is global) that have rows.
  virtual Result<std::vector<std::string>> scopes() = 0;
};

class Store {
 public:
  explicit Store(Backend& backend) : backend_(backend) {}
  Store(const Store&) = delete;
  Store& operator=(const Store&) = delete;

  // Runs `function`, which returns a Result, as a transaction. Within another it joins it: a failure undoes what this
  // one did, success is durable when the outermost ends.
  template <typename F>
  std::invoke_result_t<F> transact(F&& function) {
    const std::size_t mark = undo_.size();
    ++depth_;
    auto result = function();
    --depth_;
    if (!result) {
      roll_back(mark);
    } else if (depth_ == 0) {
      if (auto committed = commit(); !committed) return std::unexpected(std::move(committed).error());
    }
    return result;
  }

  // Runs `task` once the transaction under way is durable, never if it is undone.
  void after_commit(std::function<void()> task);

  [[nodiscard]] Backend& backend() { return backend_; }

  // For Table: records a change and how to undo it. There must be a transaction.
  void record(Change change, std::function<void()> undo);

 private:
  void roll_back(std::size_t mark);
  Result<void> commit();

  struct Step {
    std::optional<Change> change;
    std::function<void()> undo;
    std::function<void()> after_commit;
  };
  Backend& backend_;
  std::vector<Step> undo_;
  int depth_ = 0;
};

}  // namespace brume::store
