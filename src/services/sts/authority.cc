#include "services/sts/authority.h"

#include <algorithm>

#include "services/sts/resources.h"

namespace brume::sts {
namespace {

using std::chrono::hours;
using std::chrono::seconds;

constexpr hours kInstanceLifetime{6}, kInstanceRotation{1};

std::int64_t epoch(Timestamp time) {
  return std::chrono::floor<seconds>(time).time_since_epoch().count();
}

std::string root_arn() {
  return fmt::format("arn:aws:iam::{}:root", aws::kAccount);
}

// The service in an action's name. CloudWatch is the one that signs as another: it was "monitoring" first.
std::string_view action_prefix(const aws::ServiceModel& service) {
  const std::string_view signing = service.signing_name;
  return signing == "monitoring" ? "cloudwatch" : signing;
}

std::unexpected<Error> invalid_token() {
  return std::unexpected(Error{"InvalidClientTokenId", "The security token included in the request is invalid.", 403});
}

// A document that cannot be read takes part as one that denies.
iam::Decision ask(std::span<const std::string> documents, const iam::AccessRequest& request) {
  std::vector<iam::PolicyDocument> read;
  for (const std::string& document : documents) {
    auto parsed = iam::parse_policy(document, iam::PolicyKind::identity);
    if (!parsed) return iam::Decision::denied;
    read.push_back(*std::move(parsed));
  }
  return iam::evaluate(read, request);
}

// What else a call asks of its caller, besides the operation itself.
struct Passing {
  bool everything = false;  // the cloud does in its place whatever the input names
  bool role = false;        // it hands on a role
  std::optional<std::string> role_arn;
};
Passing passed_on(const iam::Service& iam, const aws::ServiceModel& service, const aws::Operation& operation,
                  const void* input) {
  const std::string_view signing = service.signing_name, name = operation.name;
  Passing out;
  if (signing == "cloudformation")
    out.everything =
        !std::ranges::any_of(std::initializer_list<std::string_view>{"Describe", "Get", "List", "Validate"},
                             [&](std::string_view reads) { return name.starts_with(reads); });
  if (signing == "autoscaling")
    out.role = name == "CreateAutoScalingGroup" || name == "UpdateAutoScalingGroup" || name == "StartInstanceRefresh";
  if (signing == "ec2" && (name == "RunInstances" || name == "AssociateIamInstanceProfile" ||
                           name == "ReplaceIamInstanceProfileAssociation" || name == "RequestSpotInstances")) {
    // A template may hold a profile too; which, is not looked up.
    const bool hidden = has_member(operation, input, "LaunchTemplate") || name == "RequestSpotInstances";
    out.role = hidden || has_member(operation, input, "IamInstanceProfile");
    auto profile = text_member(operation, input, "IamInstanceProfile.Arn");
    if (!profile) profile = text_member(operation, input, "IamInstanceProfile.Name");
    const auto found = profile && !hidden ? iam.find_profile(*profile) : std::nullopt;
    if (found && found->Roles.size() == 1) out.role_arn = found->Roles.front().Arn;
  }
  return out;
}

}  // namespace

std::string assumed_role_arn(std::string_view role, std::string_view session) {
  return fmt::format("arn:aws:sts::{}:assumed-role/{}/{}", aws::kAccount, role, session);
}

Result<aws::Credentials> Authority::credentials(std::string_view access_key, std::string_view token) const {
  BRUME_TRY(opened, keys_.open(token));
  const Session& session = opened.session;
  if (opened.keys.access_key_id != access_key) return invalid_token();
  if (session.expires <= epoch(clock_.wall()))
    return std::unexpected(Error{"ExpiredToken", "The security token included in the request is expired", 403});
  aws::Credentials out{.access_key = std::move(opened.keys.access_key_id),
                       .secret_key = std::move(opened.keys.secret_access_key),
                       .session_token = std::string(token),
                       .principal_arn = root_arn(),
                       .user_id = aws::kAccount};
  if (session.role.empty()) return out;
  const auto role = iam_.role_access(session.role);
  if (!role || role->id != session.role_id) return invalid_token();
  out.principal_arn = assumed_role_arn(session.role, session.name);
  out.user_id = fmt::format("{}:{}", session.role_id, session.name);
  return out;
}

iam::RequestContext Authority::context_of(const aws::Call& call, const Session& session,
                                          const iam::RoleAccess& role) const {
  const Timestamp now = std::chrono::floor<seconds>(clock_.wall());
  const auto one = [](std::string value) { return std::optional(std::vector{std::move(value)}); };
  iam::RequestContext context = {{"aws:currenttime", one(to_iso8601(now))},
                                 {"aws:epochtime", one(std::to_string(epoch(now)))},
                                 {"aws:multifactorauthpresent", one("false")},
                                 {"aws:principalaccount", one(aws::kAccount)},
                                 {"aws:principalarn", one(role.arn)},
                                 {"aws:principalisawsservice", one("false")},
                                 {"aws:principaltype", one("AssumedRole")},
                                 {"aws:requestedregion", one(call.region)},
                                 {"aws:securetransport", one("false")},
                                 {"aws:tokenissuetime", one(to_iso8601(from_epoch_seconds(double(session.issued))))},
                                 {"aws:userid", one(fmt::format("{}:{}", session.role_id, session.name))},
                                 {"aws:username", std::nullopt},
                                 {"aws:viaawsservice", one("false")}};
  if (!call.source_address.empty()) context["aws:sourceip"] = one(call.source_address);
  context["ec2:sourceinstancearn"] = session.source_instance.empty() ? std::nullopt : one(session.source_instance);
  context["ec2:roledelivery"] = session.source_instance.empty() ? std::nullopt : one("2.0");
  return context;
}

Authority::Verdict Authority::decide(const Session& session, const iam::RoleAccess& role,
                                     const iam::AccessRequest& request) const {
  std::vector<Verdict> verdicts = {{ask(role.policies, request), "identity-based policy"}};
  if (role.boundary) verdicts.push_back({ask(std::span(&*role.boundary, 1), request), "permissions boundary"});
  std::vector<std::string> own;
  if (!session.policy.empty()) own.push_back(session.policy);
  for (const std::string& arn : session.policy_arns) own.push_back(iam_.policy_document(arn).value_or(""));
  if (!own.empty()) verdicts.push_back({ask(own, request), "session policy"});
  for (const iam::Decision against : {iam::Decision::denied, iam::Decision::not_allowed})
    if (const auto found = std::ranges::find(verdicts, against, &Verdict::decision); found != verdicts.end())
      return *found;
  return {iam::Decision::allowed, {}};
}

Result<void> Authority::require(const aws::Call& call, const Session& session, const iam::RoleAccess& role,
                                const iam::AccessRequest& request) const {
  const auto [decision, by] = decide(session, role, request);
  if (decision == iam::Decision::allowed) return {};
  const bool named = request.resource && *request.resource != "*";
  const std::string why = decision == iam::Decision::denied
                              ? fmt::format("with an explicit deny in a{} {}", by.starts_with('i') ? "n" : "", by)
                              : fmt::format("because no {} allows the {} action", by, request.action);
  return std::unexpected(
      Error{"AccessDenied",
            fmt::format("User: {} is not authorized to perform: {}{}{} {}", call.principal_arn, request.action,
                        named ? " on resource: " : "", named ? *request.resource : "", why),
            403});
}

Result<void> Authority::authorize(const aws::Call& call, const aws::ServiceModel& service,
                                  const aws::Operation& operation, const void* input) const {
  const std::string_view signing = service.signing_name, name = operation.name;
  // Nobody needs a permission to ask who they are; AssumeRole is decided together with the trust policy.
  if (signing == "sts" && (name == "GetCallerIdentity" || name == "AssumeRole")) return {};
  BRUME_TRY(opened, keys_.open(call.session_token));
  const Session& session = opened.session;
  if (signing == "sts")
    return std::unexpected(Error{"AccessDenied", fmt::format("Cannot call {} with session credentials", name), 403});
  if (session.role.empty()) {
    if (signing == "iam") return invalid_token();
    return {};
  }
  const auto role = iam_.role_access(session.role);
  if (!role || role->id != session.role_id) return invalid_token();
  iam::AccessRequest request{
      .action = fmt::format("{}:{}", action_prefix(service), name), .resource = {}, .context = {}};
  request.context = context_of(call, session, *role);
  if (signing == "monitoring" && name == "PutMetricData")
    if (auto metrics = text_member(operation, input, "Namespace"))
      request.context["cloudwatch:namespace"] = {{*std::move(metrics)}};
  for (auto& resource : resources_of(service, operation, input, call.region)) {
    request.resource = std::move(resource);
    BRUME_CHECK(require(call, session, *role, request));
  }
  const Passing passing = passed_on(iam_, service, operation, input);
  if (passing.everything || passing.role) {
    request.action = passing.everything ? "*" : "iam:PassRole";
    request.resource = passing.everything ? std::nullopt : passing.role_arn;
    if (!passing.everything) request.context["iam:passedtoservice"] = {{"ec2.amazonaws.com"}};
    BRUME_CHECK(require(call, session, *role, request));
  }
  return {};
}

Result<void> Authority::may_assume(const aws::Call& call, const iam::RoleAccess& role,
                                   const iam::RequestContext& more) const {
  const auto refuse = [&] {
    return std::unexpected(Error{"AccessDenied",
                                 fmt::format("User: {} is not authorized to perform: sts:AssumeRole on resource: {}",
                                             call.principal_arn, role.arn),
                                 403});
  };
  const auto trust = iam::parse_policy(role.trust, iam::PolicyKind::trust);
  if (!trust) return refuse();
  iam::AccessRequest request{.action = "sts:AssumeRole", .resource = role.arn, .context = {}};
  iam::Principal account{"AWS", {aws::kAccount, root_arn()}};
  Session session;
  std::optional<iam::RoleAccess> caller;
  if (!call.session_token.empty()) {
    BRUME_TRY(opened, keys_.open(call.session_token));
    session = std::move(opened.session);
  }
  if (!session.role.empty()) {
    caller = iam_.role_access(session.role);
    if (!caller || caller->id != session.role_id) return invalid_token();
    request.context = context_of(call, session, *caller);
  } else {
    request.context = context_of(call, session, {.name = "", .id = "", .arn = root_arn(), .trust = ""});
    request.context["aws:principaltype"] = {{"Account"}};
    request.context["aws:userid"] = {{aws::kAccount}};
  }
  for (const auto& [key, value] : more) request.context[key] = value;
  if (!caller)
    return iam::evaluate_trust(*trust, account, request) == iam::Decision::allowed ? Result<void>() : refuse();

  const iam::Principal itself{"AWS", {caller->arn, assumed_role_arn(session.role, session.name)}};
  iam::Principal either = itself;
  std::ranges::copy(account.names, std::back_inserter(either.names));
  if (iam::evaluate_trust(*trust, either, request) != iam::Decision::allowed) return refuse();
  const iam::Decision own = decide(session, *caller, request).decision;
  if (own == iam::Decision::denied) return refuse();
  // Trust in the account leaves it to the account's policies who may; trust in the role itself is enough, but not for
  // a session that was narrowed or a role that is bounded.
  const bool named = iam::evaluate_trust(*trust, itself, request) == iam::Decision::allowed;
  const bool narrowed = caller->boundary || !session.policy.empty() || !session.policy_arns.empty();
  if (own == iam::Decision::allowed || (named && !narrowed)) return {};
  return refuse();
}

Result<Authority::InstanceKeys> Authority::for_instance(const std::string& name, const std::string& instance_id,
                                                        const std::string& region, Timestamp launched) const {
  const auto role = iam_.role_access(name);
  const auto trust = role ? iam::parse_policy(role->trust, iam::PolicyKind::trust) : std::unexpected(Error{});
  const iam::AccessRequest request{.action = "sts:AssumeRole", .resource = role ? role->arn : "", .context = {}};
  if (!trust || iam::evaluate_trust(*trust, {"Service", {"ec2.amazonaws.com"}}, request) != iam::Decision::allowed)
    return std::unexpected(Error{"AccessDenied", fmt::format("EC2 cannot assume the role {}.", name), 403});
  // Counted from the launch, so that instances do not all change keys at once.
  const Timestamp now = clock_.wall();
  const auto since = std::chrono::floor<seconds>(now) - std::chrono::floor<seconds>(launched);
  const auto periods = std::chrono::floor<hours>(since) / kInstanceRotation;
  const Timestamp issued = std::chrono::floor<seconds>(launched) + periods * kInstanceRotation;
  Session session{.role = name,
                  .role_id = role->id,
                  .name = instance_id,
                  .source_instance = fmt::format("arn:aws:ec2:{}:{}:instance/{}", region, aws::kAccount, instance_id)};
  session.issued = epoch(issued);
  session.expires = epoch(issued + kInstanceLifetime);
  return InstanceKeys{keys_.issue(session), issued, issued + kInstanceLifetime};
}

}  // namespace brume::sts
