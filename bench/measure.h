// What is measured, and how figures are told: clocks, processor time and memory of a process, percentiles.
//
// Processor time holds on a busy machine where wall time does not, so the benchmarks show both.
#pragma once

#include <sys/types.h>

#include <chrono>
#include <string>
#include <utility>
#include <vector>

#include "base/result.h"

namespace brume::bench {

// Milliseconds since it was made.
class Stopwatch {
 public:
  [[nodiscard]] double ms() const {
    return std::chrono::duration<double, std::milli>(std::chrono::steady_clock::now() - begin_).count();
  }

 private:
  std::chrono::steady_clock::time_point begin_ = std::chrono::steady_clock::now();
};

// Processor time of this process so far, user and system, in milliseconds.
double own_cpu_ms();
// Of the calling thread, in nanoseconds; what the kernel does for packets in its calls is in it.
double thread_cpu_ns();
// Of another. What its threads that have ended used is known in steps of 10 ms only. 0 if there is no such process.
double cpu_ms(pid_t pid);

struct Memory {
  double rss_mib = 0;
  double pss_mib = 0;  // what is shared counts by its share
};
Memory memory_of(pid_t pid);

// The value below which `part` (0 to 1) of them lie (nearest rank). There must be one.
double percentile(std::vector<double> values, double part);
inline double median(std::vector<double> values) {
  return percentile(std::move(values), 0.5);
}

// Prints a row of a Markdown table.
void print_row(const std::vector<std::string>& cells);

// Ends the program with this sentence and status 1.
[[noreturn]] void give_up(const std::string& why);

// The value of a call that has to succeed.
template <typename T>
T must(Result<T> result) {
  if (!result) give_up(result.error().code + ": " + result.error().message);
  if constexpr (!std::is_void_v<T>) return *std::move(result);
}

}  // namespace brume::bench
