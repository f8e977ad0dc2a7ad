// What CloudWatch Logs costs as its clients meet it: signed PutLogEvents calls, made durable; FilterLogEvents and
// Insights queries over what was put; and grep and zstdgrep over the same lines.
//
//   bench_logs --folder FOLDER [--events N]
//
// The dispatcher, the service and the event store are the daemon's; HTTP is left out. Processor time of the whole
// process, with what is folded in the background. Prints the tables itself.
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>

#include "arguments.h"
#include "aws/dispatcher.h"
#include "base/json.h"
#include "env/real.h"
#include "keys.h"
#include "services/common/recorded_metrics.h"
#include "services/logs/service.h"
#include "store/memory_backend.h"

namespace brume::bench {
namespace {

constexpr const char* kGroup = "/bench/access";
constexpr std::size_t kBatch = 4500;  // events of 200 bytes that one call may have

// A line of an access log, near 200 bytes.
std::string line(std::uint64_t i) {
  const std::uint64_t random = i * 0x9E3779B97F4A7C15 >> 20;
  return fmt::format(
      R"(10.{}.{}.{} - - [28/Nov/2026:20:{:02}:{:02} +0000] "GET /products/{}?page={} HTTP/1.1" {} {} )"
      R"("https://shop.example.com/category/{}" "Mozilla/5.0 (X11; Linux x86_64; rv:{}.0) Gecko/20100101 Firefox/{}.0")",
      random % 4, random / 7 % 250, random / 1750 % 250, i / 60'000 % 60, i / 1000 % 60, random % 5000, random % 9,
      random % 1000 == 7 ? 503 : 200, random % 20'000, random % 40, 100 + random % 40, 100 + random % 40);
}

struct Place {
  explicit Place(const std::string& folder)
      : events(must(logstore::EventStore::open({.path = folder + "/logs.db"}))),
        service(
            context, *events, metrics, [](auto work, auto done) { work(), done(); }, [] {}, folder + "/exports",
            nothing_outside),
        dispatcher(world.env(), store, [this](std::string_view) { return std::optional(keys); }) {
    must(service.load());
    dispatcher.add(logs::model(),
                   [this](const std::string&) -> Result<void*> { return static_cast<logs::Api*>(&service); });
    must(call("CreateLogGroup", logs::CreateLogGroupRequest{.logGroupName = kGroup}));
    must(call("CreateLogStream", logs::CreateLogStreamRequest{.logGroupName = kGroup, .logStreamName = "web"}));
  }

  template <typename Request>
  aws::HttpRequest signed_request(const std::string& operation, const Request& request) {
    aws::HttpRequest http{.headers = {{"Host", "127.0.0.1:4566"},
                                      {"Content-Type", "application/x-amz-json-1.1"},
                                      {"X-Amz-Target", "Logs_20140328." + operation}},
                          .body = to_json(request)};
    aws::sign_request(http, keys, "ap-southeast-1", "logs", world.env().clock.wall());
    return http;
  }
  Result<std::string> send(const aws::HttpRequest& request) {
    const aws::HttpAnswer answer = dispatcher.handle(request);
    if (answer.status != 200) return fail("Refused", "{}", answer.body);
    return answer.body;
  }
  template <typename Request>
  Result<std::string> call(const std::string& operation, const Request& request) {
    return send(signed_request(operation, request));
  }

  env::RealEnv world;
  aws::Credentials keys = credentials("");
  store::MemoryBackend backend;
  store::Store store{backend};
  services::Hints hints{world.env().loop};
  services::Context context{world.env(), store, hints, "ap-southeast-1"};
  services::RecordedMetrics metrics;
  services::Outside nothing_outside;
  std::unique_ptr<logstore::EventStore> events;
  logs::Service service;
  aws::Dispatcher dispatcher;
};

double megabytes(std::uint64_t bytes) {
  return double(bytes) / 1e6;
}

// Processor time of a program of the machine, in ms.
double cpu_of(const std::string& command) {
  rusage before{}, after{};
  ::getrusage(RUSAGE_CHILDREN, &before);
  if (::system(command.c_str()) == -1) give_up("cannot run " + command);
  ::getrusage(RUSAGE_CHILDREN, &after);
  const auto ms = [](const timeval& time) { return double(time.tv_sec) * 1e3 + double(time.tv_usec) / 1e3; };
  return ms(after.ru_utime) - ms(before.ru_utime) + ms(after.ru_stime) - ms(before.ru_stime);
}

void put(Place& place, std::uint64_t count, std::ofstream& file, std::uint64_t& bytes) {
  double cpu = 0, wall = 0;
  for (std::uint64_t i = 0; i < count;) {
    logs::PutLogEventsRequest request{.logGroupName = kGroup, .logStreamName = "web", .logEvents = {}};
    const std::int64_t now = place.world.env().clock.wall().time_since_epoch().count();
    for (std::size_t n = 0; n < kBatch && i < count; ++n, ++i) {
      std::string text = line(i);
      bytes += text.size();
      file << text << '\n';
      request.logEvents.push_back({.timestamp = now, .message = std::move(text)});
    }
    const aws::HttpRequest http = place.signed_request("PutLogEvents", request);
    const double before = own_cpu_ms();
    const Stopwatch watch;
    must(place.send(http));
    wall += watch.ms();
    cpu += own_cpu_ms() - before;
  }
  const double before = own_cpu_ms();
  for (int i = 0; i < 3; ++i) must(place.events->maintain(place.world.env().clock.wall().time_since_epoch().count()));
  const double folding = own_cpu_ms() - before;
  std::puts("| | events a second of processor time | of wall time | µs an event |\n|---|---|---|---|");
  print_row({"PutLogEvents, durable", fmt::format("{:.0f}", double(count) / cpu * 1e3),
             fmt::format("{:.0f}", double(count) / wall * 1e3), fmt::format("{:.2f}", cpu / double(count) * 1e3)});
  print_row({"the same with folding into blocks", fmt::format("{:.0f}", double(count) / (cpu + folding) * 1e3), "",
             fmt::format("{:.2f}", (cpu + folding) / double(count) * 1e3)});
}

std::size_t filter(Place& place, const std::string& pattern) {
  logs::FilterLogEventsRequest request{.logGroupName = kGroup, .filterPattern = pattern};
  std::size_t found = 0;
  do {
    const auto page = must(from_json<logs::FilterLogEventsResponse>(must(place.call("FilterLogEvents", request))));
    found += page.events.size();
    request.nextToken = page.nextToken;
  } while (request.nextToken);
  return found;
}

std::size_t query(Place& place, const std::string& text) {
  const auto started = must(from_json<logs::StartQueryResponse>(must(place.call(
      "StartQuery", logs::StartQueryRequest{
                        .logGroupName = kGroup, .startTime = 0, .endTime = 4'000'000'000, .queryString = text}))));
  const auto results = must(from_json<logs::GetQueryResultsResponse>(
      must(place.call("GetQueryResults", logs::GetQueryResultsRequest{.queryId = started.queryId}))));
  if (results.status != "Complete") give_up("the query is " + results.status.value_or("?"));
  return results.results.size();
}

int run(const Arguments& arguments) {
  const std::string folder = arguments.get("folder");
  const auto count = std::uint64_t(std::stoull(arguments.get("events", "2000000")));
  Place place(folder);
  const std::string raw = folder + "/raw.log";
  std::uint64_t bytes = 0;
  {
    std::ofstream file(raw, std::ios::binary);
    put(place, count, file, bytes);
  }
  const logstore::Usage usage = place.events->usage();
  std::printf("\nDisk: %.3f bytes a byte of text (%.0f MB of %.0f MB); resident memory %.0f MiB\n\n",
              double(usage.disk_bytes) / double(bytes), megabytes(usage.disk_bytes), megabytes(bytes),
              memory_of(::getpid()).rss_mib);

  std::puts("| search | found | MB a second of processor time |\n|---|---|---|");
  const auto told = [&](const std::string& what, const auto& search) {
    const double before = own_cpu_ms();
    const std::size_t found = search();
    const double ms = own_cpu_ms() - before;
    std::string cell;
    for (const char c : what) cell += c == '|' ? "\\|" : std::string(1, c);
    print_row({cell, fmt::format("{}", found), fmt::format("{:.0f}", megabytes(bytes) / ms * 1e3)});
  };
  for (const char* pattern : {"\" 503 \"", "\"nothing has this\"", "[ip, a, b, time, request, status=503, ...]"})
    told(fmt::format("FilterLogEvents {}", pattern), [&] { return filter(place, pattern); });
  for (const char* text :
       {"filter @message like / 503 / | stats count(*) by bin(5m)",
        "parse @message '\"* * *\" * *' as method, path, protocol, status, size | stats count(*) by status",
        "fields @message | sort @timestamp desc | limit 20"})
    told(fmt::format("Insights {}", text), [&] { return query(place, text); });
  const std::string zstd = raw + ".zst";
  if (::system(fmt::format("zstd -q -f {} -o {}", raw, zstd).c_str()) != 0) give_up("zstd is missing");
  for (const auto& [name, command] :
       {std::pair(std::string("grep -c ' 503 '"), fmt::format("grep -c ' 503 ' {}", raw)),
        std::pair(std::string("zstdgrep -c ' 503 '"), fmt::format("zstdgrep -c ' 503 ' {}", zstd))}) {
    // Not /dev/null: grep would stop at the first match.
    const double ms = cpu_of(command + " > " + folder + "/count");
    print_row({name, "", fmt::format("{:.0f}", megabytes(bytes) / ms * 1e3)});
  }
  std::printf("\nzstd -3 of the file: %.3f bytes a byte of text\n",
              double(std::filesystem::file_size(zstd)) / double(bytes));
  return 0;
}

}  // namespace
}  // namespace brume::bench

int main(int argc, char** argv) {
  return brume::bench::run(brume::bench::Arguments(argc, argv));
}
