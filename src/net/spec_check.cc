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
  return CheckedInterface{address, subnet.at(1), subnet.prefix, mac};
}

Result<Ipv4> check(const NodeSpec& spec) {
  BRUME_CHECK(check_id(spec.id, "eni-"));
  BRUME_CHECK(check_id(spec.vpc_id, "vpc-"));
  return parse_ipv4(spec.address);
}

}  // namespace brume::net
