// The SQLite file of the event store: tables and statements, nothing of what they mean.
//
// Write-ahead log, synchronous=FULL: a commit is on disk when it returns, and a torn one is not there. One connection
// writes; each reader has its own and never waits for the writer. Changes are made in a Transaction; whoever calls
// holds the store's `writing` lock. Errors: InsufficientStorage for a full disk, InternalFailure otherwise.
#pragma once

#include <functional>
#include <mutex>

#include "env/fd.h"
#include "logstore/block_reader.h"
#include "logstore/connection.h"
#include "logstore/index.h"

namespace brume::logstore {

// What a start reads.
struct Loaded {
  std::function<void(GroupId, GroupFacts&&, bool deleted)> group;
  // `applied`: the last journal row whose events are in the facts.
  std::function<void(GroupId, Stream&&, std::uint64_t applied)> stream;
  std::function<void(RowHead&&, std::uint32_t disk_bytes)> row;  // by id
  std::function<void(GroupId, const BlockHead&)> block;
  std::function<void(std::uint64_t row, std::uint64_t block)> next;
};

struct FileSizes {
  std::uint64_t used = 0, free = 0, log = 0;  // bytes: pages in use and not, the write-ahead log
};

class Database {
 public:
  static Result<std::unique_ptr<Database>> open(const std::string& path);

  Result<void> load(const Loaded& into);

  // For a change that adds about so many bytes, and for one that frees some. The log can become short only while the
  // disk has room for what it adds to the file: so what adds is refused (InsufficientStorage) while there is some left,
  // and what frees may use it.
  Result<Transaction> begin_adding(std::uint64_t bytes);
  Result<Transaction> begin_freeing();
  Result<void> put_group(GroupId group, const GroupFacts& facts, bool deleted = false);
  Result<void> erase_group(GroupId group);  // its own row and those of its streams
  Result<void> put_stream(GroupId group, const Stream& stream, const StreamFacts& facts, std::uint64_t applied);
  Result<void> erase_stream(GroupId group, std::uint32_t number);
  Result<void> put_row(const RowHead& head, std::string_view body);
  Result<void> erase_row(std::uint64_t id);
  Result<void> put_block(GroupId group, const BlockHead& head, std::string_view bytes);
  Result<void> erase_block(std::uint64_t id);
  // The next row's and block's number: none is used again when the newest are gone.
  Result<void> put_next(std::uint64_t row, std::uint64_t block);

  // Gives up to so many free pages back to the disk; a transaction of its own.
  Result<void> give_back(int pages);
  // Moves the write-ahead log into the file and makes it short, if no reader is in the way.
  Result<void> checkpoint();
  Result<FileSizes> sizes();
  static constexpr std::uint64_t kPage = 16384;

  // For readers, from any thread. Absent: there is no such row (any more).
  class Reader;
  Result<Reader> reader();

 private:
  Database(std::string path, std::unique_ptr<Connection> writer) : path_(std::move(path)), writer_(std::move(writer)) {}
  [[nodiscard]] std::uint64_t log_bytes() const;
  Result<Transaction> begin();
  Result<bool> has_room(std::uint64_t bytes);
  static Result<std::unique_ptr<Connection>> connect(const std::string& path, bool writer);

  std::string path_;
  env::Fd lock_;
  std::unique_ptr<Connection> writer_;
  std::mutex readers_lock_;
  std::vector<std::unique_ptr<Connection>> readers_;  // not in use
};

class Database::Reader {
 public:
  Reader(Database& database, std::unique_ptr<Connection> connection)
      : database_(&database), connection_(std::move(connection)) {}
  Reader(Reader&&) noexcept = default;
  Reader& operator=(Reader&&) = delete;
  ~Reader();  // gives the connection back

  Result<std::optional<std::string>> row(std::uint64_t id);
  // A block's bytes as they are now, which this holds a transaction for; they may not outlive the reader.
  Result<std::optional<BlockBytes>> block(std::uint64_t id);

 private:
  Database* database_;
  std::unique_ptr<Connection> connection_;
};

}  // namespace brume::logstore
