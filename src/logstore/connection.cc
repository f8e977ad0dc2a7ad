#include "logstore/connection.h"

#include <sqlite3.h>

namespace brume::logstore {

std::unexpected<Error> disk_full() {
  return std::unexpected(Error{"InsufficientStorage", "The disk is full; free some space and try again", 507});
}

void bind(sqlite3_stmt* statement, int index, std::uint64_t value) {
  sqlite3_bind_int64(statement, index, std::int64_t(value));
}
void bind(sqlite3_stmt* statement, int index, std::int64_t value) {
  sqlite3_bind_int64(statement, index, value);
}
void bind(sqlite3_stmt* statement, int index, std::uint32_t value) {
  sqlite3_bind_int64(statement, index, value);
}
void bind(sqlite3_stmt* statement, int index, bool value) {
  sqlite3_bind_int(statement, index, value);
}
void bind(sqlite3_stmt* statement, int index, std::string_view bytes) {
  sqlite3_bind_blob64(statement, index, bytes.empty() ? "" : bytes.data(), bytes.size(), SQLITE_STATIC);
}
void bind(sqlite3_stmt* statement, int index, std::optional<std::int64_t> value) {
  if (value)
    sqlite3_bind_int64(statement, index, *value);
  else
    sqlite3_bind_null(statement, index);
}
Connection::~Connection() {
  for (const auto& [sql, statement] : statements_) sqlite3_finalize(statement);
  sqlite3_close(database_);
}

std::unexpected<Error> Connection::failure(std::string_view what) const {
  const int code = database_ ? sqlite3_extended_errcode(database_) : SQLITE_NOMEM;
  // The file of the readers' index cannot grow either when the disk is full.
  if ((code & 0xFF) == SQLITE_FULL || code == SQLITE_IOERR_SHMSIZE) return disk_full();
  return fail_internal("Cannot {}: {}", what, database_ ? sqlite3_errmsg(database_) : "out of memory");
}

Result<void> Connection::execute(const char* sql) {
  if (sqlite3_exec(database_, sql, nullptr, nullptr, nullptr) != SQLITE_OK) return failure("use the log store");
  return {};
}

Result<sqlite3_stmt*> Connection::statement(const char* sql) {
  sqlite3_stmt*& made = statements_[sql];
  if (!made && sqlite3_prepare_v3(database_, sql, -1, SQLITE_PREPARE_PERSISTENT, &made, nullptr) != SQLITE_OK)
    return failure("use the log store");
  return made;
}

Result<void> Connection::finish(sqlite3_stmt* statement) {
  const int step = sqlite3_step(statement);
  auto error = step == SQLITE_DONE ? Result<void>{} : failure("write the log store");
  sqlite3_reset(statement);
  return error;
}

Transaction::~Transaction() {
  // SQLite may have rolled back by itself, on a full disk.
  if (connection_ && !sqlite3_get_autocommit(connection_->get()))
    sqlite3_exec(connection_->get(), "ROLLBACK", nullptr, nullptr, nullptr);
}

Result<void> Transaction::commit() {
  if (sqlite3_get_autocommit(connection_->get()) != 0)
    return fail_internal("The log store's transaction was rolled back");
  BRUME_CHECK(connection_->run("COMMIT"));
  connection_ = nullptr;
  return {};
}

}  // namespace brume::logstore
