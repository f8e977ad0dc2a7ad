#include "net/spec_check.h"

#include <algorithm>

namespace brume::net {
namespace {

constexpr int max_device_index = 31;  // more than any instance type has

// AWS's bounds for a VPC's range and for a subnet (VPC user guide, "Subnet sizing").
Result<Ipv4Block> parse_range(std::string_view text, std::string_view what) {
  BRUME_TRY(block, parse_ipv4_block(text));
  if (block.prefix < 16 || block.prefix > 28)
    return fail("InvalidParameterValue", "The {} {} is not between /16 and /28", what, text);
  return block;
}

Result<IpBlock> parse_ipv6_subnet(std::string_view text) {
  BRUME_TRY(block, parse_block(text));
  if (!block.ipv6 || block.prefix != 64)
    return fail("InvalidParameterValue", "The subnet {} is not an IPv6 block of /64", text);
  return block;
}

IpAddress gateway_of(const IpBlock& subnet) {
  IpAddress gateway = subnet.base();
  gateway.bytes[15] = 1;
  return gateway;
}

}  // namespace

Result<void> check_id(std::string_view id, std::string_view prefix) {
  const auto allowed = [](char c) { return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-'; };
  if (!id.starts_with(prefix) || id.size() == prefix.size() || id.size() > 64 || !std::ranges::all_of(id, allowed))
    return fail("InvalidParameterValue", "'{}' is not an identifier of the form {}…", id, prefix);
  return {};
}

Result<std::vector<Ipv4>> check(const VpcSpec& spec) {
  BRUME_CHECK(check_id(spec.id, "vpc-"));
  std::vector<Ipv4> gateways;
  for (const std::string& cidr : spec.subnet_cidrs) {
    BRUME_TRY(block, parse_range(cidr, "subnet"));
    gateways.push_back(block.at(1));
  }
  if (!spec.cidr.empty()) BRUME_CHECK(resolver_address(spec.cidr));
  BRUME_CHECK(ipv6_gateways(spec));
  return gateways;
}

Result<std::vector<IpAddress>> ipv6_gateways(const VpcSpec& spec) {
  std::vector<IpAddress> gateways;
  for (const std::string& cidr : spec.subnet_ipv6_cidrs) {
    BRUME_TRY(subnet, parse_ipv6_subnet(cidr));
    gateways.push_back(gateway_of(subnet));
  }
  return gateways;
}

Result<Ipv4> resolver_address(std::string_view cidr) {
  BRUME_TRY(block, parse_range(cidr, "network"));
  return block.at(2);
}

Result<CheckedInterface> check(const InterfaceSpec& spec) {
  BRUME_CHECK(check_id(spec.id, "eni-"));
  BRUME_CHECK(check_id(spec.vpc_id, "vpc-"));
  BRUME_CHECK(check_id(spec.instance_id, "i-"));
  BRUME_TRY(address, parse_ipv4(spec.address));
  BRUME_TRY(subnet, parse_range(spec.subnet_cidr, "subnet"));
  BRUME_TRY(mac, parse_mac(spec.mac));
  if (!subnet.contains(address) || address <= subnet.at(1))
    return fail("InvalidParameterValue", "{} is not an address for an interface in {}", spec.address, spec.subnet_cidr);
  if (spec.device_index < 0 || spec.device_index > max_device_index)
    return fail("InvalidParameterValue", "The device index {} is not between 0 and {}", spec.device_index,
                max_device_index);
  CheckedInterface checked{address, subnet.at(1), subnet.prefix, mac, {}, {}, {}};
  for (const std::string& text : spec.secondary_addresses) {
    BRUME_TRY(secondary, parse_ipv4(text));
    if (!subnet.contains(secondary) || secondary <= subnet.at(1) || secondary == address ||
        std::ranges::find(checked.secondary_addresses, secondary) != checked.secondary_addresses.end())
      return fail("InvalidParameterValue", "{} is not a secondary address for an interface in {}", text,
                  spec.subnet_cidr);
    checked.secondary_addresses.push_back(secondary);
  }
  if (spec.ipv6_addresses.empty()) return checked;
  BRUME_TRY(ipv6_subnet, parse_ipv6_subnet(spec.ipv6_cidr));
  checked.ipv6_subnet = ipv6_subnet;
  for (const std::string& text : spec.ipv6_addresses) {
    BRUME_TRY(ipv6, parse_ip(text));
    if (!ipv6_subnet.contains({ipv6, 128}) || ipv6 <= gateway_of(ipv6_subnet) ||
        std::ranges::find(checked.ipv6_addresses, ipv6) != checked.ipv6_addresses.end())
      return fail("InvalidParameterValue", "{} is not an address for an interface in {}", text, spec.ipv6_cidr);
    checked.ipv6_addresses.push_back(ipv6);
  }
  return checked;
}

Result<Ipv4> check(const NodeSpec& spec) {
  BRUME_CHECK(check_id(spec.id, "eni-"));
  BRUME_CHECK(check_id(spec.vpc_id, "vpc-"));
  return parse_ipv4(spec.address);
}

}  // namespace brume::net
