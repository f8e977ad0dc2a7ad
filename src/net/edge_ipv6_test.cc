// IPv6 packets between VPCs, the host and the outside: each way that a route table opens, and those it does not.
//
// As edge_test.cc: needs root, everything lies in namespaces that the test made, nothing is waited for that may not
// come.
#include <gtest/gtest.h>
#include <unistd.h>

#include <cstdlib>
#include <cstring>
#include <fstream>
#include <sstream>

#include "net/ipv6_link.h"
#include "net/kernel_fabric.h"
#include "net/namespace_sockets_testing.h"
#include "net/nftables.h"
#include "net/route_plan.h"

namespace brume::net {
namespace {

constexpr std::uint16_t port = 5000;
const std::string no_network = "Network is unreachable";
const std::string host_address = "2001:db8:1::1", client_address = "2001:db8:1::50", from_host = "fd00:ec2:0:ab::2";
// Behind an internet gateway, an egress-only one, and neither; in other VPCs.
const std::string a = "fd12:0:0:101::a", a_too = "fd12:0:0:101::aa", b = "fd12:0:0:102::b", c = "fd12:0:0:103::c",
                  x = "fd12:0:0:201::e", y = "fd12:0:0:301::f";

class EdgeIpv6 : public testing::Test {
 protected:
  void SetUp() override {
    if (::geteuid() != 0) GTEST_SKIP() << "network namespaces need root";
    if (!has_ipv6()) GTEST_SKIP() << "the kernel has no IPv6";
    char folder[] = "/tmp/brume-edge-XXXXXX";
    ASSERT_NE(::mkdtemp(folder), nullptr);
    folder_ = folder;
    host_ = folder_ + "/host";
    client_ = folder_ + "/client";
    ASSERT_TRUE(succeeds(make_outside()));
    before_ = host_state();
    fabric_ = std::make_unique<KernelFabric>(folder_ + "/run", EdgeOptions{.host_namespace = host_});
    ASSERT_TRUE(succeeds(make_vpc("vpc-1", 1, {{"a", 1, a}, {"aa", 1, a_too}, {"b", 2, b}, {"c", 3, c}})));
    routing_ = {.vpc_id = "vpc-1",
                .cidrs = {"10.1.0.0/16", "fd12:0:0:100::/56"},
                .route_tables = {{"rtb-a", {{"::/0", RouteTarget::internet_gateway, "igw-1"}}},
                                 {"rtb-b", {{"::/0", RouteTarget::egress_only_gateway, "eigw-1"}}},
                                 {"rtb-c", {}}},
                .subnet_route_tables = {{"10.1.1.0/24", "rtb-a"},
                                        {"fd12:0:0:101::/64", "rtb-a"},
                                        {"10.1.2.0/24", "rtb-b"},
                                        {"fd12:0:0:102::/64", "rtb-b"},
                                        {"10.1.3.0/24", "rtb-c"},
                                        {"fd12:0:0:103::/64", "rtb-c"}},
                .internet_gateway = true};
  }
  void TearDown() override {
    if (!fabric_) return;
    EXPECT_TRUE(succeeds(fabric_->sweep()));
    EXPECT_EQ(host_state(), before_) << "sweep leaves nothing on the host";
    for (const std::string& path : {host_, client_}) EXPECT_TRUE(succeeds(env::remove_network_namespace(path)));
    EXPECT_EQ(::rmdir((folder_ + "/run").c_str()), 0);
    EXPECT_EQ(::rmdir(folder_.c_str()), 0);
  }

