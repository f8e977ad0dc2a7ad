// Where log events live: SQLite, RocksDB and LMDB doing what src/logstore asks of an engine, beside plain files.
//
//   log_engines_bench --folder FOLDER [--mib N]
//
// What the event store does, without its compression: journal rows, each commit on disk; every few rows are replaced by
// one block of a tenth of their size in one transaction; blocks are read; the older half of the blocks is dropped. The
// bytes are random, so no engine's own compression could help (it is off). Engines that were not there when this was
// built are left out. Prints a table; README.md of src/logstore says what followed from it.
#include <fcntl.h>
#include <sqlite3.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <functional>
#include <memory>
#include <random>

#include "arguments.h"
#include "env/fd.h"
#if __has_include(<lmdb.h>)
#include <lmdb.h>
#endif
#if __has_include(<rocksdb/db.h>)
#include <rocksdb/db.h>
#include <rocksdb/options.h>
#include <rocksdb/table.h>
#endif

namespace brume::bench {
namespace {

// Rows are numbered from 1 on. What returns is on disk.
class Engine {
 public:
  virtual ~Engine() = default;
  virtual void journal(std::uint64_t first, const std::vector<std::string_view>& rows) = 0;
  // The journal's rows up to `end` become the block.
  virtual void fold(std::uint64_t first, std::uint64_t end, std::uint64_t block, std::string_view bytes) = 0;
  virtual std::string block(std::uint64_t block) = 0;
  virtual void drop(std::uint64_t end) = 0;  // the blocks before `end`
};

void expect(bool fine, const char* what) {
  if (!fine) give_up(what);
}

class Sqlite : public Engine {
 public:
  explicit Sqlite(const std::string& folder) {
    expect(sqlite3_open((folder + "/log.db").c_str(), &database_) == SQLITE_OK, "cannot open SQLite");
    sql("PRAGMA page_size=16384; PRAGMA auto_vacuum=INCREMENTAL; PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL;"
        "CREATE TABLE journal (id INTEGER PRIMARY KEY, data BLOB); CREATE TABLE blocks (id INTEGER PRIMARY KEY, data "
        "BLOB)");
    put_row_ = prepare("INSERT INTO journal VALUES (?, ?)");
    put_block_ = prepare("INSERT INTO blocks VALUES (?, ?)");
    erase_ = prepare("DELETE FROM journal WHERE id >= ? AND id < ?");
    get_ = prepare("SELECT data FROM blocks WHERE id = ?");
  }
  ~Sqlite() override {
    for (sqlite3_stmt* statement : {put_row_, put_block_, erase_, get_}) sqlite3_finalize(statement);
    sqlite3_close(database_);
  }
  void journal(std::uint64_t first, const std::vector<std::string_view>& rows) override {
    sql("BEGIN IMMEDIATE");
    for (const std::string_view row : rows) put(put_row_, first++, row);
    sql("COMMIT");
  }
  void fold(std::uint64_t first, std::uint64_t end, std::uint64_t block, std::string_view bytes) override {
    sql("BEGIN IMMEDIATE");
    sqlite3_bind_int64(erase_, 1, std::int64_t(first));
    sqlite3_bind_int64(erase_, 2, std::int64_t(end));
    run(erase_);
    put(put_block_, block, bytes);
    sql("COMMIT");
  }
  std::string block(std::uint64_t block) override {
    sqlite3_bind_int64(get_, 1, std::int64_t(block));
    expect(sqlite3_step(get_) == SQLITE_ROW, "a block is missing");
    std::string out(static_cast<const char*>(sqlite3_column_blob(get_, 0)), std::size_t(sqlite3_column_bytes(get_, 0)));
    sqlite3_reset(get_);
    return out;
  }
  void drop(std::uint64_t end) override {
    sql(("DELETE FROM blocks WHERE id < " + std::to_string(end)).c_str());
    sql("PRAGMA incremental_vacuum");
    sql("PRAGMA wal_checkpoint(TRUNCATE)");
  }

