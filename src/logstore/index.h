// What the store knows in memory: the groups, their streams, and the heads of what is on disk.
//
// Changed only by who holds the store's `writing` lock, after the change is on disk, and under its `index` lock; so it
// may be read under either. What a visit needs of it (names, heads) it copies or shares.
#pragma once

#include <map>
#include <memory>
#include <optional>
#include <unordered_map>

#include "logstore/block.h"
#include "logstore/journal_row.h"

namespace brume::logstore {

constexpr std::uint64_t kEventBytes = 26;  // what an event is counted for besides its message
// Remembered of a stream, into which an agent may ship several files at a time, each with a batch under way.
constexpr std::size_t kTokens = 256;

struct StreamFacts {
  std::optional<std::int64_t> first_event, last_event, last_ingestion;
  std::uint64_t stored_bytes = 0, events = 0;
  std::vector<std::string> tokens;  // the newest last
};

struct Stream {
  std::uint32_t number = 0;
  std::string name;  // never changes: may be read without a lock
  std::int64_t creation = 0;
  StreamFacts facts;
};

struct PendingRow {
  std::uint64_t id = 0, first_id = 0;
  std::int64_t first = 0, last = 0, ingestion = 0;
  std::uint32_t stream = 0, events = 0, text_bytes = 0, disk_bytes = 0;
};

// Of a row that is on disk, `size` bytes there.
PendingRow pending(const RowHead& head, std::uint64_t size);
// What is needed of it to read the row.
RowHead head_of(const PendingRow& row, GroupId group);
// Takes the row's events into the facts.
void count(StreamFacts& facts, const RowHead& head);

// Events before `time` whose ids are below `id` have expired.
struct Cut {
  std::int64_t time = 0;
  std::uint64_t id = 0;
  bool operator==(const Cut&) const = default;
};

struct GroupFacts {
  std::uint64_t next_id = 1;  // of an event; on disk it may be behind the journal
  std::uint32_t next_stream = 1;
  bool sweep = false;     // blocks may have events of deleted streams
  std::vector<Cut> cuts;  // none says what another one says
};

struct Group {
  GroupId id = 0;
  GroupFacts facts;
  std::map<std::string, std::shared_ptr<Stream>, std::less<>> by_name;
  std::unordered_map<std::uint32_t, std::shared_ptr<Stream>> by_number;
  std::map<std::uint64_t, PendingRow> rows;                  // by id, which is the order of appending
  std::multimap<std::int64_t, BlockHead> blocks;             // by the time of the first event
  std::uint64_t deletions = 0;                               // of streams, since the start
  bool new_blocks = true, new_cuts = true;                   // since upkeep last looked at them
  std::uint64_t pending_bytes = 0;                           // text of the rows
  std::uint64_t disk_bytes = 0, events = 0, text_bytes = 0;  // of rows and blocks

  [[nodiscard]] bool expired(Position at) const {
    for (const Cut& cut : facts.cuts)
      if (at.timestamp < cut.time && at.id < cut.id) return true;
    return false;
  }
};

// What is still on disk of a group that was deleted.
struct Garbage {
  std::vector<std::uint64_t> rows, blocks;
};

struct Index {
  std::map<GroupId, std::shared_ptr<Group>> groups;
  std::map<GroupId, Garbage> deleted;
  std::uint64_t next_row = 1, next_block = 1;
  std::size_t pending_rows = 0;

  [[nodiscard]] Group* find(GroupId id) const {
    const auto found = groups.find(id);
    return found == groups.end() ? nullptr : found->second.get();
  }
  void add(Group& group, const PendingRow& row);
  void erase_row(Group& group, std::uint64_t row);
  void add(Group& group, const BlockHead& block);
  void erase_block(Group& group, const BlockHead& block);
};

}  // namespace brume::logstore
