// Whether specs are ones a fabric can carry out, before anything is touched.
//
// Pure; every Fabric applies it, so that the simulated one refuses what the kernel's would. Identifiers become file and
// link names: the prefix, then letters, digits and dashes, at most 64. Errors: code InvalidParameterValue.
#pragma once

#include <string_view>

#include "net/address.h"
#include "net/fabric.h"

namespace brume::net {

// `prefix` is "vpc-", "i-" or "eni-".
Result<void> check_id(std::string_view id, std::string_view prefix);

// Gateways of the VPC's subnets, in their order.
Result<std::vector<Ipv4>> check(const VpcSpec& spec);

// The resolver's address in a VPC with this primary range: base + 2.
Result<Ipv4> resolver_address(std::string_view cidr);

// Those of its IPv6 subnets: <prefix>::1.
Result<std::vector<IpAddress>> ipv6_gateways(const VpcSpec& spec);

struct CheckedInterface {
  Ipv4 address, gateway;
  int prefix = 0;
  Mac mac{};
  std::vector<Ipv4> secondary_addresses;
  std::vector<IpAddress> ipv6_addresses;
  IpBlock ipv6_subnet;  // if there are any
};
Result<CheckedInterface> check(const InterfaceSpec& spec);

Result<Ipv4> check(const NodeSpec& spec);

}  // namespace brume::net
