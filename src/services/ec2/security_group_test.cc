#include "services/ec2/network_fixture.h"
#include "services/ec2/network_interface.h"
#include "services/ec2/security_group_rule.h"

namespace brume::ec2 {
namespace {

IpPermission tcp(int port, const std::string& cidr, const std::string& description = "") {
  IpPermission permission{.IpProtocol = "tcp", .FromPort = port, .ToPort = port};
  permission.IpRanges.push_back({.CidrIp = cidr});
  if (!description.empty()) permission.IpRanges[0].Description = description;
  return permission;
}

IpPermission from_group(int port, const std::string& group_id) {
  IpPermission permission{.IpProtocol = "tcp", .FromPort = port, .ToPort = port};
  permission.UserIdGroupPairs.push_back({.GroupId = group_id});
  return permission;
}

TEST(SecurityGroupRules, WhatAPermissionMayBe) {
  struct Case {
    const char* protocol;
    std::optional<int> from, to;
    const char* cidr;
    const char* answer;  // "<protocol> <from> <to> <range>" or the error's code
  };
  const Case cases[] = {
      {"tcp", 80, 80, "0.0.0.0/0", "tcp 80 80 0.0.0.0/0"},
      {"6", 80, 81, "10.0.0.1/8", "tcp 80 81 10.0.0.0/8"},
      {"17", 0, 65535, "10.0.0.0/8", "udp 0 65535 10.0.0.0/8"},
      {"-1", 1, 2, "10.0.0.0/8", "-1 -1 -1 10.0.0.0/8"},
      {"all", {}, {}, "10.0.0.0/8", "-1 -1 -1 10.0.0.0/8"},
      {"50", {}, {}, "10.0.0.0/8", "50 -1 -1 10.0.0.0/8"},
      {"icmp", 8, -1, "10.0.0.0/8", "icmp 8 -1 10.0.0.0/8"},
      {"icmp", {}, {}, "10.0.0.0/8", "icmp -1 -1 10.0.0.0/8"},
      {"icmp", 300, 0, "10.0.0.0/8", "InvalidParameterValue"},
      {"icmp", -1, 0, "10.0.0.0/8", "InvalidParameterValue"},
      {"tcp", {}, {}, "10.0.0.0/8", "MissingParameter"},
      {"tcp", 81, 80, "10.0.0.0/8", "InvalidParameterValue"},
      {"tcp", -1, -1, "10.0.0.0/8", "InvalidParameterValue"},
      {"tcp", 1, 65536, "10.0.0.0/8", "InvalidParameterValue"},
      {"tcp", 1, 2, "10.0.0.0", "InvalidParameterValue"},
      {"http", 1, 2, "10.0.0.0/8", "InvalidParameterValue"},
      {"256", 1, 2, "10.0.0.0/8", "InvalidParameterValue"},
  };
  for (const Case& c : cases) {
    IpPermission permission{.IpProtocol = c.protocol, .FromPort = c.from, .ToPort = c.to};
    permission.IpRanges.push_back({.CidrIp = c.cidr});
    const auto rules = rules_of_permission(permission, false);
    const std::string answer = rules ? fmt::format("{} {} {} {}", *(*rules)[0].IpProtocol, *(*rules)[0].FromPort,
                                                   *(*rules)[0].ToPort, *(*rules)[0].CidrIpv4)
                                     : rules.error().code;
    EXPECT_EQ(answer, c.answer) << c.protocol << " " << c.cidr;
  }
  EXPECT_EQ(rules_of_permission({.IpProtocol = "-1"}, true).error().code, "MissingParameter");
}

TEST_F(NetworkTest, CreateSecurityGroup) {
  const std::string vpc_id = make_vpc_id(), id = make_group_id(vpc_id);
  const auto group = must(&Ops::DescribeSecurityGroups, {.GroupIds = {id}}).SecurityGroups[0];
  EXPECT_EQ(group.IpPermissions.size(), 0U);
  EXPECT_TRUE(group.IpPermissions.present());
  ASSERT_EQ(group.IpPermissionsEgress.size(), 1U);
  EXPECT_EQ(group.IpPermissionsEgress[0].IpProtocol, "-1");
  EXPECT_FALSE(group.IpPermissionsEgress[0].FromPort);
  EXPECT_EQ(group.IpPermissionsEgress[0].IpRanges[0].CidrIp, "0.0.0.0/0");
  const struct {
    const char *name, *code;
  } cases[] = {
      {"web", "InvalidGroup.Duplicate"}, {"default", "InvalidParameterValue"}, {"sg-web", "InvalidParameterValue"},
      {"a\nb", "InvalidParameterValue"}, {"", "InvalidParameterValue"},        {"web (2)", "ok"},
  };
  for (const auto& c : cases)
    EXPECT_EQ(code(&Ops::CreateSecurityGroup, {.Description = "d", .GroupName = c.name, .VpcId = vpc_id}), c.code)
        << c.name;
  must(&Ops::CreateSecurityGroup, {.Description = "d", .GroupName = "web"});  // in the default VPC
  EXPECT_EQ(must(&Ops::DescribeSecurityGroups, {.GroupNames = {"web"}}).SecurityGroups[0].VpcId,
            state.default_vpc()->vpc.VpcId);
  EXPECT_EQ(code(&Ops::DescribeSecurityGroups, {.GroupNames = {"nope"}}), "InvalidGroup.NotFound");
}

TEST_F(NetworkTest, AuthorizeAndRevoke) {
  const std::string id = make_group_id(make_vpc_id());
  const auto made =
      must(&Ops::AuthorizeSecurityGroupIngress,
           {.GroupId = id, .IpPermissions = {tcp(80, "0.0.0.0/0", "web"), tcp(80, "10.0.0.1/8"), from_group(80, id)}});
  ASSERT_EQ(made.SecurityGroupRules.size(), 3U);
  EXPECT_EQ(made.SecurityGroupRules[0].Description, "web");
  EXPECT_EQ(made.SecurityGroupRules[2].ReferencedGroupInfo->GroupId, id);
  const auto twice = run(&Ops::AuthorizeSecurityGroupIngress,
                         {.GroupId = id, .IpPermissions = {tcp(443, "0.0.0.0/0"), tcp(80, "10.0.0.0/8")}});
  EXPECT_EQ(twice.error().code, "InvalidPermission.Duplicate");
  EXPECT_EQ(twice.error().message,
            "the specified rule \"peer: 10.0.0.0/8, TCP, from port: 80, to port: 80, ALLOW\" already exists");
  const auto group = must(&Ops::DescribeSecurityGroups, {.GroupIds = {id}}).SecurityGroups[0];
  ASSERT_EQ(group.IpPermissions.size(), 1U);  // one permission with all its sources; 443 was not added
  EXPECT_EQ(group.IpPermissions[0].IpRanges.size(), 2U);
  EXPECT_EQ(group.IpPermissions[0].UserIdGroupPairs.size(), 1U);

  EXPECT_EQ(code(&Ops::RevokeSecurityGroupIngress, {.GroupId = id, .IpPermissions = {tcp(81, "0.0.0.0/0")}}),
            "InvalidPermission.NotFound");
  const auto gone = must(&Ops::RevokeSecurityGroupIngress, {.GroupId = id, .IpPermissions = {tcp(80, "0.0.0.0/0")}});
  EXPECT_EQ(gone.RevokedSecurityGroupRules[0].SecurityGroupRuleId, made.SecurityGroupRules[0].SecurityGroupRuleId);
  const std::string rule_id = *made.SecurityGroupRules[1].SecurityGroupRuleId;
  EXPECT_EQ(code(&Ops::RevokeSecurityGroupEgress, {.SecurityGroupRuleIds = {rule_id}, .GroupId = id}),
            "InvalidSecurityGroupRuleId.NotFound");
  must(&Ops::RevokeSecurityGroupIngress, {.GroupId = id, .SecurityGroupRuleIds = {rule_id}});
  EXPECT_EQ(code(&Ops::RevokeSecurityGroupIngress, {.GroupId = id}), "MissingParameter");
}

TEST_F(NetworkTest, TerraformRevokesTheDefaultEgressRules) {
  const std::string id = make_group_id(make_vpc_id());
  IpPermission all{.IpProtocol = "-1"};
  all.IpRanges.push_back({.CidrIp = "0.0.0.0/0"});
  must(&Ops::RevokeSecurityGroupEgress, {.GroupId = id, .IpPermissions = {all}});
  all.IpRanges.clear();
  all.Ipv6Ranges.push_back({.CidrIpv6 = "::/0"});
  EXPECT_EQ(code(&Ops::RevokeSecurityGroupEgress, {.GroupId = id, .IpPermissions = {all}}),
            "InvalidPermission.NotFound");
  EXPECT_EQ(must(&Ops::DescribeSecurityGroups, {.GroupIds = {id}}).SecurityGroups[0].IpPermissionsEgress.size(), 0U);
}

TEST_F(NetworkTest, GroupReferences) {
  const std::string vpc_id = make_vpc_id(), web = make_group_id(vpc_id, "web"),
                    balancer = make_group_id(vpc_id, "balancer");
  const std::string elsewhere = make_group_id(make_vpc_id("10.1.0.0/16"), "web");
  must(&Ops::AuthorizeSecurityGroupIngress, {.GroupId = web, .IpPermissions = {from_group(80, balancer)}});
  EXPECT_EQ(code(&Ops::DeleteSecurityGroup, {.GroupId = balancer}), "DependencyViolation");
  EXPECT_EQ(code(&Ops::AuthorizeSecurityGroupIngress, {.GroupId = web, .IpPermissions = {from_group(81, elsewhere)}}),
            "InvalidGroup.NotFound");
  EXPECT_EQ(
      code(&Ops::AuthorizeSecurityGroupIngress, {.GroupId = web, .IpPermissions = {from_group(81, "sg-12345678")}}),
      "InvalidGroup.NotFound");
  IpPermission list{.IpProtocol = "-1"};
  list.PrefixListIds.push_back({.PrefixListId = "pl-12345678"});
  EXPECT_EQ(code(&Ops::AuthorizeSecurityGroupEgress, {.GroupId = web, .IpPermissions = {list}}),
            "InvalidPrefixListID.NotFound");
  const auto found =
      must(&Ops::DescribeSecurityGroups, {.Filters = filter("ip-permission.group-id", balancer)}).SecurityGroups;
  ASSERT_EQ(found.size(), 1U);
  EXPECT_EQ(found[0].GroupId, web);
  must(&Ops::DeleteSecurityGroup, {.GroupId = web});
  must(&Ops::DeleteSecurityGroup, {.GroupId = balancer});
  EXPECT_EQ(code(&Ops::DeleteSecurityGroup, {.GroupName = "default"}), "CannotDelete");
}

TEST_F(NetworkTest, GroupReferencesAcrossAPeering) {
  const std::string vpc_id = make_vpc_id(), peer = make_vpc_id("10.1.0.0/16"), third = make_vpc_id("10.2.0.0/16");
  const std::string web = make_group_id(vpc_id, "web"), far = make_group_id(peer, "far");
  const std::string id = *must(&Ops::CreateVpcPeeringConnection, {.VpcId = peer, .PeerVpcId = vpc_id})
                              .VpcPeeringConnection->VpcPeeringConnectionId;
  EXPECT_EQ(code(&Ops::AuthorizeSecurityGroupIngress, {.GroupId = web, .IpPermissions = {from_group(80, far)}}),
            "InvalidGroup.NotFound")
      << "it is not accepted yet";
  must(&Ops::AcceptVpcPeeringConnection, {.VpcPeeringConnectionId = id});
  IpPermission wrong = from_group(80, far);
  wrong.UserIdGroupPairs[0].VpcId = third;
  EXPECT_EQ(code(&Ops::AuthorizeSecurityGroupIngress, {.GroupId = web, .IpPermissions = {wrong}}),
            "InvalidParameterValue");
  wrong.UserIdGroupPairs[0].VpcId = peer;
  wrong.UserIdGroupPairs[0].VpcPeeringConnectionId = "pcx-12345678";
  EXPECT_EQ(code(&Ops::AuthorizeSecurityGroupIngress, {.GroupId = web, .IpPermissions = {wrong}}),
            "InvalidParameterValue");
  EXPECT_EQ(code(&Ops::AuthorizeSecurityGroupIngress,
                 {.GroupId = make_group_id(third), .IpPermissions = {from_group(80, far)}}),
            "InvalidGroup.NotFound");
  const auto made = must(&Ops::AuthorizeSecurityGroupIngress, {.GroupId = web, .IpPermissions = {from_group(80, far)}});
  const ReferencedSecurityGroup& named = *made.SecurityGroupRules[0].ReferencedGroupInfo;
  EXPECT_EQ(named.GroupId, far);
  EXPECT_EQ(named.VpcId, peer);
  EXPECT_EQ(named.VpcPeeringConnectionId, id);
  EXPECT_EQ(named.PeeringStatus, "active");
  const auto pair = [&] {
    return must(&Ops::DescribeSecurityGroups, {.GroupIds = {web}})
        .SecurityGroups[0]
        .IpPermissions[0]
        .UserIdGroupPairs[0];
  };
  EXPECT_EQ(pair().VpcPeeringConnectionId, id);
  EXPECT_EQ(pair().VpcId, peer);
  EXPECT_EQ(pair().PeeringStatus, "active");
  const auto references = [&] {
    return must(&Ops::DescribeSecurityGroupReferences, {.GroupId = {far}}).SecurityGroupReferenceSet;
  };
  ASSERT_EQ(references().size(), 1U);
  EXPECT_EQ(references()[0].GroupId, far);
  EXPECT_EQ(references()[0].ReferencingVpcId, vpc_id);
  EXPECT_EQ(references()[0].VpcPeeringConnectionId, id);

  // Stale: shown, of no effect, and taken back by what shows it, also once the group is gone.
  must(&Ops::DeleteVpcPeeringConnection, {.VpcPeeringConnectionId = id});
  EXPECT_TRUE(references().empty());
  EXPECT_EQ(pair().PeeringStatus, "deleted");
  must(&Ops::DeleteSecurityGroup, {.GroupId = far});
  EXPECT_EQ(code(&Ops::AuthorizeSecurityGroupIngress, {.GroupId = web, .IpPermissions = {from_group(81, far)}}),
            "InvalidGroup.NotFound");
  must(&Ops::RevokeSecurityGroupIngress,
       {.GroupId = web,
        .IpPermissions = must(&Ops::DescribeSecurityGroups, {.GroupIds = {web}}).SecurityGroups[0].IpPermissions});
  EXPECT_TRUE(must(&Ops::DescribeSecurityGroups, {.GroupIds = {web}}).SecurityGroups[0].IpPermissions.empty());
}

TEST_F(NetworkTest, SixtyRulesADirectionAndFamily) {
  const std::string id = make_group_id(make_vpc_id());
  for (int i = 0; i < 60; ++i)
    must(&Ops::AuthorizeSecurityGroupIngress, {.GroupId = id, .IpPermissions = {tcp(1000 + i, "10.0.0.0/8")}});
  EXPECT_EQ(code(&Ops::AuthorizeSecurityGroupIngress, {.GroupId = id, .IpPermissions = {tcp(80, "10.0.0.0/8")}}),
            "RulesPerSecurityGroupLimitExceeded");
  IpPermission ipv6{.IpProtocol = "tcp", .FromPort = 80, .ToPort = 80};
  ipv6.Ipv6Ranges.push_back({.CidrIpv6 = "2001:DB8::1/32"});
  const auto made = must(&Ops::AuthorizeSecurityGroupIngress, {.GroupId = id, .IpPermissions = {ipv6}});
  EXPECT_EQ(made.SecurityGroupRules[0].CidrIpv6, "2001:db8::/32");
  must(&Ops::AuthorizeSecurityGroupEgress, {.GroupId = id, .IpPermissions = {tcp(80, "10.0.0.0/8")}});
}

TEST_F(NetworkTest, ModifyAndDescribeRules) {
  const std::string id = make_group_id(make_vpc_id());
  const auto made =
      must(&Ops::AuthorizeSecurityGroupIngress,
           {.GroupId = id,
            .IpPermissions = {tcp(80, "10.0.0.0/8", "old"), tcp(81, "10.0.0.0/8")},
            .TagSpecifications = {TagSpecification{.ResourceType = "security-group-rule", .Tags = {Tag{"k", "v"}}}}});
  const std::string rule_id = *made.SecurityGroupRules[0].SecurityGroupRuleId;
  SecurityGroupRuleUpdate update{.SecurityGroupRuleId = rule_id,
                                 .SecurityGroupRule = SecurityGroupRuleRequest{
                                     .IpProtocol = "tcp", .FromPort = 81, .ToPort = 81, .CidrIpv4 = "10.0.0.0/8"}};
  EXPECT_EQ(code(&Ops::ModifySecurityGroupRules, {.GroupId = id, .SecurityGroupRules = {update}}),
            "InvalidPermission.Duplicate");
  update.SecurityGroupRule->FromPort = update.SecurityGroupRule->ToPort = 82;
  must(&Ops::ModifySecurityGroupRules, {.GroupId = id, .SecurityGroupRules = {update}});
  const auto rule = must(&Ops::DescribeSecurityGroupRules, {.SecurityGroupRuleIds = {rule_id}}).SecurityGroupRules[0];
  EXPECT_EQ(rule.FromPort, 82);
  EXPECT_FALSE(rule.Description);
  EXPECT_EQ(rule.Tags[0].Value, "v");
  update.SecurityGroupRule->CidrIpv6 = "::/0";
  EXPECT_EQ(code(&Ops::ModifySecurityGroupRules, {.GroupId = id, .SecurityGroupRules = {update}}),
            "InvalidParameterCombination");

  must(&Ops::UpdateSecurityGroupRuleDescriptionsIngress,
       {.GroupId = id, .IpPermissions = {tcp(82, "10.0.0.0/8", "new")}});
  EXPECT_EQ(
      must(&Ops::DescribeSecurityGroupRules, {.SecurityGroupRuleIds = {rule_id}}).SecurityGroupRules[0].Description,
      "new");
  must(&Ops::UpdateSecurityGroupRuleDescriptionsIngress,
       {.GroupId = id,
        .SecurityGroupRuleDescriptions = {
            SecurityGroupRuleDescription{.SecurityGroupRuleId = rule_id, .Description = "newer"}}});
  EXPECT_EQ(
      must(&Ops::DescribeSecurityGroupRules, {.SecurityGroupRuleIds = {rule_id}}).SecurityGroupRules[0].Description,
      "newer");
  EXPECT_EQ(must(&Ops::DescribeSecurityGroupRules, {.Filters = filter("group-id", id)}).SecurityGroupRules.size(), 3U);
  EXPECT_EQ(must(&Ops::DescribeSecurityGroupRules, {.Filters = filter("tag:k", "v")}).SecurityGroupRules.size(), 2U);
  EXPECT_EQ(code(&Ops::DescribeSecurityGroupRules, {.SecurityGroupRuleIds = {"sgr-12345678"}}),
            "InvalidSecurityGroupRuleId.NotFound");
}

TEST_F(NetworkTest, FlatParametersOfOlderClients) {
  const std::string id = make_group_id(make_vpc_id());
  must(&Ops::AuthorizeSecurityGroupIngress,
       {.CidrIp = "0.0.0.0/0", .FromPort = 22, .GroupId = id, .IpProtocol = "tcp", .ToPort = 22});
  EXPECT_EQ(
      must(&Ops::DescribeSecurityGroups, {.Filters = filter("ip-permission.from-port", "22")}).SecurityGroups.size(),
      1U);
  must(&Ops::RevokeSecurityGroupIngress,
       {.CidrIp = "0.0.0.0/0", .FromPort = 22, .GroupId = id, .IpProtocol = "tcp", .ToPort = 22});
}

}  // namespace
}  // namespace brume::ec2
