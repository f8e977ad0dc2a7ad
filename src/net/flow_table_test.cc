#include "net/flow_table.h"

#include <gtest/gtest.h>

#include "net/link_name.h"

namespace brume::net {
namespace {

// Keys as the kernel tells them: parts padded to four bytes.
std::string padded(std::string part) {
  part.resize((part.size() + 3) / 4 * 4, '\0');
  return part;
}
std::string link(const std::string& name) {
  std::string part = name;
  part.resize(16, '\0');
  return part;
}
std::string bytes(std::initializer_list<int> values) {
  std::string part;
  for (const int value : values) part.push_back(char(value));
  return padded(part);
}
std::string port(int number) {
  return bytes({number >> 8, number & 255});
}

const std::string kA = bytes({10, 0, 1, 10}), kB = bytes({10, 0, 2, 20}), kNode = bytes({10, 0, 2, 30});
const FlowWatch kWatch{
    .vpc_id = "vpc-1",
    .interfaces = {
        {"eni-a", {"10.0.1.10"}, false}, {"eni-b", {"10.0.2.20"}, false}, {"eni-n", {"10.0.2.30", "fd00::1"}, true}}};

std::string key(const std::string& interface, const std::string& from, const std::string& to, int source_port,
                int destination_port, int protocol = 6) {
  return link(link_name(interface)) + from + to + bytes({protocol}) + port(source_port) + port(destination_port);
}

using Elements = std::map<std::string, std::vector<CountedElement>>;
FlowPeriod read(const Elements& elements) {
  return read_period(kWatch, 7, 8, elements);
}

TEST(FlowTable, WhatWasSeenAndDidNotPassWasRejected) {
  struct Case {
    const char* what;
    PacketCount seen, looked_at, accepted, rejected;
  };
  const Case cases[] = {
      {"all passed", {3, 114}, {6, 228}, {3, 114}, {0, 0}},
      {"none passed", {3, 114}, {3, 114}, {0, 0}, {3, 114}},
      {"some passed", {3, 114}, {5, 190}, {2, 76}, {1, 38}},
      {"more looks than packets: not all first looks found room", {2, 76}, {5, 190}, {2, 76}, {0, 0}},
  };
  for (const Case& c : cases) {
    const std::string flow = key("eni-a", kA, kB, 4000, 80);
    const FlowPeriod period =
        read({{"out_seen_ports4_7", {{flow, c.seen}}}, {"out_passed_ports4_7", {{flow, c.looked_at}}}});
    ASSERT_EQ(period.flows.size(), 1U) << c.what;
    EXPECT_EQ(period.flows[0], (Flow{.interface_id = "eni-a",
                                     .egress = true,
                                     .source = "10.0.1.10",
                                     .destination = "10.0.2.20",
                                     .protocol = 6,
                                     .source_port = 4000,
                                     .destination_port = 80,
                                     .accepted = c.accepted,
                                     .rejected = c.rejected}))
        << c.what;
  }
}

TEST(FlowTable, WhoseAFlowIs) {
  struct Case {
    const char* what;
    const char* set;
    std::string link, from, to;
    const char* interface;  // empty: nobody's who is watched
  };
  const Case cases[] = {
      {"a sender's by its link", "out_seen_plain4_7", link_name("eni-a"), kA, kB, "eni-a"},
      {"a router's too, whatever the source", "out_seen_plain4_7", link_name("eni-a"), kB, kA, "eni-a"},
      {"a receiver's by its link", "in_seen_plain4_7", link_name("eni-b"), kA, kB, "eni-b"},
      {"a node's by the source, not by the other side's link", "out_seen_plain4_7", link_name("eni-a"), kNode, kA,
       "eni-n"},
      {"a node's by the destination", "in_seen_plain4_7", link_name("eni-a"), kA, kNode, "eni-n"},
      {"a node's that talks to another", "in_seen_plain4_7", "lo", kB, kNode, "eni-n"},
      {"of a link that is not watched", "out_seen_plain4_7", link_name("eni-z"), kA, kB, ""},
  };
  for (const Case& c : cases) {
    const FlowPeriod period = read({{c.set, {{link(c.link) + c.from + c.to + bytes({1}), {1, 28}}}}});
    ASSERT_EQ(period.flows.size(), *c.interface == '\0' ? 0U : 1U) << c.what;
    if (!period.flows.empty()) {
      EXPECT_EQ(period.flows[0].interface_id, c.interface) << c.what;
      EXPECT_EQ(period.flows[0].egress, std::string_view(c.set).starts_with("out")) << c.what;
    }
  }
}

TEST(FlowTable, FlagsOfAllPacketsTogetherAndAcksOfSynAcksOnly) {
  struct Case {
    std::vector<int> raw;
    int flags;
  };
  for (const Case& c : std::vector<Case>{
           {{0x02}, 2}, {{0x12}, 18}, {{0x11}, 1}, {{0x14}, 4}, {{0x02, 0x19}, 3}, {{0x12, 0x11, 0x04}, 23}, {{}, 0}}) {
    Elements elements{{"in_seen_ports4_7", {{key("eni-b", kA, kB, 4000, 80), {1, 60}}}}};
    for (const int raw : c.raw) elements["flags4_7"].push_back({kA + kB + port(4000) + port(80) + bytes({raw}), {}});
    elements["flags4_7"].push_back({kA + kB + port(4000) + port(81) + bytes({7}), {}});
    const FlowPeriod period = read(elements);
    ASSERT_EQ(period.flows.size(), 1U);
    EXPECT_EQ(period.flows[0].tcp_flags, c.flags);
  }
}

TEST(FlowTable, Ipv6) {
  const std::string from = bytes({0xfd, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1}),
                    to = bytes({0xfd, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 2});
  const FlowPeriod period = read({{"out_seen_ports6_7", {{key("eni-a", from, to, 1, 65535, 17), {1, 48}}}}});
  ASSERT_EQ(period.flows.size(), 1U);
  EXPECT_TRUE(period.flows[0].ipv6);
  EXPECT_EQ(period.flows[0].source, "fd00::1");
  EXPECT_EQ(period.flows[0].destination, "fd00::2");
  EXPECT_EQ(period.flows[0].destination_port, 65535);
}

TEST(FlowTable, WhoWasSkipped) {
  const FlowPeriod period = read({{"skipped_7", {{link(link_name("eni-b")), {}}, {link("other"), {}}}},
                                  {"skipped_nodes_7", {{kNode, {}}, {kA, {}}}}});
  EXPECT_EQ(period.skipped, (std::set<std::string>{"eni-b", "eni-n"}));
  EXPECT_TRUE(period.flows.empty());
}

TEST(FlowTable, KeysOfAnotherFormAreNoFlows) {
  for (const std::string& broken :
       {std::string(), std::string("x"), link(link_name("eni-a")) + kA, key("eni-a", kA, kB, 1, 2).substr(0, 30)})
    EXPECT_TRUE(read({{"out_seen_ports4_7", {{broken, {1, 1}}}}, {"flags4_7", {{broken, {}}}}}).flows.empty());
}

TEST(FlowTable, PeriodsAreFoundByTheirSets) {
  std::vector<std::string> sets = {"links", "nodes", "services", "skipped_nodes_", "skipped_nodes_1x"};
  for (const std::int64_t period : {1764012345L, 99L})
    for (const std::string& set : sets_of(period)) sets.push_back(set);
  EXPECT_EQ(periods_of(sets), (std::vector<std::int64_t>{99, 1764012345}));
  EXPECT_TRUE(periods_of({}).empty());
}

TEST(FlowTable, ThePeriodUnderWayIsNeverDropped) {
  EXPECT_EQ(drop_periods({5}, 5), "");
  EXPECT_EQ(drop_periods({5, 6}, 4), "");
  const std::string commands = drop_periods({5, 6}, 9);
  EXPECT_NE(commands.find("delete set inet brume_flow in_seen_ports4_5\n"), std::string::npos);
  EXPECT_EQ(commands.find("delete set inet brume_flow in_seen_ports4_6\n"), std::string::npos);
  EXPECT_EQ(drop_periods({}, 9), "");
}

}  // namespace
}  // namespace brume::net
