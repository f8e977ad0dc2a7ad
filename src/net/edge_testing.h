// For tests: a VPC with ways out, the host and clients beyond it, all of them namespaces that the test made.
//
// Needs root. That a packet does not come is told without waiting: by the error that comes back, or by a later one on
// the same way that has come.
#pragma once

#include <gtest/gtest.h>
#include <unistd.h>

#include <cstdlib>
#include <cstring>
#include <fstream>
#include <sstream>

#include "net/kernel_fabric.h"
#include "net/namespace_sockets_testing.h"
#include "net/nftables.h"
#include "net/route_plan.h"

namespace brume::net {

inline constexpr std::uint16_t port = 5000;
inline const std::string no_network = "Network is unreachable";
inline const std::string loopback_1 = "127.8.0.11", pool_2 = "198.51.100.12", pool_3 = "198.51.100.13",
                         lent = "198.51.100.99";

inline Result<env::Fd> udp_in(const std::string& path, const std::string& address, std::uint16_t at) {
  env::Fd fd;
  BRUME_CHECK(inside(path, [&]() -> Result<void> {
    fd = env::Fd(::socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0));
    const sockaddr_in local = socket_address(address, at);
    if (::bind(fd.get(), reinterpret_cast<const sockaddr*>(&local), sizeof local) != 0)
      return env::posix_error("Cannot bind to", address);
    return {};
  }));
  return fd;
}

inline void send_to(const env::Fd& fd, const std::string& address, const std::string& text) {
  const sockaddr_in remote = socket_address(address, port);
  (void)::sendto(fd.get(), text.data(), text.size(), 0, reinterpret_cast<const sockaddr*>(&remote), sizeof remote);
}

// What comes next, and from where: "text from 203.0.113.50".
inline std::string next_in(const env::Fd& fd) {
  if (const auto came = wait_for(fd.get(), POLLIN); !came) return came.error().message;
  char text[64];
  sockaddr_in peer{};
  socklen_t size = sizeof peer;
  const ssize_t n = ::recvfrom(fd.get(), text, sizeof text, 0, reinterpret_cast<sockaddr*>(&peer), &size);
  char from[INET_ADDRSTRLEN];
  ::inet_ntop(AF_INET, &peer.sin_addr, from, sizeof from);
  return n < 0 ? "an error" : fmt::format("{} from {}", std::string_view(text, std::size_t(n)), from);
}

inline bool silent(const env::Fd& fd) {
  char byte = 0;
  return ::recv(fd.get(), &byte, 1, MSG_DONTWAIT) < 0;
}

class EdgeTest : public testing::Test {
 protected:
  // The host (203.0.113.1, 10.50.0.1) and, at its only link, clients at several addresses. In vpc-1: i-1 (loopback
  // address) and i-2, i-3 (of a pool) in subnet A, i-4 in subnet B behind a NAT gateway, i-5 in subnet C without
  // routes.
  void SetUp() override {
    if (::geteuid() != 0) GTEST_SKIP() << "network namespaces need root";
    char folder[] = "/tmp/brume-edge-XXXXXX";
    ASSERT_NE(::mkdtemp(folder), nullptr);
    folder_ = folder;
    host_ = folder_ + "/host";
    client_ = folder_ + "/client";
    ASSERT_TRUE(succeeds(make_outside()));
    before_ = host_state();
    fabric_ = fresh();
    ASSERT_TRUE(succeeds(fabric_->ensure_vpc(
        {.id = "vpc-1", .subnet_cidrs = {"10.0.1.0/24", "10.0.2.0/24", "10.0.3.0/24"}, .cidr = "10.0.0.0/16"})));
    for (const auto& [number, address] :
         {std::pair(1, "10.0.1.11"), std::pair(2, "10.0.1.12"), std::pair(3, "10.0.1.13"), std::pair(4, "10.0.2.14"),
          std::pair(5, "10.0.3.15")})
      ASSERT_TRUE(succeeds(fabric_->ensure_interface(spec(number, address))));
    routing_ = {.vpc_id = "vpc-1",
                .cidrs = {"10.0.0.0/16"},
                .route_tables = {{"rtb-a", {{"0.0.0.0/0", RouteTarget::internet_gateway, "igw-1"}}},
                                 {"rtb-b", {{"0.0.0.0/0", RouteTarget::nat_gateway, "nat-1"}}},
                                 {"rtb-c", {}}},
                .subnet_route_tables = {{"10.0.1.0/24", "rtb-a"}, {"10.0.2.0/24", "rtb-b"}, {"10.0.3.0/24", "rtb-c"}},
                .internet_gateway = true,
                .public_addresses = {{loopback_1, "10.0.1.11", "eni-1"}, {pool_2, "10.0.1.12", "eni-2"}},
                .nat_gateways = {{"nat-1", "subnet-a", lent, "10.0.1.9"}},
                .peerings = {}};
  }
  void TearDown() override {
    if (!fabric_) return;
    EXPECT_TRUE(succeeds(fabric_->sweep()));
    EXPECT_EQ(host_state(), before_) << "sweep leaves nothing on the host";
    for (const std::string& path : {host_, client_}) EXPECT_TRUE(succeeds(env::remove_network_namespace(path)));
    EXPECT_EQ(::rmdir((folder_ + "/run").c_str()), 0);
    EXPECT_EQ(::rmdir(folder_.c_str()), 0);
  }

