#include "services/ec2/network_interface.h"

#include <algorithm>

#include "aws/call.h"
#include "services/common/ids.h"
#include "services/ec2/cidr.h"
#include "services/ec2/ipv6_ranges.h"
#include "services/ec2/private_addresses.h"
#include "services/ec2/public_address.h"
#include "services/ec2/zones.h"

namespace brume::ec2 {
namespace {

// The record, without what a detached one does not have.
void clear_attachment(NetworkState& state, const NetworkInterface& interface) {
  const std::string id = *interface.NetworkInterfaceId;
  if (interface.Attachment->InstanceId) state.unlink(*interface.Attachment->InstanceId, id);
  state.network_interfaces.modify(id, [](NetworkInterface& record) {
    record.Attachment.reset();
    record.Status = "available";
  });
}

}  // namespace

std::vector<const NetworkInterface*> interfaces_of(const NetworkState& state, std::string_view instance_id) {
  std::vector<const NetworkInterface*> found;
  for (const std::string& id : state.children(instance_id))
    if (const NetworkInterface* interface = state.network_interfaces.find(id)) found.push_back(interface);
  std::ranges::sort(found, {}, [](const NetworkInterface* i) { return i->Attachment->DeviceIndex.value_or(0); });
  return found;
}

Result<const NetworkInterface*> only_interface_of(const NetworkState& state, const std::string& instance_id) {
  const auto interfaces = interfaces_of(state, instance_id);
  if (interfaces.empty()) return fail("InvalidInstanceID.NotFound", "The instance ID '{}' does not exist", instance_id);
  if (interfaces.size() > 1)
    return fail("InvalidInstanceID",
                "There are multiple interfaces attached to instance '{}'. Please specify an interface ID for the "
                "operation instead.",
                instance_id);
  return interfaces[0];
}

Result<void> attach(NetworkState& state, const std::string& interface_id, const std::string& instance_id,
                    int device_index, bool delete_on_termination) {
  BRUME_TRY(interface, find(state.network_interfaces, kNetworkInterface, interface_id));
  if (interface->Status != "available")
    return fail("InvalidNetworkInterface.InUse", "Interface: [{}] in use.", interface_id);
  for (const NetworkInterface* other : interfaces_of(state, instance_id))
    if (other->Attachment->DeviceIndex == device_index)
      return fail("InvalidParameterValue", "Instance '{}' already has an interface attached at device index '{}'.",
                  instance_id, device_index);
  state.network_interfaces.modify(interface_id, [&](NetworkInterface& record) {
    record.Status = "in-use";
    record.Attachment =
        NetworkInterfaceAttachment{.AttachTime = state.context.env.clock.wall(),
                                   .AttachmentId = services::new_id(state.context.env.random, "eni-attach"),
                                   .DeleteOnTermination = delete_on_termination,
                                   .DeviceIndex = device_index,
                                   .NetworkCardIndex = 0,
                                   .InstanceId = instance_id,
                                   .InstanceOwnerId = aws::kAccount,
                                   .Status = "attached"};
  });
  state.link(instance_id, interface_id);
  state.changed(*state.network_interfaces.find(interface_id)->VpcId);
  return {};
}

void detach(NetworkState& state, const std::string& interface_id) {
  if (const NetworkInterface* found = state.network_interfaces.find(interface_id); !found || !found->Attachment) return;
  release_automatic(state, interface_id);
  const NetworkInterface* interface = state.network_interfaces.find(interface_id);
  clear_attachment(state, *interface);
  state.changed(*state.network_interfaces.find(interface_id)->VpcId);
}

Result<void> set_delete_on_termination(NetworkState& state, const std::string& interface_id,
                                       bool delete_on_termination) {
  BRUME_TRY(interface, find(state.network_interfaces, kNetworkInterface, interface_id));
  if (!interface->Attachment) return fail("IncorrectState", "The network interface '{}' is not attached", interface_id);
  state.network_interfaces.modify(
      interface_id, [&](NetworkInterface& record) { record.Attachment->DeleteOnTermination = delete_on_termination; });
  return {};
}

void release_interfaces(NetworkState& state, const std::string& instance_id) {
  for (const std::string& id : state.children(instance_id)) {
    const NetworkInterface* interface = state.network_interfaces.find(id);
    if (!interface || !interface->Attachment) continue;
    const bool gone = interface->Attachment->DeleteOnTermination.value_or(false);
    detach(state, id);
    if (gone) erase_interface(state, id);
  }
}

NetworkInterface describe(const NetworkState& state, const NetworkInterface& record) {
  NetworkInterface shape = record;
  for (GroupIdentifier& identifier : shape.Groups)
    if (const SecurityGroup* group = state.security_groups.find(*identifier.GroupId))
      identifier.GroupName = group->GroupName;
  const VpcRecord* vpc = state.vpcs.find(record.VpcId.value_or(""));
  if (vpc && vpc->dns_hostnames && vpc->dns_support) {
    shape.PrivateDnsName = private_dns_name(state.context.region, *record.PrivateIpAddress);
    for (NetworkInterfacePrivateIpAddress& address : shape.PrivateIpAddresses)
      address.PrivateDnsName = private_dns_name(state.context.region, *address.PrivateIpAddress);
    const auto name = [&](std::optional<NetworkInterfaceAssociation>& association) {
      if (association) association->PublicDnsName = public_dns_name(state.context.region, *association->PublicIp);
    };
    name(shape.Association);
    for (NetworkInterfacePrivateIpAddress& address : shape.PrivateIpAddresses) name(address.Association);
  }
  shape.TagSet = state.tags.of(*record.NetworkInterfaceId);
  shape.TagSet.set_present();
  shape.Groups.set_present();
  shape.Ipv6Addresses.set_present();
  return shape;
}

void enter_interface(NetworkState& state, const NetworkInterface& interface) {
  const std::string& id = *interface.NetworkInterfaceId;
  for (const NetworkInterfacePrivateIpAddress& address : interface.PrivateIpAddresses)
    state.addresses.put(address_key(*interface.SubnetId, *parse_ipv4(*address.PrivateIpAddress)), {id});
  for (const NetworkInterfaceIpv6Address& address : interface.Ipv6Addresses)
    enter_ipv6_address(state, *address.Ipv6Address, id);
  for (const GroupIdentifier& group : interface.Groups) state.link(*group.GroupId, id);
  if (is_node(interface)) state.link(*interface.VpcId, id);
  state.network_interfaces.put(id, interface);
  state.changed(*interface.VpcId);
}

void erase_interface(NetworkState& state, const std::string& interface_id) {
  if (!state.network_interfaces.contains(interface_id)) return;
  dissociate_all(state, interface_id);
  const NetworkInterface interface = *state.network_interfaces.find(interface_id);
  if (interface.Attachment && interface.Attachment->InstanceId)
    state.unlink(*interface.Attachment->InstanceId, interface_id);
  for (const GroupIdentifier& group : interface.Groups) state.unlink(*group.GroupId, interface_id);
  for (const NetworkInterfacePrivateIpAddress& address : interface.PrivateIpAddresses)
    state.addresses.erase(address_key(*interface.SubnetId, *parse_ipv4(*address.PrivateIpAddress)));
  for (const NetworkInterfaceIpv6Address& address : interface.Ipv6Addresses)
    erase_ipv6_address(state, *address.Ipv6Address);
  if (is_node(interface)) {
    state.unlink(*interface.VpcId, interface_id);
    state.removed_nodes.put(interface_id, {*interface.VpcId, *interface.PrivateIpAddress});
  }
  state.tags.erase_all(interface_id);
  state.network_interfaces.erase(interface_id);
  state.changed(*interface.VpcId);
}

std::string new_mac(env::Random& random) {
  const std::string digits = random.hex(10);
  std::string mac = "02";
  for (std::size_t i = 0; i < digits.size(); i += 2) mac += ":" + digits.substr(i, 2);
  return mac;
}

}  // namespace brume::ec2
