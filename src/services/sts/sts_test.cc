#include <gtest/gtest.h>

#include "env/sim.h"
#include "iam/api.h"
#include "services/sts/resources.h"
#include "services/sts/service.h"
#include "store/memory_backend.h"

namespace brume::sts {

// Inputs of our own in the shape of EC2's, which this folder does not know.
struct ProfileInput {
  std::optional<std::string> Arn, Name;
};
struct LaunchInput {
  List<std::string> InstanceIds;
  std::optional<ProfileInput> IamInstanceProfile;
  std::optional<std::string> LaunchTemplate;
};
struct MetricsInput {
  std::optional<std::string> Namespace;
};
struct SessionInput {
  std::optional<std::string> Target, DocumentName;
};

}  // namespace brume::sts

BRUME_RECORD(brume::sts::ProfileInput, Arn, Name)
BRUME_RECORD(brume::sts::LaunchInput, InstanceIds, IamInstanceProfile, LaunchTemplate)
BRUME_RECORD(brume::sts::MetricsInput, Namespace)
BRUME_RECORD(brume::sts::SessionInput, Target, DocumentName)

namespace brume::sts {
namespace {

const Shape* launch_shape() {
  return &shape_of<LaunchInput>();
}

using namespace std::chrono_literals;

std::string policy(const std::string& statements) {
  return R"({"Version":"2012-10-17","Statement":[)" + statements + "]}";
}
std::string allow(const std::string& action, const std::string& resource = "*") {
  return fmt::format(R"({{"Effect":"Allow","Action":"{}","Resource":"{}"}})", action, resource);
}
std::string trusting(const std::string& principal) {
  return policy(R"({"Effect":"Allow","Action":"sts:AssumeRole","Principal":)" + principal + "}");
}
const std::string kTrustsEc2 = trusting(R"({"Service":"ec2.amazonaws.com"})");
const std::string kTrustsAccount = trusting(R"({"AWS":"arn:aws:iam::000000000000:root"})");
constexpr const char* kInstance = "i-0123456789abcdef0";

const aws::Operation kRun = {.name = "RunInstances"};
const aws::Operation kDescribe = {.name = "DescribeInstances"};
constexpr aws::Protocol kProtocols[] = {aws::Protocol::query};
aws::ServiceModel model(const char* name) {
  return {.id = name,
          .signing_name = name,
          .api_version = "1",
          .xml_namespace = nullptr,
          .target_prefix = nullptr,
          .json_version = nullptr,
          .protocols = kProtocols,
          .operations = {},
          .known = {},
          .errors = {}};
}

class StsTest : public testing::Test {
 protected:
  void SetUp() override {
    ASSERT_TRUE(iam.load());
    owner.region = "eu-central-1";
    owner.principal_arn = "arn:aws:iam::000000000000:root";
    owner.user_id = "000000000000";
  }
  void role(const std::string& name, const std::string& trust, const std::string& inline_policy) {
    const auto made = store.transact([&]() -> Result<void> {
      iam::CreateRoleRequest request;
      request.RoleName = name;
      request.AssumeRolePolicyDocument = trust;
      BRUME_CHECK(iam.CreateRole(owner, request));
      return iam.PutRolePolicy(owner, {name, "p", inline_policy});
    });
    ASSERT_TRUE(made) << made.error().message;
  }
  Result<AssumeRoleResponse> assume(const aws::Call& call, const std::string& name,
                                    std::optional<std::string> session_policy = {}) {
    AssumeRoleRequest request;
    request.RoleArn = "arn:aws:iam::000000000000:role/" + name;
    request.RoleSessionName = "me";
    request.Policy = std::move(session_policy);
    return service.AssumeRole(call, request);
  }
  // The call that such keys make, as the dispatcher would have it.
  Result<aws::Call> call_of(const std::string& access_key, const std::string& token) {
    BRUME_TRY(credentials, authority.credentials(access_key, token));
    aws::Call call = owner;
    call.principal_arn = credentials.principal_arn;
    call.user_id = credentials.user_id;
    call.session_token = credentials.session_token;
    return call;
  }
  aws::Call call_of(const Result<AssumeRoleResponse>& response) {
    if (!response) return {};
    return call_of(*response->Credentials->AccessKeyId, *response->Credentials->SessionToken).value_or(aws::Call{});
  }
  void set_wall(Timestamp time) { sim.clock.jump_wall(time - sim.clock.wall()); }
  std::string refusal(const aws::Call& call, const char* service_name, const aws::Operation& operation) {
    const auto allowed = authority.authorize(call, model(service_name), operation, nullptr);
    return allowed ? "" : allowed.error().message;
  }