 private:
  void sql(const char* text) {
    if (sqlite3_exec(database_, text, nullptr, nullptr, nullptr) != SQLITE_OK) give_up(sqlite3_errmsg(database_));
  }
  sqlite3_stmt* prepare(const char* text) {
    sqlite3_stmt* out = nullptr;
    expect(sqlite3_prepare_v2(database_, text, -1, &out, nullptr) == SQLITE_OK, "cannot prepare");
    return out;
  }
  static void put(sqlite3_stmt* statement, std::uint64_t key, std::string_view bytes) {
    sqlite3_bind_int64(statement, 1, std::int64_t(key));
    sqlite3_bind_blob(statement, 2, bytes.data(), int(bytes.size()), SQLITE_STATIC);
    run(statement);
  }
  static void run(sqlite3_stmt* statement) {
    expect(sqlite3_step(statement) == SQLITE_DONE, "cannot write to SQLite");
    sqlite3_reset(statement);
  }
  sqlite3* database_ = nullptr;
  sqlite3_stmt *put_row_, *put_block_, *erase_, *get_;
};

#if __has_include(<lmdb.h>)
class Lmdb : public Engine {
 public:
  explicit Lmdb(const std::string& folder) {
    check(mdb_env_create(&env_));
    check(mdb_env_set_mapsize(env_, std::size_t(64) << 30));
    check(mdb_env_set_maxdbs(env_, 2));
    check(mdb_env_open(env_, folder.c_str(), 0, 0600));
    begin();
    check(mdb_dbi_open(txn_, "journal", MDB_CREATE | MDB_INTEGERKEY, &journal_));
    check(mdb_dbi_open(txn_, "blocks", MDB_CREATE | MDB_INTEGERKEY, &blocks_));
    check(mdb_txn_commit(txn_));
  }
  ~Lmdb() override { mdb_env_close(env_); }
  void journal(std::uint64_t first, const std::vector<std::string_view>& rows) override {
    begin();
    for (const std::string_view row : rows) put(journal_, first++, row);
    check(mdb_txn_commit(txn_));
  }
  void fold(std::uint64_t first, std::uint64_t end, std::uint64_t block, std::string_view bytes) override {
    begin();
    for (; first < end; ++first) erase(journal_, first);
    put(blocks_, block, bytes);
    check(mdb_txn_commit(txn_));
  }
  std::string block(std::uint64_t block) override {
    check(mdb_txn_begin(env_, nullptr, MDB_RDONLY, &txn_));
    MDB_val key{sizeof block, &block}, value;
    check(mdb_get(txn_, blocks_, &key, &value));
    std::string out(static_cast<const char*>(value.mv_data), value.mv_size);
    mdb_txn_abort(txn_);
    return out;
  }
  void drop(std::uint64_t end) override {
    begin();
    for (std::uint64_t block = 1; block < end; ++block) erase(blocks_, block);
    check(mdb_txn_commit(txn_));
  }

