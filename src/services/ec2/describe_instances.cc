// DescribeInstances and DescribeInstanceStatus: what the records look like from outside.
#include <algorithm>
#include <array>
#include <set>

#include "aws/call.h"
#include "base/base64.h"
#include "services/common/page.h"
#include "services/ec2/filters.h"
#include "services/ec2/instance_kinds.h"
#include "services/ec2/instance_operations.h"
#include "services/ec2/ipv6_ranges.h"
#include "services/ec2/network_interface.h"
#include "services/ec2/way_out.h"

namespace brume::ec2 {
namespace {

// What filters look at: the record with the parts that live elsewhere, none of it copied.
struct Candidate {
  const InstanceRecord* record = nullptr;
  const NetworkState* network = nullptr;
  List<Tag> Tags;

  [[nodiscard]] std::vector<const NetworkInterface*> interfaces() const {
    std::vector<const NetworkInterface*> found;
    for (const std::string& id : record->interfaces)
      if (const NetworkInterface* interface = network->network_interfaces.find(id)) found.push_back(interface);
    return found;
  }
};

template <typename Member>
Values of_interfaces(const Candidate& candidate, Member member) {
  Values all;
  for (const NetworkInterface* interface : candidate.interfaces())
    for (std::string& text : value(member(*interface))) all.push_back(std::move(text));
  return all;
}

Values group_ids(const Candidate& c) {
  Values ids;
  for (const NetworkInterface* interface : c.interfaces())
    for (const GroupIdentifier& group : interface->Groups) ids.push_back(group.GroupId.value_or(""));
  return ids;
}

Values private_addresses(const Candidate& c) {
  std::vector<std::string> addresses;
  for (const NetworkInterface* interface : c.interfaces())
    for (const NetworkInterfacePrivateIpAddress& address : interface->PrivateIpAddresses)
      addresses.push_back(address.PrivateIpAddress.value_or(""));
  return addresses;
}

Values ipv6_addresses(const Candidate& c) {
  Values addresses;
  for (const NetworkInterface* interface : c.interfaces())
    for (const NetworkInterfaceIpv6Address& address : interface->Ipv6Addresses)
      addresses.push_back(address.Ipv6Address.value_or(""));
  return addresses;
}

Values group_names(const Candidate& c) {
  Values names;
  for (const std::string& id : group_ids(c))
    if (const SecurityGroup* group = c.network->security_groups.find(id))
      names.push_back(group->GroupName.value_or(""));
  return names;
}

#define INSTANCE_FIELD(filter, member) {filter, [](const Candidate& c) { return value(c.record->instance.member); }}
#define INNER_FIELD(filter, outer, member) \
  {filter,                                 \
   [](const Candidate& c) { return c.record->instance.outer ? value(c.record->instance.outer->member) : Values(); }}
#define INTERFACE_FIELD(filter, member) \
  {filter, [](const Candidate& c) { return of_interfaces(c, [](const NetworkInterface& i) { return i.member; }); }}

constexpr FilterField<Candidate> kFields[] = {
    INSTANCE_FIELD("instance-id", InstanceId),
    INNER_FIELD("instance-state-name", State, Name),
    INNER_FIELD("instance-state-code", State, Code),
    INSTANCE_FIELD("image-id", ImageId),
    INSTANCE_FIELD("instance-type", InstanceType),
    INSTANCE_FIELD("key-name", KeyName),
    INSTANCE_FIELD("vpc-id", VpcId),
    INSTANCE_FIELD("subnet-id", SubnetId),
    INSTANCE_FIELD("private-ip-address", PrivateIpAddress),
    {"ipv6-address",
     [](const Candidate& c) {
       Values addresses = ipv6_addresses(c);  // the instance's own is its first
       addresses.resize(std::min<std::size_t>(addresses.size(), 1));
       return addresses;
     }},
    {"network-interface.ipv6-addresses.ipv6-address", ipv6_addresses},
    INTERFACE_FIELD("ip-address", Association ? i.Association->PublicIp : std::nullopt),
    INSTANCE_FIELD("private-dns-name", PrivateDnsName),
    INSTANCE_FIELD("dns-name", PublicDnsName),
    INSTANCE_FIELD("architecture", Architecture),
    INSTANCE_FIELD("hypervisor", Hypervisor),
    INSTANCE_FIELD("virtualization-type", VirtualizationType),
    INSTANCE_FIELD("root-device-name", RootDeviceName),
    INSTANCE_FIELD("root-device-type", RootDeviceType),
    INSTANCE_FIELD("platform", Platform),
    INSTANCE_FIELD("platform-details", PlatformDetails),
    INSTANCE_FIELD("client-token", ClientToken),
    INSTANCE_FIELD("instance-lifecycle", InstanceLifecycle),
    INSTANCE_FIELD("boot-mode", BootMode),
    INSTANCE_FIELD("current-instance-boot-mode", CurrentInstanceBootMode),
    INSTANCE_FIELD("source-dest-check", SourceDestCheck),
    INSTANCE_FIELD("reason", StateTransitionReason),
    INNER_FIELD("state-reason-code", StateReason, Code),
    INNER_FIELD("state-reason-message", StateReason, Message),
    INNER_FIELD("availability-zone", Placement, AvailabilityZone),
    INNER_FIELD("availability-zone-id", Placement, AvailabilityZoneId),
    INNER_FIELD("tenancy", Placement, Tenancy),
    INNER_FIELD("placement-group-name", Placement, GroupName),
    INNER_FIELD("monitoring-state", Monitoring, State),
    INNER_FIELD("iam-instance-profile.arn", IamInstanceProfile, Arn),
    INNER_FIELD("iam-instance-profile.id", IamInstanceProfile, Id),
    INNER_FIELD("metadata-options.http-tokens", MetadataOptions, HttpTokens),
    INNER_FIELD("metadata-options.http-endpoint", MetadataOptions, HttpEndpoint),
    INNER_FIELD("metadata-options.http-put-response-hop-limit", MetadataOptions, HttpPutResponseHopLimit),
    INNER_FIELD("metadata-options.instance-metadata-tags", MetadataOptions, InstanceMetadataTags),
    {"iam-instance-profile.name",
     [](const Candidate& c) { return c.record->profile_name.empty() ? Values() : Values{c.record->profile_name}; }},
    {"launch-index", [](const Candidate& c) { return value(c.record->instance.AmiLaunchIndex); }},
    {"launch-time", [](const Candidate& c) { return Values{to_iso8601(*c.record->instance.LaunchTime, true)}; }},
    {"reservation-id", [](const Candidate& c) { return Values{c.record->reservation_id}; }},
    {"requester-id",
     [](const Candidate& c) { return c.record->requester_id.empty() ? Values() : Values{c.record->requester_id}; }},
    {"owner-id", [](const Candidate&) { return Values{aws::kAccount}; }},
    {"instance.group-id", group_ids},
    {"instance.group-name", group_names},
    {"network-interface.group-id", group_ids},
    {"network-interface.group-name", group_names},
    {"block-device-mapping.volume-id", [](const Candidate& c) { return Values{c.record->volume_id}; }},
    {"block-device-mapping.device-name", [](const Candidate& c) { return value(c.record->instance.RootDeviceName); }},
    {"block-device-mapping.status", [](const Candidate&) { return Values{"attached"}; }},
    {"block-device-mapping.delete-on-termination",
     [](const Candidate& c) { return value(c.record->root_volume.DeleteOnTermination); }},
    INTERFACE_FIELD("network-interface.network-interface-id", NetworkInterfaceId),
    INTERFACE_FIELD("network-interface.subnet-id", SubnetId),
    INTERFACE_FIELD("network-interface.vpc-id", VpcId),
    INTERFACE_FIELD("network-interface.availability-zone", AvailabilityZone),
    INTERFACE_FIELD("network-interface.description", Description),
    INTERFACE_FIELD("network-interface.mac-address", MacAddress),
    INTERFACE_FIELD("network-interface.status", Status),
    INTERFACE_FIELD("network-interface.owner-id", OwnerId),
    INTERFACE_FIELD("network-interface.private-dns-name", PrivateDnsName),
    INTERFACE_FIELD("network-interface.source-dest-check", SourceDestCheck),
    {"network-interface.addresses.private-ip-address", private_addresses},
    INTERFACE_FIELD("network-interface.attachment.attachment-id",
                    Attachment ? i.Attachment->AttachmentId : std::nullopt),
    INTERFACE_FIELD("network-interface.attachment.instance-id", Attachment ? i.Attachment->InstanceId : std::nullopt),
    INTERFACE_FIELD("network-interface.attachment.device-index", Attachment ? i.Attachment->DeviceIndex : std::nullopt),
    INTERFACE_FIELD("network-interface.attachment.status", Attachment ? i.Attachment->Status : std::nullopt),
};

constexpr FilterField<Candidate> kStatusFields[] = {
    INNER_FIELD("availability-zone", Placement, AvailabilityZone),
    INNER_FIELD("instance-state-name", State, Name),
    INNER_FIELD("instance-state-code", State, Code),
    {"instance-status.status",
     [](const Candidate& c) {
       return Values{c.record->state() == InstanceStateCode::running ? "ok" : "not-applicable"};
     }},
    {"system-status.status",
     [](const Candidate& c) {
       return Values{c.record->state() == InstanceStateCode::running ? "ok" : "not-applicable"};
     }},
    {"instance-status.reachability",
     [](const Candidate& c) { return c.record->state() == InstanceStateCode::running ? Values{"passed"} : Values(); }},
    {"system-status.reachability",
     [](const Candidate& c) { return c.record->state() == InstanceStateCode::running ? Values{"passed"} : Values(); }},
};

#undef INSTANCE_FIELD
#undef INNER_FIELD
#undef INTERFACE_FIELD

Result<std::vector<const InstanceRecord*>> select(std::vector<const InstanceRecord*> records,
                                                  const NetworkState& network, const List<Filter>& filters,
                                                  std::span<const FilterField<Candidate>> fields) {
  if (filters.empty()) return records;
  BRUME_CHECK(check_filters(filters));
  BRUME_CHECK(check_names<Candidate>(filters, fields));
  std::erase_if(records, [&](const InstanceRecord* record) {
    return !passes(Candidate{record, &network, network.tags.of(*record->instance.InstanceId)}, filters, fields);
  });
  return records;
}

// The ids that the filters ask for outright: all others are left out whatever else is asked, so that what a group or a
// target group asks about its own does not cost a look at every instance there is.
std::optional<std::set<std::string>> ids_asked_for(const List<Filter>& filters) {
  const auto outright = [](const std::string& text) { return text.find_first_of("*?\\") == std::string::npos; };
  for (const Filter& filter : filters)
    if (filter.Name == "instance-id" && std::ranges::all_of(filter.Values, outright))
      return std::set<std::string>(filter.Values.begin(), filter.Values.end());
  return std::nullopt;
}

std::string id_of(const InstanceRecord* record) {
  return *record->instance.InstanceId;
}

InstanceNetworkInterface interface_of_instance(const NetworkInterface& shown) {
  InstanceNetworkInterface result;
  result.NetworkInterfaceId = shown.NetworkInterfaceId;
  result.Description = shown.Description;
  result.MacAddress = shown.MacAddress;
  result.OwnerId = shown.OwnerId;
  result.PrivateDnsName = shown.PrivateDnsName;
  result.PrivateIpAddress = shown.PrivateIpAddress;
  result.SourceDestCheck = shown.SourceDestCheck;
  result.Status = shown.Status;
  result.SubnetId = shown.SubnetId;
  result.VpcId = shown.VpcId;
  result.InterfaceType = shown.InterfaceType.value_or("interface");
  result.Groups = shown.Groups;
  result.Groups.set_present();
  for (const NetworkInterfaceIpv6Address& address : shown.Ipv6Addresses)
    result.Ipv6Addresses.push_back({.Ipv6Address = address.Ipv6Address, .IsPrimaryIpv6 = address.IsPrimaryIpv6});
  result.Ipv6Addresses.set_present();
  const auto association = [](const std::optional<NetworkInterfaceAssociation>& from) {
    std::optional<InstanceNetworkInterfaceAssociation> to;
    if (!from) return to;
    to.emplace();
    to->IpOwnerId = from->IpOwnerId;
    to->PublicDnsName = from->PublicDnsName;
    to->PublicIp = from->PublicIp;
    return to;
  };
  result.Association = association(shown.Association);
  for (const NetworkInterfacePrivateIpAddress& address : shown.PrivateIpAddresses) {
    auto& own = result.PrivateIpAddresses.emplace_back();
    own.Primary = address.Primary;
    own.PrivateDnsName = address.PrivateDnsName;
    own.PrivateIpAddress = address.PrivateIpAddress;
    own.Association = association(address.Association);
  }
  if (shown.Attachment) {
    auto& attachment = result.Attachment.emplace();
    attachment.AttachTime = shown.Attachment->AttachTime;
    attachment.AttachmentId = shown.Attachment->AttachmentId;
    attachment.DeleteOnTermination = shown.Attachment->DeleteOnTermination;
    attachment.DeviceIndex = shown.Attachment->DeviceIndex;
    attachment.Status = shown.Attachment->Status;
    attachment.NetworkCardIndex = shown.Attachment->NetworkCardIndex.value_or(0);
  }
  return result;
}

}  // namespace

Instance InstanceOperations::answer(const InstanceRecord& record) const {
  Instance shown = record.instance;
  shown.Tags = network_.tags.of(*shown.InstanceId);
  for (const std::string& id : record.interfaces)
    if (const NetworkInterface* interface = network_.network_interfaces.find(id))
      shown.NetworkInterfaces.push_back(interface_of_instance(describe(network_, *interface)));
  if (!shown.NetworkInterfaces.empty()) {
    const InstanceNetworkInterface& primary = shown.NetworkInterfaces[0];
    shown.SecurityGroups = primary.Groups;
    shown.SourceDestCheck = primary.SourceDestCheck;
    if (!primary.Ipv6Addresses.empty()) shown.Ipv6Address = primary.Ipv6Addresses[0].Ipv6Address;
    if (primary.Association) {
      shown.PublicIpAddress = primary.Association->PublicIp;
      shown.PublicDnsName = primary.Association->PublicDnsName.value_or("");
    }
  }
  shown.NetworkInterfaces.set_present();
  shown.SecurityGroups.set_present();
  shown.ProductCodes.set_present();
  shown.BlockDeviceMappings.set_present();
  return shown;
}

Reservation InstanceOperations::reservation(const InstanceRecord& record) const {
  Reservation result;
  result.ReservationId = record.reservation_id;
  result.OwnerId = aws::kAccount;
  if (!record.requester_id.empty()) result.RequesterId = record.requester_id;
  result.Groups.set_present();
  result.Instances.push_back(answer(record));
  return result;
}

Result<std::vector<const InstanceRecord*>> InstanceOperations::find_instances(const List<std::string>& ids) const {
  std::vector<const InstanceRecord*> found;
  if (ids.empty()) {
    found.reserve(instances_.size());
    for (const auto& [id, record] : instances_.rows()) found.push_back(&record);
    return found;
  }
  std::vector<const std::string*> sorted;
  sorted.reserve(ids.size());
  for (const std::string& id : ids) sorted.push_back(&id);
  const auto text = [](const std::string* id) -> const std::string& { return *id; };
  std::ranges::sort(sorted, {}, text);
  const auto repeated = std::ranges::unique(sorted, {}, text);
  sorted.erase(repeated.begin(), repeated.end());
  found.reserve(sorted.size());
  std::string missing;
  int missing_count = 0;
  for (const std::string* id : sorted) {
    if (const InstanceRecord* record = instances_.find(*id)) {
      found.push_back(record);
    } else {
      if (!services::well_formed_id(*id, kInstance.prefix)) return no_such(kInstance, *id);
      missing += (missing_count++ ? ", " : "") + *id;
    }
  }
  if (missing_count == 1) return fail(kInstance.not_found, "The instance ID '{}' does not exist", missing);
  if (missing_count > 1) return fail(kInstance.not_found, "The instance IDs '{}' do not exist", missing);
  return found;
}

Result<const InstanceRecord*> InstanceOperations::find_instance(const std::optional<std::string>& id) const {
  BRUME_TRY(found, find_instances({id.value_or("")}));
  return found[0];
}

Result<DescribeInstancesResult> InstanceOperations::DescribeInstances(const aws::Call&,
                                                                      const DescribeInstancesRequest& request) {
  if (!request.InstanceIds.empty() && request.MaxResults)
    return fail("InvalidParameterCombination",
                "The parameter instancesSet cannot be used with the parameter maxResults");
  std::vector<const InstanceRecord*> found;
  if (const auto asked = ids_asked_for(request.Filters); asked && request.InstanceIds.empty()) {
    for (const std::string& id : *asked)
      if (const InstanceRecord* record = instances_.find(id)) found.push_back(record);
  } else {
    BRUME_TRY(named, find_instances(request.InstanceIds));
    found = std::move(named);
  }
  BRUME_TRY(selected, select(std::move(found), network_, request.Filters, kFields));
  BRUME_TRY(page, services::paginate(std::move(selected), std::size_t(std::max(0, request.MaxResults.value_or(0))),
                                     request.NextToken, id_of));
  DescribeInstancesResult result;
  result.NextToken = page.next_token;
  // Instances of one launch share a reservation.
  std::map<std::string_view, std::size_t> by_reservation;
  for (const InstanceRecord* record : page.items) {
    const auto [place, added] = by_reservation.try_emplace(record->reservation_id, result.Reservations.size());
    if (added)
      result.Reservations.push_back(reservation(*record));
    else
      result.Reservations[place->second].Instances.push_back(answer(*record));
  }
  return unless_dry_run(request, std::move(result));
}

Result<DescribeInstanceStatusResult> InstanceOperations::DescribeInstanceStatus(
    const aws::Call&, const DescribeInstanceStatusRequest& request) {
  BRUME_TRY(found, find_instances(request.InstanceIds));
  if (!request.IncludeAllInstances.value_or(false))
    std::erase_if(found, [](const InstanceRecord* record) { return record->state() != InstanceStateCode::running; });
  BRUME_TRY(selected, select(std::move(found), network_, request.Filters, kStatusFields));
  BRUME_TRY(page, services::paginate(std::move(selected), std::size_t(std::max(0, request.MaxResults.value_or(0))),
                                     request.NextToken, id_of));
  DescribeInstanceStatusResult result;
  result.NextToken = page.next_token;
  result.InstanceStatuses.reserve(page.items.size());
  for (const InstanceRecord* record : page.items) {
    InstanceStatus& status = result.InstanceStatuses.emplace_back();
    status.InstanceId = record->instance.InstanceId;
    status.AvailabilityZone = record->instance.Placement->AvailabilityZone;
    status.AvailabilityZoneId = record->instance.Placement->AvailabilityZoneId;
    status.InstanceState = record->instance.State;
    const bool running = record->state() == InstanceStateCode::running;
    // PID 1 runs and the interface is up: that is all the two checks look at.
    InstanceStatusSummary summary;
    summary.Status = running ? "ok" : "not-applicable";
    if (running) summary.Details = {{.Name = "reachability", .Status = "passed"}};
    status.InstanceStatus = summary;
    status.SystemStatus = summary;
  }
  return unless_dry_run(request, std::move(result));
}

std::optional<InstanceView> InstanceOperations::find_by_address(std::string_view vpc_id,
                                                                std::string_view address) const {
  const NetworkInterface* asks = interface_with_address(network_, vpc_id, address);
  if (!asks || !asks->Attachment || !asks->Attachment->InstanceId) return std::nullopt;
  const InstanceRecord* record = instances_.find(*asks->Attachment->InstanceId);
  if (!record) return std::nullopt;
  InstanceView view;
  view.instance = answer(*record);
  view.reservation_id = record->reservation_id;
  if (auto bytes = base64_decode(record->user_data)) view.user_data = *std::move(bytes);
  view.key_material = record->key_pair_material;
  view.profile_name = record->profile_name;
  if (const SpotRequestRecord* request = spot_.find(record->instance.SpotInstanceRequestId.value_or(""))) {
    view.noticed_at = request->noticed_at;
    view.interrupt_at = request->interrupt_at;
  }
  if (const VpcRecord* vpc = network_.vpcs.find(vpc_id)) {
    view.vpc_cidr = vpc->vpc.CidrBlock.value_or("");
    for (const VpcIpv6CidrBlockAssociation& association : vpc->vpc.Ipv6CidrBlockAssociationSet)
      view.vpc_ipv6_cidrs.push_back(*association.Ipv6CidrBlock);
  }
  for (const InstanceNetworkInterface& interface : view.instance.NetworkInterfaces)
    if (const Subnet* subnet = network_.subnets.find(*interface.SubnetId)) {
      SubnetBlocks& blocks = view.subnets[*interface.SubnetId];
      blocks.cidr = subnet->CidrBlock.value_or("");
      if (const std::string* block = ipv6_block_of(*subnet)) blocks.ipv6_cidrs = {*block};
    }
  return view;
}

}  // namespace brume::ec2