  env::SimEnv sim;
  store::MemoryBackend backend;
  store::Store store{backend};
  services::Hints hints{sim.loop};
  iam::Service iam{services::Context{sim.env, store, hints, ""}};
  Authority authority{iam, sim.clock, std::string(32, 'k')};
  Service service{sim.env, authority};
  aws::Call owner;
};

TEST_F(StsTest, InstanceKeysRotateAndEnd) {
  role("web", kTrustsEc2, policy(allow("ec2:Describe*")));
  const Timestamp launched = sim.clock.wall();
  const auto first = authority.for_instance("web", kInstance, "eu-central-1", launched);
  ASSERT_TRUE(first);
  EXPECT_TRUE(first->keys.access_key_id.starts_with("ASIA"));
  EXPECT_EQ(first->keys.access_key_id.size(), 20U);
  EXPECT_EQ(first->keys.secret_access_key.size(), 40U);
  EXPECT_EQ(first->keys.token.find(first->keys.secret_access_key), std::string::npos);
  EXPECT_EQ(first->expires - first->issued, 6h);
  const auto call = call_of(first->keys.access_key_id, first->keys.token);
  ASSERT_TRUE(call);
  EXPECT_EQ(call->principal_arn, "arn:aws:sts::000000000000:assumed-role/web/i-0123456789abcdef0");
  EXPECT_TRUE(call->user_id.starts_with("AROA") && call->user_id.ends_with(":i-0123456789abcdef0"));
  // The same until the next hour; the old ones are good until they end.
  const auto id_at = [&](std::chrono::seconds later) {
    set_wall(launched + later);
    const auto keys = authority.for_instance("web", kInstance, "eu-central-1", launched);
    return keys && keys->expires - sim.clock.wall() >= 5min ? keys->keys.access_key_id : "";
  };
  EXPECT_EQ(id_at(59min + 59s), first->keys.access_key_id);
  EXPECT_NE(id_at(1h), first->keys.access_key_id);
  EXPECT_NE(id_at(1h), id_at(2h));
  set_wall(launched + 6h - 1s);
  EXPECT_TRUE(call_of(first->keys.access_key_id, first->keys.token));
  set_wall(launched + 6h);
  EXPECT_EQ(call_of(first->keys.access_key_id, first->keys.token).error().code, "ExpiredToken");
}

TEST_F(StsTest, KeysSurviveARestartAndNotAnotherKeyOrRole) {
  role("web", kTrustsEc2, policy(allow("*")));
  const auto made = authority.for_instance("web", kInstance, "eu-central-1", sim.clock.wall());
  ASSERT_TRUE(made);
  const TemporaryKeys& keys = made->keys;
  const Authority again(iam, sim.clock, std::string(32, 'k')), other(iam, sim.clock, std::string(32, 'x'));
  EXPECT_EQ(again.credentials(keys.access_key_id, keys.token)->secret_key, keys.secret_access_key);
  const auto code = [](const auto& result) { return result ? "" : result.error().code; };
  EXPECT_EQ(code(other.credentials(keys.access_key_id, keys.token)), "InvalidClientTokenId");
  EXPECT_EQ(code(authority.credentials("ASIAAAAAAAAAAAAAAAAA", keys.token)), "InvalidClientTokenId");
  for (const std::size_t at : {std::size_t(0), std::size_t(50), keys.token.size() - 5}) {
    std::string forged = keys.token;
    forged[at] = forged[at] == 'A' ? 'B' : 'A';
    EXPECT_EQ(code(authority.credentials(keys.access_key_id, forged)), "InvalidClientTokenId");
  }
  for (const char* token : {"", "x", "AAAA", "====", "\n"})
    EXPECT_EQ(code(authority.credentials(keys.access_key_id, token)), "InvalidClientTokenId") << token;
  ASSERT_TRUE(store.transact([&]() -> Result<void> {
    BRUME_CHECK(iam.DeleteRolePolicy(owner, {"web", "p"}));
    return iam.DeleteRole(owner, {"web"});
  }));
  EXPECT_EQ(code(authority.credentials(keys.access_key_id, keys.token)), "InvalidClientTokenId");
  role("web", kTrustsEc2, policy(allow("*")));
  EXPECT_EQ(code(authority.credentials(keys.access_key_id, keys.token)), "InvalidClientTokenId") << "another role";
}

TEST_F(StsTest, OnlyARoleThatTrustsEc2IsGivenToInstances) {
  role("web", kTrustsAccount, policy(allow("*")));
  EXPECT_FALSE(authority.for_instance("web", kInstance, "eu-central-1", sim.clock.wall()));
  EXPECT_FALSE(authority.for_instance("none", kInstance, "eu-central-1", sim.clock.wall()));
}

TEST_F(StsTest, SessionsMayWhatTheirPoliciesAllow) {
  role("reader", kTrustsAccount, policy(allow("ec2:Describe*")));
  const aws::Call call = call_of(assume(owner, "reader"));
  EXPECT_EQ(refusal(call, "ec2", kDescribe), "");
  EXPECT_EQ(refusal(call, "ec2", kRun),
            "User: arn:aws:sts::000000000000:assumed-role/reader/me is not authorized to perform: ec2:RunInstances "
            "because no identity-based policy allows the ec2:RunInstances action");
  EXPECT_EQ(refusal(call, "sts", {.name = "GetCallerIdentity"}), "");
  EXPECT_EQ(refusal(call, "sts", {.name = "GetSessionToken"}), "Cannot call GetSessionToken with session credentials");
  ASSERT_TRUE(store.transact([&] {
    return iam.PutRolePolicy(
        owner, {"reader", "q", policy(R"({"Effect":"Deny","Action":"ec2:DescribeInstances","Resource":"*"})")});
  }));
  EXPECT_EQ(refusal(call, "ec2", kDescribe),
            "User: arn:aws:sts::000000000000:assumed-role/reader/me is not authorized to perform: "
            "ec2:DescribeInstances with an explicit deny in an identity-based policy");
}

TEST_F(StsTest, SessionPoliciesAndBoundariesNarrow) {
  role("admin", kTrustsAccount, policy(allow("*")));
  const aws::Call narrowed = call_of(assume(owner, "admin", policy(allow("ec2:Describe*"))));
  EXPECT_EQ(refusal(narrowed, "ec2", kDescribe), "");
  EXPECT_TRUE(refusal(narrowed, "ec2", kRun).ends_with("because no session policy allows the ec2:RunInstances action"));
  ASSERT_TRUE(store.transact([&]() -> Result<void> {
    BRUME_CHECK(iam.CreatePolicy(owner, {.PolicyName = "b", .PolicyDocument = policy(allow("ec2:RunInstances"))}));
    iam::CreateRoleRequest request;
    request.RoleName = "bounded";
    request.AssumeRolePolicyDocument = kTrustsAccount;
    request.PermissionsBoundary = "arn:aws:iam::000000000000:policy/b";
    BRUME_CHECK(iam.CreateRole(owner, request));
    return iam.AttachRolePolicy(owner, {"bounded", "arn:aws:iam::aws:policy/AdministratorAccess"});
  }));
  const aws::Call bounded = call_of(assume(owner, "bounded"));
  EXPECT_EQ(refusal(bounded, "ec2", kRun), "");
  EXPECT_TRUE(refusal(bounded, "ec2", kDescribe)
                  .ends_with("because no permissions boundary allows the ec2:DescribeInstances action"));
  EXPECT_EQ(assume(owner, "admin", "{}").error().code, "MalformedPolicyDocument");
}

TEST_F(StsTest, WhatActsInTheCallersPlaceAsksForMore) {
  role("cfn", kTrustsAccount, policy(allow("cloudformation:*")));
  role("asg", kTrustsAccount, policy(allow("autoscaling:*")));
  role("passes", kTrustsAccount, policy(allow("autoscaling:*") + "," + allow("iam:PassRole")));
  role("admin", kTrustsAccount, policy(allow("*")));
  const aws::Operation create = {.name = "CreateStack"}, list = {.name = "ListStacks"};
  const aws::Operation group = {.name = "CreateAutoScalingGroup"};
  EXPECT_NE(refusal(call_of(assume(owner, "cfn")), "cloudformation", create), "");
  EXPECT_EQ(refusal(call_of(assume(owner, "cfn")), "cloudformation", list), "");
  EXPECT_EQ(refusal(call_of(assume(owner, "admin")), "cloudformation", create), "");
  EXPECT_NE(refusal(call_of(assume(owner, "asg")), "autoscaling", group), "");
  EXPECT_EQ(refusal(call_of(assume(owner, "passes")), "autoscaling", group), "");
}

TEST_F(StsTest, LaunchingWithARoleAsksForPassRole) {
  role("web", kTrustsEc2, policy(allow("*")));
  role("launcher", kTrustsAccount,
       policy(allow("ec2:*") + "," + allow("iam:PassRole", "arn:aws:iam::000000000000:role/web")));
  role("nobody", kTrustsAccount, policy(allow("ec2:*")));
  ASSERT_TRUE(store.transact([&]() -> Result<void> {
    BRUME_CHECK(iam.CreateInstanceProfile(owner, {.InstanceProfileName = "web"}));
    return iam.AddRoleToInstanceProfile(owner, {"web", "web"});
  }));
  const aws::Operation run = {.name = "RunInstances", .input = &launch_shape};
  const aws::ServiceModel ec2 = model("ec2");
  const aws::Call launcher = call_of(assume(owner, "launcher")), nobody = call_of(assume(owner, "nobody"));
  LaunchInput plain, with_role, with_template, with_unknown;
  with_role.IamInstanceProfile = ProfileInput{.Arn = {}, .Name = "web"};
  with_template.IamInstanceProfile = with_role.IamInstanceProfile;
  with_template.LaunchTemplate = "lt-1";
  with_unknown.IamInstanceProfile = ProfileInput{.Arn = {}, .Name = "other"};
  EXPECT_TRUE(authority.authorize(nobody, ec2, run, &plain));
  EXPECT_FALSE(authority.authorize(nobody, ec2, run, &with_role));
  EXPECT_TRUE(authority.authorize(launcher, ec2, run, &with_role));
  EXPECT_FALSE(authority.authorize(launcher, ec2, run, &with_template)) << "it may name any role";
  EXPECT_FALSE(authority.authorize(launcher, ec2, run, &with_unknown));
}

TEST_F(StsTest, CloudWatchsActionsAreNotNamedAsItSigns) {
  role("writer", kTrustsAccount,
       policy(R"({"Effect":"Allow","Action":"cloudwatch:PutMetricData","Resource":"*",)"
              R"("Condition":{"StringEquals":{"cloudwatch:namespace":"Shop"}}})"));
  role("old", kTrustsAccount, policy(allow("monitoring:*")));
  const aws::Operation put = {.name = "PutMetricData", .input = [] { return &shape_of<MetricsInput>(); }};
  const aws::Call writer = call_of(assume(owner, "writer"));
  const MetricsInput own{"Shop"}, other{"Bank"};
  EXPECT_TRUE(authority.authorize(writer, model("monitoring"), put, &own));
  EXPECT_FALSE(authority.authorize(writer, model("monitoring"), put, &other));
  EXPECT_FALSE(authority.authorize(call_of(assume(owner, "old")), model("monitoring"), put, &own));
  EXPECT_NE(refusal(writer, "monitoring", {.name = "ListMetrics"}).find("cloudwatch:ListMetrics"), std::string::npos);
}

TEST_F(StsTest, EachInstanceOfACallMustBeAllowed) {
  role("one", kTrustsAccount, policy(allow("ec2:StopInstances", "arn:aws:ec2:eu-central-1:000000000000:instance/i-1")));
  const aws::Operation stop = {.name = "StopInstances", .input = &launch_shape};
  const aws::Call call = call_of(assume(owner, "one"));
  const std::pair<std::vector<std::string>, bool> rows[] = {
      {{"i-1"}, true}, {{"i-2"}, false}, {{"i-1", "i-2"}, false}, {{}, false}};
  for (const auto& [ids, expected] : rows) {
    LaunchInput input;
    input.InstanceIds = ids;
    EXPECT_EQ(authority.authorize(call, model("ec2"), stop, &input).has_value(), expected) << ids.size();
  }
}

TEST_F(StsTest, ASessionNeedsItsInstanceAndItsDocument) {
  const aws::Operation start = {.name = "StartSession", .input = [] { return &shape_of<SessionInput>(); }};
  using Resources = std::vector<std::optional<std::string>>;
  SessionInput input{.Target = "i-1", .DocumentName = {}};
  EXPECT_EQ(resources_of(model("ssm"), start, &input, "eu-central-1"),
            Resources{"arn:aws:ec2:eu-central-1:000000000000:instance/i-1"});
  input.DocumentName = "AWS-StartSSHSession";
  EXPECT_EQ(resources_of(model("ssm"), start, &input, "eu-central-1"),
            (Resources{"arn:aws:ssm:eu-central-1:000000000000:document/AWS-StartSSHSession",
                       "arn:aws:ec2:eu-central-1:000000000000:instance/i-1"}));
}

TEST_F(StsTest, WhoMayTakeARoleOn) {
  role("caller", kTrustsAccount, policy(allow("ec2:*")));
  role("permitted", kTrustsAccount, policy(allow("sts:AssumeRole", "arn:aws:iam::000000000000:role/target")));
  role("target", kTrustsAccount, policy(allow("*")));
  role("friend", trusting(R"({"AWS":"arn:aws:iam::000000000000:role/caller"})"), policy(allow("*")));
  role("stranger", trusting(R"({"AWS":"arn:aws:iam::111111111111:root"})"), policy(allow("*")));
  role("guarded",
       policy(R"({"Effect":"Allow","Action":"sts:AssumeRole","Principal":{"AWS":"000000000000"},)"
              R"("Condition":{"StringEquals":{"sts:ExternalId":"7"}}})"),
       policy(allow("*")));
  const aws::Call caller = call_of(assume(owner, "caller")), permitted = call_of(assume(owner, "permitted"));
  struct Row {
    const aws::Call* call;
    const char* role;
    bool expected;
  };
  const Row rows[] = {{&owner, "target", true},      {&owner, "friend", false},    {&owner, "stranger", false},
                      {&owner, "guarded", false},    {&owner, "nobody", false},    {&caller, "target", false},
                      {&caller, "friend", true},     {&permitted, "target", true}, {&permitted, "friend", false},
                      {&permitted, "guarded", false}};
  for (const Row& row : rows) {
    const auto assumed = assume(*row.call, row.role);
    EXPECT_EQ(assumed.has_value(), row.expected) << row.call->principal_arn << " " << row.role;
    if (!assumed) {
      EXPECT_EQ(assumed.error().code, "AccessDenied");
    }
  }
  AssumeRoleRequest request;
  request.RoleArn = "arn:aws:iam::000000000000:role/guarded";
  request.RoleSessionName = "me";
  request.ExternalId = "7";
  EXPECT_TRUE(service.AssumeRole(owner, request));
}

TEST_F(StsTest, Durations) {
  role("target", kTrustsAccount, policy(allow("sts:AssumeRole")));
  AssumeRoleRequest request;
  request.RoleArn = "arn:aws:iam::000000000000:role/target";
  request.RoleSessionName = "me";
  request.DurationSeconds = 3601;
  EXPECT_EQ(service.AssumeRole(owner, request).error().code, "ValidationError");
  request.DurationSeconds = 900;
  const auto assumed = service.AssumeRole(owner, request);
  ASSERT_TRUE(assumed);
  const auto& keys = *assumed->Credentials;
  set_wall(*keys.Expiration - 1s);
  EXPECT_TRUE(call_of(*keys.AccessKeyId, *keys.SessionToken));
  set_wall(*keys.Expiration);
  EXPECT_EQ(call_of(*keys.AccessKeyId, *keys.SessionToken).error().code, "ExpiredToken");
}

TEST_F(StsTest, TheOwnersSession) {
  const auto response = service.GetSessionToken(owner, {});
  ASSERT_TRUE(response);
  const auto call = call_of(*response->Credentials->AccessKeyId, *response->Credentials->SessionToken);
  ASSERT_TRUE(call);
  EXPECT_EQ(call->principal_arn, owner.principal_arn);
  EXPECT_EQ(refusal(*call, "ec2", kRun), "");
  EXPECT_EQ(refusal(*call, "iam", {.name = "CreateRole"}), "The security token included in the request is invalid.");
  EXPECT_EQ(service.GetSessionToken(*call, {}).error().code, "AccessDenied");
  const auto again = service.GetSessionToken(owner, {});
  EXPECT_NE(again->Credentials->AccessKeyId, response->Credentials->AccessKeyId);
}

}  // namespace
}  // namespace brume::sts
