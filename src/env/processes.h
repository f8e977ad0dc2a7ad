// Programs run outside: start, finish, end. Never through a shell.
#pragma once

#include <sys/types.h>

#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace brume::env {

struct Command {
  std::vector<std::string> argv;         // argv[0] is looked up in PATH unless it has a slash
  std::vector<std::string> environment;  // "NAME=value"; in addition to PATH only
  std::string input;                     // written to its standard input
  std::string folder;                    // working folder; empty: "/"
};

struct Finished {
  int status = 0;      // exit status, or 128 + signal
  std::string output;  // standard output, at most 1 MiB
  std::string errors;  // standard error, at most 64 KiB
};

class Processes {
 public:
  virtual ~Processes() = default;
  // Runs to its end; blocks, so call it from Loop::run_blocking. Error: InternalFailure if it cannot be started.
  virtual Result<Finished> run(const Command& command) = 0;
  // Starts it in a session of its own, with output to `log_path` (appended; empty: discarded); it outlives us.
  virtual Result<pid_t> start(const Command& command, const std::string& log_path) = 0;
  // Starts it in a session of its own with these for its standard descriptors, which stay the caller's.
  virtual Result<pid_t> start_with(const Command& command, int in, int out, int err) = 0;
  // Does a process `pid` run that started at `start_time` (proc(5) field 22; 0: any)? One that has ended and is not
  // reaped does not.
  [[nodiscard]] virtual bool alive(pid_t pid, std::uint64_t start_time = 0) const = 0;
  // proc(5) field 22 of a process, 0 if there is none. With the pid it names a process for good.
  [[nodiscard]] virtual std::uint64_t start_time(pid_t pid) const = 0;
  virtual Result<void> kill(pid_t pid, int signal) = 0;
  // Calls back on the loop once `pid` has ended (a child or any other process: pidfd). Exit status -1 if not a child.
  virtual void watch(pid_t pid, std::function<void(int status)> ended) = 0;
};

}  // namespace brume::env
