// A machine that is only imagined: instances that start and stop after a while, and the faults a test asks for.
//
// It is the machine, not the control plane: it outlives a crash of the latter, as the real one does. SimLoop::clear()
// then forgets the callbacks that are due, so what was under way at the crash ends half done: call crashed() after it.
#pragma once

#include <map>
#include <optional>

#include "compute/driver.h"
#include "compute/images.h"
#include "env/env.h"

namespace brume::compute {

class SimDriver : public Driver {
 public:
  SimDriver(env::Env& env, Images& images) : env_(env), images_(images) {}

  void start(const InstanceSpec& spec, Done done) override;
  void stop(const std::string& id, env::Duration grace, Done done) override;
  void destroy(const std::string& id, Done done) override;
  Result<std::vector<Observed>> list() override;
  Result<std::string> console(const std::string& id) override;
  void usage(std::function<void(const std::map<std::string, Usage>&)> done) override;
  void on_exit(std::function<void(const std::string& id, int status)> listener) override;

  // The next start() fails with this, after the usual time.
  void fail_next_start(Error error) { next_start_fails_ = std::move(error); }
  // PID 1 of a running instance ends.
  void kill(const std::string& id, int status = 137);
  // An instance prints.
  void print(const std::string& id, std::string_view text);
  // From now on an instance uses this much of its processors, 0 to 1; all do nothing at first.
  void load(const std::string& id, double share);
  // The control plane is gone and with it its callbacks; what was starting has or has not started: it has not.
  void crashed();

  // What a test checks.
  [[nodiscard]] std::size_t starts() const { return starts_; }  // that succeeded and found the instance not running
  [[nodiscard]] std::size_t starts_of(const std::string& id) const;
  [[nodiscard]] std::size_t running() const { return running_.size(); }
  // The most calls for one instance that were ever under way at once; more than one is the caller's mistake.
  [[nodiscard]] int max_concurrent_of(const std::string& id) const;
  [[nodiscard]] const InstanceSpec* spec_of(const std::string& id) const;

  env::Duration start_latency = std::chrono::milliseconds(80);
  env::Duration stop_latency = std::chrono::milliseconds(200);

 private:
  struct Machine {  // kept after destroy() for the counts
    InstanceSpec spec;
    std::string console;
    bool has_disk = false;
    bool runs = false;
    double share = 0;                  // of its processors that are busy
    env::MonotonicTime share_since{};  // `used` is up to here
    Usage used;
    void use(env::MonotonicTime now);  // brings `used` up to now
    int under_way = 0;
    int max_under_way = 0;
    std::size_t starts = 0;
  };

  void set_runs(const std::string& id, Machine& machine, bool runs);
  void later(const std::string& id, env::Duration latency, std::function<Result<void>(Machine&)> work, Done done);

  env::Env& env_;
  Images& images_;
  std::map<std::string, Machine> machines_;
  std::map<std::string, Usage> running_;  // and what each had used when that was last asked
  std::map<std::string, Machine*> running_machines_;
  std::optional<Error> next_start_fails_;
  std::size_t starts_ = 0;
  std::function<void(const std::string&, int)> listener_;
  std::vector<std::function<void(const std::map<std::string, Usage>&)>> usage_asked_;  // and not answered yet
};

}  // namespace brume::compute
