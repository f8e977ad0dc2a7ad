#include "env/posix_processes.h"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <sys/syscall.h>
#include <sys/wait.h>

#include <charconv>
#include <memory>

#include <boost/asio/io_context.hpp>
#include <boost/asio/posix/stream_descriptor.hpp>
#include <boost/asio/post.hpp>

#include "env/fd.h"
#include "env/posix_error.h"
#include "env/posix_files.h"

namespace brume::env {
namespace {

constexpr std::size_t kOutputLimit = 1 << 20;
constexpr std::size_t kErrorLimit = 64 << 10;

std::vector<char*> pointers(const std::vector<std::string>& strings) {
  std::vector<char*> out;
  for (const std::string& s : strings) out.push_back(const_cast<char*>(s.c_str()));
  out.push_back(nullptr);
  return out;
}

// Starts the program with the three standard descriptors given.
Result<pid_t> spawn(const Command& command, int in, int out, int err, bool own_session) {
  std::vector<std::string> environment = command.environment;
  const char* path = ::getenv("PATH");
  environment.push_back(std::string("PATH=") + (path ? path : "/usr/sbin:/usr/bin:/sbin:/bin"));
  posix_spawn_file_actions_t actions;
  posix_spawnattr_t attributes;
  posix_spawn_file_actions_init(&actions);
  posix_spawnattr_init(&attributes);
  posix_spawn_file_actions_addchdir_np(&actions, command.folder.empty() ? "/" : command.folder.c_str());
  posix_spawn_file_actions_adddup2(&actions, in, 0);
  posix_spawn_file_actions_adddup2(&actions, out, 1);
  posix_spawn_file_actions_adddup2(&actions, err, 2);
  posix_spawn_file_actions_addclosefrom_np(&actions, 3);
  sigset_t none, defaults;
  sigemptyset(&none);
  sigemptyset(&defaults);
  sigaddset(&defaults, SIGPIPE);
  posix_spawnattr_setsigmask(&attributes, &none);
  posix_spawnattr_setsigdefault(&attributes, &defaults);
  posix_spawnattr_setflags(
      &attributes, short(POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF | (own_session ? POSIX_SPAWN_SETSID : 0)));
  const auto argv = pointers(command.argv);
  const auto envp = pointers(environment);
  pid_t pid = 0;
  const int error = ::posix_spawnp(&pid, argv[0], &actions, &attributes, argv.data(), envp.data());
  posix_spawn_file_actions_destroy(&actions);
  posix_spawnattr_destroy(&attributes);
  if (error != 0) return posix_error("Cannot start", command.argv[0], error);
  return pid;
}

struct Pipe {
  Fd read, write;
};

Result<Pipe> make_pipe() {
  int fds[2];
  if (::pipe2(fds, O_CLOEXEC) != 0) return posix_error("Cannot make", "a pipe");
  return Pipe{Fd(fds[0]), Fd(fds[1])};
}

void drain(Fd& fd, std::string& into, std::size_t limit) {
  char buffer[8192];
  const ssize_t n = ::read(fd.get(), buffer, sizeof buffer);
  if (n < 0 && (errno == EINTR || errno == EAGAIN)) return;
  if (n <= 0) {
    fd = Fd();
    return;
  }
  into.append(buffer, std::min(std::size_t(n), limit - std::min(limit, into.size())));
}

struct ProcessStatus {
  bool there = false;
  bool ended = false;  // nobody has reaped it yet
  std::uint64_t start_time = 0;
};

// From /proc/<pid>/stat (proc(5)).
ProcessStatus status_of(pid_t pid) {
  ProcessStatus status;
  const auto stat = PosixFiles().read(fmt::format("/proc/{}/stat", pid));
  if (!stat) return status;
  // The command name, in parentheses, may hold anything; fields are counted from its end.
  std::size_t at = stat->rfind(')');
  if (at == std::string::npos || at + 2 >= stat->size()) return status;
  status.there = true;
  status.ended = (*stat)[at + 2] == 'Z' || (*stat)[at + 2] == 'X';
  for (int field = 2; field < 22 && at != std::string::npos; ++field) at = stat->find(' ', at + 1);
  if (at != std::string::npos) std::from_chars(stat->data() + at + 1, stat->data() + stat->size(), status.start_time);
  return status;
}

int exit_status(int wait_status) {
  return WIFEXITED(wait_status) ? WEXITSTATUS(wait_status) : 128 + WTERMSIG(wait_status);
}

using Descriptor = boost::asio::posix::stream_descriptor;

// Calls `ended` once the process of this pidfd has ended.
void await_end(const std::shared_ptr<Descriptor>& pidfd, pid_t pid, std::function<void(int status)> ended) {
  pidfd->async_wait(Descriptor::wait_read,
                    [pidfd, pid, ended = std::move(ended)](const boost::system::error_code& error) mutable {
                      if (error) return;
                      // The reactor may wake us with what was meant for a descriptor that was closed a moment ago: only
                      // the kernel's own word counts.
                      pollfd state{pidfd->native_handle(), POLLIN, 0};
                      if (::poll(&state, 1, 0) <= 0) return await_end(pidfd, pid, std::move(ended));
                      int status = 0;
                      const bool child = ::waitpid(pid, &status, WNOHANG) == pid;
                      ended(child ? exit_status(status) : -1);
                    });
}

}  // namespace

Result<Finished> PosixProcesses::run(const Command& command) {
  BRUME_TRY(in, make_pipe());
  BRUME_TRY(out, make_pipe());
  BRUME_TRY(err, make_pipe());
  BRUME_TRY(pid, spawn(command, in.read.get(), out.write.get(), err.write.get(), false));
  in.read = Fd();
  out.write = Fd();
  err.write = Fd();
  ::fcntl(in.write.get(), F_SETFL, O_NONBLOCK);
  Finished finished;
  std::string_view input = command.input;
  // SIGPIPE is ignored by the daemon; a program that does not read its input is not an error.
  while (out.read || err.read) {
    if (input.empty()) in.write = Fd();
    pollfd fds[3] = {{out.read.get(), POLLIN, 0}, {err.read.get(), POLLIN, 0}, {in.write.get(), POLLOUT, 0}};
    if (::poll(fds, 3, -1) < 0 && errno != EINTR) return posix_error("Cannot wait for", command.argv[0]);
    if (fds[0].revents) drain(out.read, finished.output, kOutputLimit);
    if (fds[1].revents) drain(err.read, finished.errors, kErrorLimit);
    if (fds[2].revents) {
      const ssize_t n = ::write(in.write.get(), input.data(), input.size());
      if (n > 0)
        input.remove_prefix(std::size_t(n));
      else if (errno != EAGAIN && errno != EINTR)
        input = {};
    }
  }
  int status = 0;
  while (::waitpid(pid, &status, 0) < 0)
    if (errno != EINTR) return posix_error("Cannot wait for", command.argv[0]);
  finished.status = exit_status(status);
  return finished;
}

Result<pid_t> PosixProcesses::start(const Command& command, const std::string& log_path) {
  const Fd null(::open("/dev/null", O_RDWR | O_CLOEXEC));
  Fd log;
  if (!log_path.empty()) {
    log = Fd(::open(log_path.c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600));
    if (!log) return posix_error("Cannot open", log_path);
  }
  const int out = log ? log.get() : null.get();
  return spawn(command, null.get(), out, out, true);
}

Result<pid_t> PosixProcesses::start_with(const Command& command, int in, int out, int err) {
  return spawn(command, in, out, err, true);
}

std::uint64_t PosixProcesses::start_time(pid_t pid) const {
  return status_of(pid).start_time;
}

bool PosixProcesses::alive(pid_t pid, std::uint64_t expected_start) const {
  if (pid <= 0) return false;
  const ProcessStatus status = status_of(pid);
  return status.there && !status.ended && (expected_start == 0 || status.start_time == expected_start);
}

Result<void> PosixProcesses::kill(pid_t pid, int signal) {
  if (::kill(pid, signal) != 0 && errno != ESRCH) return posix_error("Cannot signal", std::to_string(pid));
  return {};
}

void PosixProcesses::watch(pid_t pid, std::function<void(int status)> ended) {
  const int fd = int(::syscall(SYS_pidfd_open, pid, 0));
  if (fd < 0) {
    // Gone already: a child that ended is still reaped for its status.
    int status = 0;
    const bool child = ::waitpid(pid, &status, WNOHANG) == pid;
    boost::asio::post(io_, [ended = std::move(ended), code = child ? exit_status(status) : -1] { ended(code); });
    return;
  }
  await_end(std::make_shared<Descriptor>(io_, fd), pid, std::move(ended));
}

}  // namespace brume::env
