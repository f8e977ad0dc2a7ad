#include "store/sqlite_backend.h"

#include <fcntl.h>
#include <sqlite3.h>
#include <unistd.h>

namespace brume::store {
namespace {

void bind(sqlite3_stmt* statement, int index, const std::string& text) {
  sqlite3_bind_text(statement, index, text.data(), int(text.size()), SQLITE_STATIC);
}

std::string column(sqlite3_stmt* statement, int index) {
  const auto* text = reinterpret_cast<const char*>(sqlite3_column_text(statement, index));
  return text ? std::string(text, std::size_t(sqlite3_column_bytes(statement, index))) : std::string();
}

}  // namespace

Result<std::unique_ptr<SqliteBackend>> SqliteBackend::open(const std::string& path) {
  // SQLite gives its journal files the mode of the database file, so the mode is set before it sees it.
  const int fd = ::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600);
  if (fd >= 0) ::close(fd);
  sqlite3* database = nullptr;
  const int opened = sqlite3_open_v2(path.c_str(), &database, SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE, nullptr);
  std::unique_ptr<SqliteBackend> backend(new SqliteBackend(database));
  if (opened != SQLITE_OK) return backend->failure("open " + path);
  BRUME_CHECK(backend->execute("PRAGMA locking_mode=EXCLUSIVE"));
  BRUME_CHECK(backend->execute("PRAGMA journal_mode=WAL"));
  BRUME_CHECK(backend->execute("PRAGMA synchronous=FULL"));
  BRUME_CHECK(
      backend->execute("CREATE TABLE IF NOT EXISTS records (tbl TEXT NOT NULL, scope TEXT NOT NULL, key TEXT NOT NULL, "
                       "value TEXT NOT NULL, "
                       "PRIMARY KEY (tbl, scope, key)) WITHOUT ROWID"));
  BRUME_TRY(load, backend->prepare("SELECT key, value FROM records WHERE tbl = ? AND scope = ? ORDER BY key"));
  BRUME_TRY(put, backend->prepare("INSERT INTO records VALUES (?, ?, ?, ?) "
                                  "ON CONFLICT (tbl, scope, key) DO UPDATE SET value = excluded.value"));
  BRUME_TRY(erase, backend->prepare("DELETE FROM records WHERE tbl = ? AND scope = ? AND key = ?"));
  BRUME_TRY(scopes, backend->prepare("SELECT DISTINCT scope FROM records ORDER BY scope"));
  backend->load_ = load;
  backend->put_ = put;
  backend->erase_ = erase;
  backend->scopes_ = scopes;
  return backend;
}

SqliteBackend::~SqliteBackend() {
  for (sqlite3_stmt* statement : {load_, put_, erase_, scopes_}) sqlite3_finalize(statement);
  sqlite3_close(database_);
}

std::unexpected<Error> SqliteBackend::failure(std::string_view what) const {
  const int code = database_ ? sqlite3_errcode(database_) : SQLITE_NOMEM;
  const std::string reason = database_ ? sqlite3_errmsg(database_) : "out of memory";
  if (code == SQLITE_FULL)
    return std::unexpected(Error{"InsufficientStorage", "The disk is full; free some space and try again", 507});
  if (code == SQLITE_BUSY)
    return fail_internal("Cannot {}: another daemon has the state open; stop it, or use another state folder", what);
  return fail_internal("Cannot {}: {}", what, reason);
}

Result<void> SqliteBackend::execute(const char* sql) {
  if (sqlite3_exec(database_, sql, nullptr, nullptr, nullptr) != SQLITE_OK) return failure("use the state database");
  return {};
}

Result<sqlite3_stmt*> SqliteBackend::prepare(const char* sql) {
  sqlite3_stmt* statement = nullptr;
  if (sqlite3_prepare_v3(database_, sql, -1, SQLITE_PREPARE_PERSISTENT, &statement, nullptr) != SQLITE_OK)
    return failure("use the state database");
  return statement;
}

Result<std::vector<Row>> SqliteBackend::load(const std::string& table, const std::string& scope) {
  std::vector<Row> rows;
  bind(load_, 1, table);
  bind(load_, 2, scope);
  int step;
  while ((step = sqlite3_step(load_)) == SQLITE_ROW) rows.push_back({column(load_, 0), column(load_, 1)});
  sqlite3_reset(load_);
  if (step != SQLITE_DONE) return failure("read the state");
  return rows;
}

Result<void> SqliteBackend::commit(const std::vector<Change>& changes) {
  BRUME_CHECK(execute("BEGIN IMMEDIATE"));
  const auto abandon = [&] {
    auto error = failure("write the state");
    sqlite3_exec(database_, "ROLLBACK", nullptr, nullptr, nullptr);
    return error;
  };
  for (const Change& change : changes) {
    sqlite3_stmt* statement = change.value ? put_ : erase_;
    bind(statement, 1, change.table);
    bind(statement, 2, change.scope);
    bind(statement, 3, change.key);
    if (change.value) bind(statement, 4, *change.value);
    const int step = sqlite3_step(statement);
    sqlite3_reset(statement);
    if (step != SQLITE_DONE) return abandon();
  }
  if (sqlite3_exec(database_, "COMMIT", nullptr, nullptr, nullptr) != SQLITE_OK) return abandon();
  return {};
}

Result<std::vector<std::string>> SqliteBackend::scopes() {
  std::vector<std::string> found;
  int step;
  while ((step = sqlite3_step(scopes_)) == SQLITE_ROW) found.push_back(column(scopes_, 0));
  sqlite3_reset(scopes_);
  if (step != SQLITE_DONE) return failure("read the state");
  return found;
}

}  // namespace brume::store