  struct Member {
    std::string name;
    int subnet;
    std::string address;
  };
  Result<void> make_vpc(const std::string& id, int number, const std::vector<Member>& members) {
    VpcSpec vpc{.id = id, .subnet_cidrs = {}, .cidr = fmt::format("10.{}.0.0/16", number)};
    for (const Member& member : members) {
      vpc.subnet_cidrs.push_back(fmt::format("10.{}.{}.0/24", number, member.subnet));
      vpc.subnet_ipv6_cidrs.push_back(fmt::format("fd12:0:0:{}0{}::/64", number, member.subnet));
    }
    BRUME_CHECK(fabric_->ensure_vpc(vpc));
    for (const Member& member : members) {
      specs_[member.name] = {.id = "eni-" + member.name,
                             .vpc_id = id,
                             .instance_id = "i-" + member.name,
                             .address = fmt::format("10.{}.{}.{}", number, member.subnet, 10 + specs_.size()),
                             .subnet_cidr = fmt::format("10.{}.{}.0/24", number, member.subnet),
                             .mac = fmt::format("02:00:00:00:00:{:02x}", specs_.size()),
                             .ipv6_addresses = {member.address},
                             .ipv6_cidr = fmt::format("fd12:0:0:{}0{}::/64", number, member.subnet)};
      BRUME_CHECK(fabric_->ensure_interface(specs_[member.name]));
    }
    return {};
  }

  Result<void> make_outside() {
    BRUME_TRY(host_made, env::make_network_namespace(host_));
    BRUME_TRY(client_made, env::make_network_namespace(client_));
    if (!host_made || !client_made) return fail_internal("not new");
    // No address that comes in its own time.
    for (const std::string& path : {host_, client_})
      BRUME_CHECK(inside(path, [] { return env::write_sysctl("ipv6/conf/default/disable_ipv6", "1"); }));
    BRUME_TRY(host, open_in(host_));
    BRUME_TRY(client, open_in(client_));
    BRUME_TRY(fd, env::open_network_namespace(client_));
    const Mac host_mac{2, 0, 0, 0, 9, 1}, client_mac{2, 0, 0, 0, 9, 2};
    BRUME_CHECK(host.add_veth({.name = "wan",
                               .peer_name = "wan",
                               .peer_namespace = fd.get(),
                               .mac = host_mac,
                               .peer_mac = client_mac,
                               .mtu = 1500}));
    for (Rtnetlink* kernel : {&host, &client}) {
      BRUME_TRY(link, kernel->find_link("wan"));
      BRUME_CHECK(kernel->set_up(1));
      BRUME_CHECK(kernel->set_up(link.index));
    }
    for (const auto& [kernel, path] : {std::pair(&host, host_), std::pair(&client, client_)}) {
      BRUME_TRY(link, kernel->find_link("wan"));
      BRUME_CHECK(kernel->await_operational("wan"));
      BRUME_CHECK(inside(path, [] { return enable_ipv6("wan"); }));
      const bool near = kernel == &host;
      const auto own = parse_ip(near ? host_address : client_address).value();
      const auto other = parse_ip(near ? client_address : host_address).value();
      BRUME_CHECK(kernel->add_address(link.index, own, 128, ""));
      BRUME_CHECK(kernel->add_neighbour(link.index, other, near ? client_mac : host_mac));
      BRUME_CHECK(kernel->add_default_route(link.index, other, 0, 0));
      BRUME_CHECK(kernel->await_local(own));
    }
    return inside(host_, [] { return env::write_sysctl("ipv6/conf/all/forwarding", "1"); });
  }

  // Links, addresses, routes and tables of the host, without what the kernel keeps of packets.
  std::string host_state() const {
    std::ostringstream all;
    const auto read = inside(host_, [&]() -> Result<void> {
      BRUME_TRY(kernel, Rtnetlink::open());
      BRUME_TRY(links, kernel.links());
      for (const Link& link : links) {
        all << link.name << '\n';
        BRUME_TRY(addresses, kernel.addresses(link.index));
        for (const auto& [address, label] : addresses) all << to_string(address) << '\n';
      }
      BRUME_TRY(routes, kernel.routes());
      for (const KernelRoute& route : routes) all << route.destination.text() << '\n';
      for (const char* file : {"all", "wan", "default"})
        for (const char* name : {"forwarding", "disable_ipv6", "accept_ra"})
          all << std::ifstream(fmt::format("/proc/sys/net/ipv6/conf/{}/{}", file, name)).rdbuf();
      all << run_nftables("list table ip6 brume\n").has_value() << run_nftables("list table ip brume\n").has_value();
      return {};
    });
    return read ? all.str() : read.error().message;
  }

  std::string in(const std::string& name) { return fabric_->instance_namespace("i-" + name); }

