// IPv6 through the kernel's fabric: who reaches whom, and that nothing link-local or forged does. Needs root; the only
// traffic is inside namespaces that the test made. That a packet does not come is told without waiting: a later one on
// the same way has come.
#include <gtest/gtest.h>
#include <sched.h>
#include <unistd.h>

#include <algorithm>
#include <cstdlib>
#include <cstring>

#include "net/ipv6_link.h"
#include "net/kernel_fabric.h"
#include "net/namespace_sockets_testing.h"
#include "net/rtnetlink.h"

namespace brume::net {
namespace {

constexpr std::uint16_t port = 5000;
const std::string a1 = "fd12:0:0:101::a", a2 = "fd12:0:0:101::a2", b1 = "fd12:0:0:101::b", c1 = "fd12:0:0:102::c";

class Ipv6Fabric : public testing::Test {
 protected:
  void SetUp() override {
    if (::geteuid() != 0) GTEST_SKIP() << "network namespaces need root";
    if (!has_ipv6()) GTEST_SKIP() << "the kernel has no IPv6";
    ASSERT_EQ(::sched_getaffinity(0, sizeof cpus_, &cpus_), 0);
    cpu_set_t one;
    CPU_ZERO(&one);
    CPU_SET(std::size_t(::sched_getcpu()), &one);
    ASSERT_EQ(::sched_setaffinity(0, sizeof one, &one), 0);
    char folder[] = "/tmp/brume-ipv6-XXXXXX";
    ASSERT_NE(::mkdtemp(folder), nullptr);
    fabric_ = std::make_unique<KernelFabric>(folder_ = folder);
    ASSERT_TRUE(succeeds(fabric_->ensure_vpc(vpc_)));
    for (const InterfaceSpec& spec : {a_, b_, c_, d_}) ASSERT_TRUE(succeeds(fabric_->ensure_interface(spec)));
  }
  void TearDown() override {
    if (!fabric_) return;
    EXPECT_TRUE(succeeds(fabric_->sweep()));
    EXPECT_EQ(::sched_setaffinity(0, sizeof cpus_, &cpus_), 0);
    EXPECT_EQ(::rmdir(folder_.c_str()), 0);
  }

  static InterfaceSpec spec(const std::string& name, int subnet, int number, std::vector<std::string> ipv6) {
    return {.id = "eni-" + name,
            .vpc_id = "vpc-1",
            .instance_id = "i-" + name,
            .address = fmt::format("10.0.{}.{}", subnet, number),
            .subnet_cidr = fmt::format("10.0.{}.0/24", subnet),
            .mac = fmt::format("02:00:00:00:{:02x}:{:02x}", subnet, number),
            .ipv6_addresses = std::move(ipv6),
            .ipv6_cidr = fmt::format("fd12:0:0:10{}::/64", subnet)};
  }
  [[nodiscard]] std::string in(const std::string& name) const { return fabric_->instance_namespace("i-" + name); }

  Result<void> inside_of(const std::string& path, const std::function<Result<void>(Rtnetlink&)>& work) {
    return env::apart([&]() -> Result<void> {
      BRUME_CHECK(env::enter_network_namespace(path));
      BRUME_TRY(kernel, Rtnetlink::open());
      return work(kernel);
    });
  }

  // What a listener at `to` sees as the source of a connection to `address`, or why there is none.
  std::string tcp(const std::string& from, const std::string& source, const std::string& to,
                  const std::string& address) {
    const auto listener = listen_in(in(to), address, port);
    if (!listener) return listener.error().message;
    const auto client = connect_in(in(from), source, address, port);
    if (!client) return client.error().message;
    AnySocketAddress peer;
    peer.size = sizeof peer.storage;
    const env::Fd server(::accept4(listener->get(), peer.get(), &peer.size, SOCK_CLOEXEC));
    return peer.text();
  }

