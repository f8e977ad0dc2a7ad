#include "compute/oci_exec.h"

#include <fcntl.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <sys/syscall.h>
#include <termios.h>

#include <algorithm>
#include <charconv>
#include <filesystem>
#include <map>
#include <set>

#include "compute/init/accounts.h"
#include "compute/inside.h"
#include "compute/process_end.h"
#include "env/namespaces.h"
#include "env/posix_error.h"

namespace brume::compute {
namespace {

constexpr auto kGrace = std::chrono::seconds(2);
constexpr auto kFarewell = std::chrono::milliseconds(500);

struct Streams {
  env::Fd ours[3];  // input, output, errors; with a terminal the first two are its master
  env::Fd theirs[3];
};

// Who has `owner` on the machine can open them anew (/dev/stderr).
Result<Streams> make_pipes(uid_t owner) {
  Streams streams;
  for (int i = 0; i < 3; ++i) {
    int ends[2];
    if (::pipe2(ends, O_CLOEXEC) != 0) return env::posix_error("Cannot make", "a pipe");
    const bool input = i == 0;
    streams.ours[i] = env::Fd(ends[input ? 1 : 0]);
    streams.theirs[i] = env::Fd(ends[input ? 0 : 1]);
    if (::fchown(ends[0], owner, owner) != 0) return env::posix_error("Cannot make", "a pipe");
    ::fcntl(streams.ours[i].get(), F_SETFL, O_NONBLOCK);
  }
  return streams;
}

// The runtime makes a second terminal, inside; this one is between it and us. All that it does is to end lines with
// \r\n: runc switches that off inside and on here, too late for what a program prints at once. Better twice than never.
Result<Streams> make_terminal(unsigned rows, unsigned columns) {
  Streams streams;
  env::Fd master(::posix_openpt(O_RDWR | O_NOCTTY | O_CLOEXEC | O_NONBLOCK));
  char name[64];
  if (!master || ::grantpt(master.get()) != 0 || ::unlockpt(master.get()) != 0 ||
      ::ptsname_r(master.get(), name, sizeof name) != 0)
    return env::posix_error("Cannot make", "a terminal");
  const winsize size{static_cast<unsigned short>(rows), static_cast<unsigned short>(columns), 0, 0};
  ::ioctl(master.get(), TIOCSWINSZ, &size);
  for (env::Fd& fd : streams.theirs) {
    fd = env::Fd(::open(name, O_RDWR | O_NOCTTY | O_CLOEXEC));
    if (!fd) return env::posix_error("Cannot open", name);
  }
  termios raw{};
  ::tcgetattr(streams.theirs[0].get(), &raw);
  ::cfmakeraw(&raw);
  raw.c_oflag |= OPOST | ONLCR;
  ::tcsetattr(streams.theirs[0].get(), TCSANOW, &raw);
  streams.ours[1] = env::Fd(::fcntl(master.get(), F_DUPFD_CLOEXEC, 0));
  streams.ours[0] = std::move(master);
  return streams;
}

// A runtime that fails has a status of its own; what it writes into its log tells that from a program's. 127: no such
// program, 126: it cannot be run, as shells have it.
int status_of_failure(const std::string& log, int status) {
  if (log.find(R"("level":"error")") == std::string::npos) return status;
  return log.find("permission denied") == std::string::npos ? 127 : 126;
}

std::vector<pid_t> children_of(const env::Files& files, pid_t pid) {
  std::vector<pid_t> out;
  const std::string tasks = fmt::format("/proc/{}/task", pid);
  const auto names = files.list(tasks);
  if (!names) return out;
  for (const std::string& task : *names) {
    const auto text = files.read(fmt::format("{}/{}/children", tasks, task));
    if (!text) continue;
    const char *at = text->data(), *end = at + text->size();
    for (pid_t child = 0; at < end;) {
      const auto [next, error] = std::from_chars(at, end, child);
      if (error == std::errc()) out.push_back(child);
      at = next + 1;
    }
  }
  return out;
}

// The runtime's child is the program, to which it gives a session, hence a process group, of its own. (A file to which
// the runtime writes the child's number would not do: a program can have printed something before it is there.)
void signal_program(const env::Files& files, pid_t runtime, int number) {
  for (const pid_t child : children_of(files, runtime))
    if (child > 1) ::kill(-child, number);
}

// Children first: they would be nobody's after it. One that is no program yet does not outlive its runtime.
void kill_with_program(const env::Files& files, pid_t runtime) {
  signal_program(files, runtime, SIGKILL);
  ::kill(runtime, SIGKILL);
}

}  // namespace

struct OciExec::Core : std::enable_shared_from_this<Core> {
  Core(env::Env& e, const Paths& p, const Settings& s, Images& images)
      : env(e), paths(p), runtime(s.runtime), instances(e.files, e.processes, p, s, images) {}

