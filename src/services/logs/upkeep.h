// What has to go, goes: events that are older than their group keeps them, and all that deleted groups had.
//
// A deleted group is written down in the transaction that deletes it, and crossed out once the event store has let go
// of it; so a crash in between leaves nothing behind. Looks each minute and after each deletion.
#pragma once

#include <memory>
#include <vector>

#include "env/aside.h"
#include "logstore/event_store.h"
#include "services/common/context.h"
#include "services/logs/group.h"
#include "store/table.h"

namespace brume::logs {

// Key: the group's id.
struct RemovalRecord {
  std::int64_t id = 0;
};

}  // namespace brume::logs

BRUME_RECORD(brume::logs::RemovalRecord, id)

namespace brume::logs {

class Upkeep {
 public:
  Upkeep(services::Context context, logstore::EventStore& store, const store::Table<GroupRecord>& groups,
         env::Aside aside);
  Result<void> load() { return removals_.load(); }
  void start() { look(); }
  // In the transaction that deletes it.
  void remove(std::int64_t group);

 private:
  struct Job {
    std::vector<std::int64_t> removed;
    std::vector<std::pair<std::int64_t, std::int64_t>> expiring;  // group, and what is older than this
    std::vector<std::string> errors;
  };
  void look();
  void done(const Job& job);

  services::Context context_;
  logstore::EventStore& store_;
  const store::Table<GroupRecord>& groups_;
  env::Aside aside_;
  store::Table<RemovalRecord> removals_;
  bool busy_ = false, again_ = false;
  env::Loop::TimerId timer_ = 0;
};

}  // namespace brume::logs