  // The source that a listener at `to` sees of a connection from `from` to `address`; or why there is none.
  static std::string tcp(const std::string& from, const std::string& to, const std::string& address) {
    const auto listener = listen_in(to, "::", port);
    if (!listener) return listener.error().message;
    const auto client = connect_in(from, "", address, port);
    if (!client) return client.error().message;
    if (const auto came = wait_for(listener->get(), POLLIN); !came) return came.error().message;
    AnySocketAddress peer;
    peer.size = sizeof peer.storage;
    const env::Fd server(::accept4(listener->get(), peer.get(), &peer.size, SOCK_CLOEXEC));
    for (const auto& [one, other] : {std::pair(client->get(), server.get()), std::pair(server.get(), client->get())}) {
      char byte = 'x';
      if (::send(one, &byte, 1, 0) != 1 || !wait_for(other, POLLIN) || ::recv(other, &byte, 1, 0) != 1)
        return "no byte";
    }
    return peer.text();
  }

  static Result<env::Fd> udp(const std::string& path, const std::string& address, std::uint16_t number) {
    env::Fd fd;
    BRUME_CHECK(inside(path, [&]() -> Result<void> {
      const AnySocketAddress local = any_socket_address(address, number);
      fd = env::Fd(::socket(local.family(), SOCK_DGRAM | SOCK_CLOEXEC, 0));
      if (::bind(fd.get(), local.get(), local.size) != 0) return env::posix_error("Cannot bind to", address);
      return {};
    }));
    return fd;
  }
  static void send_to(const env::Fd& fd, const std::string& address, const std::string& text) {
    const AnySocketAddress remote = any_socket_address(address, port);
    (void)::sendto(fd.get(), text.data(), text.size(), 0, remote.get(), remote.size);
  }
  static std::string next_in(const env::Fd& fd) {
    if (const auto came = wait_for(fd.get(), POLLIN); !came) return came.error().message;
    char text[64];
    AnySocketAddress peer;
    peer.size = sizeof peer.storage;
    const ssize_t n = ::recvfrom(fd.get(), text, sizeof text, 0, peer.get(), &peer.size);
    return n < 0 ? "an error" : fmt::format("{} from {}", std::string_view(text, std::size_t(n)), peer.text());
  }
  static bool silent(const env::Fd& fd) {
    char byte = 0;
    return ::recv(fd.get(), &byte, 1, MSG_DONTWAIT) < 0;
  }
  // The error that comes back at once for a datagram.
  static std::string refusal(const std::string& from, const std::string& address) {
    const auto fd = udp(from, "::", 0);
    if (!fd) return fd.error().message;
    const int on = 1;
    ::setsockopt(fd->get(), IPPROTO_IPV6, IPV6_RECVERR, &on, sizeof on);
    const AnySocketAddress remote = any_socket_address(address, port);
    if (::connect(fd->get(), remote.get(), remote.size) != 0 || ::send(fd->get(), "x", 1, 0) != 1)
      return std::strerror(errno);
    if (!wait_for(fd->get(), POLLIN)) return "nothing";
    char byte = 0;
    return ::recv(fd->get(), &byte, 1, MSG_DONTWAIT) < 0 ? std::strerror(errno) : "an answer";
  }
  Result<void> give(const std::string& path, const std::string& link_name, const std::string& text) {
    BRUME_TRY(kernel, open_in(path));
    BRUME_TRY(link, kernel.find_link(link_name));
    BRUME_TRY(address, parse_ip(text));
    BRUME_CHECK(kernel.add_address(link.index, address, 128, ""));
    return kernel.await_local(address);
  }

