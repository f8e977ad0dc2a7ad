// Launch templates and their versions.
#include <algorithm>
#include <charconv>

#include "base/json.h"
#include "services/common/ids.h"
#include "services/common/page.h"
#include "services/ec2/filters.h"
#include "services/ec2/instance_kinds.h"
#include "services/ec2/instance_operations.h"
#include "services/ec2/instance_requirements.h"
#include "services/ec2/instance_types.h"
#include "services/ec2/launch_parameters.h"
#include "services/ec2/lay_over.h"
#include "services/ec2/refusals.h"

namespace brume::ec2 {
namespace {

constexpr std::size_t kMaxTemplates = 5000, kMaxVersions = 10000;  // EC2 quotas, "launch templates"

std::optional<std::int64_t> number_in(std::string_view text) {
  std::int64_t number = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (error != std::errc() || end != text.data() + text.size() || number < 1) return std::nullopt;
  return number;
}

std::unexpected<Error> no_version(const LaunchTemplate& launch_template, std::string_view version) {
  return fail("InvalidLaunchTemplateId.VersionNotFound",
              "Could not find the specified version {} for the launch template with ID {}.", version,
              *launch_template.LaunchTemplateId);
}

Result<void> check_name(const std::string& name) {
  const bool well_formed = name.size() >= 3 && name.size() <= 128 && std::ranges::all_of(name, [](char c) {
                             return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
                                    std::string_view("().-/_").find(c) != std::string_view::npos;
                           });
  if (well_formed) return {};
  return fail("InvalidLaunchTemplateName.MalformedException",
              "A launch template name must be between 3 and 128 characters, and may contain letters, numbers, and the "
              "following characters: - ( ) . / _.");
}

// What AWS checks of a template before it keeps it; the rest is checked when it is used.
Result<ResponseLaunchTemplateData> checked(const aws::Call& call, const RequestLaunchTemplateData& data) {
  if (data.UserData) BRUME_CHECK(check_user_data(*data.UserData));
  if (data.InstanceRequirements) {
    if (data.InstanceType)
      return fail("InvalidParameterCombination",
                  "You can specify either InstanceRequirements or InstanceType in a launch template, not both");
    BRUME_CHECK(check_requirements(*data.InstanceRequirements));
  }
  for (const LaunchTemplateTagSpecificationRequest& specification : data.TagSpecifications)
    BRUME_CHECK(check_tags(call, specification.Tags));
  // The request's members have the names of the answer's, so they pass from one to the other by name.
  return from_json<ResponseLaunchTemplateData>(to_json(data));
}

constexpr FilterField<LaunchTemplate> kFields[] = {
    {"launch-template-name", [](const LaunchTemplate& t) { return value(t.LaunchTemplateName); }},
    {"create-time", [](const LaunchTemplate& t) { return Values{to_iso8601(*t.CreateTime)}; }},
};

template <auto member>
Values of_data(const LaunchTemplateVersion& version) {
  return version.LaunchTemplateData ? value((*version.LaunchTemplateData).*member) : Values();
}
constexpr FilterField<LaunchTemplateVersion> kVersionFields[] = {
    {"is-default-version", [](const LaunchTemplateVersion& v) { return value(v.DefaultVersion); }},
    {"create-time", [](const LaunchTemplateVersion& v) { return Values{to_iso8601(*v.CreateTime)}; }},
    {"image-id", of_data<&ResponseLaunchTemplateData::ImageId>},
    {"instance-type", of_data<&ResponseLaunchTemplateData::InstanceType>},
    {"ebs-optimized", of_data<&ResponseLaunchTemplateData::EbsOptimized>},
    {"kernel-id", of_data<&ResponseLaunchTemplateData::KernelId>},
    {"ram-disk-id", of_data<&ResponseLaunchTemplateData::RamDiskId>},
};

}  // namespace

Result<const LaunchTemplate*> InstanceOperations::find_template(const std::optional<std::string>& id,
                                                                const std::optional<std::string>& name) const {
  if (id && name)
    return fail("InvalidParameterCombination",
                "Specify either the launch template ID or the launch template name, but not both.");
  if (id) {
    if (const LaunchTemplate* found = launch_templates_.find(*id)) return found;
    if (!services::well_formed_id(*id, kLaunchTemplate.prefix)) return no_such(kLaunchTemplate, *id);
    return fail("InvalidLaunchTemplateId.NotFound",
                "The specified launch template, with template ID {}, does not exist.", *id);
  }
  if (!name)
    return fail("MissingParameter", "Either a launch template ID or a launch template name must be specified.");
  for (const auto& [key, launch_template] : launch_templates_.rows())
    if (launch_template.LaunchTemplateName == *name) return &launch_template;
  return fail("InvalidLaunchTemplateName.NotFoundException",
              "The specified launch template, with template name {}, does not exist.", *name);
}

Result<const LaunchTemplateVersion*> InstanceOperations::find_version(const LaunchTemplate& launch_template,
                                                                      std::string_view version) const {
  std::optional<std::int64_t> number;
  if (version == "$Latest")
    number = launch_template.LatestVersionNumber;
  else if (version == "$Default")
    number = launch_template.DefaultVersionNumber;
  else
    number = number_in(version);
  if (!number) return fail("InvalidLaunchTemplateVersion.Malformed", "Invalid launch template version: {}", version);
  if (const auto* found = launch_template_versions_.find(version_key(*launch_template.LaunchTemplateId, *number)))
    return found;
  return no_version(launch_template, version);
}

LaunchTemplate InstanceOperations::answer(const LaunchTemplate& launch_template) const {
  LaunchTemplate shown = launch_template;
  shown.Tags = network_.tags.of(*shown.LaunchTemplateId);
  return shown;
}

Result<CreateLaunchTemplateResult> InstanceOperations::CreateLaunchTemplate(
    const aws::Call& call, const CreateLaunchTemplateRequest& request) {
  const std::string name = request.LaunchTemplateName.value_or("");
  BRUME_CHECK(check_name(name));
  if (request.Operator) return unsupported("Brume does not support Operator.");
  if (find_template(std::nullopt, name))
    return fail("InvalidLaunchTemplateName.AlreadyExistsException", "Launch template name already in use.");
  if (launch_templates_.size() >= kMaxTemplates)
    return fail("LaunchTemplateLimitExceeded", "You have reached the limit of {} launch templates.", kMaxTemplates);
  BRUME_TRY(tags, tags_for(call, request.TagSpecifications, kLaunchTemplate.type));
  BRUME_TRY(data, checked(call, request.LaunchTemplateData.value_or(RequestLaunchTemplateData())));

  LaunchTemplate launch_template;
  const std::string id = services::new_id(context_.env.random, kLaunchTemplate.prefix);
  launch_template.LaunchTemplateId = id;
  launch_template.LaunchTemplateName = name;
  launch_template.CreateTime = std::chrono::floor<std::chrono::seconds>(context_.env.clock.wall());
  launch_template.CreatedBy = call.principal_arn;
  launch_template.DefaultVersionNumber = launch_template.LatestVersionNumber = 1;
  LaunchTemplateVersion version;
  version.LaunchTemplateId = id;
  version.LaunchTemplateName = name;
  version.VersionNumber = 1;
  version.VersionDescription = request.VersionDescription;
  version.CreateTime = launch_template.CreateTime;
  version.CreatedBy = call.principal_arn;
  version.DefaultVersion = true;
  version.LaunchTemplateData = std::move(data);
  launch_templates_.put(id, launch_template);
  launch_template_versions_.put(version_key(id, 1), std::move(version));
  BRUME_CHECK(network_.tags.set(id, kLaunchTemplate.type, tags));
  CreateLaunchTemplateResult result;
  result.LaunchTemplate = answer(launch_template);
  return unless_dry_run(request, std::move(result));
}

Result<CreateLaunchTemplateVersionResult> InstanceOperations::CreateLaunchTemplateVersion(
    const aws::Call& call, const CreateLaunchTemplateVersionRequest& request) {
  BRUME_TRY(found, find_template(request.LaunchTemplateId, request.LaunchTemplateName));
  LaunchTemplate launch_template = *found;
  const std::string id = *launch_template.LaunchTemplateId;
  const auto first = launch_template_versions_.rows().lower_bound(id + "/");
  const auto last = launch_template_versions_.rows().lower_bound(id + "0");  // '0' follows '/'
  if (std::size_t(std::distance(first, last)) >= kMaxVersions)
    return fail("LaunchTemplateVersionLimitExceeded",
                "You have reached the limit of {} versions for this launch template.", kMaxVersions);
  BRUME_TRY(data, checked(call, request.LaunchTemplateData.value_or(RequestLaunchTemplateData())));
  if (request.SourceVersion) {  // what the request says replaces the source's, member by member
    BRUME_TRY(source, find_version(launch_template, *request.SourceVersion));
    BRUME_TRY(merged, laid_over(source->LaunchTemplateData.value_or(ResponseLaunchTemplateData()), data));
    if (data.InstanceRequirements)  // one takes the other's place
      merged.InstanceType.reset();
    else if (data.InstanceType)
      merged.InstanceRequirements.reset();
    data = std::move(merged);
  }
  LaunchTemplateVersion version;
  version.LaunchTemplateId = id;
  version.LaunchTemplateName = launch_template.LaunchTemplateName;
  version.VersionNumber = *launch_template.LatestVersionNumber + 1;
  version.VersionDescription = request.VersionDescription;
  version.CreateTime = std::chrono::floor<std::chrono::seconds>(context_.env.clock.wall());
  version.CreatedBy = call.principal_arn;
  version.DefaultVersion = false;
  version.LaunchTemplateData = std::move(data);
  launch_template.LatestVersionNumber = version.VersionNumber;
  launch_templates_.put(id, std::move(launch_template));
  launch_template_versions_.put(version_key(id, *version.VersionNumber), version);
  CreateLaunchTemplateVersionResult result;
  result.LaunchTemplateVersion = std::move(version);
  return unless_dry_run(request, std::move(result));
}

Result<DescribeLaunchTemplatesResult> InstanceOperations::DescribeLaunchTemplates(
    const aws::Call&, const DescribeLaunchTemplatesRequest& request) {
  std::vector<LaunchTemplate> shown;
  std::vector<const LaunchTemplate*> chosen;
  for (const std::string& id : request.LaunchTemplateIds) {
    BRUME_TRY(found, find_template(id, std::nullopt));
    chosen.push_back(found);
  }
  for (const std::string& name : request.LaunchTemplateNames) {
    BRUME_TRY(found, find_template(std::nullopt, name));
    chosen.push_back(found);
  }
  if (request.LaunchTemplateIds.empty() && request.LaunchTemplateNames.empty())
    for (const auto& [id, launch_template] : launch_templates_.rows()) chosen.push_back(&launch_template);
  std::ranges::sort(chosen, {}, [](const LaunchTemplate* t) { return *t->LaunchTemplateId; });
  const auto repeated = std::ranges::unique(chosen);
  chosen.erase(repeated.begin(), repeated.end());
  for (const LaunchTemplate* launch_template : chosen) shown.push_back(answer(*launch_template));
  BRUME_TRY(page, filtered_page(std::move(shown), request, std::span<const FilterField<LaunchTemplate>>(kFields),
                                [](const LaunchTemplate& t) { return *t.LaunchTemplateId; }));
  DescribeLaunchTemplatesResult result;
  result.LaunchTemplates = std::move(page.items);
  result.NextToken = page.next_token;
  return unless_dry_run(request, std::move(result));
}

Result<DescribeLaunchTemplateVersionsResult> InstanceOperations::DescribeLaunchTemplateVersions(
    const aws::Call&, const DescribeLaunchTemplateVersionsRequest& request) {
  std::vector<LaunchTemplateVersion> shown;
  const auto all_of = [&](const LaunchTemplate& launch_template) {
    std::vector<LaunchTemplateVersion> versions;
    const std::string id = *launch_template.LaunchTemplateId + "/";
    for (auto row = launch_template_versions_.rows().lower_bound(id);
         row != launch_template_versions_.rows().end() && row->first.starts_with(id); ++row)
      versions.push_back(row->second);
    return versions;
  };
  if (!request.LaunchTemplateId && !request.LaunchTemplateName) {
    // Without a template: the latest or default version of every one.
    if (request.Versions.empty() ||
        std::ranges::any_of(request.Versions, [](const std::string& v) { return v != "$Latest" && v != "$Default"; }))
      return fail("MissingParameter", "Either a launch template ID or a launch template name must be specified.");
    for (const auto& [id, launch_template] : launch_templates_.rows())
      for (const std::string& name : request.Versions) {
        BRUME_TRY(version, find_version(launch_template, name));
        if (shown.empty() || version_key(*shown.back().LaunchTemplateId, *shown.back().VersionNumber) !=
                                 version_key(id, *version->VersionNumber))
          shown.push_back(*version);
      }
  } else {
    BRUME_TRY(launch_template, find_template(request.LaunchTemplateId, request.LaunchTemplateName));
    if (!request.Versions.empty()) {
      for (const std::string& name : request.Versions) {
        BRUME_TRY(version, find_version(*launch_template, name));
        shown.push_back(*version);
      }
    } else {
      const auto least = number_in(request.MinVersion.value_or("1")),
                 most = number_in(request.MaxVersion.value_or("9223372036854775807"));
      if (!least || !most) return fail("InvalidParameterValue", "MinVersion and MaxVersion must be version numbers");
      shown = all_of(*launch_template);
      std::erase_if(
          shown, [&](const LaunchTemplateVersion& v) { return *v.VersionNumber < *least || *v.VersionNumber > *most; });
    }
  }
  const auto key = [](const LaunchTemplateVersion& v) { return version_key(*v.LaunchTemplateId, *v.VersionNumber); };
  std::ranges::sort(shown, {}, key);
  const auto repeated = std::ranges::unique(shown, {}, key);
  shown.erase(repeated.begin(), repeated.end());
  BRUME_TRY(page, filtered_page(std::move(shown), request,
                                std::span<const FilterField<LaunchTemplateVersion>>(kVersionFields), key));
  DescribeLaunchTemplateVersionsResult result;
  result.LaunchTemplateVersions = std::move(page.items);
  result.NextToken = page.next_token;
  return unless_dry_run(request, std::move(result));
}

Result<ModifyLaunchTemplateResult> InstanceOperations::ModifyLaunchTemplate(
    const aws::Call&, const ModifyLaunchTemplateRequest& request) {
  BRUME_TRY(found, find_template(request.LaunchTemplateId, request.LaunchTemplateName));
  LaunchTemplate launch_template = *found;
  if (request.DefaultVersion) {
    BRUME_TRY(version, find_version(launch_template, *request.DefaultVersion));
    const std::int64_t number = *version->VersionNumber;
    const std::string id = *launch_template.LaunchTemplateId;
    const auto mark = [&](std::int64_t which, bool is_default) {
      launch_template_versions_.modify(version_key(id, which),
                                       [&](LaunchTemplateVersion& v) { v.DefaultVersion = is_default; });
    };
    mark(*launch_template.DefaultVersionNumber, false);
    mark(number, true);
    launch_template.DefaultVersionNumber = number;
    launch_templates_.put(id, launch_template);
  }
  ModifyLaunchTemplateResult result;
  result.LaunchTemplate = answer(launch_template);
  return unless_dry_run(request, std::move(result));
}

Result<DeleteLaunchTemplateResult> InstanceOperations::DeleteLaunchTemplate(
    const aws::Call&, const DeleteLaunchTemplateRequest& request) {
  BRUME_TRY(found, find_template(request.LaunchTemplateId, request.LaunchTemplateName));
  DeleteLaunchTemplateResult result;
  result.LaunchTemplate = answer(*found);
  const std::string id = *found->LaunchTemplateId;
  std::vector<std::string> versions;
  for (auto row = launch_template_versions_.rows().lower_bound(id + "/");
       row != launch_template_versions_.rows().end() && row->first.starts_with(id + "/"); ++row)
    versions.push_back(row->first);
  for (const std::string& key : versions) launch_template_versions_.erase(key);
  launch_templates_.erase(id);
  network_.tags.erase_all(id);
  return unless_dry_run(request, std::move(result));
}

Result<DeleteLaunchTemplateVersionsResult> InstanceOperations::DeleteLaunchTemplateVersions(
    const aws::Call&, const DeleteLaunchTemplateVersionsRequest& request) {
  BRUME_TRY(launch_template, find_template(request.LaunchTemplateId, request.LaunchTemplateName));
  const LaunchTemplate owner = *launch_template;
  DeleteLaunchTemplateVersionsResult result;
  for (const std::string& text : request.Versions) {
    const auto number = number_in(text);
    if (!number) return fail("InvalidLaunchTemplateVersion.Malformed", "Invalid launch template version: {}", text);
    const std::string key = version_key(*owner.LaunchTemplateId, *number);
    const bool is_default = *number == *owner.DefaultVersionNumber;
    if (is_default || !launch_template_versions_.contains(key)) {
      auto& refused = result.UnsuccessfullyDeletedLaunchTemplateVersions.emplace_back();
      refused.LaunchTemplateId = owner.LaunchTemplateId;
      refused.LaunchTemplateName = owner.LaunchTemplateName;
      refused.VersionNumber = *number;
      auto& error = refused.ResponseError.emplace();
      error.Code = is_default ? "launchTemplateVersionIsDefault" : "launchTemplateVersionDoesNotExist";
      error.Message = is_default ? "The default version of a launch template cannot be deleted."
                                 : "The launch template version does not exist.";
      continue;
    }
    launch_template_versions_.erase(key);
    auto& deleted = result.SuccessfullyDeletedLaunchTemplateVersions.emplace_back();
    deleted.LaunchTemplateId = owner.LaunchTemplateId;
    deleted.LaunchTemplateName = owner.LaunchTemplateName;
    deleted.VersionNumber = *number;
  }
  return unless_dry_run(request, std::move(result));
}

Result<GetLaunchTemplateDataResult> InstanceOperations::GetLaunchTemplateData(
    const aws::Call&, const GetLaunchTemplateDataRequest& request) {
  BRUME_TRY(record, find_instance(request.InstanceId));
  const Instance shown = answer(*record);
  GetLaunchTemplateDataResult result;
  auto& data = result.LaunchTemplateData.emplace();
  data.ImageId = shown.ImageId;
  data.InstanceType = shown.InstanceType;
  data.KeyName = shown.KeyName;
  data.EbsOptimized = shown.EbsOptimized;
  data.DisableApiTermination = record->disable_api_termination;
  data.DisableApiStop = record->disable_api_stop;
  data.InstanceInitiatedShutdownBehavior = record->shutdown_behavior;
  data.Monitoring.emplace().Enabled = shown.Monitoring->State == "enabled";
  if (!record->user_data.empty()) data.UserData = record->user_data;
  if (shown.IamInstanceProfile) data.IamInstanceProfile.emplace().Arn = shown.IamInstanceProfile->Arn;
  if (!record->cpu_credits.empty()) data.CreditSpecification.emplace().CpuCredits = record->cpu_credits;
  auto& placement = data.Placement.emplace();
  placement.AvailabilityZone = shown.Placement->AvailabilityZone;
  placement.Tenancy = shown.Placement->Tenancy;
  placement.GroupName = shown.Placement->GroupName;
  for (const InstanceNetworkInterface& interface : shown.NetworkInterfaces) {
    auto& specification = data.NetworkInterfaces.emplace_back();
    specification.DeviceIndex = interface.Attachment ? interface.Attachment->DeviceIndex : 0;
    specification.DeleteOnTermination = interface.Attachment ? interface.Attachment->DeleteOnTermination : true;
    specification.Description = interface.Description;
    specification.SubnetId = interface.SubnetId;
    for (const GroupIdentifier& group : interface.Groups) specification.Groups.push_back(*group.GroupId);
  }
  auto& mapping = data.BlockDeviceMappings.emplace_back();
  mapping.DeviceName = shown.RootDeviceName;
  BRUME_TRY(ebs, from_json<LaunchTemplateEbsBlockDevice>(to_json(record->root_volume)));
  mapping.Ebs = ebs;
  BRUME_TRY(metadata, from_json<LaunchTemplateInstanceMetadataOptions>(to_json(*shown.MetadataOptions)));
  data.MetadataOptions = metadata;
  List<Tag> own;
  for (const Tag& tag : shown.Tags)
    if (!tag.Key->starts_with("aws:")) own.push_back(tag);
  if (!own.empty()) data.TagSpecifications.push_back({.ResourceType = "instance", .Tags = own});
  return unless_dry_run(request, std::move(result));
}

}  // namespace brume::ec2
