// What the kernel counts against the packets that were sent.
//
// Needs root; the only traffic is inside namespaces that the test made. Packets keep their order because the test stays
// on one CPU, so that all before a marker that came have been judged.
#include <gtest/gtest.h>
#include <netinet/ip_icmp.h>
#include <sched.h>

#include <algorithm>
#include <atomic>
#include <cstdlib>
#include <map>
#include <memory>
#include <thread>

#include "net/flow_table.h"
#include "net/kernel_fabric.h"
#include "net/namespace_sockets_testing.h"
#include "net/nftables.h"

namespace brume::net {
namespace {

constexpr std::uint16_t kMarker = 9;
const std::string kVpc = "vpc-f";
const std::map<std::string, std::string> kAddresses = {
    {"eni-a", "10.9.1.10"}, {"eni-b", "10.9.1.11"}, {"eni-c", "10.9.2.10"}, {"eni-n", "10.9.2.20"}};

std::string subnet_of(const std::string& interface) {
  return kAddresses.at(interface).starts_with("10.9.1.") ? "subnet-1" : "subnet-2";
}

// In: UDP 5000, 5002, 5003, ICMP, TCP 7000, the marker. Out: all. The ACL: no UDP 5002 out, no 5003 in.
Policy policy() {
  Policy policy{.vpc_id = kVpc};
  policy.groups["sg-1"] = {"sg-1",
                           {{"sgr-1", true, {}, "0.0.0.0/0", ""},
                            {"sgr-2", false, {17, 5000, 5000}, "10.9.0.0/16", ""},
                            {"sgr-3", false, {17, 5002, 5003}, "10.9.0.0/16", ""},
                            {"sgr-4", false, {17, kMarker, kMarker}, "10.9.0.0/16", ""},
                            {"sgr-5", false, {1, -1, -1}, "10.9.0.0/16", ""},
                            {"sgr-6", false, {6, 7000, 7000}, "10.9.0.0/16", ""}}};
  policy.acls["acl-1"] = {"acl-1",
                          {{90, true, {17, 5002, 5002}, "0.0.0.0/0", false},
                           {91, false, {17, 5003, 5003}, "0.0.0.0/0", false},
                           {100, true, {}, "0.0.0.0/0", true},
                           {100, false, {}, "0.0.0.0/0", true}}};
  policy.subnet_acls = {{"subnet-1", "acl-1"}, {"subnet-2", "acl-1"}};
  for (const auto& [id, address] : kAddresses)
    policy.interfaces[id] = {id, subnet_of(id), {address}, {"sg-1"}, id == "eni-n"};
  return policy;
}

FlowWatch watch_of(const std::vector<std::string>& interfaces) {
  FlowWatch watch{.vpc_id = kVpc, .interfaces = {}};
  for (const std::string& id : interfaces) watch.interfaces.push_back({id, {kAddresses.at(id)}, id == "eni-n"});
  return watch;
}
const std::vector<std::string> kAll = {"eni-a", "eni-b", "eni-c", "eni-n"};

class FlowCounting : public testing::Test {
 protected:
  void SetUp() override {
    if (::geteuid() != 0) GTEST_SKIP() << "needs root";
    ASSERT_EQ(::sched_getaffinity(0, sizeof cpus_, &cpus_), 0);
    cpu_set_t one;
    CPU_ZERO(&one);
    CPU_SET(std::size_t(::sched_getcpu()), &one);
    ASSERT_EQ(::sched_setaffinity(0, sizeof one, &one), 0);
    char folder[] = "/tmp/brume-flows.XXXXXX";
    folder_ = ::mkdtemp(folder);
    fabric_ = std::make_unique<KernelFabric>(folder_);
    ASSERT_TRUE(succeeds(
        fabric_->ensure_vpc({.id = kVpc, .subnet_cidrs = {"10.9.1.0/24", "10.9.2.0/24"}, .cidr = "10.9.0.0/16"})));
    ASSERT_TRUE(succeeds(fabric_->enforce(policy())));
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
    markers_.clear();
    if (fabric_) {
      EXPECT_TRUE(succeeds(fabric_->sweep()));
    }
    if (!folder_.empty()) {
      EXPECT_EQ(::rmdir(folder_.c_str()), 0);
    }
    ::sched_setaffinity(0, sizeof cpus_, &cpus_);
  }

