// Snapshots, health, listeners and the end, under traffic.
#include <fcntl.h>
#include <poll.h>

#include "lb/proxy_fixture.h"

namespace brume::lb {
namespace {

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
  EXPECT_TRUE(head.starts_with("GET /health HTTP/1.1\r\nHost: 127.0.0.1:" + std::to_string(sick.port()) + "\r\n"))
      << head;
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
  {
    env::Fd gone = std::move(other);
  }
  ASSERT_TRUE(wait([](const Stats& now) { return now.listeners[0].error.empty(); }));
  EXPECT_EQ(status_of(get()), "503");
}

// One load balancer has all of the host's addresses, another the same port on an address of its own.
TEST_F(Proxy, APortIsSharedBetweenOurOwnAddresses) {
  start({.threads = 2});
  group();
  snapshot_.load_balancers[0].listen_address = "0.0.0.0";
  LoadBalancer other = snapshot_.load_balancers[0];
  other.id = "other";
  other.listen_address = "127.0.0.2";
  other.listeners[0].id = "other-listener";
  other.listeners[0].default_action = {.fixed_response =
                                           FixedResponse{.status = 418, .content_type = "text/plain", .body = "other"}};
  snapshot_.load_balancers.push_back(other);
  apply();
  for (const ListenerStats& listener : stats().listeners) EXPECT_EQ(listener.error, "") << listener.listener;
  EXPECT_EQ(status_of(get()), "503");
  env::Fd fd(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
  sockaddr_in address = loopback(port_);
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK + 1);
  ASSERT_EQ(::connect(fd.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address), 0);
  Peer peer(std::move(fd));
  ASSERT_TRUE(peer.send("GET / HTTP/1.1\r\nHost: x\r\n\r\n"));
  EXPECT_TRUE(peer.read_head().starts_with("HTTP/1.1 418"));
}

// A connection from `source`, under way: established once it is writable without an error.
env::Fd connect_from(std::uint32_t source, int port) {
  env::Fd fd(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
  sockaddr_in from = loopback(0);
  from.sin_addr.s_addr = htonl(source);
  EXPECT_EQ(::bind(fd.get(), reinterpret_cast<const sockaddr*>(&from), sizeof from), 0);
  const sockaddr_in to = loopback(port);
  (void)::connect(fd.get(), reinterpret_cast<const sockaddr*>(&to), sizeof to);
  return fd;
}

bool is_established(const env::Fd& fd) {
  pollfd waiting{fd.get(), POLLOUT, 0};
  return ::poll(&waiting, 1, 0) == 1 && (waiting.revents & (POLLERR | POLLHUP)) == 0;
}

// On loopback a SYN is judged before connect() returns.
TEST_F(Proxy, OnlyItsClientsAreHeard) {
  constexpr std::uint32_t one = INADDR_LOOPBACK, two = INADDR_LOOPBACK + 1;
  start({.threads = 2});
  group();
  balancer().listeners[0].clients = {"10.0.0.0/8", "127.0.0.1/32"};
  apply();
  env::Fd open = connect_from(one, port_);
  EXPECT_TRUE(is_established(open));
  EXPECT_FALSE(is_established(connect_from(two, port_)));
  balancer().listeners[0].clients = {"127.0.0.2/31"};
  apply();
  EXPECT_TRUE(is_established(connect_from(two, port_)));
  EXPECT_FALSE(is_established(connect_from(one, port_)));
  ASSERT_EQ(::fcntl(open.get(), F_SETFL, 0), 0);
  Peer peer(std::move(open));
  ASSERT_TRUE(peer.send("GET / HTTP/1.1\r\nHost: x\r\n\r\n"));
  EXPECT_TRUE(peer.read_head().starts_with("HTTP/1.1 503")) << "a connection that was let in goes on";
  balancer().listeners[0].clients = {};
  apply();
  EXPECT_FALSE(is_established(connect_from(two, port_)));
  balancer().listeners[0].clients = {"0.0.0.0/0"};
  apply();
  EXPECT_TRUE(is_established(connect_from(one, port_)));
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
  std::promise<std::string> peer_address;  // of the first request
  std::atomic<bool> told = false;
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
      if (!told.exchange(true)) peer_address.set_value(::inet_ntoa(from.sin_addr));
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
  // Clients in there reach it at its nodes.
  std::string answer;
  std::thread([&] {
    const env::Fd there(::open(balancer().network_namespace.c_str(), O_RDONLY | O_CLOEXEC));
    ASSERT_EQ(::setns(there.get(), CLONE_NEWNET), 0);
    env::Fd fd(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
    sockaddr_in node = loopback(port_);
    node.sin_addr.s_addr = htonl(INADDR_LOOPBACK + 4);
    ASSERT_EQ(::connect(fd.get(), reinterpret_cast<const sockaddr*>(&node), sizeof node), 0);
    Peer peer(std::move(fd));
    ASSERT_TRUE(peer.send("GET / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"));
    answer = peer.read_head();
  }).join();
  EXPECT_TRUE(answer.starts_with("HTTP/1.1 200")) << answer;
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
  start({.threads = 1});  // so that `busy` has heard of the end when `idle` is closed
  add_target(backend.port());
  apply();
  Peer busy = Peer::connect(port_), idle = Peer::connect(port_);
  busy.send("GET / HTTP/1.1\r\nHost: h\r\n\r\n");
  ASSERT_TRUE(wait(
      [](const Stats& now) { return now.load_balancers[0].active_connections == 2 && now.targets[0].in_flight == 1; }));
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
