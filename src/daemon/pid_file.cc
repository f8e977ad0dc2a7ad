#include "daemon/pid_file.h"

#include <sstream>

namespace brume::daemon {

Result<void> write_pid_file(env::Env& env, const std::string& path, pid_t pid) {
  return env.files.write(path, fmt::format("{} {}\n", pid, env.processes.start_time(pid)), 0600);
}

pid_t recorded_process(const env::Env& env, const std::string& path) {
  const auto text = env.files.read(path);
  if (!text) return 0;
  std::istringstream fields(*text);
  pid_t pid = 0;
  std::uint64_t started = 0;
  return fields >> pid >> started && env.processes.alive(pid, started) ? pid : 0;
}

}  // namespace brume::daemon
