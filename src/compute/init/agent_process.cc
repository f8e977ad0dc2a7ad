#include "compute/init/agent_process.h"

#include <dirent.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>

#include "compute/agent/agent_paths.h"
#include "compute/init/children.h"
#include "compute/init/console.h"
#include "compute/init/ssh_server.h"

namespace brume::init {
namespace {

constexpr double kLookSeconds = 2;

bool is_configured() {
  if (::access(agent::kConfigFile, R_OK) == 0) return true;
  DIR* folder = ::opendir(agent::kConfigFolder);
  if (!folder) return false;
  bool found = false;
  while (const dirent* entry = ::readdir(folder)) found = found || entry->d_name[0] != '.';
  ::closedir(folder);
  return found;
}

}  // namespace

bool AgentProcess::ended(pid_t pid, int status) {
  if (pid == 0 || pid != pid_) return false;
  pid_ = 0;
  const bool well = WIFEXITED(status) && WEXITSTATUS(status) == 0;
  if (!well) tell_end("the agent", status);
  pause_ = well ? 0 : next_pause(pause_, seconds() - began_);
  look_at_ = seconds() + pause_;
  return true;
}

double AgentProcess::due() const {
  return pid_ > 0 ? -1 : std::max(0.0, look_at_ - seconds());
}

void AgentProcess::tick() {
  if (pid_ > 0 || seconds() < look_at_) return;
  look_at_ = seconds() + kLookSeconds;
  if (!is_configured()) return;
  began_ = seconds();
  pid_ = fork_child();
  if (pid_ == 0) {
    if (::chdir("/") == 0) ::execl("/proc/self/exe", "brume-init", "agent", static_cast<char*>(nullptr));
    ::_exit(127);
  }
  pid_ = std::max(pid_, 0);
}

}  // namespace brume::init
