#include "daemon/instance_metadata.h"

#include "daemon/cloud.h"

namespace brume::daemon {
namespace {

net::MetadataOptions options_of(const ec2::Instance& instance) {
  net::MetadataOptions options;
  if (!instance.MetadataOptions) return options;
  const ec2::InstanceMetadataOptionsResponse& given = *instance.MetadataOptions;
  options.endpoint_enabled = given.HttpEndpoint.value_or("enabled") == "enabled";
  options.tokens_required = given.HttpTokens.value_or("optional") == "required";
  options.hop_limit = given.HttpPutResponseHopLimit.value_or(1);
  options.tags_enabled = given.InstanceMetadataTags.value_or("disabled") == "enabled";
  return options;
}

net::MetadataInterface interface_of(const ec2::InstanceNetworkInterface& interface, const ec2::InstanceView& view) {
  net::MetadataInterface out;
  out.id = interface.NetworkInterfaceId.value_or("");
  out.mac = interface.MacAddress.value_or("");
  out.device_number = interface.Attachment ? interface.Attachment->DeviceIndex.value_or(0) : 0;
  out.local_hostname = interface.PrivateDnsName.value_or("");
  out.local_ipv4 = interface.PrivateIpAddress.value_or("");
  out.subnet_id = interface.SubnetId.value_or("");
  out.subnet_cidr = view.subnet_cidr;
  out.vpc_id = interface.VpcId.value_or("");
  out.vpc_cidrs = {view.vpc_cidr};
  for (const ec2::GroupIdentifier& group : interface.Groups)
    out.security_groups.push_back({*group.GroupId, *group.GroupName});
  return out;
}

}  // namespace

std::optional<net::InstanceMetadata> instance_metadata(const Cloud& cloud, const std::string& vpc_id,
                                                       const std::string& address) {
  for (const auto& [name, region] : cloud.regions()) {
    const auto view = region->ec2.find_by_address(vpc_id, address);
    if (!view) continue;
    const ec2::Instance& instance = view->instance;
    net::InstanceMetadata out;
    out.instance_id = *instance.InstanceId;
    out.image_id = instance.ImageId.value_or("");
    out.instance_type = instance.InstanceType.value_or("");
    out.account_id = aws::kAccount;
    out.reservation_id = view->reservation_id;
    out.launch_index = instance.AmiLaunchIndex.value_or(0);
    out.launch_time = instance.LaunchTime.value_or(Timestamp());
    out.region = name;
    out.zone = instance.Placement ? instance.Placement->AvailabilityZone.value_or("") : "";
    out.hostname = instance.PrivateDnsName.value_or("");
    out.key_name = instance.KeyName.value_or("");
    out.openssh_key = view->key_material;
    out.user_data = view->user_data;
    for (const ec2::InstanceNetworkInterface& interface : instance.NetworkInterfaces)
      out.interfaces.push_back(interface_of(interface, *view));
    for (const ec2::Tag& tag : instance.Tags) out.tags[tag.Key.value_or("")] = tag.Value.value_or("");
    out.options = options_of(instance);
    return out;
  }
  return std::nullopt;
}

}  // namespace brume::daemon