  [[nodiscard]] std::string path(const std::string& interface) const {
    return interface == "eni-n" ? fabric_->vpc_namespace(kVpc)
                                : fabric_->instance_namespace("i-" + interface.substr(4));
  }

  Result<env::Fd> open(const std::string& interface, int protocol, std::uint16_t port) {
    env::Fd fd;
    BRUME_CHECK(env::apart([&]() -> Result<void> {
      BRUME_CHECK(env::enter_network_namespace(path(interface)));
      fd = env::Fd(::socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, protocol));
      const sockaddr_in address = socket_address(kAddresses.at(interface), port);
      if (::bind(fd.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0)
        return env::posix_error("Cannot bind to", kAddresses.at(interface));
      return {};
    }));
    return fd;
  }

  static void send(int fd, const std::string& to, std::uint16_t port, const std::string& data) {
    const sockaddr_in remote = socket_address(to, port);
    (void)::sendto(fd, data.data(), data.size(), 0, reinterpret_cast<const sockaddr*>(&remote), sizeof remote);
  }

  // `count` packets of 10 bytes of data: 38 with the headers.
  void send_udp(const std::string& from, const std::string& to, std::uint16_t port, int count = 1) {
    const auto fd = open(from, 0, 4000);
    ASSERT_TRUE(succeeds(fd));
    for (int i = 0; i < count; ++i)
      send(fd->get(), kAddresses.contains(to) ? kAddresses.at(to) : to, port, "0123456789");
  }

  // An echo request of 8 bytes and no data, and its reply.
  void ping(const std::string& from, const std::string& to) {
    const auto fd = open(from, IPPROTO_ICMP, 77);
    ASSERT_TRUE(succeeds(fd));
    icmphdr request{};
    request.type = ICMP_ECHO;
    send(fd->get(), kAddresses.at(to), 0, std::string(reinterpret_cast<const char*>(&request), sizeof request));
    ASSERT_TRUE(succeeds(wait_for(fd->get(), POLLIN)));
  }

  // Whatever was sent from there before has come, or never will.
  void await_marker(const std::string& from, const std::string& to) {
    env::Fd& heard = markers_[to];
    if (!heard) {
      auto made = open(to, 0, kMarker);
      ASSERT_TRUE(succeeds(made));
      heard = *std::move(made);
    }
    const auto fd = open(from, 0, 4001);
    ASSERT_TRUE(succeeds(fd));
    send(fd->get(), kAddresses.at(to), kMarker, "m");
    ASSERT_TRUE(succeeds(wait_for(heard.get(), POLLIN))) << "the marker from " << from << " to " << to;
    char byte = 0;
    (void)::recv(heard.get(), &byte, 1, 0);
  }

  // "eni-a > udp 4000 5000 3 114 0 0": direction, protocol, ports, accepted and rejected packets and bytes. Without
  // markers and what the kernel says of ports that nobody listens to.
  static std::vector<std::string> lines(const std::vector<FlowPeriod>& periods) {
    std::vector<std::string> out;
    for (const FlowPeriod& period : periods)
      for (const Flow& flow : period.flows) {
        if (flow.destination_port == kMarker) continue;
        std::string line = fmt::format("{} {} {}->{} {}", flow.interface_id, flow.egress ? ">" : "<", flow.source,
                                       flow.destination, flow.protocol);
        if (flow.protocol != 1) line += fmt::format(" {}->{}", flow.source_port, flow.destination_port);
        line += fmt::format(" +{}/{} -{}/{}", flow.accepted.packets, flow.accepted.bytes, flow.rejected.packets,
                            flow.rejected.bytes);
        if (flow.protocol == 6) line += fmt::format(" flags {}", flow.tcp_flags);
        out.push_back(line);
      }
    return out;
  }
  std::vector<FlowPeriod> collect(const std::vector<std::string>& interfaces, std::int64_t now) {
    auto periods = fabric_->collect_flows(watch_of(interfaces), now);
    EXPECT_TRUE(succeeds(periods));
    return periods.value_or(std::vector<FlowPeriod>());
  }

