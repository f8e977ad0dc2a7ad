#include "services/ec2/way_out.h"

#include <algorithm>

#include "services/ec2/cidr.h"
#include "services/ec2/route.h"

namespace brume::ec2 {
namespace {

bool has_public_address(const NetworkInterface& interface, std::string_view address) {
  for (const NetworkInterfacePrivateIpAddress& own : interface.PrivateIpAddresses)
    if (own.PrivateIpAddress == address) return own.Association && own.Association->PublicIp;
  return false;
}

// `direct`: not through a further interface, so that two that route to each other end.
bool leads_out(const NetworkState& state, const NetworkInterface& interface, std::string_view address, bool direct) {
  const Subnet* subnet = state.subnets.find(interface.SubnetId.value_or(""));
  const RouteTable* table = subnet ? state.route_table_of(*subnet) : nullptr;
  if (!table) return false;
  for (const Route& record : table->Routes) {
    if (record.DestinationCidrBlock != "0.0.0.0/0") continue;
    const Route route = describe(state, *table, record);
    if (route.State != "active") return false;
    if (route.NatGatewayId) return true;
    if (route.NetworkInterfaceId) {
      const NetworkInterface* next = state.network_interfaces.find(*route.NetworkInterfaceId);
      return next && !direct && leads_out(state, *next, next->PrivateIpAddress.value_or(""), true);
    }
    return route.GatewayId && has_public_address(interface, address);
  }
  return false;
}

bool leads_out_by_ipv6(const NetworkState& state, const NetworkInterface& interface) {
  const Subnet* subnet = state.subnets.find(interface.SubnetId.value_or(""));
  const RouteTable* table = subnet && !interface.Ipv6Addresses.empty() ? state.route_table_of(*subnet) : nullptr;
  return table && std::ranges::any_of(table->Routes, [&](const Route& record) {
           const Route route = describe(state, *table, record);
           return route.DestinationIpv6CidrBlock == "::/0" && route.State == "active" &&
                  (route.GatewayId || route.EgressOnlyInternetGatewayId);
         });
}

}  // namespace

const NetworkInterface* interface_with_address(const NetworkState& state, std::string_view vpc_id,
                                               std::string_view address) {
  const auto number = parse_ipv4(address);
  if (!number) return nullptr;
  for (const Subnet* subnet : state.subnets_of(vpc_id)) {
    const AddressRecord* record = state.addresses.find(fmt::format("{}/{:010}", *subnet->SubnetId, *number));
    if (record) return state.network_interfaces.find(record->interface_id);
  }
  return nullptr;
}

bool has_way_out(const NetworkState& state, const NetworkInterface& interface, std::string_view address) {
  return leads_out(state, interface, address, false) || leads_out_by_ipv6(state, interface);
}

}  // namespace brume::ec2