  // A program that runs, as long as it does; on the loop.
  struct Live {
    pid_t runtime = 0;
    std::string place;  // folder with what the runtime is told and tells
    env::Fd master;     // of its terminal
    std::function<void(int)>* ended = nullptr;
  };

  class Handle : public ExecProcess {
   public:
    Handle(std::weak_ptr<Core> core, std::uint64_t number) : core_(std::move(core)), number_(number) {}
    ~Handle() override {
      if (const auto core = core_.lock()) core->abandon(number_);
    }
    void resize(unsigned rows, unsigned columns) override {
      const auto core = core_.lock();
      Live* live = core ? core->find(number_) : nullptr;
      if (!live || !live->master || rows > 0xffff || columns > 0xffff) return;
      const winsize size{static_cast<unsigned short>(rows), static_cast<unsigned short>(columns), 0, 0};
      ::ioctl(live->master.get(), TIOCSWINSZ, &size);
      ::kill(live->runtime, SIGWINCH);
    }
    void signal(int number) override {
      static const std::set<int> kPassed = {SIGHUP, SIGINT, SIGQUIT, SIGTERM, SIGUSR1, SIGUSR2};
      const auto core = core_.lock();
      Live* live = core ? core->find(number_) : nullptr;
      if (!live || !kPassed.contains(number)) return;
      signal_program(core->env.files, live->runtime, number);
    }

   private:
    std::weak_ptr<Core> core_;
    std::uint64_t number_;
  };

  Live* find(std::uint64_t number) {
    const auto found = live.find(number);
    return found == live.end() ? nullptr : &found->second;
  }

  struct Spawned {
    pid_t pid = 0;
    std::string place;
    Streams streams;
  };

  // Moves the calling thread, one of apart()'s, into the instance's network namespace, which a program gets from its
  // runtime (bundle.h).
  Result<void> enter_network_of(const std::string& id) {
    const auto running = instances.running(id);
    const env::Fd pid(running ? int(::syscall(SYS_pidfd_open, pid_t(running->pid), 0)) : -1);
    // Asked again, now that the number is held: it is nobody else's.
    if (!pid || !instances.running(id))
      return fail("IncorrectInstanceState", "The instance '{}' is not in the 'running' state.", id);
    if (::setns(pid.get(), CLONE_NEWNET) != 0) return env::posix_error("Cannot enter the network namespace of", id);
    return {};
  }

  // On a worker.
  Result<Spawned> spawn(const std::string& id, const ExecSpec& spec, std::uint64_t number) {
    const std::string bundle = paths.run_dir + "/instances/" + id;
    if (!instances.running(id))
      return fail("IncorrectInstanceState", "The instance '{}' is not in the 'running' state.", id);
    const std::string rootfs = bundle + "/rootfs";
    const std::string passwd = read_inside(rootfs, "/etc/passwd");
    auto account = init::find_account(passwd, spec.user.empty() ? "root" : spec.user);
    if (!account && (spec.user.empty() || spec.user == "root" || spec.user == "0"))
      account = init::Account{"root", 0, 0, "/root", ""};
    if (!account) return fail("InvalidParameterValue", "The instance '{}' has no user '{}'.", id, spec.user);
    if (std::max(account->uid, account->gid) >= IdRange::kSize)
      return fail("InvalidParameterValue", "The user '{}' of the instance '{}' has an id above {}.", account->name, id,
                  IdRange::kSize - 1);
    const std::string folder = is_folder_inside(rootfs, account->home) ? account->home : "/";
    const auto groups = init::groups_of(read_inside(rootfs, "/etc/group"), account->name);
    BRUME_TRY(config, env.files.read(bundle + "/config.json"));
    BRUME_TRY(process, exec_process(config, spec, *account, groups, folder));
    Spawned out;
    out.place = fmt::format("{}/exec/{}", bundle, number);
    BRUME_CHECK(env.files.make_folders(out.place));
    BRUME_CHECK(env.files.write(out.place + "/process.json", process));
    BRUME_TRY(ids, instances.ids(id));
    BRUME_TRY(streams,
              spec.terminal.empty() ? make_pipes(ids.first + account->uid) : make_terminal(spec.rows, spec.columns));
    const env::Command command{.argv = {runtime, "--root=" + paths.run_dir + "/runtime", "--log=" + out.place + "/log",
                                        "--log-format=json", "exec", "--process=" + out.place + "/process.json", id}};
    BRUME_CHECK(env::apart([&]() -> Result<void> {
      BRUME_CHECK(enter_network_of(id));
      BRUME_TRY(pid, env.processes.start_with(command, streams.theirs[0].get(), streams.theirs[1].get(),
                                              streams.theirs[2].get()));
      out.pid = pid;
      return {};
    }));
    for (env::Fd& fd : streams.theirs) fd = env::Fd();
    out.streams = std::move(streams);
    return out;
  }

