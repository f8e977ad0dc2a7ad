#include "compute/oci_driver.h"

#include <signal.h>

#include <deque>
#include <map>
#include <utility>

namespace brume::compute {
namespace {

constexpr auto kConsolePause = std::chrono::seconds(10);

}  // namespace

struct OciDriver::Core : std::enable_shared_from_this<Core> {
  Core(env::Env& e, Paths paths, Settings settings, Images& images)
      : env(e), instances(e.files, e.processes, std::move(paths), std::move(settings), images) {}

  using Next = std::function<void()>;
  using Task = std::function<void(Next)>;

  // Runs the tasks of one instance one after another; each calls `next` when it is through.
  void enqueue(const std::string& id, Task task) {
    auto& queue = queues[id];
    queue.push_back(std::move(task));
    if (queue.size() == 1) run_first(id);
  }

  void run_first(const std::string& id) {
    // Taken out first: a task that is through at once removes its place while it runs.
    const Task task = std::move(queues[id].front());
    task([self = shared_from_this(), id] {
      auto& queue = self->queues[id];
      queue.pop_front();
      if (queue.empty())
        self->queues.erase(id);
      else
        self->run_first(id);
    });
  }

  // `work` on a worker, then `done` with its result on the loop.
  template <typename T>
  void run(std::function<T()> work, std::function<void(T)> done) {
    const auto result = std::make_shared<std::optional<T>>();
    env.loop.run_blocking([self = shared_from_this(), result, work = std::move(work)] { result->emplace(work()); },
                          [self = shared_from_this(), result, done = std::move(done)] { done(*std::move(*result)); });
  }

  void watch(const std::string& id, const Running& running) {
    if (const auto known = watched.find(id); known != watched.end() && known->second.conmon == running.conmon &&
                                             known->second.conmon_start == running.conmon_start)
      return;
    watched[id] = running;
    keep_consoles();
    env.processes.watch(pid_t(running.conmon), [weak = weak_from_this(), id, conmon = running.conmon,
                                                start = running.conmon_start](int) {
      const auto self = weak.lock();
      if (!self) return;
      const auto known = self->watched.find(id);
      // Not ours to tell any more if a stop has begun or the instance was started anew.
      if (known == self->watched.end() || known->second.conmon != conmon || known->second.conmon_start != start) return;
      self->watched.erase(known);
      self->ended(id);
    });
  }

  void ended(const std::string& id) {
    enqueue(id, [self = shared_from_this(), id](Next next) {
      // Started again or destroyed before its turn came: that call has dealt with it.
      if (self->watched.contains(id)) return next();
      self->run<int>(
          [self, id] {
            const int status = self->instances.exit_status(id);
            // What cannot be cleared now is cleared by the next start, destroy or list.
            (void)self->instances.clear(id);
            return status;
          },
          [self, id, next = std::move(next)](int status) {
            if (self->listener) self->listener(id, status);
            next();
          });
    });
  }

  void start(const InstanceSpec& spec, Done done) {
    enqueue(spec.id, [self = shared_from_this(), spec, done = std::move(done)](Next next) {
      self->run<Result<Running>>([self, spec] { return self->instances.start(spec); },
                                 [self, id = spec.id, done, next = std::move(next)](Result<Running> running) {
                                   if (running) self->watch(id, *running);
                                   done(running ? Result<void>() : std::unexpected(running.error()));
                                   next();
                                 });
    });
  }

  void stop(const std::string& id, env::Duration grace, Done done) {
    enqueue(id, [self = shared_from_this(), id, grace, done = std::move(done)](Next next) {
      self->watched.erase(id);
      self->run<std::optional<Running>>(
          [self, id] { return self->instances.running(id); },
          [self, id, grace, done, next = std::move(next)](std::optional<Running> running) {
            if (!running) return self->finish(id, false, done, next);
            struct Wait {
              bool over = false;
              env::Loop::TimerId timer = 0, again = 0;
              std::function<void()> ask;
            };
            const auto wait = std::make_shared<Wait>();
            const auto once = [self, id, done, next, wait] {
              if (std::exchange(wait->over, true)) return;
              self->env.loop.cancel(wait->timer);
              self->env.loop.cancel(wait->again);
              wait->ask = nullptr;
              self->finish(id, false, done, next);
            };
            wait->timer = self->env.loop.after(grace, once);
            self->env.processes.watch(pid_t(running->conmon), [once](int) { once(); });
            // Asked again and again: PID 1 does not hear a signal that comes before it is ready for signals. What
            // cannot be reached at all is ended by the grace.
            wait->ask = [self, wait = std::weak_ptr(wait), running = *running] {
              const auto asking = wait.lock();
              if (!asking || !self->env.processes.alive(pid_t(running.pid), std::uint64_t(running.pid_start))) return;
              (void)self->env.processes.kill(pid_t(running.pid), SIGTERM);
              asking->again = self->env.loop.after(std::chrono::milliseconds(500), [wait] {
                if (const auto waiting = wait.lock(); waiting && waiting->ask) waiting->ask();
              });
            };
            wait->ask();
          });
    });
  }

