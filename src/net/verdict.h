// What EC2 would say of a packet: the reference that the kernel's rules are tested against, and that explains.
//
// Pure. Judges a flow's first packet; that replies of tracked flows pass the groups is the kernel's to remember.
// Addresses that do not parse match nothing.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "net/policy.h"

namespace brume::net {

// An IPv4 or IPv6 block; an address is one with the full prefix. Host bits are zero.
struct IpBlock {
  bool ipv6 = false;
  std::array<std::uint8_t, 16> bytes{};
  int prefix = 0;
  [[nodiscard]] bool contains(const IpBlock& other) const;
  [[nodiscard]] std::string text() const;  // "10.0.0.0/8"; without the prefix if it is full
  auto operator<=>(const IpBlock&) const = default;
};
std::optional<IpBlock> parse_ip_block(std::string_view text);

struct Endpoint {
  std::string interface_id;  // empty: outside of the VPC
  std::string address;
};

struct Packet {
  Endpoint from, to;
  int protocol = 6;
  int first = 0;   // destination port, or ICMP's type
  int second = 0;  // ICMP's code
};

enum class Stage : std::uint8_t { egress_groups, acl_out, acl_in, ingress_groups };

struct Decision {
  Stage stage = Stage::egress_groups;
  bool allowed = false;
  std::string by;  // sgr-…; "acl-… 100", "acl-… *" for the implicit deny; empty: no rule allows it
  bool operator==(const Decision&) const = default;
};

struct Verdict {
  bool allowed = true;              // by every stage
  std::vector<Decision> decisions;  // of the stages that are asked, in their order
};

// Whether protocol, ports or type and code match.
bool matches(const Traffic& traffic, const Packet& packet);
Verdict judge(const Policy& policy, const Packet& packet);

}  // namespace brume::net
