// Packets through the kernel's fabric: who reaches whom, with which source address, and that the host stays as it was.
// Needs root; the only traffic is inside namespaces that the test made.
#include "net/kernel_fabric.h"

#include <gtest/gtest.h>
#include <netinet/ip_icmp.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstdlib>
#include <fstream>
#include <sstream>

#include "net/namespace_sockets_testing.h"
#include "net/rtnetlink.h"

namespace brume::net {
namespace {

// What the listener sees as the source of the next connection, after a byte has gone each way.
Result<std::string> source_seen(const env::Fd& listener, const env::Fd& client) {
  BRUME_CHECK(wait_for(listener.get(), POLLIN));
  sockaddr_in peer{};
  socklen_t size = sizeof peer;
  const env::Fd server(::accept4(listener.get(), reinterpret_cast<sockaddr*>(&peer), &size, SOCK_CLOEXEC));
  if (!server) return env::posix_error("Cannot accept", "a connection");
  for (const auto& [from, to] : {std::pair(client.get(), server.get()), std::pair(server.get(), client.get())}) {
    char byte = 'x';
    if (::send(from, &byte, 1, 0) != 1) return env::posix_error("Cannot send", "a byte");
    BRUME_CHECK(wait_for(to, POLLIN));
    if (::recv(to, &byte, 1, 0) != 1) return env::posix_error("Cannot receive", "a byte");
  }
  char text[INET_ADDRSTRLEN];
  return std::string(::inet_ntop(AF_INET, &peer.sin_addr, text, sizeof text));
}

Result<std::string> source_seen(const env::Fd& listener, const std::string& path, const std::string& source,
                                const std::string& address, std::uint16_t port) {
  BRUME_TRY(client, connect_in(path, source, address, port));
  return source_seen(listener, client);
}

Result<void> ping_from(const std::string& path, const std::string& address) {
  return env::apart([&]() -> Result<void> {
    BRUME_CHECK(env::enter_network_namespace(path));
    const env::Fd fd(::socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, IPPROTO_ICMP));
    const int on = 1;  // hear at once that there is no way
    ::setsockopt(fd.get(), IPPROTO_IP, IP_RECVERR, &on, sizeof on);
    icmphdr echo{};
    echo.type = ICMP_ECHO;
    const sockaddr_in remote = socket_address(address, 0);
    if (::sendto(fd.get(), &echo, sizeof echo, 0, reinterpret_cast<const sockaddr*>(&remote), sizeof remote) < 0)
      return env::posix_error("Cannot ping", address);
    BRUME_CHECK(wait_for(fd.get(), POLLIN));
    if (::recv(fd.get(), &echo, sizeof echo, 0) < ssize_t(sizeof echo))
      return env::posix_error("No echo from", address);
    if (echo.type != ICMP_ECHOREPLY) return fail_internal("{} answers the ping with something else", address);
    return {};
  });
}

// Links, addresses and routes of the test's own namespace.
std::string host_network() {
  std::ostringstream all;
  auto kernel = Rtnetlink::open();
  const auto links = kernel->links().value();
  for (const Link& link : links) {
    all << link.index << ' ' << link.name << ' ' << link.kind << '\n';
    const auto addresses = kernel->addresses(link.index).value();
    for (const auto& [address, label] : addresses) all << "  " << to_string(address) << '\n';
  }
  for (const char* file : {"/proc/net/route", "/proc/net/ipv6_route", "/proc/sys/net/ipv4/ip_forward"})
    all << std::ifstream(file).rdbuf();
  return all.str();
}

class KernelFabricTest : public testing::Test {
 protected:
  void SetUp() override {
    if (::geteuid() != 0) GTEST_SKIP() << "network namespaces need root";
    char folder[] = "/tmp/brume-net-XXXXXX";
    ASSERT_NE(::mkdtemp(folder), nullptr);
    fabric_ = std::make_unique<KernelFabric>(folder_ = folder);
    ASSERT_TRUE(succeeds(fabric_->ensure_vpc({"vpc-1", {"10.0.101.0/24", "10.0.102.0/24"}})));
    ASSERT_TRUE(succeeds(fabric_->ensure_interface(first)));
    ASSERT_TRUE(succeeds(fabric_->ensure_interface(second)));
  }
  void TearDown() override {
    if (!fabric_) return;
    EXPECT_TRUE(succeeds(fabric_->sweep()));
    EXPECT_EQ(::rmdir(folder_.c_str()), 0);
  }
  std::string instance(const char* id) { return fabric_->instance_namespace(id); }