  cpu_set_t cpus_{};
  std::string folder_;
  std::unique_ptr<KernelFabric> fabric_;
  std::map<std::string, env::Fd> markers_;
};

using Lines = std::vector<std::string>;

// One subnet to another: both sides have a record, each of what its own rules said.
TEST_F(FlowCounting, EachSideTellsWhatItsOwnRulesSaid) {
  ASSERT_EQ(fabric_->watch_flows(watch_of(kAll), 100, 0), 100);
  const auto open_5000 = open("eni-c", 0, 5000);  // so that no ICMP error answers
  ASSERT_TRUE(succeeds(open_5000));
  send_udp("eni-a", "eni-c", 5000, 3);
  send_udp("eni-a", "eni-c", 5001);  // the receiver's group
  send_udp("eni-a", "eni-c", 5002);  // the sender's ACL
  send_udp("eni-a", "eni-c", 5003);  // the receiver's ACL
  await_marker("eni-a", "eni-c");
  const auto periods = collect(kAll, 160);
  ASSERT_EQ(periods.size(), 1U);
  EXPECT_EQ(periods[0].begin, 100);
  EXPECT_EQ(periods[0].end, 160);
  EXPECT_FALSE(periods[0].again);
  EXPECT_TRUE(periods[0].skipped.empty());
  EXPECT_EQ(lines(periods), (Lines{"eni-a > 10.9.1.10->10.9.2.10 17 4000->5000 +3/114 -0/0",
                                   "eni-a > 10.9.1.10->10.9.2.10 17 4000->5001 +1/38 -0/0",
                                   "eni-a > 10.9.1.10->10.9.2.10 17 4000->5002 +0/0 -1/38",
                                   "eni-a > 10.9.1.10->10.9.2.10 17 4000->5003 +1/38 -0/0",
                                   "eni-c < 10.9.1.10->10.9.2.10 17 4000->5000 +3/114 -0/0",
                                   "eni-c < 10.9.1.10->10.9.2.10 17 4000->5001 +0/0 -1/38",
                                   "eni-c < 10.9.1.10->10.9.2.10 17 4000->5003 +0/0 -1/38"}));
}

TEST_F(FlowCounting, EchoRequestsAndTheirReplies) {
  ASSERT_TRUE(succeeds(fabric_->watch_flows(watch_of({"eni-a"}), 100, 0)));
  ping("eni-a", "eni-c");
  EXPECT_EQ(lines(collect({"eni-a"}, 160)),
            (Lines{"eni-a > 10.9.1.10->10.9.2.10 1 +1/28 -0/0", "eni-a < 10.9.2.10->10.9.1.10 1 +1/28 -0/0"}));
}

TEST_F(FlowCounting, TcpTellsItsFlags) {
  ASSERT_TRUE(succeeds(fabric_->watch_flows(watch_of({"eni-b"}), 100, 0)));
  {
    const auto listener = listen_in(path("eni-b"), kAddresses.at("eni-b"), 7000);
    ASSERT_TRUE(succeeds(listener));
    const auto client = connect_in(path("eni-a"), "", kAddresses.at("eni-b"), 7000);
    ASSERT_TRUE(succeeds(client));
  }
  await_marker("eni-a", "eni-b");
  const auto periods = collect({"eni-b"}, 160);
  ASSERT_EQ(periods.size(), 1U);
  std::map<bool, int> flags;
  for (const Flow& flow : periods[0].flows)
    if (flow.protocol == 6) flags[flow.egress] |= flow.tcp_flags;
  EXPECT_EQ(flags[false] & 18, 2) << "SYN, and its ACKs are not told";
  EXPECT_EQ(flags[true] & 18, 18) << "SYN-ACK";
}

// A load balancer's node is in the VPC's namespace itself.
TEST_F(FlowCounting, NodesHaveRecordsToo) {
  ASSERT_TRUE(succeeds(fabric_->watch_flows(watch_of({"eni-n", "eni-a"}), 100, 0)));
  const auto at_node = open("eni-n", 0, 5000), at_c = open("eni-c", 0, 5000);
  send_udp("eni-a", "eni-n", 5000, 2);
  send_udp("eni-a", "eni-n", 5001);
  await_marker("eni-a", "eni-n");
  send_udp("eni-n", "eni-c", 5000, 2);
  send_udp("eni-n", "eni-c", 5001);
  send_udp("eni-n", "eni-a", 5002);  // the ACL of the node's subnet
  await_marker("eni-n", "eni-c");
  EXPECT_EQ(lines(collect({"eni-n", "eni-a"}, 160)), (Lines{"eni-a > 10.9.1.10->10.9.2.20 17 4000->5000 +2/76 -0/0",
                                                            "eni-a > 10.9.1.10->10.9.2.20 17 4000->5001 +1/38 -0/0",
                                                            "eni-n > 10.9.2.20->10.9.1.10 17 4000->5002 +0/0 -1/38",
                                                            "eni-n > 10.9.2.20->10.9.2.10 17 4000->5000 +2/76 -0/0",
                                                            "eni-n > 10.9.2.20->10.9.2.10 17 4000->5001 +1/38 -0/0",
                                                            "eni-n < 10.9.1.10->10.9.2.20 17 4000->5000 +2/76 -0/0",
                                                            "eni-n < 10.9.1.10->10.9.2.20 17 4000->5001 +0/0 -1/38"}));
}

TEST_F(FlowCounting, TheVpcsOwnServicesAndOthersInterfacesAreLeftOut) {
  ASSERT_TRUE(succeeds(fabric_->watch_flows(watch_of({"eni-a"}), 100, 0)));
  const auto metadata = listen_in(fabric_->vpc_namespace(kVpc), "169.254.169.254", 80);
  ASSERT_TRUE(connect_in(path("eni-a"), "", "169.254.169.254", 80));
  for (const char* const service : {"10.9.0.2", "169.254.169.253", "10.9.1.1"}) send_udp("eni-a", service, 53);
  send_udp("eni-b", "eni-c", 5000);
  await_marker("eni-a", "eni-c");
  await_marker("eni-b", "eni-c");
  EXPECT_EQ(lines(collect({"eni-a"}, 160)), Lines{});
}

// What was not delivered is told again, by another daemon too, and the period under way goes on meanwhile.
TEST_F(FlowCounting, PeriodsFollowOneAnotherThroughARestart) {
  const auto at_c = open("eni-c", 0, 5000);
  ASSERT_EQ(fabric_->watch_flows(watch_of({"eni-a"}), 100, 0), 100);
  send_udp("eni-a", "eni-c", 5000, 3);
  await_marker("eni-a", "eni-c");
  const auto first = collect({"eni-a"}, 160);
  EXPECT_EQ(lines(first), Lines{"eni-a > 10.9.1.10->10.9.2.10 17 4000->5000 +3/114 -0/0"});
  send_udp("eni-a", "eni-c", 5000, 2);
  await_marker("eni-a", "eni-c");

  fabric_ = std::make_unique<KernelFabric>(folder_);
  ASSERT_EQ(fabric_->watch_flows(watch_of({"eni-a"}), 200, 0), 160) << "not begun anew";
  const auto repeated = collect({"eni-a"}, 220);
  ASSERT_EQ(repeated.size(), 1U);
  EXPECT_TRUE(repeated[0].again);
  EXPECT_EQ(repeated[0].flows, first[0].flows);
  ASSERT_EQ(fabric_->watch_flows(watch_of({"eni-a"}), 220, 100), 160);
  const auto second = collect({"eni-a"}, 220);
  ASSERT_EQ(second.size(), 1U);
  EXPECT_FALSE(second[0].again);
  EXPECT_EQ(second[0].begin, 160);
  EXPECT_EQ(lines(second), Lines{"eni-a > 10.9.1.10->10.9.2.10 17 4000->5000 +2/76 -0/0"});
  ASSERT_EQ(fabric_->watch_flows(watch_of({"eni-a"}), 221, 160), 220);
  EXPECT_EQ(lines(collect({"eni-a"}, 221)), Lines{});

  // Nobody asks any more.
  ASSERT_TRUE(succeeds(fabric_->watch_flows(watch_of({}), 300, 220)));
  EXPECT_EQ(fabric_->collect_flows(watch_of({"eni-a"}), 300), std::vector<FlowPeriod>());
  ASSERT_EQ(fabric_->watch_flows(watch_of({"eni-a"}), 400, 220), 400);
}

// The clock may be set back, and two collections may fall into one second.
TEST_F(FlowCounting, PeriodsHaveDifferentNamesWhateverTheClockSays) {
  ASSERT_EQ(fabric_->watch_flows(watch_of({"eni-a"}), 100, 0), 100);
  for (const std::int64_t begin : {100, 101, 102}) {
    const auto periods = collect({"eni-a"}, 50);
    ASSERT_EQ(periods.size(), 1U);
    EXPECT_EQ(periods[0].begin, begin);
    ASSERT_EQ(fabric_->watch_flows(watch_of({"eni-a"}), 50, begin), begin + 1);
  }
}

// Each packet counts in exactly one period, and none that passed is taken for rejected.
TEST_F(FlowCounting, NothingIsLostOrDoubledBetweenTwoPeriods) {
  ::sched_setaffinity(0, sizeof cpus_, &cpus_);
  constexpr int kPackets = 30000;
  const auto at_c = open("eni-c", 0, 5000);
  const auto from = open("eni-a", 0, 4000);
  ASSERT_TRUE(at_c && from);
  ASSERT_EQ(fabric_->watch_flows(watch_of(kAll), 100, 0), 100);
  std::atomic<bool> done = false;
  std::thread sender([&] {
    for (int i = 0; i < kPackets; ++i) send(from->get(), kAddresses.at("eni-c"), 5000, "0123456789");
    done = true;
  });
  std::uint64_t sent = 0, received = 0, rejected = 0;
  int periods = 0;
  for (bool last = false; !last; ++periods) {
    last = done;
    for (const FlowPeriod& period : collect(kAll, 101)) {
      for (const Flow& flow : period.flows) {
        rejected += flow.rejected.packets;
        (flow.egress ? sent : received) += flow.accepted.packets;
      }
      EXPECT_TRUE(succeeds(fabric_->watch_flows(watch_of(kAll), 101, period.begin)));
    }
  }
  sender.join();
  EXPECT_EQ(rejected, 0U);
  EXPECT_EQ(sent, received);
  EXPECT_EQ(sent, std::uint64_t(kPackets));
  EXPECT_GT(periods, 1);
}

TEST_F(FlowCounting, WhatFindsNoRoomIsSkippedAndSaidSo) {
  ASSERT_TRUE(succeeds(fabric_->watch_flows(watch_of({"eni-a", "eni-b"}), 100, 0)));
  auto from = open("eni-a", 0, 4000);
  ASSERT_TRUE(succeeds(from));
  // More flows than there is room for; none listens, and what answers is refused.
  for (int port = 10000; port < 10000 + kMostFlows + 500; ++port)
    send(from->get(), kAddresses.at("eni-c"), std::uint16_t(port), "0123456789");
  *from = env::Fd();
  await_marker("eni-a", "eni-c");
  const auto periods = collect({"eni-a", "eni-b"}, 160);
  ASSERT_EQ(periods.size(), 1U);
  EXPECT_EQ(periods[0].skipped, std::set<std::string>{"eni-a"});
  EXPECT_LE(periods[0].flows.size(), std::size_t(kMostFlows));
  EXPECT_GT(periods[0].flows.size(), 1000U);
  for (const Flow& flow : periods[0].flows) ASSERT_EQ(flow.rejected.packets, 0U) << "the sender let it go";
  // A new period has room again.
  ASSERT_TRUE(succeeds(fabric_->watch_flows(watch_of({"eni-a", "eni-b"}), 160, 100)));
  send_udp("eni-a", "eni-c", 5001);
  await_marker("eni-a", "eni-c");
  EXPECT_EQ(lines(collect({"eni-a", "eni-b"}, 220)), Lines{"eni-a > 10.9.1.10->10.9.2.10 17 4000->5001 +1/38 -0/0"});
}

// Rules and counters are changed independently of each other.
TEST_F(FlowCounting, ATableThatWasTakenAwayIsMadeAnew) {
  ASSERT_TRUE(succeeds(fabric_->watch_flows(watch_of({"eni-a"}), 100, 0)));
  ASSERT_TRUE(succeeds(env::apart([&]() -> Result<void> {
    BRUME_CHECK(env::enter_network_namespace(fabric_->vpc_namespace(kVpc)));
    return run_nftables(
               "flush chain inet brume_flow forward_first\ndelete set inet brume_flow nodes\n"
               "delete table inet brume_flow\n")
               ? Result<void>()
               : run_nftables(remove_flow_table());
  })));
  EXPECT_EQ(collect({"eni-a"}, 130).size(), 0U);
  ASSERT_EQ(fabric_->watch_flows(watch_of({"eni-a"}), 140, 0), 140);
  ASSERT_TRUE(succeeds(fabric_->enforce(policy())));
  send_udp("eni-a", "eni-c", 5001);
  await_marker("eni-a", "eni-c");
  EXPECT_EQ(lines(collect({"eni-a"}, 160)), Lines{"eni-a > 10.9.1.10->10.9.2.10 17 4000->5001 +1/38 -0/0"});
}

}  // namespace
}  // namespace brume::net
