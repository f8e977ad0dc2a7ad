#include "services/ec2/launch_interfaces.h"

#include <algorithm>
#include <limits>
#include <map>
#include <optional>
#include <string>

#include "services/ec2/filters.h"
#include "services/ec2/zones.h"

namespace brume::ec2 {
namespace {

Result<std::optional<std::string>> zone_of(const NetworkState& network, const RunInstancesRequest& request) {
  if (!request.Placement) return std::optional<std::string>();
  std::optional<std::string> zone = request.Placement->AvailabilityZone;
  const std::string& region = network.context.region;
  if (const auto& id = request.Placement->AvailabilityZoneId) {
    const auto named = zone_by_id(region, *id);
    if (!named) return fail("InvalidParameterValue", "Invalid availability zone id: [{}]", *id);
    zone = named->name;
  }
  if (zone && !zone_by_name(region, *zone))
    return fail("InvalidParameterValue", "Invalid availability zone: [{}]", *zone);
  return zone;
}

Result<const Subnet*> default_subnet(const NetworkState& network, const std::optional<std::string>& zone) {
  const VpcRecord* vpc = network.default_vpc();
  if (!vpc) return fail("VPCIdNotSpecified", "No default VPC for this user. Specify a subnet.");
  const Subnet* chosen = nullptr;
  for (const Subnet* subnet : network.subnets_of(*vpc->vpc.VpcId)) {
    if (!subnet->DefaultForAz.value_or(false) || (zone && subnet->AvailabilityZone != *zone)) continue;
    if (!chosen || subnet->AvailabilityZone < chosen->AvailabilityZone) chosen = subnet;
  }
  if (!chosen)
    return fail("MissingInput", "No subnets found for the default VPC '{}'. Please specify a subnet.", *vpc->vpc.VpcId);
  return chosen;
}

Result<const Subnet*> subnet_of(const NetworkState& network, const std::optional<std::string>& id,
                                const std::optional<std::string>& zone) {
  if (!id) return default_subnet(network, zone);
  BRUME_TRY(subnet, find(network.subnets, kSubnet, id));
  if (zone && subnet->AvailabilityZone != *zone)
    return fail("InvalidParameterValue", "The availability zone '{}' does not match that of subnet '{}'", *zone, *id);
  return subnet;
}

// The only interface of a request that names none.
Result<LaunchInterface> of_instance_level(const NetworkState& network, const RunInstancesRequest& request,
                                          const std::optional<std::string>& zone) {
  LaunchInterface made;
  made.spec.DeviceIndex = 0;
  made.spec.PrivateIpAddress = request.PrivateIpAddress;
  made.spec.Ipv6Addresses = request.Ipv6Addresses;
  made.spec.Ipv6AddressCount = request.Ipv6AddressCount;
  made.spec.Groups = request.SecurityGroupIds;
  BRUME_TRY(subnet, subnet_of(network, request.SubnetId, zone));
  made.subnet = subnet;
  if (request.SubnetId && !request.SecurityGroups.empty())
    return fail("InvalidParameterCombination", "The parameter groupName cannot be used with the parameter subnet");
  for (const std::string& name : request.SecurityGroups) {
    const SecurityGroup* group = network.group_by_name(*subnet->VpcId, name);
    if (!group)
      return fail("InvalidGroup.NotFound", "The security group '{}' does not exist in VPC '{}'", name, *subnet->VpcId);
    made.spec.Groups.push_back(*group->GroupId);
  }
  return made;
}

Result<void> nothing_at_instance_level(const RunInstancesRequest& request) {
  const std::pair<bool, const char*> refused[] = {
      {request.SubnetId.has_value(), "an instance-level subnet ID"},
      {!request.SecurityGroupIds.empty() || !request.SecurityGroups.empty(), "an instance-level security groups"},
      {request.PrivateIpAddress.has_value(), "an instance-level private address"},
      {!request.Ipv6Addresses.empty() || request.Ipv6AddressCount, "instance-level IPv6 addresses"},
  };
  for (const auto& [given, what] : refused)
    if (given)
      return fail("InvalidParameterCombination", "Network interfaces and {} may not be specified on the same request",
                  what);
  return {};
}

// What only one that is made for the instance can have.
Result<void> check_existing(const InstanceNetworkInterfaceSpecification& spec, const RunInstancesRequest& request) {
  if (spec.AssociatePublicIpAddress)
    return fail("InvalidParameterCombination",
                "The associatePublicIPAddress parameter cannot be specified when launching with an existing network "
                "interface");
  const std::pair<bool, const char*> refused[] = {
      {spec.SubnetId.has_value(), "a subnet ID"},
      {!spec.Groups.empty(), "security groups"},
      {spec.PrivateIpAddress || !spec.PrivateIpAddresses.empty() || spec.SecondaryPrivateIpAddressCount,
       "private IP addresses"},
      {!spec.Ipv6Addresses.empty() || spec.Ipv6AddressCount, "IPv6 addresses"},
      {spec.DeleteOnTermination.value_or(false), "delete on termination as true"},
  };
  for (const auto& [given, what] : refused)
    if (given)
      return fail("InvalidParameterCombination",
                  "A network interface may not specify both a network interface ID and {}", what);
  if (request.MaxCount.value_or(1) != 1)
    return fail("InvalidParameterCombination", "Network interface '{}' can only be used with one instance",
                *spec.NetworkInterfaceId);
  return {};
}

Result<LaunchInterface> of_specification(const NetworkState& network, const RunInstancesRequest& request,
                                         const InstanceNetworkInterfaceSpecification& spec,
                                         const std::optional<std::string>& zone) {
  LaunchInterface made{.spec = spec};
  std::optional<std::string> subnet_id = spec.SubnetId;
  if (spec.NetworkInterfaceId) {
    BRUME_CHECK(check_existing(spec, request));
    BRUME_TRY(existing, find(network.network_interfaces, kNetworkInterface, spec.NetworkInterfaceId));
    if (existing->Status != "available")
      return fail("InvalidNetworkInterface.InUse", "Interface: [{}] in use.", *spec.NetworkInterfaceId);
    subnet_id = existing->SubnetId;
    made.own = false;
  }
  BRUME_TRY(subnet, subnet_of(network, subnet_id, zone));
  made.subnet = subnet;
  return made;
}

// Device indexes, as the request has them.
Result<void> check_indexes(const List<InstanceNetworkInterfaceSpecification>& specs) {
  constexpr int kMaxIndex = 31;
  std::map<int, int> times;
  for (const auto& spec : specs) {
    if (!spec.DeviceIndex && specs.size() > 1)
      return fail("InvalidParameterValue", "Each network interface requires a device index.");
    const int index = spec.DeviceIndex.value_or(0);
    if (index < 0 || index > kMaxIndex)
      return fail("InvalidParameterValue", "Value ({}) for parameter deviceIndex is invalid. It must be from 0 to {}.",
                  index, kMaxIndex);
    if (++times[index] > 1)
      return fail("InvalidParameterValue", "The device index {} is that of more than one network interface", index);
  }
  if (!times.contains(0))
    return fail("InvalidParameterValue", "When specifying network interfaces, you must include a device at index 0.");
  return {};
}

// What the interfaces have to have in common.
Result<void> check_together(const std::vector<LaunchInterface>& interfaces) {
  const LaunchInterface& primary = interfaces.front();
  for (const LaunchInterface& interface : interfaces) {
    const auto same = std::ranges::count_if(interfaces, [&](const LaunchInterface& other) {
      return !interface.own && other.spec.NetworkInterfaceId == interface.spec.NetworkInterfaceId;
    });
    if (same > 1)
      return fail("InvalidParameterCombination", "The network interface '{}' is named more than once",
                  *interface.spec.NetworkInterfaceId);
    if (interface.subnet->VpcId != primary.subnet->VpcId)
      return fail("InvalidParameterCombination",
                  "You may not attach a network interface to an instance if they are not in the same VPC");
    if (interface.subnet->AvailabilityZone != primary.subnet->AvailabilityZone)
      return fail("InvalidParameterCombination",
                  "You may not attach a network interface to an instance if they are not in the same availability "
                  "zone");
    if (!interface.spec.AssociatePublicIpAddress.value_or(false)) continue;
    if (interfaces.size() > 1)
      return fail("InvalidParameterCombination",
                  "The associatePublicIPAddress parameter cannot be specified when launching with multiple network "
                  "interfaces.");
  }
  return {};
}

Result<void> check_addresses(const NetworkState& network, const std::vector<LaunchInterface>& interfaces,
                             const RunInstancesRequest& request, const InstanceType& type) {
  const bool several = request.MaxCount.value_or(1) != 1;
  for (const LaunchInterface& interface : interfaces) {
    const auto& spec = interface.spec;
    if ((spec.PrivateIpAddress || !spec.PrivateIpAddresses.empty()) && several)
      return fail("InvalidParameterCombination", "A private address can only be given to one instance");
    if (!spec.Ipv6Addresses.empty() && several)
      return fail("InvalidParameterCombination", "An IPv6 address can only be given to one instance");
    const std::size_t addresses =
        interface.own ? number_of(interface.wanted())
                      : network.network_interfaces.find(*spec.NetworkInterfaceId)->PrivateIpAddresses.size();
    if (addresses > std::size_t(type.addresses_per_interface)) return too_many_private_addresses();
  }
  return {};
}

}  // namespace

WantedAddresses LaunchInterface::wanted() const {
  return {spec.PrivateIpAddress, spec.PrivateIpAddresses, spec.SecondaryPrivateIpAddressCount};
}

Result<std::vector<LaunchInterface>> launch_interfaces(const NetworkState& network, const RunInstancesRequest& request,
                                                       const InstanceType& type) {
  BRUME_TRY(zone, zone_of(network, request));
  std::vector<LaunchInterface> interfaces;
  if (request.NetworkInterfaces.empty()) {
    BRUME_TRY(only, of_instance_level(network, request, zone));
    interfaces.push_back(std::move(only));
  } else {
    BRUME_CHECK(nothing_at_instance_level(request));
    BRUME_CHECK(check_indexes(request.NetworkInterfaces));
    if (request.NetworkInterfaces.size() > std::size_t(type.interfaces))
      return fail("AttachmentLimitExceeded", "Interface count {} exceeds the limit for {}",
                  request.NetworkInterfaces.size(), type.name);
    auto specs = request.NetworkInterfaces;
    std::ranges::sort(specs, {}, [](const auto& spec) { return spec.DeviceIndex.value_or(0); });
    for (const auto& spec : specs) {
      // The primary one's zone is that of the others.
      const auto there = interfaces.empty() ? zone : interfaces.front().subnet->AvailabilityZone;
      BRUME_TRY(made,
                of_specification(network, request, spec, spec.SubnetId || spec.NetworkInterfaceId ? zone : there));
      made.spec.DeviceIndex = spec.DeviceIndex.value_or(0);
      interfaces.push_back(std::move(made));
    }
    BRUME_CHECK(check_together(interfaces));
  }
  BRUME_CHECK(check_addresses(network, interfaces, request, type));
  return interfaces;
}

int room_for(const NetworkState& network, const std::vector<LaunchInterface>& interfaces, int most) {
  std::map<const Subnet*, int> needed;
  for (const LaunchInterface& interface : interfaces)
    if (interface.own) needed[interface.subnet] += int(number_of(interface.wanted()));
  int room = most;
  for (const auto& [subnet, addresses] : needed) {
    // Counting those of the subnet is for when all in the region are too many.
    const std::size_t with_all = network.addresses.size() + std::size_t(most) * std::size_t(addresses);
    if (with_all > usable_addresses(*parse_cidr(*subnet->CidrBlock)))
      room = std::min(room, available_addresses(network, *subnet) / addresses);
  }
  return room;
}

}  // namespace brume::ec2
