// The event store of src/logstore: what an append, a scan and a stream cost, beside grep and zstdgrep on the same
// lines.
//
//   log_store_bench --folder FOLDER [--mib N] [--section-kib N]
//
// In this process, on a real disk. The lines are an access log in the combined format, some 200 bytes each: addresses,
// paths and browsers as unevenly spread as they are, sizes and times at random. Appends are batches of 5,000 lines (1
// MB), durable; what `maintain` does meanwhile, on a thread of its own, is in the figures. Prints the tables.
#include <malloc.h>
#include <sys/resource.h>
#include <sys/wait.h>

#include <atomic>
#include <cmath>
#include <condition_variable>
#include <filesystem>
#include <fstream>
#include <mutex>
#include <random>
#include <thread>

#include "arguments.h"
#include "logstore/event_store.h"

namespace brume::bench {
namespace {

using namespace logstore;

constexpr std::int64_t kStart = 1'767'225'600'000;
constexpr std::int64_t kEnd = std::int64_t(1) << 60;

class AccessLog {
 public:
  explicit AccessLog(unsigned seed) : random_(seed) {}

  std::string line(std::int64_t time) {
    static const char* const methods[] = {"GET", "GET", "GET", "GET", "GET", "GET", "POST", "HEAD"};
    static const char* const statuses[] = {"200", "200", "200", "200", "200", "200", "304", "304", "302", "404"};
    const std::uint64_t client = uneven(20'000) * 2'654'435'761U, page = uneven(3'000), browser = uneven(60);
    const std::time_t seconds = time / 1000;
    std::tm utc{};
    gmtime_r(&seconds, &utc);
    char when[40];
    std::strftime(when, sizeof when, "%d/%b/%Y:%H:%M:%S +0000", &utc);
    const bool error = below(2'000) == 0;
    return fmt::format(
        "{}.{}.{}.{} - - [{}] \"{} /{}/{}/{} HTTP/1.1\" {} {} \"https://www.example.com/{}/{}\" \"Mozilla/5.0 (X11; "
        "Linux x86_64; "
        "rv:{}.0) Gecko/20100101 Firefox/{}.0\" {:.3f}",
        client >> 24 & 255, client >> 16 & 255, client >> 8 & 255, client & 255, when, methods[below(8)],
        page % 3 ? "products" : "articles", page, below(10) == 0 ? below(1'000'000) : page * 17 % 997,
        error ? "503" : statuses[below(10)], uneven(60'000), page % 5 ? "search" : "category", uneven(500),
        70 + browser, 70 + browser, 0.001 * double(1 + uneven(2'000)));
  }

 private:
  std::uint64_t below(std::uint64_t end) { return random_() % end; }
  // Most are small: the logarithm is spread evenly.
  std::uint64_t uneven(std::uint64_t end) {
    return std::uint64_t(std::exp(std::uniform_real_distribution<>(0, std::log(double(end)))(random_)));
  }
  std::mt19937_64 random_;
};

// Batches of 5,000 lines, with the times of their events.
struct Batch {
  std::vector<std::string> lines;
  std::vector<NewEvent> events;
};

std::vector<Batch> make_batches(double mib, std::string& plain) {
  std::vector<Batch> out;
  AccessLog log(1);
  std::int64_t time = kStart;
  for (double bytes = 0; bytes < mib * (1 << 20);) {
    Batch& batch = out.emplace_back();
    for (int i = 0; i < 5000; ++i) {
      batch.lines.push_back(log.line(time += (i % 3)));
      bytes += double(batch.lines.back().size());
      (plain += batch.lines.back()) += '\n';
    }
    std::int64_t at = time - 5000;
    for (const std::string& line : batch.lines) batch.events.push_back({++at, line});
  }
  return out;
}

// Calls `maintain` each second, as the daemon does.
class Upkeeper {
 public:
  explicit Upkeeper(EventStore& store)
      : thread_([this, &store] {
          std::unique_lock hold(lock_);
          while (!changed_.wait_for(hold, std::chrono::seconds(1), [&] { return over_; })) must(store.maintain(kStart));
        }) {}
  ~Upkeeper() {
    {
      const std::lock_guard hold(lock_);
      over_ = true;
    }
    changed_.notify_all();
    thread_.join();
  }

 private:
  std::mutex lock_;
  std::condition_variable changed_;
  bool over_ = false;
  std::thread thread_;
};

std::uint64_t files_of(const std::string& folder) {
  std::uint64_t bytes = 0;
  for (const auto& file : std::filesystem::directory_iterator(folder)) bytes += file.file_size();
  return bytes;
}

void measure_appends(EventStore& store, const std::vector<Batch>& batches, int threads, double mib,
                     const std::string& name, GroupId group) {
  std::atomic<std::size_t> next = 0;
  std::mutex lock;
  std::vector<double> times;
  const double cpu = own_cpu_ms();
  const Stopwatch watch;
  {
    const Upkeeper upkeep(store);
    std::vector<std::thread> all;
    for (int i = 0; i < threads; ++i)
      all.emplace_back([&, i] {
        for (std::size_t at; (at = next++) < batches.size();) {
          const Stopwatch one;
          must(store.append(group, fmt::format("i-{}", i), batches[at].events, kStart, "", true));
          const std::lock_guard hold(lock);
          times.push_back(one.ms());
        }
      });
    for (std::thread& thread : all) thread.join();
  }
  const double wall = watch.ms(), appended = own_cpu_ms() - cpu;
  must(store.maintain(kStart + 100'000'000));
  const double used = own_cpu_ms() - cpu;
  const double events = double(batches.size()) * 5000;
  print_row({name, fmt::format("{:.0f}", events / wall * 1e3), fmt::format("{:.0f}", events / appended * 1e3),
             fmt::format("{:.0f}", events / used * 1e3), fmt::format("{:.0f}", mib / used * 1e3),
             fmt::format("{:.1f} / {:.1f}", median(times), percentile(times, 0.99))});
}

void measure_scan(EventStore& store, const std::string& name, const Read& read, std::size_t most, double mib) {
  std::vector<double> times, walls;
  std::size_t found = 0;
  for (int turn = 0; turn < 5; ++turn) {
    found = 0;
    std::size_t bytes = 0;
    const double cpu = own_cpu_ms();
    const Stopwatch watch;
    must(store.visit(read, [&](const Event& event) {
      bytes += event.message.size();
      return ++found < most;
    }));
    times.push_back(own_cpu_ms() - cpu);
    walls.push_back(watch.ms());
  }
  print_row({name, fmt::format("{}", found), fmt::format("{:.1f}", median(walls)),
             mib > 0 ? fmt::format("{:.0f}", mib / median(times) * 1e3) : ""});
}

// The processor time of a command, ms.
double command_ms(const std::string& command) {
  rusage before{}, after{};
  getrusage(RUSAGE_CHILDREN, &before);
  if (const int status = std::system(command.c_str()); status < 0 || WEXITSTATUS(status) > 1) return 0;
  getrusage(RUSAGE_CHILDREN, &after);
  const auto ms = [](const rusage& of) {
    return double(of.ru_utime.tv_sec + of.ru_stime.tv_sec) * 1e3 +
           double(of.ru_utime.tv_usec + of.ru_stime.tv_usec) / 1e3;
  };
  return ms(after) - ms(before);
}

void measure_streams(const std::string& folder) {
  std::filesystem::create_directories(folder);
  auto store = must(EventStore::open({.path = folder + "/logs.db"}));
  ::malloc_trim(0);
  const double before = memory_of(::getpid()).rss_mib;
  const double cpu = own_cpu_ms();
  for (int turn = 0; turn < 5; ++turn) {
    std::vector<std::thread> all;
    for (int thread = 0; thread < 16; ++thread)
      all.emplace_back([&, thread, turn] {
        AccessLog lines(unsigned(turn * 16 + thread));
        for (int stream = thread; stream < 10'000; stream += 16) {
          const std::string line = lines.line(kStart + turn * 1000 + stream / 10);
          const NewEvent event{kStart + turn * 1000 + stream / 10, line};
          must(store->append(1, fmt::format("i-{:017x}/access", stream), std::span(&event, 1), kStart,
                             fmt::format("{:032x}", turn), true));
        }
      });
    for (std::thread& thread : all) thread.join();
    must(store->maintain(kStart));
  }
  print_row({"appends of one event, 16 at a time: processor µs each",
             fmt::format("{:.0f}", (own_cpu_ms() - cpu) * 1e3 / 50'000)});
  ::malloc_trim(0);
  print_row({"memory for 10,000 streams with 50,000 events, after malloc_trim, MiB",
             fmt::format("{:.1f}", memory_of(::getpid()).rss_mib - before)});
  must(store->maintain(kEnd));
  const Read one{.group = 1, .streams = {fmt::format("i-{:017x}/access", 7'777)}, .from = 0, .to = kEnd};
  std::size_t found = 0;
  const Stopwatch reading;
  must(store->visit(one, [&](const Event&) { return ++found > 0; }));
  print_row({fmt::format("all {} events of one of them, ms", found), fmt::format("{:.1f}", reading.ms())});
  store.reset();
  const Stopwatch watch;
  store = must(EventStore::open({.path = folder + "/logs.db"}));
  print_row({"start with them, ms", fmt::format("{:.0f}", watch.ms())});
}

// Streams that write at the same time, five lines a turn each: of each turn about 10 MiB, in the order of time a few
// blocks in which nearly all have lines.
void measure_one_of_many(const std::string& folder, std::uint64_t section_bytes) {
  constexpr int kStreams = 10'000, kTurns = 10, kLines = 5, kThreads = 64;
  std::filesystem::create_directories(folder);
  auto store = must(EventStore::open({.path = folder + "/logs.db", .section_bytes = section_bytes}));
  std::atomic<std::uint64_t> text_bytes = 0;
  const double cpu = own_cpu_ms();
  for (int turn = 0; turn < kTurns; ++turn) {
    std::vector<std::thread> all;
    for (int thread = 0; thread < kThreads; ++thread)
      all.emplace_back([&, thread, turn] {
        AccessLog own(unsigned(turn * kThreads + thread));
        for (int stream = thread; stream < kStreams; stream += kThreads) {
          std::vector<std::string> messages;
          std::vector<NewEvent> events;
          for (int i = 0; i < kLines; ++i) {
            const std::int64_t time = kStart + (turn * kLines + i) * 10'000 + stream;
            messages.push_back(fmt::format("i-{:017x} {}", stream * 2'654'435'761U, own.line(time)));
            text_bytes += messages.back().size();
            events.push_back({time, {}});
          }
          for (std::size_t i = 0; i < kLines; ++i) events[i].message = messages[i];
          must(store->append(1, fmt::format("i-{}", stream), events, kStart, "", true));
        }
      });
    for (std::thread& thread : all) thread.join();
    must(store->maintain(kStart));
  }
  must(store->maintain(kEnd));
  const double appended = own_cpu_ms() - cpu, mib = double(text_bytes) / (1 << 20);
  print_row({"text, MiB", fmt::format("{:.0f}", mib)});
  print_row({"appends and folds: MiB a processor second", fmt::format("{:.0f}", mib / appended * 1e3)});
  print_row({"bytes on disk a byte", fmt::format("{:.4f}", double(store->usage(1).disk_bytes) / double(text_bytes))});
  Read read{.group = 1, .from = 0, .to = kEnd};
  const auto visit = [&] {
    std::size_t found = 0;
    const double before = own_cpu_ms();
    must(store->visit(read, [&](const Event&) { return ++found > 0; }));
    return std::pair(found, own_cpu_ms() - before);
  };
  const auto measure = [&](const std::string& name, auto&& prepare) {
    std::vector<double> times;
    std::size_t found = 0;
    for (int turn = 0; turn < 11; ++turn) {
      prepare(turn);
      const auto [events, ms] = visit();
      times.push_back(ms);
      found = events;
    }
    print_row({fmt::format("{}: {} events, processor ms", name, found), fmt::format("{:.2f}", median(times))});
  };
  measure("all", [](int) {});
  measure("all with what is not there", [&](int) { read.needle = "not there at all"; });
  read.needle.clear();
  measure("one of them", [&](int turn) { read.streams = {fmt::format("i-{}", 77 + turn * 901)}; });
}

int run(const Arguments& arguments) {
  const std::string folder = arguments.get("folder") + "/logs";
  std::filesystem::remove_all(folder);
  std::filesystem::create_directories(folder + "/one");
  const double mib = std::stod(arguments.get("mib", "256"));
  std::string plain;
  const std::vector<Batch> batches = make_batches(mib, plain);
  const double size = double(plain.size()) / (1 << 20);
  std::printf("%.0f MiB, %.0f bytes a line\n\n", size, double(plain.size()) / double(batches.size()) / 5000);

  std::puts(
      "| appends | events a second | a processor second, before the last fold | with all folds | MiB a processor "
      "second | a batch, ms (p50 / p99) |\n|---|---|---|---|---|---|");
  {
    auto store = must(EventStore::open({.path = folder + "/one/logs.db"}));
    measure_appends(*store, batches, 1, size, "one thread", 1);
  }
  const std::uint64_t disk = files_of(folder + "/one");
  auto store = must(EventStore::open({.path = folder + "/one/logs.db"}));
  const Usage usage = store->usage(1);
  measure_appends(*store, batches, 4, size, "four threads, a stream each", 2);

  std::puts("\n| reading | events | ms | MiB of text a processor second |\n|---|---|---|---|");
  Read read{.group = 1, .from = 0, .to = kEnd};
  measure_scan(*store, "all", read, SIZE_MAX, size);
  read.backward = true;
  measure_scan(*store, "all, backward", read, SIZE_MAX, size);
  measure_scan(*store, "the last 100", read, 100, 0);
  read.backward = false;
  measure_scan(*store, "the first 10,000", read, 10'000, 0);
  read.needle = "\" 503 ";
  measure_scan(*store, "with `\" 503 `", read, SIZE_MAX, size);
  read.needle = "not there at all";
  measure_scan(*store, "with what is not there", read, SIZE_MAX, size);
  Read four{.group = 2, .streams = {"i-1"}, .from = 0, .to = kEnd};
  measure_scan(*store, "one of four streams", four, SIZE_MAX, size);
  const std::string file = folder + "/access.log";
  std::ofstream(file, std::ios::binary) << plain;
  command_ms("zstd -q -3 -f " + file);
  for (const std::string pattern : {"\" 503 ", "not there at all"}) {
    command_ms("grep -cF '" + pattern + "' " + file + " | cat > /dev/null");
    const double grep = command_ms("grep -cF '" + pattern + "' " + file + " | cat > /dev/null");
    const double zstdgrep = command_ms("zstdgrep -cF '" + pattern + "' " + file + ".zst | cat > /dev/null");
    print_row({"grep -F, `" + pattern + "`", "", "", fmt::format("{:.0f}", size / grep * 1e3)});
    print_row({"zstdgrep -F, `" + pattern + "`", "", "", fmt::format("{:.0f}", size / zstdgrep * 1e3)});
  }

  std::puts("\n| disk | bytes a byte of text |\n|---|---|");
  print_row({"blocks", fmt::format("{:.4f}", double(usage.disk_bytes) / double(plain.size()))});
  print_row({"all files", fmt::format("{:.4f}", double(disk) / double(plain.size()))});
  print_row({"zstd -3, one file",
             fmt::format("{:.4f}", double(std::filesystem::file_size(file + ".zst")) / double(plain.size()))});
  store.reset();

  std::puts("\n| 10,000 streams | |\n|---|---|");
  measure_streams(folder + "/streams");
  std::puts("\n| 10,000 streams that write at the same time | |\n|---|---|");
  measure_one_of_many(folder + "/many", std::stoull(arguments.get("section-kib", "256")) << 10);
  std::filesystem::remove_all(folder);
  return 0;
}

}  // namespace
}  // namespace brume::bench

int main(int argc, char** argv) {
  return brume::bench::run(brume::bench::Arguments(argc, argv));
}
