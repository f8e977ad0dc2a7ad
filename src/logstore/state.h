// What the parts of the store share, and its locks.
//
// `writing` is held by whoever changes something: while the change is written and until the index says so. `index_lock`
// is held for moments only, to read the index without `writing`, and to change it while holding both. `folding` is
// Upkeep's. Taken in the order folding, writing, index_lock.
#pragma once

#include <mutex>

#include "logstore/database.h"
#include "logstore/event_store.h"
#include "logstore/index.h"

namespace brume::logstore {

struct State {
  Options options;
  std::unique_ptr<Database> database;
  Index index;
  std::mutex writing;
  mutable std::mutex index_lock;
};

// New facts about streams, until their transaction is on disk. For who holds `writing`.
class StagedFacts {
 public:
  explicit StagedFacts(State& state) : state_(state) {}
  // To be changed; at first what they are now.
  StreamFacts& of(const std::shared_ptr<Stream>& stream);
  // Into the transaction under way. All committed rows are in the facts.
  Result<void> write(GroupId group);
  // Once it is on disk; the caller holds `index_lock`.
  void apply();

 private:
  State& state_;
  std::unordered_map<std::shared_ptr<Stream>, StreamFacts> facts_;
};

}  // namespace brume::logstore
