// The metadata service over real sockets in namespaces. Needs root.
#include "net/metadata_server.h"

#include <gtest/gtest.h>
#include <net/ethernet.h>
#include <netinet/ip.h>
#include <netinet/tcp.h>
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

// Everything that comes until the other side closes.
Result<std::string> read_all(int fd) {
  std::string all;
  for (char buffer[4096];;) {
    BRUME_CHECK(wait_for(fd, POLLIN));
    const ssize_t n = ::recv(fd, buffer, sizeof buffer, 0);
    if (n < 0) return env::posix_error("Cannot read", "the answer");
    if (n == 0) return all;
    all.append(buffer, std::size_t(n));
  }
}

class MetadataServerTest : public testing::Test {
 protected:
  void SetUp() override {
    if (::geteuid() != 0) GTEST_SKIP() << "network namespaces need root";
    char folder[] = "/tmp/brume-net-XXXXXX";
    ASSERT_NE(::mkdtemp(folder), nullptr);
    fabric_ = std::make_unique<KernelFabric>(folder_ = folder);
    for (const char* vpc : {"vpc-1", "vpc-2"}) ASSERT_TRUE(succeeds(fabric_->ensure_vpc({vpc, {"10.0.101.0/24"}})));
    ASSERT_TRUE(succeeds(
        fabric_->ensure_interface({"eni-1", "vpc-1", "i-1", "10.0.101.7", "10.0.101.0/24", "02:00:00:00:00:07", 0})));
    ASSERT_TRUE(succeeds(
        fabric_->ensure_interface({"eni-2", "vpc-2", "i-2", "10.0.101.7", "10.0.101.0/24", "02:00:00:00:00:07", 0})));
    ASSERT_TRUE(succeeds(
        fabric_->ensure_interface({"eni-3", "vpc-1", "i-3", "10.0.101.8", "10.0.101.0/24", "02:00:00:00:00:08", 0})));
    start({});
  }
  void TearDown() override {
    server_.reset();
    io_.restart();
    io_.poll();
    if (!fabric_) return;
    EXPECT_TRUE(succeeds(fabric_->sweep()));
    EXPECT_EQ(::rmdir(folder_.c_str()), 0);
  }

