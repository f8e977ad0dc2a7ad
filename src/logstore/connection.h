// A connection to an SQLite file and its transactions, as far as the log store needs them.
//
// Errors: InsufficientStorage for a full disk, InternalFailure otherwise.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>
#include <unordered_map>
#include <utility>

#include "base/result.h"

struct sqlite3;
struct sqlite3_stmt;

namespace brume::logstore {

std::unexpected<Error> disk_full();

void bind(sqlite3_stmt* statement, int index, std::uint64_t value);
void bind(sqlite3_stmt* statement, int index, std::int64_t value);
void bind(sqlite3_stmt* statement, int index, std::uint32_t value);
void bind(sqlite3_stmt* statement, int index, bool value);
void bind(sqlite3_stmt* statement, int index, std::string_view bytes);  // which stay until the step
void bind(sqlite3_stmt* statement, int index, std::optional<std::int64_t> value);

// One connection to the file, used by one thread at a time.
class Connection {
 public:
  explicit Connection(sqlite3* database) : database_(database) {}
  ~Connection();
  Connection(const Connection&) = delete;
  Connection& operator=(const Connection&) = delete;

  Result<void> execute(const char* sql);
  // The statement of this text, made when first asked for; the text is a literal.
  Result<sqlite3_stmt*> statement(const char* sql);
  // Binds the values (from 1 on), does the step of a statement that has no rows, and resets it.
  template <typename... Values>
  Result<void> run(const char* sql, Values... values) {
    BRUME_TRY(made, statement(sql));
    [[maybe_unused]] int index = 0;
    (bind(made, ++index, values), ...);
    return finish(made);
  }
  Result<void> finish(sqlite3_stmt* statement);
  [[nodiscard]] std::unexpected<Error> failure(std::string_view what) const;
  [[nodiscard]] sqlite3* get() const { return database_; }

 private:
  sqlite3* database_;
  std::unordered_map<const char*, sqlite3_stmt*> statements_;
};

// Rolled back when it goes without a commit, or if that fails.
class Transaction {
 public:
  explicit Transaction(Connection& connection) : connection_(&connection) {}
  Transaction(Transaction&& other) noexcept : connection_(std::exchange(other.connection_, nullptr)) {}
  Transaction& operator=(Transaction&&) = delete;
  ~Transaction();
  Result<void> commit();

 private:
  Connection* connection_;
};

}  // namespace brume::logstore