  void destroy(const std::string& id, Done done) {
    enqueue(id, [self = shared_from_this(), id, done = std::move(done)](Next next) {
      self->watched.erase(id);
      self->finish(id, true, done, next);
    });
  }

  void finish(const std::string& id, bool with_disk, const Done& done, const Next& next) {
    run<Result<void>>([this, id, with_disk] { return with_disk ? instances.destroy(id) : instances.clear(id); },
                      [this, id, done, next](Result<void> result) {
                        // Still there if that failed half way: its end is to be told again.
                        if (!result)
                          if (const auto running = instances.running(id)) watch(id, *running);
                        done(std::move(result));
                        next();
                      });
  }

  // The reader takes one call at a time; whoever asks meanwhile, for another region, hears the same.
  void usage(std::function<void(const std::map<std::string, Usage>&)> done) {
    usage_asked.push_back(std::move(done));
    if (usage_asked.size() > 1) return;
    std::vector<std::pair<std::string, std::int64_t>> running;
    for (const auto& [id, one] : watched) running.emplace_back(id, one.pid);
    run<std::map<std::string, Usage>>([self = shared_from_this(), running] { return self->instances.usage(running); },
                                      [self = shared_from_this()](const std::map<std::string, Usage>& all) {
                                        for (const auto& asked : std::exchange(self->usage_asked, {})) asked(all);
                                      });
  }

  // As long as instances run.
  void keep_consoles() {
    if (keeping) return;
    keeping = true;
    env.loop.after(kConsolePause, [weak = weak_from_this()] {
      const auto self = weak.lock();
      if (!self) return;
      self->run<int>([self] { return self->instances.keep_consoles(), 0; },
                     [self](int) {
                       self->keeping = false;
                       if (!self->watched.empty()) self->keep_consoles();
                     });
    });
  }

  env::Env& env;
  OciInstances instances;
  bool keeping = false;
  std::vector<std::function<void(const std::map<std::string, Usage>&)>> usage_asked;  // and not answered yet
  std::function<void(const std::string&, int)> listener;
  std::map<std::string, std::deque<Task>> queues;
  std::map<std::string, Running> watched;  // whose end the listener is told
};

OciDriver::OciDriver(env::Env& env, Paths paths, Settings settings, Images& images)
    : core_(std::make_shared<Core>(env, std::move(paths), std::move(settings), images)) {}

OciDriver::~OciDriver() {
  core_->listener = nullptr;
}

void OciDriver::start(const InstanceSpec& spec, Done done) {
  core_->start(spec, std::move(done));
}
void OciDriver::stop(const std::string& id, env::Duration grace, Done done) {
  core_->stop(id, grace, std::move(done));
}
void OciDriver::destroy(const std::string& id, Done done) {
  core_->destroy(id, std::move(done));
}

Result<std::vector<Observed>> OciDriver::list() {
  BRUME_TRY(observed, core_->instances.list());
  for (const Observed& instance : observed)
    if (instance.state == State::running)
      if (const auto running = core_->instances.running(instance.id)) core_->watch(instance.id, *running);
  return observed;
}

Result<std::string> OciDriver::console(const std::string& id) {
  return core_->instances.console(id);
}

void OciDriver::usage(std::function<void(const std::map<std::string, Usage>&)> done) {
  core_->usage(std::move(done));
}

void OciDriver::on_exit(std::function<void(const std::string& id, int status)> listener) {
  core_->listener = std::move(listener);
}

Result<void> OciDriver::sweep() {
  return core_->instances.sweep();
}

}  // namespace brume::compute
