// Images. RegisterImage imports from this machine: ImageLocation is file:///… of a root file system (a tarball, a
// folder or an OCI layout), where AWS has a manifest in S3.
#include <algorithm>

#include "aws/call.h"
#include "services/common/ids.h"
#include "services/ec2/filters.h"
#include "services/ec2/instance_kinds.h"
#include "services/ec2/instance_operations.h"
#include "services/ec2/refusals.h"

namespace brume::ec2 {
namespace {

constexpr FilterField<Image> kFields[] = {
    {"image-id", [](const Image& i) { return value(i.ImageId); }},
    {"name", [](const Image& i) { return value(i.Name); }},
    {"description", [](const Image& i) { return value(i.Description); }},
    {"state", [](const Image& i) { return value(i.State); }},
    {"architecture", [](const Image& i) { return value(i.Architecture); }},
    {"owner-id", [](const Image& i) { return value(i.OwnerId); }},
    {"owner-alias", [](const Image& i) { return value(i.ImageOwnerAlias); }},
    {"is-public", [](const Image& i) { return value(i.Public); }},
    {"image-type", [](const Image& i) { return value(i.ImageType); }},
    {"manifest-location", [](const Image& i) { return value(i.ImageLocation); }},
    {"hypervisor", [](const Image& i) { return value(i.Hypervisor); }},
    {"platform", [](const Image& i) { return value(i.Platform); }},
    {"root-device-name", [](const Image& i) { return value(i.RootDeviceName); }},
    {"root-device-type", [](const Image& i) { return value(i.RootDeviceType); }},
    {"virtualization-type", [](const Image& i) { return value(i.VirtualizationType); }},
    {"ena-support", [](const Image& i) { return value(i.EnaSupport); }},
    {"creation-date", [](const Image& i) { return value(i.CreationDate); }},
    {"source-instance-id", [](const Image& i) { return value(i.SourceInstanceId); }},
    {"imds-support", [](const Image& i) { return value(i.ImdsSupport); }},
    {"state-reason-code", [](const Image& i) { return i.StateReason ? value(i.StateReason->Code) : Values(); }},
    {"state-reason-message", [](const Image& i) { return i.StateReason ? value(i.StateReason->Message) : Values(); }},
    {"block-device-mapping.device-name",
     [](const Image& i) {
       return each(i.BlockDeviceMappings, [](const BlockDeviceMapping& m) { return m.DeviceName; });
     }},
};

Result<void> check_registration(const RegisterImageRequest& request, const store::Table<Image>& images) {
  const std::string name = request.Name.value_or("");
  constexpr std::string_view kMarks = "()[]. /-'@_";
  if (name.size() < 3 || name.size() > 128 || !std::ranges::all_of(name, [&](char c) {
        return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
               kMarks.find(c) != kMarks.npos;
      }))
    return fail("InvalidAMIName.Malformed",
                "AMI names must be between 3 and 128 characters long, and may contain letters, numbers, '(', ')', '.', "
                "'-', '/' and '_'");
  for (const auto& [id, image] : images.rows())
    if (image.Name == name && image.State != "deregistered" && image.State != "failed")
      return fail("InvalidAMIName.Duplicate", "AMI name {} is already in use by AMI {}", name, id);
  if (!request.ImageLocation)
    return unsupported(
        "Brume registers images from a root file system on this machine: pass ImageLocation as file:///path.");
  if (!image_path(*request.ImageLocation))
    return fail("InvalidParameterValue",
                "Value ({}) for parameter imageLocation is invalid: it must be file:// and an absolute path.",
                *request.ImageLocation);
  if (request.Architecture.value_or("x86_64") != "x86_64")
    return unsupported("Brume does not support Architecture '{}'.", *request.Architecture);
  const std::pair<bool, const char*> refused[] = {
      {request.KernelId.has_value(), "KernelId"},
      {request.RamdiskId.has_value(), "RamdiskId"},
      {!request.BillingProducts.empty(), "BillingProducts"},
      {request.TpmSupport.has_value(), "TpmSupport"},
      {request.UefiData.has_value(), "UefiData"},
      {request.VirtualizationType.value_or("hvm") != "hvm", "VirtualizationType other than hvm"},
      {request.BlockDeviceMappings.size() > 1, "more than one block device mapping"},
      {!request.BlockDeviceMappings.empty() && request.BlockDeviceMappings[0].Ebs &&
           (request.BlockDeviceMappings[0].Ebs->SnapshotId ||
            request.BlockDeviceMappings[0].Ebs->Encrypted.value_or(false)),
       "snapshots or encryption in BlockDeviceMappings"},
  };
  // BootMode, EnaSupport and SriovNetSupport are matters of hardware.
  for (const auto& [present, what] : refused)
    if (present) return unsupported("Brume does not support {}.", what);
  return {};
}

}  // namespace

Result<RegisterImageResult> InstanceOperations::RegisterImage(const aws::Call& call,
                                                              const RegisterImageRequest& request) {
  BRUME_CHECK(check_registration(request, image_table_));
  BRUME_TRY(tags, tags_for(call, request.TagSpecifications, kImage.type, {"snapshot"}));
  Image image;
  const std::string id = services::new_id(context_.env.random, kImage.prefix);
  image.ImageId = id;
  image.Name = request.Name;
  image.Description = request.Description;
  image.ImageLocation = request.ImageLocation;
  image.State = "pending";
  image.OwnerId = aws::kAccount;
  image.Public = false;
  image.CreationDate = to_iso8601(context_.env.clock.wall(), true);
  image.Architecture = "x86_64";
  image.ImageType = "machine";
  image.PlatformDetails = "Linux/UNIX";
  image.UsageOperation = "RunInstances";
  image.Hypervisor = "xen";
  image.VirtualizationType = "hvm";
  image.EnaSupport = request.EnaSupport.value_or(true);
  image.SriovNetSupport = request.SriovNetSupport;
  image.BootMode = request.BootMode;
  image.ImdsSupport = request.ImdsSupport;
  image.RootDeviceType = "ebs";
  image.RootDeviceName = request.RootDeviceName.value_or("/dev/xvda");
  BlockDeviceMapping mapping =
      request.BlockDeviceMappings.empty() ? BlockDeviceMapping() : request.BlockDeviceMappings[0];
  mapping.DeviceName = mapping.DeviceName.value_or(*image.RootDeviceName);
  if (!mapping.Ebs) mapping.Ebs.emplace();
  mapping.Ebs->VolumeSize = mapping.Ebs->VolumeSize.value_or(8);
  mapping.Ebs->VolumeType = mapping.Ebs->VolumeType.value_or("gp2");
  mapping.Ebs->DeleteOnTermination = mapping.Ebs->DeleteOnTermination.value_or(true);
  mapping.Ebs->Encrypted = false;
  image.BlockDeviceMappings.push_back(std::move(mapping));
  image_table_.put(id, std::move(image));
  BRUME_CHECK(network_.tags.set(id, kImage.type, tags));
  context_.store.after_commit([this] { image_controller_.wake(); });
  RegisterImageResult result;
  result.ImageId = id;
  return unless_dry_run(request, std::move(result));
}

Result<const Image*> InstanceOperations::find_image(const std::optional<std::string>& id) const {
  const Image* image = image_table_.find(id.value_or(""));
  if (image && image->State != "deregistered") return image;
  if (!services::well_formed_id(id.value_or(""), kImage.prefix)) return no_such(kImage, id.value_or(""));
  return fail(kImage.not_found, "The image id '[{}]' does not exist", *id);
}

Result<DeregisterImageResult> InstanceOperations::DeregisterImage(const aws::Call&,
                                                                  const DeregisterImageRequest& request) {
  const std::string id = request.ImageId.value_or("");
  if (const Image* image = image_table_.find(id); image && image->State == "deregistered")
    return fail("InvalidAMIID.Unavailable", "The image ID '{}' is no longer available", id);
  BRUME_CHECK(find_image(id));
  image_table_.modify(id, [](Image& image) { image.State = "deregistered"; });
  network_.tags.erase_all(id);
  context_.store.after_commit([this, id] {
    context_.hints.publish(id);
    image_controller_.wake();
  });
  DeregisterImageResult result;
  result.Return = true;
  return unless_dry_run(request, std::move(result));
}

Result<DescribeImagesResult> InstanceOperations::DescribeImages(const aws::Call&,
                                                                const DescribeImagesRequest& request) {
  // Every image is the account's own and for it alone: other owners ("amazon", another account) have none here, and
  // only the account itself may launch them.
  const auto own = [](std::string_view who) { return who == "self" || who == aws::kAccount; };
  const bool owned = request.Owners.empty() || std::ranges::any_of(request.Owners, own);
  const bool executable = request.ExecutableUsers.empty() || std::ranges::any_of(request.ExecutableUsers, own);
  std::vector<Image> shown;
  const auto add = [&](const Image& image) {
    if (owned && executable) shown.emplace_back(image).Tags = network_.tags.of(*image.ImageId);
  };
  if (request.ImageIds.empty()) {
    for (const auto& [id, image] : image_table_.rows())
      if (image.State != "deregistered") add(image);
  } else {
    List<std::string> ids = request.ImageIds;
    std::ranges::sort(ids);
    const auto repeated = std::ranges::unique(ids);
    ids.erase(repeated.begin(), repeated.end());
    for (const std::string& id : ids) {
      BRUME_TRY(image, find_image(id));
      add(*image);
    }
  }
  BRUME_TRY(page, filtered_page(std::move(shown), request, std::span<const FilterField<Image>>(kFields),
                                [](const Image& image) { return *image.ImageId; }));
  DescribeImagesResult result;
  result.Images = std::move(page.items);
  for (Image& image : result.Images) image.BlockDeviceMappings.set_present();
  result.NextToken = page.next_token;
  return unless_dry_run(request, std::move(result));
}

Result<ImageAttribute> InstanceOperations::DescribeImageAttribute(const aws::Call&,
                                                                  const DescribeImageAttributeRequest& request) {
  BRUME_TRY(image, find_image(request.ImageId));
  ImageAttribute result;
  result.ImageId = request.ImageId;
  const std::string attribute = request.Attribute.value_or("");
  const auto text = [](const std::optional<std::string>& from) {
    AttributeValue to;
    to.Value = from;
    return to;
  };
  if (attribute == "description")
    result.Description = text(image->Description);
  else if (attribute == "launchPermission")
    result.LaunchPermissions.set_present();
  else if (attribute == "productCodes")
    result.ProductCodes.set_present();
  else if (attribute == "blockDeviceMapping")
    result.BlockDeviceMappings = image->BlockDeviceMappings;
  else if (attribute == "bootMode")
    result.BootMode = text(image->BootMode);
  else if (attribute == "imdsSupport")
    result.ImdsSupport = text(image->ImdsSupport);
  else if (attribute == "sriovNetSupport")
    result.SriovNetSupport = text(image->SriovNetSupport);
  else if (attribute == "kernel")
    result.KernelId = text(image->KernelId);
  else if (attribute == "ramdisk")
    result.RamdiskId = text(image->RamdiskId);
  else
    return unsupported("Brume does not support the image attribute '{}'.", attribute);
  return unless_dry_run(request, std::move(result));
}

}  // namespace brume::ec2
