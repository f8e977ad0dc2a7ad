// Instance profiles: what carries a role to an instance.
#include "services/iam/details.h"
#include "services/iam/service.h"

namespace brume::iam {

Result<const ProfileRecord*> Service::find_profile_record(const std::string& name) const {
  const ProfileRecord* record = profiles_.find(name);
  if (!record) return fail("NoSuchEntity", "Instance Profile {} cannot be found.", name);
  return record;
}

InstanceProfile Service::with_role(const ProfileRecord& record) const {
  InstanceProfile profile = record.profile;
  profile.Roles.set_present();
  if (const RoleRecord* role = record.role.empty() ? nullptr : roles_.find(record.role)) {
    profile.Roles.push_back(role->role);
    profile.Roles.back().Tags.clear();
    profile.Roles.back().AssumeRolePolicyDocument = percent_encode(*role->role.AssumeRolePolicyDocument);
  }
  return profile;
}

std::optional<InstanceProfile> Service::find_profile(std::string_view name_or_arn) const {
  for (const auto& [name, record] : profiles_.rows())
    if (name == name_or_arn || *record.profile.Arn == name_or_arn) return with_role(record);
  return std::nullopt;
}

Result<CreateInstanceProfileResponse> Service::CreateInstanceProfile(const Call&,
                                                                     const CreateInstanceProfileRequest& request) {
  const std::string& name = *request.InstanceProfileName;
  if (profiles_.contains(name)) return fail("EntityAlreadyExists", "Instance Profile {} already exists.", name);
  ProfileRecord record;
  record.profile.Path = request.Path.value_or("/");
  record.profile.InstanceProfileName = name;
  record.profile.InstanceProfileId = unique_id("AIPA");
  record.profile.Arn = iam_arn("instance-profile", *record.profile.Path, name);
  record.profile.CreateDate = std::chrono::floor<std::chrono::seconds>(context_.env.clock.wall());
  BRUME_CHECK(merge_tags(record.profile.Tags, request.Tags));
  profiles_.put(name, record);
  return CreateInstanceProfileResponse{with_role(record)};
}

Result<GetInstanceProfileResponse> Service::GetInstanceProfile(const Call&, const GetInstanceProfileRequest& request) {
  BRUME_TRY(record, find_profile_record(*request.InstanceProfileName));
  return GetInstanceProfileResponse{with_role(*record)};
}

Result<ListInstanceProfilesResponse> Service::ListInstanceProfiles(const Call&,
                                                                   const ListInstanceProfilesRequest& request) {
  std::vector<InstanceProfile> found;
  for (const auto& [name, record] : profiles_.rows()) {
    if (!record.profile.Path->starts_with(request.PathPrefix.value_or("/"))) continue;
    found.push_back(with_role(record));
    found.back().Tags.clear();
  }
  return list_answer(&ListInstanceProfilesResponse::InstanceProfiles, std::move(found), request,
                     [](const InstanceProfile& p) { return *p.InstanceProfileName; });
}

Result<ListInstanceProfilesForRoleResponse> Service::ListInstanceProfilesForRole(
    const Call&, const ListInstanceProfilesForRoleRequest& request) {
  BRUME_CHECK(find_role(*request.RoleName));
  std::vector<InstanceProfile> found;
  for (const auto& [name, record] : profiles_.rows())
    if (record.role == *request.RoleName) found.push_back(with_role(record));
  return list_answer(&ListInstanceProfilesForRoleResponse::InstanceProfiles, std::move(found), request,
                     [](const InstanceProfile& p) { return *p.InstanceProfileName; });
}

Result<void> Service::DeleteInstanceProfile(const Call&, const DeleteInstanceProfileRequest& request) {
  BRUME_TRY(record, find_profile_record(*request.InstanceProfileName));
  if (!record->role.empty())
    return fail("DeleteConflict", "Cannot delete entity, must remove roles from instance profile first.");
  profiles_.erase(*request.InstanceProfileName);
  return {};
}

Result<void> Service::AddRoleToInstanceProfile(const Call&, const AddRoleToInstanceProfileRequest& request) {
  BRUME_TRY(record, find_profile_record(*request.InstanceProfileName));
  BRUME_CHECK(find_role(*request.RoleName));
  if (!record->role.empty())
    return fail("LimitExceeded", "Cannot exceed quota for InstanceSessionsPerInstanceProfile: 1");
  profiles_.modify(*request.InstanceProfileName, [&](ProfileRecord& changed) { changed.role = *request.RoleName; });
  return {};
}

Result<void> Service::RemoveRoleFromInstanceProfile(const Call&, const RemoveRoleFromInstanceProfileRequest& request) {
  BRUME_TRY(record, find_profile_record(*request.InstanceProfileName));
  if (record->role != *request.RoleName)
    return fail("NoSuchEntity", "Role {} in Instance Profile {} cannot be found.", *request.RoleName,
                *request.InstanceProfileName);
  profiles_.modify(*request.InstanceProfileName, [](ProfileRecord& changed) { changed.role.clear(); });
  return {};
}

Result<void> Service::TagInstanceProfile(const Call&, const TagInstanceProfileRequest& request) {
  BRUME_TRY(record, find_profile_record(*request.InstanceProfileName));
  ProfileRecord changed = *record;
  BRUME_CHECK(merge_tags(changed.profile.Tags, request.Tags));
  profiles_.put(*request.InstanceProfileName, std::move(changed));
  return {};
}

Result<void> Service::UntagInstanceProfile(const Call&, const UntagInstanceProfileRequest& request) {
  BRUME_CHECK(find_profile_record(*request.InstanceProfileName));
  profiles_.modify(*request.InstanceProfileName,
                   [&](ProfileRecord& record) { remove_tags(record.profile.Tags, request.TagKeys); });
  return {};
}

Result<ListInstanceProfileTagsResponse> Service::ListInstanceProfileTags(
    const Call&, const ListInstanceProfileTagsRequest& request) {
  BRUME_TRY(record, find_profile_record(*request.InstanceProfileName));
  std::vector<Tag> tags(record->profile.Tags);
  std::ranges::sort(tags, {}, &Tag::Key);
  return list_answer(&ListInstanceProfileTagsResponse::Tags, std::move(tags), request,
                     [](const Tag& t) { return *t.Key; });
}

}  // namespace brume::iam
