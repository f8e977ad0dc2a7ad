// Roles: their trust, their inline and attached policies, their tags.
#include "services/iam/details.h"
#include "services/iam/service.h"

namespace brume::iam {
namespace {

constexpr std::size_t kMaxAttached = 10;  // IAM quota "managed policies attached to a role"

// As the API shows it: the document is URL-encoded (RFC 3986).
Role shown(const RoleRecord& record) {
  Role role = record.role;
  role.AssumeRolePolicyDocument = percent_encode(*role.AssumeRolePolicyDocument);
  return role;
}

Error no_policy(const std::string& name) {
  return {"NoSuchEntity", fmt::format("The role policy with name {} cannot be found.", name), 404};
}

}  // namespace

Result<const RoleRecord*> Service::find_role(const std::string& name) const {
  const RoleRecord* record = roles_.find(name);
  if (!record) return fail("NoSuchEntity", "The role with name {} cannot be found.", name);
  return record;
}

std::optional<RoleAccess> Service::role_access(const std::string& name) const {
  const RoleRecord* record = roles_.find(name);
  if (!record) return {};
  const Role& role = record->role;
  RoleAccess access{.name = name,
                    .id = *role.RoleId,
                    .arn = *role.Arn,
                    .trust = *role.AssumeRolePolicyDocument,
                    .max_session = role.MaxSessionDuration.value_or(3600)};
  for (const auto& [policy, document] : record->inline_policies) access.policies.push_back(document);
  // A document that is missing reads as one that is malformed: nothing is allowed.
  for (const std::string& arn : record->attached) access.policies.push_back(policy_document(arn).value_or(""));
  if (role.PermissionsBoundary)
    access.boundary = policy_document(role.PermissionsBoundary->PermissionsBoundaryArn.value_or("")).value_or("");
  return access;
}

Result<CreateRoleResponse> Service::CreateRole(const Call&, const CreateRoleRequest& request) {
  const std::string& name = *request.RoleName;
  if (roles_.contains(name)) return fail("EntityAlreadyExists", "Role with name {} already exists.", name);
  BRUME_CHECK(check_document(*request.AssumeRolePolicyDocument, PolicyKind::trust));
  if (request.PermissionsBoundary) BRUME_CHECK(find_policy(*request.PermissionsBoundary));
  RoleRecord record;
  Role& role = record.role;
  role.Path = request.Path.value_or("/");
  role.RoleName = name;
  role.RoleId = unique_id("AROA");
  role.Arn = iam_arn("role", *role.Path, name);
  role.CreateDate = std::chrono::floor<std::chrono::seconds>(context_.env.clock.wall());
  role.AssumeRolePolicyDocument = request.AssumeRolePolicyDocument;
  role.Description = request.Description;
  role.MaxSessionDuration = request.MaxSessionDuration.value_or(3600);
  if (request.PermissionsBoundary)
    role.PermissionsBoundary = {.PermissionsBoundaryType = "Policy",
                                .PermissionsBoundaryArn = request.PermissionsBoundary};
  BRUME_CHECK(merge_tags(role.Tags, request.Tags));
  roles_.put(name, record);
  return CreateRoleResponse{shown(record)};
}

Result<GetRoleResponse> Service::GetRole(const Call&, const GetRoleRequest& request) {
  BRUME_TRY(record, find_role(*request.RoleName));
  Role role = shown(*record);
  role.RoleLastUsed.emplace();
  return GetRoleResponse{role};
}

Result<ListRolesResponse> Service::ListRoles(const Call&, const ListRolesRequest& request) {
  std::vector<Role> found;
  for (const auto& [name, record] : roles_.rows()) {
    if (!record.role.Path->starts_with(request.PathPrefix.value_or("/"))) continue;
    found.push_back(shown(record));
    found.back().Tags.clear();  // lists leave tags out, as AWS's do
    found.back().PermissionsBoundary.reset();
  }
  return list_answer(&ListRolesResponse::Roles, std::move(found), request, [](const Role& r) { return *r.RoleName; });
}

Result<UpdateRoleResponse> Service::UpdateRole(const Call&, const UpdateRoleRequest& request) {
  BRUME_CHECK(find_role(*request.RoleName));
  roles_.modify(*request.RoleName, [&](RoleRecord& record) {
    if (request.Description) record.role.Description = request.Description;
    if (request.MaxSessionDuration) record.role.MaxSessionDuration = request.MaxSessionDuration;
  });
  return UpdateRoleResponse{};
}

Result<void> Service::UpdateAssumeRolePolicy(const Call&, const UpdateAssumeRolePolicyRequest& request) {
  BRUME_CHECK(find_role(*request.RoleName));
  BRUME_CHECK(check_document(*request.PolicyDocument, PolicyKind::trust));
  roles_.modify(*request.RoleName,
                [&](RoleRecord& record) { record.role.AssumeRolePolicyDocument = request.PolicyDocument; });
  return {};
}

Result<void> Service::DeleteRole(const Call&, const DeleteRoleRequest& request) {
  BRUME_TRY(record, find_role(*request.RoleName));
  for (const auto& [name, profile] : profiles_.rows())
    if (profile.role == *request.RoleName)
      return fail("DeleteConflict", "Cannot delete entity, must remove roles from instance profile first.");
  if (!record->attached.empty()) return fail("DeleteConflict", "Cannot delete entity, must detach all policies first.");
  if (!record->inline_policies.empty())
    return fail("DeleteConflict", "Cannot delete entity, must delete policies first.");
  roles_.erase(*request.RoleName);
  return {};
}

Result<void> Service::TagRole(const Call&, const TagRoleRequest& request) {
  BRUME_TRY(record, find_role(*request.RoleName));
  RoleRecord changed = *record;
  BRUME_CHECK(merge_tags(changed.role.Tags, request.Tags));
  roles_.put(*request.RoleName, std::move(changed));
  return {};
}

Result<void> Service::UntagRole(const Call&, const UntagRoleRequest& request) {
  BRUME_CHECK(find_role(*request.RoleName));
  roles_.modify(*request.RoleName, [&](RoleRecord& record) { remove_tags(record.role.Tags, request.TagKeys); });
  return {};
}

Result<ListRoleTagsResponse> Service::ListRoleTags(const Call&, const ListRoleTagsRequest& request) {
  BRUME_TRY(record, find_role(*request.RoleName));
  std::vector<Tag> tags(record->role.Tags);
  std::ranges::sort(tags, {}, &Tag::Key);
  return list_answer(&ListRoleTagsResponse::Tags, std::move(tags), request, [](const Tag& t) { return *t.Key; });
}

Result<void> Service::PutRolePolicy(const Call&, const PutRolePolicyRequest& request) {
  BRUME_CHECK(find_role(*request.RoleName));
  BRUME_CHECK(check_document(*request.PolicyDocument, PolicyKind::identity));
  roles_.modify(*request.RoleName,
                [&](RoleRecord& record) { record.inline_policies[*request.PolicyName] = *request.PolicyDocument; });
  return {};
}

Result<GetRolePolicyResponse> Service::GetRolePolicy(const Call&, const GetRolePolicyRequest& request) {
  BRUME_TRY(record, find_role(*request.RoleName));
  const auto policy = record->inline_policies.find(*request.PolicyName);
  if (policy == record->inline_policies.end()) return std::unexpected(no_policy(*request.PolicyName));
  return GetRolePolicyResponse{request.RoleName, request.PolicyName, percent_encode(policy->second)};
}

Result<ListRolePoliciesResponse> Service::ListRolePolicies(const Call&, const ListRolePoliciesRequest& request) {
  BRUME_TRY(record, find_role(*request.RoleName));
  std::vector<std::string> names;
  for (const auto& [name, document] : record->inline_policies) names.push_back(name);
  return list_answer(&ListRolePoliciesResponse::PolicyNames, std::move(names), request, std::identity());
}

Result<void> Service::DeleteRolePolicy(const Call&, const DeleteRolePolicyRequest& request) {
  BRUME_TRY(record, find_role(*request.RoleName));
  if (!record->inline_policies.contains(*request.PolicyName)) return std::unexpected(no_policy(*request.PolicyName));
  roles_.modify(*request.RoleName, [&](RoleRecord& changed) { changed.inline_policies.erase(*request.PolicyName); });
  return {};
}

Result<void> Service::AttachRolePolicy(const Call&, const AttachRolePolicyRequest& request) {
  BRUME_TRY(record, find_role(*request.RoleName));
  BRUME_CHECK(find_policy(*request.PolicyArn));
  if (std::ranges::find(record->attached, *request.PolicyArn) != record->attached.end()) return {};
  if (record->attached.size() >= kMaxAttached)
    return fail("LimitExceeded", "Cannot exceed quota for PoliciesPerRole: {}", kMaxAttached);
  roles_.modify(*request.RoleName, [&](RoleRecord& changed) { changed.attached.push_back(*request.PolicyArn); });
  return {};
}

Result<void> Service::DetachRolePolicy(const Call&, const DetachRolePolicyRequest& request) {
  BRUME_TRY(record, find_role(*request.RoleName));
  if (std::ranges::find(record->attached, *request.PolicyArn) == record->attached.end())
    return fail("NoSuchEntity", "Policy {} was not found.", *request.PolicyArn);
  roles_.modify(*request.RoleName, [&](RoleRecord& changed) { std::erase(changed.attached, *request.PolicyArn); });
  return {};
}

Result<ListAttachedRolePoliciesResponse> Service::ListAttachedRolePolicies(
    const Call&, const ListAttachedRolePoliciesRequest& request) {
  BRUME_TRY(record, find_role(*request.RoleName));
  std::vector<AttachedPolicy> attached;
  for (const std::string& arn : record->attached) {
    BRUME_TRY(policy, find_policy(arn));
    if (policy.policy.Path->starts_with(request.PathPrefix.value_or("/")))
      attached.push_back({policy.policy.PolicyName, arn});
  }
  std::ranges::sort(attached, {}, &AttachedPolicy::PolicyArn);
  return list_answer(&ListAttachedRolePoliciesResponse::AttachedPolicies, std::move(attached), request,
                     [](const AttachedPolicy& p) { return *p.PolicyArn; });
}

}  // namespace brume::iam
