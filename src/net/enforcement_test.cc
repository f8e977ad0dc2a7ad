// The kernel against the reference: what passes between two interfaces is what verdict.h says.
//
// Needs root; the only traffic is inside namespaces that the test made. That a packet does not come is told without
// waiting: a later one on the same way, which every policy here allows, has come. They keep their order because the
// test stays on one CPU, whose queue they share.
#include <gtest/gtest.h>
#include <sched.h>

#include <cstdlib>
#include <map>
#include <random>
#include <set>

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

std::string subnet_of(const std::string& interface) {
  return kAddresses.at(interface).starts_with("10.9.1.") ? "subnet-1" : "subnet-2";
}

Policy all_interfaces() {
  Policy policy{.vpc_id = kVpc, .groups = {}, .acls = {}, .subnet_acls = {}, .interfaces = {}};
  for (const auto& [id, address] : kAddresses)
    policy.interfaces[id] = {
        .id = id, .subnet_id = subnet_of(id), .addresses = {address}, .group_ids = {}, .node = id == "eni-n"};
  return policy;
}

// Every policy lets the marker through.
void allow_marker(Policy& policy) {
  policy.groups["sg-marker"] = {"sg-marker", {}};
  for (const bool egress : {false, true}) {
    policy.groups["sg-marker"].rules.push_back({"sgr-m", egress, {17, kMarker, kMarker}, "10.9.0.0/16", ""});
    for (auto& [id, acl] : policy.acls) acl.entries.push_back({1, egress, {17, kMarker, kMarker}, "0.0.0.0/0", true});
  }
  for (auto& [id, interface] : policy.interfaces) interface.group_ids.push_back("sg-marker");
}

Policy open_acls(Policy policy) {
  policy.acls["acl-open"] = {"acl-open", {{100, false, {}, "0.0.0.0/0", true}, {100, true, {}, "0.0.0.0/0", true}}};
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
    ASSERT_TRUE(succeeds(
        fabric_->ensure_vpc({.id = kVpc, .subnet_cidrs = {"10.9.1.0/24", "10.9.2.0/24"}, .cidr = "10.9.0.0/16"})));
    int number = 1;
    for (const auto& [id, address] : kAddresses) {
      if (id == "eni-n") {
        ASSERT_TRUE(succeeds(fabric_->ensure_node({id, kVpc, address})));
        continue;
      }
      ASSERT_TRUE(succeeds(
          fabric_->ensure_interface({.id = id,
                                     .vpc_id = kVpc,
                                     .instance_id = "i-" + id.substr(4),
                                     .address = address,
                                     .subnet_cidr = subnet_of(id) == "subnet-1" ? "10.9.1.0/24" : "10.9.2.0/24",
                                     .mac = fmt::format("02:00:00:00:00:{:02x}", number++)})));
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

  Result<env::Fd> bound(const std::string& interface, std::uint16_t port) {
    env::Fd fd;
    BRUME_CHECK(env::apart([&]() -> Result<void> {
      BRUME_CHECK(env::enter_network_namespace(path(interface)));
      fd = env::Fd(::socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
      const sockaddr_in address = socket_address(kAddresses.at(interface), port);
      if (::bind(fd.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0)
        return env::posix_error("Cannot bind to", kAddresses.at(interface));
      return {};
    }));
    return fd;
  }

  // Where the interface hears that port.
  int inbox(const std::string& interface, std::uint16_t port) {
    env::Fd& fd = inboxes_[{interface, port}];
    if (!fd) {
      auto made = bound(interface, port);
      EXPECT_TRUE(made) << made.error().message;
      if (made) fd = *std::move(made);
    }
    return fd.get();
  }

  // From a port that no flow had yet.
  void send_from(const std::string& from, const std::string& to, std::uint16_t port, std::size_t size = 1) {
    const auto outbox = bound(from, next_port_++);
    ASSERT_TRUE(outbox) << outbox.error().message;
    const std::string data(size, 'x');
    const sockaddr_in remote = socket_address(kAddresses.at(to), port);
    (void)::sendto(outbox->get(), data.data(), data.size(), 0, reinterpret_cast<const sockaddr*>(&remote),
                   sizeof remote);
  }

  // Whatever was sent from there before has come, or never will.
  void await_marker(const std::string& from, const std::string& to) {
    const int marker = inbox(to, kMarker);
    send_from(from, to, kMarker);
    ASSERT_TRUE(succeeds(wait_for(marker, POLLIN))) << "the marker from " << from << " to " << to;
    char byte = 0;
    (void)::recv(marker, &byte, 1, 0);
  }

  bool passes(const std::string& from, const std::string& to, std::uint16_t port, std::size_t size = 1) {
    const int heard = inbox(to, port);
    std::string data(size + 1, ' ');
    send_from(from, to, port, size);
    await_marker(from, to);
    return ::recv(heard, data.data(), data.size(), 0) == ssize_t(size);
  }

  cpu_set_t cpus_{};
  std::string folder_;
  std::unique_ptr<KernelFabric> fabric_;
  std::map<std::pair<std::string, std::uint16_t>, env::Fd> inboxes_;
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
                                   "10.9.2.0/27", "10.9.2.20", "192.168.0.0/16", "::/0"});
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
      if (dice.below(5) != 0) policy.acls[id].entries.push_back({1000, egress, {}, "0.0.0.0/0", true});
    for (int n = dice.below(8); n > 0; --n) {
      const std::pair<bool, int> number(dice.below(2) == 0, 2 + dice.below(500));
      if (numbers.insert(number).second)
        policy.acls[id].entries.push_back(
            {number.second, number.first, random_traffic(dice), random_cidr(dice), dice.below(4) != 0});
    }
  }
  policy.subnet_acls = {{"subnet-1", "acl-1"}, {"subnet-2", dice.one_of<std::string>({"acl-1", "acl-2"})}};
  for (auto& [id, interface] : policy.interfaces)
    for (const std::string& group : groups)
      if (dice.below(3) != 0) interface.group_ids.push_back(group);
  allow_marker(policy);
  return policy;
}

