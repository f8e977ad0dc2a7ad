#include "services/ec2/acl_rules.h"

#include <algorithm>
#include <tuple>

#include "services/ec2/protocol.h"
#include "services/ec2/refusals.h"

namespace brume::ec2 {
namespace {

constexpr int kIcmp = 1, kTcp = 6, kUdp = 17, kIcmpV6 = 58;

Result<PortRange> port_range(const CreateNetworkAclEntryRequest& request, int protocol) {
  if (!request.PortRange)
    return fail("MissingParameter", "The request must contain the parameter portRange for protocol {}", protocol);
  const std::int32_t from = request.PortRange->From.value_or(-1), to = request.PortRange->To.value_or(-1);
  if (from < 0 || to > 65535 || from > to)
    return fail("InvalidParameterValue", "Value ({}-{}) for parameter portRange is invalid.", from, to);
  return PortRange{.From = from, .To = to};
}

}  // namespace

Result<NetworkAclEntry> acl_entry(const CreateNetworkAclEntryRequest& request) {
  const std::int32_t number = request.RuleNumber.value_or(0);
  if (number < 1 || number > 32766)
    return fail("InvalidParameterValue",
                "Value ({}) for parameter ruleNumber is invalid. Rule numbers must be between 1 and 32766.", number);
  BRUME_TRY(protocol, protocol_number(request.Protocol.value_or("")));
  NetworkAclEntry entry{.Egress = request.Egress.value_or(false),
                        .Protocol = std::to_string(protocol),
                        .RuleAction = request.RuleAction,
                        .RuleNumber = number};
  if (request.CidrBlock && request.Ipv6CidrBlock)
    return fail("InvalidParameterCombination", "Only one of cidrBlock and ipv6CidrBlock can be given.");
  if (request.CidrBlock) {
    BRUME_TRY(cidr, parse_block("cidrBlock", *request.CidrBlock));
    entry.CidrBlock = format_cidr(cidr);
  } else if (request.Ipv6CidrBlock) {
    entry.Ipv6CidrBlock = canonical_ipv6_cidr(*request.Ipv6CidrBlock);
    if (!entry.Ipv6CidrBlock)
      return fail("InvalidParameterValue",
                  "Value ({}) for parameter ipv6CidrBlock is invalid. This is not a valid CIDR block.",
                  *request.Ipv6CidrBlock);
  } else {
    return fail("MissingParameter", "The request must contain the parameter cidrBlock or ipv6CidrBlock");
  }
  if (protocol == kTcp || protocol == kUdp) {
    BRUME_TRY(ports, port_range(request, protocol));
    entry.PortRange = ports;
  } else if (protocol == kIcmp || protocol == kIcmpV6) {
    if (!request.IcmpTypeCode)
      return fail("MissingParameter", "The request must contain the parameter icmpTypeCode for protocol {}", protocol);
    const IcmpTypeCode& icmp = *request.IcmpTypeCode;
    const std::int32_t type = icmp.Type.value_or(-1), code = icmp.Code.value_or(-1);
    if (type < -1 || type > 255 || code < -1 || code > 255)
      return fail("InvalidParameterValue", "Value ({}, {}) for parameter icmpTypeCode is invalid.", type, code);
    entry.IcmpTypeCode = IcmpTypeCode{.Code = code, .Type = type};
  }
  return entry;
}

void sort_entries(List<NetworkAclEntry>& entries) {
  std::ranges::stable_sort(entries, {}, [](const NetworkAclEntry& e) {
    return std::tuple(!e.Egress.value_or(false), e.RuleNumber.value_or(0));
  });
}

}  // namespace brume::ec2
