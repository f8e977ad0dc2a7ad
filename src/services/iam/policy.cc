// Managed policies: AWS's own and the customer's. A policy has one version, v1.
#include "services/iam/details.h"
#include "services/iam/managed_policies.h"
#include "services/iam/service.h"

namespace brume::iam {
namespace {

PolicyRecord as_record(const ManagedPolicy& managed) {
  PolicyRecord record;
  record.policy.PolicyName = managed.name;
  record.policy.Path = managed.path;
  record.policy.Arn = fmt::format("arn:aws:iam::aws:policy{}{}", managed.path, managed.name);
  // Stable between runs: derived from the name.
  record.policy.PolicyId = fmt::format("ANPA{:017}", std::hash<std::string_view>{}(managed.name) % 100000000000000000U);
  record.policy.DefaultVersionId = "v1";
  record.policy.IsAttachable = true;
  record.policy.CreateDate = record.policy.UpdateDate = from_epoch_seconds(1420070400);
  record.document = managed.document;
  return record;
}

}  // namespace

Result<PolicyRecord> Service::find_policy(const std::string& arn) const {
  for (const ManagedPolicy& managed : managed_policies())
    if (arn == fmt::format("arn:aws:iam::aws:policy{}{}", managed.path, managed.name)) return as_record(managed);
  if (const PolicyRecord* record = policies_.find(arn)) return *record;
  return fail("NoSuchEntity", "Policy {} does not exist or is not attachable.", arn);
}

std::optional<std::string> Service::policy_document(const std::string& arn) const {
  auto record = find_policy(arn);
  return record ? std::optional(std::move(record->document)) : std::nullopt;
}

std::int32_t Service::attachments(std::string_view policy_arn) const {
  std::int32_t count = 0;
  for (const auto& [name, role] : roles_.rows())
    count += std::ranges::find(role.attached, policy_arn) != role.attached.end();
  return count;
}

Result<CreatePolicyResponse> Service::CreatePolicy(const Call&, const CreatePolicyRequest& request) {
  const std::string path = request.Path.value_or("/");
  const std::string arn = iam_arn("policy", path, *request.PolicyName);
  if (policies_.contains(arn))
    return fail("EntityAlreadyExists", "A policy called {} already exists. Duplicate names are not allowed.",
                *request.PolicyName);
  BRUME_CHECK(check_document(*request.PolicyDocument, PolicyKind::identity));
  PolicyRecord record;
  record.policy.PolicyName = request.PolicyName;
  record.policy.PolicyId = unique_id("ANPA");
  record.policy.Arn = arn;
  record.policy.Path = path;
  record.policy.DefaultVersionId = "v1";
  record.policy.AttachmentCount = 0;
  record.policy.PermissionsBoundaryUsageCount = 0;
  record.policy.IsAttachable = true;
  record.policy.Description = request.Description;
  record.policy.CreateDate = record.policy.UpdateDate =
      std::chrono::floor<std::chrono::seconds>(context_.env.clock.wall());
  BRUME_CHECK(merge_tags(record.policy.Tags, request.Tags));
  record.document = *request.PolicyDocument;
  policies_.put(arn, record);
  return CreatePolicyResponse{record.policy};
}

Result<GetPolicyResponse> Service::GetPolicy(const Call&, const GetPolicyRequest& request) {
  BRUME_TRY(record, find_policy(*request.PolicyArn));
  record.policy.AttachmentCount = attachments(*request.PolicyArn);
  record.policy.PermissionsBoundaryUsageCount = 0;
  return GetPolicyResponse{record.policy};
}

Result<GetPolicyVersionResponse> Service::GetPolicyVersion(const Call&, const GetPolicyVersionRequest& request) {
  BRUME_TRY(record, find_policy(*request.PolicyArn));
  if (request.VersionId != "v1")
    return fail("NoSuchEntity", "Policy {} version {} does not exist or is not attachable.", *request.PolicyArn,
                *request.VersionId);
  return GetPolicyVersionResponse{{{percent_encode(record.document), "v1", true, record.policy.CreateDate}}};
}

Result<ListPoliciesResponse> Service::ListPolicies(const Call&, const ListPoliciesRequest& request) {
  const std::string scope = request.Scope.value_or("All");
  std::vector<Policy> found;
  const auto add = [&](Policy policy) {
    policy.AttachmentCount = attachments(*policy.Arn);
    policy.PermissionsBoundaryUsageCount = 0;
    policy.Tags.clear();
    if (request.OnlyAttached.value_or(false) && *policy.AttachmentCount == 0) return;
    if (policy.Path->starts_with(request.PathPrefix.value_or("/"))) found.push_back(std::move(policy));
  };
  if (scope != "Local")
    for (const ManagedPolicy& managed : managed_policies()) add(as_record(managed).policy);
  if (scope != "AWS")
    for (const auto& [arn, record] : policies_.rows()) add(record.policy);
  std::ranges::sort(found, {}, &Policy::Arn);
  return list_answer(&ListPoliciesResponse::Policies, std::move(found), request,
                     [](const Policy& p) { return *p.Arn; });
}

Result<ListPolicyVersionsResponse> Service::ListPolicyVersions(const Call&, const ListPolicyVersionsRequest& request) {
  BRUME_TRY(record, find_policy(*request.PolicyArn));
  std::vector<PolicyVersion> versions{{std::nullopt, "v1", true, record.policy.CreateDate}};
  return list_answer(&ListPolicyVersionsResponse::Versions, std::move(versions), request,
                     [](const PolicyVersion& v) { return *v.VersionId; });
}

Result<ListEntitiesForPolicyResponse> Service::ListEntitiesForPolicy(const Call&,
                                                                     const ListEntitiesForPolicyRequest& request) {
  BRUME_CHECK(find_policy(*request.PolicyArn));
  std::vector<PolicyRole> found;
  if (request.EntityFilter.value_or("Role") == "Role")
    for (const auto& [name, record] : roles_.rows())
      if (std::ranges::find(record.attached, *request.PolicyArn) != record.attached.end())
        found.push_back({name, record.role.RoleId});
  return list_answer(&ListEntitiesForPolicyResponse::PolicyRoles, std::move(found), request,
                     [](const PolicyRole& r) { return *r.RoleName; });
}

Result<void> Service::DeletePolicy(const Call&, const DeletePolicyRequest& request) {
  if (!policies_.contains(*request.PolicyArn)) {
    BRUME_CHECK(find_policy(*request.PolicyArn));
    return fail("AccessDenied", "{} is managed by AWS and cannot be deleted.", *request.PolicyArn);
  }
  if (attachments(*request.PolicyArn) > 0)
    return fail("DeleteConflict", "Cannot delete a policy attached to entities.");
  policies_.erase(*request.PolicyArn);
  return {};
}

}  // namespace brume::iam
