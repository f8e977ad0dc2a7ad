// An OCI runtime under conmon: makes and starts a container from a bundle, and removes it.
//
// conmon stays with the container when we end: it holds its output, reaps it and writes its exit status. Everything
// that either of them writes lies in the bundle's folder or in the runtime's own root. Blocks: call it from a worker.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "base/reflect.h"
#include "base/result.h"
#include "env/files.h"
#include "env/processes.h"

namespace brume::compute {

// Who runs a container. The start times (proc(5) field 22) make the pids names for good.
struct Running {
  std::int64_t pid = 0;  // PID 1 of the instance, as the machine sees it
  std::int64_t pid_start = 0;
  std::int64_t conmon = 0;
  std::int64_t conmon_start = 0;
};

class OciRuntime {
 public:
  // `root`: folder for the runtime's state.
  OciRuntime(env::Files& files, env::Processes& processes, const std::string& runtime, std::string conmon,
             std::string root);

  // Makes container `id` in the calling thread's network namespace; its output goes to `log`, bounded to kLogLimit.
  // Nothing of it runs yet: its PID 1 is the runtime's and waits for start(). Both fail with what the runtime said;
  // then remove() clears what is left.
  Result<Running> create(const std::string& id, const std::string& bundle, const std::string& log);
  Result<void> start(const std::string& id, const std::string& bundle);
  // Kills conmon, runtime and container, and makes the runtime forget it. Nothing there is success.
  Result<void> remove(const std::string& id, const std::string& bundle);
  // What conmon wrote when the container ended, if it did: 0–255, 128 + signal.
  [[nodiscard]] std::optional<int> exit_status(const std::string& id, const std::string& bundle) const;
  [[nodiscard]] bool alive(const Running& running) const;

  static constexpr std::size_t kLogLimit = 4 << 20;

 private:
  [[nodiscard]] std::string complaint(const std::string& bundle, const std::string& otherwise) const;

  env::Files& files_;
  env::Processes& processes_;
  std::string runtime_;
  std::string conmon_;
  std::string root_;
};

}  // namespace brume::compute

BRUME_RECORD(brume::compute::Running, pid, pid_start, conmon, conmon_start)
