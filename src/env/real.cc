#include "env/real.h"

#include <fcntl.h>
#include <signal.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstring>
#include <list>
#include <map>

#include <boost/asio/io_context.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/thread_pool.hpp>

#include "env/posix_files.h"
#include "env/posix_processes.h"

namespace brume::env {
namespace {

namespace asio = boost::asio;

class RealClock : public Clock {
 public:
  MonotonicTime now() const override { return std::chrono::steady_clock::now(); }
  Timestamp wall() const override {
    return std::chrono::floor<std::chrono::milliseconds>(std::chrono::system_clock::now());
  }
};

class RealRandom : public Random {
 public:
  void fill(std::span<std::byte> out) override {
    // The pool saves a system call an identifier; it is refilled long before anything could be predicted from it.
    while (!out.empty()) {
      if (used_ == sizeof pool_) {
        std::size_t filled = 0;
        while (filled < sizeof pool_) {
          const ssize_t n = getrandom(pool_ + filled, sizeof pool_ - filled, 0);
          if (n > 0) filled += std::size_t(n);
        }
        used_ = 0;
      }
      const std::size_t n = std::min(out.size(), sizeof pool_ - used_);
      std::memcpy(out.data(), pool_ + used_, n);
      explicit_bzero(pool_ + used_, n);
      used_ += n;
      out = out.subspan(n);
    }
  }

 private:
  std::byte pool_[256];
  std::size_t used_ = sizeof pool_;
};

class RealLoop : public Loop {
 public:
  RealLoop(asio::io_context& io, unsigned workers) : io_(io), pool_(workers) {}
  ~RealLoop() override {
    pool_.join();
    for (auto& pool : more_) pool.join();
  }

  void end_workers() {
    pool_.stop();
    for (auto& pool : more_) pool.stop();
    pool_.join();
    for (auto& pool : more_) pool.join();
  }

  void post(std::function<void()> task) override { asio::post(io_, std::move(task)); }

  TimerId after(Duration delay, std::function<void()> task) override {
    const TimerId id = ++last_timer_;
    auto& timer = timers_.try_emplace(id, io_).first->second;
    timer.expires_after(std::max(delay, Duration::zero()));
    timer.async_wait([this, id, task = std::move(task)](const boost::system::error_code& error) {
      if (error || timers_.erase(id) == 0) return;
      task();
    });
    return id;
  }

  void cancel(TimerId timer) override { timers_.erase(timer); }

  void run_blocking(std::function<void()> work, std::function<void()> done) override {
    run_on(pool_, std::move(work), std::move(done));
  }

  void run_on(asio::thread_pool& pool, std::function<void()> work, std::function<void()> done) {
    // The guard keeps run() from returning while work is under way.
    asio::post(pool,
               [this, guard = asio::make_work_guard(io_), work = std::move(work), done = std::move(done)]() mutable {
                 work();
                 asio::post(io_, std::move(done));
               });
  }

  Aside more_workers(unsigned workers) {
    auto& pool = more_.emplace_back(workers);
    return [this, &pool](auto work, auto done) { run_on(pool, std::move(work), std::move(done)); };
  }

 private:
  asio::io_context& io_;
  asio::thread_pool pool_;
  std::list<asio::thread_pool> more_;
  std::map<TimerId, asio::steady_timer> timers_;
  TimerId last_timer_ = 0;
};

}  // namespace

struct RealEnv::Parts {
  explicit Parts(unsigned workers) : loop(io, workers), processes(io), env{clock, random, loop, files, processes} {}
  asio::io_context io{1};
  RealClock clock;
  RealRandom random;
  RealLoop loop;
  PosixFiles files;
  PosixProcesses processes;
  Env env;
};

RealEnv::RealEnv(unsigned workers) : parts_(std::make_unique<Parts>(workers)) {}
RealEnv::~RealEnv() = default;
Env& RealEnv::env() {
  return parts_->env;
}
asio::io_context& RealEnv::io() {
  return parts_->io;
}
Aside RealEnv::more_workers(unsigned workers) {
  return parts_->loop.more_workers(workers);
}
void RealEnv::run() {
  const auto guard = asio::make_work_guard(parts_->io);
  parts_->io.run();
}
void RealEnv::stop() {
  parts_->io.stop();
}
void RealEnv::end_workers() {
  parts_->loop.end_workers();
}

}  // namespace brume::env
