// The kernel against the reference: what passes between two interfaces is what verdict.h says.
//
// Needs root; the only traffic is inside namespaces that the test made. That a packet does not come is told without
// waiting: a later one on the same way, which every policy here allows, has come. They keep their order because the
// test stays on one CPU, whose queue they share.
#include <gtest/gtest.h>
#include <netinet/icmp6.h>
#include <sched.h>

#include <cstdlib>
#include <map>
#include <random>
#include <set>
#include <tuple>

#include "net/kernel_fabric.h"
#include "net/namespace_sockets_testing.h"
#include "net/verdict.h"

namespace brume::net {
namespace {

constexpr std::uint16_t kMarker = 9;
const std::string kVpc = "vpc-e";
// Two in one subnet, one in another, and a load balancer's node beside the latter.
const std::map<std::string, std::string> kAddresses = {
    {"eni-a", "10.9.1.10"}, {"eni-b", "10.9.1.11"}, {"eni-c", "10.9.2.10"}, {"eni-n", "10.9.2.20"}};
// A node has none.
const std::map<std::string, std::string> kIpv6Addresses = {
    {"eni-a", "fd12:0:0:901::10"}, {"eni-b", "fd12:0:0:901::11"}, {"eni-c", "fd12:0:0:902::10"}};

const std::string& address_of(const std::string& interface, bool ipv6) {
  return (ipv6 ? kIpv6Addresses : kAddresses).at(interface);
}

std::string subnet_of(const std::string& interface) {
  return kAddresses.at(interface).starts_with("10.9.1.") ? "subnet-1" : "subnet-2";
}

Policy all_interfaces() {
  Policy policy{.vpc_id = kVpc, .groups = {}, .acls = {}, .subnet_acls = {}, .interfaces = {}};
  for (const auto& [id, address] : kAddresses)
    policy.interfaces[id] = {
        .id = id, .subnet_id = subnet_of(id), .addresses = {address}, .group_ids = {}, .node = id == "eni-n"};
  for (const auto& [id, address] : kIpv6Addresses) policy.interfaces[id].addresses.push_back(address);
  return policy;
}

// Every policy lets the marker through.
void allow_marker(Policy& policy) {
  policy.groups["sg-marker"] = {"sg-marker", {}};
  for (const bool egress : {false, true}) {
    for (const char* cidr : {"10.9.0.0/16", "fd12:0:0:900::/56"})
      policy.groups["sg-marker"].rules.push_back({"sgr-m", egress, {17, kMarker, kMarker}, cidr, ""});
    for (auto& [id, acl] : policy.acls) {
      acl.entries.push_back({1, egress, {17, kMarker, kMarker}, "0.0.0.0/0", true});
      acl.entries.push_back({2, egress, {17, kMarker, kMarker}, "::/0", true});
    }
  }
  for (const auto& [id, interface] : Policy(policy).interfaces) policy.interfaces[id].group_ids.push_back("sg-marker");
}

Policy open_acls(Policy policy) {
  policy.acls["acl-open"] = {"acl-open",
                             {{100, false, {}, "0.0.0.0/0", true},
                              {100, true, {}, "0.0.0.0/0", true},
                              {101, false, {}, "::/0", true},
                              {101, true, {}, "::/0", true}}};
  policy.subnet_acls = {{"subnet-1", "acl-open"}, {"subnet-2", "acl-open"}};
  return policy;
}

class Enforcement : public testing::Test {
 protected:
  void SetUp() override {
    if (::geteuid() != 0) GTEST_SKIP() << "needs root";
    ASSERT_EQ(::sched_getaffinity(0, sizeof cpus_, &cpus_), 0);
    cpu_set_t one;
    CPU_ZERO(&one);
    CPU_SET(std::size_t(::sched_getcpu()), &one);
    ASSERT_EQ(::sched_setaffinity(0, sizeof one, &one), 0);
    char folder[] = "/tmp/brume-enforce.XXXXXX";
    folder_ = ::mkdtemp(folder);
    fabric_ = std::make_unique<KernelFabric>(folder_);
    ASSERT_TRUE(succeeds(fabric_->ensure_vpc({.id = kVpc,
                                              .subnet_cidrs = {"10.9.1.0/24", "10.9.2.0/24"},
                                              .cidr = "10.9.0.0/16",
                                              .subnet_ipv6_cidrs = {"fd12:0:0:901::/64", "fd12:0:0:902::/64"}})));
    int number = 1;
    for (const auto& [id, address] : kAddresses) {
      if (id == "eni-n") {
        ASSERT_TRUE(succeeds(fabric_->ensure_node({id, kVpc, address})));
        continue;
      }
      const bool first = subnet_of(id) == "subnet-1";
      ASSERT_TRUE(
          succeeds(fabric_->ensure_interface({.id = id,
                                              .vpc_id = kVpc,
                                              .instance_id = "i-" + id.substr(4),
                                              .address = address,
                                              .subnet_cidr = first ? "10.9.1.0/24" : "10.9.2.0/24",
                                              .mac = fmt::format("02:00:00:00:00:{:02x}", number++),
                                              .ipv6_addresses = {kIpv6Addresses.at(id)},
                                              .ipv6_cidr = first ? "fd12:0:0:901::/64" : "fd12:0:0:902::/64"})));
    }
  }
  void TearDown() override {
    if (!fabric_) return;
    EXPECT_TRUE(succeeds(fabric_->sweep()));
    EXPECT_EQ(::sched_setaffinity(0, sizeof cpus_, &cpus_), 0);
    (void)std::system(("rm -rf " + folder_).c_str());
  }

