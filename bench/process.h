// A program that a benchmark starts and ends, with its output in a file. Ends with its parent, come what may.
#pragma once

#include <sys/types.h>

#include <string>
#include <vector>

namespace brume::bench {

class Process {
 public:
  // Gives up if there is no such program.
  Process(const std::vector<std::string>& argv, const std::string& log);
  // SIGTERM, and SIGKILL after five seconds.
  ~Process();
  Process(const Process&) = delete;
  Process& operator=(const Process&) = delete;

  [[nodiscard]] pid_t pid() const { return pid_; }
  // Has it ended by itself?
  [[nodiscard]] bool ended();

 private:
  pid_t pid_ = 0;
  bool reaped_ = false;
};

// A port of 127.0.0.1 that nobody has.
int free_port();

}  // namespace brume::bench
