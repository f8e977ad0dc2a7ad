// Programs that are only imagined: what they print is real (pipes), when they end is virtual time.
#pragma once

#include <functional>
#include <optional>
#include <set>

#include "compute/exec.h"
#include "env/env.h"

namespace brume::compute {

class SimExec : public Executor {
 public:
  // What a program does: prints this and ends with the status, or stays until it is told to end.
  struct Program {
    std::string output, errors;  // together with what pipes hold, at most 64 KiB each
    std::optional<int> status = 0;
  };
  explicit SimExec(env::Env& env) : env_(env) {}

  void exec(const std::string& instance_id, const ExecSpec& spec, Started started) override;

  // By default a program prints its arguments and ends.
  std::function<Result<Program>(const std::string& instance_id, const ExecSpec& spec)> program;
  // A line an event: "start i-1 ls", "signal 2", "resize 10x20", "abandoned".
  std::vector<std::string> events;
  env::Duration latency = std::chrono::milliseconds(50);

 private:
  class Process;
  env::Env& env_;
};

}  // namespace brume::compute