  std::unique_ptr<KernelFabric> fresh() {
    return std::make_unique<KernelFabric>(folder_ + "/run", EdgeOptions{.host_namespace = host_});
  }

  static InterfaceSpec spec(int number, const std::string& address, const std::string& vpc = "vpc-1") {
    return {.id = fmt::format("eni-{}", number),
            .vpc_id = vpc,
            .instance_id = fmt::format("i-{}", number),
            .address = address,
            .subnet_cidr = address.substr(0, address.rfind('.')) + ".0/24",
            .mac = fmt::format("02:00:00:00:00:{:02x}", number)};
  }

  Result<void> make_outside() {
    BRUME_TRY(host_made, env::make_network_namespace(host_));
    BRUME_TRY(client_made, env::make_network_namespace(client_));
    if (!host_made || !client_made) return fail_internal("not new");
    // Its own IPv6 comes up in its own time.
    for (const std::string& path : {host_, client_})
      BRUME_CHECK(inside(path, [] { return env::write_sysctl("ipv6/conf/default/disable_ipv6", "1"); }));
    BRUME_TRY(host, open_in(host_));
    BRUME_TRY(client, open_in(client_));
    BRUME_TRY(fd, env::open_network_namespace(client_));
    BRUME_CHECK(host.add_veth({.name = "wan",
                               .peer_name = "wan",
                               .peer_namespace = fd.get(),
                               .mac = {2, 0, 0, 0, 9, 1},
                               .peer_mac = {2, 0, 0, 0, 9, 2},
                               .mtu = 1500}));
    BRUME_TRY(near, host.find_link("wan"));
    BRUME_TRY(far, client.find_link("wan"));
    for (const auto& [kernel, link] : {std::pair(&host, near.index), std::pair(&client, far.index)}) {
      BRUME_CHECK(kernel->set_up(1));
      BRUME_CHECK(kernel->set_up(link));
    }
    for (const char* address : {"203.0.113.1", "10.50.0.1"})
      BRUME_CHECK(host.add_address(near.index, parse_ipv4(address).value(), 32, "wan"));
    for (const char* address : {"203.0.113.50", "203.0.113.60", "192.168.7.7", "10.0.2.14"})
      BRUME_CHECK(client.add_address(far.index, parse_ipv4(address).value(), 32, "wan"));
    BRUME_CHECK(host.add_neighbour(near.index, parse_ipv4("203.0.113.50").value(), {2, 0, 0, 0, 9, 2}));
    BRUME_CHECK(client.add_neighbour(far.index, parse_ipv4("203.0.113.1").value(), {2, 0, 0, 0, 9, 1}));
    BRUME_CHECK(host.add_default_route(near.index, parse_ipv4("203.0.113.50").value(), 0, 0));
    BRUME_CHECK(client.add_default_route(far.index, parse_ipv4("203.0.113.1").value(), 0, 0));
    BRUME_CHECK(inside(host_, []() -> Result<void> {
      BRUME_CHECK(env::write_sysctl("ipv4/ip_forward", "0"));
      BRUME_CHECK(env::write_sysctl("ipv4/conf/all/rp_filter", "0"));
      return env::write_sysctl("ipv4/conf/wan/rp_filter", "0");
    }));
    BRUME_CHECK(host.await_operational("wan"));
    return client.await_operational("wan");
  }

