#include "lb/upstream.h"

#include <sys/epoll.h>

#include <algorithm>

#include "lb/client.h"

namespace brume::lb {
namespace {
constexpr std::size_t kIdlePerTarget = 512;
// After this long a peek is worth its system call: targets close idle connections after seconds, not before.
constexpr env::Duration kTrusted = std::chrono::seconds(1);
}  // namespace

void Upstream::on_events(std::uint32_t events) {
  if (stream.fd() < 0) return;
  stream.note(events);
  if (client == nullptr) {
    if (events & (EPOLLIN | EPOLLRDHUP | EPOLLERR | EPOLLHUP)) pool_.drop(*this);
    return;
  }
  if (connecting) {
    if (stream.broken()) return client->on_upstream_lost();
    if (!(events & EPOLLOUT)) return;
    connecting = false;
    connected_at = pool_.now();
    TimerWheel::cancel(*this);
  }
  client->run();
}

void Upstream::on_timer() {
  if (client == nullptr)
    pool_.drop(*this);
  else if (connecting)
    client->on_connect_timeout();
}

std::unique_ptr<Upstream> UpstreamPool::take(const TargetState& target) {
  const auto found = idle_.find(&target);
  if (found == idle_.end()) return nullptr;
  auto& waiting = found->second;
  while (!waiting.empty()) {
    auto upstream = std::move(waiting.back());
    waiting.pop_back();
    if (loop_.now() - upstream->idle_since_ > kTrusted && upstream->stream.is_stale()) {
      close(std::move(upstream));
      continue;
    }
    TimerWheel::cancel(*upstream);
    return upstream;
  }
  return nullptr;
}

std::unique_ptr<Upstream> UpstreamPool::connect(const ConfiguredBalancer& balancer, const ConfiguredTarget& target,
                                                env::Duration timeout) {
  auto fd = start_connection(*balancer.network_namespace, balancer.source_for(target.zone), target.state->address,
                             target.state->port);
  if (!fd) return nullptr;
  auto upstream = std::make_unique<Upstream>(std::move(*fd), buffers_, target.state, *this);
  if (!loop_.watch(upstream->stream.fd(), *upstream)) return nullptr;
  loop_.set_timer(*upstream, timeout);
  return upstream;
}

void UpstreamPool::give(std::unique_ptr<Upstream> upstream, env::Duration idle_timeout) {
  auto& waiting = idle_[upstream->target.get()];
  if (waiting.size() >= kIdlePerTarget || upstream->target->draining || upstream->target->removed) {
    return close(std::move(upstream));
  }
  upstream->client = nullptr;
  upstream->stream.release_if_empty();
  upstream->idle_since_ = loop_.now();
  loop_.set_timer(*upstream, idle_timeout);
  waiting.push_back(std::move(upstream));
}

void UpstreamPool::close(std::unique_ptr<Upstream> upstream) {
  TimerWheel::cancel(*upstream);
  upstream->client = nullptr;
  upstream->stream.close();
  loop_.retire(std::move(upstream));
}

void UpstreamPool::drop(Upstream& upstream) {
  auto& waiting = idle_[upstream.target.get()];
  const auto found = std::ranges::find(waiting, &upstream, &std::unique_ptr<Upstream>::get);
  if (found == waiting.end()) return;
  auto owned = std::move(*found);
  waiting.erase(found);
  close(std::move(owned));
}

void UpstreamPool::prune() {
  for (auto entry = idle_.begin(); entry != idle_.end();) {
    auto& waiting = entry->second;
    // The key stays valid while a connection holds its target; an empty entry's key may dangle, so it goes.
    if (!waiting.empty() && (waiting.front()->target->draining || waiting.front()->target->removed)) {
      for (auto& upstream : waiting) close(std::move(upstream));
      waiting.clear();
    }
    if (waiting.empty())
      entry = idle_.erase(entry);
    else
      ++entry;
  }
}

void UpstreamPool::close_all() {
  for (auto& [target, waiting] : idle_) {
    for (auto& upstream : waiting) close(std::move(upstream));
  }
  idle_.clear();
}

}  // namespace brume::lb