  const InterfaceSpec first{"eni-0aaaaaaaaaaaaaaa1", "vpc-1", "i-1", "10.0.101.7", "10.0.101.0/24",
                            "02:00:00:00:00:07",     0};
  const InterfaceSpec second{"eni-0aaaaaaaaaaaaaaa2", "vpc-1", "i-2", "10.0.102.7", "10.0.102.0/24",
                             "02:00:00:00:01:07",     0};
  std::unique_ptr<KernelFabric> fabric_;
  std::string folder_;
};

TEST_F(KernelFabricTest, InstancesOfTwoSubnetsReachEachOther) {
  EXPECT_TRUE(succeeds(ping_from(instance("i-1"), "10.0.102.7")));
  EXPECT_TRUE(succeeds(ping_from(instance("i-2"), "10.0.101.7")));
  EXPECT_TRUE(succeeds(ping_from(instance("i-1"), "10.0.101.1"))) << "its gateway";
  const auto listener = listen_in(instance("i-2"), "10.0.102.7", 80);
  ASSERT_TRUE(listener);
  EXPECT_EQ(source_seen(*listener, instance("i-1"), "", "10.0.102.7", 80), "10.0.101.7");
}

TEST_F(KernelFabricTest, InstancesOfOneSubnetReachEachOther) {
  InterfaceSpec neighbour = first;
  neighbour.id = "eni-3";
  neighbour.instance_id = "i-3";
  neighbour.address = "10.0.101.8";
  neighbour.mac = "02:00:00:00:00:08";
  ASSERT_TRUE(succeeds(fabric_->ensure_interface(neighbour)));
  const auto listener = listen_in(instance("i-3"), "0.0.0.0", 80);
  ASSERT_TRUE(listener);
  EXPECT_EQ(source_seen(*listener, instance("i-1"), "", "10.0.101.8", 80), "10.0.101.7");
}

TEST_F(KernelFabricTest, TheMetadataAddressSeesTheInstancesAddress) {
  const auto listener = listen_in(fabric_->vpc_namespace("vpc-1"), "169.254.169.254", 80);
  ASSERT_TRUE(listener);
  EXPECT_EQ(source_seen(*listener, instance("i-1"), "", "169.254.169.254", 80), "10.0.101.7");
  EXPECT_EQ(source_seen(*listener, instance("i-2"), "", "169.254.169.254", 80), "10.0.102.7");
}

TEST_F(KernelFabricTest, ANodeReachesInstancesFromItsAddress) {
  const NodeSpec node{"eni-9", "vpc-1", "10.0.101.200"};
  ASSERT_TRUE(succeeds(fabric_->ensure_node(node)));
  const auto listener = listen_in(instance("i-2"), "10.0.102.7", 80);
  ASSERT_TRUE(listener);
  const std::string vpc = fabric_->vpc_namespace("vpc-1");
  EXPECT_EQ(source_seen(*listener, vpc, "10.0.101.200", "10.0.102.7", 80), "10.0.101.200");
  ASSERT_TRUE(succeeds(fabric_->remove_node(node)));
  EXPECT_FALSE(connect_in(vpc, "10.0.101.200", "10.0.102.7", 80));
}

TEST_F(KernelFabricTest, AnotherVpcWithTheSameBlocksIsApart) {
  ASSERT_TRUE(succeeds(fabric_->ensure_vpc({"vpc-2", {"10.0.101.0/24", "10.0.102.0/24"}})));
  InterfaceSpec twin = first;
  twin.id = "eni-4";
  twin.vpc_id = "vpc-2";
  twin.instance_id = "i-4";
  ASSERT_TRUE(succeeds(fabric_->ensure_interface(twin)));
  const auto answer = ping_from(instance("i-4"), "10.0.102.7");
  ASSERT_FALSE(answer);
  EXPECT_EQ(answer.error().message, "No echo from 10.0.102.7: Network is unreachable");
  EXPECT_TRUE(succeeds(ping_from(instance("i-1"), "10.0.102.7"))) << "its twin in the first VPC does";
  EXPECT_TRUE(succeeds(ping_from(instance("i-2"), "10.0.101.7")));
}

TEST_F(KernelFabricTest, ASecondInterfaceAnswersThroughItself) {
  InterfaceSpec extra = second;
  extra.id = "eni-5";
  extra.instance_id = "i-1";
  extra.address = "10.0.102.8";
  extra.mac = "02:00:00:00:01:08";
  extra.device_index = 1;
  ASSERT_TRUE(succeeds(fabric_->ensure_interface(extra)));
  const auto listener = listen_in(instance("i-1"), "0.0.0.0", 80);
  ASSERT_TRUE(listener);
  EXPECT_EQ(source_seen(*listener, instance("i-2"), "", "10.0.102.8", 80), "10.0.102.7");
  EXPECT_EQ(source_seen(*listener, instance("i-2"), "", "10.0.101.7", 80), "10.0.102.7");
}

TEST_F(KernelFabricTest, AnAddressThatIsNotItsOwnGetsNowhere) {
  ASSERT_TRUE(succeeds(env::apart([&]() -> Result<void> {
    BRUME_CHECK(env::enter_network_namespace(instance("i-1")));
    BRUME_TRY(kernel, Rtnetlink::open());
    BRUME_TRY(link, kernel.find_link("eth0"));
    return kernel.add_address(link.index, Ipv4{0x0a006563}, 32, "eth0");  // 10.0.101.99
  })));
  const env::Fd receiver = [&] {
    env::Fd fd;
    (void)env::apart([&]() -> Result<void> {
      BRUME_CHECK(env::enter_network_namespace(instance("i-2")));
      fd = env::Fd(::socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0));
      const sockaddr_in local = socket_address("10.0.102.7", 5000);
      if (::bind(fd.get(), reinterpret_cast<const sockaddr*>(&local), sizeof local) != 0)
        return env::posix_error("Cannot bind", "10.0.102.7");
      return {};
    });
    return fd;
  }();
  ASSERT_TRUE(succeeds(ping_from(instance("i-1"), "10.0.101.1"))) << "so that the gateway's MAC is known";
  // The forged datagram goes first; if the fabric let it through, it would arrive first.
  for (const char* source : {"10.0.101.99", "10.0.101.7"})
    ASSERT_TRUE(succeeds(env::apart([&]() -> Result<void> {
      BRUME_CHECK(env::enter_network_namespace(instance("i-1")));
      const env::Fd fd(::socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0));
      const sockaddr_in local = socket_address(source, 0), remote = socket_address("10.0.102.7", 5000);
      if (::bind(fd.get(), reinterpret_cast<const sockaddr*>(&local), sizeof local) != 0 ||
          ::sendto(fd.get(), "x", 1, 0, reinterpret_cast<const sockaddr*>(&remote), sizeof remote) != 1)
        return env::posix_error("Cannot send from", source);
      return {};
    })));
  ASSERT_TRUE(succeeds(wait_for(receiver.get(), POLLIN)));
  sockaddr_in peer{};
  socklen_t size = sizeof peer;
  char byte = 0;
  ASSERT_EQ(::recvfrom(receiver.get(), &byte, 1, 0, reinterpret_cast<sockaddr*>(&peer), &size), 1);
  EXPECT_EQ(peer.sin_addr.s_addr, socket_address("10.0.101.7", 0).sin_addr.s_addr);
}