  Result<env::Fd> udp(const std::string& at, const std::string& address, std::uint16_t number) {
    env::Fd fd;
    BRUME_CHECK(env::apart([&]() -> Result<void> {
      BRUME_CHECK(env::enter_network_namespace(in(at)));
      const AnySocketAddress local = any_socket_address(address, number);
      fd = env::Fd(::socket(local.family(), SOCK_DGRAM | SOCK_CLOEXEC, 0));
      if (::bind(fd.get(), local.get(), local.size) != 0) return env::posix_error("Cannot bind to", address);
      return {};
    }));
    return fd;
  }
  static ssize_t send(const env::Fd& fd, const std::string& address, unsigned scope = 0) {
    AnySocketAddress remote = any_socket_address(address, port);
    reinterpret_cast<sockaddr_in6*>(&remote.storage)->sin6_scope_id = scope;
    return ::sendto(fd.get(), "x", 1, 0, remote.get(), remote.size);
  }
  static std::string next_source(const env::Fd& fd) {
    if (const auto came = wait_for(fd.get(), POLLIN); !came) return came.error().message;
    AnySocketAddress peer;
    peer.size = sizeof peer.storage;
    char byte = 0;
    if (::recvfrom(fd.get(), &byte, 1, 0, peer.get(), &peer.size) != 1) return "an error";
    return peer.text();
  }
  // The error that comes back at once for a datagram: a TCP connection would try again first.
  std::string refusal(const std::string& from, const std::string& source, const std::string& address) {
    const auto fd = udp(from, source, 0);
    if (!fd) return fd.error().message;
    const int on = 1;
    ::setsockopt(fd->get(), IPPROTO_IPV6, IPV6_RECVERR, &on, sizeof on);
    const AnySocketAddress remote = any_socket_address(address, port);
    if (::connect(fd->get(), remote.get(), remote.size) != 0 || ::send(fd->get(), "x", 1, 0) != 1)
      return std::strerror(errno);
    if (const auto came = wait_for(fd->get(), POLLIN); !came) return came.error().message;
    char byte = 0;
    return ::recv(fd->get(), &byte, 1, MSG_DONTWAIT) < 0 ? std::strerror(errno) : "an answer";
  }
  // An address that the fabric did not give it.
  Result<void> give(const std::string& name, const std::string& address) {
    return inside_of(in(name), [&](Rtnetlink& kernel) -> Result<void> {
      BRUME_TRY(link, kernel.find_link("eth0"));
      return kernel.add_address(link.index, parse_ip(address).value(), 128, "");
    });
  }

