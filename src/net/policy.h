// Who may talk to whom in a VPC: its security groups, network ACLs and the interfaces they bind, as plain values.
//
// Semantics are EC2's: a packet between two interfaces of the VPC passes the sender's groups (egress), the ACL of the
// sender's subnet (outbound), the ACL of the receiver's subnet (inbound) and the receiver's groups (ingress), each
// judged by itself; ACLs are not asked within one subnet. What passes a NAT gateway meets the ACL of the gateway's
// subnet as well, inbound and outbound, under the addresses that it has on that side of the gateway. Groups are
// stateful and only allow; ACLs are stateless, ordered by number, and deny what no entry names. Traffic to the metadata
// service and the resolver is not judged. Made from the tables by services/ec2; `verdict.h` judges by it,
// Fabric::enforce() makes the kernel do so. Groups and interfaces are many and change one at a time, so copies share
// them.
#pragma once

#include <cstdint>
#include <map>
#include <set>
#include <string>
#include <vector>

#include "base/shared_map.h"
#include "net/routing.h"

namespace brume::net {

// What a rule or an entry matches besides the other side.
struct Traffic {
  int protocol = -1;  // IANA's number; -1: all protocols, whatever the rest says
  // TCP (6) and UDP (17): the destination port's range. ICMP (1) and ICMPv6 (58): `from` is the type and `to` the code,
  // -1: any.
  int from = -1, to = -1;
  bool operator==(const Traffic&) const = default;
};

// Allows. The other side (source of ingress, destination of egress) is exactly one of `cidr` and `group_id`.
struct GroupRule {
  std::string id;  // sgr-…
  bool egress = false;
  Traffic traffic;
  std::string cidr;  // IPv4 or IPv6, canonical. A prefix list is a rule for each of its ranges, with the same id
  // Interfaces of that group, by their private addresses: of this VPC, or of one beyond a peering (`peer_groups`).
  std::string group_id;
  bool operator==(const GroupRule&) const = default;
};

struct SecurityGroup {
  std::string id;  // sg-…
  std::vector<GroupRule> rules;
  bool operator==(const SecurityGroup&) const = default;
};

struct AclEntry {
  int number = 0;  // 1 to 32766, lowest first; unique for each direction
  bool egress = false;
  Traffic traffic;
  std::string cidr;  // IPv4 or IPv6
  bool allow = false;
  bool operator==(const AclEntry&) const = default;
};

struct NetworkAcl {
  std::string id;  // acl-…
  std::vector<AclEntry> entries;
  bool operator==(const NetworkAcl&) const = default;
};

// What carries the VPC's packets: an instance's interface or a load balancer's node.
struct PolicyInterface {
  std::string id;                      // eni-…
  std::string subnet_id;               // subnet-…
  std::vector<std::string> addresses;  // private, IPv4 and IPv6
  std::vector<std::string> group_ids;  // none: nothing is allowed
  bool node = false;                   // its address is the VPC namespace's own, so its packets are not forwarded ones
  bool operator==(const PolicyInterface&) const = default;
};

// A group of a peered VPC that rules name.
struct PeerGroup {
  std::string peering_id;           // pcx-…, by which alone its interfaces' packets come and go
  std::set<std::string> addresses;  // private ones of its interfaces, IPv4 and IPv6
  bool operator==(const PeerGroup&) const = default;
};

struct Policy {
  std::string vpc_id;
  SharedMap<std::string, SecurityGroup> groups;        // by id; also those without an interface, if a rule names them
  std::map<std::string, NetworkAcl> acls;              // by id
  std::map<std::string, std::string> subnet_acls;      // subnet id → ACL id
  SharedMap<std::string, PolicyInterface> interfaces;  // by id; no two have an address in common
  std::vector<NatGateway> nat_gateways = {};
  std::map<std::string, PeerGroup> peer_groups = {};  // by id; none of `groups`
  bool operator==(const Policy&) const = default;
};

}  // namespace brume::net
