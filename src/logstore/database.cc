#include "logstore/database.h"

#include <fcntl.h>
#include <sqlite3.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/statvfs.h>

#include "base/bytes.h"
#include "env/posix_error.h"

namespace brume::logstore {
namespace {

constexpr std::size_t kIdleReaders = 4;
constexpr std::uint64_t kRoom = std::uint64_t(2) << 20;     // left on a disk, for what frees
constexpr std::uint64_t kPlenty = std::uint64_t(64) << 20;  // no need to look closer

std::uint64_t number(sqlite3_stmt* statement, int index) {
  return std::uint64_t(sqlite3_column_int64(statement, index));
}
std::uint32_t small(sqlite3_stmt* statement, int index) {
  return std::uint32_t(sqlite3_column_int64(statement, index));
}
std::optional<std::int64_t> optional_number(sqlite3_stmt* statement, int index) {
  if (sqlite3_column_type(statement, index) == SQLITE_NULL) return {};
  return sqlite3_column_int64(statement, index);
}
std::string bytes_of(sqlite3_stmt* statement, int index) {
  const auto* bytes = static_cast<const char*>(sqlite3_column_blob(statement, index));
  return bytes ? std::string(bytes, std::size_t(sqlite3_column_bytes(statement, index))) : std::string();
}

std::string write_cuts(const std::vector<Cut>& cuts) {
  std::string out;
  for (const Cut& cut : cuts) {
    put_signed(out, cut.time);
    put_number(out, cut.id);
  }
  return out;
}
std::vector<Cut> read_cuts(std::string_view bytes) {
  std::vector<Cut> out;
  for (ByteReader in(bytes); !in.at_end();) {
    Cut cut{in.signed_number(), in.number()};
    if (in.failed) break;
    out.push_back(cut);
  }
  return out;
}
std::string write_tokens(const std::vector<std::string>& tokens) {
  std::string out;
  for (const std::string& token : tokens) put_text(out, token);
  return out;
}
std::vector<std::string> read_tokens(std::string_view bytes) {
  std::vector<std::string> out;
  for (ByteReader in(bytes); !in.at_end();) {
    std::string token(in.text());
    if (in.failed) break;
    out.push_back(std::move(token));
  }
  return out;
}

constexpr const char* kSchema =
    "CREATE TABLE IF NOT EXISTS log_groups (id INTEGER PRIMARY KEY, next_id INTEGER, next_stream INTEGER, sweep "
    "INTEGER, "
    "deleted INTEGER, cuts BLOB);"
    "CREATE TABLE IF NOT EXISTS streams (grp INTEGER, number INTEGER, name BLOB, creation INTEGER, first_event "
    "INTEGER, "
    "last_event INTEGER, last_ingestion INTEGER, stored_bytes INTEGER, events INTEGER, tokens BLOB, applied INTEGER, "
    "PRIMARY KEY (grp, number)) WITHOUT ROWID;"
    "CREATE TABLE IF NOT EXISTS journal (id INTEGER PRIMARY KEY, grp INTEGER, stream INTEGER, first_id INTEGER, "
    "events INTEGER, text_bytes INTEGER, first INTEGER, last INTEGER, ingestion INTEGER, token BLOB, size INTEGER, "
    "body BLOB);"
    // Heads and bytes apart, so that a start reads the heads alone.
    "CREATE TABLE IF NOT EXISTS blocks (id INTEGER PRIMARY KEY, grp INTEGER, first INTEGER, first_id INTEGER, "
    "last INTEGER, last_id INTEGER, least_id INTEGER, most_id INTEGER, events INTEGER, text_bytes INTEGER, "
    "disk_bytes INTEGER, streams INTEGER);"
    "CREATE TABLE IF NOT EXISTS block_bytes (id INTEGER PRIMARY KEY, bytes BLOB);"
    "CREATE TABLE IF NOT EXISTS next (id INTEGER PRIMARY KEY, next_row INTEGER, next_block INTEGER);";

}  // namespace

Result<std::unique_ptr<Connection>> Database::connect(const std::string& path, bool writer) {
  sqlite3* database = nullptr;
  const int flags = SQLITE_OPEN_NOMUTEX | (writer ? SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE : SQLITE_OPEN_READWRITE);
  const int opened = sqlite3_open_v2(path.c_str(), &database, flags, nullptr);
  auto connection = std::make_unique<Connection>(database);
  if (opened != SQLITE_OK) return connection->failure("open " + path);
  sqlite3_busy_timeout(database, 10'000);  // two connections find a log to recover, or one closes as the last
  if (!writer) {
    BRUME_CHECK(connection->execute("PRAGMA cache_size=-512; PRAGMA query_only=1"));
    return connection;
  }
  BRUME_CHECK(connection->execute("PRAGMA page_size=16384; PRAGMA auto_vacuum=INCREMENTAL"));  // of a new file
  BRUME_CHECK(connection->execute("PRAGMA journal_mode=WAL"));
  BRUME_CHECK(
      connection->execute("PRAGMA synchronous=FULL; PRAGMA cache_size=-4096; PRAGMA wal_autocheckpoint=512; PRAGMA "
                          "journal_size_limit=8388608"));
  BRUME_CHECK(connection->execute(kSchema));
  return connection;
}

Result<std::unique_ptr<Database>> Database::open(const std::string& path) {
  const std::string lock_path = path + ".lock";
  env::Fd lock(::open(lock_path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600));
  if (!lock) return env::posix_error("Cannot open", lock_path);
  if (::flock(lock.get(), LOCK_EX | LOCK_NB) != 0)
    return fail_internal("Cannot open {}: another daemon has the log store open; stop it, or use another state folder",
                         path);
  // SQLite gives its journal files the mode of the database file, so the mode is set before it sees it.
  // (Closed before, too: closing it later would end SQLite's own locks.)
  if (!env::Fd(::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600))) return env::posix_error("Cannot open", path);
  BRUME_TRY(writer, connect(path, true));
  std::unique_ptr<Database> database(new Database(path, std::move(writer)));
  database->lock_ = std::move(lock);
  return database;
}

Result<void> Database::load(const Loaded& into) {
  const auto each = [&](const char* sql, auto&& row) -> Result<void> {
    BRUME_TRY(statement, writer_->statement(sql));
    int step;
    while ((step = sqlite3_step(statement)) == SQLITE_ROW) row(statement);
    auto error = step == SQLITE_DONE ? Result<void>{} : writer_->failure("read the log store");
    sqlite3_reset(statement);
    return error;
  };
  BRUME_CHECK(each("SELECT id, next_id, next_stream, sweep, deleted, cuts FROM log_groups", [&](sqlite3_stmt* row) {
    into.group(number(row, 0), {number(row, 1), small(row, 2), number(row, 3) != 0, read_cuts(bytes_of(row, 5))},
               number(row, 4) != 0);
  }));
  BRUME_CHECK(
      each("SELECT grp, number, name, creation, first_event, last_event, last_ingestion, stored_bytes, events, "
           "tokens, applied FROM streams",
           [&](sqlite3_stmt* row) {
             Stream stream;
             stream.number = small(row, 1);
             stream.name = bytes_of(row, 2);
             stream.creation = sqlite3_column_int64(row, 3);
             stream.facts = {optional_number(row, 4), optional_number(row, 5), optional_number(row, 6),
                             number(row, 7),          number(row, 8),          read_tokens(bytes_of(row, 9))};
             into.stream(number(row, 0), std::move(stream), number(row, 10));
           }));
  BRUME_CHECK(
      each("SELECT id, grp, stream, first_id, events, text_bytes, first, last, ingestion, token, size "
           "FROM journal ORDER BY id",
           [&](sqlite3_stmt* row) {
             RowHead head;
             head.id = number(row, 0);
             head.group = number(row, 1);
             head.stream = small(row, 2);
             head.first_id = number(row, 3);
             head.events = small(row, 4);
             head.text_bytes = small(row, 5);
             head.first = sqlite3_column_int64(row, 6);
             head.last = sqlite3_column_int64(row, 7);
             head.ingestion = sqlite3_column_int64(row, 8);
             head.token = bytes_of(row, 9);
             into.row(std::move(head), small(row, 10));
           }));
  BRUME_CHECK(
      each("SELECT id, grp, first, first_id, last, last_id, least_id, most_id, events, text_bytes, disk_bytes, "
           "streams FROM blocks",
           [&](sqlite3_stmt* row) {
             BlockHead head;
             head.id = number(row, 0);
             head.first = {sqlite3_column_int64(row, 2), number(row, 3)};
             head.last = {sqlite3_column_int64(row, 4), number(row, 5)};
             head.least_id = number(row, 6);
             head.most_id = number(row, 7);
             head.events = small(row, 8);
             head.text_bytes = small(row, 9);
             head.disk_bytes = small(row, 10);
             head.streams = number(row, 11);
             into.block(number(row, 1), head);
           }));
  return each("SELECT next_row, next_block FROM next",
              [&](sqlite3_stmt* row) { into.next(number(row, 0), number(row, 1)); });
}

std::uint64_t Database::log_bytes() const {
  struct stat log{};
  return ::stat((path_ + "-wal").c_str(), &log) == 0 ? std::uint64_t(log.st_size) : 0;
}

Result<bool> Database::has_room(std::uint64_t bytes) {
  struct statvfs disk{};
  if (::statvfs(path_.c_str(), &disk) != 0) return true;  // writing will tell
  const std::uint64_t left = std::uint64_t(disk.f_bavail) * disk.f_frsize;
  if (left >= log_bytes() + 4 * bytes + kPlenty) return true;
  BRUME_TRY(now, sizes());
  struct stat file{};
  if (::stat(path_.c_str(), &file) != 0) return env::posix_error("Cannot look at", path_);
  const std::uint64_t whole = now.used + now.free;
  const std::uint64_t owed =
      whole - std::min(whole, std::uint64_t(file.st_size));  // what the log makes the file longer
  const std::uint64_t written = bytes + bytes / 4;
  const std::uint64_t grown = written > now.free ? written - now.free + kRoom : kRoom / 2;
  return left >= owed + written + grown;
}

Result<Transaction> Database::begin_adding(std::uint64_t bytes) {
  BRUME_TRY(room, has_room(bytes));
  if (!room) {
    BRUME_CHECK(checkpoint());
    BRUME_TRY(more, has_room(bytes));
    if (!more) return disk_full();
  }
  return begin();
}

Result<Transaction> Database::begin_freeing() {
  BRUME_TRY(room, has_room(0));
  if (!room) BRUME_CHECK(checkpoint());
  return begin();
}

Result<Transaction> Database::begin() {
  BRUME_CHECK(writer_->run("BEGIN IMMEDIATE"));
  return Transaction(*writer_);
}

Result<void> Database::put_group(GroupId group, const GroupFacts& facts, bool deleted) {
  const std::string cuts = write_cuts(facts.cuts);
  return writer_->run("INSERT OR REPLACE INTO log_groups VALUES (?, ?, ?, ?, ?, ?)", group, facts.next_id,
                      facts.next_stream, facts.sweep, deleted, std::string_view(cuts));
}

Result<void> Database::erase_group(GroupId group) {
  BRUME_CHECK(writer_->run("DELETE FROM streams WHERE grp = ?", group));
  return writer_->run("DELETE FROM log_groups WHERE id = ?", group);
}

Result<void> Database::put_stream(GroupId group, const Stream& stream, const StreamFacts& facts,
                                  std::uint64_t applied) {
  const std::string tokens = write_tokens(facts.tokens);
  return writer_->run("INSERT OR REPLACE INTO streams VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)", group, stream.number,
                      std::string_view(stream.name), stream.creation, facts.first_event, facts.last_event,
                      facts.last_ingestion, facts.stored_bytes, facts.events, std::string_view(tokens), applied);
}

Result<void> Database::erase_stream(GroupId group, std::uint32_t stream) {
  return writer_->run("DELETE FROM streams WHERE grp = ? AND number = ?", group, stream);
}

Result<void> Database::put_row(const RowHead& head, std::string_view body) {
  return writer_->run("INSERT INTO journal VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)", head.id, head.group,
                      head.stream, head.first_id, head.events, head.text_bytes, head.first, head.last, head.ingestion,
                      std::string_view(head.token), std::uint64_t(body.size()), body);
}

Result<void> Database::erase_row(std::uint64_t id) {
  return writer_->run("DELETE FROM journal WHERE id = ?", id);
}

Result<void> Database::put_block(GroupId group, const BlockHead& head, std::string_view bytes) {
  BRUME_CHECK(writer_->run("INSERT INTO blocks VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)", head.id, group,
                           head.first.timestamp, head.first.id, head.last.timestamp, head.last.id, head.least_id,
                           head.most_id, head.events, head.text_bytes, head.disk_bytes, head.streams));
  return writer_->run("INSERT INTO block_bytes VALUES (?, ?)", head.id, bytes);
}

Result<void> Database::erase_block(std::uint64_t id) {
  BRUME_CHECK(writer_->run("DELETE FROM blocks WHERE id = ?", id));
  return writer_->run("DELETE FROM block_bytes WHERE id = ?", id);
}

Result<void> Database::put_next(std::uint64_t row, std::uint64_t block) {
  return writer_->run("INSERT OR REPLACE INTO next VALUES (1, ?, ?)", row, block);
}

Result<void> Database::give_back(int pages) {
  // The pages that are moved are in the log first.
  BRUME_TRY(room, has_room(std::uint64_t(pages) * kPage));
  if (!room) BRUME_CHECK(checkpoint());
  // Each step frees a page, so it has to be stepped to its end, which sqlite3_exec does.
  return writer_->execute(fmt::format("PRAGMA incremental_vacuum({})", pages).c_str());
}

Result<void> Database::checkpoint() {
  int code = sqlite3_wal_checkpoint_v2(writer_->get(), nullptr, SQLITE_CHECKPOINT_TRUNCATE, nullptr, nullptr);
  if (code != SQLITE_OK && code != SQLITE_BUSY) return writer_->failure("write the log store");
  return {};
}

Result<FileSizes> Database::sizes() {
  const auto one = [&](const char* sql) -> Result<std::uint64_t> {
    BRUME_TRY(statement, writer_->statement(sql));
    const int step = sqlite3_step(statement);
    const std::uint64_t value = step == SQLITE_ROW ? number(statement, 0) : 0;
    auto error = step == SQLITE_ROW ? Result<std::uint64_t>(value) : writer_->failure("read the log store");
    sqlite3_reset(statement);
    return error;
  };
  BRUME_TRY(pages, one("PRAGMA page_count"));
  BRUME_TRY(free, one("PRAGMA freelist_count"));
  struct stat log{};
  const bool there = ::stat((path_ + "-wal").c_str(), &log) == 0;
  return FileSizes{(pages - free) * kPage, free * kPage, there ? std::uint64_t(log.st_size) : 0};
}

Result<Database::Reader> Database::reader() {
  {
    const std::lock_guard hold(readers_lock_);
    if (!readers_.empty()) {
      std::unique_ptr<Connection> connection = std::move(readers_.back());
      readers_.pop_back();
      return Reader(*this, std::move(connection));
    }
  }
  BRUME_TRY(connection, connect(path_, false));
  return Reader(*this, std::move(connection));
}

Database::Reader::~Reader() {
  if (!connection_) return;
  const std::lock_guard hold(database_->readers_lock_);
  if (database_->readers_.size() < kIdleReaders) database_->readers_.push_back(std::move(connection_));
}

Result<std::optional<std::string>> Database::Reader::row(std::uint64_t id) {
  BRUME_TRY(statement, connection_->statement("SELECT body FROM journal WHERE id = ?"));
  bind(statement, 1, id);
  const int step = sqlite3_step(statement);
  Result<std::optional<std::string>> out;
  if (step == SQLITE_ROW)
    out = bytes_of(statement, 0);
  else if ((step & 0xFF) == SQLITE_CORRUPT)
    out = std::string();  // which is nothing that can be read, as with bytes that are wrong
  else if (step != SQLITE_DONE)
    out = connection_->failure("read the log store");
  sqlite3_reset(statement);
  return out;
}

Result<std::optional<BlockBytes>> Database::Reader::block(std::uint64_t id) {
  sqlite3_blob* opened = nullptr;
  const int code = sqlite3_blob_open(connection_->get(), "main", "block_bytes", "bytes", sqlite3_int64(id), 0, &opened);
  const std::shared_ptr<sqlite3_blob> blob(opened, [](sqlite3_blob* of) { sqlite3_blob_close(of); });
  if (code == SQLITE_ERROR) return std::optional<BlockBytes>();  // there is no such row
  if ((code & 0xFF) == SQLITE_CORRUPT) return BlockBytes();      // nothing of it can be read
  if (code != SQLITE_OK) return connection_->failure("read the log store");
  const auto read = [connection = connection_.get(), blob](std::uint64_t offset,
                                                           std::uint64_t size) -> Result<std::string> {
    std::string out;
    bool whole = false;
    out.resize_and_overwrite(size, [&](char* to, std::size_t) {
      whole = sqlite3_blob_read(blob.get(), to, int(size), int(offset)) == SQLITE_OK;
      return whole ? size : 0;
    });
    if (!whole) return connection->failure("read the log store");
    return out;
  };
  return BlockBytes{std::uint64_t(sqlite3_blob_bytes(blob.get())), read};
}

}  // namespace brume::logstore
