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
  const auto subnet = view.subnets.find(out.subnet_id);
  if (subnet != view.subnets.end()) out.subnet_cidr = subnet->second.cidr;
  out.vpc_id = interface.VpcId.value_or("");
  out.vpc_cidrs = {view.vpc_cidr};
  if (interface.Association) {
    out.public_ipv4 = interface.Association->PublicIp.value_or("");
    out.public_hostname = interface.Association->PublicDnsName.value_or("");
  }
  for (const ec2::InstancePrivateIpAddress& address : interface.PrivateIpAddresses)
    if (!address.Primary.value_or(false))
      out.more_addresses.push_back({address.PrivateIpAddress.value_or(""),
                                    address.Association ? address.Association->PublicIp.value_or("") : ""});
  for (const ec2::InstanceIpv6Address& address : interface.Ipv6Addresses)
    out.ipv6s.push_back(address.Ipv6Address.value_or(""));
  if (!out.ipv6s.empty()) {
    if (subnet != view.subnets.end()) out.subnet_ipv6_cidrs = subnet->second.ipv6_cidrs;
    out.vpc_ipv6_cidrs = view.vpc_ipv6_cidrs;
  }
  for (const ec2::GroupIdentifier& group : interface.Groups)
    out.security_groups.push_back({*group.GroupId, *group.GroupName});
  return out;
}

// What the instance's group wants of it (Auto Scaling user guide, "Retrieve the target lifecycle state"); empty: it is
// in none.
std::string lifecycle_state(autoscaling::Api& autoscaling, const std::string& instance_id) {
  autoscaling::DescribeAutoScalingInstancesType request;
  request.InstanceIds = {instance_id};
  const auto answer = autoscaling.DescribeAutoScalingInstances({}, request);
  if (!answer || answer->AutoScalingInstances.empty()) return "";
  std::string state = answer->AutoScalingInstances.front().LifecycleState.value_or("");
  if (state.starts_with("Pending")) return "InService";
  if (state.starts_with("Terminating")) return "Terminated";
  if (state == "Detaching") return "Detached";
  if (state == "EnteringStandby") return "Standby";
  if (state.starts_with("Warmed:Terminating")) return "Terminated";
  if (!state.starts_with("Warmed:Pending")) return state;
  autoscaling::DescribeWarmPoolType pool;
  pool.AutoScalingGroupName = answer->AutoScalingInstances.front().AutoScalingGroupName;
  const auto found = autoscaling.DescribeWarmPool({}, pool);
  if (found && found->WarmPoolConfiguration) return "Warmed:" + *found->WarmPoolConfiguration->PoolState;
  return state;
}

std::optional<net::MetadataCredentials> credentials_of(const Cloud& cloud, const ec2::Instance& instance,
                                                       const std::string& region, Timestamp now) {
  if (!instance.IamInstanceProfile) return {};
  net::MetadataCredentials out;
  out.instance_profile_arn = instance.IamInstanceProfile->Arn.value_or("");
  out.instance_profile_id = instance.IamInstanceProfile->Id.value_or("");
  out.last_updated = now;
  const auto profile = cloud.iam().find_profile(out.instance_profile_arn);
  if (!profile || profile->InstanceProfileId != out.instance_profile_id) {
    out.failure = "InstanceProfileNotFound";
    out.failure_message = fmt::format("Instance Profile {} cannot be found.", out.instance_profile_arn);
    return out;
  }
  if (profile->Roles.empty()) return out;
  out.role_name = *profile->Roles.front().RoleName;
  const auto made = cloud.authority().for_instance(out.role_name, *instance.InstanceId, region,
                                                   instance.LaunchTime.value_or(Timestamp()));
  if (!made) {
    out.failure = "AssumeRoleUnauthorizedAccess";
    out.failure_message = made.error().message;
    return out;
  }
  out.access_key_id = made->keys.access_key_id;
  out.secret_access_key = made->keys.secret_access_key;
  out.token = made->keys.token;
  out.last_updated = made->issued;
  out.expiration = made->expires;
  return out;
}

}  // namespace

std::optional<net::InstanceMetadata> instance_metadata(const Cloud& cloud, const std::string& vpc_id,
                                                       const std::string& address, Timestamp now) {
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
    if (instance.Placement) {
      out.zone = instance.Placement->AvailabilityZone.value_or("");
      out.zone_id = instance.Placement->AvailabilityZoneId.value_or("");
      out.placement_group = instance.Placement->GroupName.value_or("");
    }
    out.architecture = instance.Architecture.value_or("x86_64");
    out.public_ipv4 = instance.PublicIpAddress.value_or("");
    out.public_hostname = instance.PublicDnsName.value_or("");
    out.spot = instance.InstanceLifecycle == "spot";
    out.noticed_at = view->noticed_at;
    out.interrupt_at = view->interrupt_at;
    out.detailed_monitoring = instance.Monitoring && instance.Monitoring->State == "enabled";
    out.root_device = instance.RootDeviceName.value_or("");
    out.hostname = instance.PrivateDnsName.value_or("");
    out.key_name = instance.KeyName.value_or("");
    out.openssh_key = view->key_material;
    out.user_data = view->user_data;
    for (const ec2::InstanceNetworkInterface& interface : instance.NetworkInterfaces)
      out.interfaces.push_back(interface_of(interface, *view));
    for (const ec2::Tag& tag : instance.Tags) out.tags[tag.Key.value_or("")] = tag.Value.value_or("");
    out.options = options_of(instance);
    out.lifecycle_state = lifecycle_state(region->autoscaling, out.instance_id);
    out.credentials = credentials_of(cloud, instance, name, now);
    return out;
  }
  return std::nullopt;
}

}  // namespace brume::daemon