  [[nodiscard]] std::string path(const std::string& interface) const {
    return interface == "eni-n" ? fabric_->vpc_namespace(kVpc)
                                : fabric_->instance_namespace("i-" + interface.substr(4));
  }

  Result<env::Fd> bound(const std::string& interface, std::uint16_t port, bool ipv6) {
    env::Fd fd;
    BRUME_CHECK(env::apart([&]() -> Result<void> {
      BRUME_CHECK(env::enter_network_namespace(path(interface)));
      const AnySocketAddress address = any_socket_address(address_of(interface, ipv6), port);
      fd = env::Fd(::socket(address.family(), SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
      if (::bind(fd.get(), address.get(), address.size) != 0)
        return env::posix_error("Cannot bind to", address_of(interface, ipv6));
      return {};
    }));
    return fd;
  }

  // Where the interface hears that port.
  int inbox(const std::string& interface, std::uint16_t port, bool ipv6 = false) {
    env::Fd& fd = inboxes_[{interface, port, ipv6}];
    if (!fd) {
      auto made = bound(interface, port, ipv6);
      EXPECT_TRUE(made) << made.error().message;
      if (made) fd = *std::move(made);
    }
    return fd.get();
  }

  // From a port that no flow had yet.
  void send_from(const std::string& from, const std::string& to, std::uint16_t port, std::size_t size = 1,
                 bool ipv6 = false) {
    const auto outbox = bound(from, next_port_++, ipv6);
    ASSERT_TRUE(outbox) << outbox.error().message;
    const std::string data(size, 'x');
    const AnySocketAddress remote = any_socket_address(address_of(to, ipv6), port);
    (void)::sendto(outbox->get(), data.data(), data.size(), 0, remote.get(), remote.size);
  }

  // Whatever was sent from there before has come, or never will.
  void await_marker(const std::string& from, const std::string& to, bool ipv6 = false) {
    const int marker = inbox(to, kMarker, ipv6);
    send_from(from, to, kMarker, 1, ipv6);
    ASSERT_TRUE(succeeds(wait_for(marker, POLLIN))) << "the marker from " << from << " to " << to << ipv6;
    char byte = 0;
    (void)::recv(marker, &byte, 1, 0);
  }

  bool passes(const std::string& from, const std::string& to, std::uint16_t port, std::size_t size = 1,
              bool ipv6 = false) {
    const int heard = inbox(to, port, ipv6);
    std::string data(size + 1, ' ');
    send_from(from, to, port, size, ipv6);
    await_marker(from, to, ipv6);
    return ::recv(heard, data.data(), data.size(), 0) == ssize_t(size);
  }

  // By IPv6, without waiting: the marker follows the segment and the answer's way back.
  bool connects(const std::string& from, const std::string& to, std::uint16_t port) {
    const auto listener = listen_in(path(to), kIpv6Addresses.at(to), port);
    EXPECT_TRUE(succeeds(listener));
    env::Fd fd;
    EXPECT_TRUE(succeeds(env::apart([&]() -> Result<void> {
      BRUME_CHECK(env::enter_network_namespace(path(from)));
      fd = env::Fd(::socket(AF_INET6, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
      const AnySocketAddress remote = any_socket_address(kIpv6Addresses.at(to), port);
      if (::connect(fd.get(), remote.get(), remote.size) != 0 && errno != EINPROGRESS)
        return env::posix_error("Cannot connect to", to);
      return {};
    })));
    await_marker(from, to, true);
    await_marker(to, from, true);
    pollfd entry{.fd = fd.get(), .events = POLLOUT, .revents = 0};
    return ::poll(&entry, 1, 0) == 1 && (entry.revents & POLLERR) == 0;
  }

  // Does an echo request come back as a reply? The marker's way back is the same.
  bool echoes(const std::string& from, const std::string& to) {
    env::Fd fd;
    EXPECT_TRUE(succeeds(env::apart([&]() -> Result<void> {
      BRUME_CHECK(env::enter_network_namespace(path(from)));
      fd = env::Fd(::socket(AF_INET6, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, IPPROTO_ICMPV6));
      icmp6_hdr echo{};
      echo.icmp6_type = ICMP6_ECHO_REQUEST;
      const AnySocketAddress remote = any_socket_address(kIpv6Addresses.at(to), 0);
      if (::sendto(fd.get(), &echo, sizeof echo, 0, remote.get(), remote.size) != sizeof echo)
        return env::posix_error("Cannot ping", to);
      return {};
    })));
    await_marker(from, to, true);
    await_marker(to, from, true);
    icmp6_hdr echo{};
    return ::recv(fd.get(), &echo, sizeof echo, 0) == sizeof echo && echo.icmp6_type == ICMP6_ECHO_REPLY;
  }

  cpu_set_t cpus_{};
  std::string folder_;
  std::unique_ptr<KernelFabric> fabric_;
  std::map<std::tuple<std::string, std::uint16_t, bool>, env::Fd> inboxes_;
  std::uint16_t next_port_ = 20000;
};

class Dice {
 public:
  explicit Dice(unsigned seed) : engine_(seed) {}
  int below(int end) { return int(engine_() % unsigned(end)); }
  template <typename T>
  T one_of(std::initializer_list<T> of) {
    return *(of.begin() + below(int(of.size())));
  }

 private:
  std::mt19937 engine_;
};

Traffic random_traffic(Dice& dice) {
  switch (dice.below(4)) {
    case 0:
      return {};
    case 1:
      return {6, 0, 65535};
    default: {
      const int from = dice.one_of({0, 5000, 5001, 5002}), to = dice.one_of({5000, 5001, 5002, 65535});
      return {17, std::min(from, to), std::max(from, to)};
    }
  }
}

std::string random_cidr(Dice& dice) {
  return dice.one_of<std::string>({"0.0.0.0/0", "10.9.0.0/16", "10.9.1.0/24", "10.9.2.0/24", "10.9.1.10", "10.9.1.11",
                                   "10.9.2.0/27", "10.9.2.20", "192.168.0.0/16", "::/0", "fd12:0:0:900::/56",
                                   "fd12:0:0:901::/64", "fd12:0:0:902::/64", "fd12:0:0:901::10", "fd12:0:0:901::11",
                                   "fd12:0:0:901::10/127", "2001:db8::/32", "::/0", "0.0.0.0/0"});
}

Policy random_policy(Dice& dice) {
  Policy policy = all_interfaces();
  const std::vector<std::string> groups = {"sg-1", "sg-2", "sg-3"};
  for (const std::string& id : groups) {
    policy.groups[id].id = id;
    for (int n = dice.below(12); n > 0; --n) {
      const bool peer = dice.below(3) == 0;
      policy.groups[id].rules.push_back({"sgr-" + std::to_string(n), dice.below(2) == 0, random_traffic(dice),
                                         peer ? "" : random_cidr(dice),
                                         peer ? groups[std::size_t(dice.below(3))] : ""});
    }
  }
  for (const std::string id : {"acl-1", "acl-2"}) {
    policy.acls[id].id = id;
    std::set<std::pair<bool, int>> numbers;
    for (const bool egress : {false, true})
      for (const auto& [number, cidr] : {std::pair(1000, "0.0.0.0/0"), std::pair(1001, "::/0")})
        if (dice.below(5) != 0) policy.acls[id].entries.push_back({number, egress, {}, cidr, true});
    for (int n = dice.below(8); n > 0; --n) {
      const std::pair<bool, int> number(dice.below(2) == 0, 3 + dice.below(500));
      if (numbers.insert(number).second)
        policy.acls[id].entries.push_back(
            {number.second, number.first, random_traffic(dice), random_cidr(dice), dice.below(4) != 0});
    }
  }
  policy.subnet_acls = {{"subnet-1", "acl-1"}, {"subnet-2", dice.one_of<std::string>({"acl-1", "acl-2"})}};
  for (const auto& [id, interface] : Policy(policy).interfaces)
    for (const std::string& group : groups)
      if (dice.below(3) != 0) policy.interfaces[id].group_ids.push_back(group);
  allow_marker(policy);
  return policy;
}

TEST_F(Enforcement, IsTheReferencesVerdictForRandomPolicies) {
  Dice dice(20261124);
  int allowed[2] = {}, denied[2] = {};
  for (int round = 0; round < 60; ++round) {
    const Policy policy = random_policy(dice);
    ASSERT_TRUE(succeeds(fabric_->enforce(policy))) << "round " << round;
    for (const bool ipv6 : {false, true}) {
      const auto& addresses = ipv6 ? kIpv6Addresses : kAddresses;
      for (const auto& [from, source] : addresses)
        for (const auto& [to, destination] : addresses) {
          if (from == to) continue;
          const auto port = std::uint16_t(5000 + dice.below(3));
          const Verdict verdict = judge(policy, {{from, source}, {to, destination}, 17, port, 0});
          std::string why;
          for (const Decision& decision : verdict.decisions) why += (decision.allowed ? "+" : "-") + decision.by + " ";
          EXPECT_EQ(passes(from, to, port, 1, ipv6), verdict.allowed)
              << "round " << round << ", " << source << " to " << destination << " port " << port << " " << why;
          ++(verdict.allowed ? allowed : denied)[ipv6];
          if (HasFailure()) return;
        }
    }
  }
  for (const bool ipv6 : {false, true}) {
    EXPECT_GT(allowed[ipv6], 40) << ipv6;
    EXPECT_GT(denied[ipv6], 40) << ipv6;
  }
}

// One rule comes or goes at a time, so that only what changes is told to the kernel, one way or the other.
TEST_F(Enforcement, IsTheReferencesVerdictRuleByRule) {
  Dice dice(20261125);
  Policy policy = open_acls(all_interfaces());
  policy.groups["sg-1"] = {"sg-1", {{"sgr-0", true, {}, "10.9.0.0/16", ""}}};
  for (const auto& [id, interface] : Policy(policy).interfaces) policy.interfaces[id].group_ids = {"sg-1"};
  allow_marker(policy);
  auto& rules = policy.groups["sg-1"].rules;
  int allowed = 0, denied = 0;
  for (int round = 0; round < 150; ++round) {
    if (rules.size() > 1 && dice.below(2) == 0)
      rules.erase(rules.begin() + 1 + dice.below(int(rules.size()) - 1));
    else
      rules.push_back({"sgr-" + std::to_string(round), false, random_traffic(dice), random_cidr(dice), ""});
    ASSERT_TRUE(succeeds(fabric_->enforce(policy))) << "round " << round;
    for (const std::string from : {"eni-a", "eni-n"}) {
      const auto port = std::uint16_t(5000 + dice.below(3));
      const Packet packet{{from, kAddresses.at(from)}, {"eni-c", kAddresses.at("eni-c")}, 17, port, 0};
      const bool expected = judge(policy, packet).allowed;
      ASSERT_EQ(passes(from, "eni-c", port), expected) << "round " << round << ", from " << from << " to " << port;
      ++(expected ? allowed : denied);
    }
  }
  EXPECT_GT(allowed, 50);
  EXPECT_GT(denied, 50);
}

// A rule on the receiver's side does not speak for the sender's, nor the other way round.
TEST_F(Enforcement, EachSideIsJudgedByItself) {
  for (const bool egress : {false, true}) {
    for (const bool ingress : {false, true}) {
      Policy policy = open_acls(all_interfaces());
      policy.groups["sg-out"] = {"sg-out", {}};
      policy.groups["sg-in"] = {"sg-in", {}};
      if (egress) policy.groups["sg-out"].rules = {{"sgr-1", true, {}, "0.0.0.0/0", ""}};
      if (ingress) policy.groups["sg-in"].rules = {{"sgr-2", false, {17, 5000, 5000}, "", "sg-out"}};
      policy.interfaces["eni-a"].group_ids = policy.interfaces["eni-n"].group_ids = {"sg-out"};
      policy.interfaces["eni-c"].group_ids = {"sg-in"};
      allow_marker(policy);
      ASSERT_TRUE(succeeds(fabric_->enforce(policy)));
      for (const std::string from : {"eni-a", "eni-n"}) {
        EXPECT_EQ(passes(from, "eni-c", 5000), egress && ingress) << from << egress << ingress;
        EXPECT_FALSE(passes(from, "eni-c", 5001));
      }
      EXPECT_FALSE(passes("eni-b", "eni-c", 5000)) << "not a member";
    }
  }
}

TEST_F(Enforcement, FragmentsAreJudgedAsWhole) {
  Policy policy = open_acls(all_interfaces());
  policy.groups["sg-1"] = {
      "sg-1", {{"sgr-1", false, {17, 5000, 5000}, "10.9.0.0/16", ""}, {"sgr-2", true, {}, "0.0.0.0/0", ""}}};
  for (const auto& [id, interface] : Policy(policy).interfaces) policy.interfaces[id].group_ids = {"sg-1"};
  allow_marker(policy);
  ASSERT_TRUE(succeeds(fabric_->enforce(policy)));
  // 9001 bytes fit a link, so that what is cut is larger.
  EXPECT_TRUE(passes("eni-a", "eni-c", 5000, 20000));
  EXPECT_FALSE(passes("eni-a", "eni-c", 5001, 20000));
  EXPECT_FALSE(passes("eni-a", "eni-c", 5000, 20000, true)) << "the rules are IPv4's";
  policy.groups["sg-1"].rules = {{"sgr-1", false, {17, 5000, 5000}, "fd12::/32", ""}, {"sgr-2", true, {}, "::/0", ""}};
  ASSERT_TRUE(succeeds(fabric_->enforce(policy)));
  EXPECT_TRUE(passes("eni-a", "eni-c", 5000, 20000, true));
  EXPECT_FALSE(passes("eni-a", "eni-c", 5001, 20000, true));
  EXPECT_FALSE(passes("eni-a", "eni-c", 5000, 20000));
}

// Each kind of rule, allowed and denied, by a reference's word: TCP by connecting, UDP by a datagram, ICMPv6 by an
// echo.
TEST_F(Enforcement, EachKindOfIpv6Rule) {
  struct Case {
    const char* name;
    std::vector<GroupRule> rules;
    bool tcp, udp, echo;
  };
  const GroupRule out{"sgr-0", true, {}, "::/0", ""};
  const Case cases[] = {
      {"nothing", {out}, false, false, false},
      {"no way out", {{"sgr-1", false, {}, "::/0", ""}}, false, false, false},
      {"all, from IPv4", {out, {"sgr-1", false, {}, "0.0.0.0/0", ""}}, false, false, false},
      {"all, from anywhere", {out, {"sgr-1", false, {}, "::/0", ""}}, true, true, true},
      {"TCP", {out, {"sgr-1", false, {6, 7002, 7002}, "::/0", ""}}, true, false, false},
      {"another port", {out, {"sgr-1", false, {6, 7003, 7003}, "::/0", ""}}, false, false, false},
      {"UDP", {out, {"sgr-1", false, {17, 5000, 5001}, "fd12:0:0:901::/64", ""}}, false, true, false},
      {"ICMPv6", {out, {"sgr-1", false, {58, -1, -1}, "fd12:0:0:901::10", ""}}, false, false, true},
      {"echo requests", {out, {"sgr-1", false, {58, 128, 0}, "", "sg-1"}}, false, false, true},
      {"another type", {out, {"sgr-1", false, {58, 1, 0}, "::/0", ""}}, false, false, false},
      {"IPv4's ICMP", {out, {"sgr-1", false, {1, -1, -1}, "::/0", ""}}, false, false, false},
      {"members", {out, {"sgr-1", false, {}, "", "sg-1"}}, true, true, true},
      {"another address", {out, {"sgr-1", false, {}, "fd12:0:0:901::11", ""}}, false, false, false},
  };
  for (const Case& c : cases) {
    Policy policy = open_acls(all_interfaces());
    policy.groups["sg-1"] = {"sg-1", c.rules};
    for (const char* id : {"eni-a", "eni-c"}) policy.interfaces[id].group_ids = {"sg-1"};
    allow_marker(policy);
    const auto verdict = [&](int protocol, int first) {
      return judge(policy,
                   {{"eni-a", kIpv6Addresses.at("eni-a")}, {"eni-c", kIpv6Addresses.at("eni-c")}, protocol, first, 0})
          .allowed;
    };
    EXPECT_EQ(verdict(6, 7002), c.tcp) << c.name;
    EXPECT_EQ(verdict(17, 5000), c.udp) << c.name;
    EXPECT_EQ(verdict(58, 128), c.echo) << c.name;
    ASSERT_TRUE(succeeds(fabric_->enforce(policy))) << c.name;
    EXPECT_EQ(connects("eni-a", "eni-c", 7002), c.tcp) << c.name;
    EXPECT_EQ(passes("eni-a", "eni-c", 5000, 1, true), c.udp) << c.name;
    EXPECT_EQ(echoes("eni-a", "eni-c"), c.echo) << c.name;
  }
}

// EC2 user guide, "Connection tracking": a tracked flow outlives its rule, one that is not tracked ends with it.
TEST_F(Enforcement, AFlowEndsWithItsRuleOnlyIfItIsNotTracked) {
  for (const auto& [from_anywhere, ipv6] :
       {std::pair(false, false), std::pair(true, false), std::pair(false, true), std::pair(true, true)}) {
    const std::string anywhere = ipv6 ? "::/0" : "0.0.0.0/0", somewhere = ipv6 ? "fd12:0:0:901::/64" : "10.9.1.0/24";
    const auto port = std::uint16_t(from_anywhere ? 7001 : 7000);
    Policy policy = open_acls(all_interfaces());
    policy.groups["sg-1"] = {"sg-1", {{"sgr-2", true, {}, anywhere, ""}}};
    for (const auto& [id, interface] : Policy(policy).interfaces) policy.interfaces[id].group_ids = {"sg-1"};
    allow_marker(policy);
    Policy before = policy;
    before.groups["sg-1"].rules.push_back({"sgr-1", false, {6, 7000, 7001}, from_anywhere ? anywhere : somewhere, ""});
    ASSERT_TRUE(succeeds(fabric_->enforce(before)));
    const auto listener = listen_in(path("eni-c"), address_of("eni-c", ipv6), port);
    ASSERT_TRUE(listener);
    const auto client = connect_in(path("eni-a"), "", address_of("eni-c", ipv6), port);
    ASSERT_TRUE(client) << client.error().message;
    const env::Fd server(::accept4(listener->get(), nullptr, nullptr, SOCK_CLOEXEC | SOCK_NONBLOCK));
    char byte = 'x';
    ASSERT_EQ(::send(client->get(), &byte, 1, 0), 1);
    ASSERT_TRUE(succeeds(wait_for(server.get(), POLLIN)));
    ASSERT_EQ(::recv(server.get(), &byte, 1, 0), 1);
    ASSERT_TRUE(succeeds(fabric_->enforce(policy)));
    ASSERT_EQ(::send(client->get(), &byte, 1, 0), 1);
    await_marker("eni-a", "eni-c", ipv6);
    EXPECT_EQ(::recv(server.get(), &byte, 1, 0) == 1, !from_anywhere) << ipv6;
    // A daemon that starts anew replaces the table; what is allowed again goes on.
    KernelFabric again(folder_);
    ASSERT_TRUE(succeeds(again.enforce(before)));
    ASSERT_EQ(::send(client->get(), &byte, 1, 0), 1);
    EXPECT_TRUE(succeeds(wait_for(server.get(), POLLIN)));
    fabric_ = std::make_unique<KernelFabric>(folder_);
  }
}

TEST_F(Enforcement, WhatNoPolicyNamesIsDroppedButTheMetadataServiceIsThere) {
  Policy policy = open_acls(all_interfaces());
  policy.groups["sg-1"] = {"sg-1", {{"sgr-1", false, {}, "0.0.0.0/0", ""}, {"sgr-2", true, {}, "0.0.0.0/0", ""}}};
  for (const auto& [id, interface] : Policy(policy).interfaces) policy.interfaces[id].group_ids = {"sg-1"};
  allow_marker(policy);
  Policy without = policy;
  without.interfaces.erase("eni-a");
  const int heard = inbox("eni-c", 5000);
  ASSERT_TRUE(succeeds(fabric_->enforce(without)));
  send_from("eni-a", "eni-c", 5000);
  const auto metadata = listen_in(fabric_->vpc_namespace(kVpc), "169.254.169.254", 80);
  ASSERT_TRUE(metadata);
  EXPECT_TRUE(connect_in(path("eni-a"), "", "169.254.169.254", 80));
  ASSERT_TRUE(succeeds(fabric_->enforce(policy)));
  await_marker("eni-a", "eni-c");
  char byte = 0;
  EXPECT_EQ(::recv(heard, &byte, 1, 0), -1);
  EXPECT_TRUE(passes("eni-a", "eni-c", 5000));
}

// Somebody has been at the table: the next change puts it right.
TEST_F(Enforcement, MendsATableThatWasChangedByHand) {
  Policy policy = open_acls(all_interfaces());
  policy.groups["sg-1"] = {"sg-1", {{"sgr-2", true, {}, "0.0.0.0/0", ""}}};
  for (const auto& [id, interface] : Policy(policy).interfaces) policy.interfaces[id].group_ids = {"sg-1"};
  allow_marker(policy);
  ASSERT_TRUE(succeeds(fabric_->enforce(policy)));
  ASSERT_TRUE(succeeds(env::apart([&]() -> Result<void> {
    BRUME_CHECK(env::enter_network_namespace(fabric_->vpc_namespace(kVpc)));
    return std::system("nft delete table inet brume") == 0 ? Result<void>() : fail_internal("no table");
  })));
  policy.groups["sg-1"].rules.push_back({"sgr-1", false, {17, 5000, 5000}, "0.0.0.0/0", ""});
  ASSERT_TRUE(succeeds(fabric_->enforce(policy)));
  EXPECT_TRUE(passes("eni-a", "eni-c", 5000));
  EXPECT_FALSE(passes("eni-a", "eni-c", 5001));
}

}  // namespace
}  // namespace brume::net
