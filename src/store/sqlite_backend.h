// State in one SQLite file (mode 0600), write-ahead log, synchronous=FULL: a commit is on disk when it returns.
//
// One table, `records(tbl, scope, key, value)`, with JSON values, so that people can look with sqlite3; values that are
// not text (they have a NUL) are blobs. Only one process may have it open; a second is refused.
#pragma once

#include <memory>

#include "store/ranges.h"
#include "store/store.h"

struct sqlite3;
struct sqlite3_stmt;

namespace brume::store {

class SqliteBackend : public Backend, public Ranges {
 public:
  // Opens or makes the file. Errors: InternalFailure with what is wrong with it (not a database, in use, no
  // permission).
  static Result<std::unique_ptr<SqliteBackend>> open(const std::string& path);
  ~SqliteBackend() override;

  Result<std::vector<Row>> load(const std::string& table, const std::string& scope) override;
  Result<void> commit(const std::vector<Change>& changes) override;
  Result<std::vector<std::string>> scopes() override;
  Result<void> read(const std::string& table, const std::string& scope, const std::string& first,
                    const std::string& end, const Each& each) override;
  Result<std::vector<std::string>> keys(const std::string& table, const std::string& scope, const std::string& first,
                                        const std::string& end) override;

 private:
  explicit SqliteBackend(sqlite3* database) : database_(database) {}
  Result<void> execute(const char* sql);
  Result<sqlite3_stmt*> prepare(const char* sql);
  // The first column of the first row; none if there is no row.
  Result<std::optional<std::string>> step_one(sqlite3_stmt* statement);
  template <typename F>
  Result<void> step_range(sqlite3_stmt* statement, const std::string& table, const std::string& scope,
                          const std::string& first, const std::string& end, F&& row);
  [[nodiscard]] std::unexpected<Error> failure(std::string_view what) const;

  sqlite3* database_;
  sqlite3_stmt *load_ = nullptr, *put_ = nullptr, *erase_ = nullptr, *tables_ = nullptr, *scopes_ = nullptr,
               *read_ = nullptr, *keys_ = nullptr;
};

}  // namespace brume::store