TEST_F(KernelFabricTest, EnsuringAgainLeavesConnectionsOpen) {
  const auto listener = listen_in(instance("i-2"), "10.0.102.7", 80);
  ASSERT_TRUE(listener);
  const auto client = connect_in(instance("i-1"), "", "10.0.102.7", 80);
  ASSERT_TRUE(client);
  ASSERT_TRUE(succeeds(fabric_->ensure_vpc({"vpc-1", {"10.0.101.0/24", "10.0.102.0/24"}})));
  ASSERT_TRUE(succeeds(fabric_->ensure_interface(first)));
  ASSERT_TRUE(succeeds(fabric_->ensure_interface(second)));
  EXPECT_EQ(source_seen(*listener, *client), "10.0.101.7");
}

TEST_F(KernelFabricTest, ASubnetsGatewayGoesWithTheSubnet) {
  EXPECT_TRUE(succeeds(ping_from(instance("i-1"), "10.0.102.1")));
  ASSERT_TRUE(succeeds(fabric_->ensure_node({"eni-9", "vpc-1", "10.0.101.200"})));
  ASSERT_TRUE(succeeds(fabric_->ensure_vpc({"vpc-1", {"10.0.101.0/24"}})));
  EXPECT_FALSE(ping_from(instance("i-1"), "10.0.102.1"));
  EXPECT_TRUE(succeeds(ping_from(instance("i-1"), "10.0.101.200"))) << "nodes stay";
}

TEST_F(KernelFabricTest, AnotherFabricOfTheSameFolderFindsAll) {
  KernelFabric restarted(folder_);
  const auto inventory = restarted.list();
  ASSERT_TRUE(inventory);
  EXPECT_EQ(inventory->vpcs, std::vector<std::string>{"vpc-1"});
  EXPECT_EQ(inventory->instances, (std::vector<std::string>{"i-1", "i-2"}));
  EXPECT_EQ(inventory->interfaces, (std::vector{first.id, second.id}));
}

