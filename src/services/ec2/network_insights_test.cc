#include "services/ec2/network_insights.h"

#include "services/ec2/instances_testing.h"

namespace brume::ec2 {
namespace {

class Insights : public testing::Region {
 protected:
  Insights() {
    const std::string image = make_image();
    a = launch(launch_of(image));
    b = launch(launch_of(image));
    run_for(std::chrono::seconds(5));
    vpc = *shown(a).VpcId;
    eni_a = *shown(a).NetworkInterfaces[0].NetworkInterfaceId;
    eni_b = *shown(b).NetworkInterfaces[0].NetworkInterfaceId;
    group = *shown(a).SecurityGroups[0].GroupId;
    auto gateways = call(&Api::DescribeInternetGateways, DescribeInternetGatewaysRequest{});
    igw = *gateways->InternetGateways.at(0).InternetGatewayId;
  }

  static CreateNetworkInsightsPathRequest request(const std::string& from, const std::string& to, int port = 80) {
    CreateNetworkInsightsPathRequest request{.Source = from, .Protocol = "tcp", .DestinationPort = port};
    if (!to.empty()) request.Destination = to;
    return request;
  }

  std::string path(const CreateNetworkInsightsPathRequest& wanted) {
    auto made = call(&Api::CreateNetworkInsightsPath, wanted);
    EXPECT_TRUE(made) << made.error().code << ": " << made.error().message;
    return made ? *made->NetworkInsightsPath->NetworkInsightsPathId : "";
  }

  NetworkInsightsAnalysis analyze(const std::string& path_id) {
    auto started =
        call(&Api::StartNetworkInsightsAnalysis, StartNetworkInsightsAnalysisRequest{.NetworkInsightsPathId = path_id});
    EXPECT_TRUE(started) << started.error().message;
    EXPECT_EQ(started->NetworkInsightsAnalysis->Status, "running");
    auto found =
        call(&Api::DescribeNetworkInsightsAnalyses,
             DescribeNetworkInsightsAnalysesRequest{
                 .NetworkInsightsAnalysisIds = {*started->NetworkInsightsAnalysis->NetworkInsightsAnalysisId}});
    EXPECT_TRUE(found) << found.error().message;
    return found->NetworkInsightsAnalyses.at(0);
  }
  NetworkInsightsAnalysis analyze(const CreateNetworkInsightsPathRequest& wanted) { return analyze(path(wanted)); }

  static std::string ids(const List<PathComponent>& components) {
    std::string text;
    for (const PathComponent& component : components)
      text += (text.empty() ? "" : " ") + (component.Component ? *component.Component->Id : "?");
    return text;
  }
  static std::string codes(const NetworkInsightsAnalysis& analysis) {
    std::string text;
    for (const Explanation& why : analysis.Explanations) text += (text.empty() ? "" : " ") + *why.ExplanationCode;
    return text;
  }
  void authorize(int port, const std::string& cidr) {
    const auto done =
        call(&Api::AuthorizeSecurityGroupIngress,
             AuthorizeSecurityGroupIngressRequest{
                 .CidrIp = cidr, .FromPort = port, .GroupId = group, .IpProtocol = "tcp", .ToPort = port});
    EXPECT_TRUE(done) << done.error().message;
  }

