#include "base/base64.h"
#include "services/cloudformation/resources/ec2_common.h"

namespace brume::cloudformation::resources {

// An instance's interface as a template writes it.
struct InstanceInterface {
  std::optional<std::int32_t> DeviceIndex, Ipv6AddressCount;
  std::optional<bool> AssociatePublicIpAddress, DeleteOnTermination;
  std::optional<std::string> Description, NetworkInterfaceId, PrivateIpAddress, SubnetId;
  List<std::string> GroupSet;
  List<ec2::InstanceIpv6Address> Ipv6Addresses;
  List<ec2::PrivateIpAddressSpecification> PrivateIpAddresses;
};

}  // namespace brume::cloudformation::resources

BRUME_RECORD(brume::cloudformation::resources::InstanceInterface, DeviceIndex, Ipv6AddressCount,
             AssociatePublicIpAddress, DeleteOnTermination, Description, NetworkInterfaceId, PrivateIpAddress, SubnetId,
             GroupSet, Ipv6Addresses, PrivateIpAddresses)

namespace brume::cloudformation::resources {
namespace {

using Tags = List<ec2::Tag>;

// Launch templates --------------------------------------------------------------------------------------------------

Result<void> create_template(Work& work, Instance& instance) {
  BRUME_TRY(request, read<ec2::CreateLaunchTemplateRequest>(instance.properties));
  if (!request.LaunchTemplateName) request.LaunchTemplateName = work.name;
  request.ClientToken = work.token;
  if (!work.system_tags.empty()) {
    // The template's own tags travel in the request; a specification for it may be there already.
    ec2::TagSpecification* own = nullptr;
    for (auto& specification : request.TagSpecifications)
      if (specification.ResourceType == "launch-template") own = &specification;
    if (!own) own = &request.TagSpecifications.emplace_back();
    own->ResourceType = "launch-template";
    for (const ec2::Tag& tag : all_tags<ec2::Tag>(work, Value::map())) own->Tags.push_back(tag);
  }
  BRUME_TRY(made, work.apis.ec2.CreateLaunchTemplate(work.call, request));
  instance.physical_id = made.LaunchTemplate->LaunchTemplateId.value_or("");
  set_attribute(instance, "LaunchTemplateId", instance.physical_id);
  set_attribute(instance, "LatestVersionNumber", std::to_string(made.LaunchTemplate->LatestVersionNumber.value_or(1)));
  set_attribute(instance, "DefaultVersionNumber",
                std::to_string(made.LaunchTemplate->DefaultVersionNumber.value_or(1)));
  return {};
}

// A change of the data is a new version; which one groups use is up to what they refer to.
Result<void> update_template(Work& work, Instance& instance, const Value& before) {
  if (!changed(before, instance.properties, "LaunchTemplateData") &&
      !changed(before, instance.properties, "VersionDescription"))
    return {};
  BRUME_TRY(request,
            read<ec2::CreateLaunchTemplateVersionRequest>(without(instance.properties, {"LaunchTemplateName"})));
  request.LaunchTemplateId = instance.physical_id;
  BRUME_TRY(made, work.apis.ec2.CreateLaunchTemplateVersion(work.call, request));
  set_attribute(instance, "LatestVersionNumber", std::to_string(made.LaunchTemplateVersion->VersionNumber.value_or(1)));
  return {};
}

Result<void> remove_template(Work& work, const Instance& instance) {
  ec2::DeleteLaunchTemplateRequest request;
  request.LaunchTemplateId = instance.physical_id;
  BRUME_CHECK(work.apis.ec2.DeleteLaunchTemplate(work.call, request));
  return {};
}

// Instances ---------------------------------------------------------------------------------------------------------

Result<std::optional<ec2::Instance>> describe_instance(Work& work, const std::string& id) {
  ec2::DescribeInstancesRequest request;
  request.InstanceIds = {id};
  auto found = work.apis.ec2.DescribeInstances(work.call, request);
  if (!found)
    return not_found(found.error()) ? Result<std::optional<ec2::Instance>>(std::nullopt)
                                    : std::unexpected(found.error());
  for (auto& reservation : found->Reservations)
    for (auto& instance : reservation.Instances) return std::move(instance);
  return std::nullopt;
}

Result<void> create_instance(Work& work, Instance& instance) {
  BRUME_TRY(request, read<ec2::RunInstancesRequest>(without(
                         instance.properties, {"IamInstanceProfile", "Monitoring", "NetworkInterfaces", "Tags"})));
  request.MinCount = request.MaxCount = 1;
  request.ClientToken = work.token;
  if (instance.properties.find("IamInstanceProfile"))
    request.IamInstanceProfile.emplace().Name = instance.text("IamInstanceProfile");
  if (instance.properties.find("Monitoring"))
    request.Monitoring.emplace().Enabled = flag(instance.properties, "Monitoring");
  if (instance.properties.find("AvailabilityZone"))
    request.Placement.emplace().AvailabilityZone = instance.text("AvailabilityZone");
  if (const Value* interfaces = instance.properties.find("NetworkInterfaces"))
    for (const Value& item : interfaces->items) {
      BRUME_TRY(interface, read<ec2::InstanceNetworkInterfaceSpecification>(item));
      if (item.find("GroupSet")) interface.Groups = text_list(item, "GroupSet");
      request.NetworkInterfaces.push_back(std::move(interface));
    }
  auto& tags = request.TagSpecifications.emplace_back();
  tags.ResourceType = "instance";
  tags.Tags = all_tags<ec2::Tag>(work, instance.properties);
  if (tags.Tags.empty()) request.TagSpecifications.clear();
  BRUME_TRY(made, work.apis.ec2.RunInstances(work.call, request));
  if (made.Instances.empty()) return fail_internal("EC2 did not say which instance it started");
  instance.physical_id = made.Instances[0].InstanceId.value_or("");
  set_attribute(instance, "InstanceId", instance.physical_id);
  return {};
}

Result<bool> instance_settled(Work& work, Instance& instance) {
  BRUME_TRY(found, describe_instance(work, instance.physical_id));
  if (!found) return fail("NotStabilized", "Instance {} disappeared", instance.physical_id);
  const std::string state = found->State ? found->State->Name.value_or("") : "";
  if (state == "terminated" || state == "shutting-down" || state == "stopped" || state == "stopping")
    return fail(
        "NotStabilized", "Instance {} failed to stabilize. Current state: {}. Reason: {}", instance.physical_id, state,
        found->StateReason ? found->StateReason->Message.value_or("") : found->StateTransitionReason.value_or(""));
  set_attribute(instance, "PrivateIp", found->PrivateIpAddress);
  set_attribute(instance, "PublicIp", found->PublicIpAddress);
  set_attribute(instance, "PrivateDnsName", found->PrivateDnsName);
  set_attribute(instance, "PublicDnsName", found->PublicDnsName);
  set_attribute(instance, "VpcId", found->VpcId);
  set_attribute(instance, "AvailabilityZone", found->Placement ? found->Placement->AvailabilityZone : std::nullopt);
  return state == "running";
}

Result<void> update_instance(Work& work, Instance& instance, const Value& before) {
  const auto modify = [&](auto&& set) -> Result<void> {
    ec2::ModifyInstanceAttributeRequest request;
    request.InstanceId = instance.physical_id;
    set(request);
    return work.apis.ec2.ModifyInstanceAttribute(work.call, request);
  };
  const Value& now = instance.properties;
  if (changed(before, now, "SecurityGroupIds"))
    BRUME_CHECK(modify([&](auto& request) { request.Groups = text_list(now, "SecurityGroupIds"); }));
  if (changed(before, now, "SourceDestCheck"))
    BRUME_CHECK(
        modify([&](auto& request) { request.SourceDestCheck.emplace().Value = flag(now, "SourceDestCheck", true); }));
  if (changed(before, now, "DisableApiTermination"))
    BRUME_CHECK(modify(
        [&](auto& request) { request.DisableApiTermination.emplace().Value = flag(now, "DisableApiTermination"); }));
  return retag_ec2(work, instance, before);
}

Result<void> remove_instance(Work& work, const Instance& instance) {
  ec2::TerminateInstancesRequest request;
  request.InstanceIds = {instance.physical_id};
  BRUME_CHECK(work.apis.ec2.TerminateInstances(work.call, request));
  return {};
}

Result<bool> instance_gone(Work& work, const Instance& instance) {
  BRUME_TRY(found, describe_instance(work, instance.physical_id));
  return !found || (found->State && found->State->Name == "terminated");
}

// Key pairs ---------------------------------------------------------------------------------------------------------

// A key that EC2 makes is kept where AWS keeps it: in the SSM parameter /ec2/keypair/<id>.
Result<void> create_key(Work& work, Instance& instance) {
  std::optional<std::string> id, fingerprint;
  if (instance.properties.find("PublicKeyMaterial")) {
    BRUME_TRY(request, read<ec2::ImportKeyPairRequest>(without(instance.properties, {"Tags"})));
    BRUME_TRY(made, work.apis.ec2.ImportKeyPair(work.call, request));
    id = made.KeyPairId;
    fingerprint = made.KeyFingerprint;
  } else {
    BRUME_TRY(request, read<ec2::CreateKeyPairRequest>(without(instance.properties, {"Tags"})));
    BRUME_TRY(made, work.apis.ec2.CreateKeyPair(work.call, request));
    id = made.KeyPairId;
    fingerprint = made.KeyFingerprint;
    ssm::PutParameterRequest put;
    put.Name = "/ec2/keypair/" + id.value_or("");
    put.Value = made.KeyMaterial.value_or("");
    put.Type = "SecureString";
    BRUME_CHECK(work.apis.ssm.PutParameter(work.call, put));
  }
  instance.physical_id = instance.text("KeyName");
  set_attribute(instance, "KeyPairId", id);
  set_attribute(instance, "KeyFingerprint", fingerprint);
  return tag_ec2(work, instance, id.value_or(""));
}

Result<void> remove_key(Work& work, const Instance& instance) {
  ec2::DeleteKeyPairRequest request;
  request.KeyName = instance.physical_id;
  BRUME_CHECK(work.apis.ec2.DeleteKeyPair(work.call, request));
  if (instance.properties.find("PublicKeyMaterial")) return {};
  ssm::DeleteParameterRequest parameter;
  parameter.Name = "/ec2/keypair/" + instance.attributes.text_of("KeyPairId");
  if (auto done = work.apis.ssm.DeleteParameter(work.call, parameter); !done && !not_found(done.error()))
    return std::unexpected(done.error());
  return {};
}

}  // namespace

std::span<const ResourceType> ec2_instance_types() {
  static const ResourceType types[] = {
      {.name = "AWS::EC2::LaunchTemplate",
       .properties = {property<ec2::RequestLaunchTemplateData>("LaunchTemplateData", kRequired),
                      text("LaunchTemplateName", kCreateOnly), text("VersionDescription"),
                      property<List<ec2::TagSpecification>>("TagSpecifications", kCreateOnly)},
       .attributes = {"LaunchTemplateId", "LatestVersionNumber", "DefaultVersionNumber"},
       .name_property = "LaunchTemplateName",
       .name_limit = 128,
       .create = create_template,
       .update = update_template,
       .remove = remove_template},
      {.name = "AWS::EC2::Instance",
       .properties = {text("ImageId", kCreateOnly),
                      text("InstanceType", kCreateOnly),
                      text("KeyName", kCreateOnly),
                      texts("SecurityGroupIds"),
                      texts("SecurityGroups", kCreateOnly),
                      text("SubnetId", kCreateOnly),
                      text("AvailabilityZone", kCreateOnly),
                      text("UserData", kCreateOnly),
                      property<List<InstanceInterface>>("NetworkInterfaces", kCreateOnly),
                      number("Ipv6AddressCount", kCreateOnly),
                      property<List<ec2::InstanceIpv6Address>>("Ipv6Addresses", kCreateOnly),
                      text("IamInstanceProfile", kCreateOnly),
                      text("PrivateIpAddress", kCreateOnly),
                      boolean("Monitoring", kCreateOnly),
                      boolean("DisableApiTermination"),
                      boolean("SourceDestCheck"),
                      boolean("EbsOptimized", kCreateOnly),
                      text("InstanceInitiatedShutdownBehavior", kCreateOnly),
                      property<ec2::LaunchTemplateSpecification>("LaunchTemplate", kCreateOnly),
                      property<List<ec2::BlockDeviceMapping>>("BlockDeviceMappings", kCreateOnly),
                      property<ec2::CreditSpecificationRequest>("CreditSpecification", kCreateOnly),
                      property<ec2::InstanceMetadataOptionsRequest>("MetadataOptions", kCreateOnly),
                      property<Tags>("Tags")},
       .attributes = {"InstanceId", "PrivateIp", "PublicIp", "PrivateDnsName", "PublicDnsName", "AvailabilityZone",
                      "VpcId"},
       .create = create_instance,
       .settled = instance_settled,
       .update = update_instance,
       .remove = remove_instance,
       .gone = instance_gone},
      {.name = "AWS::EC2::KeyPair",
       .properties = {text("KeyName", kRequired | kCreateOnly), text("PublicKeyMaterial", kCreateOnly),
                      text("KeyType", kCreateOnly), text("KeyFormat", kCreateOnly),
                      property<Tags>("Tags", kCreateOnly)},
       .attributes = {"KeyPairId", "KeyFingerprint"},
       .name_property = "KeyName",
       .create = create_key,
       .remove = remove_key},
  };
  return types;
}

}  // namespace brume::cloudformation::resources
