// Processes on Linux: vfork-like spawning through a shell-free fork and exec, pidfd for the end.
#pragma once

#include "env/processes.h"

namespace boost::asio {
class io_context;
}

namespace brume::env {

class PosixProcesses : public Processes {
 public:
  explicit PosixProcesses(boost::asio::io_context& io) : io_(io) {}
  Result<Finished> run(const Command& command) override;
  Result<pid_t> start(const Command& command, const std::string& log_path) override;
  Result<pid_t> start_with(const Command& command, int in, int out, int err) override;
  [[nodiscard]] bool alive(pid_t pid, std::uint64_t start_time) const override;
  [[nodiscard]] std::uint64_t start_time(pid_t pid) const override;
  Result<void> kill(pid_t pid, int signal) override;
  void watch(pid_t pid, std::function<void(int status)> ended) override;

 private:
  boost::asio::io_context& io_;
};

}  // namespace brume::env
