// What happens to events after their append: rows are folded into blocks, blocks are merged, what nobody may see is
// freed, and the oldest blocks go when the disk budget is used up.
//
// Each step reads and compresses without a lock of the store and then is one transaction, in which events move from
// rows or blocks into other blocks, or go; the index follows. One thread works at a time (`folding`).
#pragma once

#include <map>
#include <set>

#include "logstore/state.h"

namespace brume::logstore {

class Upkeep {
 public:
  explicit Upkeep(State& state) : state_(state) {}

  // As EventStore::maintain.
  Result<Maintained> maintain(std::int64_t now);
  // Folds the group if its journal has become much too long, for who appends faster than `maintain` is called.
  Result<void> relieve(GroupId group);

 private:
  using GroupPtr = std::shared_ptr<Group>;
  // Events on their way into blocks, with what they are read from.
  struct Gathered;
  // How far the blocks of a group were looked through for events of deleted streams.
  struct Sweep {
    std::uint64_t deletions = 0, next = 0;
  };

  std::vector<GroupPtr> groups() const;
  std::vector<BlockHead> blocks_of(const Group& group) const;

  // fold.cc
  [[nodiscard]] bool due(const Group& group, std::int64_t now) const;
  Result<void> fold_due(std::int64_t now);
  Result<void> merge_due(const GroupPtr& group);
  Result<void> fold_largest();
  Result<void> fold(const GroupPtr& group);
  Result<void> merge(const GroupPtr& group, const std::vector<BlockHead>& blocks);
  Result<void> gather(Gathered& gathered, const Group& group, const PendingRow& row);
  Result<bool> gather(Gathered& gathered, const BlockHead& block);
  Result<void> replace(const GroupPtr& group, Gathered& gathered);

  // drop.cc
  Result<void> free_deleted_groups();
  Result<void> free_expired(const GroupPtr& group);
  Result<void> sweep(const GroupPtr& group);
  void note_dropped(const Group& group, const BlockHead& block);
  Result<void> keep_to_budget();
  Result<void> give_back();
  // Blocks go as they are; `account`: into what was dropped for the budget.
  Result<void> drop(const GroupPtr& group, const std::vector<BlockHead>& blocks, bool account);
  Result<void> drop_rows(const GroupPtr& group, const std::vector<PendingRow>& rows);

  State& state_;
  std::mutex folding_;  // of what follows
  Maintained done_;
  std::set<std::uint64_t> damaged_rows_, damaged_;  // those, and blocks, that cannot be read: left alone
  std::map<GroupId, Sweep> sweeps_;
};

}  // namespace brume::logstore
