#include "compute/process_end.h"

#include <poll.h>
#include <signal.h>
#include <sys/syscall.h>

#include <algorithm>
#include <charconv>
#include <filesystem>
#include <fstream>
#include <sstream>

#include "env/fd.h"

namespace brume::compute {
namespace {

constexpr int kPatienceMilliseconds = 5'000;

env::Fd open_process(pid_t pid) {
  return env::Fd(int(::syscall(SYS_pidfd_open, pid, 0)));
}

bool ended_within(const env::Fd& process, int milliseconds) {
  pollfd waiting{process.get(), POLLIN, 0};
  return ::poll(&waiting, 1, milliseconds) > 0;
}

std::string command_line_of(pid_t pid) {
  std::ifstream in("/proc/" + std::to_string(pid) + "/cmdline", std::ios::binary);
  std::ostringstream text;
  text << in.rdbuf();
  return text.str();
}

}  // namespace

void kill_and_wait(pid_t pid, const std::function<bool()>& is_it) {
  const env::Fd process = open_process(pid);
  if (!process || !is_it()) return;
  ::syscall(SYS_pidfd_send_signal, process.get(), SIGKILL, nullptr, 0);
  ended_within(process, kPatienceMilliseconds);
}

bool wait_for_end(pid_t pid, int milliseconds) {
  const env::Fd process = open_process(pid);
  return !process || ended_within(process, milliseconds);
}

bool is_about(const std::string& command_line, const std::vector<std::string>& programs, const std::string& folder) {
  const std::string first = command_line.substr(0, command_line.find('\0'));
  const std::string name = first.substr(first.rfind('/') + 1);
  if (std::find(programs.begin(), programs.end(), name) == programs.end()) return false;
  for (std::size_t at = command_line.find(folder); at != std::string::npos; at = command_line.find(folder, at + 1)) {
    const std::size_t end = at + folder.size();
    const bool ends = end == command_line.size() || command_line[end] == '\0' || command_line[end] == '/';
    if (ends && at > 0 && (command_line[at - 1] == '\0' || command_line[at - 1] == '=')) return true;
  }
  return false;
}

std::vector<pid_t> programs_about(const std::vector<std::string>& programs, const std::string& folder) {
  std::vector<pid_t> out;
  std::error_code error;
  for (std::filesystem::directory_iterator it("/proc", error), end; !error && it != end; it.increment(error)) {
    const std::string name = it->path().filename();
    pid_t pid = 0;
    if (std::from_chars(name.data(), name.data() + name.size(), pid).ec != std::errc() || pid <= 0) continue;
    if (is_about(command_line_of(pid), programs, folder)) out.push_back(pid);
  }
  return out;
}

void kill_programs_about(const std::vector<std::string>& programs, const std::string& folder) {
  // One that was killed may have just started another: look again until a look finds none.
  for (int round = 0; round < 10; ++round) {
    const auto found = programs_about(programs, folder);
    if (found.empty()) return;
    for (const pid_t pid : found) kill_and_wait(pid, [&] { return is_about(command_line_of(pid), programs, folder); });
  }
}

}  // namespace brume::compute
