// The real server on loopback: its threads, sockets and timers, with small blocking clients and backends around it.
// Deadlines here are safety nets: a test that passes never waits for one.
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
namespace {

constexpr auto kDeadline = std::chrono::seconds(10);

sockaddr_in loopback(int port) {
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(std::uint16_t(port));
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  return address;
}

int port_of(int fd) {
  sockaddr_in address{};
  socklen_t size = sizeof address;
  ::getsockname(fd, reinterpret_cast<sockaddr*>(&address), &size);
  return ntohs(address.sin_port);
}

env::Fd listening_socket(int port = 0) {
  env::Fd fd(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
  const int on = 1;
  ::setsockopt(fd.get(), SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
  const auto address = loopback(port);
  EXPECT_EQ(::bind(fd.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address), 0);
  EXPECT_EQ(::listen(fd.get(), 128), 0);
  return fd;
}

int free_port() {
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
Backend::Serve answers(std::string body) {
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
    snapshot_.load_balancers[0].listeners = {{.id = "listener", .port = port_}};
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

std::string status_of(const std::string& response) { return response.size() > 12 ? response.substr(9, 3) : "none"; }

TEST_F(Proxy, KeepsBothSidesAlive) {
  Backend backend(answers("hello"));
  start({.threads = 1});
  add_target(backend.port());
  apply();
  Peer client = Peer::connect(port_);
  for (int i = 0; i < 20; ++i) {
    const std::string response = get(client);
    EXPECT_EQ(status_of(response), "200");
    EXPECT_TRUE(response.ends_with("\r\n\r\nhello")) << response;
  }
  EXPECT_EQ(backend.connections(), 1);
  const Stats now = stats();
  EXPECT_EQ(now.load_balancers[0].requests, 20);
  EXPECT_EQ(now.load_balancers[0].target_2xx, 20);
  EXPECT_EQ(now.load_balancers[0].new_connections, 1);
  EXPECT_EQ(now.targets[0].requests, 20);
}

TEST_F(Proxy, TellsTheTargetWhoAsks) {
  std::promise<std::string> head;
  Backend backend([&](Peer& peer) {
    head.set_value(peer.read_head());
    peer.send("HTTP/1.1 204 No Content\r\n\r\n");
  });
  start();
  add_target(backend.port());
  apply();
  Peer client = Peer::connect(port_);
  client.send("GET /x HTTP/1.1\r\nHost: h\r\nX-Forwarded-For: 1.2.3.4\r\nConnection: close\r\n\r\n");
  EXPECT_NE(client.read_head().find("Connection: close\r\n"), std::string::npos);
  EXPECT_TRUE(client.at_end());
  const std::string seen = head.get_future().get();
  EXPECT_TRUE(seen.starts_with("GET /x HTTP/1.1\r\n"));
  for (const std::string& wanted :
       {std::string("X-Forwarded-For: 1.2.3.4, 127.0.0.1\r\n"), std::string("X-Forwarded-Proto: http\r\n"),
        "X-Forwarded-Port: " + std::to_string(port_) + "\r\n", "Host: h:" + std::to_string(port_) + "\r\n",
        std::string("X-Amzn-Trace-Id: Root=1-")}) {
    EXPECT_NE(seen.find(wanted), std::string::npos) << wanted << seen;
  }
  EXPECT_EQ(seen.find("Connection"), std::string::npos);
}

TEST_F(Proxy, TakesTurns) {
  Backend a(answers("a")), b(answers("b"));
  start();
  add_target(a.port());
  add_target(b.port());
  apply();
  int counts[2] = {};
  Peer client = Peer::connect(port_);
  for (int i = 0; i < 10; ++i) ++counts[get(client).back() == 'b'];
  EXPECT_EQ(counts[0], 5);
  EXPECT_EQ(counts[1], 5);
}

TEST_F(Proxy, StreamsLargeBodiesBothWays) {
  constexpr std::size_t size = 24u << 20;
  Backend backend([](Peer& peer) {
    const std::string head = peer.read_head();
    if (head.empty()) return;
    std::string chunk;
    std::size_t total = 0;
    if (head.find("Transfer-Encoding: chunked") != std::string::npos) {
      while (true) {
        const std::size_t length = std::stoul(peer.read_until("\r\n"), nullptr, 16);
        peer.read(length + 2);
        total += length;
        if (length == 0) break;
      }
    } else {
      total = size;
      for (std::size_t left = size; left > 0; left -= 65536) peer.read(65536);
    }
    peer.send("HTTP/1.1 200 OK\r\nX-Got: " + std::to_string(total) + "\r\nContent-Length: " + std::to_string(size) + "\r\n\r\n");
    const std::string block(65536, 'r');
    for (std::size_t left = size; left > 0; left -= block.size()) {
      if (!peer.send(block)) return;
    }
  });
  start();
  add_target(backend.port());
  apply();
  for (const bool chunked : {false, true}) {
    Peer client = Peer::connect(port_);
    std::thread sender([&] {
      client.send(std::string("POST / HTTP/1.1\r\nHost: h\r\n") +
                  (chunked ? "Transfer-Encoding: chunked\r\n\r\n" : "Content-Length: " + std::to_string(size) + "\r\n\r\n"));
      const std::string block(65536, 'q');
      for (std::size_t left = size; left > 0; left -= block.size()) {
        client.send(chunked ? "10000;x=y\r\n" + block + "\r\n" : block);
      }
      if (chunked) client.send("0\r\n\r\n");
    });
    const std::string head = client.read_head();
    sender.join();
    EXPECT_NE(head.find("X-Got: " + std::to_string(size)), std::string::npos) << head;
    EXPECT_TRUE(client.read(size) == std::string(size, 'r'));
  }
}

TEST_F(Proxy, ASlowReaderHoldsTheTargetBack) {
  std::atomic<std::size_t> sent = 0;
  constexpr std::size_t size = 64u << 20;
  Backend backend([&](Peer& peer) {
    peer.read_head();
    peer.send("HTTP/1.1 200 OK\r\nContent-Length: " + std::to_string(size) + "\r\n\r\n");
    const std::string block(65536, 'r');
    for (std::size_t left = size; left > 0 && peer.send(block); left -= block.size()) sent += block.size();
  });
  start();
  add_target(backend.port());
  apply();
  Peer client = Peer::connect(port_, 8192);
  client.send("GET / HTTP/1.1\r\nHost: h\r\n\r\n");
  client.read_head();
  // All is still when what the backend sent stops growing; a whole body would be no backpressure.
  std::size_t before = 0;
  do {
    before = sent;
    pollfd nothing{.fd = -1, .events = 0, .revents = 0};
    ::poll(&nothing, 1, 50);
  } while (sent != before);
  EXPECT_LT(before, size);
  client.close();
}

TEST_F(Proxy, ChunkedResponsesReachBothVersions) {
  Backend backend([](Peer& peer) {
    while (!peer.read_head().empty()) {
      peer.send("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n");
      peer.send("6\r\n world\r\n0\r\nT: v\r\n\r\n");
    }
  });
  start({.threads = 1});
  add_target(backend.port());
  apply();
  Peer modern = Peer::connect(port_);
  for (int i = 0; i < 2; ++i) {
    modern.send("GET / HTTP/1.1\r\nHost: h\r\n\r\n");
    EXPECT_NE(modern.read_head().find("Transfer-Encoding: chunked\r\n"), std::string::npos);
    EXPECT_EQ(modern.read_until("T: v\r\n\r\n"), "5\r\nhello\r\n6\r\n world\r\n0\r\nT: v\r\n\r\n");
  }
  Peer old = Peer::connect(port_);
  old.send("GET / HTTP/1.0\r\n\r\n");
  const std::string all = old.read_to_end();
  EXPECT_EQ(all.find("Transfer-Encoding"), std::string::npos);
  EXPECT_TRUE(all.ends_with("\r\n\r\nhello world")) << all;
  EXPECT_EQ(backend.connections(), 1);
}

TEST_F(Proxy, BodiesThatEndWithTheConnection) {
  Backend backend([](Peer& peer) {
    peer.read_head();
    peer.send("HTTP/1.1 200 OK\r\n\r\nall of it");
    peer.close();
  });
  start();
  add_target(backend.port());
  apply();
  Peer client = Peer::connect(port_);
  client.send("GET / HTTP/1.1\r\nHost: h\r\n\r\n");
  const std::string all = client.read_to_end();
  EXPECT_NE(all.find("Connection: close\r\n"), std::string::npos);
  EXPECT_TRUE(all.ends_with("\r\n\r\nall of it"));
}

TEST_F(Proxy, HeadAndNotModifiedHaveNoBody) {
  Backend backend([](Peer& peer) {
    while (true) {
      const std::string head = peer.read_head();
      if (head.empty()) return;
      peer.send(head.starts_with("HEAD") ? "HTTP/1.1 200 OK\r\nContent-Length: 500\r\n\r\n"
                                         : "HTTP/1.1 304 Not Modified\r\nContent-Length: 500\r\n\r\n");
    }
  });
  start({.threads = 1});
  add_target(backend.port());
  apply();
  Peer client = Peer::connect(port_);
  for (const char* method : {"HEAD", "GET", "HEAD"}) {
    client.send(std::string(method) + " / HTTP/1.1\r\nHost: h\r\n\r\n");
    EXPECT_NE(client.read_head().find("Content-Length: 500"), std::string::npos);
  }
  EXPECT_EQ(backend.connections(), 1);
}

TEST_F(Proxy, PipelinedRequestsAreAnsweredInOrder) {
  Backend backend([](Peer& peer) {
    while (true) {
      const std::string head = peer.read_head();
      if (head.empty()) return;
      const std::string path = head.substr(4, head.find(' ', 4) - 4);
      peer.send("HTTP/1.1 200 OK\r\nContent-Length: " + std::to_string(path.size()) + "\r\n\r\n" + path);
    }
  });
  start();
  add_target(backend.port());
  apply();
  Peer client = Peer::connect(port_);
  std::string all;
  for (int i = 0; i < 50; ++i) all += "GET /" + std::to_string(i) + " HTTP/1.1\r\nHost: h\r\n\r\n";
  client.send(all);
  for (int i = 0; i < 50; ++i) EXPECT_TRUE(client.read_response().ends_with("\r\n\r\n/" + std::to_string(i)));
}

TEST_F(Proxy, ARequestInSingleBytes) {
  Backend backend(answers("ok"));
  start();
  add_target(backend.port());
  apply();
  Peer client = Peer::connect(port_);
  const int on = 1;
  ::setsockopt(client.fd(), IPPROTO_TCP, 1 /* TCP_NODELAY */, &on, sizeof on);
  for (char c : std::string("GET / HTTP/1.1\r\nHost: h\r\n\r\n")) client.send({&c, 1});
  EXPECT_EQ(status_of(client.read_response()), "200");
}

TEST_F(Proxy, ExpectContinuePasses) {
  Backend backend([](Peer& peer) {
    if (peer.read_head().find("Expect: 100-continue") == std::string::npos) return;
    peer.send("HTTP/1.1 100 Continue\r\n\r\n");
    const std::string body = peer.read(5);
    peer.send("HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n" + body);
  });
  start();
  add_target(backend.port());
  apply();
  Peer client = Peer::connect(port_);
  client.send("PUT / HTTP/1.1\r\nHost: h\r\nContent-Length: 5\r\nExpect: 100-continue\r\n\r\n");
  EXPECT_EQ(client.read_head(), "HTTP/1.1 100 Continue\r\n\r\n");
  client.send("12345");
  EXPECT_TRUE(client.read_response().ends_with("12345"));
}

TEST_F(Proxy, AnEarlyAnswerEndsTheConnection) {
  Backend backend([](Peer& peer) {
    peer.read_head();
    peer.send("HTTP/1.1 413 Too Large\r\nContent-Length: 2\r\n\r\nno");
    peer.read_head();
  });
  start();
  add_target(backend.port());
  apply();
  Peer client = Peer::connect(port_);
  client.send("PUT / HTTP/1.1\r\nHost: h\r\nContent-Length: 500\r\n\r\n");
  EXPECT_TRUE(client.read_response().ends_with("no"));
  EXPECT_TRUE(client.at_end());
}

TEST_F(Proxy, WebSocketsPassAfterTheUpgrade) {
  Backend backend([](Peer& peer) {
    const std::string head = peer.read_head();
    if (head.find("Connection: Upgrade\r\nUpgrade: websocket\r\n") == std::string::npos) return;
    peer.send("HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\nfirst");
    peer.send(peer.read(4));
    EXPECT_TRUE(peer.at_end());
    peer.send("bye");
  });
  start();
  add_target(backend.port());
  apply();
  Peer client = Peer::connect(port_);
  client.send("GET /ws HTTP/1.1\r\nHost: h\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\nping");
  EXPECT_TRUE(client.read_head().starts_with("HTTP/1.1 101 "));
  EXPECT_EQ(client.read(9), "firstping");
  client.shut_down_sending();
  EXPECT_EQ(client.read_to_end(), "bye");
  EXPECT_TRUE(wait([](const Stats& now) { return now.targets[0].in_flight == 0; }));
}

TEST_F(Proxy, NothingIsRawBeforeTheUpgrade) {
  std::atomic<int> requests = 0;
  Backend backend([&](Peer& peer) {
    while (true) {
      const std::string head = peer.read_head();
      if (head.empty()) return;
      ++requests;
      EXPECT_NE(head.find("X-Amzn-Trace-Id"), std::string::npos) << "came unparsed: " << head;
      peer.send("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n");
    }
  });
  start();
  add_target(backend.port());
  apply();
  Peer client = Peer::connect(port_);
  client.send("GET /ws HTTP/1.1\r\nHost: h\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\nGET /2 HTTP/1.1\r\nHost: h\r\n\r\n");
  EXPECT_EQ(status_of(client.read_response()), "200");
  EXPECT_EQ(status_of(client.read_response()), "200");
  EXPECT_EQ(requests, 2);
}

TEST_F(Proxy, BadGateways) {
  const char* answers[] = {"", "nonsense\r\n\r\n", "HTTP/1.1 101 Switching Protocols\r\n\r\n",
                           "HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Length: 1\r\n\r\n"};
  std::atomic<int> next = 0;
  std::atomic<int> served = 0;
  Backend backend([&](Peer& peer) {
    peer.read_head();
    ++served;
    const std::string answer = answers[next];
    if (answer.empty()) peer.reset();
    else peer.send(answer);
  });
  start();
  add_target(backend.port());
  apply();
  Peer client = Peer::connect(port_);
  for (; next < 4; ++next) {
    const std::string response = get(client);
    EXPECT_TRUE(response.starts_with("HTTP/1.1 502 Bad Gateway\r\nServer: awselb/2.0\r\nDate: ")) << response;
    EXPECT_TRUE(response.ends_with("<center><h1>502 Bad Gateway</h1></center>\r\n</body>\r\n</html>\r\n"));
  }
  EXPECT_EQ(served, 4) << "a request must never be sent twice";
  EXPECT_EQ(stats().load_balancers[0].elb_502, 4);
  group().targets.clear();
  add_target(free_port());
  apply();
  EXPECT_EQ(status_of(get()), "502") << "connection refused";
}

TEST_F(Proxy, AReusedConnectionThatClosesIsNotRetried) {
  std::atomic<int> served = 0;
  Backend backend([&](Peer& peer) {
    peer.read_head();
    ++served;
    peer.send("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n");
    if (peer.read_head().empty()) return;
    ++served;
    peer.reset();
  });
  start({.threads = 1});
  add_target(backend.port());
  apply();
  Peer client = Peer::connect(port_);
  EXPECT_EQ(status_of(get(client)), "200");
  EXPECT_EQ(status_of(get(client)), "502");
  EXPECT_EQ(served, 2);
}

TEST_F(Proxy, ATargetThatClosesIdleConnectionsIsNoProblem) {
  std::promise<void> closed;
  std::atomic<bool> first = true;
  Backend backend([&](Peer& peer) {
    peer.read_head();
    peer.send("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n");
    peer.shut_down_sending();
    if (peer.at_end() && first.exchange(false)) closed.set_value();  // the proxy has closed its side
  });
  start({.threads = 1});
  add_target(backend.port());
  apply();
  Peer client = Peer::connect(port_);
  EXPECT_EQ(status_of(get(client)), "200");
  closed.get_future().wait();
  EXPECT_EQ(status_of(get(client)), "200");
}

TEST_F(Proxy, ABodyCutShortIsCutForTheClient) {
  Backend backend([](Peer& peer) {
    peer.read_head();
    peer.send("HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nonly this");
    peer.close();
  });
  start();
  add_target(backend.port());
  apply();
  Peer client = Peer::connect(port_);
  client.send("GET / HTTP/1.1\r\nHost: h\r\n\r\n");
  EXPECT_NE(client.read_head(), "");
  EXPECT_EQ(client.read(100), "");
}

TEST_F(Proxy, OwnAnswers) {
  Backend backend(answers("x"));
  start();
  add_target(backend.port());
  apply();
  std::string forwarded = "1.1.1.1";
  for (int i = 0; i < 30; ++i) forwarded += ", 1.1.1.1";
  struct Case {
    std::string request;
    const char* status;
  };
  const Case cases[] = {
      {"GET / HTTP/1.1\r\nBad Name: x\r\n\r\n", "400"},
      {"GET / HTTP/1.1\r\n\r\n", "400"},
      {"GET / HTTP/1.1\r\nHost: h\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n", "400"},
      {"POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\nxyz\r\n", "400"},
      {"GET /" + std::string(17000, 'a') + " HTTP/1.1\r\nHost: h\r\n\r\n", "414"},
      {"GET / HTTP/1.1\r\nHost: h\r\nA: " + std::string(17000, 'a') + "\r\n\r\n", "400"},
      {"GET / HTTP/1.1\r\nHost: h\r\nX-Forwarded-For: " + forwarded + "\r\n\r\n", "463"},
      {"GET / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: gzip\r\n\r\n", "501"},
      {"GET / HTTP/3.0\r\nHost: h\r\n\r\n", "505"},
      {"TRACE / HTTP/1.1\r\nHost: h\r\n\r\n", "405"},
  };
  for (const auto& test : cases) {
    Peer client = Peer::connect(port_);
    client.send(test.request);
    const std::string response = client.read_to_end();
    EXPECT_EQ(status_of(response), test.status) << test.request.substr(0, 60);
    EXPECT_NE(response.find("Server: awselb/2.0\r\n"), std::string::npos);
  }
  EXPECT_EQ(stats().load_balancers[0].elb_4xx, 8);
}

TEST_F(Proxy, NoTargetsIs503) {
  start();
  group();
  apply();
  Peer client = Peer::connect(port_);
  EXPECT_EQ(status_of(get(client)), "503");
  EXPECT_EQ(status_of(get(client)), "503") << "the connection stays usable";
}

TEST_F(Proxy, RulesChooseTheAction) {
  Backend backend(answers("default"));
  start();
  add_target(backend.port());
  Action fixed{.fixed_response = FixedResponse{.status = 404, .content_type = "application/json", .body = "{}"}};
  Action redirect{.redirect = Redirect{.protocol = "HTTPS", .host = "#{host}", .port = "443", .path = "/#{path}", .query = "#{query}", .status = 301}};
  balancer().listeners[0].rules = {{.id = "r1", .priority = 1, .conditions = {{"path-pattern", "", {"/api/*"}}}, .action = fixed},
                                   {.id = "r2", .priority = 2, .conditions = {{"host-header", "", {"old.*"}}}, .action = redirect}};
  apply();
  Peer client = Peer::connect(port_);
  EXPECT_TRUE(get(client, "/").ends_with("default"));
  const std::string missing = get(client, "/api/x");
  EXPECT_EQ(status_of(missing), "404");
  EXPECT_NE(missing.find("Content-Type: application/json\r\n"), std::string::npos);
  EXPECT_TRUE(missing.ends_with("{}"));
  client.send("GET /a?b HTTP/1.1\r\nHost: old.example\r\n\r\n");
  const std::string moved = client.read_response();
  EXPECT_EQ(status_of(moved), "301");
  EXPECT_NE(moved.find("Location: https://old.example:443/a?b\r\n"), std::string::npos) << moved;
  // A body that came along is skipped, so the next request is read where it begins.
  client.send("POST /api/x HTTP/1.1\r\nHost: h\r\nContent-Length: 3\r\n\r\nabcGET /api/y HTTP/1.1\r\nHost: h\r\n\r\n");
  EXPECT_EQ(status_of(client.read_response()), "404");
  EXPECT_EQ(status_of(client.read_response()), "404");
}

TEST_F(Proxy, Timeouts) {
  Backend backend([](Peer& peer) { peer.read_to_end(); });
  start();
  add_target(backend.port());
  balancer().idle_timeout_seconds = 0.1;
  apply();
  EXPECT_EQ(status_of(get()), "504");
  Peer halfway = Peer::connect(port_);
  halfway.send("GET / HT");
  EXPECT_EQ(status_of(halfway.read_to_end()), "408");
  Peer body = Peer::connect(port_);
  body.send("POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 5\r\n\r\n12");
  EXPECT_EQ(status_of(body.read_to_end()), "408");
  Peer idle = Peer::connect(port_);
  EXPECT_EQ(idle.read_to_end(), "");
}

TEST_F(Proxy, ConnectTimeout) {
  // A listener whose queue is full drops further handshakes.
  const env::Fd full = listening_socket();
  ::listen(full.get(), 0);
  std::vector<env::Fd> fillers;
  for (int i = 0; i < 4; ++i) {
    fillers.emplace_back(::socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0));
    const auto address = loopback(port_of(full.get()));
    ::connect(fillers.back().get(), reinterpret_cast<const sockaddr*>(&address), sizeof address);
  }
  start({.threads = 1, .connect_timeout = std::chrono::milliseconds(50)});
  add_target(port_of(full.get()));
  apply();
  EXPECT_EQ(status_of(get()), "504");
}

TEST_F(Proxy, DrainingFinishesWhatIsInFlightAndRemovalEndsIt) {
  std::promise<void> release;
  auto released = release.get_future().share();
  Backend slow([released](Peer& peer) {
    const std::string head = peer.read_head();
    if (head.starts_with("GET /slow")) released.wait();
    peer.send("HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nslow");
  });
  Backend other(answers("other"));
  start({.threads = 1});
  add_target(slow.port());
  apply();
  Peer first = Peer::connect(port_), second = Peer::connect(port_);
  first.send("GET /slow HTTP/1.1\r\nHost: h\r\n\r\n");
  second.send("GET /slow HTTP/1.1\r\nHost: h\r\n\r\n");
  ASSERT_TRUE(wait([](const Stats& now) { return now.targets[0].in_flight == 2; }));
  group().targets[0].draining = true;
  add_target(other.port());
  apply();
  EXPECT_EQ(stats().targets[0].health, "draining");
  EXPECT_EQ(stats().targets[0].reason, "Target.DeregistrationInProgress");
  for (int i = 0; i < 4; ++i) EXPECT_TRUE(get().ends_with("other"));
  EXPECT_EQ(stats().targets[0].in_flight, 2);
  // Deregistration is over: what is still in flight gets 502.
  group().targets.erase(group().targets.begin());
  apply();
  EXPECT_EQ(status_of(first.read_response()), "502");
  EXPECT_EQ(status_of(second.read_response()), "502");
  EXPECT_TRUE(get(first).ends_with("other")) << "the client's connection lives on";
  release.set_value();
}

TEST_F(Proxy, ASnapshotUnderLoadLosesNothing) {
  Backend a(answers("a")), b(answers("b"));
  start();
  add_target(a.port());
  apply();
  std::atomic<bool> stop = false;
  std::atomic<int> good = 0, bad = 0;
  std::vector<std::thread> clients;
  for (int c = 0; c < 4; ++c) {
    clients.emplace_back([&] {
      Peer client = Peer::connect(port_);
      while (!stop) ++(status_of(get(client)) == "200" ? good : bad);
    });
  }
  for (int round = 0; round < 40; ++round) {
    auto& targets = group().targets;
    if (round % 4 == 0) add_target(b.port());
    if (round % 4 == 1) targets[0].draining = true;
    if (round % 4 == 2) targets[0].draining = false;
    if (round % 4 == 3) {
      targets[1].draining = true;
      apply();
      ASSERT_TRUE(wait([](const Stats& now) { return now.targets[1].in_flight == 0; }));
      targets.pop_back();
    }
    apply();
  }
  stop = true;
  for (auto& client : clients) client.join();
  EXPECT_EQ(bad, 0);
  EXPECT_GT(good, 0);
  EXPECT_EQ(stats().load_balancers[0].new_connections, 4) << "no connection was lost";
}

TEST_F(Proxy, HealthDecidesWhoGetsRequests) {
  std::atomic<int> status = 200;
  std::atomic<int> checks = 0;
  std::promise<std::string> check_head;
  Backend sick([&](Peer& peer) {
    while (true) {
      const std::string head = peer.read_head();
      if (head.empty()) return;
      if (head.find("ELB-HealthChecker/2.0") != std::string::npos && ++checks == 1) check_head.set_value(head);
      peer.send("HTTP/1.1 " + std::to_string(status) + " X\r\nContent-Length: 4\r\n\r\nsick");
    }
  });
  Backend well(answers("well"));
  start();
  add_target(sick.port());
  add_target(well.port());
  group().health_check = {.path = "/health", .interval_seconds = 0.03, .timeout_seconds = 5, .healthy_threshold = 2};
  apply();
  auto health_is = [](const char* first) {
    return [first](const Stats& now) { return now.targets[0].health == first && now.targets[1].health == "healthy"; };
  };
  ASSERT_TRUE(wait(health_is("healthy")));
  const std::string head = check_head.get_future().get();
  EXPECT_TRUE(head.starts_with("GET /health HTTP/1.1\r\nHost: 127.0.0.1:" + std::to_string(sick.port()) + "\r\n")) << head;
  status = 503;
  ASSERT_TRUE(wait(health_is("unhealthy")));
  const Stats now = stats();
  EXPECT_EQ(now.targets[0].reason, "Target.ResponseCodeMismatch");
  EXPECT_EQ(now.targets[0].description, "Health checks failed with these codes: [503]");
  for (int i = 0; i < 6; ++i) EXPECT_TRUE(get().ends_with("well"));
  status = 200;
  ASSERT_TRUE(wait(health_is("healthy")));
}

TEST_F(Proxy, APortInUseIsReportedAndRetried) {
  start({.threads = 2, .listen_retry = std::chrono::milliseconds(20)});
  group();
  env::Fd other = listening_socket(port_);
  apply();
  EXPECT_EQ(stats().listeners[0].error, "port " + std::to_string(port_) + " is in use");
  { env::Fd gone = std::move(other); }
  ASSERT_TRUE(wait([](const Stats& now) { return now.listeners[0].error.empty(); }));
  EXPECT_EQ(status_of(get()), "503");
}

TEST_F(Proxy, AGroupNobodyForwardsToIsUnused) {
  start();
  add_target(free_port());
  group().id = "elsewhere";
  apply();
  EXPECT_EQ(stats().targets[0].health, "unused");
  EXPECT_EQ(stats().targets[0].reason, "Target.NotInUse");
}

// Targets live in another network namespace; connections come from the node of their zone.
TEST_F(Proxy, ReachesIntoANetworkNamespace) {
  std::promise<std::pair<pid_t, int>> inside;  // the thread in the namespace, and its backend's port; 0: not permitted
  std::promise<void> over;
  std::promise<std::string> peer_address;
  std::thread resident([&] {
    if (::unshare(CLONE_NEWNET) != 0) return inside.set_value({0, 0});
    const env::Fd control(::socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0));
    ifreq lo{};
    std::strcpy(lo.ifr_name, "lo");
    lo.ifr_flags = IFF_UP;
    ::ioctl(control.get(), SIOCSIFFLAGS, &lo);
    Backend backend([&](Peer& peer) {
      sockaddr_in from{};
      socklen_t size = sizeof from;
      ::getpeername(peer.fd(), reinterpret_cast<sockaddr*>(&from), &size);
      peer_address.set_value(::inet_ntoa(from.sin_addr));
      peer.read_head();
      peer.send("HTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\ninside");
    });
    inside.set_value({::gettid(), backend.port()});
    over.get_future().wait();
  });
  const auto [thread, port] = inside.get_future().get();
  if (thread == 0) {
    resident.join();
    GTEST_SKIP() << "needs the right to make a network namespace";
  }
  start();
  add_target(port);
  group().targets[0].zone = "b";
  balancer().network_namespace = "/proc/self/task/" + std::to_string(thread) + "/ns/net";
  balancer().nodes = {{"a", "127.0.0.5"}, {"b", "127.0.0.6"}};
  apply();
  EXPECT_TRUE(get().ends_with("inside"));
  EXPECT_EQ(peer_address.get_future().get(), "127.0.0.6");
  over.set_value();
  resident.join();
}

TEST_F(Proxy, AGracefulEnd) {
  std::promise<void> release;
  auto released = release.get_future().share();
  Backend backend([released](Peer& peer) {
    peer.read_head();
    released.wait();
    peer.send("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok");
  });
  start();
  add_target(backend.port());
  apply();
  Peer busy = Peer::connect(port_), idle = Peer::connect(port_);
  busy.send("GET / HTTP/1.1\r\nHost: h\r\n\r\n");
  ASSERT_TRUE(wait([](const Stats& now) { return now.load_balancers[0].active_connections == 2 && now.targets[0].in_flight == 1; }));
  std::promise<void> ended;
  loop_.post([&] { server_->shut_down(kDeadline, [&] { ended.set_value(); }); });
  EXPECT_TRUE(idle.at_end());
  release.set_value();
  const std::string response = busy.read_response();
  EXPECT_TRUE(response.ends_with("ok"));
  EXPECT_NE(response.find("Connection: close\r\n"), std::string::npos);
  EXPECT_TRUE(busy.at_end());
  busy.close();
  EXPECT_EQ(ended.get_future().wait_for(kDeadline), std::future_status::ready);
}

}  // namespace
}  // namespace brume::lb
