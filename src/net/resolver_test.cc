// The resolver over real sockets in namespaces, with a server of the test's own on loopback to forward to. Needs root.
#include "net/resolver.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include <boost/asio/io_context.hpp>

#include <cstdlib>
#include <future>

#include "env/sim.h"
#include "net/kernel_fabric.h"
#include "net/namespace_sockets_testing.h"

namespace brume::net {
namespace {

using namespace std::chrono_literals;

TEST(ResolvConfTest, Servers) {
  const struct {
    const char* text;
    std::vector<DnsServer> servers;
  } cases[] = {
      {"", {{"127.0.0.1"}}},
      {"nameserver 10.0.0.2\n", {{"10.0.0.2"}}},
      {"# nameserver 10.0.0.1\nsearch x\nnameserver\t10.0.0.2 \r\nnameserver fe80::1%lo",
       {{"10.0.0.2"}, {"fe80::1%lo"}}},
      {"nameserver\nnameserverx 10.0.0.1\n nameserver 10.0.0.1\nnameserver 300.1.1.1\n", {{"127.0.0.1"}}},
      {"nameserver 1.0.0.1\nnameserver 1.0.0.2\nnameserver 1.0.0.3\nnameserver 1.0.0.4\n",
       {{"1.0.0.1"}, {"1.0.0.2"}, {"1.0.0.3"}}},
  };
  for (const auto& c : cases) EXPECT_EQ(parse_resolv_conf(c.text), c.servers) << c.text;
}

// 10.0.101.7 may forward, 10.0.101.8 may not, 10.0.101.9 is no interface of the tables; vpc-2 has no DNS support.
class Names : public NameSource {
 public:
  std::optional<VpcNames> vpc(const std::string& id) const override {
    return VpcNames{.region = "eu-west-1",
                    .blocks = {*parse_ipv4_block("10.0.0.0/16")},
                    .support = id == "vpc-1",
                    .hostnames = true};
  }
  bool is_interface(const std::string&, Ipv4 address) const override { return address != *parse_ipv4("10.0.101.9"); }
  bool may_forward(const std::string&, Ipv4 address) const override { return address == *parse_ipv4("10.0.101.7"); }
  std::optional<Ipv4> instance(const std::string&, std::string_view) const override { return {}; }
  std::optional<Ipv4> way_to(const std::string&, Ipv4) const override { return {}; }
  std::vector<Ipv4> load_balancer(std::string_view) const override { return {}; }
};

Result<sockaddr_in> bind_to_loopback(const env::Fd& fd, std::uint16_t port) {
  sockaddr_in local = socket_address("127.0.0.1", port);
  socklen_t size = sizeof local;
  if (::bind(fd.get(), reinterpret_cast<const sockaddr*>(&local), size) != 0 ||
      ::getsockname(fd.get(), reinterpret_cast<sockaddr*>(&local), &size) != 0)
    return env::posix_error("Cannot bind to", "127.0.0.1");
  return local;
}

class ResolverTest : public testing::Test {
 protected:
  void SetUp() override {
    if (::geteuid() != 0) GTEST_SKIP() << "network namespaces need root";
    char folder[] = "/tmp/brume-net-XXXXXX";
    ASSERT_NE(::mkdtemp(folder), nullptr);
    fabric_ = std::make_unique<KernelFabric>(folder_ = folder);
    for (const std::string id : {"1", "2"}) {
      ASSERT_TRUE(succeeds(fabric_->ensure_vpc({"vpc-" + id, {"10.0.101.0/24"}, "10.0.0.0/16"})));
      for (const std::string host : {"7", "8", "9"})
        ASSERT_TRUE(
            succeeds(fabric_->ensure_interface({"eni-" + id + host, "vpc-" + id, "i-" + id + host, "10.0.101." + host,
                                                "10.0.101.0/24", "02:00:00:00:00:0" + host, 0})));
    }
    upstream_ = env::Fd(::socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0));
    const auto bound = bind_to_loopback(upstream_, 0);
    ASSERT_TRUE(bound);
    port_ = ntohs(bound->sin_port);
    start({});
  }
  void TearDown() override {
    resolver_.reset();
    io_.restart();
    io_.poll();
    if (!fabric_) return;
    EXPECT_TRUE(succeeds(fabric_->sweep()));
    EXPECT_EQ(::rmdir(folder_.c_str()), 0);
  }
  void start(const Resolver::Limits& limits) {
    resolver_.reset();
    resolver_ = std::make_unique<Resolver>(
        io_, env_.clock, env_.random, *fabric_, names_, [this] { return std::vector<DnsServer>{{"127.0.0.1", port_}}; },
        limits);
    for (const char* vpc : {"vpc-1", "vpc-2"}) ASSERT_TRUE(succeeds(resolver_->open(vpc)));
  }