 private:
  static void check(int status) { expect(status == 0, mdb_strerror(status)); }
  void begin() { check(mdb_txn_begin(env_, nullptr, 0, &txn_)); }
  void put(MDB_dbi in, std::uint64_t id, std::string_view bytes) {
    MDB_val key{sizeof id, &id}, value{bytes.size(), const_cast<char*>(bytes.data())};
    check(mdb_put(txn_, in, &key, &value, MDB_APPEND));
  }
  void erase(MDB_dbi in, std::uint64_t id) {
    MDB_val key{sizeof id, &id};
    check(mdb_del(txn_, in, &key, nullptr));
  }
  MDB_env* env_ = nullptr;
  MDB_txn* txn_ = nullptr;
  MDB_dbi journal_ = 0, blocks_ = 0;
};
#endif

#if __has_include(<rocksdb/db.h>)
class Rocks : public Engine {
 public:
  explicit Rocks(const std::string& folder) {
    rocksdb::Options options;
    options.create_if_missing = options.create_missing_column_families = true;
    options.compression = rocksdb::kNoCompression;
    rocksdb::ColumnFamilyOptions rows(options), blocks(options);
    blocks.enable_blob_files = blocks.enable_blob_garbage_collection = true;
    blocks.blob_garbage_collection_age_cutoff = 1.0;
    rocksdb::DB* database = nullptr;
    check(rocksdb::DB::Open(options, folder, {{"default", rows}, {"blocks", blocks}}, &families_, &database));
    database_.reset(database);
    durable_.sync = true;
  }
  ~Rocks() override {
    for (auto* family : families_) check(database_->DestroyColumnFamilyHandle(family));
  }
  void journal(std::uint64_t first, const std::vector<std::string_view>& rows) override {
    rocksdb::WriteBatch batch;
    for (const std::string_view row : rows)
      check(batch.Put(families_[0], key(first++), rocksdb::Slice(row.data(), row.size())));
    check(database_->Write(durable_, &batch));
  }
  void fold(std::uint64_t first, std::uint64_t end, std::uint64_t block, std::string_view bytes) override {
    rocksdb::WriteBatch batch;
    check(batch.DeleteRange(families_[0], key(first), key(end)));
    check(batch.Put(families_[1], key(block), rocksdb::Slice(bytes.data(), bytes.size())));
    check(database_->Write(durable_, &batch));
  }
  std::string block(std::uint64_t block) override {
    std::string out;
    check(database_->Get({}, families_[1], key(block), &out));
    return out;
  }
  void drop(std::uint64_t end) override {
    check(database_->DeleteRange(durable_, families_[1], key(0), key(end)));
    for (auto* family : families_) {
      check(database_->Flush({}, family));
      check(database_->CompactRange({}, family, nullptr, nullptr));
    }
  }

 private:
  static void check(const rocksdb::Status& status) { expect(status.ok(), status.ToString().c_str()); }
  static std::string key(std::uint64_t id) {
    std::string out(8, '\0');
    for (int i = 7; i >= 0; --i, id >>= 8) out[std::size_t(i)] = char(id & 0xFF);
    return out;
  }
  std::unique_ptr<rocksdb::DB> database_;
  std::vector<rocksdb::ColumnFamilyHandle*> families_;
  rocksdb::WriteOptions durable_;
};
#endif

// No index, no transaction, no checksum: what the machine itself costs.
class PlainFiles : public Engine {
 public:
  explicit PlainFiles(const std::string& folder) : folder_(folder) {}
  void journal(std::uint64_t, const std::vector<std::string_view>& rows) override {
    if (!journal_) journal_ = open_file("journal");
    std::string all;
    for (const std::string_view row : rows) all += row;
    write(journal_, all);
  }
  void fold(std::uint64_t, std::uint64_t, std::uint64_t block, std::string_view bytes) override {
    write(open_file(std::to_string(block)), bytes);
    std::filesystem::remove(folder_ + "/journal");
    journal_ = {};
  }
  std::string block(std::uint64_t block) override {
    std::ifstream file(folder_ + "/" + std::to_string(block), std::ios::binary);
    return {std::istreambuf_iterator<char>(file), {}};
  }
  void drop(std::uint64_t end) override {
    for (std::uint64_t block = 1; block < end; ++block) std::filesystem::remove(folder_ + "/" + std::to_string(block));
  }

