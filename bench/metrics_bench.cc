// A million metrics: what a sample costs, what they take in memory and on disk, how long a start and a query take.
//
//   metrics_bench --folder FOLDER [--series N] [--minutes N] [--instances N] [--hours N]
//
// In this process, on SQLite in FOLDER: calls of PutMetricData with 1,000 metrics each, as the wire's bytes (CBOR) that
// are read, validated and handled in a transaction; each minute has a sample of every metric. All that the store does
// by itself meanwhile (folding) is in the figures. Then (alone with `--series 0`) what Brume's own services put, for
// some hours of many instances. The peer is what one would write first: two tables of SQLite, of series and of samples,
// with the same journal mode and 1,000 samples a transaction; without a wire. Prints the tables.
#include <sqlite3.h>
#include <unistd.h>

#include <filesystem>

#include "arguments.h"
#include "aws/cbor.h"
#include "aws/protocol.h"
#include "aws/validate.h"
#include "env/sim.h"
#include "services/cloudwatch/metric_operations.h"
#include "services/cloudwatch/metric_tables.h"
#include "store/sqlite_backend.h"

namespace brume::bench {
namespace {

using cloudwatch::MetricOperations;

constexpr int kCall = 1000;  // metrics of a call
constexpr int kNames = 100;  // metrics of a host

class Metrics : public MetricOperations {
 public:
  using MetricOperations::load_metrics;
  using MetricOperations::MetricOperations;
  using MetricOperations::start_metrics;
};

// The store, started anew on what is in the folder.
struct Machine {
  explicit Machine(const std::string& folder)
      : backend(must(store::SqliteBackend::open(folder + "/state.db"))),
        metrics(services::Context{sim.env, store, hints, "eu-west-1"}, {.series = std::size_t(1) << 22}) {
    must(metrics.load_metrics());
  }

  void put(const std::string& bytes) {
    const aws::Operation& operation = *cloudwatch::model().find("PutMetricData");
    cloudwatch::PutMetricDataInput input;
    must(aws::read_cbor(*operation.input(), &input, bytes));
    must(aws::validate(aws::Protocol::rpc_v2_cbor, *operation.input(), &input));
    must(store.transact([&] { return metrics.PutMetricData({}, input); }));
  }

