// The Unix socket on which the daemon tells the load balancer what to do and hears how it goes.
//
// One JSON document a line: Snapshots in (64 MiB at most), Stats out: each second, and at once when poked. Only a process
// of the same user may connect; a second connection replaces the first. A daemon that does not read misses reports; it
// never makes the load balancer wait.
#pragma once

#include <functional>
#include <memory>
#include <string>

#include "lb/config.h"
#include "lb/event_loop.h"

namespace brume::lb {

class Channel final : public Watcher {
 public:
  using OnSnapshot = std::function<void(const Snapshot&)>;
  // `path` gets mode 0600. Errors: InternalFailure; also when another process answers there.
  static Result<std::unique_ptr<Channel>> open(EventLoop& loop, const std::string& path, OnSnapshot on_snapshot,
                                               std::function<Stats()> stats);
  ~Channel() override;

  // Sends Stats soon: once for all pokes of a round.
  void poke();
  void on_events(std::uint32_t events) override;

 private:
  class Connection;
  friend class Connection;

  Channel(EventLoop& loop, std::string path, env::Fd fd, OnSnapshot on_snapshot, std::function<Stats()> stats);
  void report();
  void drop();

  EventLoop& loop_;
  std::string path_;
  env::Fd fd_;
  OnSnapshot on_snapshot_;
  std::function<Stats()> stats_;
  std::unique_ptr<Connection> connection_;
  Alarm periodic_, poked_;
};

}  // namespace brume::lb
