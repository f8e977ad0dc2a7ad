// IAM: roles, instance profiles, managed and inline policies.
//
// Records who may be what. Leaves to others: temporary credentials, and asking the policies about a call
// (services/sts); what policies mean is in policy_evaluator.h. AWS's managed policies that stacks name exist from the
// start (managed_policies.h). Global: one instance.
#pragma once

#include <map>
#include <string>

#include "iam/api.h"
#include "services/common/context.h"
#include "store/table.h"

namespace brume::iam {

struct RoleRecord {
  Role role;
  std::map<std::string, std::string> inline_policies;  // name to document
  std::vector<std::string> attached;                   // policy ARNs, in the order of attachment
};

struct ProfileRecord {
  InstanceProfile profile;  // without Roles
  std::string role;         // name; empty: none
};

struct PolicyRecord {
  Policy policy;
  std::string document;
};

}  // namespace brume::iam

BRUME_RECORD(brume::iam::RoleRecord, role, inline_policies, attached)
BRUME_RECORD(brume::iam::ProfileRecord, profile, role)
BRUME_RECORD(brume::iam::PolicyRecord, policy, document)

namespace brume::iam {

// What decides who may take a role on, and what its sessions may do.
struct RoleAccess {
  std::string name, id, arn;
  std::string trust;                    // policy document
  std::vector<std::string> policies;    // documents, inline and attached
  std::optional<std::string> boundary;  // document
  std::int32_t max_session = 3600;      // seconds
};

class Service : public Api {
 public:
  explicit Service(services::Context context);
  Result<void> load();

  // The profile with its role, by name or ARN; nullptr-like empty if there is none.
  [[nodiscard]] std::optional<InstanceProfile> find_profile(std::string_view name_or_arn) const;
  [[nodiscard]] std::optional<RoleAccess> role_access(const std::string& name) const;
  [[nodiscard]] std::optional<std::string> policy_document(const std::string& arn) const;

  using Call = aws::Call;
  Result<CreateRoleResponse> CreateRole(const Call&, const CreateRoleRequest&) override;
  Result<GetRoleResponse> GetRole(const Call&, const GetRoleRequest&) override;
  Result<ListRolesResponse> ListRoles(const Call&, const ListRolesRequest&) override;
  Result<UpdateRoleResponse> UpdateRole(const Call&, const UpdateRoleRequest&) override;
  Result<void> UpdateAssumeRolePolicy(const Call&, const UpdateAssumeRolePolicyRequest&) override;
  Result<void> DeleteRole(const Call&, const DeleteRoleRequest&) override;
  Result<void> TagRole(const Call&, const TagRoleRequest&) override;
  Result<void> UntagRole(const Call&, const UntagRoleRequest&) override;
  Result<ListRoleTagsResponse> ListRoleTags(const Call&, const ListRoleTagsRequest&) override;
  Result<void> PutRolePolicy(const Call&, const PutRolePolicyRequest&) override;
  Result<GetRolePolicyResponse> GetRolePolicy(const Call&, const GetRolePolicyRequest&) override;
  Result<ListRolePoliciesResponse> ListRolePolicies(const Call&, const ListRolePoliciesRequest&) override;
  Result<void> DeleteRolePolicy(const Call&, const DeleteRolePolicyRequest&) override;
  Result<void> AttachRolePolicy(const Call&, const AttachRolePolicyRequest&) override;
  Result<void> DetachRolePolicy(const Call&, const DetachRolePolicyRequest&) override;
  Result<ListAttachedRolePoliciesResponse> ListAttachedRolePolicies(const Call&,
                                                                    const ListAttachedRolePoliciesRequest&) override;

  Result<CreatePolicyResponse> CreatePolicy(const Call&, const CreatePolicyRequest&) override;
  Result<GetPolicyResponse> GetPolicy(const Call&, const GetPolicyRequest&) override;
  Result<GetPolicyVersionResponse> GetPolicyVersion(const Call&, const GetPolicyVersionRequest&) override;
  Result<ListPoliciesResponse> ListPolicies(const Call&, const ListPoliciesRequest&) override;
  Result<ListPolicyVersionsResponse> ListPolicyVersions(const Call&, const ListPolicyVersionsRequest&) override;
  Result<ListEntitiesForPolicyResponse> ListEntitiesForPolicy(const Call&,
                                                              const ListEntitiesForPolicyRequest&) override;
  Result<void> DeletePolicy(const Call&, const DeletePolicyRequest&) override;

  Result<CreateInstanceProfileResponse> CreateInstanceProfile(const Call&,
                                                              const CreateInstanceProfileRequest&) override;
  Result<GetInstanceProfileResponse> GetInstanceProfile(const Call&, const GetInstanceProfileRequest&) override;
  Result<ListInstanceProfilesResponse> ListInstanceProfiles(const Call&, const ListInstanceProfilesRequest&) override;
  Result<ListInstanceProfilesForRoleResponse> ListInstanceProfilesForRole(
      const Call&, const ListInstanceProfilesForRoleRequest&) override;
  Result<void> DeleteInstanceProfile(const Call&, const DeleteInstanceProfileRequest&) override;
  Result<void> AddRoleToInstanceProfile(const Call&, const AddRoleToInstanceProfileRequest&) override;
  Result<void> RemoveRoleFromInstanceProfile(const Call&, const RemoveRoleFromInstanceProfileRequest&) override;
  Result<void> TagInstanceProfile(const Call&, const TagInstanceProfileRequest&) override;
  Result<void> UntagInstanceProfile(const Call&, const UntagInstanceProfileRequest&) override;
  Result<ListInstanceProfileTagsResponse> ListInstanceProfileTags(const Call&,
                                                                  const ListInstanceProfileTagsRequest&) override;

 private:
  Result<const RoleRecord*> find_role(const std::string& name) const;
  Result<const ProfileRecord*> find_profile_record(const std::string& name) const;
  // One of AWS's or the customer's.
  Result<PolicyRecord> find_policy(const std::string& arn) const;
  [[nodiscard]] InstanceProfile with_role(const ProfileRecord& record) const;
  [[nodiscard]] std::int32_t attachments(std::string_view policy_arn) const;
  std::string unique_id(std::string_view prefix);

  services::Context context_;
  store::Table<RoleRecord> roles_;
  store::Table<ProfileRecord> profiles_;
  store::Table<PolicyRecord> policies_;  // the customer's, by ARN
};

}  // namespace brume::iam
