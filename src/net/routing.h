// How packets find their way in and out of a VPC: route tables, gateways and public addresses, as plain values.
//
// Semantics are EC2's: the longest prefix wins, the VPC's own ranges are always local; a subnet uses its own table or
// the main one. Through an internet gateway goes only what comes from an address with a public one, which it carries
// outside; a NAT gateway lends its own. IPv6 addresses are public themselves; through an egress-only gateway their
// flows go out and none comes in. Private and link-local destinations never leave through a gateway. Made from the
// tables by services/ec2; Fabric::route() makes the kernel do so.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <string>
#include <vector>

#include "base/shared_map.h"

namespace brume::net {

enum class RouteTarget : std::uint8_t {
  blackhole,  // its target is gone: dropped
  internet_gateway,
  egress_only_gateway,  // of IPv6
  nat_gateway,          // target_id: nat-…
  network_interface,    // target_id: eni-… in this VPC (an instance that routes)
  peering,              // target_id: pcx-…
};

struct Route {
  std::string destination;  // IPv4 or IPv6 CIDR, canonical
  RouteTarget target = RouteTarget::blackhole;
  std::string target_id;
  bool operator==(const Route&) const = default;
};

// An address outside, and the private one it stands for. One to one.
struct PublicAddress {
  std::string address;          // 127.8.0.12, or of a pool that the user configured
  std::string private_address;  // of an interface in the VPC
  std::string interface_id;
  auto operator<=>(const PublicAddress&) const = default;
};

}  // namespace brume::net

template <>
struct std::hash<brume::net::PublicAddress> {
  std::size_t operator()(const brume::net::PublicAddress& address) const {
    return std::hash<std::string>()(address.address);
  }
};

namespace brume::net {

struct NatGateway {
  std::string id;              // nat-…
  std::string subnet_id;       // the one it stands in, whose route table its packets follow
  std::string public_address;  // empty: a private NAT gateway
  std::string private_address;
  bool operator==(const NatGateway&) const = default;
};

struct Peering {
  std::string id;           // pcx-…, active
  std::string peer_vpc_id;  // whose namespace may lie in another region
  bool operator==(const Peering&) const = default;
};

struct Routing {
  std::string vpc_id;
  std::vector<std::string> cidrs;                          // the VPC's ranges
  std::map<std::string, std::vector<Route>> route_tables;  // rtb-… → its routes, without the local ones
  std::map<std::string, std::string> subnet_route_tables;  // subnet's CIDR, of each family → rtb-…
  bool internet_gateway = false;                           // one is attached
  SharedSet<PublicAddress> public_addresses;
  std::vector<NatGateway> nat_gateways;
  std::vector<Peering> peerings;
  bool operator==(const Routing&) const = default;
};

// Nothing but public addresses is different, if anything is.
inline bool alike_but_for_addresses(const Routing& a, Routing b) {
  b.public_addresses = a.public_addresses;
  return a == b;
}

}  // namespace brume::net
