// Instances from launch to the end, with restarts of the control plane at every moment.
#include "services/ec2/instances_testing.h"

namespace brume::ec2 {
namespace {

using namespace std::chrono_literals;
class InstanceLife : public testing::Region {};

TEST_F(InstanceLife, LaunchStopStartRebootTerminateForget) {
  const std::string id = launch(launch_of(make_image()));
  Instance instance = shown(id);
  EXPECT_EQ(*instance.State->Name, "pending");
  EXPECT_EQ(*instance.StateReason->Code, "pending");
  EXPECT_EQ(instance.NetworkInterfaces.size(), 1u);
  EXPECT_EQ(instance.SecurityGroups.at(0).GroupName, "default");
  const std::string address = *instance.PrivateIpAddress;
  run_for(1s);
  EXPECT_EQ(state(id), "running");
  EXPECT_FALSE(shown(id).StateReason);
  const compute::InstanceSpec spec = plane->driver.specs[id];
  EXPECT_EQ(spec.vcpus, 2);
  EXPECT_EQ(spec.memory_bytes, std::int64_t{1} << 30);
  EXPECT_EQ(spec.network_namespace, "/sim/netns/" + id);
  EXPECT_TRUE(spec.zone.starts_with(kRegion));

  auto stopped = call(&Api::StopInstances, StopInstancesRequest{.InstanceIds = {id}});
  ASSERT_TRUE(stopped);
  EXPECT_EQ(*stopped->StoppingInstances[0].PreviousState->Name, "running");
  EXPECT_EQ(*stopped->StoppingInstances[0].CurrentState->Name, "stopping");
  run_for(1s);
  instance = shown(id);
  EXPECT_EQ(*instance.State->Name, "stopped");
  EXPECT_EQ(instance.StateReason->Code, "Client.UserInitiatedShutdown");
  EXPECT_TRUE(instance.StateTransitionReason->starts_with("User initiated (2026-")) << *instance.StateTransitionReason;
  EXPECT_TRUE(instance.StateTransitionReason->ends_with(" GMT)"));
  EXPECT_EQ(machine.instances.at(id), compute::State::stopped);
  EXPECT_EQ(code(call(&Api::RebootInstances, RebootInstancesRequest{.InstanceIds = {id}})), "IncorrectInstanceState");

  ASSERT_TRUE(call(&Api::StartInstances, StartInstancesRequest{.InstanceIds = {id}}));
  run_for(1s);
  EXPECT_EQ(state(id), "running");
  EXPECT_EQ(*shown(id).PrivateIpAddress, address);
  ASSERT_TRUE(call(&Api::RebootInstances, RebootInstancesRequest{.InstanceIds = {id}}));
  run_for(1s);
  EXPECT_EQ(state(id), "running");
  EXPECT_EQ(machine.starts[id], 3);

  ASSERT_TRUE(call(&Api::TerminateInstances, TerminateInstancesRequest{.InstanceIds = {id}}));
  EXPECT_EQ(state(id), "shutting-down");
  run_for(1s);
  instance = shown(id);
  EXPECT_EQ(*instance.State->Name, "terminated");
  EXPECT_FALSE(instance.PrivateIpAddress);
  EXPECT_TRUE(instance.NetworkInterfaces.empty());
  EXPECT_TRUE(machine.instances.empty());
  EXPECT_EQ(plane->network.network_interfaces.size(), 0u);
  EXPECT_EQ(code(call(&Api::StartInstances, StartInstancesRequest{.InstanceIds = {id}})), "IncorrectInstanceState");
  run_for(61min);
  EXPECT_EQ(code(call(&Api::DescribeInstances, DescribeInstancesRequest{.InstanceIds = {id}})),
            "InvalidInstanceID.NotFound");
}

TEST_F(InstanceLife, AnInstanceThatEndsStopsOrTerminates) {
  const std::string image = make_image();
  const std::string stays = launch(launch_of(image));
  RunInstancesRequest request = launch_of(image);
  request.InstanceInitiatedShutdownBehavior = "terminate";
  const std::string goes = launch(request);
  run_for(1s);
  plane->driver.end(stays);
  plane->driver.end(goes);
  run_for(1s);
  EXPECT_EQ(state(stays), "stopped");
  EXPECT_EQ(shown(stays).StateReason->Code, "Client.InstanceInitiatedShutdown");
  EXPECT_EQ(state(goes), "terminated");
  EXPECT_TRUE(machine.instances.contains(stays));
  EXPECT_FALSE(machine.instances.contains(goes));
}

TEST_F(InstanceLife, EndedWhileTheControlPlaneWasAway) {
  const std::string id = launch(launch_of(make_image()));
  run_for(1s);
  machine.instances[id] = compute::State::stopped;
  restart();
  run_for(1s);
  EXPECT_EQ(state(id), "stopped");
  EXPECT_EQ(machine.starts[id], 1);
}

TEST_F(InstanceLife, OrphansAreDestroyedAndThoseOfOtherRegionsLeft) {
  machine.instances["i-0123456789abcdef0"] = compute::State::running;
  machine.instances["i-0aaaaaaaaaaaaaaaa"] = compute::State::running;
  ASSERT_TRUE(backend.commit({{kInstanceTable, "eu-west-1", "i-0aaaaaaaaaaaaaaaa", "{}"}}));
  restart();
  run_for(1s);
  EXPECT_EQ(machine.instances.size(), 1u);
  EXPECT_TRUE(machine.instances.contains("i-0aaaaaaaaaaaaaaaa"));
}

TEST_F(InstanceLife, ARestartAtAnyMomentLaunchesNothingTwiceAndLeavesNoOrphan) {
  const std::string image = make_image();
  for (int at = 0; at < 60; at += 3) {
    const std::string id = launch(launch_of(image));
    run_for(std::chrono::milliseconds(at));
    restart();
    run_for(5s);
    ASSERT_EQ(state(id), "running") << at;
    ASSERT_EQ(machine.starts[id], 1) << at;
    ASSERT_TRUE(call(&Api::RebootInstances, RebootInstancesRequest{.InstanceIds = {id}}));
    run_for(std::chrono::milliseconds(at));
    restart();
    run_for(5s);
    ASSERT_EQ(state(id), "running") << at;
    ASSERT_EQ(machine.starts[id], 2) << at;
    ASSERT_TRUE(call(&Api::StopInstances, StopInstancesRequest{.InstanceIds = {id}}));
    run_for(std::chrono::milliseconds(at));
    restart();
    run_for(5s);
    ASSERT_EQ(state(id), "stopped") << at;
    ASSERT_TRUE(call(&Api::TerminateInstances, TerminateInstancesRequest{.InstanceIds = {id}}));
    run_for(std::chrono::milliseconds(at));
    restart();
    run_for(5s);
    ASSERT_EQ(state(id), "terminated") << at;
    ASSERT_TRUE(machine.instances.empty()) << at;
    ASSERT_EQ(plane->network.network_interfaces.size(), 0u) << at;
    ASSERT_TRUE(fabric.list()->instances.empty()) << at;
  }
  EXPECT_EQ(machine.started_twice, 0);
}

TEST_F(InstanceLife, TerminatedWhileItStarts) {
  const std::string image = make_image();
  for (int at = 0; at < 40; ++at) {
    const std::string id = launch(launch_of(image));
    run_for(std::chrono::milliseconds(at));
    ASSERT_TRUE(call(&Api::TerminateInstances, TerminateInstancesRequest{.InstanceIds = {id}}));
    run_for(2s);
    ASSERT_EQ(state(id), "terminated") << at;
    ASSERT_TRUE(machine.instances.empty()) << at;
    ASSERT_TRUE(fabric.list()->instances.empty()) << at;
  }
}

TEST_F(InstanceLife, StartFailures) {
  const std::string image = make_image();
  // It passes: tried again.
  machine.refuse[image] = Error{"InternalFailure", "the runtime did not answer", 500};
  machine.refusals_left = 2;
  const std::string recovers = launch(launch_of(image));
  run_for(10s);
  EXPECT_EQ(state(recovers), "running");
  // It does not pass: a new instance is terminated, with the reason.
  machine.refusals_left = 1 << 30;
  const std::string fails = launch(launch_of(image));
  run_for(60s);
  EXPECT_EQ(state(fails), "terminated");
  EXPECT_EQ(shown(fails).StateReason->Code, "Server.InternalError");
  EXPECT_FALSE(machine.instances.contains(fails));
  // No room: at once.
  machine.refuse[image] = Error{"InsufficientInstanceCapacity", "there is no memory left", 500};
  const std::string no_room = launch(launch_of(image));
  run_for(500ms);
  EXPECT_EQ(state(no_room), "terminated");
  EXPECT_EQ(shown(no_room).StateReason->Code, "Server.InsufficientInstanceCapacity");
  // One that has run keeps its disk.
  ASSERT_TRUE(call(&Api::StopInstances, StopInstancesRequest{.InstanceIds = {recovers}}));
  run_for(1s);
  ASSERT_TRUE(call(&Api::StartInstances, StartInstancesRequest{.InstanceIds = {recovers}}));
  run_for(1s);
  EXPECT_EQ(state(recovers), "stopped");
  EXPECT_TRUE(machine.instances.contains(recovers));
}

TEST_F(InstanceLife, AtMostEightStartsAtOnce) {
  auto made = call(&Api::RunInstances, launch_of(make_image(), 30));
  ASSERT_TRUE(made);
  EXPECT_EQ(made->Instances.size(), 30u);
  run_for(5s);
  EXPECT_EQ(machine.most_starting, InstanceController::kMaxStarts);
  EXPECT_EQ(machine.starts.size(), 30u);
  std::set<int> indexes;
  for (const Instance& instance : made->Instances) indexes.insert(*instance.AmiLaunchIndex);
  EXPECT_EQ(indexes.size(), 30u);
}

TEST_F(InstanceLife, ProtectionAndForce) {
  RunInstancesRequest request = launch_of(make_image());
  request.DisableApiTermination = true;
  request.DisableApiStop = true;
  const std::string id = launch(request);
  run_for(1s);
  auto refused = call(&Api::TerminateInstances, TerminateInstancesRequest{.InstanceIds = {id}});
  EXPECT_EQ(code(refused), "OperationNotPermitted");
  EXPECT_EQ(refused.error().message,
            "The instance '" + id +
                "' may not be terminated. Modify its 'disableApiTermination' instance attribute and try again.");
  EXPECT_EQ(code(call(&Api::StopInstances, StopInstancesRequest{.InstanceIds = {id}})), "OperationNotPermitted");
  ModifyInstanceAttributeRequest change;
  change.InstanceId = id;
  change.Attribute = "disableApiStop";
  change.Value = "false";
  ASSERT_TRUE(call(&Api::ModifyInstanceAttribute, change));
  ASSERT_TRUE(call(&Api::StopInstances, StopInstancesRequest{.InstanceIds = {id}, .Force = true}));
  run_for(1s);
  EXPECT_EQ(state(id), "stopped");
  EXPECT_EQ(plane->driver.last_grace, env::Duration::zero());
}

TEST_F(InstanceLife, ADryRunChangesNothing) {
  RunInstancesRequest request = launch_of(make_image());
  request.DryRun = true;
  auto dry = call(&Api::RunInstances, request);
  EXPECT_EQ(code(dry), "DryRunOperation");
  EXPECT_EQ(dry.error().status, 412);
  run_for(1s);
  EXPECT_TRUE(machine.starts.empty());
  EXPECT_EQ(plane->network.network_interfaces.size(), 0u);
}

}  // namespace
}  // namespace brume::ec2
