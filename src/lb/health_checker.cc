#include "lb/health_checker.h"

#include <sys/epoll.h>

#include <algorithm>
#include <utility>

#include "base/json.h"
#include "lb/http1.h"

namespace brume::lb {
namespace {
env::Duration seconds(double value) {
  return std::chrono::duration_cast<env::Duration>(std::chrono::duration<double>(value));
}

// A target that has only just started refuses connections until its program listens. It is asked again this soon.
constexpr auto initial_retry = std::chrono::seconds(1);
}  // namespace

// All that is known about one target, and the check of it that is under way.
class HealthChecker::Check {
 public:
  Check(HealthChecker& owner, std::shared_ptr<TargetState> target, const HealthCheck& settings,
        std::string_view last_health)
      : owner_(owner), target_(std::move(target)), settings_(settings), state_(settings, last_health), timer_([this] {
          on_timer();
        }) {
    owner_.loop_.set_timer(timer_, env::Duration::zero());
  }
  ~Check() { abandon(); }

  void configure(const HealthCheck& settings, std::shared_ptr<GroupState> group, const ConfiguredBalancer* balancer,
                 std::string_view zone) {
    group_ = std::move(group);
    network_namespace_ = balancer ? balancer->network_namespace : nullptr;
    source_ = balancer ? balancer->source_for(zone) : std::string();
    in_use_ = balancer != nullptr;
    if (to_json(settings) != to_json(settings_)) {
      settings_ = settings;
      state_.set_settings(settings);
    }
    if (!checked()) abandon();
  }

  [[nodiscard]] const TargetState& target() const { return *target_; }

  [[nodiscard]] HealthReport report() const {
    if (target_->draining) return draining_report();
    if (!in_use_) return unused_report();
    return settings_.enabled ? state_.report() : disabled_report();
  }

 private:
  // The connection of one check. Outlives it by a round, as the loop asks.
  struct Probe final : Watcher {
    Probe(Check& owner, env::Fd fd, BufferPool& buffers) : check(&owner), stream(std::move(fd), buffers) {}
    void on_events(std::uint32_t events) override {
      if (check == nullptr) return;
      stream.note(events);
      check->on_probe();
    }
    Check* check;
    Stream stream;
    ResponseParser response;
  };

  [[nodiscard]] bool checked() const { return in_use_ && settings_.enabled && !target_->draining; }

  // Either the next check is due, or the one under way took too long.
  void on_timer() {
    if (probe_) return finish({.kind = CheckResult::Kind::timed_out});
    if (!std::exchange(retrying_, false)) started_ = owner_.loop_.now();
    if (!checked()) return schedule();
    state_.on_started();
    if (!network_namespace_) return finish({.kind = CheckResult::Kind::failed});
    const std::int32_t port = settings_.port > 0 ? settings_.port : target_->port;
    auto fd = start_connection(*network_namespace_, source_, target_->address, port);
    if (!fd) return finish({.kind = CheckResult::Kind::failed});
    probe_ = std::make_unique<Probe>(*this, std::move(*fd), owner_.buffers_);
    if (!owner_.loop_.watch(probe_->stream.fd(), *probe_)) return finish({.kind = CheckResult::Kind::failed});
    const bool v6 = target_->address.find(':') != std::string::npos;
    probe_->stream.send(
        fmt::format("GET {} HTTP/1.1\r\nHost: {}{}{}:{}\r\nConnection: close\r\n"
                    "User-Agent: ELB-HealthChecker/2.0\r\nAccept-Encoding: gzip, compressed\r\n\r\n",
                    settings_.path, v6 ? "[" : "", target_->address, v6 ? "]" : "", port));
    owner_.loop_.set_timer(timer_, seconds(settings_.timeout_seconds));
  }

