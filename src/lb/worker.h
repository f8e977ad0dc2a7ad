// One thread of the data plane: its loop, its listening sockets, its clients and its pools.
//
// Threads share nothing on the way of a request but the atomics of runtime.h. All members but start(), apply(),
// shut_down() and join() belong to the thread.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

#include "lb/client.h"
#include "lb/event_loop.h"
#include "lb/runtime.h"
#include "lb/upstream.h"

namespace brume::lb {

class Acceptor;

class Worker {
 public:
  Worker(unsigned index, env::Duration connect_timeout, AccessSpool& spool);
  ~Worker();
  Worker(const Worker&) = delete;
  Worker& operator=(const Worker&) = delete;

  // From the controlling thread.
  void start();
  // `sockets`: the new endpoints' listening sockets. Endpoints the config does not have are closed. `applied` is called
  // on this thread.
  void apply(std::shared_ptr<const Config> config, std::map<std::string, std::shared_ptr<env::Fd>> sockets,
             std::function<void()> applied);
  // The version that requests are served by.
  [[nodiscard]] std::int64_t applied_version() const { return applied_version_; }
  // Stops accepting, lets requests end, then calls `done` on this thread.
  void shut_down(std::function<void()> done);
  void stop_and_join();

  // For the thread's own.
  [[nodiscard]] unsigned index() const { return index_; }
  EventLoop& loop() { return loop_; }
  BufferPool& buffers() { return buffers_; }
  UpstreamPool& pool() { return pool_; }
  [[nodiscard]] env::Duration connect_timeout() const { return connect_timeout_; }
  // For composing a head before it is sent; empty it first.
  std::string& scratch() { return scratch_; }
  std::string_view date();
  // "1-<8 hex>-<24 hex>", another each call; valid until the next.
  std::string_view next_trace_root();
  // "TID_<32 hex>", another each call.
  std::string next_connection_id();
  AccessBuffer& access_log() { return access_log_; }
  // Null: none is registered, or no group has weight.
  const ConfiguredTarget* choose_target(const Config& config, const ConfiguredAction& action);
  void accepted(env::Fd fd, std::shared_ptr<ListenerView> view, const Address& address, std::uint16_t port);
  void remove(Client& client);

 private:
  struct Eligible {
    std::uint64_t changes = 0;  // of GroupState when this was made; 0: not made
    std::vector<std::uint32_t> targets;
  };

  void run();
  void adopt(std::shared_ptr<const Config> config, std::map<std::string, std::shared_ptr<env::Fd>>& sockets);
  void close_acceptor(Acceptor& acceptor);
  void tick();
  void check_done();
  std::uint64_t random();

  const unsigned index_;
  const env::Duration connect_timeout_;
  EventLoop loop_;
  BufferPool buffers_;
  UpstreamPool pool_;
  AccessBuffer access_log_;
  std::thread thread_;
  std::shared_ptr<const Config> config_;
  std::atomic<std::int64_t> applied_version_ = 0;
  std::vector<Eligible> eligible_;  // by Config::groups
  std::map<std::string, std::unique_ptr<Acceptor>> acceptors_;
  std::vector<std::unique_ptr<Client>> clients_;
  std::function<void()> done_;
  std::string scratch_;
  std::uint64_t random_state_;
  std::int64_t second_ = 0;
  std::string date_, trace_root_;
};

}  // namespace brume::lb
