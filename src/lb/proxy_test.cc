// What passes through the proxy, and how.
#include "lb/proxy_fixture.h"

namespace brume::lb {
namespace {

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
  const GroupStats& group = now.target_groups[0];
  EXPECT_EQ(group.requests, 20);
  EXPECT_EQ(group.target_2xx, 20);
  EXPECT_EQ(group.connection_errors, 0);
  std::int64_t timed = 0;
  for (const LatencyCount& one : group.response_times) timed += one.count;
  EXPECT_EQ(timed, 20);
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
    peer.send("HTTP/1.1 200 OK\r\nX-Got: " + std::to_string(total) + "\r\nContent-Length: " + std::to_string(size) +
              "\r\n\r\n");
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
      client.send(
          std::string("POST / HTTP/1.1\r\nHost: h\r\n") +
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
  client.send(
      "GET /ws HTTP/1.1\r\nHost: h\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\nGET /2 HTTP/1.1\r\nHost: "
      "h\r\n\r\n");
  EXPECT_EQ(status_of(client.read_response()), "200");
  EXPECT_EQ(status_of(client.read_response()), "200");
  EXPECT_EQ(requests, 2);
}

}  // namespace
}  // namespace brume::lb
