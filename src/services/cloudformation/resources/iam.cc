#include "services/cloudformation/resources/apis.h"
#include "services/cloudformation/resources/properties.h"

namespace brume::cloudformation::resources {

namespace {

// An inline policy of a role as a template writes it. For checking only: never filled.
const Shape* inline_policy_shape() {
  static const Member members[] = {
      {.name = "PolicyName",
       .shape = &reflect::Describe<std::string>::shape,
       .offset = 0,
       .holder = nullptr,
       .required = true},
      {.name = "PolicyDocument", .shape = &json_shape, .offset = 0, .holder = nullptr, .required = true}};
  static const Shape shape{.kind = Kind::structure, .name = "Policy", .members = members};
  return &shape;
}
const Shape* inline_policies_shape() {
  static const Shape shape{.kind = Kind::list, .name = "Policies", .element = &inline_policy_shape};
  return &shape;
}

using Tags = List<iam::Tag>;

std::string name_of(const Work& work, const Instance& instance, std::string_view property_name) {
  return instance.properties.find(property_name) ? instance.text(property_name) : work.name;
}

Result<void> attach(Work& work, const std::string& role, const std::string& policy) {
  iam::AttachRolePolicyRequest request;
  request.RoleName = role;
  request.PolicyArn = policy;
  return work.apis.iam.AttachRolePolicy(work.call, request);
}

Result<void> detach(Work& work, const std::string& role, const std::string& policy) {
  iam::DetachRolePolicyRequest request;
  request.RoleName = role;
  request.PolicyArn = policy;
  auto done = work.apis.iam.DetachRolePolicy(work.call, request);
  return !done && not_found(done.error()) ? Result<void>() : done;
}

Result<void> put_inline(Work& work, const std::string& role, const std::string& name, const Value& document) {
  iam::PutRolePolicyRequest request;
  request.RoleName = role;
  request.PolicyName = name;
  request.PolicyDocument = document.is_scalar() ? document.text : to_json_text(document);
  return work.apis.iam.PutRolePolicy(work.call, request);
}

Result<void> delete_inline(Work& work, const std::string& role, const std::string& name) {
  iam::DeleteRolePolicyRequest request;
  request.RoleName = role;
  request.PolicyName = name;
  auto done = work.apis.iam.DeleteRolePolicy(work.call, request);
  return !done && not_found(done.error()) ? Result<void>() : done;
}

// The names of the inline policies of a role's properties.
std::vector<std::string> inline_names(const Value& properties) {
  std::vector<std::string> out;
  if (const Value* policies = properties.find("Policies"))
    for (const Value& policy : policies->items) out.push_back(policy.text_of("PolicyName"));
  return out;
}

Result<void> bring_policies(Work& work, const Instance& instance, const Value& before) {
  const std::string& role = instance.physical_id;
  const Value& now = instance.properties;
  const auto old_arns = text_list(before, "ManagedPolicyArns"), new_arns = text_list(now, "ManagedPolicyArns");
  for (const std::string& arn : missing_in(old_arns, new_arns)) BRUME_CHECK(detach(work, role, arn));
  for (const std::string& arn : missing_in(new_arns, old_arns)) BRUME_CHECK(attach(work, role, arn));
  for (const std::string& name : missing_in(inline_names(before), inline_names(now)))
    BRUME_CHECK(delete_inline(work, role, name));
  if (!changed(before, now, "Policies")) return {};
  if (const Value* policies = now.find("Policies"))
    for (const Value& policy : policies->items)
      BRUME_CHECK(put_inline(work, role, policy.text_of("PolicyName"), *policy.find("PolicyDocument")));
  return {};
}

// Roles -------------------------------------------------------------------------------------------------------------

Result<void> create_role(Work& work, Instance& instance) {
  BRUME_TRY(request, read<iam::CreateRoleRequest>(instance.properties));
  request.RoleName = name_of(work, instance, "RoleName");
  BRUME_TRY(made, work.apis.iam.CreateRole(work.call, request));
  instance.physical_id = *request.RoleName;
  instance.attributes.set("Arn", Value::string(made.Role ? made.Role->Arn.value_or("") : ""));
  instance.attributes.set("RoleId", Value::string(made.Role ? made.Role->RoleId.value_or("") : ""));
  return bring_policies(work, instance, Value::map());
}

Result<void> update_role(Work& work, Instance& instance, const Value& before) {
  const Value& now = instance.properties;
  if (changed(before, now, "AssumeRolePolicyDocument")) {
    iam::UpdateAssumeRolePolicyRequest request;
    request.RoleName = instance.physical_id;
    const Value& document = *now.find("AssumeRolePolicyDocument");
    request.PolicyDocument = document.is_scalar() ? document.text : to_json_text(document);
    BRUME_CHECK(work.apis.iam.UpdateAssumeRolePolicy(work.call, request));
  }
  if (changed(before, now, "Description") || changed(before, now, "MaxSessionDuration")) {
    BRUME_TRY(request, read<iam::UpdateRoleRequest>(now));
    request.RoleName = instance.physical_id;
    BRUME_CHECK(work.apis.iam.UpdateRole(work.call, request));
  }
  BRUME_CHECK(bring_policies(work, instance, before));
  const TagChanges changes = tag_changes(before, now);
  if (!changes.drop.empty()) {
    iam::UntagRoleRequest request;
    request.RoleName = instance.physical_id;
    request.TagKeys = changes.drop;
    BRUME_CHECK(work.apis.iam.UntagRole(work.call, request));
  }
  if (changes.put.empty()) return {};
  iam::TagRoleRequest request;
  request.RoleName = instance.physical_id;
  for (const auto& [key, value] : changes.put) {
    auto& tag = request.Tags.emplace_back();
    tag.Key = key;
    tag.Value = value;
  }
  return work.apis.iam.TagRole(work.call, request);
}

Result<void> remove_role(Work& work, const Instance& instance) {
  for (const std::string& arn : text_list(instance.properties, "ManagedPolicyArns"))
    BRUME_CHECK(detach(work, instance.physical_id, arn));
  for (const std::string& name : inline_names(instance.properties))
    BRUME_CHECK(delete_inline(work, instance.physical_id, name));
  iam::DeleteRoleRequest request;
  request.RoleName = instance.physical_id;
  return work.apis.iam.DeleteRole(work.call, request);
}

// Instance profiles -------------------------------------------------------------------------------------------------

Result<void> add_role(Work& work, const std::string& profile, const std::string& role) {
  iam::AddRoleToInstanceProfileRequest request;
  request.InstanceProfileName = profile;
  request.RoleName = role;
  return work.apis.iam.AddRoleToInstanceProfile(work.call, request);
}

Result<void> remove_role_from(Work& work, const std::string& profile, const std::string& role) {
  iam::RemoveRoleFromInstanceProfileRequest request;
  request.InstanceProfileName = profile;
  request.RoleName = role;
  auto done = work.apis.iam.RemoveRoleFromInstanceProfile(work.call, request);
  return !done && not_found(done.error()) ? Result<void>() : done;
}

Result<void> create_profile(Work& work, Instance& instance) {
  BRUME_TRY(request, read<iam::CreateInstanceProfileRequest>(instance.properties));
  request.InstanceProfileName = name_of(work, instance, "InstanceProfileName");
  BRUME_TRY(made, work.apis.iam.CreateInstanceProfile(work.call, request));
  instance.physical_id = *request.InstanceProfileName;
  instance.attributes.set("Arn", Value::string(made.InstanceProfile ? made.InstanceProfile->Arn.value_or("") : ""));
  for (const std::string& role : text_list(instance.properties, "Roles"))
    BRUME_CHECK(add_role(work, instance.physical_id, role));
  return {};
}

Result<void> update_profile(Work& work, Instance& instance, const Value& before) {
  const auto old_roles = text_list(before, "Roles"), new_roles = text_list(instance.properties, "Roles");
  for (const std::string& role : missing_in(old_roles, new_roles))
    BRUME_CHECK(remove_role_from(work, instance.physical_id, role));
  for (const std::string& role : missing_in(new_roles, old_roles))
    BRUME_CHECK(add_role(work, instance.physical_id, role));
  return {};
}

Result<void> remove_profile(Work& work, const Instance& instance) {
  for (const std::string& role : text_list(instance.properties, "Roles"))
    BRUME_CHECK(remove_role_from(work, instance.physical_id, role));
  iam::DeleteInstanceProfileRequest request;
  request.InstanceProfileName = instance.physical_id;
  return work.apis.iam.DeleteInstanceProfile(work.call, request);
}

// Policies ----------------------------------------------------------------------------------------------------------

Result<void> create_managed(Work& work, Instance& instance) {
  BRUME_TRY(request, read<iam::CreatePolicyRequest>(instance.properties));
  request.PolicyName = name_of(work, instance, "ManagedPolicyName");
  BRUME_TRY(made, work.apis.iam.CreatePolicy(work.call, request));
  instance.physical_id = made.Policy ? made.Policy->Arn.value_or("") : "";
  instance.attributes.set("PolicyArn", Value::string(instance.physical_id));
  instance.attributes.set("PolicyId", Value::string(made.Policy ? made.Policy->PolicyId.value_or("") : ""));
  for (const std::string& role : text_list(instance.properties, "Roles"))
    BRUME_CHECK(attach(work, role, instance.physical_id));
  return {};
}

Result<void> update_managed(Work& work, Instance& instance, const Value& before) {
  const auto old_roles = text_list(before, "Roles"), new_roles = text_list(instance.properties, "Roles");
  for (const std::string& role : missing_in(old_roles, new_roles))
    BRUME_CHECK(detach(work, role, instance.physical_id));
  for (const std::string& role : missing_in(new_roles, old_roles))
    BRUME_CHECK(attach(work, role, instance.physical_id));
  return {};
}

Result<void> remove_managed(Work& work, const Instance& instance) {
  for (const std::string& role : text_list(instance.properties, "Roles"))
    BRUME_CHECK(detach(work, role, instance.physical_id));
  iam::DeletePolicyRequest request;
  request.PolicyArn = instance.physical_id;
  return work.apis.iam.DeletePolicy(work.call, request);
}

Result<void> bring_inline(Work& work, const Instance& instance, const Value& before) {
  const auto old_roles = text_list(before, "Roles"), new_roles = text_list(instance.properties, "Roles");
  const std::string name = instance.text("PolicyName");
  for (const std::string& role : missing_in(old_roles, new_roles)) BRUME_CHECK(delete_inline(work, role, name));
  for (const std::string& role : new_roles)
    BRUME_CHECK(put_inline(work, role, name, *instance.properties.find("PolicyDocument")));
  return {};
}

Result<void> create_inline(Work& work, Instance& instance) {
  instance.physical_id = work.name;
  instance.attributes.set("Id", Value::string(work.name));
  return bring_inline(work, instance, Value::map());
}

Result<void> update_inline(Work& work, Instance& instance, const Value& before) {
  return bring_inline(work, instance, before);
}

Result<void> remove_inline(Work& work, const Instance& instance) {
  for (const std::string& role : text_list(instance.properties, "Roles"))
    BRUME_CHECK(delete_inline(work, role, instance.text("PolicyName")));
  return {};
}

}  // namespace

std::span<const ResourceType> iam_types() {
  static const ResourceType types[] = {
      {.name = "AWS::IAM::Role",
       .properties = {text("RoleName", kCreateOnly),
                      text("Path", kCreateOnly),
                      json("AssumeRolePolicyDocument", kRequired),
                      text("Description"),
                      number("MaxSessionDuration"),
                      text("PermissionsBoundary", kCreateOnly),
                      texts("ManagedPolicyArns"),
                      {"Policies", &inline_policies_shape},
                      property<Tags>("Tags")},
       .attributes = {"Arn", "RoleId"},
       .name_property = "RoleName",
       .name_limit = 64,
       .create = create_role,
       .update = update_role,
       .remove = remove_role},
      {.name = "AWS::IAM::InstanceProfile",
       .properties = {text("InstanceProfileName", kCreateOnly), text("Path", kCreateOnly), texts("Roles", kRequired)},
       .attributes = {"Arn"},
       .name_property = "InstanceProfileName",
       .name_limit = 128,
       .create = create_profile,
       .update = update_profile,
       .remove = remove_profile},
      {.name = "AWS::IAM::ManagedPolicy",
       .properties = {text("ManagedPolicyName", kCreateOnly), text("Path", kCreateOnly),
                      text("Description", kCreateOnly), json("PolicyDocument", kRequired | kCreateOnly),
                      texts("Roles")},
       .attributes = {"PolicyArn", "PolicyId"},
       .name_property = "ManagedPolicyName",
       .name_limit = 128,
       .create = create_managed,
       .update = update_managed,
       .remove = remove_managed},
      {.name = "AWS::IAM::Policy",
       .properties = {text("PolicyName", kRequired | kCreateOnly), json("PolicyDocument", kRequired),
                      texts("Roles", kRequired)},
       .attributes = {"Id"},
       .create = create_inline,
       .update = update_inline,
       .remove = remove_inline},
  };
  return types;
}

}  // namespace brume::cloudformation::resources