  // Links, addresses, routes, forwarding and whether there is a table, of the host.
  std::string host_state() const {
    std::ostringstream all;
    const auto read = inside(host_, [&]() -> Result<void> {
      BRUME_TRY(kernel, Rtnetlink::open());
      BRUME_TRY(links, kernel.links());
      for (const Link& link : links) all << link.name << '\n';
      const std::string net = fmt::format("/proc/self/task/{}/net/", ::gettid());
      for (const char* file : {"fib_trie", "route", "if_inet6"}) all << std::ifstream(net + file).rdbuf();
      for (const char* file : {"all", "wan"})
        all << std::ifstream(fmt::format("/proc/sys/net/ipv4/conf/{}/forwarding", file)).rdbuf();
      return {};
    });
    return read ? all.str() : read.error().message;
  }
  bool host_has_table() const {
    return inside(host_, [] { return run_nftables("list table ip brume\n"); }).has_value();
  }

  std::string in(int number) { return fabric_->instance_namespace(fmt::format("i-{}", number)); }

  // The source that a listener at `to` sees of a connection from `from` to `address`; or why there is none.
  std::string tcp(const std::string& from, const std::string& to, const std::string& address,
                  const std::string& source = "") {
    const auto listener = listen_in(to, "0.0.0.0", port);
    if (!listener) return listener.error().message;
    const auto client = connect_in(from, source, address, port);
    if (!client) return client.error().message;
    if (const auto came = wait_for(listener->get(), POLLIN); !came) return came.error().message;
    sockaddr_in peer{};
    socklen_t size = sizeof peer;
    const env::Fd server(::accept4(listener->get(), reinterpret_cast<sockaddr*>(&peer), &size, SOCK_CLOEXEC));
    for (const auto& [one, other] : {std::pair(client->get(), server.get()), std::pair(server.get(), client->get())}) {
      char byte = 'x';
      if (::send(one, &byte, 1, 0) != 1 || !wait_for(other, POLLIN) || ::recv(other, &byte, 1, 0) != 1)
        return "no byte";
    }
    char text[INET_ADDRSTRLEN];
    return ::inet_ntop(AF_INET, &peer.sin_addr, text, sizeof text);
  }

  // The error that comes back at once for a datagram: a TCP connection would try again first.
  std::string refusal(const std::string& from, const std::string& address) {
    const auto fd = udp_in(from, "0.0.0.0", 0);
    if (!fd) return fd.error().message;
    const int on = 1;
    ::setsockopt(fd->get(), IPPROTO_IP, IP_RECVERR, &on, sizeof on);
    const sockaddr_in remote = socket_address(address, port);
    if (::connect(fd->get(), reinterpret_cast<const sockaddr*>(&remote), sizeof remote) != 0)
      return std::strerror(errno);
    if (::send(fd->get(), "x", 1, 0) != 1) return std::strerror(errno);
    if (!wait_for(fd->get(), POLLIN)) return "nothing";
    char byte = 0;
    return ::recv(fd->get(), &byte, 1, MSG_DONTWAIT) < 0 ? std::strerror(errno) : "an answer";
  }

  Result<void> in_vpc(const std::string& vpc, const std::function<Result<void>(Rtnetlink&)>& work) {
    BRUME_TRY(kernel, open_in(fabric_->vpc_namespace(vpc)));
    return work(kernel);
  }

  std::string folder_, host_, client_, before_;
  Routing routing_;
  std::unique_ptr<KernelFabric> fabric_;
};

}  // namespace brume::net