  template <typename Work>
  auto serve_while(Work work) {
    auto future = std::async(std::launch::async, std::move(work));
    io_.restart();
    while (future.wait_for(0s) != std::future_status::ready) io_.run_one_for(2ms);
    return future.get();
  }

  static DnsQuery query(const std::string& name) {
    return {.recursion_desired = true, .name = dns_name(name), .type = kDnsA, .record_class = kDnsInternet};
  }
  // What comes back for a message, over UDP.
  static Result<std::string> exchange(const std::string& path, const std::string& server, const std::string& message) {
    env::Fd fd;
    BRUME_CHECK(env::apart([&]() -> Result<void> {
      BRUME_CHECK(env::enter_network_namespace(path));
      fd = env::Fd(::socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0));
      const sockaddr_in remote = socket_address(server, 53);
      if (::connect(fd.get(), reinterpret_cast<const sockaddr*>(&remote), sizeof remote) != 0)
        return env::posix_error("Cannot reach", server);
      return {};
    }));
    if (::send(fd.get(), message.data(), message.size(), 0) < 0) return env::posix_error("Cannot", "send");
    return receive(fd);
  }
  static Result<std::string> receive(const env::Fd& fd) {
    BRUME_CHECK(wait_for(fd.get(), POLLIN));
    std::string reply(65535, '\0');
    const ssize_t n = ::recv(fd.get(), reply.data(), reply.size(), 0);
    if (n < 0) return env::posix_error("Cannot", "receive");
    reply.resize(std::size_t(n));
    return reply;
  }
  std::string path(const std::string& host) const { return fabric_->instance_namespace("i-" + host); }
  Result<std::string> ask(const std::string& host, const std::string& name, const std::string& server = "10.0.0.2") {
    return serve_while([=, this] { return exchange(path(host), server, write_dns_query(query(name), 7)); });
  }
  Result<std::string> ask_over_stream(const std::string& host, const std::string& message) {
    return serve_while([=, this]() -> Result<std::string> {
      BRUME_TRY(fd, connect_in(path(host), "", "10.0.0.2", 53));
      std::string framed;
      append_dns_number(framed, std::uint16_t(message.size()));
      framed += message;
      std::string all;
      if (::send(fd.get(), framed.data(), framed.size(), MSG_NOSIGNAL) < 0) return env::posix_error("Cannot", "send");
      while (all.size() < 2 || all.size() < 2U + std::size_t(std::uint8_t(all[0]) << 8 | std::uint8_t(all[1]))) {
        BRUME_TRY(more, receive(fd));
        if (more.empty()) return all;
        all += more;
      }
      return all.substr(2);
    });
  }
  // Answers the next question that is forwarded: first with `forgery`, if any, then with `addresses` addresses.
  std::string upstream_reply(const std::string& asked, std::size_t addresses, std::size_t limit) {
    const auto parsed = parse_dns_query(asked);
    if (!parsed) return {};
    DnsReply reply;
    for (std::uint32_t i = 0; i < addresses; ++i)
      reply.answers.push_back({parsed->name, kDnsA, 5, dns_address({0xcb007100 + i})});
    return write_dns_reply(*parsed, reply, limit);
  }
  std::future<void> answer_upstream(std::size_t addresses, bool forge = false) {
    return std::async(std::launch::async, [=, this] {
      if (!wait_for(upstream_.get(), POLLIN)) return;
      char buffer[4096];
      sockaddr_in peer{};
      socklen_t size = sizeof peer;
      const ssize_t n =
          ::recvfrom(upstream_.get(), buffer, sizeof buffer, 0, reinterpret_cast<sockaddr*>(&peer), &size);
      if (n < 0) return;
      const std::string reply = upstream_reply({buffer, std::size_t(n)}, addresses, 512);
      const auto send = [&](const std::string& message) {
        ::sendto(upstream_.get(), message.data(), message.size(), 0, reinterpret_cast<const sockaddr*>(&peer), size);
      };
      if (forge) {
        std::string forged = upstream_reply({buffer, std::size_t(n)}, 0, 512);
        set_dns_id(forged, std::uint16_t(~(std::uint8_t(reply[0]) << 8 | std::uint8_t(reply[1]))));
        send(forged);
      }
      send(reply);
    });
  }
  static std::uint16_t answers(const std::string& reply) {
    return std::uint16_t(std::uint8_t(reply[6]) << 8 | std::uint8_t(reply[7]));
  }

  env::SimEnv env_;
  boost::asio::io_context io_;
  std::string folder_;
  Names names_;
  env::Fd upstream_;
  std::uint16_t port_ = 0;
  std::unique_ptr<KernelFabric> fabric_;
  std::unique_ptr<Resolver> resolver_;
};

