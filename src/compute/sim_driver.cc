#include "compute/sim_driver.h"

#include <algorithm>
#include <utility>

namespace brume::compute {
namespace {

constexpr std::size_t kConsoleLimit = 64 << 10;

}  // namespace

void SimDriver::later(const std::string& id, env::Duration latency, std::function<Result<void>(Machine&)> work,
                      Done done) {
  Machine& machine = machines_[id];
  machine.max_under_way = std::max(machine.max_under_way, ++machine.under_way);
  env_.loop.after(latency, [this, id, work = std::move(work), done = std::move(done)] {
    Machine& late = machines_[id];
    --late.under_way;
    done(work(late));
  });
}

void SimDriver::set_runs(const std::string& id, Machine& machine, bool runs) {
  machine.use(env_.clock.now());
  machine.runs = runs;
  if (runs) {
    running_.try_emplace(id);
    running_machines_[id] = &machine;
  } else {
    running_.erase(id);
    running_machines_.erase(id);
  }
}

void SimDriver::start(const InstanceSpec& spec, Done done) {
  auto failure = std::exchange(next_start_fails_, std::nullopt);
  later(
      spec.id, start_latency,
      [this, spec, failure = std::move(failure)](Machine& machine) -> Result<void> {
        if (machine.runs) return {};
        if (failure) return std::unexpected(*failure);
        if (!images_.exists(spec.image_id))
          return fail("InvalidAMIID.NotFound", "The image id '[{}]' does not exist", spec.image_id);
        machine.spec = spec;
        machine.has_disk = true;
        set_runs(spec.id, machine, true);
        machine.used = {};
        ++machine.starts;
        ++starts_;
        print(spec.id, "brume-init: host " + spec.hostname + "\n");
        return {};
      },
      std::move(done));
}

void SimDriver::stop(const std::string& id, env::Duration grace, Done done) {
  const auto found = machines_.find(id);
  const bool runs = found != machines_.end() && found->second.runs;
  later(
      id, runs ? std::min(grace, stop_latency) : env::Duration::zero(),
      [this, id](Machine& machine) -> Result<void> {
        set_runs(id, machine, false);
        return {};
      },
      std::move(done));
}

void SimDriver::destroy(const std::string& id, Done done) {
  later(
      id, stop_latency,
      [this, id](Machine& machine) -> Result<void> {
        set_runs(id, machine, false);
        machine.has_disk = false;
        machine.console.clear();
        return {};
      },
      std::move(done));
}

Result<std::vector<Observed>> SimDriver::list() {
  std::vector<Observed> out;
  for (const auto& [id, machine] : machines_)
    if (machine.has_disk) out.push_back({id, machine.runs ? State::running : State::stopped});
  return out;
}

Result<std::string> SimDriver::console(const std::string& id) {
  const auto found = machines_.find(id);
  if (found == machines_.end() || !found->second.has_disk)
    return fail("InvalidInstanceID.NotFound", "The instance ID '{}' does not exist", id);
  return found->second.console;
}

void SimDriver::Machine::use(env::MonotonicTime now) {
  if (runs)
    used.cpu_time += std::chrono::nanoseconds(std::int64_t(double((now - share_since).count()) * share * spec.vcpus));
  share_since = now;
}

void SimDriver::load(const std::string& id, double share) {
  Machine& machine = machines_[id];
  machine.use(env_.clock.now());
  machine.share = share;
}

void SimDriver::usage(std::function<void(const std::map<std::string, Usage>&)> done) {
  usage_asked_.push_back(std::move(done));
  if (usage_asked_.size() > 1) return;
  env_.loop.post([this] {
    const env::MonotonicTime now = env_.clock.now();
    auto running = running_machines_.begin();  // the same ones
    for (auto& [id, used] : running_) {
      Machine& machine = *running++->second;
      machine.use(now);
      used = machine.used;
    }
    for (const auto& asked : std::exchange(usage_asked_, {})) asked(running_);
  });
}

void SimDriver::on_exit(std::function<void(const std::string&, int)> listener) {
  listener_ = std::move(listener);
}

void SimDriver::kill(const std::string& id, int status) {
  const auto found = machines_.find(id);
  if (found == machines_.end()) return;
  if (!found->second.runs) return;
  set_runs(id, found->second, false);
  env_.loop.post([this, id, status] {
    if (listener_) listener_(id, status);
  });
}

void SimDriver::print(const std::string& id, std::string_view text) {
  std::string& console = machines_[id].console;
  console += text;
  if (console.size() > kConsoleLimit) console.erase(0, console.size() - kConsoleLimit);
}

void SimDriver::crashed() {
  for (auto& [id, machine] : machines_) machine.under_way = 0;
  usage_asked_.clear();
  listener_ = nullptr;
}

std::size_t SimDriver::starts_of(const std::string& id) const {
  const auto found = machines_.find(id);
  return found == machines_.end() ? 0 : found->second.starts;
}

int SimDriver::max_concurrent_of(const std::string& id) const {
  const auto found = machines_.find(id);
  return found == machines_.end() ? 0 : found->second.max_under_way;
}

const InstanceSpec* SimDriver::spec_of(const std::string& id) const {
  const auto found = machines_.find(id);
  return found == machines_.end() || !found->second.has_disk ? nullptr : &found->second.spec;
}

}  // namespace brume::compute
