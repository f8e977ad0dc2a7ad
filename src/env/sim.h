// A simulated world: virtual time, a seeded generator, files in memory, no real processes.
//
// Time moves only in run_for() and run_until_idle(), and jumps from one due event to the next. The same seed and the
// same calls give the same trace. run_blocking() runs the work when its turn comes, after `blocking_latency`.
#pragma once

#include <map>
#include <set>
#include <utility>

#include "env/env.h"

namespace brume::env {

class SimClock : public Clock {
 public:
  [[nodiscard]] MonotonicTime now() const override { return now_; }
  [[nodiscard]] Timestamp wall() const override {
    return std::chrono::floor<std::chrono::milliseconds>(start_ + now_.time_since_epoch() + offset_);
  }
  void advance_to(MonotonicTime time) { now_ = time; }
  // Moves the wall clock without moving monotonic time.
  void jump_wall(Duration by) { offset_ += by; }

 private:
  MonotonicTime now_{};
  std::chrono::sys_time<Duration> start_ = std::chrono::sys_days(std::chrono::January / 1 / 2026);
  Duration offset_{};
};

class SimRandom : public Random {
 public:
  explicit SimRandom(std::uint64_t seed) : state_(seed) {}
  void fill(std::span<std::byte> out) override;

 private:
  std::uint64_t state_;  // SplitMix64
};

class SimLoop : public Loop {
 public:
  explicit SimLoop(SimClock& clock) : clock_(clock) {}
  void post(std::function<void()> task) override { after(Duration::zero(), std::move(task)); }
  TimerId after(Duration delay, std::function<void()> task) override;
  void cancel(TimerId timer) override;
  void run_blocking(std::function<void()> work, std::function<void()> done) override;

  // Runs all that falls due in the next `duration`, then sets the clock to its end.
  void run_for(Duration duration);
  // Runs the tasks that are due now, and those that they post.
  void run_ready() { run_for(Duration::zero()); }
  // Forgets every task, as `kill -9` does.
  void clear();
  [[nodiscard]] std::uint64_t executed() const { return executed_; }

  Duration blocking_latency = std::chrono::milliseconds(1);

 private:
  SimClock& clock_;
  std::map<std::pair<MonotonicTime, TimerId>, std::function<void()>> queue_;
  std::map<TimerId, MonotonicTime> due_;
  TimerId last_ = 0;
  std::uint64_t executed_ = 0;
};

class SimFiles : public Files {
 public:
  explicit SimFiles(const Clock& clock) : clock_(clock) {}
  [[nodiscard]] bool exists(const std::string& path) const override;
  [[nodiscard]] Result<std::string> read(const std::string& path) const override;
  [[nodiscard]] Result<std::string> read_tail(const std::string& path, std::size_t limit) const override;
  Result<void> write(const std::string& path, std::string_view content, unsigned mode) override;
  Result<void> append(const std::string& path, std::string_view content, unsigned mode) override;
  Result<void> rename(const std::string& from, const std::string& to) override;
  [[nodiscard]] Result<FileInfo> info(const std::string& path) const override;
  Result<void> make_folders(const std::string& path, unsigned mode) override;
  Result<void> remove_all(const std::string& path) override;
  [[nodiscard]] Result<std::vector<std::string>> list(const std::string& path) const override;

  bool full = false;  // every write fails with InsufficientStorage

 private:
  const Clock& clock_;
  std::map<std::string, std::string> content_;
  std::map<std::string, Timestamp> modified_;
  std::set<std::string> folders_;
};

// Refuses to start anything: the simulated drivers need no processes.
class SimProcesses : public Processes {
 public:
  Result<Finished> run(const Command& command) override;
  Result<pid_t> start(const Command& command, const std::string& log_path) override;
  Result<pid_t> start_with(const Command& command, int in, int out, int err) override;
  [[nodiscard]] bool alive(pid_t, std::uint64_t) const override { return false; }
  [[nodiscard]] std::uint64_t start_time(pid_t) const override { return 0; }
  Result<void> kill(pid_t, int) override { return {}; }
  void watch(pid_t, std::function<void(int)>) override {}
};

struct SimEnv {
  explicit SimEnv(std::uint64_t seed = 1) : random(seed) {}
  SimClock clock;
  SimRandom random;
  SimLoop loop{clock};
  SimFiles files{clock};
  SimProcesses processes;
  Env env{clock, random, loop, files, processes};
};

}  // namespace brume::env
