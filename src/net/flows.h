// Which interfaces' packets are counted by flow, and what was counted, as plain values.
//
// A period is the time between two collections; each has its own counters, so that a packet is counted in exactly one.
// Periods are named by the second in which they began, and follow one another without a gap. Semantics are those of VPC
// flow logs: a flow is an interface, a direction and five values of the packet; the sender's side judges with its
// groups and its ACL, the receiver's with its own. Made of the tables by services/ec2; Fabric::watch_flows() and
// collect_flows() make the kernel count.
#pragma once

#include <cstdint>
#include <set>
#include <string>
#include <vector>

namespace brume::net {

struct FlowInterface {
  std::string id;                      // eni-…
  std::vector<std::string> addresses;  // of a node: what it is told by; of others without meaning
  bool node = false;                   // as in PolicyInterface
  bool operator==(const FlowInterface&) const = default;
};

struct FlowWatch {
  std::string vpc_id;
  std::vector<FlowInterface> interfaces;  // none: nothing is counted any more
  bool operator==(const FlowWatch&) const = default;
};

struct PacketCount {
  std::uint64_t packets = 0, bytes = 0;  // bytes from the IP header on
  bool operator==(const PacketCount&) const = default;
};

struct Flow {
  std::string interface_id;
  bool egress = false;  // the interface sent it
  bool ipv6 = false;
  std::string source, destination;  // as the packets had them in the VPC
  int protocol = 0;                 // IANA's number
  int source_port = 0, destination_port = 0;
  int tcp_flags = 0;  // FIN 1, SYN 2, RST 4, and 16 of SYN-ACK, of all packets together
  PacketCount accepted, rejected;
  bool operator==(const Flow&) const = default;
};

struct FlowPeriod {
  std::int64_t begin = 0, end = 0;  // seconds since the epoch; `end` is the next one's begin
  bool again = false;               // was answered before, or at least closed
  std::vector<Flow> flows;
  std::set<std::string> skipped;  // interfaces with flows that were not counted, for want of room
  bool operator==(const FlowPeriod&) const = default;
};

}  // namespace brume::net