  void begin(const ExecSpec& spec, std::uint64_t number, Result<Spawned> spawned, const Started& started) {
    if (!spawned) return started(std::unexpected(std::move(spawned).error()));
    auto handle = std::make_unique<Handle>(weak_from_this(), number);
    handle->input = std::move(spawned->streams.ours[0]);
    handle->output = std::move(spawned->streams.ours[1]);
    handle->errors = std::move(spawned->streams.ours[2]);
    live[number] = {.runtime = spawned->pid,
                    .place = spawned->place,
                    .master = env::Fd(spec.terminal.empty() ? -1 : ::fcntl(handle->input.get(), F_DUPFD_CLOEXEC, 0)),
                    .ended = &handle->ended};
    env.processes.watch(spawned->pid, [weak = weak_from_this(), number](int status) {
      if (const auto self = weak.lock()) self->over(number, status);
    });
    started(std::move(handle));
  }

  void over(std::uint64_t number, int status) {
    const auto found = live.find(number);
    if (found == live.end()) return;
    const Live was = std::move(found->second);
    live.erase(found);
    if (status != 0) status = status_of_failure(env.files.read_tail(was.place + "/log", 4096).value_or(""), status);
    (void)env.files.remove_all(was.place);
    if (was.ended && *was.ended) std::exchange(*was.ended, nullptr)(status);
  }

  // Nobody is interested any more.
  void abandon(std::uint64_t number) {
    Live* left = find(number);
    if (!left) return;
    left->ended = nullptr;
    left->master = env::Fd();
    signal_program(env.files, left->runtime, SIGHUP);
    // The runtime too, since it does not end while another process holds the output.
    env.loop.after(kGrace, [weak = weak_from_this(), number] {
      const auto self = weak.lock();
      if (const Live* stubborn = self ? self->find(number) : nullptr)
        kill_with_program(self->env.files, stubborn->runtime);
    });
  }

  env::Env& env;
  Paths paths;
  std::string runtime;
  OciInstances instances;
  std::map<std::uint64_t, Live> live;
  std::uint64_t last = 0;
};

OciExec::OciExec(env::Env& env, const Paths& paths, const Settings& settings, Images& images)
    : core_(std::make_shared<Core>(env, paths, settings, images)) {}

OciExec::~OciExec() {
  using Clock = std::chrono::steady_clock;
  const env::Files& files = core_->env.files;
  for (const auto& [number, left] : core_->live) signal_program(files, left.runtime, SIGHUP);
  const auto deadline = Clock::now() + kFarewell;
  for (const auto& [number, left] : core_->live) {
    const auto patience = std::chrono::duration_cast<std::chrono::milliseconds>(deadline - Clock::now());
    if (!wait_for_end(left.runtime, std::max(0, int(patience.count())))) kill_with_program(files, left.runtime);
  }
}

void OciExec::exec(const std::string& id, const ExecSpec& spec, Started started) {
  const std::uint64_t number = ++core_->last;
  const auto result = std::make_shared<std::optional<Result<Core::Spawned>>>();
  core_->env.loop.run_blocking([core = core_, result, id, spec, number] { *result = core->spawn(id, spec, number); },
                               [core = core_, result, spec, number, started = std::move(started)] {
                                 core->begin(spec, number, *std::move(*result), started);
                               });
}

void OciExec::end_strays() {
  const env::Files& files = core_->env.files;
  const auto ids = files.list(core_->paths.run_dir + "/instances");
  if (!ids) return;
  const std::string name = core_->runtime.substr(core_->runtime.rfind('/') + 1);
  for (const std::string& id : *ids) {
    const std::string folder = core_->paths.run_dir + "/instances/" + id + "/exec";
    if (!files.exists(folder)) continue;
    for (const pid_t stray : programs_about({name}, folder)) signal_program(files, stray, SIGKILL);
    kill_programs_about({name}, folder);
    (void)core_->env.files.remove_all(folder);
  }
}

}  // namespace brume::compute
