// RunInstances: from a request and its launch template to records, all of them or none.
#include <algorithm>

#include "services/common/ids.h"
#include "services/ec2/instance_kinds.h"
#include "services/ec2/instance_operations.h"
#include "services/ec2/instance_types.h"
#include "services/ec2/launch_parameters.h"
#include "services/ec2/network_interface.h"
#include "services/ec2/public_address.h"
#include "services/ec2/refusals.h"
#include "services/ec2/zones.h"

namespace brume::ec2 {
namespace {

// Of a region; AWS's limits are by vCPUs and raised on request. This one keeps a mistyped count from filling the store.
constexpr std::size_t kMaxInstances = 5000;

// Names under which images call the one disk that an instance has.
bool is_root_device(const Image& image, std::string_view name) {
  return name == image.RootDeviceName || name == "/dev/xvda" || name == "/dev/sda1";
}

InstanceMetadataOptionsResponse metadata_options(const std::optional<InstanceMetadataOptionsRequest>& request,
                                                 const Image& image) {
  InstanceMetadataOptionsResponse options;
  options.State = "applied";
  // An image with ImdsSupport v2.0 asks for tokens and a hop more, for containers (EC2 user guide, "IMDS defaults").
  const bool v2 = image.ImdsSupport == "v2.0";
  options.HttpTokens = v2 ? "required" : "optional";
  options.HttpPutResponseHopLimit = v2 ? 2 : 1;
  options.HttpEndpoint = "enabled";
  options.HttpProtocolIpv6 = "disabled";
  options.InstanceMetadataTags = "disabled";
  if (!request) return options;
  if (request->HttpTokens) options.HttpTokens = request->HttpTokens;
  if (request->HttpPutResponseHopLimit) options.HttpPutResponseHopLimit = request->HttpPutResponseHopLimit;
  if (request->HttpEndpoint) options.HttpEndpoint = request->HttpEndpoint;
  if (request->InstanceMetadataTags) options.InstanceMetadataTags = request->InstanceMetadataTags;
  return options;
}

// The disk, as AWS shows it: the image's, changed by the mapping for the root device.
Result<std::pair<std::string, EbsBlockDevice>> root_volume(const Image& image,
                                                           const List<BlockDeviceMapping>& mappings) {
  std::string device = image.RootDeviceName.value_or("/dev/xvda");
  EbsBlockDevice volume;
  if (!image.BlockDeviceMappings.empty() && image.BlockDeviceMappings[0].Ebs)
    volume = *image.BlockDeviceMappings[0].Ebs;
  const std::int32_t least = volume.VolumeSize.value_or(1);
  for (const BlockDeviceMapping& mapping : mappings) {
    if (!mapping.DeviceName) return fail("MissingParameter", "The request must contain the parameter deviceName");
    if (mapping.NoDevice) continue;
    if (mapping.VirtualName && !mapping.Ebs) continue;  // instance store: a type without any ignores it, as AWS does
    if (!is_root_device(image, *mapping.DeviceName))
      return unsupported("Brume does not support a second volume ({}).", *mapping.DeviceName);
    device = *mapping.DeviceName;
    if (!mapping.Ebs) continue;
    const EbsBlockDevice& ebs = *mapping.Ebs;
    if (ebs.Encrypted.value_or(false) || ebs.KmsKeyId)
      return unsupported("Brume does not support encrypted volumes ({}).", device);
    if (ebs.SnapshotId && ebs.SnapshotId != volume.SnapshotId)
      return unsupported("Brume does not support a root volume from another snapshot ({}).", *ebs.SnapshotId);
    if (ebs.VolumeSize && *ebs.VolumeSize < least)
      return fail("InvalidBlockDeviceMapping", "Volume of size {}GB is smaller than snapshot '{}', expect size >= {}GB",
                  *ebs.VolumeSize, image.ImageId.value_or(""), least);
    if (ebs.VolumeSize) volume.VolumeSize = ebs.VolumeSize;
    if (ebs.VolumeType) volume.VolumeType = ebs.VolumeType;
    if (ebs.Iops) volume.Iops = ebs.Iops;
    if (ebs.Throughput) volume.Throughput = ebs.Throughput;
    if (ebs.DeleteOnTermination) volume.DeleteOnTermination = ebs.DeleteOnTermination;
  }
  if (!volume.DeleteOnTermination.value_or(true))
    return unsupported("Brume does not support volumes that outlive their instance (DeleteOnTermination).");
  volume.DeleteOnTermination = true;
  return std::pair(device, volume);
}

}  // namespace

// A checked launch: what all its instances have in common.
struct InstanceOperations::Launch {
  RunInstancesRequest request;  // merged with its template
  const Image* image = nullptr;
  const InstanceType* type = nullptr;
  std::optional<InstanceProfile> profile;
  std::string key_material;
  const Subnet* subnet = nullptr;
  List<std::string> groups;  // ids
  InstanceNetworkInterfaceSpecification interface;
  List<Tag> instance_tags, volume_tags, interface_tags;
  std::string root_device;
  EbsBlockDevice volume;
  bool own_interface = true;  // made for the instance, rather than one that was there
};

Result<std::string> InstanceOperations::find_group(std::string_view vpc_id, const std::string& name) const {
  if (const SecurityGroup* group = network_.group_by_name(vpc_id, name)) return *group->GroupId;
  return fail("InvalidGroup.NotFound", "The security group '{}' does not exist in VPC '{}'", name, vpc_id);
}

Result<const Subnet*> InstanceOperations::default_subnet(const std::optional<std::string>& zone) const {
  const VpcRecord* vpc = network_.default_vpc();
  if (!vpc) return fail("VPCIdNotSpecified", "No default VPC for this user. Specify a subnet.");
  const Subnet* chosen = nullptr;
  for (const Subnet* subnet : network_.subnets_of(*vpc->vpc.VpcId)) {
    if (!subnet->DefaultForAz.value_or(false) || (zone && subnet->AvailabilityZone != *zone)) continue;
    if (!chosen || subnet->AvailabilityZone < chosen->AvailabilityZone) chosen = subnet;
  }
  if (!chosen)
    return fail("MissingInput", "No subnets found for the default VPC '{}'. Please specify a subnet.", *vpc->vpc.VpcId);
  return chosen;
}

Result<void> InstanceOperations::choose_network(const aws::Call& call, Launch& launch) {
  RunInstancesRequest& request = launch.request;
  std::optional<std::string> zone;
  if (request.Placement) {
    zone = request.Placement->AvailabilityZone;
    if (const auto& id = request.Placement->AvailabilityZoneId) {
      const auto named = zone_by_id(context_.region, *id);
      if (!named) return fail("InvalidParameterValue", "Invalid availability zone id: [{}]", *id);
      zone = named->name;
    }
    if (zone && !zone_by_name(context_.region, *zone))
      return fail("InvalidParameterValue", "Invalid availability zone: [{}]", *zone);
  }
  std::optional<std::string> subnet_id = request.SubnetId;
  if (!request.NetworkInterfaces.empty()) {
    launch.interface = request.NetworkInterfaces[0];
    if (subnet_id)
      return fail("InvalidParameterCombination",
                  "Network interfaces and an instance-level subnet ID may not be specified on the same request");
    if (!request.SecurityGroupIds.empty() || !request.SecurityGroups.empty())
      return fail("InvalidParameterCombination",
                  "Network interfaces and an instance-level security groups may not be specified on the same request");
    if (request.PrivateIpAddress)
      return fail("InvalidParameterCombination",
                  "Network interfaces and an instance-level private address may not be specified on the same request");
    if (!request.Ipv6Addresses.empty() || request.Ipv6AddressCount)
      return fail("InvalidParameterCombination",
                  "Network interfaces and instance-level IPv6 addresses may not be specified on the same request");
    if (launch.interface.DeviceIndex.value_or(0) != 0)
      return fail("InvalidParameterValue", "The primary network interface must have device index 0");
    subnet_id = launch.interface.SubnetId;
    launch.groups = launch.interface.Groups;
  } else {
    launch.groups = request.SecurityGroupIds;
    launch.interface.PrivateIpAddress = request.PrivateIpAddress;
    launch.interface.Ipv6Addresses = request.Ipv6Addresses;
    launch.interface.Ipv6AddressCount = request.Ipv6AddressCount;
  }
  if (launch.interface.NetworkInterfaceId) {
    if (launch.interface.AssociatePublicIpAddress)
      return fail("InvalidParameterCombination",
                  "The associatePublicIPAddress parameter cannot be specified when launching with an existing network "
                  "interface");
    if (!launch.interface.Ipv6Addresses.empty() || launch.interface.Ipv6AddressCount)
      return fail("InvalidParameterCombination",
                  "IPv6 addresses cannot be specified when launching with an existing network interface");
    if (request.MaxCount != 1)
      return fail("InvalidParameterCombination", "Network interface '{}' can only be used with one instance",
                  *launch.interface.NetworkInterfaceId);
    BRUME_TRY(existing, find(network_.network_interfaces, kNetworkInterface, launch.interface.NetworkInterfaceId));
    subnet_id = existing->SubnetId;
    launch.own_interface = false;
  }
  if (subnet_id) {
    BRUME_TRY(subnet, find(network_.subnets, kSubnet, subnet_id));
    launch.subnet = subnet;
    if (zone && launch.subnet->AvailabilityZone != *zone)
      return fail("InvalidParameterValue", "The availability zone '{}' does not match that of subnet '{}'", *zone,
                  *subnet_id);
    if (!request.SecurityGroups.empty())
      return fail("InvalidParameterCombination", "The parameter groupName cannot be used with the parameter subnet");
  } else {
    BRUME_TRY(subnet, default_subnet(zone));
    launch.subnet = subnet;
  }
  for (const std::string& name : request.SecurityGroups) {
    BRUME_TRY(group, find_group(*launch.subnet->VpcId, name));
    launch.groups.push_back(group);
  }
  if ((launch.interface.PrivateIpAddress || !launch.interface.PrivateIpAddresses.empty()) && request.MaxCount != 1)
    return fail("InvalidParameterCombination", "A private address can only be given to one instance");
  if (!launch.interface.Ipv6Addresses.empty() && request.MaxCount != 1)
    return fail("InvalidParameterCombination", "An IPv6 address can only be given to one instance");
  BRUME_TRY(interface_tags, tags_for(call, request.TagSpecifications, "network-interface",
                                     {"instance", "volume", "spot-instances-request", "elastic-gpu"}));
  launch.interface_tags = interface_tags;
  return {};
}

Result<InstanceOperations::Launch> InstanceOperations::prepare(const aws::Call& call,
                                                               const RunInstancesRequest& original) {
  Launch launch;
  launch.request = original;
  RunInstancesRequest& request = launch.request;
  if (original.LaunchTemplate) {
    BRUME_TRY(found,
              find_template(original.LaunchTemplate->LaunchTemplateId, original.LaunchTemplate->LaunchTemplateName));
    BRUME_TRY(version, find_version(*found, original.LaunchTemplate->Version.value_or("$Default")));
    BRUME_TRY(merged, merge_template(original, version->LaunchTemplateData.value_or(ResponseLaunchTemplateData())));
    request = merged;
    launch.instance_tags = {{.Key = "aws:ec2launchtemplate:id", .Value = found->LaunchTemplateId},
                            {.Key = "aws:ec2launchtemplate:version", .Value = std::to_string(*version->VersionNumber)}};
  }
  BRUME_CHECK(check_supported(request));
  const int least = request.MinCount.value_or(1), most = request.MaxCount.value_or(1);
  if (least < 1 || most < 1)
    return fail("InvalidParameterValue", "Value ({}) for parameter minCount is invalid. Expected a positive integer.",
                std::min(least, most));
  if (least > most)
    return fail("InvalidParameterCombination", "MinCount ({}) may not be more than MaxCount ({})", least, most);

  if (!request.ImageId) return fail("MissingParameter", "The request must contain the parameter ImageId");
  if (request.ImageId->starts_with("resolve:ssm:"))
    return unsupported("Brume does not support ImageId '{}': resolve the parameter yourself (aws ssm get-parameter).",
                       *request.ImageId);
  launch.image = image_table_.find(*request.ImageId);
  if (!launch.image || launch.image->State == "deregistered") {
    if (!services::well_formed_id(*request.ImageId, "ami")) return no_such(kImage, *request.ImageId);
    return fail("InvalidAMIID.NotFound", "The image id '[{}]' does not exist", *request.ImageId);
  }
  if (launch.image->State != "available")
    return fail("InvalidAMIID.Unavailable", "The image ID '{}' is not available (its state is {})", *request.ImageId,
                *launch.image->State);

  if (!request.InstanceType)
    return fail("MissingParameter",
                "The request must contain the parameter InstanceType (AWS's default, m1.small, is not offered)");
  launch.type = find_instance_type(*request.InstanceType);
  if (!launch.type) return fail("InvalidParameterValue", "Invalid value '{}' for InstanceType.", *request.InstanceType);

  const auto live = std::ranges::count_if(
      instances_.rows(), [](const auto& row) { return row.second.state() != InstanceStateCode::terminated; });
  if (std::size_t(live) + std::size_t(most) > kMaxInstances)
    return fail("InstanceLimitExceeded",
                "You have requested more instances ({}) than your current instance limit of {} allows.",
                std::size_t(live) + std::size_t(most), kMaxInstances);

  if (request.KeyName) {
    const KeyPairInfo* key = key_pairs_.find(*request.KeyName);
    if (!key) return fail("InvalidKeyPair.NotFound", "The key pair '{}' does not exist", *request.KeyName);
    launch.key_material = key->PublicKey.value_or("");
  }
  if (request.IamInstanceProfile) {
    const bool by_arn = request.IamInstanceProfile->Arn.has_value();
    const std::string wanted =
        by_arn ? *request.IamInstanceProfile->Arn : request.IamInstanceProfile->Name.value_or("");
    launch.profile = profiles_(wanted);
    if (!launch.profile)
      return fail("InvalidParameterValue",
                  "Value ({}) for parameter iamInstanceProfile.{} is invalid. Invalid IAM Instance Profile {}", wanted,
                  by_arn ? "arn" : "name", by_arn ? "ARN" : "name");
  }
  if (request.UserData) BRUME_CHECK(check_user_data(*request.UserData));
  if (const auto& behavior = request.InstanceInitiatedShutdownBehavior;
      behavior && *behavior != "stop" && *behavior != "terminate")
    return fail("InvalidParameterValue", "Invalid value '{}' for instanceInitiatedShutdownBehavior", *behavior);
  if (const auto& credit = request.CreditSpecification; credit && credit->CpuCredits) {
    if (!launch.type->burstable())
      return fail("InvalidParameterCombination", "The instance type '{}' does not support CreditSpecification",
                  launch.type->name);
    if (*credit->CpuCredits != "standard" && *credit->CpuCredits != "unlimited")
      return fail("InvalidParameterValue", "Invalid value '{}' for CpuCredits", *credit->CpuCredits);
  }
  BRUME_TRY(volume, root_volume(*launch.image, request.BlockDeviceMappings));
  launch.root_device = volume.first;
  launch.volume = volume.second;
  BRUME_TRY(instance_tags, tags_for(call, request.TagSpecifications, "instance",
                                    {"volume", "network-interface", "spot-instances-request", "elastic-gpu"}));
  launch.instance_tags.insert(launch.instance_tags.end(), instance_tags.begin(), instance_tags.end());
  BRUME_TRY(volume_tags, tags_for(call, request.TagSpecifications, "volume",
                                  {"instance", "network-interface", "spot-instances-request", "elastic-gpu"}));
  launch.volume_tags = volume_tags;
  BRUME_CHECK(choose_network(call, launch));
  return launch;
}

Result<std::string> InstanceOperations::launch_one(const aws::Call& call, const Launch& launch, int index,
                                                   const std::string& reservation_id) {
  const RunInstancesRequest& request = launch.request;
  const std::string id = services::new_id(context_.env.random, "i");
  const Timestamp now = std::chrono::floor<std::chrono::seconds>(context_.env.clock.wall());

  std::string interface_id = launch.interface.NetworkInterfaceId.value_or("");
  if (launch.own_interface) {
    CreateNetworkInterfaceRequest creation;
    creation.SubnetId = launch.subnet->SubnetId;
    creation.Description = launch.interface.Description.value_or("");
    creation.Groups = launch.groups;
    creation.PrivateIpAddress = launch.interface.PrivateIpAddress;
    if (!launch.interface.PrivateIpAddresses.empty())
      creation.PrivateIpAddress = launch.interface.PrivateIpAddresses[0].PrivateIpAddress;
    creation.Ipv6Addresses = launch.interface.Ipv6Addresses;
    creation.Ipv6AddressCount = launch.interface.Ipv6AddressCount;
    if (!launch.interface_tags.empty())
      creation.TagSpecifications.push_back({.ResourceType = "network-interface", .Tags = launch.interface_tags});
    BRUME_TRY(created, CreateNetworkInterface(call, creation));
    interface_id = *created.NetworkInterface->NetworkInterfaceId;
  }
  BRUME_CHECK(
      attach(network_, interface_id, id, 0, launch.interface.DeleteOnTermination.value_or(launch.own_interface)));
  // The request decides, else the subnet's setting; never for an interface that was there before.
  const bool public_address = launch.own_interface && launch.interface.AssociatePublicIpAddress.value_or(
                                                          launch.subnet->MapPublicIpOnLaunch.value_or(false));
  if (public_address) BRUME_CHECK(assign_automatic(network_, interface_id));
  const NetworkInterface& interface = *network_.network_interfaces.find(interface_id);

  InstanceRecord record;
  record.auto_public_address = public_address;
  record.reservation_id = reservation_id;
  if (call.user_id.ends_with(".amazonaws.com")) record.requester_id = call.user_id;
  record.user_data = request.UserData.value_or("");
  record.shutdown_behavior = request.InstanceInitiatedShutdownBehavior.value_or("stop");
  record.disable_api_termination = request.DisableApiTermination.value_or(false);
  record.disable_api_stop = request.DisableApiStop.value_or(false);
  if (launch.type->burstable())
    record.cpu_credits = request.CreditSpecification && request.CreditSpecification->CpuCredits
                             ? *request.CreditSpecification->CpuCredits
                         : launch.type->family() == "t2" ? "standard"
                                                         : "unlimited";
  record.interfaces = {interface_id};
  record.key_pair_material = launch.key_material;
  record.volume_id = services::new_id(context_.env.random, "vol");
  record.root_volume = launch.volume;

  Instance& instance = record.instance;
  instance.InstanceId = id;
  instance.ImageId = request.ImageId;
  instance.InstanceType = std::string(launch.type->name);
  instance.AmiLaunchIndex = index;
  instance.KeyName = request.KeyName;
  instance.LaunchTime = now;
  instance.ClientToken = request.ClientToken.value_or("");
  instance.Architecture = launch.image->Architecture.value_or("x86_64");
  instance.VirtualizationType = "hvm";
  instance.Hypervisor = "xen";  // AWS answers xen for Nitro types, too
  instance.EnaSupport = true;
  instance.EbsOptimized = request.EbsOptimized.value_or(false);
  instance.RootDeviceType = "ebs";
  instance.RootDeviceName = launch.root_device;
  instance.BootMode = launch.image->BootMode;
  instance.CurrentInstanceBootMode = "legacy-bios";
  instance.PlatformDetails = "Linux/UNIX";
  instance.UsageOperation = "RunInstances";
  instance.UsageOperationUpdateTime = now;
  instance.SourceDestCheck = interface.SourceDestCheck.value_or(true);
  instance.StateTransitionReason = "";
  instance.StateReason = StateReason{};
  instance.StateReason->Code = instance.StateReason->Message = "pending";
  instance.SubnetId = launch.subnet->SubnetId;
  instance.VpcId = launch.subnet->VpcId;
  instance.PrivateIpAddress = interface.PrivateIpAddress;
  instance.PrivateDnsName = private_dns_name(context_.region, *interface.PrivateIpAddress);
  instance.PublicDnsName = "";
  auto& placement = instance.Placement.emplace();
  placement.AvailabilityZone = launch.subnet->AvailabilityZone;
  placement.AvailabilityZoneId = launch.subnet->AvailabilityZoneId;
  placement.GroupName = "";
  placement.Tenancy = "default";
  const bool monitored = request.Monitoring && request.Monitoring->Enabled.value_or(false);
  instance.Monitoring.emplace().State = monitored ? "enabled" : "disabled";
  auto& cpu = instance.CpuOptions.emplace();
  const int threads = threads_per_core(*launch.type);
  cpu.CoreCount = launch.type->vcpus / threads;
  cpu.ThreadsPerCore = threads;
  instance.CapacityReservationSpecification.emplace().CapacityReservationPreference =
      request.CapacityReservationSpecification
          ? request.CapacityReservationSpecification->CapacityReservationPreference.value_or("open")
          : "open";
  instance.HibernationOptions.emplace().Configured = false;
  instance.EnclaveOptions.emplace().Enabled = false;
  instance.MetadataOptions = metadata_options(request.MetadataOptions, *launch.image);
  instance.MaintenanceOptions.emplace().AutoRecovery =
      request.MaintenanceOptions ? request.MaintenanceOptions->AutoRecovery.value_or("default") : "default";
  auto& names = instance.PrivateDnsNameOptions.emplace();
  names.HostnameType = "ip-name";
  names.EnableResourceNameDnsARecord = names.EnableResourceNameDnsAAAARecord = false;
  if (launch.profile) {
    record.profile_name = launch.profile->name;
    record.profile_association_id = services::new_id(context_.env.random, "iip-assoc");
    auto& profile = instance.IamInstanceProfile.emplace();
    profile.Arn = launch.profile->arn;
    profile.Id = launch.profile->id;
  }
  auto& mapping = instance.BlockDeviceMappings.emplace_back();
  mapping.DeviceName = launch.root_device;
  auto& ebs = mapping.Ebs.emplace();
  ebs.VolumeId = record.volume_id;
  ebs.Status = "attached";
  ebs.AttachTime = now;
  ebs.DeleteOnTermination = launch.volume.DeleteOnTermination;
  record.set_state(InstanceStateCode::pending);

  BRUME_CHECK(network_.tags.set(id, kInstance.type, launch.instance_tags));
  BRUME_CHECK(network_.tags.set(record.volume_id, kVolume.type, launch.volume_tags));
  put(id, std::move(record));
  return id;
}

Result<Reservation> InstanceOperations::RunInstances(const aws::Call& call, const RunInstancesRequest& request) {
  BRUME_TRY(launch, prepare(call, request));
  // As many as there is room for between MinCount and MaxCount; only addresses can run out.
  int count = launch.request.MaxCount.value_or(1);
  const int least = launch.request.MinCount.value_or(1);
  if (launch.own_interface) count = std::min(count, std::max(least, available_addresses(network_, *launch.subnet)));
  const std::string reservation_id = services::new_id(context_.env.random, "r");
  Reservation result;
  for (int index = 0; index < count; ++index) {
    BRUME_TRY(id, launch_one(call, launch, index, reservation_id));
    const InstanceRecord& record = *instances_.find(id);
    if (index == 0)
      result = reservation(record);
    else
      result.Instances.push_back(answer(record));
  }
  return unless_dry_run(request, std::move(result));
}

}  // namespace brume::ec2