  void on_probe() {
    Stream& stream = probe_->stream;
    if (!stream.flush()) return finish({.kind = CheckResult::Kind::failed});
    while (true) {
      switch (stream.fill()) {
        case Stream::Fill::nothing:
          return;
        case Stream::Fill::end:
        case Stream::Fill::error:
          return finish({.kind = CheckResult::Kind::failed});
        case Stream::Fill::data:
          break;
      }
      const auto input = stream.input();
      switch (probe_->response.parse(input.data(), input.size())) {
        case HeadResult::incomplete:
          continue;
        case HeadResult::complete:
          return finish({.kind = CheckResult::Kind::status, .status = probe_->response.head().status});
        default:
          return finish({.kind = CheckResult::Kind::failed});
      }
    }
  }

  void abandon() {
    if (!probe_) return;
    probe_->check = nullptr;
    probe_->stream.close();
    owner_.loop_.retire(std::move(probe_));
  }

  // The next one starts an interval after this one did.
  void schedule() {
    const auto due = started_ + seconds(settings_.interval_seconds);
    owner_.loop_.set_timer(timer_, std::max(env::Duration::zero(), due - owner_.loop_.now()));
  }

  // Of an initial target's refusals, those in one interval count once.
  void finish(const CheckResult& result) {
    abandon();
    if (result.kind == CheckResult::Kind::failed && state_.initial() && checked() &&
        owner_.loop_.now() + initial_retry < started_ + seconds(settings_.interval_seconds)) {
      retrying_ = true;
      return owner_.loop_.set_timer(timer_, initial_retry);
    }
    const bool changed = state_.on_result(result);
    if (target_->healthy.exchange(state_.healthy()) != state_.healthy()) {
      group_->changes.fetch_add(1, std::memory_order_release);
    }
    schedule();
    if (changed) owner_.changed_();
  }

  HealthChecker& owner_;
  const std::shared_ptr<TargetState> target_;
  std::shared_ptr<GroupState> group_;
  HealthCheck settings_;
  HealthState state_;
  Alarm timer_;
  std::shared_ptr<const NetworkNamespace> network_namespace_;
  std::string source_;
  bool in_use_ = false;
  env::MonotonicTime started_{};  // the interval's first check
  bool retrying_ = false;
  std::unique_ptr<Probe> probe_;
};

HealthChecker::HealthChecker(EventLoop& loop, std::function<void()> changed)
    : loop_(loop), changed_(std::move(changed)) {}
HealthChecker::~HealthChecker() = default;

void HealthChecker::apply(const Snapshot& snapshot, const std::shared_ptr<const Config>& config) {
  // The balancer whose listeners forward to a group; a group has one.
  std::map<std::size_t, const ConfiguredBalancer*> balancers;
  for (const auto& balancer : config->balancers) {
    for (const auto& listener : balancer.listeners) {
      for (const auto& action : listener.actions) {
        for (const std::size_t group : action.groups) balancers.try_emplace(group, &balancer);
      }
    }
  }
  decltype(checks_) checks;
  for (std::size_t g = 0; g < config->groups.size(); ++g) {
    const ConfiguredGroup& group = config->groups[g];
    const TargetGroup& wanted = snapshot.target_groups[g];
    const auto balancer = balancers.find(g);
    for (std::size_t t = 0; t < group.targets.size(); ++t) {
      const ConfiguredTarget& target = group.targets[t];
      auto& check = checks[target.state.get()];
      if (auto known = checks_.extract(target.state.get())) check = std::move(known.mapped());
      if (!check) {
        check = std::make_unique<Check>(*this, target.state, wanted.health_check, wanted.targets[t].last_health);
      }
      check->configure(wanted.health_check, group.state, balancer == balancers.end() ? nullptr : balancer->second,
                       target.zone);
    }
  }
  checks_ = std::move(checks);
}

HealthReport HealthChecker::report(const TargetState& target) const {
  const auto found = checks_.find(&target);
  return found == checks_.end() ? unused_report() : found->second->report();
}

}  // namespace brume::lb