  env::SimEnv sim;
  std::unique_ptr<store::SqliteBackend> backend;
  store::Store store{*backend};
  services::Hints hints{sim.loop};
  Metrics metrics;
};

std::string host(int series) {
  return fmt::format("i-{:017x}", series / kNames);
}
std::string metric_name(int series) {
  return fmt::format("metric_{:02}", series % kNames);
}
double value(int series, int minute) {
  return double(series % 97) + 0.1 * minute;
}

// The bytes of a call that has a sample of `kCall` series.
std::string call_bytes(int first, int minute, Timestamp time) {
  cloudwatch::PutMetricDataInput input;
  input.Namespace = "Bench";
  for (int series = first; series < first + kCall; ++series) {
    cloudwatch::MetricDatum& datum = input.MetricData.emplace_back();
    datum.MetricName = metric_name(series);
    datum.Dimensions = {{"InstanceId", host(series)}};
    datum.Timestamp = time;
    datum.Value = value(series, minute);
    datum.Unit = "Percent";
  }
  return aws::write_cbor(shape_of<cloudwatch::PutMetricDataInput>(), &input);
}

double disk_mib(const std::string& folder) {
  double bytes = 0;
  for (const auto& file : std::filesystem::directory_iterator(folder)) bytes += double(file.file_size());
  return bytes / (1 << 20);
}

// Milliseconds that `work` takes; the median of several times.
template <typename F>
double time_of(int times, F&& work) {
  std::vector<double> all;
  for (int i = 0; i < times; ++i) {
    const Stopwatch watch;
    work(i);
    all.push_back(watch.ms());
  }
  return median(all);
}

void query(Machine& machine, int series) {
  const Timestamp now = machine.sim.clock.wall();
  const auto get = [&](int which, std::chrono::hours back, int period, bool extended) {
    cloudwatch::GetMetricStatisticsInput input;
    input.Namespace = "Bench";
    input.MetricName = metric_name(which);
    input.Dimensions = {{"InstanceId", host(which)}};
    input.StartTime = now - back;
    input.EndTime = now + std::chrono::minutes(10);
    input.Period = period;
    if (extended)
      input.ExtendedStatistics = {"p99"};
    else
      input.Statistics = {"Average"};
    if (must(machine.metrics.GetMetricStatistics({}, input)).Datapoints.empty()) give_up("no datapoints");
  };
  const int step = series / 51;
  print_row({"GetMetricStatistics, 3 hours by minute",
             fmt::format("{:.3f}", time_of(51, [&](int i) { get(i * step, std::chrono::hours(3), 60, false); }))});
  print_row({"p99, a day by 5 minutes",
             fmt::format("{:.3f}", time_of(51, [&](int i) { get(i * step, std::chrono::hours(24), 300, true); }))});
  print_row({"Average, 59 days by hour", fmt::format("{:.3f}", time_of(51, [&](int i) {
                                                       get(i * step, std::chrono::hours(24 * 59), 3600, false);
                                                     }))});
  const auto list = [&](const cloudwatch::ListMetricsInput& input) {
    if (must(machine.metrics.ListMetrics({}, input)).Metrics.empty()) give_up("no metrics");
  };
  cloudwatch::ListMetricsInput first, named, one;
  named.Namespace = "Bench";
  named.MetricName = "metric_42";
  one.Dimensions = {{"InstanceId", host(series / 2)}};
  print_row({"ListMetrics, the first 500", fmt::format("{:.3f}", time_of(11, [&](int) { list(first); }))});
  print_row({"ListMetrics of a name, the first 500", fmt::format("{:.3f}", time_of(11, [&](int) { list(named); }))});
  print_row({"ListMetrics of a dimension's value, all metrics looked at",
             fmt::format("{:.1f}", time_of(3, [&](int) { list(one); }))});
}

std::vector<std::string> row(const std::string& name, double samples, double wall, double cpu, double longest,
                             double memory, int series, double disk) {
  return {name,
          fmt::format("{:.0f}", samples / wall * 1e3),
          fmt::format("{:.2f}", cpu * 1e3 / samples),
          longest > 0 ? fmt::format("{:.1f}", longest) : "",
          memory > 0 ? fmt::format("{:.0f}", memory) : "",
          memory > 0 ? fmt::format("{:.0f}", memory * (1 << 20) / series) : "",
          fmt::format("{:.1f}", disk * (1 << 20) / samples)};
}

void measure(const std::string& folder, int series, int minutes) {
  std::puts(
      "| | samples a second | processor µs a sample | longest turn of the loop, ms | memory, MiB | bytes a metric | "
      "bytes on disk a sample |\n|---|---|---|---|---|---|---|");
  {
    const double before = memory_of(::getpid()).rss_mib;
    Machine machine(folder);
    double wall = 0, cpu = 0, longest = 0;
    for (int minute = 0; minute < minutes; ++minute) {
      for (int first = 0; first < series; first += kCall) {
        const std::string bytes = call_bytes(first, minute, machine.sim.clock.wall());
        const double used = own_cpu_ms();
        const Stopwatch watch;
        machine.put(bytes);
        const double put = watch.ms();
        const std::uint64_t tasks = machine.sim.loop.executed();
        machine.sim.loop.run_ready();
        const auto slices = double(std::max<std::uint64_t>(1, machine.sim.loop.executed() - tasks));
        wall += watch.ms();
        longest = std::max({longest, put, (watch.ms() - put) / slices});
        cpu += own_cpu_ms() - used;
      }
      machine.sim.loop.run_for(std::chrono::minutes(1));
      const double samples = double(series);
      print_row(row(fmt::format("minute {}", minute + 1), samples, wall, cpu, longest,
                    memory_of(::getpid()).rss_mib - before, series, disk_mib(folder) / (minute + 1)));
      wall = cpu = longest = 0;
    }
    must(machine.metrics.metric_store().fold_all());
  }
  const double before = memory_of(::getpid()).rss_mib;
  const Stopwatch started;
  Machine again(folder);
  const double load = started.ms();
  again.sim.loop.run_for(std::chrono::minutes(minutes));
  std::puts("\n| with them | ms |\n|---|---|");
  print_row({fmt::format("start, {} metrics (memory then {:.0f} MiB more)", again.metrics.metric_store().series(),
                         memory_of(::getpid()).rss_mib - before),
             fmt::format("{:.0f}", load)});
  query(again, series);
}

// --- Brume's own services ---

constexpr std::array<services::MetricDefinition, 12> kOwn{{{"AWS/EC2", "CPUUtilization", "Percent"},
                                                           {"AWS/EC2", "NetworkIn", "Bytes"},
                                                           {"AWS/EC2", "NetworkOut", "Bytes"},
                                                           {"AWS/EC2", "NetworkPacketsIn", "Count"},
                                                           {"AWS/EC2", "NetworkPacketsOut", "Count"},
                                                           {"AWS/EC2", "EBSReadBytes", "Bytes"},
                                                           {"AWS/EC2", "EBSWriteBytes", "Bytes"},
                                                           {"AWS/EC2", "EBSReadOps", "Count"},
                                                           {"AWS/EC2", "EBSWriteOps", "Count"},
                                                           {"AWS/EC2", "StatusCheckFailed", "Count"},
                                                           {"CWAgent", "mem_used_percent", "Percent"},
                                                           {"CWAgent", "mem_used", "Bytes"}}};

// Instances with basic monitoring, as EC2 publishes them: a batch each five minutes, of five values each, of which
// those of the first metric differ.
void measure_own(const std::string& folder, int instances, int hours) {
  Machine machine(folder);
  machine.metrics.start_metrics();
  std::vector<services::MetricSubject> subjects;
  for (int i = 0; i < instances; ++i) subjects.push_back({kOwn, {{"InstanceId", fmt::format("i-{:017x}", i)}}});
  double put = 0, folded = 0, samples = 0, longest = 0;
  for (int tick = 0; tick < hours * 12; ++tick) {
    const double before = own_cpu_ms();
    const Stopwatch watch;
    services::MetricBatch batch(machine.sim.clock.wall());
    std::array<std::pair<double, double>, 5> values;
    for (std::size_t i = 0; i < subjects.size(); ++i) {
      double sum = 0;
      for (std::size_t v = 0; v < values.size(); ++v) sum += values[v].first = double((i + v * 7) % 89) + 0.1 * tick;
      for (auto& value : values) value.second = 1;
      const auto [least, most] = std::ranges::minmax(values);
      batch.add(subjects[i], 0, sum, 5, least.first, most.first, values);
      for (std::size_t metric = 1; metric < kOwn.size(); ++metric) {
        const double value = double(metric * 1000 + i % 50 + std::size_t(tick));
        batch.add(subjects[i], metric, value * 5, 5, value, value, {});
      }
    }
    machine.metrics.put(batch);
    longest = std::max(longest, watch.ms());
    samples += double(batch.samples().size());
    const double there = own_cpu_ms();
    machine.sim.loop.run_for(std::chrono::minutes(5));
    put += there - before;
    folded += own_cpu_ms() - there;
  }
  std::puts(
      "\n| what Brume measures itself | samples | processor µs a sample to be put | to be folded | longest put, ms | "
      "bytes on disk a sample |\n|---|---|---|---|---|---|");
  print_row({fmt::format("{} instances, basic monitoring, {} h", instances, hours), fmt::format("{:.0f}", samples),
             fmt::format("{:.3f}", put * 1e3 / samples), fmt::format("{:.3f}", folded * 1e3 / samples),
             fmt::format("{:.1f}", longest), fmt::format("{:.1f}", disk_mib(folder) * (1 << 20) / samples)});
}

// --- the peer ---

void sql(sqlite3* database, const char* text) {
  if (sqlite3_exec(database, text, nullptr, nullptr, nullptr) != SQLITE_OK) give_up(sqlite3_errmsg(database));
}
sqlite3_stmt* statement(sqlite3* database, const char* text) {
  sqlite3_stmt* out = nullptr;
  if (sqlite3_prepare_v2(database, text, -1, &out, nullptr) != SQLITE_OK) give_up(sqlite3_errmsg(database));
  return out;
}
void text(sqlite3_stmt* into, int index, const std::string& value) {
  sqlite3_bind_text(into, index, value.data(), int(value.size()), SQLITE_TRANSIENT);
}

void measure_peer(const std::string& folder, int series, int minutes) {
  sqlite3* database = nullptr;
  if (sqlite3_open((folder + "/peer.db").c_str(), &database) != SQLITE_OK) give_up("cannot open the peer's database");
  sql(database,
      "PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL;"
      "CREATE TABLE series (id INTEGER PRIMARY KEY, namespace TEXT, name TEXT, dimensions TEXT, UNIQUE (namespace, "
      "name, dimensions));"
      "CREATE TABLE samples (series INTEGER, time INTEGER, unit TEXT, sum REAL, count REAL, minimum REAL, maximum "
      "REAL, "
      "PRIMARY KEY (series, time, unit)) WITHOUT ROWID");
  sqlite3_stmt* find = statement(database,
                                 "INSERT INTO series (namespace, name, dimensions) VALUES ('Bench', ?, ?) "
                                 "ON CONFLICT DO UPDATE SET name = name RETURNING id");
  sqlite3_stmt* put = statement(
      database,
      "INSERT INTO samples VALUES (?, ?, 'Percent', ?, 1, ?, ?) ON CONFLICT DO UPDATE SET sum = sum + excluded.sum, "
      "count = count + 1, minimum = min(minimum, excluded.minimum), maximum = max(maximum, excluded.maximum)");
  for (int minute = 0; minute < minutes; ++minute) {
    const double used = own_cpu_ms();
    const Stopwatch watch;
    double longest = 0;
    for (int first = 0; first < series; first += kCall) {
      const Stopwatch one;
      sql(database, "BEGIN IMMEDIATE");
      for (int which = first; which < first + kCall; ++which) {
        text(find, 1, metric_name(which));
        text(find, 2, "InstanceId=" + host(which));
        if (sqlite3_step(find) != SQLITE_ROW) give_up(sqlite3_errmsg(database));
        sqlite3_bind_int64(put, 1, sqlite3_column_int64(find, 0));
        sqlite3_reset(find);
        sqlite3_bind_int64(put, 2, 1'767'225'600 + minute * 60);
        for (int i = 3; i <= 5; ++i) sqlite3_bind_double(put, i, value(which, minute));
        if (sqlite3_step(put) != SQLITE_DONE) give_up(sqlite3_errmsg(database));
        sqlite3_reset(put);
      }
      sql(database, "COMMIT");
      longest = std::max(longest, one.ms());
    }
    print_row(row(fmt::format("tables of SQLite, minute {}", minute + 1), series, watch.ms(), own_cpu_ms() - used,
                  longest, 0, series, disk_mib(folder) / (minute + 1)));
  }
  sqlite3_finalize(find);
  sqlite3_finalize(put);
  sqlite3_close(database);
}

int run(const Arguments& arguments) {
  const std::string folder = arguments.get("folder");
  const int series = std::stoi(arguments.get("series", "1000000")) / kCall * kCall;
  const int minutes = std::stoi(arguments.get("minutes", "5"));
  for (const char* part : {"/brume", "/own", "/peer"}) std::filesystem::create_directories(folder + part);
  if (series > 0) measure(folder + "/brume", series, minutes);
  measure_own(folder + "/own", std::stoi(arguments.get("instances", "2500")), std::stoi(arguments.get("hours", "24")));
  if (series == 0) return 0;
  std::puts(
      "\n| | samples a second | processor µs a sample | longest transaction, ms | | | bytes on disk a sample "
      "|\n|---|---|---|---|---|---|---|");
  measure_peer(folder + "/peer", series, minutes);
  return 0;
}

}  // namespace
}  // namespace brume::bench

int main(int argc, char** argv) {
  return brume::bench::run(brume::bench::Arguments(argc, argv));
}
