#include "store/sqlite_backend.h"

#include <fcntl.h>
#include <sqlite3.h>
#include <unistd.h>

#include <set>

namespace brume::store {
namespace {

void bind_text(sqlite3_stmt* statement, int index, const std::string& text) {
  sqlite3_bind_text(statement, index, text.data(), int(text.size()), SQLITE_STATIC);
}

// What SQL's functions and the shell do with text that has a NUL is undefined: such a value is a blob.
void bind_value(sqlite3_stmt* statement, int index, const std::string& value) {
  if (value.find('\0') == std::string::npos) return bind_text(statement, index, value);
  sqlite3_bind_blob(statement, index, value.data(), int(value.size()), SQLITE_STATIC);
}

// Until the statement's next step.
std::string_view column(sqlite3_stmt* statement, int index) {
  const auto* bytes = static_cast<const char*>(sqlite3_column_blob(statement, index));
  return bytes ? std::string_view(bytes, std::size_t(sqlite3_column_bytes(statement, index))) : std::string_view();
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
  // The next table, and the next scope of a table: DISTINCT would look at every row.
  BRUME_TRY(tables, backend->prepare("SELECT tbl FROM records WHERE tbl > ? ORDER BY tbl LIMIT 1"));
  BRUME_TRY(scopes, backend->prepare("SELECT scope FROM records WHERE tbl = ? AND scope >= ? ORDER BY scope LIMIT 1"));
  BRUME_TRY(read,
            backend->prepare("SELECT key, value FROM records WHERE tbl = ? AND scope = ? AND key >= ? AND key < ? "
                             "ORDER BY key"));
  BRUME_TRY(keys, backend->prepare("SELECT key FROM records WHERE tbl = ? AND scope = ? AND key >= ? AND key < ? "
                                   "ORDER BY key"));
  backend->load_ = load;
  backend->put_ = put;
  backend->erase_ = erase;
  backend->tables_ = tables;
  backend->scopes_ = scopes;
  backend->read_ = read;
  backend->keys_ = keys;
  return backend;
}

SqliteBackend::~SqliteBackend() {
  for (sqlite3_stmt* statement : {load_, put_, erase_, tables_, scopes_, read_, keys_}) sqlite3_finalize(statement);
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
  bind_text(load_, 1, table);
  bind_text(load_, 2, scope);
  int step;
  while ((step = sqlite3_step(load_)) == SQLITE_ROW)
    rows.push_back({std::string(column(load_, 0)), std::string(column(load_, 1))});
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
    bind_text(statement, 1, change.table);
    bind_text(statement, 2, change.scope);
    bind_text(statement, 3, change.key);
    if (change.value) bind_value(statement, 4, *change.value);
    const int step = sqlite3_step(statement);
    sqlite3_reset(statement);
    if (step != SQLITE_DONE) return abandon();
  }
  if (sqlite3_exec(database_, "COMMIT", nullptr, nullptr, nullptr) != SQLITE_OK) return abandon();
  return {};
}

Result<std::vector<std::string>> SqliteBackend::scopes() {
  std::set<std::string> found;
  std::string table;
  while (true) {
    bind_text(tables_, 1, table);
    BRUME_TRY(next_table, step_one(tables_));
    if (!next_table) return std::vector(found.begin(), found.end());
    table = *std::move(next_table);
    std::string scope;
    while (true) {
      bind_text(scopes_, 1, table);
      bind_text(scopes_, 2, scope);
      BRUME_TRY(next_scope, step_one(scopes_));
      if (!next_scope) break;
      found.insert(*next_scope);
      scope = *std::move(next_scope) + '\1';  // sorts right after it: scopes have no control characters
    }
  }
}

Result<std::optional<std::string>> SqliteBackend::step_one(sqlite3_stmt* statement) {
  const int step = sqlite3_step(statement);
  std::optional<std::string> value;
  if (step == SQLITE_ROW) value = column(statement, 0);
  sqlite3_reset(statement);
  if (step != SQLITE_ROW && step != SQLITE_DONE) return failure("read the state");
  return value;
}

Result<void> SqliteBackend::read(const std::string& table, const std::string& scope, const std::string& first,
                                 const std::string& end, const Each& each) {
  return step_range(read_, table, scope, first, end, [&] { each(column(read_, 0), column(read_, 1)); });
}

Result<std::vector<std::string>> SqliteBackend::keys(const std::string& table, const std::string& scope,
                                                     const std::string& first, const std::string& end) {
  std::vector<std::string> found;
  BRUME_CHECK(step_range(keys_, table, scope, first, end, [&] { found.emplace_back(column(keys_, 0)); }));
  return found;
}

template <typename F>
Result<void> SqliteBackend::step_range(sqlite3_stmt* statement, const std::string& table, const std::string& scope,
                                       const std::string& first, const std::string& end, F&& row) {
  bind_text(statement, 1, table);
  bind_text(statement, 2, scope);
  bind_text(statement, 3, first);
  bind_text(statement, 4, end);
  int step;
  while ((step = sqlite3_step(statement)) == SQLITE_ROW) row();
  sqlite3_reset(statement);
  if (step != SQLITE_DONE) return failure("read the state");
  return {};
}

}  // namespace brume::store
