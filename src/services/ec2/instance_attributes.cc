// Attributes of instances: reading and changing what RunInstances set.
#include <algorithm>

#include "base/base64.h"
#include "services/common/page.h"
#include "services/ec2/filters.h"
#include "services/ec2/instance_kinds.h"
#include "services/ec2/instance_operations.h"
#include "services/ec2/instance_types.h"
#include "services/ec2/launch_parameters.h"
#include "services/ec2/refusals.h"

namespace brume::ec2 {
namespace {

AttributeValue text(std::optional<std::string> from) {
  AttributeValue to;
  to.Value = std::move(from);
  return to;
}

AttributeBooleanValue flag(bool from) {
  AttributeBooleanValue to;
  to.Value = from;
  return to;
}

// The form with Attribute and Value is the older one; this makes the newer of it.
Result<ModifyInstanceAttributeRequest> normal_form(ModifyInstanceAttributeRequest request) {
  if (!request.Attribute) return request;
  const std::string attribute = *request.Attribute;
  if (attribute == "groupSet" || attribute == "blockDeviceMapping") return request;
  if (!request.Value) return fail("MissingParameter", "The request must contain the parameter Value");
  const std::string& given = *request.Value;
  if (given != "true" && given != "false" &&
      (attribute.starts_with("disableApi") || attribute == "sourceDestCheck" || attribute == "ebsOptimized" ||
       attribute == "enaSupport"))
    return fail("InvalidParameterValue", "Invalid value '{}' for {}: it must be true or false", given, attribute);
  const AttributeBooleanValue on = flag(given == "true");
  if (attribute == "instanceType")
    request.InstanceType = text(given);
  else if (attribute == "userData") {
    const auto bytes = base64_decode(given);
    if (!bytes) return fail("InvalidUserData.Malformed", "Invalid BASE64 encoding of user data.");
    request.UserData.emplace().Value = Blob{*bytes};
  } else if (attribute == "instanceInitiatedShutdownBehavior")
    request.InstanceInitiatedShutdownBehavior = text(given);
  else if (attribute == "disableApiTermination")
    request.DisableApiTermination = on;
  else if (attribute == "disableApiStop")
    request.DisableApiStop = on;
  else if (attribute == "sourceDestCheck")
    request.SourceDestCheck = on;
  else if (attribute == "ebsOptimized")
    request.EbsOptimized = on;
  else if (attribute == "enaSupport")
    request.EnaSupport = on;
  else
    return unsupported("Brume does not support changing the attribute '{}'.", attribute);
  return request;
}

constexpr FilterField<Volume> kVolumeFields[] = {
    {"volume-id", [](const Volume& v) { return value(v.VolumeId); }},
    {"status", [](const Volume& v) { return value(v.State); }},
    {"size", [](const Volume& v) { return value(v.Size); }},
    {"volume-type", [](const Volume& v) { return value(v.VolumeType); }},
    {"availability-zone", [](const Volume& v) { return value(v.AvailabilityZone); }},
    {"encrypted", [](const Volume& v) { return value(v.Encrypted); }},
    {"snapshot-id", [](const Volume& v) { return value(v.SnapshotId); }},
    {"create-time", [](const Volume& v) { return Values{to_iso8601(*v.CreateTime)}; }},
    {"attachment.instance-id",
     [](const Volume& v) { return each(v.Attachments, [](const VolumeAttachment& a) { return a.InstanceId; }); }},
    {"attachment.device",
     [](const Volume& v) { return each(v.Attachments, [](const VolumeAttachment& a) { return a.Device; }); }},
    {"attachment.status",
     [](const Volume& v) { return each(v.Attachments, [](const VolumeAttachment& a) { return a.State; }); }},
    {"attachment.delete-on-termination",
     [](const Volume& v) {
       return each(v.Attachments, [](const VolumeAttachment& a) { return a.DeleteOnTermination; });
     }},
};

constexpr FilterField<InstanceCreditSpecification> kCreditFields[] = {
    {"instance-id", [](const InstanceCreditSpecification& c) { return value(c.InstanceId); }},
};
constexpr FilterField<IamInstanceProfileAssociation> kAssociationFields[] = {
    {"instance-id", [](const IamInstanceProfileAssociation& a) { return value(a.InstanceId); }},
    {"state", [](const IamInstanceProfileAssociation& a) { return value(a.State); }},
};

}  // namespace

Result<InstanceAttribute> InstanceOperations::DescribeInstanceAttribute(
    const aws::Call&, const DescribeInstanceAttributeRequest& request) {
  BRUME_TRY(record, find_instance(request.InstanceId));
  const Instance& instance = record->instance;
  InstanceAttribute result;
  result.InstanceId = request.InstanceId;
  const std::string attribute = request.Attribute.value_or("");
  if (attribute == "instanceType")
    result.InstanceType = text(instance.InstanceType);
  else if (attribute == "userData")
    result.UserData = text(record->user_data.empty() ? std::nullopt : std::optional(record->user_data));
  else if (attribute == "disableApiTermination")
    result.DisableApiTermination = flag(record->disable_api_termination);
  else if (attribute == "disableApiStop")
    result.DisableApiStop = flag(record->disable_api_stop);
  else if (attribute == "instanceInitiatedShutdownBehavior")
    result.InstanceInitiatedShutdownBehavior = text(record->shutdown_behavior);
  else if (attribute == "rootDeviceName")
    result.RootDeviceName = text(instance.RootDeviceName);
  else if (attribute == "ebsOptimized")
    result.EbsOptimized = flag(instance.EbsOptimized.value_or(false));
  else if (attribute == "enaSupport")
    result.EnaSupport = flag(instance.EnaSupport.value_or(false));
  else if (attribute == "sourceDestCheck")
    result.SourceDestCheck = flag(answer(*record).SourceDestCheck.value_or(true));
  else if (attribute == "blockDeviceMapping") {
    result.BlockDeviceMappings = instance.BlockDeviceMappings;
    result.BlockDeviceMappings.set_present();
  } else if (attribute == "groupSet") {
    result.Groups = answer(*record).SecurityGroups;
    result.Groups.set_present();
  } else if (attribute == "productCodes")
    result.ProductCodes.set_present();
  else if (attribute == "kernel")
    result.KernelId = text(std::nullopt);
  else if (attribute == "ramdisk")
    result.RamdiskId = text(std::nullopt);
  else if (attribute == "sriovNetSupport")
    result.SriovNetSupport = text(std::nullopt);
  else if (attribute == "enclaveOptions")
    result.EnclaveOptions = instance.EnclaveOptions;
  else
    return fail("InvalidParameterValue", "Value ({}) for parameter attribute is invalid. Unknown attribute.",
                attribute);
  return unless_dry_run(request, std::move(result));
}

Result<void> InstanceOperations::ModifyInstanceAttribute(const aws::Call& call,
                                                         const ModifyInstanceAttributeRequest& original) {
  BRUME_TRY(found, find_instance(original.InstanceId));
  BRUME_TRY(request, normal_form(original));
  InstanceRecord record = *found;
  Instance& instance = record.instance;
  const std::string id = *instance.InstanceId;
  if (record.state() == InstanceStateCode::terminated || record.state() == InstanceStateCode::shutting_down)
    return fail("IncorrectInstanceState",
                "The instance '{}' is not in a state from which its attributes can be changed.", id);
  const bool stopped = record.state() == InstanceStateCode::stopped;
  const auto needs_stopped = [&](std::string_view attribute) {
    return fail("IncorrectInstanceState", "The instance '{}' is not in the 'stopped' state: {} cannot be changed.", id,
                attribute);
  };
  const std::pair<bool, const char*> refused[] = {
      {request.Kernel.has_value(), "kernel"},
      {request.Ramdisk.has_value(), "ramdisk"},
      {request.SriovNetSupport.has_value(), "sriovNetSupport"},
  };
  for (const auto& [present, what] : refused)
    if (present) return unsupported("Brume does not support changing the attribute '{}'.", what);
  for (const InstanceBlockDeviceMappingSpecification& mapping : request.BlockDeviceMappings)
    if (mapping.NoDevice || mapping.VirtualName || mapping.DeviceName != instance.RootDeviceName ||
        (mapping.Ebs && !mapping.Ebs->DeleteOnTermination.value_or(true)))
      return unsupported("Brume does not support volumes that outlive their instance (DeleteOnTermination).");
  if (request.InstanceType) {
    if (!stopped) return needs_stopped("instanceType");
    const InstanceType* type = find_instance_type(request.InstanceType->Value.value_or(""));
    if (!type)
      return fail("InvalidInstanceAttributeValue", "Invalid value '{}' for InstanceType.",
                  request.InstanceType->Value.value_or(""));
    instance.InstanceType = std::string(type->name);
    instance.CpuOptions->CoreCount = type->vcpus / threads_per_core(*type);
    instance.CpuOptions->ThreadsPerCore = threads_per_core(*type);
    if (!type->burstable())
      record.cpu_credits.clear();
    else if (record.cpu_credits.empty())
      record.cpu_credits = type->family() == "t2" ? "standard" : "unlimited";
  }
  if (request.UserData) {
    if (!stopped) return needs_stopped("userData");
    const std::string base64 = base64_encode(request.UserData->Value.value_or(Blob()).bytes);
    BRUME_CHECK(check_user_data(base64));
    record.user_data = base64;
  }
  if (request.InstanceInitiatedShutdownBehavior) {
    const std::string behavior = request.InstanceInitiatedShutdownBehavior->Value.value_or("");
    if (behavior != "stop" && behavior != "terminate")
      return fail("InvalidParameterValue", "Invalid value '{}' for instanceInitiatedShutdownBehavior", behavior);
    record.shutdown_behavior = behavior;
  }
  if (request.DisableApiTermination && request.DisableApiTermination->Value.value_or(false) && record.is_spot())
    return fail("InvalidParameterCombination", "Termination protection is not supported for Spot Instances.");
  if (request.DisableApiTermination)
    record.disable_api_termination = request.DisableApiTermination->Value.value_or(false);
  if (request.DisableApiStop) record.disable_api_stop = request.DisableApiStop->Value.value_or(false);
  if (request.EbsOptimized) instance.EbsOptimized = request.EbsOptimized->Value;
  if (request.EnaSupport) instance.EnaSupport = request.EnaSupport->Value;
  if (!record.interfaces.empty()) {
    // Both are the primary interface's. Its operation takes one of them a call.
    ModifyNetworkInterfaceAttributeRequest change;
    change.NetworkInterfaceId = record.interfaces[0];
    if (request.SourceDestCheck) {
      change.SourceDestCheck = request.SourceDestCheck;
      BRUME_CHECK(ModifyNetworkInterfaceAttribute(call, change));
      change.SourceDestCheck.reset();
    }
    if (!request.Groups.empty()) {
      change.Groups = request.Groups;
      BRUME_CHECK(ModifyNetworkInterfaceAttribute(call, change));
    }
  }
  put(id, std::move(record));
  return unless_dry_run(original);
}

Result<ModifyInstanceMetadataOptionsResult> InstanceOperations::ModifyInstanceMetadataOptions(
    const aws::Call&, const ModifyInstanceMetadataOptionsRequest& request) {
  BRUME_TRY(found, find_instance(request.InstanceId));
  if (found->state() == InstanceStateCode::terminated)
    return fail("IncorrectInstanceState",
                "The instance '{}' is not in a state from which its metadata options can be changed.",
                *request.InstanceId);
  if (request.HttpProtocolIpv6.value_or("disabled") == "enabled")
    return unsupported("Brume does not support HttpProtocolIpv6.");
  InstanceRecord record = *found;
  InstanceMetadataOptionsResponse& options = *record.instance.MetadataOptions;
  if (request.HttpPutResponseHopLimit &&
      (*request.HttpPutResponseHopLimit < 1 || *request.HttpPutResponseHopLimit > 64))
    return fail("InvalidParameterValue", "HttpPutResponseHopLimit must be between 1 and 64");
  if (request.HttpTokens) options.HttpTokens = request.HttpTokens;
  if (request.HttpPutResponseHopLimit) options.HttpPutResponseHopLimit = request.HttpPutResponseHopLimit;
  if (request.HttpEndpoint) options.HttpEndpoint = request.HttpEndpoint;
  if (request.InstanceMetadataTags) options.InstanceMetadataTags = request.InstanceMetadataTags;
  ModifyInstanceMetadataOptionsResult result;
  result.InstanceId = request.InstanceId;
  result.InstanceMetadataOptions = options;
  put(*request.InstanceId, std::move(record));
  return unless_dry_run(request, std::move(result));
}

template <typename Answer, typename Request>
Result<Answer> InstanceOperations::set_monitoring(const Request& request, bool detailed) {
  if (request.InstanceIds.empty()) return fail("MissingParameter", "The request must contain the parameter InstanceId");
  BRUME_TRY(found, find_instances(request.InstanceIds));
  Answer answer;
  for (const InstanceRecord* instance : found) {
    const std::string& id = *instance->instance.InstanceId;
    if (instance->state() == InstanceStateCode::terminated)
      return fail("IncorrectInstanceState",
                  "The instance '{}' is not in a state from which its monitoring can be changed.", id);
    InstanceRecord record = *instance;
    record.instance.Monitoring.emplace().State = detailed ? "enabled" : "disabled";
    InstanceMonitoring& shown = answer.InstanceMonitorings.emplace_back();
    shown.InstanceId = id;
    shown.Monitoring = record.instance.Monitoring;
    put(id, std::move(record));
  }
  return unless_dry_run(request, std::move(answer));
}

Result<MonitorInstancesResult> InstanceOperations::MonitorInstances(const aws::Call&,
                                                                    const MonitorInstancesRequest& request) {
  return set_monitoring<MonitorInstancesResult>(request, true);
}

Result<UnmonitorInstancesResult> InstanceOperations::UnmonitorInstances(const aws::Call&,
                                                                        const UnmonitorInstancesRequest& request) {
  return set_monitoring<UnmonitorInstancesResult>(request, false);
}

Result<DescribeInstanceCreditSpecificationsResult> InstanceOperations::DescribeInstanceCreditSpecifications(
    const aws::Call&, const DescribeInstanceCreditSpecificationsRequest& request) {
  BRUME_TRY(found, find_instances(request.InstanceIds));
  std::vector<InstanceCreditSpecification> shown;
  for (const InstanceRecord* record : found) {
    if (record->cpu_credits.empty()) {
      if (request.InstanceIds.empty()) continue;
      return fail("InvalidParameterValue", "The instance '{}' does not have CPU credits", *record->instance.InstanceId);
    }
    // Without ids, AWS lists only those with unlimited credits.
    if (request.InstanceIds.empty() && record->cpu_credits != "unlimited") continue;
    auto& credit = shown.emplace_back();
    credit.InstanceId = record->instance.InstanceId;
    credit.CpuCredits = record->cpu_credits;
  }
  BRUME_TRY(page, filtered_page(std::move(shown), request,
                                std::span<const FilterField<InstanceCreditSpecification>>(kCreditFields),
                                [](const InstanceCreditSpecification& c) { return *c.InstanceId; }));
  DescribeInstanceCreditSpecificationsResult result;
  result.InstanceCreditSpecifications = std::move(page.items);
  result.NextToken = page.next_token;
  return unless_dry_run(request, std::move(result));
}

Result<DescribeIamInstanceProfileAssociationsResult> InstanceOperations::DescribeIamInstanceProfileAssociations(
    const aws::Call&, const DescribeIamInstanceProfileAssociationsRequest& request) {
  std::vector<IamInstanceProfileAssociation> shown;
  for (const auto& [id, record] : instances_.rows()) {
    if (!record.instance.IamInstanceProfile) continue;
    if (!request.AssociationIds.empty() &&
        std::ranges::find(request.AssociationIds, record.profile_association_id) == request.AssociationIds.end())
      continue;
    auto& association = shown.emplace_back();
    association.AssociationId = record.profile_association_id;
    association.InstanceId = id;
    association.IamInstanceProfile = record.instance.IamInstanceProfile;
    association.State = "associated";
  }
  if (shown.empty() && !request.AssociationIds.empty())
    return fail("InvalidAssociationID.NotFound", "The association ID '{}' does not exist", request.AssociationIds[0]);
  const auto key = [](const IamInstanceProfileAssociation& a) { return *a.AssociationId; };
  std::ranges::sort(shown, {}, key);
  BRUME_TRY(page, filtered_page(std::move(shown), request,
                                std::span<const FilterField<IamInstanceProfileAssociation>>(kAssociationFields), key));
  DescribeIamInstanceProfileAssociationsResult result;
  result.IamInstanceProfileAssociations = std::move(page.items);
  result.NextToken = page.next_token;
  return result;
}

// The instances' disks. There are no volumes apart from instances.
Result<DescribeVolumesResult> InstanceOperations::DescribeVolumes(const aws::Call&,
                                                                  const DescribeVolumesRequest& request) {
  std::vector<Volume> shown;
  for (const auto& [id, record] : instances_.rows()) {
    if (record.state() == InstanceStateCode::terminated) continue;
    if (!request.VolumeIds.empty() && std::ranges::find(request.VolumeIds, record.volume_id) == request.VolumeIds.end())
      continue;
    Volume& volume = shown.emplace_back();
    volume.VolumeId = record.volume_id;
    volume.AvailabilityZone = record.instance.Placement->AvailabilityZone;
    volume.AvailabilityZoneId = record.instance.Placement->AvailabilityZoneId;
    volume.CreateTime = record.instance.UsageOperationUpdateTime;
    volume.State = "in-use";
    volume.Size = record.root_volume.VolumeSize;
    volume.VolumeType = record.root_volume.VolumeType;
    volume.Iops = record.root_volume.Iops;
    volume.Throughput = record.root_volume.Throughput;
    volume.SnapshotId = record.root_volume.SnapshotId.value_or("");
    volume.Encrypted = false;
    volume.MultiAttachEnabled = false;
    volume.Tags = network_.tags.of(record.volume_id);
    auto& attachment = volume.Attachments.emplace_back();
    attachment.VolumeId = record.volume_id;
    attachment.InstanceId = id;
    attachment.Device = record.instance.RootDeviceName;
    attachment.State = "attached";
    attachment.AttachTime = volume.CreateTime;
    attachment.DeleteOnTermination = record.root_volume.DeleteOnTermination;
  }
  for (const std::string& id : request.VolumeIds)
    if (std::ranges::none_of(shown, [&](const Volume& volume) { return volume.VolumeId == id; })) {
      if (!services::well_formed_id(id, kVolume.prefix)) return no_such(kVolume, id);
      return fail(kVolume.not_found, "The volume '{}' does not exist.", id);
    }
  const auto key = [](const Volume& volume) { return *volume.VolumeId; };
  std::ranges::sort(shown, {}, key);
  BRUME_TRY(page, filtered_page(std::move(shown), request, std::span<const FilterField<Volume>>(kVolumeFields), key));
  DescribeVolumesResult result;
  result.Volumes = std::move(page.items);
  result.NextToken = page.next_token;
  return unless_dry_run(request, std::move(result));
}

}  // namespace brume::ec2
