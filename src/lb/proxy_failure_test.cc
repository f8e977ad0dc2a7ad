// What the proxy answers when a client or a target misbehaves.
#include "lb/proxy_fixture.h"

namespace brume::lb {
namespace {

TEST_F(Proxy, BadGateways) {
  const char* answers[] = {"", "nonsense\r\n\r\n", "HTTP/1.1 101 Switching Protocols\r\n\r\n",
                           "HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Length: 1\r\n\r\n"};
  std::atomic<int> next = 0;
  std::atomic<int> served = 0;
  Backend backend([&](Peer& peer) {
    peer.read_head();
    ++served;
    const std::string answer = answers[next];
    if (answer.empty())
      peer.reset();
    else
      peer.send(answer);
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
  Action redirect{.redirect = Redirect{.protocol = "HTTPS",
                                       .host = "#{host}",
                                       .port = "443",
                                       .path = "/#{path}",
                                       .query = "#{query}",
                                       .status = 301}};
  balancer().listeners[0].rules = {
      {.id = "r1", .priority = 1, .conditions = {{"path-pattern", "", {"/api/*"}}}, .action = fixed},
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

}  // namespace
}  // namespace brume::lb
