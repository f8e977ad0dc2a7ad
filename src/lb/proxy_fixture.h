// For tests: the real server on loopback, with its threads, sockets and timers, and small blocking clients and backends
// around it. Deadlines here are safety nets: a test that passes never waits for one.
#pragma once

#include <arpa/inet.h>
#include <gtest/gtest.h>
#include <net/if.h>
#include <netinet/in.h>
#include <poll.h>
#include <sched.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/time.h>

#include <atomic>
#include <condition_variable>
#include <cstring>
#include <functional>
#include <future>
#include <mutex>
#include <thread>

#include "lb/server.h"

namespace brume::lb {

inline constexpr auto kDeadline = std::chrono::seconds(10);

inline sockaddr_in loopback(int port) {
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(std::uint16_t(port));
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  return address;
}

inline int port_of(int fd) {
  sockaddr_in address{};
  socklen_t size = sizeof address;
  ::getsockname(fd, reinterpret_cast<sockaddr*>(&address), &size);
  return ntohs(address.sin_port);
}

inline env::Fd listening_socket(int port = 0) {
  env::Fd fd(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
  const int on = 1;
  ::setsockopt(fd.get(), SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
  const auto address = loopback(port);
  EXPECT_EQ(::bind(fd.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address), 0);
  EXPECT_EQ(::listen(fd.get(), 128), 0);
  return fd;
}

inline int free_port() {
  const env::Fd fd = listening_socket();
  return port_of(fd.get());
}

// A blocking connection, from either side.
class Peer {
 public:
  explicit Peer(env::Fd fd) : fd_(std::move(fd)) {
    const timeval limit{.tv_sec = kDeadline.count(), .tv_usec = 0};
    ::setsockopt(fd_.get(), SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof limit);
    ::setsockopt(fd_.get(), SOL_SOCKET, SO_SNDTIMEO, &limit, sizeof limit);
  }
  static Peer connect(int port, int receive_buffer = 0) {
    env::Fd fd(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
    if (receive_buffer > 0) ::setsockopt(fd.get(), SOL_SOCKET, SO_RCVBUF, &receive_buffer, sizeof receive_buffer);
    const auto address = loopback(port);
    EXPECT_EQ(::connect(fd.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address), 0);
    return Peer(std::move(fd));
  }
  bool send(std::string_view text) {
    while (!text.empty()) {
      const ssize_t sent = ::send(fd_.get(), text.data(), text.size(), MSG_NOSIGNAL);
      if (sent <= 0) return false;
      text.remove_prefix(std::size_t(sent));
    }
    return true;
  }
  // Up to and including `end`; "" at the end of the stream.
  std::string read_until(std::string_view end) {
    std::size_t at;
    while ((at = pending_.find(end)) == std::string::npos) {
      if (!more()) return "";
    }
    return take(at + end.size());
  }
  std::string read_head() { return read_until("\r\n\r\n"); }
  std::string read(std::size_t size) {
    while (pending_.size() < size) {
      if (!more()) return "";
    }
    return take(size);
  }
  std::string read_to_end() {
    while (more()) {
    }
    return take(pending_.size());
  }
  // A response with Content-Length: head and body.
  std::string read_response() {
    std::string head = read_head();
    const auto at = head.find("Content-Length: ");
    if (at == std::string::npos) return head;
    return head + read(std::stoul(head.substr(at + 16)));
  }
  bool at_end() { return pending_.empty() && !more(); }
  void reset() {
    const linger now{.l_onoff = 1, .l_linger = 0};
    ::setsockopt(fd_.get(), SOL_SOCKET, SO_LINGER, &now, sizeof now);
    close();
  }
  void close() {
    const std::lock_guard lock(*mutex_);
    env::Fd gone = std::move(fd_);
  }
  // Wakes the thread that reads; from another thread.
  void interrupt() {
    const std::lock_guard lock(*mutex_);
    if (fd_) ::shutdown(fd_.get(), SHUT_RDWR);
  }
  void shut_down_sending() { ::shutdown(fd_.get(), SHUT_WR); }
  [[nodiscard]] int fd() const { return fd_.get(); }

 private:
  bool more() {
    char piece[65536];
    const ssize_t got = ::recv(fd_.get(), piece, sizeof piece, 0);
    if (got > 0) pending_.append(piece, std::size_t(got));
    return got > 0;
  }
  std::string take(std::size_t size) {
    std::string result = pending_.substr(0, size);
    pending_.erase(0, size);
    return result;
  }
  std::unique_ptr<std::mutex> mutex_ = std::make_unique<std::mutex>();
  env::Fd fd_;
  std::string pending_;
};

// Runs `serve` for each connection, on a thread of its own.
class Backend {
 public:
  using Serve = std::function<void(Peer&)>;
  explicit Backend(Serve serve) : serve_(std::move(serve)), fd_(listening_socket()), port_(port_of(fd_.get())) {
    acceptor_ = std::thread([this] {
      while (true) {
        env::Fd fd(::accept4(fd_.get(), nullptr, nullptr, SOCK_CLOEXEC));
        if (!fd) return;
        const std::lock_guard lock(mutex_);
        ++connections_;
        peers_.push_back(std::make_unique<Peer>(std::move(fd)));
        threads_.emplace_back([this, peer = peers_.back().get()] {
          serve_(*peer);
          peer->close();
        });
      }
    });
  }
  ~Backend() {
    ::shutdown(fd_.get(), SHUT_RDWR);
    acceptor_.join();
    for (auto& peer : peers_) peer->interrupt();
    for (auto& thread : threads_) thread.join();
  }
  [[nodiscard]] int port() const { return port_; }
  int connections() {
    const std::lock_guard lock(mutex_);
    return connections_;
  }

 private:
  Serve serve_;
  env::Fd fd_;
  const int port_;
  std::mutex mutex_;
  int connections_ = 0;
  std::vector<std::unique_ptr<Peer>> peers_;
  std::vector<std::thread> threads_;
  std::thread acceptor_;
};

// Answers every request on a connection with `body`, keeping it alive.
inline Backend::Serve answers(std::string body) {
  return [body](Peer& peer) {
    while (!peer.read_head().empty()) {
      if (!peer.send("HTTP/1.1 200 OK\r\nContent-Length: " + std::to_string(body.size()) + "\r\n\r\n" + body)) return;
    }
  };
}

// The server with its control loop on a thread of its own.
class Proxy : public ::testing::Test {
 protected:
  void start(ServerOptions options = {.threads = 2}) {
    server_ = std::make_unique<Server>(loop_, options, [this] { publish(); });
    control_ = std::thread([this] { loop_.run(); });
    port_ = free_port();
    snapshot_.load_balancers = {{.id = "lb", .listen_address = "127.0.0.1"}};
    snapshot_.load_balancers[0].listeners = {{.id = "listener", .port = port_, .clients = {"0.0.0.0/0"}}};
    forward_to("group");
  }
  ~Proxy() override {
    if (!control_.joinable()) return;
    loop_.post([this] { server_.reset(); });
    loop_.post([this] { loop_.stop(); });
    control_.join();
  }
  LoadBalancer& balancer() { return snapshot_.load_balancers[0]; }
  void forward_to(const std::string& group) { balancer().listeners[0].default_action = {.forward = {{group, 1}}}; }
  TargetGroup& group() {
    if (snapshot_.target_groups.empty()) {
      snapshot_.target_groups = {{.id = "group"}};
      snapshot_.target_groups[0].health_check.enabled = false;
    }
    return snapshot_.target_groups[0];
  }
  void add_target(int port) {
    group().targets.push_back({.id = "t" + std::to_string(port), .address = "127.0.0.1", .port = port});
  }
  // Returns when all workers serve by the snapshot.
  void apply() {
    ++snapshot_.version;
    loop_.post([this, snapshot = snapshot_] { server_->apply(snapshot); });
    ASSERT_TRUE(wait([this](const Stats& stats) { return stats.version == snapshot_.version; }));
  }
  // Waits until the statistics, refreshed on each change and now and then, satisfy `condition`.
  bool wait(const std::function<bool(const Stats&)>& condition) {
    const auto deadline = std::chrono::steady_clock::now() + kDeadline;
    std::unique_lock lock(mutex_);
    while (!condition(stats_)) {
      if (std::chrono::steady_clock::now() > deadline) return false;
      lock.unlock();
      loop_.post([this] { publish(); });
      lock.lock();
      changed_.wait_for(lock, std::chrono::milliseconds(5));
    }
    return true;
  }
  Stats stats() {
    std::promise<Stats> result;
    loop_.post([&] { result.set_value(server_->stats()); });
    return result.get_future().get();
  }
  std::string get(Peer& client, const std::string& path = "/") {
    client.send("GET " + path + " HTTP/1.1\r\nHost: h\r\n\r\n");
    return client.read_response();
  }
  std::string get(const std::string& path = "/") {
    Peer client = Peer::connect(port_);
    return get(client, path);
  }
  void publish() {
    Stats now = server_->stats();
    const std::lock_guard lock(mutex_);
    stats_ = std::move(now);
    changed_.notify_all();
  }

  EventLoop loop_;
  std::unique_ptr<Server> server_;
  std::thread control_;
  Snapshot snapshot_;
  int port_ = 0;
  std::mutex mutex_;
  std::condition_variable changed_;
  Stats stats_;
};

inline std::string status_of(const std::string& response) {
  return response.size() > 12 ? response.substr(9, 3) : "none";
}

}  // namespace brume::lb
