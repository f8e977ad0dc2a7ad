#include <set>

#include "services/ec2/flow_log_records.h"
#include "services/ec2/network_fixture.h"

namespace brume::ec2 {
namespace {

class FlowLogTest : public NetworkTest {
 protected:
  std::string vpc_id = make_vpc_id();
  std::string subnet_id = make_subnet_id(vpc_id, "10.0.1.0/24");
  std::string interface_id = make_interface_id(subnet_id);

  [[nodiscard]] static CreateFlowLogsRequest request(const std::string& type, const List<std::string>& ids) {
    return {.DeliverLogsPermissionArn = "arn:aws:iam::000000000000:role/flow-logs",
            .LogGroupName = "flows",
            .ResourceIds = ids,
            .ResourceType = type,
            .TrafficType = "ALL"};
  }
  std::string make(const CreateFlowLogsRequest& wanted) {
    const auto made = must(&Ops::CreateFlowLogs, wanted);
    EXPECT_TRUE(made.Unsuccessful.empty());
    return made.FlowLogIds.empty() ? "" : made.FlowLogIds[0];
  }
  std::vector<std::string> found(const DescribeFlowLogsRequest& wanted) {
    std::vector<std::string> ids;
    for (const FlowLog& log : must(&Ops::DescribeFlowLogs, wanted).FlowLogs) ids.push_back(*log.FlowLogId);
    return ids;
  }
};

using Ids = std::vector<std::string>;

TEST_F(FlowLogTest, IsShownAsItWasAskedFor) {
  CreateFlowLogsRequest wanted = request("VPC", {vpc_id});
  wanted.TagSpecifications = {{.ResourceType = "vpc-flow-log", .Tags = {{.Key = "Name", .Value = "all"}}}};
  const std::string id = make(wanted);
  EXPECT_TRUE(id.starts_with("fl-"));
  const auto logs = must(&Ops::DescribeFlowLogs, {}).FlowLogs;
  ASSERT_EQ(logs.size(), 1U);
  const FlowLog& log = logs[0];
  EXPECT_EQ(log.FlowLogId, id);
  EXPECT_EQ(log.ResourceId, vpc_id);
  EXPECT_EQ(log.TrafficType, "ALL");
  EXPECT_EQ(log.FlowLogStatus, "ACTIVE");
  EXPECT_EQ(log.DeliverLogsStatus, "SUCCESS");
  EXPECT_EQ(log.LogGroupName, "flows");
  EXPECT_EQ(log.LogDestinationType, "cloud-watch-logs");
  EXPECT_EQ(log.LogFormat, kDefaultFlowLogFormat);
  EXPECT_EQ(log.MaxAggregationInterval, 600);
  EXPECT_EQ(log.Tags[0].Value, "all");
  EXPECT_EQ(found({.Filter = filter("tag:Name", "all")}), Ids{id});
}

TEST_F(FlowLogTest, TheGroupMayBeNamedByItsArn) {
  for (const char* end : {"", ":*"}) {
    CreateFlowLogsRequest wanted = request("Subnet", {subnet_id});
    wanted.LogGroupName.reset();
    wanted.LogDestination = std::string("arn:aws:logs:ap-southeast-1:000000000000:log-group:/aws/vpc") + end;
    const std::string id = make(wanted);
    const auto logs = must(&Ops::DescribeFlowLogs, {}).FlowLogs;
    ASSERT_EQ(logs.size(), 1U);
    EXPECT_EQ(logs[0].LogGroupName, "/aws/vpc");
    must(&Ops::DeleteFlowLogs, {.FlowLogIds = {id}});
  }
}

TEST_F(FlowLogTest, WhatIsRefused) {
  struct Case {
    const char* what;
    void (*change)(CreateFlowLogsRequest&);
    const char* code;
  };
  const Case cases[] = {
      {"no traffic type", [](auto& r) { r.TrafficType.reset(); }, "MissingParameter"},
      {"no group", [](auto& r) { r.LogGroupName.reset(); }, "InvalidParameter"},
      {"a group that cannot be", [](auto& r) { r.LogGroupName = "a b"; }, "InvalidParameter"},
      {"group and destination",
       [](auto& r) { r.LogDestination = "arn:aws:logs:ap-southeast-1:000000000000:log-group:g"; }, "InvalidParameter"},
      {"no role", [](auto& r) { r.DeliverLogsPermissionArn.reset(); }, "InvalidParameter"},
      {"not a role", [](auto& r) { r.DeliverLogsPermissionArn = "arn:aws:iam::0:user/u"; }, "InvalidParameter"},
      {"another interval", [](auto& r) { r.MaxAggregationInterval = 300; }, "InvalidParameter"},
      {"an empty format", [](auto& r) { r.LogFormat = " "; }, "InvalidParameter"},
      {"an unknown field", [](auto& r) { r.LogFormat = "${version} ${colour}"; }, "InvalidParameter"},
      {"not a field", [](auto& r) { r.LogFormat = "version"; }, "InvalidParameter"},
      {"a field that nobody can tell here", [](auto& r) { r.LogFormat = "${traffic-path}"; }, "UnsupportedOperation"},
      {"S3", [](auto& r) { r.LogDestinationType = "s3"; }, "UnsupportedOperation"},
      {"Firehose", [](auto& r) { r.LogDestinationType = "kinesis-data-firehose"; }, "UnsupportedOperation"},
      {"options of S3", [](auto& r) { r.DestinationOptions.emplace(); }, "UnsupportedOperation"},
      {"another account", [](auto& r) { r.DeliverCrossAccountRole = "arn"; }, "UnsupportedOperation"},
      {"a transit gateway", [](auto& r) { r.ResourceType = "TransitGateway"; }, "UnsupportedOperation"},
      {"no resource", [](auto& r) { r.ResourceIds.clear(); }, "InvalidParameter"},
      {"an unknown VPC", [](auto& r) { r.ResourceIds = {"vpc-0123456789abcdef0"}; }, "InvalidVpcID.NotFound"},
      {"a malformed id", [](auto& r) { r.ResourceIds.push_back("vpc-x"); }, "InvalidVpcID.Malformed"},
      {"an unknown subnet",
       [](auto& r) {
         r.ResourceType = "Subnet";
         r.ResourceIds = {"subnet-0123456789abcdef0"};
       },
       "InvalidSubnetID.NotFound"},
      {"an unknown interface",
       [](auto& r) {
         r.ResourceType = "NetworkInterface";
         r.ResourceIds = {"eni-0123456789abcdef0"};
       },
       "InvalidNetworkInterfaceID.NotFound"},
      {"tags of another kind",
       [](auto& r) { r.TagSpecifications = {{.ResourceType = "vpc", .Tags = {{.Key = "a", .Value = "b"}}}}; },
       "InvalidParameterValue"},
  };
  for (const Case& c : cases) {
    CreateFlowLogsRequest wanted = request("VPC", {vpc_id});
    c.change(wanted);
    EXPECT_EQ(code(&Ops::CreateFlowLogs, wanted), c.code) << c.what;
  }
  EXPECT_EQ(found({}), Ids{});
}

TEST_F(FlowLogTest, OneThatIsThereIsToldAmongOthersThatAreMade) {
  const std::string other = make_vpc_id("10.1.0.0/16");
  make(request("VPC", {vpc_id}));
  const auto made = must(&Ops::CreateFlowLogs, request("VPC", {vpc_id, other}));
  EXPECT_EQ(made.FlowLogIds.size(), 1U);
  ASSERT_EQ(made.Unsuccessful.size(), 1U);
  EXPECT_EQ(made.Unsuccessful[0].ResourceId, vpc_id);
  EXPECT_EQ(made.Unsuccessful[0].Error->Code, "FlowLogAlreadyExists");
  // Another type or another group is another log.
  CreateFlowLogsRequest wanted = request("VPC", {vpc_id});
  wanted.TrafficType = "REJECT";
  make(wanted);
  wanted.LogGroupName = "rejected";
  make(wanted);
  EXPECT_EQ(found({}).size(), 4U);
}

TEST_F(FlowLogTest, ATokenMakesThemOnce) {
  CreateFlowLogsRequest wanted = request("Subnet", {subnet_id});
  wanted.ClientToken = "token";
  const std::string id = make(wanted);
  EXPECT_EQ(make(wanted), id);
  wanted.TrafficType = "ACCEPT";
  EXPECT_EQ(code(&Ops::CreateFlowLogs, wanted), "IdempotentParameterMismatch");
  EXPECT_EQ(found({}), Ids{id});
}

TEST_F(FlowLogTest, FiltersAndPages) {
  const std::string of_vpc = make(request("VPC", {vpc_id})), of_subnet = make(request("Subnet", {subnet_id}));
  CreateFlowLogsRequest wanted = request("NetworkInterface", {interface_id});
  wanted.TrafficType = "REJECT";
  wanted.LogGroupName = "rejected";
  const std::string of_interface = make(wanted);
  EXPECT_EQ(found({.Filter = filter("resource-id", subnet_id)}), Ids{of_subnet});
  EXPECT_EQ(found({.Filter = filter("traffic-type", "REJECT")}), Ids{of_interface});
  EXPECT_EQ(found({.Filter = filter("log-group-name", "rej*")}), Ids{of_interface});
  EXPECT_EQ(found({.Filter = filter("flow-log-id", of_vpc)}), Ids{of_vpc});
  EXPECT_EQ(found({.Filter = filter("deliver-log-status", "SUCCESS")}).size(), 3U);
  EXPECT_EQ(found({.Filter = filter("log-destination-type", "s3")}), Ids{});
  EXPECT_EQ(code(&Ops::DescribeFlowLogs, {.Filter = filter("colour", "red")}), "InvalidParameterValue");
  EXPECT_EQ(found({.FlowLogIds = {of_vpc, "fl-0123456789abcdef0"}}), Ids{of_vpc});
  std::set<std::string> seen;
  DescribeFlowLogsRequest page{.MaxResults = 2};
  auto first = must(&Ops::DescribeFlowLogs, page);
  EXPECT_EQ(first.FlowLogs.size(), 2U);
  page.NextToken = first.NextToken;
  EXPECT_EQ(must(&Ops::DescribeFlowLogs, page).FlowLogs.size(), 1U);
}

TEST_F(FlowLogTest, DeletingNamesThoseThatAreNotThere) {
  const std::string id = make(request("VPC", {vpc_id}));
  const auto refused = run(&Ops::DeleteFlowLogs, {.FlowLogIds = {id, "fl-0123456789abcdef0"}});
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, "InvalidFlowLogId.NotFound");
  EXPECT_EQ(refused.error().message,
            "These flow log ids in the input list are not found: [TotalCount: 1] fl-0123456789abcdef0");
  EXPECT_EQ(found({}), Ids{id});
  EXPECT_TRUE(must(&Ops::DeleteFlowLogs, {.FlowLogIds = {id, id}}).Unsuccessful.empty());
  EXPECT_EQ(found({}), Ids{});
}

TEST_F(FlowLogTest, GoesWithItsResource) {
  make(request("NetworkInterface", {interface_id}));
  must(&Ops::DeleteNetworkInterface, {.NetworkInterfaceId = interface_id});
  EXPECT_EQ(found({}), Ids{});
}

}  // namespace
}  // namespace brume::ec2