  std::string a, b, eni_a, eni_b, vpc, group, igw;
};

TEST_F(Insights, APathIsKeptFoundTaggedAndDeleted) {
  CreateNetworkInsightsPathRequest wanted = request("arn:aws:ec2:ap-southeast-1:000000000000:instance/" + a, eni_b);
  wanted.TagSpecifications = {{.ResourceType = "network-insights-path", .Tags = {{.Key = "Name", .Value = "web"}}}};
  const std::string id = path(wanted), other = path(request(igw, b, 443));
  restart();
  const auto by_source = call(&Api::DescribeNetworkInsightsPaths,
                              DescribeNetworkInsightsPathsRequest{.Filters = {{.Name = "source", .Values = {a}}}});
  ASSERT_EQ(by_source->NetworkInsightsPaths.size(), 1U);
  const NetworkInsightsPath& shown = by_source->NetworkInsightsPaths[0];
  EXPECT_EQ(shown.NetworkInsightsPathId, id);
  EXPECT_EQ(shown.Source, a);
  EXPECT_EQ(shown.DestinationArn, "arn:aws:ec2:ap-southeast-1:000000000000:network-interface/" + eni_b);
  EXPECT_EQ(shown.Tags.at(0).Value, "web");
  const auto all = call(&Api::DescribeNetworkInsightsPaths, DescribeNetworkInsightsPathsRequest{.MaxResults = 1});
  EXPECT_EQ(all->NetworkInsightsPaths.size(), 1U);
  EXPECT_TRUE(all->NextToken);
  for (const std::string& gone : {id, other})
    EXPECT_EQ(
        code(call(&Api::DeleteNetworkInsightsPath, DeleteNetworkInsightsPathRequest{.NetworkInsightsPathId = gone})),
        "");
  EXPECT_EQ(code(call(&Api::DescribeNetworkInsightsPaths,
                      DescribeNetworkInsightsPathsRequest{.NetworkInsightsPathIds = {id}})),
            "InvalidNetworkInsightsPathId.NotFound");
}

TEST_F(Insights, WhatIsWrongIsRefused) {
  const struct {
    const char* code;
    std::function<void(CreateNetworkInsightsPathRequest&)> spoil;
  } cases[] = {
      {"", [](auto&) {}},
      {"NetworkInsightsSource.NotFound", [](auto& r) { r.Source = "i-0123456789abcdef0"; }},
      {"NetworkInsightsDestination.NotFound", [](auto& r) { r.Destination = "eni-0123456789abcdef0"; }},
      {"InvalidParameterValue", [](auto& r) { r.Source = "i-web"; }},
      {"InvalidParameterValue", [](auto& r) { r.Source = "tgw-0123456789abcdef0"; }},
      {"InvalidParameterValue", [](auto& r) { r.Destination = r.Source; }},
      {"InvalidParameterValue", [](auto& r) { r.DestinationIp = "10.0.0.300"; }},
      {"MissingParameter", [](auto& r) { r.Destination.reset(); }},
      {"InvalidParameterCombination", [](auto& r) { r.FilterAtSource = PathRequestFilter{}; }},
      {"InvalidParameterCombination",
       [](auto& r) {
         r.DestinationIp = "10.0.0.4";
         r.FilterAtDestination = PathRequestFilter{};
       }},
      {"UnsupportedOperation", [](auto& r) { r.FilterAtDestination = PathRequestFilter{.SourceAddress = "10.0.0.4"}; }},
      {"InvalidParameterValue",
       [](auto& r) {
         r.FilterAtDestination =
             PathRequestFilter{.DestinationPortRange = RequestFilterPortRange{.FromPort = 5, .ToPort = 4}};
       }},
  };
  for (const auto& [expected, spoil] : cases) {
    CreateNetworkInsightsPathRequest wanted = request(a, b);
    spoil(wanted);
    EXPECT_EQ(code(call(&Api::CreateNetworkInsightsPath, wanted)), expected) << to_json(wanted);
  }
  EXPECT_EQ(code(call(&Api::StartNetworkInsightsAnalysis,
                      StartNetworkInsightsAnalysisRequest{.NetworkInsightsPathId = "nip-0123456789abcdef0"})),
            "InvalidNetworkInsightsPathId.NotFound");
  EXPECT_EQ(code(call(&Api::DeleteNetworkInsightsAnalysis,
                      DeleteNetworkInsightsAnalysisRequest{.NetworkInsightsAnalysisId = "nia-1"})),
            "InvalidNetworkInsightsAnalysisId.Malformed");
  const std::string id = path(request(a, b));
  const StartNetworkInsightsAnalysisRequest through{.NetworkInsightsPathId = id, .FilterInArns = {"arn:aws:ec2"}};
  EXPECT_EQ(code(call(&Api::StartNetworkInsightsAnalysis, through)), "UnsupportedOperation");
  const std::string analysis = *analyze(id).NetworkInsightsAnalysisId;
  const DeleteNetworkInsightsPathRequest gone{.NetworkInsightsPathId = id};
  EXPECT_EQ(code(call(&Api::DeleteNetworkInsightsPath, gone)), "AnalysisExistsForNetworkInsightsPath");
  EXPECT_TRUE(call(&Api::DeleteNetworkInsightsAnalysis,
                   DeleteNetworkInsightsAnalysisRequest{.NetworkInsightsAnalysisId = analysis}));
  EXPECT_TRUE(call(&Api::DeleteNetworkInsightsPath, gone));
}

TEST_F(Insights, ARegionHasAHundredPaths) {
  for (int i = 0; i < 100; ++i) path(request(a, b, i));
  EXPECT_EQ(code(call(&Api::CreateNetworkInsightsPath, request(a, b))), "NetworkInsightsPath.LimitExceeded");
}

TEST_F(Insights, AReachablePathShowsWhatLetsItPass) {
  const NetworkInsightsAnalysis analysis = analyze(request(a, b));
  EXPECT_EQ(analysis.Status, "succeeded");
  EXPECT_EQ(analysis.NetworkPathFound, true);
  EXPECT_EQ(codes(analysis), "");
  EXPECT_FALSE(analysis.WarningMessage) << *analysis.WarningMessage;
  const std::string expected = fmt::format("{} {} {} {} {} {}", a, eni_a, group, group, eni_b, b);
  EXPECT_EQ(ids(analysis.ForwardPathComponents), expected);
  EXPECT_EQ(ids(analysis.ReturnPathComponents), fmt::format("{} {} {} {}", b, eni_b, eni_a, a));
  const PathComponent& in = analysis.ForwardPathComponents[3];
  EXPECT_EQ(in.SequenceNumber, 4);
  EXPECT_EQ(in.SecurityGroupRule->Direction, "ingress");
  EXPECT_EQ(in.SecurityGroupRule->SecurityGroupId, group);
  EXPECT_TRUE(in.AdditionalDetails.at(0).Component->Id->starts_with("sgr-"));
  const AnalysisPacketHeader& header = *analysis.ForwardPathComponents[0].OutboundHeader;
  EXPECT_EQ(header.SourceAddresses.at(0), *shown(a).PrivateIpAddress + "/32");
  EXPECT_EQ(header.DestinationPortRanges.at(0).From, 80);
  EXPECT_EQ(header.Protocol, "6");
}

TEST_F(Insights, AnUnreachablePathShowsWhatStopsIt) {
  const NetworkInsightsAnalysis analysis = analyze(request(igw, b, 22));
  EXPECT_EQ(analysis.NetworkPathFound, false);
  EXPECT_EQ(codes(analysis), "ENI_SG_RULES_MISMATCH");
  EXPECT_EQ(analysis.Explanations[0].Direction, "ingress");
  EXPECT_EQ(analysis.Explanations[0].SecurityGroups.at(0).Id, group);
  EXPECT_EQ(analysis.Explanations[0].NetworkInterface->Id, eni_b);
  EXPECT_EQ(analysis.Explanations[0].Addresses.at(0), "0.0.0.0/0");
  authorize(22, "203.0.113.0/24");
  const NetworkInsightsAnalysis again = analyze(request(igw, b, 22));
  EXPECT_EQ(again.NetworkPathFound, true);
  EXPECT_NE(again.WarningMessage.value_or("").find("203.0.113."), std::string::npos);
  CreateNetworkInsightsPathRequest from = request(igw, b, 22);
  from.SourceIp = "198.51.100.4";
  EXPECT_EQ(codes(analyze(from)), "ENI_SG_RULES_MISMATCH");
  const auto found =
      call(&Api::DescribeNetworkInsightsAnalyses,
           DescribeNetworkInsightsAnalysesRequest{.Filters = {{.Name = "path-found", .Values = {"true"}}}});
  EXPECT_EQ(found->NetworkInsightsAnalyses.size(), 1U);
}

TEST_F(Insights, TheInternetIsReachedThroughAclRouteAndGateway) {
  const NetworkInsightsAnalysis analysis = analyze(request(a, igw, 443));
  EXPECT_EQ(analysis.NetworkPathFound, true) << codes(analysis);
  const List<PathComponent>& hops = analysis.ForwardPathComponents;
  ASSERT_EQ(hops.size(), 6U) << ids(hops);
  EXPECT_EQ(hops[3].AclRule->RuleNumber, 100);
  EXPECT_EQ(hops[4].RouteTableRoute->GatewayId, igw);
  EXPECT_EQ(hops[5].Component->Id, igw);
  EXPECT_EQ(hops[5].OutboundHeader->SourceAddresses.at(0), *shown(a).PublicIpAddress + "/32");
  // The rule that denies is named by its number.
  const auto acls = call(&Api::DescribeNetworkAcls, DescribeNetworkAclsRequest{});
  ASSERT_TRUE(
      call(&Api::CreateNetworkAclEntry, CreateNetworkAclEntryRequest{.NetworkAclId = acls->NetworkAcls[0].NetworkAclId,
                                                                     .RuleNumber = 50,
                                                                     .Protocol = "6",
                                                                     .RuleAction = "deny",
                                                                     .Egress = true,
                                                                     .CidrBlock = "0.0.0.0/0",
                                                                     .PortRange = PortRange{443, 443}}));
  const NetworkInsightsAnalysis denied = analyze(request(a, igw, 443));
  EXPECT_EQ(codes(denied), "SUBNET_ACL_RESTRICTION");
  EXPECT_EQ(denied.Explanations[0].AclRule->RuleNumber, 50);
  EXPECT_EQ(denied.Explanations[0].AclRule->RuleAction, "deny");
}

TEST_F(Insights, FiltersSayAddressesAndPorts) {
  CreateNetworkInsightsPathRequest wanted{.Source = a, .Protocol = "udp"};
  wanted.FilterAtSource = PathRequestFilter{.SourcePortRange = RequestFilterPortRange{5353, 5353},
                                            .DestinationAddress = *shown(b).PrivateIpAddress,
                                            .DestinationPortRange = RequestFilterPortRange{53, 60}};
  wanted.FilterAtDestination = PathRequestFilter{.DestinationPortRange = RequestFilterPortRange{55, 70}};
  NetworkInsightsAnalysis analysis = analyze(wanted);
  EXPECT_EQ(analysis.NetworkPathFound, true);
  const AnalysisPacketHeader& header = *analysis.ForwardPathComponents[0].OutboundHeader;
  EXPECT_EQ(header.DestinationPortRanges.at(0).From, 55);
  EXPECT_EQ(header.SourcePortRanges.at(0).From, 5353);
  EXPECT_EQ(header.Protocol, "17");
  wanted.FilterAtDestination = PathRequestFilter{.DestinationPortRange = RequestFilterPortRange{61, 70}};
  EXPECT_EQ(codes(analyze(wanted)), "FILTER_AT_DESTINATION_DESTINATION_PORT_RANGE");
}

TEST_F(Insights, WhatIsNotThereOrDoesNotRunIsSaid) {
  const std::string between = path(request(a, b));
  ASSERT_TRUE(call(&Api::StopInstances, StopInstancesRequest{.InstanceIds = {b}}));
  run_for(std::chrono::minutes(1));
  NetworkInsightsAnalysis analysis = analyze(between);
  EXPECT_EQ(analysis.NetworkPathFound, false);
  EXPECT_EQ(codes(analysis), "BAD_STATE");
  EXPECT_EQ(analysis.Explanations[0].State, "stopped");
  ASSERT_TRUE(call(&Api::TerminateInstances, TerminateInstancesRequest{.InstanceIds = {b}}));
  run_for(std::chrono::minutes(1));
  EXPECT_EQ(codes(analyze(between)), "UNASSOCIATED_COMPONENT BAD_STATE");
  const std::string outside = path(request(a, igw));
  ASSERT_TRUE(call(&Api::TerminateInstances, TerminateInstancesRequest{.InstanceIds = {a}}));
  run_for(std::chrono::minutes(1));
  ASSERT_TRUE(call(&Api::DetachInternetGateway, DetachInternetGatewayRequest{.InternetGatewayId = igw, .VpcId = vpc}));
  EXPECT_EQ(codes(analyze(outside)), "UNASSOCIATED_COMPONENT BAD_STATE");
}

TEST_F(Insights, PeeringsBothWays) {
  const auto make = [&](const std::string& cidr) {
    const std::string id = *call(&Api::CreateVpc, CreateVpcRequest{.CidrBlock = cidr})->Vpc->VpcId;
    const std::string subnet =
        *call(&Api::CreateSubnet, CreateSubnetRequest{.CidrBlock = cidr, .VpcId = id})->Subnet->SubnetId;
    return std::pair(id, *call(&Api::CreateNetworkInterface, CreateNetworkInterfaceRequest{.SubnetId = subnet})
                              ->NetworkInterface->NetworkInterfaceId);
  };
  const auto [left, eni_left] = make("10.1.0.0/24");
  const auto [right, eni_right] = make("10.2.0.0/24");
  EXPECT_EQ(codes(analyze(request(eni_left, eni_right))), "DISCONNECTED_VPCS");
  const std::string pcx =
      *call(&Api::CreateVpcPeeringConnection, CreateVpcPeeringConnectionRequest{.VpcId = left, .PeerVpcId = right})
           ->VpcPeeringConnection->VpcPeeringConnectionId;
  EXPECT_EQ(codes(analyze(request(eni_left, pcx))), "BAD_STATE");
  ASSERT_TRUE(call(&Api::AcceptVpcPeeringConnection, AcceptVpcPeeringConnectionRequest{.VpcPeeringConnectionId = pcx}));
  EXPECT_EQ(codes(analyze(request(eni_left, pcx))), "NO_ROUTE_TO_DESTINATION");
  const auto route = [&](const std::string& vpc_id, const std::string& cidr) {
    const auto tables = call(&Api::DescribeRouteTables,
                             DescribeRouteTablesRequest{.Filters = {{.Name = "vpc-id", .Values = {vpc_id}}}});
    EXPECT_TRUE(call(&Api::CreateRoute, CreateRouteRequest{.RouteTableId = tables->RouteTables[0].RouteTableId,
                                                           .DestinationCidrBlock = cidr,
                                                           .VpcPeeringConnectionId = pcx}));
  };
  route(left, "10.2.0.0/24");
  EXPECT_EQ(analyze(request(eni_left, pcx)).NetworkPathFound, true);
  // The default group lets only its own members in, and the way back is missing.
  EXPECT_EQ(codes(analyze(request(eni_left, eni_right))), "ENI_SG_RULES_MISMATCH");
  const auto groups = call(&Api::DescribeSecurityGroups,
                           DescribeSecurityGroupsRequest{.Filters = {{.Name = "vpc-id", .Values = {right}}}});
  ASSERT_TRUE(call(&Api::AuthorizeSecurityGroupIngress,
                   AuthorizeSecurityGroupIngressRequest{.CidrIp = "10.1.0.0/24",
                                                        .FromPort = 80,
                                                        .GroupId = groups->SecurityGroups[0].GroupId,
                                                        .IpProtocol = "tcp",
                                                        .ToPort = 80}));
  const NetworkInsightsAnalysis one_way = analyze(request(eni_left, eni_right));
  EXPECT_EQ(codes(one_way), "NO_ROUTE_TO_DESTINATION");
  EXPECT_FALSE(one_way.ReturnPathComponents.empty());
  route(right, "10.1.0.0/24");
  const NetworkInsightsAnalysis both = analyze(request(eni_left, eni_right));
  EXPECT_EQ(both.NetworkPathFound, true) << codes(both);
  EXPECT_NE(ids(both.ForwardPathComponents).find(pcx), std::string::npos);
  EXPECT_NE(both.WarningMessage.value_or("").find(eni_left + " is not attached"), std::string::npos);
  EXPECT_EQ(analyze(request(pcx, eni_right)).NetworkPathFound, true);
}

}  // namespace
}  // namespace brume::ec2