  std::string folder_, host_, client_, before_;
  std::map<std::string, InterfaceSpec> specs_;
  Routing routing_;
  std::unique_ptr<KernelFabric> fabric_;
};

TEST_F(EdgeIpv6, ThroughAnInternetGatewayBothWays) {
  ASSERT_TRUE(succeeds(fabric_->route(routing_)));
  EXPECT_EQ(tcp(client_, in("a"), a), client_address);
  EXPECT_EQ(tcp(in("a"), client_, client_address), host_address) << "beyond the host by the host's address";
  EXPECT_EQ(tcp(host_, in("a"), a), from_host);
  EXPECT_EQ(tcp(host_, in("aa"), a_too), from_host);
}

TEST_F(EdgeIpv6, ThroughAnEgressOnlyGatewayOutOnly) {
  ASSERT_TRUE(succeeds(fabric_->route(routing_)));
  EXPECT_EQ(tcp(in("b"), client_, client_address), host_address);
  const auto closed = udp(in("b"), "::", port), open = udp(in("a"), "::", port);
  ASSERT_TRUE(closed && open);
  for (const std::string& from : {client_, host_}) {
    const auto outbox = udp(from, "::", 0);
    send_to(*outbox, b, "in");
    send_to(*outbox, a, "later");
    EXPECT_EQ(next_in(*open).substr(0, 5), "later");
    EXPECT_TRUE(silent(*closed));
  }
  // Without the internet gateway the other still lets out.
  routing_.internet_gateway = false;
  routing_.route_tables["rtb-a"].clear();
  ASSERT_TRUE(succeeds(fabric_->route(routing_)));
  EXPECT_EQ(tcp(in("b"), client_, client_address), host_address);
  EXPECT_EQ(refusal(in("a"), client_address), no_network);
}

TEST_F(EdgeIpv6, WithoutARouteNobodyIsReached) {
  ASSERT_TRUE(succeeds(fabric_->route(routing_)));
  EXPECT_EQ(refusal(in("c"), client_address), no_network);
  EXPECT_EQ(tcp(in("c"), in("a"), a), c) << "the VPC is local";
  EXPECT_EQ(refusal(in("a"), "fd12:0:0:199::1"), no_network) << "nobody's in the VPC";
  const auto closed = udp(in("c"), "::", port), open = udp(in("a"), "::", port), outbox = udp(client_, "::", 0);
  send_to(*outbox, c, "in");
  send_to(*outbox, a, "later");
  EXPECT_EQ(next_in(*open).substr(0, 5), "later");
  EXPECT_TRUE(silent(*closed));
}

TEST_F(EdgeIpv6, PrivateDestinationsDoNotLeave) {
  ASSERT_TRUE(succeeds(fabric_->route(routing_)));
  for (const char* address : {"fd99::1", "fc00::1", "64:ff9b::a00:1", "fec0::1"})
    for (const char* name : {"a", "b"}) EXPECT_EQ(refusal(in(name), address), no_network) << name << address;
}

TEST_F(EdgeIpv6, TheHostsOwnAddressesAreNotReached) {
  ASSERT_TRUE(succeeds(fabric_->route(routing_)));
  const auto inbox = udp(host_, "::", port);
  for (const char* name : {"a", "b"}) EXPECT_EQ(refusal(in(name), host_address), "Permission denied") << name;
  // A hop of Brume's is none of an instance's.
  const auto outbox = udp(in("a"), "::", 0), later = udp(client_, "::", port);
  send_to(*outbox, from_host, "in");
  send_to(*outbox, client_address, "later");
  EXPECT_EQ(next_in(*later), "later from " + host_address);
  EXPECT_TRUE(silent(*inbox));
}

TEST_F(EdgeIpv6, ASourceInsideAVpcDoesNotComeFromOutside) {
  ASSERT_TRUE(succeeds(fabric_->route(routing_)));
  ASSERT_TRUE(succeeds(give(client_, "wan", b)));
  ASSERT_TRUE(succeeds(give(client_, "wan", "2001:db8:1::60")));
  const auto inbox = udp(in("a"), "::", port);
  for (const std::string& source : {b, std::string("2001:db8:1::60")}) send_to(*udp(client_, source, 0), a, "x");
  EXPECT_EQ(next_in(*inbox), "x from 2001:db8:1::60");
  // Nor does another's come from an instance, even without source check.
  specs_["a"].source_dest_check = false;
  ASSERT_TRUE(succeeds(fabric_->ensure_interface(specs_["a"])));
  ASSERT_TRUE(succeeds(fabric_->route(routing_)));
  ASSERT_TRUE(succeeds(give(in("a"), "eth0", "2001:db8:7::7")));
  const auto outside = udp(client_, "::", port);
  for (const std::string& source : {std::string("2001:db8:7::7"), a})
    send_to(*udp(in("a"), source, 0), "2001:db8:1::60", source);
  EXPECT_EQ(next_in(*outside), a + " from " + host_address);
}

TEST_F(EdgeIpv6, AHostThatDoesNotForwardIsStillReachable) {
  ASSERT_TRUE(succeeds(inside(host_, [] { return env::write_sysctl("ipv6/conf/all/forwarding", "0"); })));
  ASSERT_TRUE(succeeds(fabric_->route(routing_)));
  EXPECT_EQ(tcp(host_, in("a"), a), from_host);
  std::string forwarding;
  ASSERT_TRUE(succeeds(inside(host_, [&]() -> Result<void> {
    std::ifstream("/proc/sys/net/ipv6/conf/all/forwarding") >> forwarding;
    return {};
  })));
  EXPECT_EQ(forwarding, "0");
  ASSERT_TRUE(succeeds(inside(host_, [] { return env::write_sysctl("ipv6/conf/all/forwarding", "1"); })));
}

TEST_F(EdgeIpv6, VpcsReachEachOtherByGatewaysOrPeering) {
  ASSERT_TRUE(succeeds(make_vpc("vpc-2", 2, {{"x", 1, x}})));
  ASSERT_TRUE(succeeds(make_vpc("vpc-3", 3, {{"y", 1, y}})));
  using enum RouteTarget;
  Routing second{.vpc_id = "vpc-2",
                 .cidrs = {"10.2.0.0/16", "fd12:0:0:200::/56"},
                 .route_tables = {{"rtb-2", {{"::/0", internet_gateway, "igw-2"}}}},
                 .subnet_route_tables = {{"10.2.1.0/24", "rtb-2"}, {"fd12:0:0:201::/64", "rtb-2"}},
                 .internet_gateway = true};
  const Routing third{.vpc_id = "vpc-3",
                      .cidrs = {"10.3.0.0/16", "fd12:0:0:300::/56"},
                      .route_tables = {{"rtb-3", {{"fd12:0:0:100::/56", peering, "pcx-13"}}}},
                      .subnet_route_tables = {{"10.3.1.0/24", "rtb-3"}, {"fd12:0:0:301::/64", "rtb-3"}},
                      .peerings = {{"pcx-13", "vpc-1"}}};
  routing_.peerings = {{"pcx-13", "vpc-3"}};
  routing_.route_tables["rtb-c"] = {{"fd12:0:0:300::/56", peering, "pcx-13"}};
  for (const Routing& routing : {routing_, second, third}) ASSERT_TRUE(succeeds(fabric_->route(routing)));
  EXPECT_EQ(tcp(in("a"), in("x"), x), a);
  EXPECT_EQ(tcp(in("x"), in("a"), a), x);
  EXPECT_EQ(tcp(in("b"), in("x"), x), b) << "out by the egress-only gateway";
  EXPECT_EQ(tcp(in("c"), in("y"), y), c);
  EXPECT_EQ(tcp(in("y"), in("c"), c), y);
  EXPECT_EQ(refusal(in("y"), x), no_network);
  const auto inbox = udp(in("x"), "::", port);
  send_to(*udp(in("y"), "::", 0), x, "through");
  send_to(*udp(in("a"), "::", 0), x, "direct");
  EXPECT_EQ(next_in(*inbox), "direct from " + a);
  // Its range leads there no more.
  second.internet_gateway = false;
  ASSERT_TRUE(succeeds(fabric_->route(second)));
  EXPECT_EQ(refusal(in("a"), x), no_network);
  EXPECT_EQ(tcp(host_, in("a"), a), from_host);
}

TEST_F(EdgeIpv6, AnInstanceRoutesForASubnet) {
  specs_["a"].source_dest_check = false;
  ASSERT_TRUE(succeeds(fabric_->ensure_interface(specs_["a"])));
  ASSERT_TRUE(succeeds(give(in("a"), "eth0", "2001:db8:7::7")));
  routing_.route_tables["rtb-c"] = {{"2001:db8:7::/48", RouteTarget::network_interface, "eni-a"},
                                    {"2001:db8:8::/48", RouteTarget::blackhole, ""}};
  ASSERT_TRUE(succeeds(fabric_->route(routing_)));
  EXPECT_EQ(tcp(in("c"), in("a"), "2001:db8:7::7"), c);
  const auto inbox = udp(in("b"), "::", port), into = udp(in("a"), "::", port);
  const auto from_c = udp(in("c"), "::", 0);
  send_to(*from_c, "2001:db8:8::1", "lost");
  send_to(*from_c, "2001:db8:7::7", "found");
  EXPECT_EQ(next_in(*into), "found from " + c);
}

TEST_F(EdgeIpv6, GroupsSeeTrueAddresses) {
  ASSERT_TRUE(succeeds(fabric_->route(routing_)));
  ASSERT_TRUE(succeeds(give(client_, "wan", "2001:db8:1::60")));
  Policy policy{.vpc_id = "vpc-1"};
  policy.groups["sg-1"] = {"sg-1", {{"sgr-1", false, {17, port, port}, "2001:db8:1::60/128", ""}}};
  policy.acls["acl-1"] = {"acl-1", {{1, false, {}, "::/0", true}, {1, true, {}, "::/0", true}}};
  policy.subnet_acls["subnet-a"] = "acl-1";
  policy.interfaces["eni-a"] = {"eni-a", "subnet-a", {"10.1.1.10", a}, {"sg-1"}, false};
  ASSERT_TRUE(succeeds(fabric_->enforce(policy)));
  const auto inbox = udp(in("a"), "::", port);
  for (const std::string source : {"2001:db8:1::50", "2001:db8:1::60"}) send_to(*udp(client_, source, 0), a, source);
  EXPECT_EQ(next_in(*inbox), "2001:db8:1::60 from 2001:db8:1::60");
}

TEST_F(EdgeIpv6, TheHostIsAsBeforeOnceNobodyNeedsIt) {
  ASSERT_TRUE(succeeds(fabric_->route(routing_)));
  EXPECT_NE(host_state(), before_);
  ASSERT_TRUE(succeeds(fabric_->route(routing_))) << "again";
  EXPECT_EQ(tcp(host_, in("a"), a), from_host);
  // IPv4 goes on alone.
  routing_.public_addresses = {{"127.8.0.11", "10.1.1.10", "eni-a"}};
  routing_.route_tables["rtb-a"] = {{"0.0.0.0/0", RouteTarget::internet_gateway, "igw-1"}};
  routing_.route_tables["rtb-b"].clear();
  ASSERT_TRUE(succeeds(fabric_->route(routing_)));
  ASSERT_TRUE(succeeds(inside(host_, []() -> Result<void> {
    EXPECT_EQ(ipv6_enabled("brume"), false);
    EXPECT_FALSE(run_nftables("list table ip6 brume\n"));
    return {};
  })));
  routing_.internet_gateway = false;
  ASSERT_TRUE(succeeds(fabric_->route(routing_)));
  EXPECT_EQ(host_state(), before_);
}

TEST_F(EdgeIpv6, AnotherDaemonFindsItAndMendsIt) {
  ASSERT_TRUE(succeeds(fabric_->route(routing_)));
  for (const auto& [path, damage] : {std::pair(host_, "delete table ip6 brume\n"),
                                     std::pair(folder_ + "/run/netns/internet", "delete table ip6 brume_edge\n"),
                                     std::pair(fabric_->vpc_namespace("vpc-1"), "delete table ip6 brume_out\n")}) {
    ASSERT_TRUE(succeeds(inside(path, [&] { return run_nftables(damage); })));
    fabric_ = std::make_unique<KernelFabric>(folder_ + "/run", EdgeOptions{.host_namespace = host_});
    ASSERT_TRUE(succeeds(fabric_->route(routing_)));
    EXPECT_TRUE(inside(path, [&] { return run_nftables("list " + std::string(damage).substr(7)); })) << damage;
    EXPECT_EQ(tcp(host_, in("a"), a), from_host);
  }
  ASSERT_TRUE(succeeds(inside(host_, []() -> Result<void> {
    BRUME_TRY(kernel, Rtnetlink::open());
    return kernel.delete_link("brume");
  })));
  ASSERT_TRUE(succeeds(fabric_->route(routing_)));
  EXPECT_EQ(tcp(host_, in("a"), a), from_host);
}

}  // namespace
}  // namespace brume::net