  // i-1 and i-2 have the same address in two VPCs; i-3 is not known to the lookup.
  void start(const MetadataServer::Limits& limits) {
    server_.reset();
    const auto lookup = [](const std::string& vpc, const std::string& address) -> std::optional<InstanceMetadata> {
      if (address != "10.0.101.7") return {};
      InstanceMetadata instance;
      instance.instance_id = vpc == "vpc-1" ? "i-1" : "i-2";
      instance.interfaces.push_back({.id = "eni-1", .mac = "02:00:00:00:00:07"});
      instance.user_data = std::string(300'000, 'u');
      return instance;
    };
    server_ =
        std::make_unique<MetadataServer>(io_, env_.clock, env_.random, *fabric_, std::string(32, 'k'), lookup, limits);
    for (const char* vpc : {"vpc-1", "vpc-2"}) ASSERT_TRUE(succeeds(server_->open(vpc)));
  }

  // Serves on this thread while `work` runs on another.
  template <typename Work>
  auto serve_while(Work work) {
    auto future = std::async(std::launch::async, std::move(work));
    io_.restart();
    while (future.wait_for(0s) != std::future_status::ready) io_.run_one_for(2ms);
    return future.get();
  }
  Result<std::string> ask(const char* instance, const std::string& request) {
    return serve_while([path = fabric_->instance_namespace(instance), request]() -> Result<std::string> {
      BRUME_TRY(fd, connect_in(path, "", "169.254.169.254", 80));
      if (::send(fd.get(), request.data(), request.size(), MSG_NOSIGNAL) < 0) return env::posix_error("Cannot", "send");
      return read_all(fd.get());
    });
  }
  std::string status(const char* instance, const std::string& request) {
    const auto answer = ask(instance, request);
    return answer ? answer->substr(0, 12) : answer.error().message;
  }
  std::string token(const char* instance) {
    const auto answer =
        ask(instance, "PUT /latest/api/token HTTP/1.1\r\nX-aws-ec2-metadata-token-ttl-seconds: 60\r\n\r\n");
    return answer ? answer->substr(answer->find("\r\n\r\n") + 4) : answer.error().message;
  }
  static std::string get(const std::string& path, const std::string& token) {
    return "GET " + path + " HTTP/1.1\r\nX-aws-ec2-metadata-token: " + token + "\r\n\r\n";
  }

  env::SimEnv env_;
  boost::asio::io_context io_;
  std::string folder_;
  std::unique_ptr<KernelFabric> fabric_;
  std::unique_ptr<MetadataServer> server_;
};

TEST_F(MetadataServerTest, TellsEachInstanceAboutItself) {
  for (const char* instance : {"i-1", "i-2"}) {
    const auto answer = ask(instance, get("/latest/meta-data/instance-id", token(instance)));
    ASSERT_TRUE(answer);
    EXPECT_TRUE(answer->starts_with("HTTP/1.1 200 OK\r\n"));
    EXPECT_TRUE(answer->ends_with(std::string("\r\n\r\n") + instance)) << *answer;
  }
  EXPECT_EQ(status("i-2", get("/latest/meta-data/", token("i-1"))), "HTTP/1.1 401") << "another's token";
  EXPECT_EQ(status("i-3", "GET / HTTP/1.1\r\n\r\n"), "HTTP/1.1 404") << "nobody we know";
}

TEST_F(MetadataServerTest, SendsLargeUserDataAsAWhole) {
  const auto answer = ask("i-1", get("/latest/user-data", token("i-1")));
  ASSERT_TRUE(answer);
  EXPECT_EQ(answer->size() - answer->find("\r\n\r\n") - 4, 300'000U);
}

TEST_F(MetadataServerTest, RefusesWhatIsMalformedOrTooLarge) {
  EXPECT_EQ(status("i-1", "nonsense\r\n\r\n"), "HTTP/1.1 400");
  EXPECT_EQ(status("i-1", "GET / HTTP/1.1\r\nA: " + std::string(20'000, 'a') + "\r\n\r\n"), "HTTP/1.1 431");
}

TEST_F(MetadataServerTest, TokensOutliveTheServer) {
  const std::string before = token("i-1");
  start({});
  EXPECT_EQ(status("i-1", get("/latest/meta-data/", before)), "HTTP/1.1 200");
}

TEST_F(MetadataServerTest, EndsConnectionsThatTakeTooLong) {
  start({.time = 20ms});
  EXPECT_EQ(ask("i-1", "GET / HTTP/1.1\r\n"), "");
}

TEST_F(MetadataServerTest, AnInstanceHasOnlySoManyConnections) {
  start({.instance_connections = 2});
  const auto result = serve_while([path = fabric_->instance_namespace("i-1")]() -> Result<std::string> {
    // Connections are accepted in the order in which they were made; the last is one too many.
    std::vector<env::Fd> open;
    for (int i = 0; i < 3; ++i) {
      BRUME_TRY(fd, connect_in(path, "", "169.254.169.254", 80));
      open.push_back(std::move(fd));
    }
    return read_all(open.back().get());
  });
  EXPECT_EQ(result, "");
  EXPECT_EQ(status("i-3", "GET / HTTP/1.1\r\n\r\n"), "HTTP/1.1 404") << "others are served";
}

TEST_F(MetadataServerTest, CloseEndsServiceInThatVpcOnly) {
  server_->close("vpc-1");
  EXPECT_EQ(status("i-1", "GET / HTTP/1.1\r\n\r\n"), "Cannot connect to 169.254.169.254: Connection refused");
  EXPECT_EQ(status("i-2", "GET / HTTP/1.1\r\n\r\n"), "HTTP/1.1 401");
  ASSERT_TRUE(succeeds(server_->open("vpc-1")));
  EXPECT_EQ(status("i-1", "GET / HTTP/1.1\r\n\r\n"), "HTTP/1.1 401");
}

TEST_F(MetadataServerTest, OnlyTheTokenIsLimitedToTheHop) {
  env::Fd tap;
  ASSERT_TRUE(succeeds(env::apart([&]() -> Result<void> {
    BRUME_CHECK(env::enter_network_namespace(fabric_->instance_namespace("i-1")));
    tap = env::Fd(::socket(AF_PACKET, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, htons(ETHERTYPE_IP)));
    if (!tap) return env::posix_error("Cannot open", "a packet socket");
    return {};
  })));
  // The time to live of each packet with data that came since the last call.
  const auto seen = [&] {
    std::vector<int> hops;
    for (char packet[16384];;) {
      const ssize_t n = ::recv(tap.get(), packet, sizeof packet, 0);
      if (n < ssize_t(sizeof(iphdr) + sizeof(tcphdr))) return hops;
      iphdr ip;
      tcphdr tcp;
      std::memcpy(&ip, packet, sizeof ip);
      std::memcpy(&tcp, packet + ip.ihl * 4, sizeof tcp);
      if (ip.saddr == htonl(0xa9fea9fe) && ntohs(ip.tot_len) > ip.ihl * 4 + tcp.doff * 4) hops.push_back(ip.ttl);
    }
  };
  const std::string own = token("i-1");
  EXPECT_EQ(seen(), std::vector{1});
  ASSERT_EQ(status("i-1", get("/latest/meta-data/instance-id", own)), "HTTP/1.1 200");
  EXPECT_EQ(seen(), std::vector{64});
}

}  // namespace
}  // namespace brume::net
