// A connection to a target, and the pools in which idle ones wait.
//
// Belongs to one client at a time or to the pool. Used for one request after another, never for two at once. A pooled
// one that the target closes is dropped at once.
#pragma once

#include <memory>
#include <unordered_map>
#include <vector>

#include "lb/event_loop.h"
#include "lb/runtime.h"
#include "lb/stream.h"

namespace brume::lb {

class Client;
class UpstreamPool;

class Upstream final : public Watcher, public Timer {
 public:
  Upstream(env::Fd fd, BufferPool& buffers, std::shared_ptr<TargetState> to, UpstreamPool& pool)
      : stream(std::move(fd), buffers), target(std::move(to)), pool_(pool) {}
  void on_events(std::uint32_t events) override;
  void on_timer() override;

  Stream stream;
  const std::shared_ptr<TargetState> target;
  Client* client = nullptr;  // null: idle
  bool connecting = true;
  env::MonotonicTime connected_at{};

 private:
  friend class UpstreamPool;
  UpstreamPool& pool_;
  env::MonotonicTime idle_since_{};
};

class UpstreamPool {
 public:
  UpstreamPool(EventLoop& loop, BufferPool& buffers) : loop_(loop), buffers_(buffers) {}

  // An idle connection, the one used last first; null if there is none.
  std::unique_ptr<Upstream> take(const TargetState& target);
  // Null: it cannot even be started.
  std::unique_ptr<Upstream> connect(const ConfiguredBalancer& balancer, const ConfiguredTarget& target,
                                    env::Duration timeout);
  void give(std::unique_ptr<Upstream> upstream, env::Duration idle_timeout);
  void close(std::unique_ptr<Upstream> upstream);
  // An idle one ended.
  void drop(Upstream& upstream);
  [[nodiscard]] env::MonotonicTime now() const { return loop_.now(); }
  // Closes what leads to targets that get no more requests.
  void prune();
  void close_all();

 private:
  EventLoop& loop_;
  BufferPool& buffers_;
  std::unordered_map<const TargetState*, std::vector<std::unique_ptr<Upstream>>> idle_;
};

}  // namespace brume::lb
