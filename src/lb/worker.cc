#include "lb/worker.h"
#include "lb/client_filter.h"

#include <netinet/in.h>
#include <sys/epoll.h>
#include <sys/random.h>
#include <sys/socket.h>

#include <cerrno>
#include <ctime>

#include "base/time.h"
#include "lb/balance.h"

namespace brume::lb {
namespace {
constexpr int kAcceptsPerTurn = 64;
constexpr env::Duration kOutOfDescriptors = std::chrono::milliseconds(100);

void write_hex(std::uint64_t value, int digits, char* out) {
  for (int i = digits - 1; i >= 0; --i, value >>= 4) out[i] = "0123456789abcdef"[value & 15];
}
}  // namespace

// A listening socket. Out of descriptors it looks again a little later: no edge will tell.
class Acceptor final : public Watcher {
 public:
  Acceptor(Worker& worker, env::Fd fd)
      : view(std::make_shared<ListenerView>()), worker_(worker), fd_(std::move(fd)), again_([this] { on_events(0); }) {}
  [[nodiscard]] int fd() const { return fd_.get(); }
  void close() { env::Fd gone = std::move(fd_); }
  // The socket has been told of these when it was opened, or of others since.
  void hear(const std::vector<std::string>& clients) {
    if (clients == clients_) return;
    clients_ = clients;
    filtered_ = !lets_all_in(clients);
    // One that cannot be told hears nobody any more: rather that than somebody who is not let in.
    if (!hear_only(fd_.get(), clients)) (void)hear_only(fd_.get(), {});
  }

  void on_events(std::uint32_t) override {
    if (fd_ && accept_some(kAcceptsPerTurn)) worker_.loop().call_again(*this);
  }
  // Whether there may be more.
  bool accept_some(int most) {
    while (most-- > 0) {
      sockaddr_storage peer{};
      socklen_t size = sizeof peer;
      env::Fd fd(::accept4(fd_.get(), reinterpret_cast<sockaddr*>(&peer), &size, SOCK_NONBLOCK | SOCK_CLOEXEC));
      if (!fd) {
        if (errno == ECONNABORTED || errno == EINTR) continue;
        if (errno != EAGAIN) worker_.loop().set_timer(again_, kOutOfDescriptors);
        return false;
      }
      disable_nagle(fd.get());
      if (filtered_) hear_all(fd.get());
      const std::uint16_t port = peer.ss_family == AF_INET ? reinterpret_cast<sockaddr_in&>(peer).sin_port
                                                           : reinterpret_cast<sockaddr_in6&>(peer).sin6_port;
      worker_.accepted(std::move(fd), view, Address::from(peer), ntohs(port));
    }
    return true;
  }

  const std::shared_ptr<ListenerView> view;