TEST_F(ResolverTest, AnswersAtBothAddressesOverBothProtocols) {
  const std::string name = "ip-10-0-101-8.eu-west-1.compute.internal";
  for (const char* server : {"10.0.0.2", "169.254.169.253"}) {
    const auto reply = ask("17", name, server);
    ASSERT_TRUE(reply) << reply.error().message;
    ASSERT_TRUE(is_dns_reply_to(*reply, query(name), 7));
    EXPECT_TRUE(reply->ends_with(dns_address(*parse_ipv4("10.0.101.8"))));
  }
  const auto reply = ask_over_stream("17", write_dns_query(query(name), 9));
  ASSERT_TRUE(reply) << reply.error().message;
  EXPECT_TRUE(is_dns_reply_to(*reply, query(name), 9));
}

TEST_F(ResolverTest, ForwardsForThoseWhoHaveAWayOut) {
  auto upstream = answer_upstream(1, true);
  const auto reply = ask("17", "www.example.com");
  upstream.wait();
  ASSERT_TRUE(reply) << reply.error().message;
  ASSERT_TRUE(is_dns_reply_to(*reply, query("www.example.com"), 7));
  EXPECT_EQ(answers(*reply), 1) << "not the forged reply";
  const auto refused = ask("18", "www.example.com");
  ASSERT_TRUE(refused);
  EXPECT_EQ(dns_code(*refused), DnsCode::server_failure);
}

TEST_F(ResolverTest, WhatIsTooLargeForADatagramComesOverAStream) {
  auto upstream = answer_upstream(100);
  const auto cut = ask("17", "www.example.com");
  upstream.wait();
  ASSERT_TRUE(cut);
  EXPECT_TRUE(dns_truncated(*cut));

  env::Fd listener(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
  ASSERT_TRUE(bind_to_loopback(listener, port_));
  ASSERT_EQ(::listen(listener.get(), 1), 0);
  upstream = answer_upstream(100);
  auto stream = std::async(std::launch::async, [&] {
    if (!wait_for(listener.get(), POLLIN)) return;
    const env::Fd fd(::accept4(listener.get(), nullptr, nullptr, SOCK_CLOEXEC));
    const auto asked = receive(fd);
    if (!asked) return;
    const std::string reply = upstream_reply(asked->substr(2), 100, 65535);
    std::string framed;
    append_dns_number(framed, std::uint16_t(reply.size()));
    framed += reply;
    (void)::send(fd.get(), framed.data(), framed.size(), MSG_NOSIGNAL);
  });
  const auto whole = ask_over_stream("17", write_dns_query(query("www.example.com"), 9));
  upstream.wait();
  stream.wait();
  ASSERT_TRUE(whole) << whole.error().message;
  ASSERT_TRUE(is_dns_reply_to(*whole, query("www.example.com"), 9));
  EXPECT_EQ(answers(*whole), 100);
}

TEST_F(ResolverTest, ASilentServerIsAFailure) {
  start({.outside = {.patience = 5ms}});
  const auto reply = ask("17", "www.example.com");
  ASSERT_TRUE(reply);
  EXPECT_EQ(dns_code(*reply), DnsCode::server_failure);
}

TEST_F(ResolverTest, MalformedQueries) {
  const std::string bad = write_dns_query(query("www.example.com"), 7) + "x";
  const auto reply = serve_while([&] { return exchange(path("17"), "10.0.0.2", bad); });
  ASSERT_TRUE(reply);
  EXPECT_EQ(dns_code(*reply), DnsCode::form_error);
}

// Connections tell it without waiting: they are ended.
TEST_F(ResolverTest, WhoIsNotAnswered) {
  const std::string message = write_dns_query(query("compute.internal"), 9);
  EXPECT_EQ(ask_over_stream("19", message), "") << "no interface of the VPC";
  EXPECT_EQ(ask_over_stream("27", message), "") << "no DNS support";
  start({.queries = 1});
  EXPECT_NE(ask_over_stream("17", message), "");
  EXPECT_EQ(ask_over_stream("17", message), "") << "too many this second";
  EXPECT_NE(ask_over_stream("18", message), "") << "others are served";
  env_.clock.advance_to(env_.clock.now() + 1s);
  EXPECT_NE(ask_over_stream("17", message), "");
}

TEST_F(ResolverTest, CloseEndsServiceInThatVpcOnly) {
  resolver_->close("vpc-2");
  const std::string message = write_dns_query(query("compute.internal"), 9);
  EXPECT_FALSE(ask_over_stream("27", message));
  EXPECT_TRUE(ask_over_stream("17", message));
  ASSERT_TRUE(succeeds(resolver_->open("vpc-2")));
  EXPECT_EQ(ask_over_stream("27", message), "");
}

}  // namespace
}  // namespace brume::net
