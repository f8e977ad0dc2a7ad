#include "services/sts/service.h"

#include <algorithm>

namespace brume::sts {
namespace {

constexpr std::int32_t kHour = 3600;
constexpr std::size_t kMaxPolicy = 2048;  // characters of session policies (STS API reference, AssumeRole)

std::unexpected<Error> unsupported(std::string_view parameter) {
  return fail("ValidationError", "Brume does not support {}.", parameter);
}

Result<void> check_supported(const AssumeRoleRequest& request) {
  if (!request.Tags.empty() || !request.TransitiveTagKeys.empty()) return unsupported("session tags");
  if (request.SerialNumber || request.TokenCode) return unsupported("multi-factor authentication");
  if (request.SourceIdentity) return unsupported("SourceIdentity");
  if (!request.ProvidedContexts.empty()) return unsupported("ProvidedContexts");
  return {};
}

}  // namespace

Credentials Service::issue(Session session, std::int32_t lifetime) {
  const Timestamp now = std::chrono::floor<std::chrono::seconds>(env_.clock.wall());
  session.issued = now.time_since_epoch().count() / 1000;
  session.expires = session.issued + lifetime;
  session.salt = env_.random.hex(16);
  const TemporaryKeys keys = authority_.keys().issue(session);
  return Credentials{keys.access_key_id, keys.secret_access_key, keys.token, now + std::chrono::seconds(lifetime)};
}

Result<AssumeRoleResponse> Service::AssumeRole(const aws::Call& call, const AssumeRoleRequest& request) {
  BRUME_CHECK(check_supported(request));
  const std::string& arn = *request.RoleArn;
  const std::string prefix = fmt::format("arn:aws:iam::{}:role/", aws::kAccount);
  const auto role = authority_.iam().role_access(arn.substr(arn.rfind('/') + 1));
  // Whether there is such a role is not told to those who may not take it on.
  if (!arn.starts_with(prefix) || !role || role->arn != arn)
    return std::unexpected(Error{
        "AccessDenied",
        fmt::format("User: {} is not authorized to perform: sts:AssumeRole on resource: {}", call.principal_arn, arn),
        403});
  iam::RequestContext context = {{"sts:rolesessionname", {{*request.RoleSessionName}}},
                                 {"sts:externalid", std::nullopt},
                                 {"sts:sourceidentity", std::nullopt}};
  if (request.ExternalId) context["sts:externalid"] = {{*request.ExternalId}};
  BRUME_CHECK(authority_.may_assume(call, *role, context));

  Session session{.role = role->name, .role_id = role->id, .name = *request.RoleSessionName};
  session.chained = call.principal_arn.find(":assumed-role/") != std::string::npos;
  const std::int32_t lifetime = request.DurationSeconds.value_or(kHour);
  if (session.chained && lifetime > kHour)
    return fail("ValidationError",
                "The requested DurationSeconds exceeds the 1 hour session limit for roles assumed by role chaining");
  if (lifetime > role->max_session)
    return fail("ValidationError", "The requested DurationSeconds exceeds the MaxSessionDuration set for this role.");

  AssumeRoleResponse response;
  std::size_t size = 0;
  if (request.Policy) {
    BRUME_CHECK(iam::parse_policy(*request.Policy, iam::PolicyKind::identity));
    session.policy = *request.Policy;
    size += session.policy.size();
  }
  if (request.PolicyArns.size() > 10)
    return fail("ValidationError", "A session can have at most 10 managed session policies.");
  for (const PolicyDescriptorType& policy : request.PolicyArns) {
    if (!policy.arn || !authority_.iam().policy_document(*policy.arn))
      return fail("ValidationError", "The session policy {} does not exist.", policy.arn.value_or(""));
    session.policy_arns.push_back(*policy.arn);
    size += policy.arn->size();
  }
  if (size > kMaxPolicy)
    return fail("PackedPolicyTooLarge", "The session policies have {} characters; {} are allowed.", size, kMaxPolicy);
  if (size > 0) response.PackedPolicySize = std::int32_t((size * 100 + kMaxPolicy - 1) / kMaxPolicy);
  response.AssumedRoleUser =
      AssumedRoleUser{fmt::format("{}:{}", role->id, session.name), assumed_role_arn(role->name, session.name)};
  response.Credentials = issue(std::move(session), lifetime);
  return response;
}

Result<GetSessionTokenResponse> Service::GetSessionToken(const aws::Call& call, const GetSessionTokenRequest& request) {
  if (!call.session_token.empty())
    return std::unexpected(Error{"AccessDenied", "Cannot call GetSessionToken with session credentials", 403});
  if (request.SerialNumber || request.TokenCode) return unsupported("multi-factor authentication");
  // An account owner's session lasts an hour at most, whatever is asked for.
  GetSessionTokenResponse response;
  response.Credentials = issue({}, std::min(request.DurationSeconds.value_or(kHour), kHour));
  return response;
}

}  // namespace brume::sts