  VpcSpec vpc_{.id = "vpc-1",
               .subnet_cidrs = {"10.0.1.0/24", "10.0.2.0/24"},
               .cidr = "10.0.0.0/16",
               .subnet_ipv6_cidrs = {"fd12:0:0:101::/64", "fd12:0:0:102::/64"}};
  InterfaceSpec a_ = spec("a", 1, 10, {a1}), b_ = spec("b", 1, 11, {b1}), c_ = spec("c", 2, 12, {c1}),
                d_ = spec("d", 1, 13, {});
  cpu_set_t cpus_{};
  std::unique_ptr<KernelFabric> fabric_;
  std::string folder_;
};

TEST_F(Ipv6Fabric, InstancesOfASubnetAndOfTwoReachEachOther) {
  EXPECT_EQ(tcp("a", "", "b", b1), a1);
  EXPECT_EQ(tcp("b", "", "a", a1), b1);
  EXPECT_EQ(tcp("a", "", "c", c1), a1);
  EXPECT_EQ(tcp("c", "", "b", b1), c1);
}

TEST_F(Ipv6Fabric, WithoutAnAddressThereIsNoIpv6) {
  const auto refused = connect_in(in("d"), "", a1, port);
  ASSERT_FALSE(refused);
  EXPECT_TRUE(succeeds(inside_of(in("d"), [](Rtnetlink&) -> Result<void> {
    EXPECT_EQ(ipv6_enabled("eth0"), false);
    EXPECT_EQ(ipv6_enabled("lo"), true) << "::1 works";
    return {};
  })));
}

TEST_F(Ipv6Fabric, AnAddressIsAloneAndAllElseIsBehindTheRouter) {
  EXPECT_TRUE(succeeds(inside_of(in("a"), [](Rtnetlink& kernel) -> Result<void> {
    BRUME_TRY(link, kernel.find_link("eth0"));
    BRUME_TRY(addresses, kernel.addresses(link.index));
    std::vector<std::string> found;
    for (const auto& [address, label] : addresses) found.push_back(to_string(address));
    EXPECT_EQ(found, (std::vector<std::string>{"10.0.1.10", a1}));
    return {};
  })));
  EXPECT_EQ(refusal("a", a1, "fd12:0:0:101::77"), "Network is unreachable")
      << "nobody's in its own subnet, which has no routes yet";
  EXPECT_EQ(refusal("a", a1, "2001:db8::1"), "Network is unreachable") << "outside";
  EXPECT_EQ(refusal("a", a1, c1), "Connection refused") << "somebody's, who does not listen";
}

TEST_F(Ipv6Fabric, AForgedSourceGetsNowhere) {
  const auto inbox = udp("c", c1, port);
  ASSERT_TRUE(inbox);
  for (const std::string& forged : {std::string("fd12:0:0:101::77"), b1, std::string("2001:db8::1")}) {
    ASSERT_TRUE(succeeds(give("a", forged)));
    for (const std::string& source : {forged, a1}) {
      const auto outbox = udp("a", source, 0);
      ASSERT_TRUE(succeeds(outbox));
      EXPECT_EQ(send(*outbox, c1), 1);
    }
    EXPECT_EQ(next_source(*inbox), a1) << forged;
  }
}

TEST_F(Ipv6Fabric, NothingLinkLocalPasses) {
  ASSERT_TRUE(succeeds(give("a", "fe80::a")));
  ASSERT_TRUE(succeeds(give("b", "fe80::b")));
  const auto inbox = udp("b", "::", port);
  ASSERT_TRUE(inbox);
  unsigned scope = 0;
  ASSERT_TRUE(succeeds(inside_of(in("a"), [&](Rtnetlink& kernel) -> Result<void> {
    BRUME_TRY(link, kernel.find_link("eth0"));
    scope = unsigned(link.index);
    // As one would who has the right to.
    BRUME_CHECK(kernel.add_neighbour(link.index, parse_ip("fe80::b").value(), {2, 0xb2, 0, 0, 0, 1}));
    return kernel.add_host_route(link.index, parse_ip("fe80::b").value());
  })));
  const env::Fd link_local = [&] {
    env::Fd fd;
    EXPECT_TRUE(succeeds(env::apart([&]() -> Result<void> {
      BRUME_CHECK(env::enter_network_namespace(in("a")));
      fd = env::Fd(::socket(AF_INET6, SOCK_DGRAM | SOCK_CLOEXEC, 0));
      AnySocketAddress local = any_socket_address("fe80::a", 0);
      reinterpret_cast<sockaddr_in6*>(&local.storage)->sin6_scope_id = scope;
      if (::bind(fd.get(), local.get(), local.size) != 0) return env::posix_error("Cannot bind to", "fe80::a");
      return {};
    })));
    return fd;
  }();
  const auto honest = udp("a", a1, 0);
  ASSERT_TRUE(honest);
  for (const env::Fd* from : {&link_local, &*honest})
    for (const char* to : {"fe80::b", "fe80::1", "ff02::1"}) EXPECT_EQ(send(*from, to, scope), 1) << to;
  EXPECT_EQ(send(link_local, b1), 1);
  EXPECT_EQ(send(*honest, b1), 1);
  EXPECT_EQ(next_source(*inbox), a1);
}

TEST_F(Ipv6Fabric, AddressesComeAndGoWhileConnectionsStay) {
  const auto listener = listen_in(in("b"), b1, port);
  ASSERT_TRUE(listener);
  const auto client = connect_in(in("a"), a1, b1, port);
  ASSERT_TRUE(client);
  const env::Fd server(::accept4(listener->get(), nullptr, nullptr, SOCK_CLOEXEC));
  const auto passes = [&] {
    char byte = 'x';
    return ::send(client->get(), &byte, 1, 0) == 1 && wait_for(server.get(), POLLIN) &&
           ::recv(server.get(), &byte, 1, 0) == 1;
  };
  EXPECT_TRUE(passes());
  a_.ipv6_addresses = {a1, a2};
  ASSERT_TRUE(succeeds(fabric_->ensure_vpc(vpc_)));
  ASSERT_TRUE(succeeds(fabric_->ensure_interface(a_)));
  EXPECT_TRUE(passes());
  EXPECT_EQ(tcp("a", a2, "c", c1), a2);
  EXPECT_EQ(tcp("c", "", "a", a2), c1);
  a_.ipv6_addresses = {a1};
  ASSERT_TRUE(succeeds(fabric_->ensure_interface(a_)));
  EXPECT_TRUE(passes());
  EXPECT_EQ(refusal("c", c1, a2), "Network is unreachable");
  d_.ipv6_addresses = {a2};
  ASSERT_TRUE(succeeds(fabric_->ensure_interface(d_)));
  EXPECT_EQ(tcp("c", "", "d", a2), c1);
  EXPECT_EQ(tcp("d", "", "c", c1), a2);
  d_.ipv6_addresses = {};
  ASSERT_TRUE(succeeds(fabric_->ensure_interface(d_)));
  EXPECT_FALSE(connect_in(in("d"), "", c1, port));
  EXPECT_TRUE(succeeds(inside_of(in("d"), [](Rtnetlink&) -> Result<void> {
    EXPECT_EQ(ipv6_enabled("eth0"), false);
    return {};
  })));
}

TEST_F(Ipv6Fabric, AnAddressMovesWhateverTheOrder) {
  c_ = spec("c", 1, 12, {b1});
  ASSERT_TRUE(succeeds(fabric_->ensure_interface(c_)));
  EXPECT_EQ(tcp("a", "", "c", b1), a1);
  b_.ipv6_addresses = {};
  ASSERT_TRUE(succeeds(fabric_->ensure_interface(b_)));
  EXPECT_EQ(tcp("a", "", "c", b1), a1);
}

TEST_F(Ipv6Fabric, ASecondInterfaceAnswersThroughItself) {
  InterfaceSpec second = spec("s", 2, 20, {"fd12:0:0:102::20"});
  second.instance_id = "i-a";
  second.device_index = 1;
  ASSERT_TRUE(succeeds(fabric_->ensure_interface(second)));
  EXPECT_EQ(tcp("b", "", "a", "fd12:0:0:102::20"), b1);
  EXPECT_EQ(tcp("b", "", "a", a1), b1);
  EXPECT_EQ(tcp("a", "", "b", b1), a1) << "its first is the default";
  second.ipv6_addresses = {"fd12:0:0:102::21"};
  ASSERT_TRUE(succeeds(fabric_->ensure_interface(second)));
  EXPECT_EQ(tcp("b", "", "a", "fd12:0:0:102::21"), b1);
}

TEST_F(Ipv6Fabric, WithoutSourceCheckAnySourcePasses) {
  ASSERT_TRUE(succeeds(give("a", "2001:db8::1")));
  const auto inbox = udp("c", c1, port), forged = udp("a", "2001:db8::1", 0), honest = udp("a", a1, 0);
  ASSERT_TRUE(inbox && forged && honest);
  const auto send_both = [&] {
    EXPECT_EQ(send(*forged, c1), 1);
    EXPECT_EQ(send(*honest, c1), 1);
  };
  a_.source_dest_check = false;
  ASSERT_TRUE(succeeds(fabric_->ensure_interface(a_)));
  send_both();
  EXPECT_EQ(next_source(*inbox), "2001:db8::1");
  EXPECT_EQ(next_source(*inbox), a1);
  a_.source_dest_check = true;
  ASSERT_TRUE(succeeds(fabric_->ensure_interface(a_)));
  ASSERT_TRUE(succeeds(fabric_->ensure_vpc(vpc_)));
  send_both();
  EXPECT_EQ(next_source(*inbox), a1);
}

TEST_F(Ipv6Fabric, ASubnetsGatewayGoesWithTheSubnet) {
  const auto gateways = [&] {
    std::vector<std::string> found;
    EXPECT_TRUE(succeeds(inside_of(fabric_->vpc_namespace("vpc-1"), [&](Rtnetlink& kernel) -> Result<void> {
      BRUME_TRY(addresses, kernel.addresses(1));
      for (const auto& [address, label] : addresses)
        if (address.ipv6) found.push_back(to_string(address));
      return {};
    })));
    std::ranges::sort(found);
    return found;
  };
  EXPECT_EQ(gateways(), (std::vector<std::string>{"::1", "fd12:0:0:101::1", "fd12:0:0:102::1"}));
  vpc_.subnet_ipv6_cidrs = {"fd12:0:0:101::/64"};
  ASSERT_TRUE(succeeds(fabric_->ensure_vpc(vpc_)));
  EXPECT_EQ(gateways(), (std::vector<std::string>{"::1", "fd12:0:0:101::1"}));
}

TEST_F(Ipv6Fabric, SpecsThatCannotBeAreRefused) {
  const auto code = [&](const std::string& address, const std::string& cidr) {
    InterfaceSpec wrong = spec("w", 1, 30, {address});
    wrong.ipv6_cidr = cidr;
    const auto made = fabric_->ensure_interface(wrong);
    return made ? "ok" : made.error().code;
  };
  for (const auto& [address, cidr] :
       {std::pair("fd12:0:0:102::5", "fd12:0:0:101::/64"), std::pair("fd12:0:0:101::1", "fd12:0:0:101::/64"),
        std::pair("fd12:0:0:101::5", "fd12:0:0:101::/63"), std::pair("fd12:0:0:101::5", ""),
        std::pair("10.0.1.5", "fd12:0:0:101::/64"), std::pair("x", "fd12:0:0:101::/64")})
    EXPECT_EQ(code(address, cidr), "InvalidParameterValue") << address << " " << cidr;
  EXPECT_FALSE(fabric_->ensure_vpc({.id = "vpc-2", .subnet_cidrs = {}, .subnet_ipv6_cidrs = {"fd12::1/64"}}));
}

}  // namespace
}  // namespace brume::net