TEST_F(KernelFabricTest, ALinkThatWasLeftHalfMadeIsMadeAnew) {
  const auto in_vpc = [&](auto work) {
    return env::apart([&]() -> Result<void> {
      BRUME_CHECK(env::enter_network_namespace(fabric_->vpc_namespace("vpc-1")));
      BRUME_TRY(kernel, Rtnetlink::open());
      BRUME_TRY(links, kernel.links());
      for (const Link& link : links)
        if (link.alias.starts_with(first.id)) return work(kernel, link);
      return fail_internal("no link of {}", first.id);
    });
  };
  ASSERT_TRUE(succeeds(in_vpc([](Rtnetlink& kernel, const Link& link) { return kernel.set_alias(link.index, ""); })));
  EXPECT_EQ(fabric_->list()->interfaces, std::vector{second.id});
  ASSERT_TRUE(succeeds(fabric_->ensure_interface(first)));
  EXPECT_EQ(fabric_->list()->interfaces, (std::vector{first.id, second.id}));
  EXPECT_TRUE(succeeds(ping_from(instance("i-1"), "10.0.102.7")));
}

TEST_F(KernelFabricTest, AFileWithoutANamespaceIsNotInTheWay) {
  const std::string path = fabric_->vpc_namespace("vpc-3");
  std::ofstream(path).close();
  EXPECT_EQ(fabric_->list()->vpcs, std::vector<std::string>{"vpc-1"});
  EXPECT_TRUE(succeeds(fabric_->ensure_vpc({"vpc-3", {}})));
  EXPECT_EQ(fabric_->list()->vpcs, (std::vector<std::string>{"vpc-1", "vpc-3"}));
}

// Makes and removes things without end, saying so with a byte on `pipe` after each call.
[[noreturn]] void keep_changing(KernelFabric& fabric, const InterfaceSpec& spec, int pipe) {
  for (;;) {
    (void)fabric.ensure_vpc({"vpc-1", {"10.0.101.0/24"}});
    if (::write(pipe, "x", 1) != 1) ::_exit(1);
    (void)fabric.ensure_interface(spec);
    if (::write(pipe, "x", 1) != 1) ::_exit(1);
    (void)fabric.remove_instance(spec.instance_id);
  }
}

TEST(KernelFabricHostTest, KilledAtAnyPointItGoesOn) {
  if (::geteuid() != 0) GTEST_SKIP() << "network namespaces need root";
  char folder[] = "/tmp/brume-net-XXXXXX";
  ASSERT_NE(::mkdtemp(folder), nullptr);
  KernelFabric fabric{folder};
  const std::string before = host_network();
  const InterfaceSpec spec{"eni-1", "vpc-1", "i-1", "10.0.101.7", "10.0.101.0/24", "02:00:00:00:00:07", 0};
  for (int calls = 0; calls < 8; ++calls) {
    int pipe[2];
    ASSERT_EQ(::pipe(pipe), 0);
    const pid_t child = ::fork();
    ASSERT_GE(child, 0);
    if (child == 0) keep_changing(fabric, spec, pipe[1]);
    char byte = 0;
    for (int i = 0; i < calls; ++i) ASSERT_EQ(::read(pipe[0], &byte, 1), 1);
    ::kill(child, SIGKILL);
    ASSERT_EQ(::waitpid(child, nullptr, 0), child);
    ::close(pipe[0]);
    ::close(pipe[1]);
    ASSERT_TRUE(fabric.list());
    ASSERT_TRUE(succeeds(fabric.ensure_vpc({"vpc-1", {"10.0.101.0/24"}})));
    ASSERT_TRUE(succeeds(fabric.ensure_interface(spec)));
    EXPECT_TRUE(succeeds(ping_from(fabric.instance_namespace("i-1"), "10.0.101.1")));
    EXPECT_EQ(host_network(), before);
  }
  ASSERT_TRUE(succeeds(fabric.sweep()));
  EXPECT_EQ(::rmdir(folder), 0) << "sweep leaves nothing";
}

TEST(KernelFabricHostTest, TheHostSeesNothing) {
  if (::geteuid() != 0) GTEST_SKIP() << "network namespaces need root";
  char folder[] = "/tmp/brume-net-XXXXXX";
  ASSERT_NE(::mkdtemp(folder), nullptr);
  KernelFabric fabric{folder};
  const std::string before = host_network();
  ASSERT_TRUE(succeeds(fabric.ensure_vpc({"vpc-1", {"10.0.101.0/24"}})));
  ASSERT_TRUE(succeeds(
      fabric.ensure_interface({"eni-1", "vpc-1", "i-1", "10.0.101.7", "10.0.101.0/24", "02:00:00:00:00:07", 0})));
  EXPECT_EQ(host_network(), before);
  ASSERT_TRUE(succeeds(fabric.sweep()));
  EXPECT_EQ(host_network(), before);
  EXPECT_EQ(::rmdir(folder), 0) << "sweep leaves nothing";
}

}  // namespace
}  // namespace brume::net
