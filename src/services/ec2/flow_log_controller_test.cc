#include "services/ec2/flow_log_controller.h"

#include <algorithm>
#include <sstream>

#include "services/ec2/instances_testing.h"
#include "services/ec2/network_interface.h"

namespace brume::ec2 {
namespace {

using std::chrono::seconds;
using Lines = std::vector<std::string>;

class FlowLogControllerTest : public testing::Region {
 protected:
  // An instance that runs in the default VPC.
  std::string run_instance() {
    if (image_.empty()) image_ = make_image();
    const std::string instance = launch(launch_of(image_));
    run_for(seconds(2));
    EXPECT_EQ(state(instance), "running");
    return instance;
  }
  std::string interface_of(const std::string& instance) {
    return *interfaces_of(plane->network, instance).at(0)->NetworkInterfaceId;
  }
  std::string vpc_id() { return *plane->network.default_vpc()->vpc.VpcId; }

  std::string make_log(const std::string& type = "ALL", const std::string& group = "flows") {
    const auto made = call(
        &Api::CreateFlowLogs,
        CreateFlowLogsRequest{.DeliverLogsPermissionArn = "arn:aws:iam::000000000000:role/flow-logs",
                              .LogGroupName = group,
                              .ResourceIds = {vpc_id()},
                              .ResourceType = "VPC",
                              .TrafficType = type,
                              .LogFormat = "${start} ${dstport} ${action} ${packets} ${instance-id} ${log-status}"});
    EXPECT_TRUE(made && made->FlowLogIds.size() == 1);
    return made ? made->FlowLogIds[0] : "";
  }
  FlowLog shown_log(const std::string& id) {
    auto found = call(&Api::DescribeFlowLogs, DescribeFlowLogsRequest{.FlowLogIds = {id}});
    return found && !found->FlowLogs.empty() ? found->FlowLogs[0] : FlowLog();
  }

  void count(const std::string& interface_id, int port, bool accepted = true) {
    net::Flow flow{.interface_id = interface_id,
                   .egress = true,
                   .source = "10.0.0.1",
                   .destination = "10.0.0.2",
                   .protocol = 17,
                   .source_port = 4000,
                   .destination_port = port};
    (accepted ? flow.accepted : flow.rejected) = {1, 38};
    fabric.count(vpc_id(), flow);
  }

  // The lines of an interface's stream, without their starts and NODATA.
  Lines lines(const std::string& interface_id, const std::string& group = "flows", const std::string& type = "all") {
    Lines found;
    for (const std::string& line : logs.streams[group][interface_id + "-" + type])
      if (!line.ends_with("NODATA")) found.push_back(line.substr(line.find(' ') + 1));
    return found;
  }
  Lines watched() {
    Lines ids;
    for (const auto& [vpc, watch] : fabric.watches())
      for (const net::FlowInterface& interface : watch.interfaces) ids.push_back(interface.id);
    std::ranges::sort(ids);
    return ids;
  }