 private:
  env::Fd open_file(const std::string& name) {
    return env::Fd(::open((folder_ + "/" + name).c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600));
  }
  static void write(const env::Fd& file, std::string_view bytes) {
    expect(::write(file.get(), bytes.data(), bytes.size()) == ssize_t(bytes.size()) && ::fdatasync(file.get()) == 0,
           "cannot write");
  }
  std::string folder_;
  env::Fd journal_;
};

double disk_mib(const std::string& folder) {
  double bytes = 0;
  for (const auto& file : std::filesystem::recursive_directory_iterator(folder))
    if (file.is_regular_file()) bytes += double(file.file_size());
  return bytes / (1 << 20);
}
double written_mib() {
  std::ifstream io("/proc/self/io");
  std::string name;
  double value = 0;
  while (io >> name >> value)
    if (name == "write_bytes:") return value / (1 << 20);
  return 0;
}

struct Load {
  const char* name;
  std::size_t row, rows_a_commit, commits_a_block;
};

void measure(const std::string& name, const std::string& folder, const Load& load, double mib,
             const std::function<std::unique_ptr<Engine>(const std::string&)>& make) {
  std::filesystem::remove_all(folder);
  std::filesystem::create_directories(folder);
  std::unique_ptr<Engine> engine = make(folder);
  std::string bytes(std::size_t(4) << 20, '\0');
  std::mt19937_64 random(1);
  for (std::size_t i = 0; i < bytes.size(); i += 8) {
    const std::uint64_t value = random();
    std::memcpy(bytes.data() + i, &value, 8);
  }
  const auto piece = [&](std::size_t size) {
    return std::string_view(bytes).substr(random() % (bytes.size() - size), size);
  };
  const std::size_t folded = load.row * load.rows_a_commit * load.commits_a_block;
  const auto blocks = std::uint64_t(mib * (1 << 20) / double(folded));
  std::uint64_t row = 1;
  double cpu = own_cpu_ms();
  const double disk_before = written_mib();
  std::vector<double> commits;
  const Stopwatch whole;
  for (std::uint64_t block = 1; block <= blocks; ++block) {
    const std::uint64_t first = row;
    for (std::size_t commit = 0; commit < load.commits_a_block; ++commit) {
      std::vector<std::string_view> rows;
      for (std::size_t i = 0; i < load.rows_a_commit; ++i) rows.push_back(piece(load.row));
      const Stopwatch one;
      engine->journal(row, rows);
      commits.push_back(one.ms());
      row += load.rows_a_commit;
    }
    engine->fold(first, row, block, piece(std::min(bytes.size() / 2, folded / 10)));
  }
  const double wall = whole.ms(), used = own_cpu_ms() - cpu, written = written_mib() - disk_before;
  const double disk = disk_mib(folder);
  cpu = own_cpu_ms();
  double read = 0;
  for (int turn = 0; turn < 3; ++turn)
    for (std::uint64_t block = 1; block <= blocks; ++block) read += double(engine->block(block).size());
  const double reading = own_cpu_ms() - cpu;
  const double rss = memory_of(::getpid()).rss_mib;
  engine->drop(blocks / 2);
  const double total = double(blocks) * double(folded) / (1 << 20);
  print_row({name, load.name, fmt::format("{:.2f}", used / total), fmt::format("{:.0f}", total / wall * 1e3),
             fmt::format("{:.2f} / {:.2f}", median(commits), percentile(commits, 0.99)),
             fmt::format("{:.2f}", written / total), fmt::format("{:.0f}", read / (1 << 20) / reading * 1e3),
             fmt::format("{:.0f}", rss), fmt::format("{:.0f}, {:.0f}", disk, disk_mib(folder))});
  engine.reset();
  std::filesystem::remove_all(folder);
}

int run(const Arguments& arguments) {
  const std::string folder = arguments.get("folder") + "/engine";
  const double mib = std::stod(arguments.get("mib", "512"));
  std::puts(
      "| engine | rows | processor ms a MiB journaled | MiB/s | a commit, ms (p50 / p99) | MiB written a MiB | blocks "
      "read, "
      "MiB a processor s | rss, MiB | disk MiB, after half was dropped |\n|---|---|---|---|---|---|---|---|---|");
  for (const Load& load :
       {Load{"1 MiB", 1 << 20, 1, 4}, Load{"128 KiB", 1 << 17, 1, 32}, Load{"100 of 300 bytes", 300, 100, 200}}) {
    const double size = load.row < 1000 ? mib / 8 : mib;
    measure("plain files", folder, load, size, [](const std::string& f) { return std::make_unique<PlainFiles>(f); });
    measure("SQLite", folder, load, size, [](const std::string& f) { return std::make_unique<Sqlite>(f); });
#if __has_include(<lmdb.h>)
    measure("LMDB", folder, load, size, [](const std::string& f) { return std::make_unique<Lmdb>(f); });
#endif
#if __has_include(<rocksdb/db.h>)
    measure("RocksDB", folder, load, size, [](const std::string& f) { return std::make_unique<Rocks>(f); });
#endif
  }
  return 0;
}

}  // namespace
}  // namespace brume::bench

int main(int argc, char** argv) {
  return brume::bench::run(brume::bench::Arguments(argc, argv));
}
