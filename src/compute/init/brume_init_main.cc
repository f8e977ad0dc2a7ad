// brume-init: PID 1 of an instance.
//
// Starts /etc/rc.local if there is one (each boot) and user data (a script, once an instance, as root, in /), reaps
// what is orphaned, and stays until it is told to stop. Then everything gets SIGTERM, and what is left after ten
// seconds SIGKILL. All output goes to the console. Static, so that it runs in any root file system, an empty one too.
#include <fcntl.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/utsname.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <cerrno>
#include <string>

#include "compute/init/metadata_client.h"
#include "compute/init/user_data.h"

namespace {

using namespace brume::init;

constexpr int kStopSeconds = 10;
constexpr int kNotRun = 250;  // status of the child that had no script to become; it has said why
const std::string kFolder = "/var/lib/brume-init";
constexpr const char* kLocal = "/etc/rc.local";

double seconds() {
  timespec now{};
  ::clock_gettime(CLOCK_MONOTONIC, &now);
  return double(now.tv_sec) + double(now.tv_nsec) / 1e9;
}
const double started = seconds();

__attribute__((format(printf, 1, 2))) void say(const char* format, ...) {
  // One write a line, so that lines of several processes do not mix.
  char line[512];
  int n = ::snprintf(line, sizeof line, "[%10.6f] brume-init: ", seconds() - started);
  va_list arguments;
  va_start(arguments, format);
  n += ::vsnprintf(line + n, sizeof line - std::size_t(n) - 1, format, arguments);
  va_end(arguments);
  if (n > int(sizeof line) - 2) n = int(sizeof line) - 2;
  line[n++] = '\n';
  if (::write(STDOUT_FILENO, line, std::size_t(n)) < 0) return;  // no console: nowhere to tell it
}

// In a child: becomes the program.
[[noreturn]] void become(const char* path) {
  if (::chdir("/") == 0) ::execl(path, path, static_cast<char*>(nullptr));
  say("cannot run %s: %s", path, ::strerror(errno));
  ::_exit(127);
}

// The child has a session of its own and, unlike us, ends on SIGTERM.
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

// In a child: waits for the metadata service and runs the user data, if it is a script that has not run yet.
[[noreturn]] void run_user_data() {
  const auto metadata = read_metadata();
  if (!metadata) {
    say("the metadata service does not answer; no user data is run");
    ::_exit(kNotRun);
  }
  const std::string& id = metadata->instance_id;
  if (!is_instance_id(id)) {
    say("the metadata service gives no valid instance id; no user data is run");
    ::_exit(kNotRun);
  }
  say("this is %s", id.c_str());
  const UserData kind = classify(metadata->user_data);
  if (kind == UserData::none) ::_exit(kNotRun);
  if (kind != UserData::script) {
    say("user data is %s, which is not supported; only scripts (#!) are run", describe(kind));
    ::_exit(kNotRun);
  }
  const std::string marker = kFolder + "/" + id + ".done";
  struct stat info;
  if (::lstat(marker.c_str(), &info) == 0) {
    say("user data has run already");
    ::_exit(kNotRun);
  }
  ::mkdir("/var", 0755);
  ::mkdir("/var/lib", 0755);
  ::mkdir(kFolder.c_str(), 0700);
  const std::string script = kFolder + "/user-data";
  // The marker comes first: a script that ends the instance half way is not run a second time.
  if (!write_file(script, metadata->user_data, 0700) || !write_file(marker, "", 0600)) {
    say("cannot write to %s: %s; user data is not run", kFolder.c_str(), ::strerror(errno));
    ::_exit(kNotRun);
  }
  say("running user data (%zu bytes)", metadata->user_data.size());
  become(script.c_str());
}

void tell_end(const char* what, int status) {
  if (WIFSIGNALED(status))
    say("%s was ended by signal %d", what, WTERMSIG(status));
  else if (WEXITSTATUS(status) != 0)
    say("%s ended with status %d", what, WEXITSTATUS(status));
  else
    say("%s has ended", what);
}

// Everything but us.
[[noreturn]] void stop() {
  say("stopping");
  ::kill(-1, SIGTERM);
  const double deadline = seconds() + kStopSeconds;
  sigset_t child;
  sigemptyset(&child);
  sigaddset(&child, SIGCHLD);
  for (bool killed = false;;) {
    pid_t pid;
    while ((pid = ::waitpid(-1, nullptr, WNOHANG)) > 0) {
    }
    if (pid < 0) break;  // none is left
    const double left = deadline - seconds();
    if (left <= 0 && !killed) {
      say("some processes do not end; killing them");
      ::kill(-1, SIGKILL);
      killed = true;
    }
    const timespec pause{0, 100'000'000};
    ::sigtimedwait(&child, nullptr, &pause);
  }
  say("stopped");
  ::_exit(0);
}

}  // namespace

int main() {
  if (::getpid() != 1) {
    ::fputs("brume-init is PID 1 of an instance; it is not run by hand\n", stderr);
    return 2;
  }
  // As PID 1 only signals that are waited for reach us; blocking them keeps them for sigwaitinfo.
  sigset_t awaited;
  sigemptyset(&awaited);
  for (const int signal : {SIGCHLD, SIGTERM, SIGINT, SIGPWR, SIGUSR1, SIGUSR2}) sigaddset(&awaited, signal);
  ::sigprocmask(SIG_BLOCK, &awaited, nullptr);
  ::umask(022);

  utsname name{};
  ::uname(&name);
  say("Linux %s %s, host %s", name.release, name.machine, name.nodename);

  pid_t local = 0;
  if (::access(kLocal, X_OK) == 0) {
    say("running %s", kLocal);
    if ((local = fork_child()) == 0) become(kLocal);
  }
  const pid_t user_data = fork_child();
  if (user_data == 0) run_user_data();

  for (;;) {
    siginfo_t info{};
    const int signal = ::sigwaitinfo(&awaited, &info);
    if (signal < 0) continue;
    if (signal != SIGCHLD) stop();
    int status = 0;
    for (pid_t pid; (pid = ::waitpid(-1, &status, WNOHANG)) > 0;) {
      if (pid == user_data && !(WIFEXITED(status) && WEXITSTATUS(status) == kNotRun)) tell_end("user data", status);
      if (pid == local) tell_end(kLocal, status);
    }
  }
}
