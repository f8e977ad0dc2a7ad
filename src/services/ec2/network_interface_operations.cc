// Operations on network interfaces. Those that the load balancer makes ("ELB …") are its nodes: in use from the start,
// and only a service may delete them.
#include <utility>

#include "aws/call.h"
#include "services/ec2/filters.h"
#include "services/ec2/ipv6_ranges.h"
#include "services/ec2/network_interface.h"
#include "services/ec2/network_operations.h"
#include "services/ec2/private_addresses.h"
#include "services/ec2/refusals.h"

namespace brume::ec2 {
namespace {

Values none(const NetworkInterface&) {
  return {};
}

template <auto member>
Values attachment(const NetworkInterface& i) {
  return i.Attachment ? value((*i.Attachment).*member) : Values{};
}
template <auto member>
Values association(const NetworkInterface& i) {
  return i.Association ? value((*i.Association).*member) : Values{};
}
template <auto member>
Values addresses(const NetworkInterface& i) {
  return each(i.PrivateIpAddresses, [](const auto& a) { return a.*member; });
}

constexpr FilterField<NetworkInterface> kFilters[] = {
    {"network-interface-id", [](const NetworkInterface& i) { return value(i.NetworkInterfaceId); }},
    {"subnet-id", [](const NetworkInterface& i) { return value(i.SubnetId); }},
    {"vpc-id", [](const NetworkInterface& i) { return value(i.VpcId); }},
    {"availability-zone", [](const NetworkInterface& i) { return value(i.AvailabilityZone); }},
    {"availability-zone-id", [](const NetworkInterface& i) { return value(i.AvailabilityZoneId); }},
    {"description", [](const NetworkInterface& i) { return value(i.Description); }},
    {"group-id", [](const NetworkInterface& i) { return each(i.Groups, [](const auto& g) { return g.GroupId; }); }},
    {"group-name", [](const NetworkInterface& i) { return each(i.Groups, [](const auto& g) { return g.GroupName; }); }},
    {"interface-type", [](const NetworkInterface& i) { return value(i.InterfaceType); }},
    {"mac-address", [](const NetworkInterface& i) { return value(i.MacAddress); }},
    {"owner-id", [](const NetworkInterface& i) { return value(i.OwnerId); }},
    {"private-dns-name", [](const NetworkInterface& i) { return value(i.PrivateDnsName); }},
    {"private-ip-address", [](const NetworkInterface& i) { return value(i.PrivateIpAddress); }},
    {"requester-id", [](const NetworkInterface& i) { return value(i.RequesterId); }},
    {"requester-managed", [](const NetworkInterface& i) { return value(i.RequesterManaged); }},
    {"source-dest-check", [](const NetworkInterface& i) { return value(i.SourceDestCheck); }},
    {"status", [](const NetworkInterface& i) { return value(i.Status); }},
    {"ipv6-addresses.ipv6-address",
     [](const NetworkInterface& i) { return each(i.Ipv6Addresses, [](const auto& a) { return a.Ipv6Address; }); }},
    {"operator.managed", [](const NetworkInterface&) { return Values{"false"}; }},
    {"operator.principal", none},
    {"addresses.primary", addresses<&NetworkInterfacePrivateIpAddress::Primary>},
    {"addresses.private-ip-address", addresses<&NetworkInterfacePrivateIpAddress::PrivateIpAddress>},
    {"addresses.association.owner-id", association<&NetworkInterfaceAssociation::IpOwnerId>},
    {"addresses.association.public-ip", association<&NetworkInterfaceAssociation::PublicIp>},
    {"association.allocation-id", association<&NetworkInterfaceAssociation::AllocationId>},
    {"association.association-id", association<&NetworkInterfaceAssociation::AssociationId>},
    {"association.ip-owner-id", association<&NetworkInterfaceAssociation::IpOwnerId>},
    {"association.public-ip", association<&NetworkInterfaceAssociation::PublicIp>},
    {"association.public-dns-name", association<&NetworkInterfaceAssociation::PublicDnsName>},
    {"attachment.attachment-id", attachment<&NetworkInterfaceAttachment::AttachmentId>},
    {"attachment.attach-time",
     [](const NetworkInterface& i) {
       return i.Attachment && i.Attachment->AttachTime ? Values{to_iso8601(*i.Attachment->AttachTime, true)} : Values{};
     }},
    {"attachment.delete-on-termination", attachment<&NetworkInterfaceAttachment::DeleteOnTermination>},
    {"attachment.device-index", attachment<&NetworkInterfaceAttachment::DeviceIndex>},
    {"attachment.instance-id", attachment<&NetworkInterfaceAttachment::InstanceId>},
    {"attachment.instance-owner-id", attachment<&NetworkInterfaceAttachment::InstanceOwnerId>},
    {"attachment.status", attachment<&NetworkInterfaceAttachment::Status>},
};

constexpr std::size_t kMaxGroups = 5;

// The groups that an interface in `subnet` gets: those named, or its VPC's default group.
Result<List<GroupIdentifier>> groups_for(const NetworkState& state, const std::string& vpc_id, const std::string& place,
                                         const List<std::string>& ids) {
  List<GroupIdentifier> groups;
  for (const std::string& id : ids) {
    BRUME_TRY(group, find(state.security_groups, kSecurityGroup, id));
    if (group->VpcId != vpc_id)
      return fail("InvalidParameter", "Security group {} and {} belong to different networks.", id, place);
    if (std::ranges::find(groups, id, &GroupIdentifier::GroupId) == groups.end()) groups.push_back({.GroupId = id});
  }
  if (groups.size() > kMaxGroups)
    return fail("SecurityGroupsPerInterfaceLimitExceeded",
                "The maximum number of security groups per interface has been reached.");
  if (groups.empty()) groups.push_back({.GroupId = state.group_by_name(vpc_id, "default")->GroupId});
  return groups;
}

Result<void> refuse_unsupported(const CreateNetworkInterfaceRequest& request) {
  BRUME_CHECK(refuse("Ipv4Prefixes", !request.Ipv4Prefixes.empty() || request.Ipv4PrefixCount.value_or(0) > 0));
  BRUME_CHECK(refuse("Ipv6Prefixes", !request.Ipv6Prefixes.empty() || request.Ipv6PrefixCount.value_or(0) > 0));
  BRUME_CHECK(refuse("EnablePrimaryIpv6", request.EnablePrimaryIpv6.value_or(false)));
  BRUME_CHECK(refuse("ConnectionTrackingSpecification", request.ConnectionTrackingSpecification.has_value()));
  BRUME_CHECK(refuse("Operator", request.Operator.has_value()));
  return refuse("InterfaceType", request.InterfaceType.value_or("interface") != "interface");
}

// Of which the request names some or a number; if it says nothing, the subnet's setting decides.
Result<std::vector<std::string>> ipv6_addresses(NetworkState& state, const Subnet& subnet,
                                                const CreateNetworkInterfaceRequest& request, bool node) {
  std::vector<std::string> wanted;
  for (const InstanceIpv6Address& address : request.Ipv6Addresses) wanted.push_back(address.Ipv6Address.value_or(""));
  if (!wanted.empty() && request.Ipv6AddressCount)
    return fail("InvalidParameterCombination", "Ipv6Addresses and Ipv6AddressCount may not be used together.");
  if (node) BRUME_CHECK(refuse("Ipv6Addresses of a load balancer's node", !wanted.empty() || request.Ipv6AddressCount));
  const bool automatic = !node && wanted.empty() && subnet.AssignIpv6AddressOnCreation.value_or(false);
  return ipv6_addresses_for(state, subnet, wanted, request.Ipv6AddressCount.value_or(automatic ? 1 : 0));
}

}  // namespace

Result<CreateNetworkInterfaceResult> NetworkOperations::CreateNetworkInterface(
    const aws::Call& call, const CreateNetworkInterfaceRequest& request) {
  BRUME_CHECK(refuse_unsupported(request));
  BRUME_TRY(subnet, find(state_.subnets, kSubnet, request.SubnetId));
  BRUME_TRY(groups, groups_for(state_, *subnet->VpcId, "subnet " + *subnet->SubnetId, request.Groups));
  const bool node = request.Description.value_or("").starts_with("ELB ");
  const WantedAddresses wanted{request.PrivateIpAddress, request.PrivateIpAddresses,
                               request.SecondaryPrivateIpAddressCount};
  BRUME_CHECK(refuse("Secondary addresses of a load balancer's node", node && number_of(wanted) > 1));
  BRUME_TRY(addresses, addresses_for(state_, *subnet, wanted));
  BRUME_TRY(tags, tags_for(call, request.TagSpecifications, kNetworkInterface.type));
  const std::string id = services::new_id(context_.env.random, kNetworkInterface.prefix);
  NetworkInterface interface{.AvailabilityZone = subnet->AvailabilityZone,
                             .Description = request.Description.value_or(""),
                             .Groups = groups,
                             .InterfaceType = "interface",
                             .MacAddress = new_mac(context_.env.random),
                             .NetworkInterfaceId = id,
                             .OwnerId = aws::kAccount,
                             .PrivateIpAddress = addresses.front(),
                             .RequesterManaged = false,
                             .SourceDestCheck = true,
                             .Status = "available",
                             .SubnetId = subnet->SubnetId,
                             .VpcId = subnet->VpcId,
                             .AvailabilityZoneId = subnet->AvailabilityZoneId};
  for (const std::string& address : addresses)
    interface.PrivateIpAddresses.push_back({.Primary = &address == &addresses.front(), .PrivateIpAddress = address});
  BRUME_TRY(ipv6, ipv6_addresses(state_, *subnet, request, node));
  for (const std::string& each : ipv6) interface.Ipv6Addresses.push_back({.Ipv6Address = each, .IsPrimaryIpv6 = false});
  if (node) {
    interface.RequesterId = kLoadBalancerRequester;
    interface.RequesterManaged = true;
    interface.Status = "in-use";
    interface.Attachment =
        NetworkInterfaceAttachment{.AttachTime = context_.env.clock.wall(),
                                   .AttachmentId = services::new_id(context_.env.random, "eni-attach"),
                                   .DeleteOnTermination = false,
                                   .DeviceIndex = 1,
                                   .InstanceOwnerId = kLoadBalancerRequester,
                                   .Status = "attached"};
  }
  enter_interface(state_, interface);
  BRUME_CHECK(state_.tags.set(id, kNetworkInterface.type, tags));
  return CreateNetworkInterfaceResult{.NetworkInterface = describe(state_, interface),
                                      .ClientToken = request.ClientToken};
}

Result<DescribeNetworkInterfacesResult> NetworkOperations::DescribeNetworkInterfaces(
    const aws::Call&, const DescribeNetworkInterfacesRequest& request) {
  BRUME_TRY(interfaces, shapes_of(state_.network_interfaces, kNetworkInterface, request.NetworkInterfaceIds,
                                  [&](const NetworkInterface& record) { return describe(state_, record); }));
  BRUME_TRY(page, filtered_page<NetworkInterface>(std::move(interfaces), request, kFilters,
                                                  [](const NetworkInterface& i) { return *i.NetworkInterfaceId; }));
  return DescribeNetworkInterfacesResult{.NetworkInterfaces = page.items, .NextToken = page.next_token};
}

Result<DescribeNetworkInterfaceAttributeResult> NetworkOperations::DescribeNetworkInterfaceAttribute(
    const aws::Call&, const DescribeNetworkInterfaceAttributeRequest& request) {
  BRUME_TRY(record, find(state_.network_interfaces, kNetworkInterface, request.NetworkInterfaceId));
  const NetworkInterface interface = describe(state_, *record);
  DescribeNetworkInterfaceAttributeResult result{.NetworkInterfaceId = request.NetworkInterfaceId};
  const std::string attribute = request.Attribute.value_or("");
  if (attribute == "description")
    result.Description = AttributeValue{interface.Description};
  else if (attribute == "groupSet")
    result.Groups = interface.Groups;
  else if (attribute == "sourceDestCheck")
    result.SourceDestCheck = AttributeBooleanValue{interface.SourceDestCheck};
  else if (attribute == "attachment")
    result.Attachment = interface.Attachment;
  else
    return fail("InvalidParameterValue", "Value ({}) for parameter attribute is invalid.", attribute);
  return result;
}

Result<void> NetworkOperations::ModifyNetworkInterfaceAttribute(const aws::Call&,
                                                                const ModifyNetworkInterfaceAttributeRequest& request) {
  BRUME_CHECK(refuse("EnaSrdSpecification", request.EnaSrdSpecification.has_value()));
  BRUME_CHECK(refuse("EnablePrimaryIpv6", request.EnablePrimaryIpv6.value_or(false)));
  BRUME_CHECK(refuse("ConnectionTrackingSpecification", request.ConnectionTrackingSpecification.has_value()));
  BRUME_CHECK(refuse("AssociatePublicIpAddress", request.AssociatePublicIpAddress.value_or(false)));
  BRUME_CHECK(refuse("AssociatedSubnetIds", !request.AssociatedSubnetIds.empty()));
  BRUME_TRY(interface, find(state_.network_interfaces, kNetworkInterface, request.NetworkInterfaceId));
  const std::string id = *interface->NetworkInterfaceId, vpc_id = *interface->VpcId;
  const int given = int(request.Description.has_value()) + int(request.SourceDestCheck.has_value()) +
                    int(!request.Groups.empty()) + int(request.Attachment.has_value());
  if (given != 1)
    return fail("InvalidParameterCombination",
                "Exactly one attribute of a network interface can be modified in a call.");
  if (request.Attachment) {
    if (!interface->Attachment || interface->Attachment->AttachmentId != request.Attachment->AttachmentId)
      return fail("InvalidAttachmentID.NotFound", "The attachment '{}' does not exist",
                  request.Attachment->AttachmentId.value_or(""));
    if (request.Attachment->DeleteOnTermination)
      BRUME_CHECK(set_delete_on_termination(state_, id, *request.Attachment->DeleteOnTermination));
    return {};
  }
  if (!request.Groups.empty()) {
    BRUME_TRY(groups, groups_for(state_, vpc_id, "interface " + id, request.Groups));
    for (const GroupIdentifier& group : List<GroupIdentifier>(interface->Groups)) state_.unlink(*group.GroupId, id);
    for (const GroupIdentifier& group : groups) state_.link(*group.GroupId, id);
    state_.network_interfaces.modify(id, [&](NetworkInterface& record) { record.Groups = groups; });
  }
  state_.network_interfaces.modify(id, [&](NetworkInterface& record) {
    if (request.Description) record.Description = request.Description->Value.value_or("");
    if (request.SourceDestCheck) record.SourceDestCheck = request.SourceDestCheck->Value.value_or(true);
  });
  state_.changed(vpc_id);
  return {};
}

Result<void> NetworkOperations::ResetNetworkInterfaceAttribute(const aws::Call& call,
                                                               const ResetNetworkInterfaceAttributeRequest& request) {
  ModifyNetworkInterfaceAttributeRequest change;
  change.NetworkInterfaceId = request.NetworkInterfaceId;
  change.SourceDestCheck = AttributeBooleanValue{true};
  return ModifyNetworkInterfaceAttribute(call, change);
}

Result<void> NetworkOperations::DeleteNetworkInterface(const aws::Call& call,
                                                       const DeleteNetworkInterfaceRequest& request) {
  BRUME_TRY(interface, find(state_.network_interfaces, kNetworkInterface, request.NetworkInterfaceId));
  const std::string id = *interface->NetworkInterfaceId;
  const bool by_service = call.user_id.ends_with(".amazonaws.com");
  if (interface->Status != "available" && !(is_node(*interface) && by_service))
    return fail("InvalidParameterValue", "Network interface '{}' is currently in use.", id);
  erase_interface(state_, id);
  return {};
}

}  // namespace brume::ec2
