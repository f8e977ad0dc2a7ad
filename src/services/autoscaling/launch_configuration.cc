#include "services/autoscaling/launch_configuration.h"

#include <string_view>
#include <utility>

#include "base/base64.h"

namespace brume::autoscaling {
namespace {

// EC2 user guide: 16 KB before they are base64-encoded.
constexpr std::size_t kMaxUserData = 16384;

bool says(const std::optional<std::string>& text) {
  return text && !text->empty();
}

Result<void> refuse_unsupported(const CreateLaunchConfigurationType& request) {
  const std::pair<bool, std::string_view> refused[] = {
      {says(request.ClassicLinkVPCId), "ClassicLinkVPCId"},
      {!request.ClassicLinkVPCSecurityGroups.empty(), "ClassicLinkVPCSecurityGroups"},
      {says(request.PlacementTenancy) && request.PlacementTenancy != "default", "PlacementTenancy other than default"},
      {says(request.KernelId), "KernelId"},
      {says(request.RamdiskId), "RamdiskId"},
  };
  for (const auto& [given, name] : refused)
    if (given)
      return fail("UnsupportedOperation", "Brume's launch configurations do not support {}. Use a launch template",
                  name);
  return {};
}

}  // namespace

CreateLaunchConfigurationType completed_by(CreateLaunchConfigurationType request, const ec2::Instance& instance,
                                           const std::string& user_data) {
  const auto fill = [](std::optional<std::string>& field, const std::optional<std::string>& value) {
    if (!says(field)) field = value;
  };
  fill(request.ImageId, instance.ImageId);
  fill(request.InstanceType, instance.InstanceType);
  fill(request.KeyName, instance.KeyName);
  fill(request.UserData, user_data);
  if (instance.IamInstanceProfile) fill(request.IamInstanceProfile, instance.IamInstanceProfile->Arn);
  if (request.SecurityGroups.empty())
    for (const ec2::GroupIdentifier& group : instance.SecurityGroups) request.SecurityGroups.push_back(*group.GroupId);
  if (!request.EbsOptimized) request.EbsOptimized = instance.EbsOptimized;
  if (!request.InstanceMonitoring)
    request.InstanceMonitoring.emplace().Enabled = instance.Monitoring && instance.Monitoring->State == "enabled";
  if (!request.MetadataOptions && instance.MetadataOptions) {
    InstanceMetadataOptions& options = request.MetadataOptions.emplace();
    options.HttpTokens = instance.MetadataOptions->HttpTokens;
    options.HttpPutResponseHopLimit = instance.MetadataOptions->HttpPutResponseHopLimit;
    options.HttpEndpoint = instance.MetadataOptions->HttpEndpoint;
  }
  if (!request.AssociatePublicIpAddress && !instance.NetworkInterfaces.empty()) {
    // One that came with it; an Elastic IP is the account's.
    const auto& association = instance.NetworkInterfaces.front().Association;
    request.AssociatePublicIpAddress = association && association->IpOwnerId == "amazon";
  }
  return request;
}

Result<LaunchConfiguration> checked_configuration(const CreateLaunchConfigurationType& request) {
  BRUME_CHECK(refuse_unsupported(request));
  if (!says(request.ImageId) || !says(request.InstanceType))
    return fail("ValidationError",
                "Valid requests must contain either the InstanceId parameter or both the ImageId and InstanceType "
                "parameters.");
  if (says(request.UserData)) {
    const auto bytes = base64_decode(*request.UserData);
    if (!bytes) return fail("ValidationError", "Invalid BASE64 encoding of user data.");
    if (bytes->size() > kMaxUserData) return fail("ValidationError", "User data is limited to {} bytes", kMaxUserData);
  }
  for (const BlockDeviceMapping& mapping : request.BlockDeviceMappings)
    if (int(says(mapping.VirtualName)) + int(mapping.Ebs.has_value()) + int(mapping.NoDevice.value_or(false)) > 1)
      return fail("ValidationError", "The block device {} must be one of VirtualName, Ebs and NoDevice",
                  mapping.DeviceName.value_or(""));
  LaunchConfiguration made;
  made.LaunchConfigurationName = request.LaunchConfigurationName;
  made.ImageId = request.ImageId;
  made.InstanceType = request.InstanceType;
  // AWS shows what was not said as empty texts.
  made.KeyName = request.KeyName.value_or("");
  made.UserData = request.UserData.value_or("");
  made.KernelId = made.RamdiskId = "";
  made.SecurityGroups = request.SecurityGroups;
  made.SecurityGroups.set_present();
  made.ClassicLinkVPCSecurityGroups.set_present();
  made.BlockDeviceMappings = request.BlockDeviceMappings;
  made.BlockDeviceMappings.set_present();
  made.InstanceMonitoring.emplace().Enabled =
      !request.InstanceMonitoring || request.InstanceMonitoring->Enabled.value_or(true);
  if (says(request.IamInstanceProfile)) made.IamInstanceProfile = request.IamInstanceProfile;
  made.EbsOptimized = request.EbsOptimized.value_or(false);
  made.AssociatePublicIpAddress = request.AssociatePublicIpAddress;
  if (says(request.SpotPrice)) made.SpotPrice = request.SpotPrice;
  if (says(request.PlacementTenancy)) made.PlacementTenancy = request.PlacementTenancy;
  made.MetadataOptions = request.MetadataOptions;
  return made;
}

ec2::RunInstancesRequest launch_of(const LaunchConfiguration& configuration) {
  ec2::RunInstancesRequest request;
  request.MinCount = request.MaxCount = 1;
  request.ImageId = configuration.ImageId;
  request.InstanceType = configuration.InstanceType;
  if (says(configuration.KeyName)) request.KeyName = configuration.KeyName;
  if (says(configuration.UserData)) request.UserData = configuration.UserData;
  if (const auto& profile = configuration.IamInstanceProfile) {
    auto& wanted = request.IamInstanceProfile.emplace();
    (profile->starts_with("arn:") ? wanted.Arn : wanted.Name) = *profile;
  }
  if (configuration.SpotPrice) {
    request.InstanceMarketOptions.emplace().MarketType = "spot";
    request.InstanceMarketOptions->SpotOptions.emplace().MaxPrice = configuration.SpotPrice;
  }
  request.Monitoring.emplace().Enabled = configuration.InstanceMonitoring->Enabled;
  request.EbsOptimized = configuration.EbsOptimized;
  if (const auto& options = configuration.MetadataOptions) {
    auto& wanted = request.MetadataOptions.emplace();
    wanted.HttpTokens = options->HttpTokens;
    wanted.HttpPutResponseHopLimit = options->HttpPutResponseHopLimit;
    wanted.HttpEndpoint = options->HttpEndpoint;
  }
  for (const BlockDeviceMapping& mapping : configuration.BlockDeviceMappings) {
    ec2::BlockDeviceMapping& wanted = request.BlockDeviceMappings.emplace_back();
    wanted.DeviceName = mapping.DeviceName;
    wanted.VirtualName = mapping.VirtualName;
    if (mapping.NoDevice.value_or(false)) wanted.NoDevice = "";
    if (!mapping.Ebs) continue;
    ec2::EbsBlockDevice& ebs = wanted.Ebs.emplace();
    ebs.SnapshotId = mapping.Ebs->SnapshotId;
    ebs.VolumeSize = mapping.Ebs->VolumeSize;
    ebs.VolumeType = mapping.Ebs->VolumeType;
    ebs.DeleteOnTermination = mapping.Ebs->DeleteOnTermination;
    ebs.Iops = mapping.Ebs->Iops;
    ebs.Encrypted = mapping.Ebs->Encrypted;
    ebs.Throughput = mapping.Ebs->Throughput;
  }
  // Groups are ids, or names of groups of the default VPC.
  for (const std::string& group : configuration.SecurityGroups)
    (group.starts_with("sg-") ? request.SecurityGroupIds : request.SecurityGroups).push_back(group);
  if (configuration.AssociatePublicIpAddress) {
    auto& interface = request.NetworkInterfaces.emplace_back();
    interface.DeviceIndex = 0;
    interface.AssociatePublicIpAddress = configuration.AssociatePublicIpAddress;
    interface.Groups = std::exchange(request.SecurityGroupIds, {});
  }
  return request;
}

}  // namespace brume::autoscaling
