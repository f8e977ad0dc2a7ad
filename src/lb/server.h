// The load balancer as a whole: applies snapshots to its workers, keeps the listening sockets, checks health, counts.
//
// All members belong to the thread of the loop it is given. Applying a snapshot keeps sockets, connections and counters
// of everything that stays.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "lb/event_loop.h"
#include "lb/health_checker.h"
#include "lb/runtime.h"
#include "lb/worker.h"

namespace brume::lb {

struct ServerOptions {
  unsigned threads = 0;  // 0: one for each core
  env::Duration connect_timeout = std::chrono::seconds(10);
  env::Duration listen_retry = std::chrono::seconds(1);  // while a port is in use
};

class Server {
 public:
  // `changed` is called when the health of a target or the state of a listener changed, and when all workers serve by a
  // new snapshot.
  Server(EventLoop& loop, const ServerOptions& options, std::function<void()> changed);
  ~Server();

  void apply(const Snapshot& snapshot);
  [[nodiscard]] Stats stats() const;
  // Stops accepting, lets requests end for at most `grace`, then calls `done`.
  void shut_down(env::Duration grace, std::function<void()> done);

 private:
  struct Endpoint {
    bool node = false;
    std::string error;  // empty: listening
  };

  // A socket for each worker; a host's endpoint only where no other process would be disturbed.
  Result<std::vector<env::Fd>> open(const ConfiguredBalancer& balancer, const ConfiguredListener& listener,
                                    const ConfiguredEndpoint& endpoint, bool ours) const;

  void open_endpoints();
  void finish_shut_down();
  [[nodiscard]] std::int64_t applied_version() const;

  EventLoop& loop_;
  const env::Duration listen_retry_;
  std::function<void()> changed_, done_;
  AccessSpool spool_;  // outlives the workers
  StateRegistry states_;
  HealthChecker health_;
  std::shared_ptr<const Config> config_;
  std::map<std::string, Endpoint> endpoints_;
  std::map<std::string, std::string> listener_errors_;  // by listener
  std::int64_t reported_version_ = 0;
  std::vector<std::unique_ptr<Worker>> workers_;
  std::size_t workers_running_ = 0;
  Alarm retry_, grace_;
};

}  // namespace brume::lb