TEST_F(Enforcement, IsTheReferencesVerdictForRandomPolicies) {
  Dice dice(20261124);
  int allowed = 0, denied = 0;
  for (int round = 0; round < 60; ++round) {
    const Policy policy = random_policy(dice);
    ASSERT_TRUE(succeeds(fabric_->enforce(policy))) << "round " << round;
    for (const auto& [from, source] : kAddresses)
      for (const auto& [to, destination] : kAddresses) {
        if (from == to) continue;
        const auto port = std::uint16_t(5000 + dice.below(3));
        const Verdict verdict = judge(policy, {{from, source}, {to, destination}, 17, port, 0});
        std::string why;
        for (const Decision& decision : verdict.decisions) why += (decision.allowed ? "+" : "-") + decision.by + " ";
        EXPECT_EQ(passes(from, to, port), verdict.allowed)
            << "round " << round << ", " << from << " to " << to << ":" << port << " " << why;
        ++(verdict.allowed ? allowed : denied);
        if (HasFailure()) return;
      }
  }
  EXPECT_GT(allowed, 60);
  EXPECT_GT(denied, 60);
}

// One rule comes or goes at a time, so that only what changes is told to the kernel, one way or the other.
TEST_F(Enforcement, IsTheReferencesVerdictRuleByRule) {
  Dice dice(20261125);
  Policy policy = open_acls(all_interfaces());
  policy.groups["sg-1"] = {"sg-1", {{"sgr-0", true, {}, "10.9.0.0/16", ""}}};
  for (auto& [id, interface] : policy.interfaces) interface.group_ids = {"sg-1"};
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
  for (auto& [id, interface] : policy.interfaces) interface.group_ids = {"sg-1"};
  allow_marker(policy);
  ASSERT_TRUE(succeeds(fabric_->enforce(policy)));
  // 9001 bytes fit a link, so that what is cut is larger.
  EXPECT_TRUE(passes("eni-a", "eni-c", 5000, 20000));
  EXPECT_FALSE(passes("eni-a", "eni-c", 5001, 20000));
}

// EC2 user guide, "Connection tracking": a tracked flow outlives its rule, one that is not tracked ends with it.
TEST_F(Enforcement, AFlowEndsWithItsRuleOnlyIfItIsNotTracked) {
  for (const bool from_anywhere : {false, true}) {
    Policy policy = open_acls(all_interfaces());
    policy.groups["sg-1"] = {"sg-1", {{"sgr-2", true, {}, "0.0.0.0/0", ""}}};
    for (auto& [id, interface] : policy.interfaces) interface.group_ids = {"sg-1"};
    allow_marker(policy);
    Policy before = policy;
    before.groups["sg-1"].rules.push_back(
        {"sgr-1", false, {6, 7000, 7001}, from_anywhere ? "0.0.0.0/0" : "10.9.1.0/24", ""});
    ASSERT_TRUE(succeeds(fabric_->enforce(before)));
    const auto listener = listen_in(path("eni-c"), kAddresses.at("eni-c"), from_anywhere ? 7001 : 7000);
    ASSERT_TRUE(listener);
    const auto client = connect_in(path("eni-a"), "", kAddresses.at("eni-c"), from_anywhere ? 7001 : 7000);
    ASSERT_TRUE(client) << client.error().message;
    const env::Fd server(::accept4(listener->get(), nullptr, nullptr, SOCK_CLOEXEC | SOCK_NONBLOCK));
    char byte = 'x';
    ASSERT_EQ(::send(client->get(), &byte, 1, 0), 1);
    ASSERT_TRUE(succeeds(wait_for(server.get(), POLLIN)));
    ASSERT_EQ(::recv(server.get(), &byte, 1, 0), 1);
    ASSERT_TRUE(succeeds(fabric_->enforce(policy)));
    ASSERT_EQ(::send(client->get(), &byte, 1, 0), 1);
    await_marker("eni-a", "eni-c");
    EXPECT_EQ(::recv(server.get(), &byte, 1, 0) == 1, !from_anywhere);
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
  for (auto& [id, interface] : policy.interfaces) interface.group_ids = {"sg-1"};
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
  for (auto& [id, interface] : policy.interfaces) interface.group_ids = {"sg-1"};
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
