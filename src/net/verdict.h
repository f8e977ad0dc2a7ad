// What EC2 would say of a packet: the reference that the kernel's rules are tested against, and that explains.
//
// Pure. Judges a flow's first packet; that replies of tracked flows pass the groups is the kernel's to remember.
// Addresses that do not parse match nothing.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "net/address.h"
#include "net/policy.h"

namespace brume::net {

struct Endpoint {
  std::string interface_id;  // empty: outside of the VPC
  std::string address;
};

struct Packet {
  Endpoint from, to;
  int protocol = 6;
  int first = 0;                // destination port, or ICMP's type
  int second = 0;               // ICMP's code
  std::string peering_id = {};  // pcx-… by which it comes into the VPC or leaves it; empty: by none
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
// What the subnet's ACL says of a packet that enters it (leaves it, if `egress`), whoever in the subnet it is for.
Decision judge_acl(const Policy& policy, const std::string& subnet_id, const Packet& packet, bool egress);

}  // namespace brume::net
