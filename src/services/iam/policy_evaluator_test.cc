#include "services/iam/policy_evaluator.h"

#include <gtest/gtest.h>

#include "services/iam/managed_policies.h"

namespace brume::iam {
namespace {

RequestContext context() {
  return {{"aws:sourceip", {{"10.0.101.7"}}},   {"aws:principalarn", {{"arn:aws:iam::000000000000:role/web"}}},
          {"aws:securetransport", {{"false"}}}, {"aws:currenttime", {{"2026-11-24T12:00:00Z"}}},
          {"aws:epochtime", {{"1795521600"}}},  {"aws:requestedregion", {{"eu-central-1"}}},
          {"aws:tagkeys", {{"a", "b"}}},        {"aws:username", std::nullopt}};
}

std::string decision(const std::string& statements, const std::string& action, std::optional<std::string> resource) {
  const auto policy =
      parse_policy(R"({"Version":"2012-10-17","Statement":[)" + statements + "]}", PolicyKind::identity);
  if (!policy) return policy.error().message;
  switch (evaluate(std::span(&*policy, 1), {action, std::move(resource), context()})) {
    case Decision::allowed:
      return "allowed";
    case Decision::denied:
      return "denied";
    case Decision::not_allowed:
      return "not allowed";
  }
  return "";
}

TEST(PolicyEvaluator, ActionsAndResources) {
  struct Row {
    const char *statements, *action;
    std::optional<std::string> resource;
    const char* expected;
  };
  const std::string volume = "arn:aws:ec2:eu-central-1:000000000000:volume/vol-1";
  const Row rows[] = {
      {R"({"Effect":"Allow","Action":"*","Resource":"*"})", "ec2:RunInstances", {}, "allowed"},
      {R"({"Effect":"Allow","Action":"ec2:Describe*","Resource":"*"})", "ec2:DescribeInstances", {}, "allowed"},
      {R"({"Effect":"Allow","Action":"EC2:describe*","Resource":"*"})", "ec2:DescribeInstances", {}, "allowed"},
      {R"({"Effect":"Allow","Action":"ec2:Describe?nstances","Resource":"*"})", "ec2:DescribeInstances", {}, "allowed"},
      {R"({"Effect":"Allow","Action":"ec2:Describe*","Resource":"*"})", "ec2:RunInstances", {}, "not allowed"},
      {R"({"Effect":"Allow","Action":"ec2:*","Resource":"*"})", "ec2messages:GetMessages", {}, "not allowed"},
      {R"({"Effect":"Allow","NotAction":"iam:*","Resource":"*"})", "ec2:RunInstances", {}, "allowed"},
      {R"({"Effect":"Allow","NotAction":["iam:*","ec2:*"],"Resource":"*"})", "ec2:RunInstances", {}, "not allowed"},
      {R"({"Effect":"Allow","Action":"*","Resource":"*"},{"Effect":"Deny","Action":"ec2:*","Resource":"*"})",
       "ec2:RunInstances",
       {},
       "denied"},
      // Resources that are known, and that are not.
      {R"({"Effect":"Allow","Action":"*","Resource":"arn:aws:ec2:*:*:volume/*"})", "ec2:DeleteVolume", volume,
       "allowed"},
      {R"({"Effect":"Allow","Action":"*","Resource":"arn:aws:ec2:*:*:instance/*"})", "ec2:DeleteVolume", volume,
       "not allowed"},
      {R"({"Effect":"Allow","Action":"*","Resource":"arn:aws:ec2:*:*:volume/*"})",
       "ec2:DeleteVolume",
       {},
       "not allowed"},
      {R"({"Effect":"Allow","Action":"*","Resource":"*"},{"Effect":"Deny","Action":"*","Resource":"arn:aws:s3:::x"})",
       "ec2:DeleteVolume",
       {},
       "denied"},
      {R"({"Effect":"Allow","Action":"*","Resource":"*"},{"Effect":"Deny","Action":"*","Resource":"arn:aws:s3:::x"})",
       "ec2:DeleteVolume", volume, "allowed"},
      {R"({"Effect":"Allow","Action":"*","NotResource":"arn:aws:ec2:*:*:volume/vol-1"})", "ec2:DeleteVolume", volume,
       "not allowed"},
      {R"({"Effect":"Allow","Action":"*","NotResource":"arn:aws:ec2:*:*:volume/vol-2"})", "ec2:DeleteVolume", volume,
       "allowed"},
      {R"({"Effect":"Allow","Action":"*","NotResource":"arn:aws:ec2:*:*:volume/vol-2"})",
       "ec2:DeleteVolume",
       {},
       "not allowed"},
      // Variables.
      {R"({"Effect":"Allow","Action":"*","Resource":"arn:aws:s3:::${aws:RequestedRegion}"})", "s3:GetObject",
       "arn:aws:s3:::eu-central-1", "allowed"},
      {R"({"Effect":"Allow","Action":"*","Resource":"arn:aws:s3:::${aws:username}"})", "s3:GetObject",
       "arn:aws:s3:::", "not allowed"},
      {R"({"Effect":"Allow","Action":"*","Resource":"arn:aws:s3:::${ec2:Vpc}*"})", "s3:GetObject", "arn:aws:s3:::x",
       "not allowed"},
      {R"({"Effect":"Allow","Action":"*","Resource":"*"},{"Effect":"Deny","Action":"*","Resource":"arn:${ec2:Vpc}"})",
       "s3:GetObject", "arn:aws:s3:::x", "denied"},
      {R"({"Effect":"Allow","Action":"*","Resource":"arn:aws:s3:::${*}"})", "s3:GetObject", "arn:aws:s3:::x",
       "not allowed"},
      {R"({"Effect":"Allow","Action":"*","Resource":"arn:aws:s3:::${*}"})", "s3:GetObject", "arn:aws:s3:::*",
       "allowed"},
      // Everything.
      {R"({"Effect":"Allow","Action":"*","Resource":"*"})", "*", {}, "allowed"},
      {R"({"Effect":"Allow","Action":["ec2:*","iam:*"],"Resource":"*"})", "*", {}, "not allowed"},
      {R"({"Effect":"Allow","NotAction":"iam:*","Resource":"*"})", "*", {}, "not allowed"},
      {R"({"Effect":"Allow","Action":"*","Resource":"*"},{"Effect":"Deny","Action":"iam:*","Resource":"*"})",
       "*",
       {},
       "denied"},
  };
  for (const Row& row : rows)
    EXPECT_EQ(decision(row.statements, row.action, row.resource), row.expected)
        << row.statements << " " << row.action << " " << row.resource.value_or("(unknown)");
}

TEST(PolicyEvaluator, Conditions) {
  // Each alone in an Allow and in a Deny. A condition that cannot be told denies either way.
  enum Expected { holds, fails, unknown };
  struct Row {
    const char* condition;
    Expected expected;
  };
  const Row rows[] = {
      {R"("StringEquals":{"aws:RequestedRegion":"eu-central-1"})", holds},
      {R"("StringEquals":{"AWS:requestedregion":["x","eu-central-1"]})", holds},
      {R"("StringEquals":{"aws:RequestedRegion":"EU-central-1"})", fails},
      {R"("StringEquals":{"aws:RequestedRegion":"eu-*"})", fails},
      {R"("StringEqualsIgnoreCase":{"aws:RequestedRegion":"EU-central-1"})", holds},
      {R"("StringNotEquals":{"aws:RequestedRegion":["us-east-1","eu-central-1"]})", fails},
      {R"("StringNotEquals":{"aws:RequestedRegion":"us-east-1"})", holds},
      {R"("StringLike":{"aws:RequestedRegion":"eu-*"})", holds},
      {R"("StringNotLike":{"aws:RequestedRegion":"eu-*"})", fails},
      {R"("StringNotEqualsIgnoreCase":{"aws:RequestedRegion":"EU-CENTRAL-1"})", fails},
      {R"("IpAddress":{"aws:SourceIp":"10.0.0.0/16"})", holds},
      {R"("IpAddress":{"aws:SourceIp":["192.168.0.0/16","10.0.101.7"]})", holds},
      {R"("IpAddress":{"aws:SourceIp":"10.0.0.0/33"})", unknown},
      {R"("IpAddress":{"aws:SourceIp":"2001:db8::/32"})", fails},
      {R"("NotIpAddress":{"aws:SourceIp":"10.0.0.0/16"})", fails},
      {R"("NotIpAddress":{"aws:SourceIp":"nonsense"})", unknown},
      {R"("ArnLike":{"aws:PrincipalArn":"arn:aws:iam::*:role/w*"})", holds},
      {R"("ArnEquals":{"aws:PrincipalArn":"arn:aws:iam:*:role/web"})", fails},
      {R"("ArnNotLike":{"aws:PrincipalArn":"arn:aws:iam::*:role/web"})", fails},
      {R"("Bool":{"aws:SecureTransport":"false"})", holds},
      {R"("Bool":{"aws:SecureTransport":true})", fails},
      {R"("Bool":{"aws:SecureTransport":"maybe"})", unknown},
      {R"("DateGreaterThan":{"aws:CurrentTime":"2026-01-01T00:00:00Z"})", holds},
      {R"("DateLessThan":{"aws:CurrentTime":"2026-01-01T00:00:00Z"})", fails},
      {R"("DateLessThan":{"aws:CurrentTime":"soon"})", unknown},
      {R"("NumericGreaterThanEquals":{"aws:EpochTime":1795521600})", holds},
      {R"("NumericLessThan":{"aws:EpochTime":"1795521600"})", fails},
      {R"("NumericNotEquals":{"aws:EpochTime":"7"})", holds},
      {R"("Null":{"aws:username":"true"})", holds},
      {R"("Null":{"aws:SourceIp":"true"})", fails},
      {R"("Null":{"ec2:Vpc":"true"})", unknown},
      {R"("StringEquals":{"aws:username":"x"})", fails},
      {R"("StringNotEquals":{"aws:username":"x"})", holds},
      {R"("StringEqualsIfExists":{"aws:username":"x"})", holds},
      {R"("StringEqualsIfExists":{"aws:RequestedRegion":"x"})", fails},
      {R"("ForAllValues:StringEquals":{"aws:TagKeys":["a","b","c"]})", holds},
      {R"("ForAllValues:StringEquals":{"aws:TagKeys":["a"]})", fails},
      {R"("ForAnyValue:StringEquals":{"aws:TagKeys":["b"]})", holds},
      {R"("ForAnyValue:StringNotEquals":{"aws:TagKeys":["a","b"]})", fails},
      {R"("StringEquals":{"ec2:ResourceTag/Name":"x"})", unknown},
      {R"("StringNotEquals":{"ec2:ResourceTag/Name":"x"})", unknown},
      {R"("StringResembles":{"aws:SourceIp":"x"})", unknown},
      {R"("StringNotResembles":{"aws:username":"x"})", unknown},
      {R"("StringEquals":{"aws:RequestedRegion":"eu-central-1"},"Bool":{"aws:SecureTransport":"true"})", fails},
      {R"("StringEquals":{"aws:RequestedRegion":"eu-central-1"},"Bool":{"aws:SecureTransport":"false"})", holds},
  };
  for (const Row& row : rows) {
    const auto statement = [&](const char* effect) {
      return fmt::format(R"({{"Effect":"{}","Action":"*","Resource":"*","Condition":{{{}}}}})", effect, row.condition);
    };
    EXPECT_EQ(decision(statement("Allow"), "ec2:X", "*"), row.expected == holds ? "allowed" : "not allowed")
        << row.condition;
    EXPECT_EQ(decision(R"({"Effect":"Allow","Action":"*","Resource":"*"},)" + statement("Deny"), "ec2:X", "*"),
              row.expected == fails ? "allowed" : "denied")
        << row.condition;
  }
}

TEST(PolicyEvaluator, Trust) {
  const Principal ec2{"Service", {"ec2.amazonaws.com"}};
  const Principal role{"AWS", {"arn:aws:iam::000000000000:role/web", "arn:aws:iam::000000000000:root", "000000000000"}};
  const auto trust = [](const std::string& rest, const Principal& who, const char* action = "sts:AssumeRole") {
    const auto policy = parse_policy(R"({"Version":"2012-10-17","Statement":{)" + rest + "}}", PolicyKind::trust);
    return policy ? evaluate_trust(*policy, who, {action, "*", context()}) : Decision::denied;
  };
  const std::string assume = R"("Effect":"Allow","Action":"sts:AssumeRole","Principal":)";
  EXPECT_EQ(trust(assume + R"({"Service":"ec2.amazonaws.com"})", ec2), Decision::allowed);
  EXPECT_EQ(trust(assume + R"({"Service":["lambda.amazonaws.com"]})", ec2), Decision::not_allowed);
  EXPECT_EQ(trust(assume + R"({"AWS":"ec2.amazonaws.com"})", ec2), Decision::not_allowed);
  EXPECT_EQ(trust(assume + R"({"AWS":"arn:aws:iam::000000000000:role/web"})", role), Decision::allowed);
  EXPECT_EQ(trust(assume + R"({"AWS":"000000000000"})", role), Decision::allowed);
  EXPECT_EQ(trust(assume + R"({"AWS":"arn:aws:iam::000000000000:role/*"})", role), Decision::not_allowed);
  EXPECT_EQ(trust(assume + R"({"AWS":"*"})", role), Decision::allowed);
  EXPECT_EQ(trust(assume + R"("*")", ec2), Decision::allowed);
  EXPECT_EQ(trust(assume + R"({"AWS":"*"})", role, "sts:TagSession"), Decision::not_allowed);
  EXPECT_EQ(trust(R"("Effect":"Allow","Action":"sts:*","NotPrincipal":{"AWS":"x"})", role), Decision::not_allowed);
  EXPECT_EQ(trust(R"("Effect":"Deny","Action":"sts:*","NotPrincipal":{"AWS":"x"})", role), Decision::denied);
  EXPECT_EQ(trust(assume + R"({"AWS":"*"},"Condition":{"StringEquals":{"sts:ExternalId":"1"}})", role),
            Decision::not_allowed);
}

TEST(PolicyEvaluator, DocumentsThatAreNotPolicies) {
  const std::pair<PolicyKind, const char*> rows[] = {
      {PolicyKind::identity, "{"},
      {PolicyKind::identity, "[]"},
      {PolicyKind::identity, "{}"},
      {PolicyKind::identity, R"({"Version":"2013-01-01","Statement":[]})"},
      {PolicyKind::identity, R"({"Statement":[{"Effect":"Allow","Action":"*"}]})"},
      {PolicyKind::identity, R"({"Statement":[{"Effect":"allow","Action":"*","Resource":"*"}]})"},
      {PolicyKind::identity, R"({"Statement":[{"Effect":"Allow","Action":[],"Resource":"*"}]})"},
      {PolicyKind::identity, R"({"Statement":[{"Effect":"Allow","Action":"*","NotAction":"*","Resource":"*"}]})"},
      {PolicyKind::identity, R"({"Statement":[{"Effect":"Allow","Action":"*","Resource":"*","Conditions":{}}]})"},
      {PolicyKind::identity, R"({"Statement":[{"Effect":"Allow","Action":"*","Resource":"*","Principal":"*"}]})"},
      {PolicyKind::trust, R"({"Statement":[{"Effect":"Allow","Action":"*","Resource":"*","Principal":"*"}]})"},
      {PolicyKind::trust, R"({"Statement":[{"Effect":"Allow","Action":"*"}]})"},
      {PolicyKind::trust, R"({"Statement":[{"Effect":"Allow","Action":"*","Principal":{"Aws":"*"}}]})"},
  };
  for (const auto& [kind, text] : rows) {
    const auto policy = parse_policy(text, kind);
    EXPECT_EQ(policy ? "" : policy.error().code, "MalformedPolicyDocument") << text;
  }
}

TEST(PolicyEvaluator, ManagedPoliciesCanBeRead) {
  for (const ManagedPolicy& policy : managed_policies())
    EXPECT_TRUE(parse_policy(policy.document, PolicyKind::identity)) << policy.name;
}

}  // namespace
}  // namespace brume::iam
