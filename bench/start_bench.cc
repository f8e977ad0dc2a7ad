// Starts a server again and again: how long from fork until it answers, and what memory it has then and later.
//
//   start_bench --name NAME --port PORT --health PATH --times N --idle SECONDS --log FILE [--root ROOT [--fresh yes]]
//   -- ARGV…
//
// ROOT is that of `brume --root`; with --fresh each start finds nothing on disk. Prints a row:
// name | health p50, p99 | first signed answer p50, p99 | processor ms | memory after start | memory later
#include <signal.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>

#include "arguments.h"
#include "connection.h"
#include "keys.h"
#include "process.h"

namespace brume::bench {
namespace {

pid_t load_balancer_of(const std::string& root) {
  std::ifstream file(root + "/run/lb.pid");
  pid_t pid = 0;
  file >> pid;
  return pid;
}

// Nothing of the last start is left but its settings.
void wipe(const std::string& root) {
  if (const pid_t lb = load_balancer_of(root); lb > 0) {
    ::kill(lb, SIGTERM);
    while (memory_of(lb).rss_mib > 0) ::usleep(1000);  // it may stay a while as a zombie
  }
  std::filesystem::remove_all(root + "/lib");
  std::filesystem::remove_all(root + "/run");
}

// Repeats until the server answers 200; the milliseconds since `since`.
double until_answered(const Stopwatch& since, Process& process, int port,
                      const std::function<aws::HttpRequest()>& make) {
  Connection connection{std::uint16_t(port)};
  while (true) {
    const auto answer = connection.exchange(make());
    if (answer && answer->status == 200) return since.ms();
    if (process.ended()) give_up("it ended instead of answering; see its log");
    if (since.ms() > 60e3) give_up("it does not answer");
    ::usleep(200);
  }
}

std::string shown(const Memory& server, const std::optional<Memory>& lb) {
  std::string text = fmt::format("{:.1f} / {:.1f}", server.rss_mib, server.pss_mib);
  if (lb) text += fmt::format(" + lb {:.1f} / {:.1f}", lb->rss_mib, lb->pss_mib);
  return text;
}

int run(const Arguments& arguments) {
  const int port = arguments.number("port");
  const std::string root = arguments.get("root", "");
  const bool fresh = !arguments.get("fresh", "").empty();
  const std::string authority = fmt::format("127.0.0.1:{}", port);
  std::vector<double> health, answer, cpu;
  std::string after_start, later;
  const int times = arguments.number("times");
  for (int i = 0; i < times; ++i) {
    if (fresh) wipe(root);
    const Stopwatch since;
    Process process(arguments.rest, arguments.get("log"));
    health.push_back(until_answered(since, process, port, [&] {
      return aws::HttpRequest{.method = "GET", .target = arguments.get("health"), .headers = {{"Host", authority}}};
    }));
    const aws::Credentials keys = credentials(root.empty() ? "" : root + "/lib");
    answer.push_back(until_answered(since, process, port, [&] {
      aws::HttpRequest request{.headers = {{"Content-Type", "application/x-www-form-urlencoded; charset=utf-8"}},
                               .body = "Action=DescribeRegions&Version=2016-11-15"};
      sign_now(request, authority, keys, "ap-southeast-1", "ec2");
      return request;
    }));
    cpu.push_back(cpu_ms(process.pid()));
    if (i + 1 < times) continue;
    const auto memory = [&] {
      std::optional<Memory> lb;
      if (!root.empty()) lb = memory_of(load_balancer_of(root));
      return shown(memory_of(process.pid()), lb);
    };
    after_start = memory();
    ::sleep(unsigned(arguments.number("idle")));
    later = memory();
  }
  print_row({arguments.get("name"), fmt::format("{:.1f} / {:.1f}", median(health), percentile(health, 0.99)),
             fmt::format("{:.1f} / {:.1f}", median(answer), percentile(answer, 0.99)),
             fmt::format("{:.1f}", median(cpu)), after_start, later});
  return 0;
}

}  // namespace
}  // namespace brume::bench

int main(int argc, char** argv) {
  return brume::bench::run(brume::bench::Arguments(argc, argv));
}
