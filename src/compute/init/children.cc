#include "compute/init/children.h"

#include <fcntl.h>
#include <signal.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>

#include "compute/init/console.h"

namespace brume::init {
namespace {

constexpr std::size_t kMaxFile = 1 << 20;

std::string marker(const std::string& instance_id, const char* thing) {
  return kFolder + "/" + instance_id + "." + thing;
}

}  // namespace

pid_t fork_child() {
  const pid_t pid = ::fork();
  if (pid == 0) {
    sigset_t none;
    sigemptyset(&none);
    ::sigprocmask(SIG_SETMASK, &none, nullptr);
    ::setsid();
  }
  if (pid < 0) say("cannot start a process: %s", ::strerror(errno));
  return pid;
}

void become(const std::vector<std::string>& arguments) {
  std::vector<char*> argv;
  for (const std::string& argument : arguments) argv.push_back(const_cast<char*>(argument.c_str()));
  argv.push_back(nullptr);
  if (::chdir("/") == 0) ::execv(argv[0], argv.data());
  say("cannot run %s: %s", argv[0], ::strerror(errno));
  ::_exit(127);
}

int run_program(const std::vector<std::string>& arguments) {
  const pid_t pid = fork_child();
  if (pid == 0) become(arguments);
  int status = 0;
  while (pid > 0 && ::waitpid(pid, &status, 0) < 0)
    if (errno != EINTR) return 127;
  if (pid < 0) return 127;
  return WIFSIGNALED(status) ? 128 + WTERMSIG(status) : WEXITSTATUS(status);
}

void tell_end(const char* what, int status) {
  if (WIFSIGNALED(status))
    say("%s was ended by signal %d", what, WTERMSIG(status));
  else if (WEXITSTATUS(status) != 0)
    say("%s ended with status %d", what, WEXITSTATUS(status));
  else
    say("%s has ended", what);
}

bool exists(const std::string& path) {
  struct stat info{};
  return ::lstat(path.c_str(), &info) == 0;
}

bool write_file(const std::string& path, const std::string& content, mode_t mode) {
  const int fd = ::open(path.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, mode);
  if (fd < 0) return false;
  bool well = ::fchmod(fd, mode) == 0;
  for (std::size_t done = 0; well && done < content.size();) {
    const ssize_t n = ::write(fd, content.data() + done, content.size() - done);
    if (n > 0)
      done += std::size_t(n);
    else
      well = n < 0 && errno == EINTR;
  }
  well = well && ::fsync(fd) == 0;
  return ::close(fd) == 0 && well;
}

std::string read_file(const std::string& path) {
  std::string content;
  const int fd = ::open(path.c_str(), O_RDONLY | O_CLOEXEC);
  if (fd < 0) return content;
  char buffer[4096];
  for (ssize_t n; content.size() < kMaxFile && (n = ::read(fd, buffer, sizeof buffer)) != 0;) {
    if (n > 0)
      content.append(buffer, std::size_t(n));
    else if (errno != EINTR)
      break;
  }
  ::close(fd);
  return content;
}

bool is_done(const std::string& instance_id, const char* thing) {
  return exists(marker(instance_id, thing));
}

void make_folder() {
  ::mkdir("/var", 0755);
  ::mkdir("/var/lib", 0755);
  ::mkdir(kFolder.c_str(), 0700);
}

bool set_done(const std::string& instance_id, const char* thing) {
  make_folder();
  return write_file(marker(instance_id, thing), "", 0600);
}

}  // namespace brume::init
