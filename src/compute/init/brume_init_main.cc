// brume-init: PID 1 of an instance.
//
// Starts /etc/rc.local if there is one (each boot), user data (a script, once an instance, as root, in /), the SSH
// server if the image has one and, where the CloudWatch agent is configured, the agent that ships logs and metrics
// (`brume-init agent`); reaps what is orphaned, and stays until it is told to stop. Then everything gets
// SIGTERM, and what is left after ten seconds SIGKILL. All output goes to the console. Static, so that it runs in any
// root file system, an empty one too.
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/utsname.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <string>
#include <string_view>

#include "compute/agent/run_agent.h"
#include "compute/init/agent_process.h"
#include "compute/init/children.h"
#include "compute/init/console.h"
#include "compute/init/metadata_client.h"
#include "compute/init/ssh_server.h"
#include "compute/init/user_data.h"

extern "C" {
// The linker's: where the program begins and its code ends.
extern char __executable_start, etext;
}

namespace {

using namespace brume::init;

constexpr int kStopSeconds = 10;
constexpr int kNotRun = 250;  // status of the child that had no script to become; it has said why
constexpr const char* kLocal = "/etc/rc.local";

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
  if (is_done(id, "done")) {
    say("user data has run already");
    ::_exit(kNotRun);
  }
  make_folder();
  const std::string script = kFolder + "/user-data";
  // The marker comes before the run: a script that ends the instance half way is not run a second time.
  if (!write_file(script, metadata->user_data, 0700) || !set_done(id, "done")) {
    say("cannot write to %s: %s; user data is not run", kFolder.c_str(), ::strerror(errno));
    ::_exit(kNotRun);
  }
  say("running user data (%zu bytes)", metadata->user_data.size());
  become({script});
}

// What was read of this program while it started is not needed to wait: the kernel may have those pages back. (Of all
// instances they are the same pages; this is for what an instance is seen to use, and is charged for.)
void forget_start() {
  const auto page = std::size_t(::sysconf(_SC_PAGESIZE));
  ::madvise(&__executable_start, std::size_t(&etext - &__executable_start) / page * page, MADV_DONTNEED);
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

int main(int argc, char** argv) {
  if (argc == 2 && std::string_view(argv[1]) == "agent" && ::getppid() == 1) return brume::agent::run_agent();
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
    if ((local = fork_child()) == 0) become({kLocal});
  }
  const pid_t user_data = fork_child();
  if (user_data == 0) run_user_data();
  SshServer ssh;
  ssh.prepare();
  AgentProcess agent;
  agent.tick();
  forget_start();

  for (;;) {
    agent.tick();
    const double due =
        ssh.due() < 0 || agent.due() < 0 ? std::max(ssh.due(), agent.due()) : std::min(ssh.due(), agent.due());
    const timespec limit{time_t(due), long((due - double(time_t(due))) * 1e9)};
    const int signal = due < 0 ? ::sigwaitinfo(&awaited, nullptr) : ::sigtimedwait(&awaited, nullptr, &limit);
    ssh.tick();
    if (signal < 0) continue;
    if (signal != SIGCHLD) stop();
    int status = 0;
    for (pid_t pid; (pid = ::waitpid(-1, &status, WNOHANG)) > 0;) {
      if (pid == user_data && !(WIFEXITED(status) && WEXITSTATUS(status) == kNotRun)) tell_end("user data", status);
      if (pid == local) tell_end(kLocal, status);
      ssh.ended(pid, status);
      agent.ended(pid, status);
    }
  }
}
