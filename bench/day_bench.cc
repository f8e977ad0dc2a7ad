// A day of many groups on the simulated machine (tests/simulation/day.h): how long it takes.
//
//   day_bench [--groups N] [--regions N] [--hours N] [--seed N]
//
// Groups of some ten instances whose policies follow a load; an instance of each dies in a day. The day begins when
// all run. Figures are of this process, whose only other work is the simulated machine and its load. The trace is a
// hash of all that was committed: the same seed gives the same, whatever the machine. Prints the tables themselves.
#include "arguments.h"
#include "day.h"
#include "measure.h"

namespace {

using namespace brume;

void run(std::uint64_t seed, int groups, int regions, int hours) {
  bench::Stopwatch watch;
  const double before = bench::own_cpu_ms();
  simulation::Day day(seed, groups, regions);
  const double made_wall = watch.ms(), made_cpu = bench::own_cpu_ms();
  day.run_for(std::chrono::hours(hours));
  const double wall = watch.ms(), cpu = bench::own_cpu_ms();
  const simulation::Day::Counts counts = day.counts();
  std::puts(
      "| groups | regions | seed | made, s (processor s) | virtual hours | took, s | processor s | a virtual hour, "
      "processor ms | memory of the process, MiB |\n|---|---|---|---|---|---|---|---|---|");
  bench::print_row({std::to_string(groups), std::to_string(regions), std::to_string(seed),
                    fmt::format("{:.1f} ({:.1f})", made_wall / 1e3, (made_cpu - before) / 1e3), std::to_string(hours),
                    fmt::format("{:.1f}", (wall - made_wall) / 1e3), fmt::format("{:.1f}", (cpu - made_cpu) / 1e3),
                    fmt::format("{:.0f}", (cpu - made_cpu) / hours),
                    fmt::format("{:.0f}", bench::memory_of(::getpid()).rss_mib)});
  std::puts(
      "\n| instances started | of them killed | capacities changed by policies | sizes of groups at the end | metrics "
      "| "
      "events of the loop | commits | trace |\n|---|---|---|---|---|---|---|---|");
  bench::print_row({std::to_string(counts.starts), std::to_string(counts.killed), std::to_string(counts.decisions),
                    fmt::format("{} to {}", counts.smallest, counts.greatest), std::to_string(counts.metrics),
                    std::to_string(counts.events), std::to_string(counts.commits),
                    fmt::format("{:016x}", day.trace())});
}

}  // namespace

int main(int argc, char** argv) {
  const bench::Arguments arguments(argc, argv);
  const auto number = [&](const std::string& name, int fallback) {
    return std::stoi(arguments.get(name, std::to_string(fallback)));
  };
  run(std::uint64_t(number("seed", 1)), number("groups", 1000), number("regions", 4), number("hours", 24));
}
