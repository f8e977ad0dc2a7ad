// A day of many groups on the simulated machine (tests/simulation/day.h): how long it takes.
//
//   day_bench [--groups N] [--machines N] [--regions N] [--hours N] [--seed N]
//
// The groups are shared out over the machines and over their regions. Machines have nothing in common: each is lived
// through in a process of its own, as many at a time as there are processors.
//
// Groups of some ten instances whose policies follow a load; an instance of each dies in a day. The day begins when
// all run. Figures are of this process, whose only other work is the simulated machine and its load. The trace is a
// hash of all that was committed: the same seed gives the same, whatever the machine. Prints the tables themselves.
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <limits>
#include <stdexcept>
#include <thread>
#include <vector>

#include "arguments.h"
#include "day.h"
#include "measure.h"

namespace {

using namespace brume;

// What a machine's day was; of several, together.
struct Report {
  double made_cpu = 0, cpu = 0, rss_mib = 0;  // processor ms
  simulation::Day::Counts counts;
  std::uint64_t trace = 0;

  void add(const Report& other) {
    made_cpu += other.made_cpu;
    cpu += other.cpu;
    rss_mib += other.rss_mib;
    counts.starts += other.counts.starts;
    counts.killed += other.counts.killed;
    counts.decisions += other.counts.decisions;
    counts.events += other.counts.events;
    counts.commits += other.counts.commits;
    counts.metrics += other.counts.metrics;
    counts.smallest = std::min(counts.smallest, other.counts.smallest);
    counts.greatest = std::max(counts.greatest, other.counts.greatest);
    trace = trace * 0x100000001b3 ^ other.trace;
  }
};

Report live(std::uint64_t seed, int groups, int regions, int hours) {
  const double before = bench::own_cpu_ms();
  simulation::Day day(seed, groups, regions);
  const double made = bench::own_cpu_ms();
  day.run_for(std::chrono::hours(hours));
  const double ended = bench::own_cpu_ms();
  return {made - before, ended - made, bench::memory_of(::getpid()).rss_mib, day.counts(), day.trace()};
}

// Each machine in a process of its own, as many at a time as there are processors.
Report live_apart(std::uint64_t seed, int groups, int machines, int regions, int hours) {
  std::vector<std::array<int, 2>> pipes{std::size_t(machines)};
  int alive = 0;
  const auto end_one = [&] {
    int status = 0;
    if (::wait(&status) < 0 || status != 0)
      throw std::runtime_error("a simulated machine did not live through its day");
    --alive;
  };
  for (int machine = 0; machine < machines; ++machine) {
    if (alive == int(std::thread::hardware_concurrency())) end_one();
    auto& [out, in] = pipes[std::size_t(machine)];
    if (::pipe(&out) != 0) throw std::runtime_error("no pipe");
    const pid_t child = ::fork();
    if (child < 0) throw std::runtime_error("no process");
    ++alive;
    if (child > 0) continue;
    const Report report = live(seed * 1000 + std::uint64_t(machine), groups / machines, regions, hours);
    ::_exit(::write(in, &report, sizeof report) == sizeof report ? 0 : 1);
  }
  while (alive > 0) end_one();
  Report all;
  all.counts.smallest = std::numeric_limits<int>::max();
  for (const auto& [out, in] : pipes) {
    Report one;
    if (::read(out, &one, sizeof one) != sizeof one) throw std::runtime_error("a report is missing");
    all.add(one);
  }
  return all;
}

void run(std::uint64_t seed, int groups, int machines, int regions, int hours) {
  bench::Stopwatch watch;
  const Report report =
      machines > 1 ? live_apart(seed, groups, machines, regions, hours) : live(seed, groups, regions, hours);
  const double wall = watch.ms();
  std::puts(
      "| groups | machines | regions of each | seed | virtual hours | all took, s | making the groups, processor s | "
      "the "
      "hours, processor s | a virtual hour, processor ms | memory, MiB |\n|---|---|---|---|---|---|---|---|---|---|");
  bench::print_row({std::to_string(groups), std::to_string(machines), std::to_string(regions), std::to_string(seed),
                    std::to_string(hours), fmt::format("{:.1f}", wall / 1e3),
                    fmt::format("{:.1f}", report.made_cpu / 1e3), fmt::format("{:.1f}", report.cpu / 1e3),
                    fmt::format("{:.0f}", report.cpu / hours), fmt::format("{:.0f}", report.rss_mib)});
  const simulation::Day::Counts& counts = report.counts;
  std::puts(
      "\n| instances started | of them killed | capacities changed by policies | sizes of groups at the end | metrics "
      "| "
      "events of the loop | commits | trace |\n|---|---|---|---|---|---|---|---|");
  bench::print_row({std::to_string(counts.starts), std::to_string(counts.killed), std::to_string(counts.decisions),
                    fmt::format("{} to {}", counts.smallest, counts.greatest), std::to_string(counts.metrics),
                    std::to_string(counts.events), std::to_string(counts.commits),
                    fmt::format("{:016x}", report.trace)});
}

}  // namespace

int main(int argc, char** argv) {
  const bench::Arguments arguments(argc, argv);
  const auto number = [&](const std::string& name, int fallback) {
    return std::stoi(arguments.get(name, std::to_string(fallback)));
  };
  const int machines = number("machines", 1);
  run(std::uint64_t(number("seed", 1)), number("groups", 1000), machines, number("regions", machines > 1 ? 1 : 4),
      number("hours", 24));
}
