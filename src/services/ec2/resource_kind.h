// Kinds of EC2 resources: how their ids look and what AWS says of an id that is wrong.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "base/result.h"
#include "services/common/ids.h"
#include "store/table.h"

namespace brume::ec2 {

struct ResourceKind {
  const char* prefix;     // of its ids
  const char* type;       // as in tags: "route-table"
  const char* malformed;  // error codes
  const char* not_found;
  const char* noun;  // "The vpc ID 'vpc-1' does not exist"
};

inline constexpr ResourceKind kVpc{"vpc", "vpc", "InvalidVpcID.Malformed", "InvalidVpcID.NotFound", "vpc ID"};
inline constexpr ResourceKind kSubnet{"subnet", "subnet", "InvalidSubnetID.Malformed", "InvalidSubnetID.NotFound",
                                      "subnet ID"};
inline constexpr ResourceKind kInternetGateway{"igw", "internet-gateway", "InvalidInternetGatewayID.Malformed",
                                               "InvalidInternetGatewayID.NotFound", "internetGateway ID"};
inline constexpr ResourceKind kEgressOnlyGateway{
    "eigw", "egress-only-internet-gateway", "InvalidEgressOnlyInternetGatewayId.Malformed",
    "InvalidEgressOnlyInternetGatewayId.NotFound", "egressOnlyInternetGateway ID"};
inline constexpr ResourceKind kRouteTable{"rtb", "route-table", "InvalidRouteTableID.Malformed",
                                          "InvalidRouteTableID.NotFound", "routeTable ID"};
inline constexpr ResourceKind kNetworkAcl{"acl", "network-acl", "InvalidNetworkAclID.Malformed",
                                          "InvalidNetworkAclID.NotFound", "networkAcl ID"};
inline constexpr ResourceKind kSecurityGroup{"sg", "security-group", "InvalidGroupId.Malformed",
                                             "InvalidGroup.NotFound", "security group"};
inline constexpr ResourceKind kSecurityGroupRule{"sgr", "security-group-rule", "InvalidSecurityGroupRuleId.Malformed",
                                                 "InvalidSecurityGroupRuleId.NotFound", "security group rule ID"};
inline constexpr ResourceKind kNetworkInterface{"eni", "network-interface", "InvalidNetworkInterfaceId.Malformed",
                                                "InvalidNetworkInterfaceID.NotFound", "networkInterface ID"};
inline constexpr ResourceKind kDhcpOptions{"dopt", "dhcp-options", "InvalidDhcpOptionsId.Malformed",
                                           "InvalidDhcpOptionID.NotFound", "dhcpOption ID"};
inline constexpr ResourceKind kPrefixList{"pl", "prefix-list", "InvalidPrefixListId.Malformed",
                                          "InvalidPrefixListID.NotFound", "prefix list ID"};
inline constexpr ResourceKind kElasticIp{"eipalloc", "elastic-ip", "InvalidAllocationID.Malformed",
                                         "InvalidAllocationID.NotFound", "allocation ID"};
inline constexpr ResourceKind kNatGateway{"nat", "natgateway", "InvalidNatGatewayID.Malformed",
                                          "InvalidNatGatewayID.NotFound", "natGateway ID"};
inline constexpr ResourceKind kVpcPeering{"pcx", "vpc-peering-connection", "InvalidVpcPeeringConnectionId.Malformed",
                                          "InvalidVpcPeeringConnectionID.NotFound", "vpcPeeringConnection ID"};
inline constexpr ResourceKind kFlowLog{"fl", "vpc-flow-log", "InvalidFlowLogId.Malformed", "InvalidFlowLogId.NotFound",
                                       "flow log ID"};

[[nodiscard]] inline std::unexpected<Error> no_such(const ResourceKind& kind, std::string_view id) {
  if (!services::well_formed_id(id, kind.prefix))
    return fail(kind.malformed, "Invalid id: \"{}\" (expecting \"{}-...\")", id, kind.prefix);
  return fail(kind.not_found, "The {} '{}' does not exist", kind.noun, id);
}

// The record, or AWS's error. The pointer is valid until the row changes.
template <typename T>
Result<const T*> find(const store::Table<T>& table, const ResourceKind& kind, const std::optional<std::string>& id) {
  if (const T* record = table.find(id.value_or(""))) return record;
  return no_such(kind, id.value_or(""));
}

}  // namespace brume::ec2
