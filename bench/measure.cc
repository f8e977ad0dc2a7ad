#include "measure.h"

#include <sys/resource.h>
#include <time.h>
#include <unistd.h>

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <sstream>

namespace brume::bench {

double own_cpu_ms() {
  rusage usage{};
  ::getrusage(RUSAGE_SELF, &usage);
  const auto ms = [](const timeval& t) { return double(t.tv_sec) * 1e3 + double(t.tv_usec) / 1e3; };
  return ms(usage.ru_utime) + ms(usage.ru_stime);
}

double thread_cpu_ns() {
  timespec used{};
  ::clock_gettime(CLOCK_THREAD_CPUTIME_ID, &used);
  return double(used.tv_sec) * 1e9 + double(used.tv_nsec);
}

namespace {

// Fine, but of the threads that live only: their first field of schedstat, in nanoseconds.
double cpu_ms_of_threads(pid_t pid) {
  double ns = 0;
  std::error_code error;
  for (const auto& thread : std::filesystem::directory_iterator("/proc/" + std::to_string(pid) + "/task", error)) {
    std::ifstream file(thread.path() / "schedstat");
    if (double own = 0; file >> own) ns += own;
  }
  return ns / 1e6;
}

// Of all threads that there ever were, but in ticks.
double cpu_ms_in_ticks(pid_t pid) {
  std::ifstream file("/proc/" + std::to_string(pid) + "/stat");
  const std::string text(std::istreambuf_iterator<char>(file), {});
  // proc(5): after the name in parentheses, which may hold anything, field 14 is user and 15 system time in ticks.
  const auto name_end = text.rfind(')');
  if (name_end == std::string::npos) return 0;
  std::istringstream fields(text.substr(name_end + 1));
  std::string skipped;
  for (int field = 3; field < 14; ++field) fields >> skipped;
  double user = 0, system = 0;
  fields >> user >> system;
  return (user + system) * 1e3 / double(::sysconf(_SC_CLK_TCK));
}

}  // namespace

double cpu_ms(pid_t pid) {
  return std::max(cpu_ms_of_threads(pid), cpu_ms_in_ticks(pid));
}

Memory memory_of(pid_t pid) {
  std::ifstream file("/proc/" + std::to_string(pid) + "/smaps_rollup");
  Memory memory;
  for (std::string line; std::getline(file, line);) {
    std::istringstream fields(line);
    std::string name;
    double kib = 0;
    fields >> name >> kib;
    if (name == "Rss:") memory.rss_mib = kib / 1024;
    if (name == "Pss:") memory.pss_mib = kib / 1024;
  }
  return memory;
}

double percentile(std::vector<double> values, double part) {
  std::ranges::sort(values);
  const auto rank = std::size_t(std::ceil(part * double(values.size())));
  return values.at(std::clamp<std::size_t>(rank, 1, values.size()) - 1);
}

void print_row(const std::vector<std::string>& cells) {
  std::string row = "|";
  for (const std::string& cell : cells) row += " " + cell + " |";
  std::puts(row.c_str());
  std::fflush(stdout);
}

void give_up(const std::string& why) {
  std::fprintf(stderr, "bench: %s\n", why.c_str());
  std::exit(1);
}

}  // namespace brume::bench