  std::string image_;
};

TEST_F(FlowLogControllerTest, WhatWasCountedIsDeliveredEachMinute) {
  const std::string instance = run_instance(), interface = interface_of(instance);
  EXPECT_EQ(watched(), Lines{}) << "nobody asked";
  make_log();
  run_for(seconds(1));
  EXPECT_EQ(watched(), Lines{interface});
  count(interface, 80);
  count(interface, 81, false);
  run_for(seconds(50));
  EXPECT_EQ(lines(interface), Lines{});
  run_for(seconds(10));
  const Lines first = {"80 ACCEPT 1 " + instance + " OK", "81 REJECT 1 " + instance + " OK"};
  EXPECT_EQ(lines(interface), first);
  run_for(seconds(60));
  EXPECT_EQ(lines(interface), first) << "once";
  EXPECT_TRUE(logs.streams["flows"][interface + "-all"].back().ends_with("NODATA"));
}

TEST_F(FlowLogControllerTest, ALogMayComeBeforeTheFirstInstance) {
  make_log();
  run_for(seconds(10));
  EXPECT_EQ(watched(), Lines{});
  const std::string interface = interface_of(run_instance());
  EXPECT_EQ(watched(), Lines{interface});
}

TEST_F(FlowLogControllerTest, TheLastPartIsDeliveredAtTheEnd) {
  const std::string interface = interface_of(run_instance()), id = make_log();
  run_for(seconds(1));
  count(interface, 80);
  ASSERT_TRUE(call(&Api::DeleteFlowLogs, DeleteFlowLogsRequest{.FlowLogIds = {id}}));
  run_for(seconds(1));
  EXPECT_EQ(lines(interface).size(), 1U);
  EXPECT_EQ(watched(), Lines{});
  EXPECT_EQ(plane->network.flow_cursors.size(), 0U);
  // And begins anew.
  make_log();
  run_for(seconds(1));
  EXPECT_EQ(watched(), Lines{interface});
}

TEST_F(FlowLogControllerTest, ANewLogHasNothingOfWhatWasBefore) {
  const std::string interface = interface_of(run_instance());
  make_log();
  run_for(seconds(1));
  count(interface, 80);
  make_log("ACCEPT", "more");
  run_for(seconds(2));
  count(interface, 81);
  run_for(seconds(61));
  EXPECT_EQ(lines(interface).size(), 2U);
  EXPECT_EQ(lines(interface, "more", "accept").size(), 1U);
}

TEST_F(FlowLogControllerTest, InterfacesThatComeAndGo) {
  const std::string first = run_instance(), leaving = interface_of(first);
  make_log();
  run_for(seconds(1));
  const std::string coming = interface_of(run_instance());
  EXPECT_EQ(watched().size(), 2U);
  count(leaving, 80);
  ASSERT_TRUE(call(&Api::TerminateInstances, TerminateInstancesRequest{.InstanceIds = {first}}));
  run_for(seconds(5));
  EXPECT_EQ(watched(), Lines{coming});
  run_for(seconds(60));
  EXPECT_EQ(lines(leaving), Lines{"80 ACCEPT 1 " + first + " OK"}) << "it sent that before it went";
}

TEST_F(FlowLogControllerTest, ARestartNeitherLosesNorDoubles) {
  const std::string interface = interface_of(run_instance());
  make_log();
  run_for(seconds(1));
  count(interface, 80);
  for (int i = 0; i < 3; ++i) {
    restart();
    run_for(seconds(3));
    EXPECT_EQ(watched(), Lines{interface});
    count(interface, 81 + i);
  }
  run_for(seconds(61));
  EXPECT_EQ(lines(interface).size(), 4U);
}

// Appended, but not noted: the next daemon is told the same again.
TEST_F(FlowLogControllerTest, WhatWasAppendedWithoutANoteIsNotAppendedAgain) {
  const std::string interface = interface_of(run_instance());
  make_log();
  run_for(seconds(1));
  count(interface, 80);
  run_for(seconds(50));
  backend.full = true;
  run_for(seconds(15));
  EXPECT_EQ(lines(interface).size(), 1U);
  backend.full = false;
  restart();
  run_for(seconds(10));
  EXPECT_EQ(lines(interface).size(), 1U);
  count(interface, 81);
  run_for(seconds(61));
  EXPECT_EQ(lines(interface).size(), 2U);
}

TEST_F(FlowLogControllerTest, AFullDiskIsSaidAndNothingIsLostByIt) {
  const std::string interface = interface_of(run_instance()), id = make_log();
  run_for(seconds(1));
  count(interface, 80);
  logs.full = true;
  run_for(seconds(65));
  EXPECT_EQ(shown_log(id).DeliverLogsStatus, "FAILED");
  EXPECT_EQ(shown_log(id).DeliverLogsErrorMessage, "Unknown error");
  count(interface, 81);
  run_for(seconds(300));
  logs.full = false;
  run_for(seconds(61));
  EXPECT_EQ(shown_log(id).DeliverLogsStatus, "SUCCESS");
  EXPECT_FALSE(shown_log(id).DeliverLogsErrorMessage);
  EXPECT_EQ(lines(interface).size(), 2U);
}

TEST_F(FlowLogControllerTest, TheFabricsFailuresAreTriedAgain) {
  using enum net::SimFabric::Operation;
  const Error error{"InternalFailure", "nftables refused", 500};
  for (int i = 0; i < 3; ++i) fabric.fail_next(watch_flows, error);
  const std::string interface = interface_of(run_instance());
  make_log();
  run_for(seconds(8));
  EXPECT_EQ(watched(), Lines{interface});
  count(interface, 80);
  for (int i = 0; i < 3; ++i) fabric.fail_next(collect_flows, error);
  run_for(seconds(70));
  EXPECT_EQ(lines(interface).size(), 1U);
  // It is not told at once what was delivered.
  for (int i = 0; i < 3; ++i) fabric.fail_next(watch_flows, error);
  count(interface, 81);
  run_for(seconds(50));
  make_log("ACCEPT");
  run_for(seconds(80));
  EXPECT_EQ(lines(interface).size(), 2U);
}

}  // namespace
}  // namespace brume::ec2
