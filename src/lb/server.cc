#include "lb/server.h"

#include <algorithm>
#include <thread>

namespace brume::lb {
namespace {

std::size_t thread_count(const ServerOptions& options) {
  return options.threads > 0 ? options.threads : std::max(1u, std::thread::hardware_concurrency());
}

BalancerStats add_up(const ConfiguredBalancer& balancer) {
  BalancerStats sum{.load_balancer = balancer.id};
  for (const Counters& one : balancer.state->by_worker) {
    sum.requests += one.requests.get();
    sum.elb_4xx += one.elb_4xx.get();
    sum.elb_5xx += one.elb_5xx.get();
    sum.elb_502 += one.elb_502.get();
    sum.elb_503 += one.elb_503.get();
    sum.elb_504 += one.elb_504.get();
    sum.target_2xx += one.target_2xx.get();
    sum.target_3xx += one.target_3xx.get();
    sum.target_4xx += one.target_4xx.get();
    sum.target_5xx += one.target_5xx.get();
    sum.active_connections += one.active_connections.get();
    sum.new_connections += one.new_connections.get();
    sum.processed_bytes += one.processed_bytes.get();
  }
  if (balancer.access_log) sum.access_lines_dropped = balancer.access_log->dropped.load(std::memory_order_relaxed);
  return sum;
}

GroupStats add_up(const ConfiguredGroup& group) {
  GroupStats sum{.target_group = group.id};
  std::array<std::int64_t, kLatencyBuckets> times{};
  for (const GroupCounters& one : group.state->by_worker) {
    sum.requests += one.requests.get();
    sum.target_2xx += one.target_2xx.get();
    sum.target_3xx += one.target_3xx.get();
    sum.target_4xx += one.target_4xx.get();
    sum.target_5xx += one.target_5xx.get();
    sum.connection_errors += one.connection_errors.get();
    sum.response_microseconds += one.response_microseconds.get();
    for (std::size_t i = 0; i < kLatencyBuckets; ++i) times[i] += one.response_times[i].get();
  }
  for (std::size_t i = 0; i < kLatencyBuckets; ++i)
    if (times[i] > 0) sum.response_times.push_back({std::int64_t(i), times[i]});
  return sum;
}

}  // namespace

Server::Server(EventLoop& loop, const ServerOptions& options, std::function<void()> changed)
    : loop_(loop),
      listen_retry_(options.listen_retry),
      changed_(std::move(changed)),
      states_(thread_count(options)),
      health_(loop, [this] { changed_(); }),
      config_(std::make_shared<Config>()),
      retry_([this] { open_endpoints(); }),
      grace_([this] { finish_shut_down(); }) {
  const std::size_t threads = thread_count(options);
  for (std::size_t i = 0; i < threads; ++i) {
    workers_.push_back(std::make_unique<Worker>(unsigned(i), options.connect_timeout, spool_));
    workers_.back()->start();
  }
}

Server::~Server() {
  for (auto& worker : workers_) worker->stop_and_join();
}

void Server::apply(const Snapshot& snapshot) {
  if (done_) return;
  config_ = states_.compile(snapshot);
  health_.apply(snapshot, config_);
  for (const auto& balancer : config_->balancers)
    if (balancer.access_log) spool_.write(balancer.access_log, {});
  open_endpoints();
}

std::int64_t Server::applied_version() const {
  std::int64_t version = config_->version;
  for (const auto& worker : workers_) version = std::min(version, worker->applied_version());
  return version;
}

Result<std::vector<env::Fd>> Server::open(const ConfiguredBalancer& balancer, const ConfiguredListener& listener,
                                          const ConfiguredEndpoint& endpoint, bool ours) const {
  if (!endpoint.node && !ours) BRUME_CHECK(check_port_is_free(endpoint.address, listener.port));
  std::vector<env::Fd> fds;
  for (std::size_t i = 0; i < workers_.size(); ++i) {
    BRUME_TRY(fd, endpoint.node ? open_listener(*balancer.network_namespace, endpoint.address, listener.port)
                                : open_listener(endpoint.address, listener.port, listener.clients));
    fds.push_back(std::move(fd));
  }
  return fds;
}

// Opens what the config wants and is not open, and hands config and new sockets to the workers.
void Server::open_endpoints() {
  if (done_) return;
  std::map<std::string, Endpoint> wanted;
  std::map<std::string, std::string> errors;
  std::vector<std::map<std::string, std::shared_ptr<env::Fd>>> sockets(workers_.size());
  bool retry = false;
  for (const auto& balancer : config_->balancers) {
    for (const auto& listener : balancer.listeners) {
      for (const auto& place : listener.endpoints) {
        if (wanted.contains(place.key)) {
          errors[listener.id] = fmt::format("port {} is in use", listener.port);
          continue;
        }
        Endpoint& endpoint = wanted[place.key];
        endpoint.node = place.node;
        const auto known = endpoints_.find(place.key);
        if (known != endpoints_.end() && known->second.error.empty()) continue;
        // Ours share a port among threads and addresses; whoever else has it must be noticed before we would share with
        // him.
        const std::string port = fmt::format(":{}", listener.port);
        const auto has_port = [&](const auto& other) {
          return &other.second != &endpoint && !other.second.node && other.second.error.empty() &&
                 other.first.ends_with(port);
        };
        auto opened = open(balancer, listener, place,
                           std::ranges::any_of(endpoints_, has_port) || std::ranges::any_of(wanted, has_port));
        if (opened) {
          for (std::size_t i = 0; i < workers_.size(); ++i)
            sockets[i][place.key] = std::make_shared<env::Fd>(std::move((*opened)[i]));
          continue;
        }
        endpoint.error = opened.error().message;
        retry = true;
        // A VPC that is not there yet has no clients either.
        if (!place.node) errors[listener.id] = endpoint.error;
      }
    }
  }
  const bool news = errors != listener_errors_;
  endpoints_ = std::move(wanted);
  listener_errors_ = std::move(errors);
  auto applied = [this] {
    loop_.post([this] {
      if (std::exchange(reported_version_, applied_version()) != applied_version()) changed_();
    });
  };
  for (std::size_t i = 0; i < workers_.size(); ++i) workers_[i]->apply(config_, std::move(sockets[i]), applied);
  if (retry) loop_.set_timer(retry_, listen_retry_);
  if (news) changed_();
}

Stats Server::stats() const {
  Stats stats{.version = applied_version()};
  for (const auto& group : config_->groups) {
    for (const auto& target : group.targets) {
      HealthReport report = health_.report(*target.state);
      stats.targets.push_back({.target_group = group.id,
                               .target = target.state->id,
                               .health = std::move(report.health),
                               .reason = std::move(report.reason),
                               .description = std::move(report.description),
                               .in_flight = target.state->in_flight.load(),
                               .requests = target.state->requests.load()});
    }
    stats.target_groups.push_back(add_up(group));
  }
  for (const auto& balancer : config_->balancers) {
    for (const auto& listener : balancer.listeners) {
      const auto error = listener_errors_.find(listener.id);
      stats.listeners.push_back({listener.id, error == listener_errors_.end() ? std::string() : error->second});
    }
    stats.load_balancers.push_back(add_up(balancer));
  }
  return stats;
}

void Server::shut_down(env::Duration grace, std::function<void()> done) {
  if (done_) return;
  done_ = std::move(done);
  workers_running_ = workers_.size();
  for (auto& worker : workers_) {
    worker->shut_down([this] {
      loop_.post([this] {
        if (--workers_running_ == 0) finish_shut_down();
      });
    });
  }
  loop_.set_timer(grace_, grace);
}

void Server::finish_shut_down() {
  TimerWheel::cancel(grace_);
  for (auto& worker : workers_) worker->stop_and_join();
  if (auto done = std::exchange(done_, [] {})) done();
}

}  // namespace brume::lb