 private:
  Worker& worker_;
  env::Fd fd_;
  std::vector<std::string> clients_ = {"0.0.0.0/0"};
  bool filtered_ = false;
  Alarm again_;
};

Worker::Worker(unsigned index, env::Duration connect_timeout, AccessSpool& spool)
    : index_(index), connect_timeout_(connect_timeout), pool_(loop_, buffers_), access_log_(loop_, spool) {
  if (::getrandom(&random_state_, sizeof random_state_, 0) != sizeof random_state_) random_state_ = index;
}

Worker::~Worker() {
  stop_and_join();
}

void Worker::start() {
  thread_ = std::thread([this] { run(); });
}

void Worker::run() {
  loop_.run();
  // Everything that has a timer or a socket in the loop goes before the loop does.
  while (!clients_.empty()) {
    auto client = std::move(clients_.back());
    clients_.pop_back();
    client->position = clients_.size();
  }
  pool_.close_all();
  acceptors_.clear();
  access_log_.flush();
}

void Worker::stop_and_join() {
  loop_.stop();
  if (thread_.joinable()) thread_.join();
}

void Worker::apply(std::shared_ptr<const Config> config, std::map<std::string, std::shared_ptr<env::Fd>> sockets,
                   std::function<void()> applied) {
  loop_.post([this, config = std::move(config), sockets = std::move(sockets), applied = std::move(applied)]() mutable {
    adopt(config, sockets);
    applied_version_ = config->version;
    applied();
  });
}

void Worker::adopt(std::shared_ptr<const Config> config, std::map<std::string, std::shared_ptr<env::Fd>>& sockets) {
  config_ = std::move(config);
  eligible_.assign(config_->groups.size(), {});
  struct Wanted {
    const ConfiguredBalancer* balancer;
    const ConfiguredListener* listener;
    bool node;
  };
  std::map<std::string_view, Wanted> wanted;
  for (const auto& balancer : config_->balancers)
    for (const auto& listener : balancer.listeners)
      for (const auto& endpoint : listener.endpoints)
        wanted.try_emplace(endpoint.key, Wanted{&balancer, &listener, endpoint.node});
  for (auto entry = acceptors_.begin(); entry != acceptors_.end();) {
    Acceptor& acceptor = *entry->second;
    if (wanted.contains(entry->first)) {
      ++entry;
      continue;
    }
    close_acceptor(acceptor);
    acceptor.view->removed = true;
    loop_.retire(std::move(entry->second));
    entry = acceptors_.erase(entry);
  }
  for (auto& [endpoint, fd] : sockets) {
    if (done_ || !wanted.contains(endpoint)) continue;
    auto acceptor = std::make_unique<Acceptor>(*this, std::move(*fd));
    if (loop_.watch(acceptor->fd(), *acceptor)) acceptors_[endpoint] = std::move(acceptor);
  }
  for (auto& [endpoint, acceptor] : acceptors_) {
    const auto [balancer, listener, node] = wanted.at(endpoint);
    *acceptor->view = {config_, balancer, listener, false};
    if (!node) acceptor->hear(listener->clients);
  }
  pool_.prune();
  // Ending a request can remove its client from the list, so go from the back: what moves has been seen.
  for (std::size_t i = clients_.size(); i-- > 0;) {
    if (i < clients_.size()) clients_[i]->check_target();
  }
  for (std::size_t i = clients_.size(); i-- > 0;) {
    if (i < clients_.size()) clients_[i]->finish_if_removed();
  }
  check_done();
}

void Worker::close_acceptor(Acceptor& acceptor) {
  // Connections the kernel has completed for us must not be reset.
  while (acceptor.accept_some(kAcceptsPerTurn)) {
  }
  acceptor.close();
}

void Worker::shut_down(std::function<void()> done) {
  loop_.post([this, done = std::move(done)] {
    done_ = done;
    for (auto& [endpoint, acceptor] : acceptors_) {
      close_acceptor(*acceptor);
      loop_.retire(std::move(acceptor));
    }
    acceptors_.clear();
    for (std::size_t i = clients_.size(); i-- > 0;) {
      if (i < clients_.size()) clients_[i]->finish_soon();
    }
    check_done();
  });
}

void Worker::check_done() {
  if (!done_ || !clients_.empty()) return;
  pool_.close_all();
  std::exchange(done_, nullptr)();
}

void Worker::accepted(env::Fd fd, std::shared_ptr<ListenerView> view, const Address& address, std::uint16_t port) {
  auto client = std::make_unique<Client>(*this, std::move(fd), std::move(view), address, port);
  client->position = clients_.size();
  Client& added = *client;
  clients_.push_back(std::move(client));
  if (!added.watch()) added.finish_soon();
}

void Worker::remove(Client& client) {
  auto owned = std::move(clients_[client.position]);
  if (client.position + 1 != clients_.size()) {
    clients_[client.position] = std::move(clients_.back());
    clients_[client.position]->position = client.position;
  }
  clients_.pop_back();
  loop_.retire(std::move(owned));
  if (done_ && clients_.empty()) loop_.post([this] { check_done(); });
}

std::uint64_t Worker::random() {
  std::uint64_t z = (random_state_ += 0x9e3779b97f4a7c15u);  // SplitMix64: unique, not secret
  z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
  z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
  return z ^ (z >> 31);
}

void Worker::tick() {
  const std::int64_t now = std::time(nullptr);
  if (now == second_) return;
  second_ = now;
  date_ = to_http_date(from_epoch_seconds(double(now)));
  trace_root_ = "1-00000000-000000000000000000000000";
  write_hex(std::uint64_t(now), 8, &trace_root_[2]);
}

std::string_view Worker::date() {
  tick();
  return date_;
}

std::string_view Worker::next_trace_root() {
  tick();
  write_hex(random(), 16, &trace_root_[11]);
  write_hex(random(), 8, &trace_root_[27]);
  return trace_root_;
}

std::string Worker::next_connection_id() {
  std::string id(36, '0');
  id.replace(0, 4, "TID_");
  write_hex(random(), 16, &id[4]);
  write_hex(random(), 16, &id[20]);
  return id;
}

const ConfiguredTarget* Worker::choose_target(const Config& config, const ConfiguredAction& action) {
  const int chosen = action.groups.size() == 1 && action.weights[0] > 0 ? 0 : choose_weighted(action.weights, random());
  if (chosen < 0) return nullptr;
  const std::size_t index = action.groups[std::size_t(chosen)];
  const ConfiguredGroup& group = config.groups[index];
  Eligible& view = eligible_[index];
  if (const auto changes = group.state->changes.load(std::memory_order_acquire); view.changes != changes) {
    std::vector<Candidate> candidates;
    for (const auto& target : group.targets) candidates.push_back({target.state->healthy, target.state->draining});
    view.targets = eligible(candidates);
    view.changes = changes;
  }
  if (view.targets.empty()) return nullptr;
  const std::uint64_t cursor = group.state->cursor.fetch_add(1, std::memory_order_relaxed);
  const std::uint32_t target =
      group.least_outstanding
          ? choose_least_outstanding(
                view.targets, cursor,
                [&](std::uint32_t i) { return group.targets[i].state->in_flight.load(std::memory_order_relaxed); })
          : choose_round_robin(view.targets, cursor);
  return &group.targets[target];
}

}  // namespace brume::lb
