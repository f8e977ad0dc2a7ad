// Log events, durable and compressed: groups of streams of events, read in the order of their times.
//
// An append is on disk when it returns, or has not happened. It is a row of a journal first (journal_row.h); `maintain`
// folds rows into large blocks of one group in time order (block.h). One SQLite file holds both, and one process has it
// open. Every call may block, and may be made from any thread.
//
// Knows nothing of AWS's limits: that a timestamp is recent, a message valid UTF-8 and a batch small is for the caller
// to check. Groups are numbers here, made by their first stream; their names, retention and tags are the caller's.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "logstore/event.h"

namespace brume::logstore {

struct StreamInfo {
  std::string name;
  std::int64_t creation = 0;
  // Of all events that were ever appended; they do not move when old events go. Absent: none was.
  std::optional<std::int64_t> first_event, last_event, last_ingestion;
  std::uint64_t stored_bytes = 0;  // of the events still here: a message's bytes and 26 each
  std::uint64_t events = 0;        // still here
};

enum class StreamOrder {
  name,
  last_event,  // those without events come first; of equal times, by name
};

// A stream's place in an order.
struct StreamPlace {
  std::optional<std::int64_t> last_event;  // only for StreamOrder::last_event
  std::string name;
};

struct StreamQuery {
  GroupId group = 0;
  std::string prefix;  // of the names; empty: all
  StreamOrder order = StreamOrder::name;
  bool descending = false;
  std::optional<StreamPlace> after;  // goes on behind it, in the order that is asked for
  std::size_t limit = 50;
};

struct StreamPage {
  std::vector<StreamInfo> streams;
  std::optional<StreamPlace> next;  // `after` for the next page; absent: that was all
};

struct Appended {
  bool repeated = false;       // the token said that these events are here already; nothing was added
  std::uint64_t first_id = 0;  // in the order of their times the events have this id and the next ones; 0 if repeated
};

// What to visit: the events of one group in [from, to).
struct Read {
  GroupId group = 0;
  std::vector<std::string> streams;  // empty: all. A name that is no stream has no events
  std::string stream_prefix;         // and whose names begin so
  std::int64_t from = 0, to = 0;
  bool backward = false;
  std::optional<Position> after;  // goes on strictly behind it: later ones, or earlier ones if `backward`
  // Only events with an id above the one and, unless that is 0, up to the other: what was appended in a while.
  std::uint64_t above_id = 0, up_to_id = 0;
  std::string needle;            // only events whose message has these bytes are visited; empty: all
  std::uint64_t scan_limit = 0;  // stops after about so many bytes of messages were looked at (some MiB more); 0: none
};

struct Scanned {
  std::uint64_t bytes = 0, events = 0;  // looked at: in the streams and times of the read, with or without the needle
  // Where it stopped, as `after` of what goes on: the last event visited where the visitor said stop, or up to where
  // everything was looked at where `scan_limit` did. Absent: all was visited.
  std::optional<Position> stopped;
  // Parts of the store that could not be read (a bad checksum) and were passed over: their events are missing here.
  std::uint64_t damaged = 0;
};

struct Dropped {
  GroupId group = 0;
  std::uint64_t events = 0, bytes = 0;           // bytes as in StreamInfo
  std::int64_t first_event = 0, last_event = 0;  // times of the oldest and the newest that went
};

struct Maintained {
  std::uint64_t folded_events = 0, rewritten_events = 0;  // from the journal into blocks; from blocks into others
  std::vector<Dropped> dropped;                           // for the disk budget, one entry a group
  std::uint64_t damaged = 0;  // parts found unreadable, since the last call; they are kept, and passed over
};

struct Usage {
  std::uint64_t stored_bytes = 0, events = 0;  // as in StreamInfo
  std::uint64_t disk_bytes = 0;                // of its blocks and journal rows; in all: of the files
  std::uint64_t streams = 0;
};

struct Options {
  std::string path;               // of the file, in a folder that exists; beside it are <path>-wal, -shm and .lock
  std::uint64_t disk_budget = 0;  // bytes; `maintain` keeps the files about there. 0: none
  // Text of a block, and of a group's journal before it is folded. An append that finds four times as much folds
  // itself.
  std::uint64_t block_bytes = std::uint64_t(4) << 20, fold_bytes = std::uint64_t(8) << 20;
  std::uint64_t section_bytes = std::uint64_t(256) << 10;  // text of a block's streams that are read together
  std::size_t fold_rows = 2048;                            // of a group's journal, likewise
  std::size_t journal_rows = 1 << 16;                      // of all groups; the largest are folded then
};

struct State;
class Appends;
class Upkeep;

class EventStore {
 public:
  // Opens or makes the file. Errors: InternalFailure with what is wrong with it (not a store, in use, no permission).
  static Result<std::unique_ptr<EventStore>> open(Options options);
  ~EventStore();

  // Errors of all that write: InsufficientStorage (507) if the disk is full; nothing was changed, and the next call may
  // succeed.

  // Makes the group if it is not there. Errors: ResourceAlreadyExistsException.
  Result<void> create_stream(GroupId group, const std::string& name, std::int64_t now);
  // Its events are not seen any more; their space is free after a later `maintain`, at the latest when they expire.
  // Errors: ResourceNotFoundException.
  Result<void> delete_stream(GroupId group, const std::string& name);
  // The same for all that the group has. One that is not there is not an error.
  Result<void> delete_group(GroupId group);
  StreamPage streams(const StreamQuery& query) const;
  std::optional<StreamInfo> stream(GroupId group, const std::string& name) const;
  // Of the newest event that was ever appended to the group: ids rise in the order of appending. All events up to it
  // are on disk. 0: there was none.
  std::uint64_t last_id(GroupId group) const;

  // On disk when it returns; all or none. `token` names this very batch (at most 128 bytes; empty: has no name): if it
  // is among the newest 256 of the stream, nothing is added. Appends at the same time share a commit. Errors:
  // ResourceNotFoundException if there is no such stream and `create_stream` is false; InvalidParameterException for no
  // events, more than 65,536 or 32 MiB, an empty message, a time before 0 or after 2^60.
  Result<Appended> append(GroupId group, const std::string& stream, std::span<const NewEvent> events,
                          std::int64_t ingestion, std::string_view token, bool create_stream);

  // Calls `visitor` in the order of (timestamp, id), or the reverse, until it says false. What is appended meanwhile
  // may be seen or not; nothing is seen twice or out of order. The visitor may call the store, but not for long: memory
  // of some blocks is held.
  Result<Scanned> visit(const Read& read, const std::function<bool(const Event&)>& visitor);
  Result<std::optional<OwnedEvent>> find(GroupId group, Position position);

  // Events that are here now and older than this are not seen any more.
  Result<void> expire(GroupId group, std::int64_t older_than);
  // Folds, merges, frees what was deleted or expired, and keeps to the disk budget: of all groups, the blocks whose
  // newest event is oldest go first. To be called each second or so; one call works at a time.
  Result<Maintained> maintain(std::int64_t now);

  Usage usage(GroupId group) const;
  Usage usage() const;

 private:
  explicit EventStore(std::unique_ptr<State> state);

  std::unique_ptr<State> state_;
  std::unique_ptr<Upkeep> upkeep_;
  std::unique_ptr<Appends> appends_;
};

}  // namespace brume::logstore
