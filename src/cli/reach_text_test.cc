#include "cli/reach_text.h"

#include <gtest/gtest.h>

namespace brume::cli {
namespace {

using ec2::AnalysisComponent;
using ec2::Explanation;
using ec2::PathComponent;

std::optional<AnalysisComponent> component(const std::string& id, const std::string& name = "") {
  AnalysisComponent made{.Id = id};
  if (!name.empty()) made.Name = name;
  return made;
}

std::string line(PathComponent hop, std::optional<Explanation> why = std::nullopt) {
  if (why) hop.Explanations.push_back(*why);
  ec2::NetworkInsightsAnalysis analysis{.NetworkPathFound = !why};
  analysis.ForwardPathComponents.push_back(hop);
  if (why) analysis.Explanations.push_back(*why);
  const std::string text = in_words(analysis, "a → b");
  EXPECT_TRUE(text.starts_with("a → b\n")) << text;
  EXPECT_TRUE(text.ends_with(why ? "\nNot reachable\n" : "\nReachable\n")) << text;
  return text.substr(8, text.rfind('\n', text.size() - 2) - 8);
}

TEST(ReachTextTest, EachHopNamesTheRuleThatDecides) {
  PathComponent group{.Component = component("sg-1", "web")};
  group.SecurityGroupRule = ec2::AnalysisSecurityGroupRule{
      .Cidr = "0.0.0.0/0", .Direction = "ingress", .PortRange = ec2::PortRange{80, 90}, .Protocol = "tcp"};
  group.AdditionalDetails.push_back({.AdditionalDetailType = "SECURITY_GROUP_RULE", .Component = component("sgr-1")});
  EXPECT_EQ(line(group), "  ✓ sg-1 (web): rule sgr-1 lets tcp 80-90 in from 0.0.0.0/0");

  Explanation why{.Direction = "egress", .ExplanationCode = "ENI_SG_RULES_MISMATCH", .Port = 53};
  why.Addresses = {"10.0.0.4"};
  why.Protocols = {"udp"};
  why.SecurityGroups = {*component("sg-1", "web"), *component("sg-2")};
  EXPECT_EQ(line({.Component = component("sg-1")}, why), "  ✗ sg-1 (web), sg-2: no rule lets udp 53 out to 10.0.0.4");

  PathComponent acl{.AclRule = ec2::AnalysisAclRule{.Cidr = "10.0.0.0/8",
                                                    .Egress = true,
                                                    .PortRange = ec2::PortRange{22, 22},
                                                    .Protocol = "tcp",
                                                    .RuleAction = "deny",
                                                    .RuleNumber = 50},
                    .Component = component("acl-1")};
  why.ExplanationCode = "SUBNET_ACL_RESTRICTION";
  EXPECT_EQ(line(acl, why), "  ✗ acl-1: entry 50 denies tcp 22 out to 10.0.0.0/8");
  acl.AclRule->RuleNumber = 32767;
  EXPECT_EQ(line(acl, why), "  ✗ acl-1: no entry lets udp 53 out to 10.0.0.4, and the last one (*) denies");

  PathComponent table{.Component = component("rtb-1")};
  why.ExplanationCode = "NO_ROUTE_TO_DESTINATION";
  EXPECT_EQ(line(table, why), "  ✗ rtb-1: no route to 10.0.0.4");
  table.RouteTableRoute = ec2::AnalysisRouteTableRoute{.DestinationCidr = "0.0.0.0/0", .NatGatewayId = "nat-1"};
  EXPECT_EQ(line(table), "  ✓ rtb-1: routes 0.0.0.0/0 to nat-1");
  why.ExplanationCode = "BAD_STATE_ROUTE";
  EXPECT_EQ(line(table, why),
            "  ✗ rtb-1: the route for 0.0.0.0/0 to nat-1 leads nowhere: its target is gone or not in use (blackhole)");

  PathComponent gateway{.Component = component("igw-1")};
  gateway.InboundHeader = ec2::AnalysisPacketHeader{.SourceAddresses = {"10.0.0.4/32"}};
  gateway.OutboundHeader = ec2::AnalysisPacketHeader{.SourceAddresses = {"127.8.0.4/32"}};
  EXPECT_EQ(line(gateway), "  ✓ igw-1: 10.0.0.4 becomes 127.8.0.4");
  why.ExplanationCode = "IGW_PUBLIC_IP_ASSOCIATION_FOR_EGRESS";
  EXPECT_EQ(line({.Component = component("igw-1")}, why), "  ✗ igw-1: the sender has no public address to go out with");
  why.ExplanationCode = "SOMETHING_NEW";
  EXPECT_EQ(line({.Component = component("pcx-1")}, why), "  ✗ pcx-1: SOMETHING_NEW");
  EXPECT_EQ(line({.Component = component("eni-1"), .Subnet = component("subnet-1", "a")}), "  ✓ eni-1 in subnet-1 (a)");
}

TEST(ReachTextTest, RepliesWholesAndWarnings) {
  ec2::NetworkInsightsAnalysis analysis{.WarningMessage = "Only to some ports, such as 80.", .NetworkPathFound = true};
  analysis.ForwardPathComponents.push_back({.Component = component("eni-1")});
  analysis.ReturnPathComponents.push_back({.Component = component("eni-2")});
  EXPECT_EQ(in_words(analysis, "a → b"),
            "a → b\n  ✓ eni-1\n  ✓ replies come back\n  ! Only to some ports, such as 80.\nReachable\n");
  Explanation why{.Component = component("rtb-1"), .Direction = "egress", .ExplanationCode = "NO_ROUTE_TO_DESTINATION"};
  why.Addresses = {"10.0.0.4"};
  PathComponent table{.Component = component("rtb-1")};
  table.Explanations.push_back(why);
  analysis.ReturnPathComponents.push_back(table);
  analysis.Explanations = {
      why, Explanation{.Component = component("i-1", "db"), .ExplanationCode = "BAD_STATE", .State = "stopped"}};
  analysis.NetworkPathFound = false;
  analysis.WarningMessage.reset();
  EXPECT_EQ(in_words(analysis, "a → b"),
            "a → b\n  ✓ eni-1\n  and the reply:\n  ✓ eni-2\n  ✗ rtb-1: no route to 10.0.0.4\n"
            "  ✗ i-1 (db): it is stopped\nNot reachable\n");
}

}  // namespace
}  // namespace brume::cli
