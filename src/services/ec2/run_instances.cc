// RunInstances: from a request and its launch template to records, all of them or none.
#include <algorithm>

#include "services/common/ids.h"
#include "services/ec2/instance_kinds.h"
#include "services/ec2/instance_operations.h"
#include "services/ec2/instance_types.h"
#include "services/ec2/launch_interfaces.h"
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

CreateNetworkInterfaceRequest creation_of(const LaunchInterface& interface, const List<Tag>& tags) {
  const InstanceNetworkInterfaceSpecification& spec = interface.spec;
  CreateNetworkInterfaceRequest creation;
  creation.SubnetId = interface.subnet->SubnetId;
  creation.Description = spec.Description.value_or("");
  creation.Groups = spec.Groups;
  creation.PrivateIpAddress = spec.PrivateIpAddress;
  creation.PrivateIpAddresses = spec.PrivateIpAddresses;
  creation.SecondaryPrivateIpAddressCount = spec.SecondaryPrivateIpAddressCount;
  creation.Ipv6Addresses = spec.Ipv6Addresses;
  creation.Ipv6AddressCount = spec.Ipv6AddressCount;
  if (!tags.empty()) creation.TagSpecifications.push_back({.ResourceType = kNetworkInterface.type, .Tags = tags});
  return creation;
}

}  // namespace

// A checked launch: what all its instances have in common.
struct InstanceOperations::Launch {
  RunInstancesRequest request;  // merged with its template
  const Image* image = nullptr;
  const InstanceType* type = nullptr;
  std::optional<InstanceProfile> profile;
  std::string key_material;
  std::vector<LaunchInterface> interfaces;
  List<Tag> instance_tags, volume_tags, interface_tags, spot_tags;
  std::string root_device;
  EbsBlockDevice volume;

  [[nodiscard]] bool spot() const { return request.InstanceMarketOptions.has_value(); }
};

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

  std::size_t after = instances_.size() + std::size_t(most);
  if (after > kMaxInstances)  // perhaps: rows of what ended stay for a while
    after -= std::size_t(std::ranges::count_if(
        instances_.rows(), [](const auto& row) { return row.second.state() == InstanceStateCode::terminated; }));
  if (after > kMaxInstances)
    return fail("InstanceLimitExceeded",
                "You have requested more instances ({}) than your current instance limit of {} allows.", after,
                kMaxInstances);

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
  BRUME_TRY(interface_tags, tags_for(call, request.TagSpecifications, "network-interface",
                                     {"instance", "volume", "spot-instances-request", "elastic-gpu"}));
  launch.interface_tags = interface_tags;
  BRUME_TRY(spot_tags, tags_for(call, request.TagSpecifications, kSpotRequest.type,
                                {"instance", "volume", "network-interface", "elastic-gpu"}));
  launch.spot_tags = spot_tags;
  BRUME_TRY(interfaces, launch_interfaces(network_, request, *launch.type));
  launch.interfaces = std::move(interfaces);
  return launch;
}

Result<std::string> InstanceOperations::launch_one(const aws::Call& call, const Launch& launch, int index,
                                                   const std::string& reservation_id) {
  const RunInstancesRequest& request = launch.request;
  const std::string id = services::new_id(context_.env.random, "i");
  const Timestamp now = std::chrono::floor<std::chrono::seconds>(context_.env.clock.wall());

  InstanceRecord record;
  for (const LaunchInterface& interface : launch.interfaces) {
    std::string interface_id = interface.spec.NetworkInterfaceId.value_or("");
    if (interface.own) {
      BRUME_TRY(created, CreateNetworkInterface(call, creation_of(interface, launch.interface_tags)));
      interface_id = *created.NetworkInterface->NetworkInterfaceId;
    }
    BRUME_CHECK(attach(network_, interface_id, id, *interface.spec.DeviceIndex,
                       interface.spec.DeleteOnTermination.value_or(interface.own)));
    record.interfaces.push_back(std::move(interface_id));
  }
  // The request decides, else the subnet's setting; never for an interface that was there before or beside others.
  const LaunchInterface& primary = launch.interfaces.front();
  const bool public_address =
      primary.own && launch.interfaces.size() == 1 &&
      primary.spec.AssociatePublicIpAddress.value_or(primary.subnet->MapPublicIpOnLaunch.value_or(false));
  if (public_address) BRUME_CHECK(assign_automatic(network_, record.interfaces.front()));
  const NetworkInterface& interface = *network_.network_interfaces.find(record.interfaces.front());

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
  instance.SubnetId = primary.subnet->SubnetId;
  instance.VpcId = primary.subnet->VpcId;
  instance.PrivateIpAddress = interface.PrivateIpAddress;
  instance.PrivateDnsName = private_dns_name(context_.region, *interface.PrivateIpAddress);
  instance.PublicDnsName = "";
  auto& placement = instance.Placement.emplace();
  placement.AvailabilityZone = primary.subnet->AvailabilityZone;
  placement.AvailabilityZoneId = primary.subnet->AvailabilityZoneId;
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
  if (launch.spot()) {
    spot_.fulfil(instance, request.InstanceMarketOptions->SpotOptions.value_or(SpotMarketOptions()));
    BRUME_CHECK(network_.tags.set(*instance.SpotInstanceRequestId, kSpotRequest.type, launch.spot_tags));
  }

  BRUME_CHECK(network_.tags.set(id, kInstance.type, launch.instance_tags));
  BRUME_CHECK(network_.tags.set(record.volume_id, kVolume.type, launch.volume_tags));
  put(id, std::move(record));
  return id;
}

Result<int> InstanceOperations::count_that_fits(const InstanceType& type, int least, int most, bool spot) {
  const std::int64_t claimed = spot ? spot_.claimed_mib() : 0;
  // Where the machine alone knows its room, all that there is was claimed.
  const std::int64_t free = claimed > 0 && room_.limit_mib <= 0 ? 0 : memory_free_mib(room_, instances_) - claimed;
  if (free >= type.memory_mib * least) {
    const int count = int(std::min<std::int64_t>(most, free / type.memory_mib));
    if (!spot) spot_.take_claimed(type.memory_mib * count);
    return count;
  }
  if (spot)
    return std::unexpected(
        Error{"InsufficientInstanceCapacity", "There is no Spot capacity available that matches your request.", 500});
  spot_.make_room(type.memory_mib * least - free);
  return std::unexpected(
      Error{"InsufficientInstanceCapacity",
            fmt::format("There is not sufficient {} capacity: of the {} MiB that instances may take on this machine "
                        "(instance_memory_mib), {} are free. Spot Instances that are in the way are given notice; try "
                        "again in two minutes.",
                        type.name, room_.limit_mib, std::max<std::int64_t>(free, 0)),
            500});
}

Result<Reservation> InstanceOperations::RunInstances(const aws::Call& call, const RunInstancesRequest& request) {
  BRUME_TRY(launch, prepare(call, request));
  // As many as there is room for between MinCount and MaxCount; memory and addresses can run out.
  const int least = launch.request.MinCount.value_or(1);
  int count = launch.request.MaxCount.value_or(1);
  if (!request.DryRun.value_or(false)) {
    BRUME_TRY(fits, count_that_fits(*launch.type, least, count, launch.spot()));
    count = fits;
  }
  count = std::max(least, room_for(network_, launch.interfaces, count));
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
