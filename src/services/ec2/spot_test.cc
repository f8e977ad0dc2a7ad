// Spot Instances: who gives way, notices and interruptions across restarts, and what their requests say.
#include "services/ec2/instances_testing.h"
#include "services/ec2/spot_decision.h"

namespace brume::ec2 {
namespace {

using namespace std::chrono_literals;

TEST(WhoGivesWay, ByTable) {
  const auto at = [](int second) { return Timestamp(std::chrono::seconds(second)); };
  using Ids = std::vector<std::string>;
  const struct {
    const char* why;
    std::vector<SpotCandidate> candidates;
    std::int64_t lacking;
    Ids expected;
  } cases[] = {
      {"nobody is there", {}, 1, {}},
      {"nothing is lacking", {{"a", at(1), 1024}}, 0, {}},
      {"the youngest", {{"a", at(1), 1024}, {"c", at(3), 1024}, {"b", at(2), 1024}}, 1024, {"c"}},
      {"as many as it takes", {{"a", at(1), 1024}, {"c", at(3), 1024}, {"b", at(2), 1024}}, 1025, {"c", "b"}},
      {"nobody in vain", {{"a", at(1), 1024}, {"b", at(2), 1024}}, 2049, {}},
      {"who leaves already counts", {{"a", at(1), 1024}, {"b", at(2), 1024, true}}, 1024, {}},
      {"and more is found beside it", {{"a", at(1), 1024}, {"b", at(2), 1024, true}}, 1500, {"a"}},
      {"those that the last one makes needless stay",
       {{"big", at(1), 8192}, {"b", at(2), 512}, {"c", at(3), 512}},
       4096,
       {"big"}},
      {"the older of those stays",
       {{"big", at(1), 4096}, {"b", at(2), 512}, {"c", at(3), 512}},
       4096 + 512,
       {"c", "big"}},
      {"of one age, the same each time", {{"a", at(1), 1024}, {"b", at(1), 1024}}, 1, {"b"}},
      {"one at a time, where the lack is not known", {{"a", at(1), 1024}, {"b", at(2), 1024, true}}, 1, {}},
  };
  for (const auto& one : cases) EXPECT_EQ(who_gives_way(one.candidates, one.lacking), one.expected) << one.why;
}

class Spot : public testing::Region {
 protected:
  RunInstancesRequest spot_of(const std::string& image, int count = 1) {
    RunInstancesRequest request = launch_of(image, count);
    request.InstanceMarketOptions.emplace().MarketType = "spot";
    return request;
  }
  // t3.micro is 1 GiB.
  void limit(std::int64_t mib) { plane->api.limit_memory({.limit_mib = mib, .elsewhere = {}}); }
  SpotInstanceRequest request_of(const std::string& instance) {
    DescribeSpotInstanceRequestsRequest request;
    request.Filters.push_back({.Name = "instance-id", .Values = {instance}});
    auto found = call(&Api::DescribeSpotInstanceRequests, request);
    EXPECT_TRUE(found && found->SpotInstanceRequests.size() == 1) << instance;
    return found && !found->SpotInstanceRequests.empty() ? found->SpotInstanceRequests[0] : SpotInstanceRequest();
  }
  std::string status(const std::string& instance) {
    const SpotInstanceRequest request = request_of(instance);
    return request.State.value_or("") + " " + request.Status.value_or(SpotInstanceStatus()).Code.value_or("");
  }
};

TEST_F(Spot, RefusedByName) {
  const std::string image = make_image();
  const struct {
    const char* error;
    std::function<void(RunInstancesRequest&)> change;
  } cases[] = {
      {"UnsupportedOperation", [](auto& r) { r.InstanceMarketOptions->MarketType = "capacity-block"; }},
      {"MissingParameter", [](auto& r) { r.InstanceMarketOptions->MarketType.reset(); }},
      {"UnsupportedOperation",
       [](auto& r) { r.InstanceMarketOptions->SpotOptions.emplace().SpotInstanceType = "persistent"; }},
      {"UnsupportedOperation",
       [](auto& r) { r.InstanceMarketOptions->SpotOptions.emplace().InstanceInterruptionBehavior = "stop"; }},
      {"UnsupportedOperation",
       [](auto& r) { r.InstanceMarketOptions->SpotOptions.emplace().BlockDurationMinutes = 60; }},
      {"InvalidParameterCombination",
       [](auto& r) { r.InstanceMarketOptions->SpotOptions.emplace().ValidUntil = Timestamp{}; }},
      {"InvalidParameterValue", [](auto& r) { r.InstanceMarketOptions->SpotOptions.emplace().MaxPrice = "cheap"; }},
      {"InvalidParameterValue", [](auto& r) { r.InstanceMarketOptions->SpotOptions.emplace().MaxPrice = "-1"; }},
      {"InvalidParameterCombination", [](auto& r) { r.DisableApiTermination = true; }},
  };
  for (const auto& one : cases) {
    RunInstancesRequest request = spot_of(image);
    one.change(request);
    EXPECT_EQ(code(call(&Api::RunInstances, request)), one.error) << &one - cases;
  }
}

TEST_F(Spot, ARequestIsItsInstances) {
  RunInstancesRequest launch_request = spot_of(make_image());
  launch_request.InstanceMarketOptions->SpotOptions.emplace().MaxPrice = "0.02";
  launch_request.TagSpecifications.push_back(
      {.ResourceType = "spot-instances-request", .Tags = {{.Key = "team", .Value = "web"}}});
  const std::string id = launch(launch_request);
  run_for(1s);
  const SpotInstanceRequest request = request_of(id);
  EXPECT_EQ(shown(id).InstanceLifecycle, "spot");
  EXPECT_EQ(shown(id).SpotInstanceRequestId, request.SpotInstanceRequestId);
  EXPECT_EQ(request.SpotPrice, "0.02");
  EXPECT_EQ(request.Tags.at(0).Value, "web");
  EXPECT_EQ(status(id), "active fulfilled");
  EXPECT_EQ(code(call(&Api::StopInstances, StopInstancesRequest{.InstanceIds = {id}})), "UnsupportedOperation");
  ModifyInstanceAttributeRequest protect;
  protect.InstanceId = id;
  protect.DisableApiTermination.emplace().Value = true;
  EXPECT_EQ(code(call(&Api::ModifyInstanceAttribute, protect)), "InvalidParameterCombination");
  const std::string request_id = *request.SpotInstanceRequestId;
  const auto cancelled =
      call(&Api::CancelSpotInstanceRequests, CancelSpotInstanceRequestsRequest{.SpotInstanceRequestIds = {request_id}});
  ASSERT_TRUE(cancelled);
  EXPECT_EQ(cancelled->CancelledSpotInstanceRequests[0].State, "cancelled");
  EXPECT_EQ(status(id), "cancelled request-canceled-and-instance-running");
  EXPECT_EQ(state(id), "running");
  ASSERT_TRUE(call(&Api::TerminateInstances, TerminateInstancesRequest{.InstanceIds = {id}}));
  run_for(1s);
  EXPECT_EQ(status(id), "cancelled instance-terminated-by-user");
  // It goes with its instance, and so do its tags.
  run_for(2h);
  EXPECT_EQ(code(call(&Api::DescribeSpotInstanceRequests,
                      DescribeSpotInstanceRequestsRequest{.SpotInstanceRequestIds = {request_id}})),
            "InvalidSpotInstanceRequestID.NotFound");
  launch(spot_of(make_image()));
  EXPECT_FALSE(plane->network.tags.rows().contains(request_id));
}

TEST_F(Spot, ShutDownFromInsideItEnds) {
  const std::string id = launch(spot_of(make_image()));
  run_for(1s);
  plane->driver.end(id);
  run_for(1s);
  EXPECT_EQ(state(id), "terminated");
}

TEST_F(Spot, GivesWayAfterTwoMinutes) {
  const std::string image = make_image();
  limit(2048);
  const std::string on_demand = launch(launch_of(image));
  const std::string spot = launch(spot_of(image));
  run_for(1s);
  // A Spot launch that does not fit takes nobody's place.
  EXPECT_EQ(code(call(&Api::RunInstances, spot_of(image))), "InsufficientInstanceCapacity");
  run_for(1s);
  EXPECT_EQ(status(spot), "active fulfilled");
  EXPECT_EQ(code(call(&Api::RunInstances, launch_of(image))), "InsufficientInstanceCapacity");
  run_for(1s);
  EXPECT_EQ(status(spot), "active marked-for-termination");
  EXPECT_EQ(state(spot), "running");
  const auto view = plane->api.find_by_address(*shown(spot).VpcId, *shown(spot).PrivateIpAddress);
  ASSERT_TRUE(view && view->noticed_at && view->interrupt_at);
  EXPECT_EQ(*view->interrupt_at - *view->noticed_at, 120s);
  run_for(110s);
  EXPECT_EQ(state(spot), "running");
  EXPECT_EQ(code(call(&Api::RunInstances, launch_of(image))), "InsufficientInstanceCapacity");
  run_for(15s);
  EXPECT_EQ(state(spot), "terminated");
  EXPECT_EQ(shown(spot).StateReason->Code, "Server.SpotInstanceTermination");
  EXPECT_EQ(status(spot), "closed instance-terminated-no-capacity");
  EXPECT_EQ(state(on_demand), "running");
  // What came free is for the one that it came free for, not for another Spot Instance.
  EXPECT_EQ(code(call(&Api::RunInstances, spot_of(image))), "InsufficientInstanceCapacity");
  const std::string next = launch(launch_of(image));
  EXPECT_EQ(state(next), "pending");
  ASSERT_TRUE(call(&Api::TerminateInstances, TerminateInstancesRequest{.InstanceIds = {next}}));
  run_for(1s);
  EXPECT_EQ(state(launch(spot_of(image))), "pending");
}

TEST_F(Spot, AClaimEnds) {
  const std::string image = make_image();
  limit(1024);
  launch(spot_of(image));
  run_for(1s);
  EXPECT_EQ(code(call(&Api::RunInstances, launch_of(image))), "InsufficientInstanceCapacity");
  run_for(122s);
  restart();
  limit(1024);
  EXPECT_EQ(code(call(&Api::RunInstances, spot_of(image))), "InsufficientInstanceCapacity");
  run_for(120s);
  EXPECT_EQ(state(launch(spot_of(image))), "pending");
}

TEST_F(Spot, ANoticeSurvivesTheDaemon) {
  const std::string image = make_image();
  limit(1024);
  const std::string spot = launch(spot_of(image));
  run_for(1s);
  EXPECT_EQ(code(call(&Api::RunInstances, launch_of(image))), "InsufficientInstanceCapacity");
  run_for(60s);
  restart();
  EXPECT_EQ(status(spot), "active marked-for-termination");
  run_for(50s);
  EXPECT_EQ(state(spot), "running");
  run_for(15s);
  EXPECT_EQ(state(spot), "terminated");
}

TEST_F(Spot, ADeadlineThatPassedIsDueAtTheStart) {
  const std::string image = make_image();
  limit(1024);
  const std::string spot = launch(spot_of(image));
  run_for(1s);
  EXPECT_EQ(code(call(&Api::RunInstances, launch_of(image))), "InsufficientInstanceCapacity");
  run_for(1s);
  sim.loop.clear();
  run_for(10min);  // nobody is there
  EXPECT_EQ(state(spot), "running");
  restart();
  run_for(1s);
  EXPECT_EQ(state(spot), "terminated");
}

TEST_F(Spot, AsManyAsFit) {
  const std::string image = make_image();
  limit(3 * 1024);
  RunInstancesRequest request = launch_of(image, 5);
  request.MinCount = 2;
  const auto made = call(&Api::RunInstances, request);
  ASSERT_TRUE(made);
  EXPECT_EQ(made->Instances.size(), 3u);
  // What is stopped takes nothing, and is started only where it fits.
  const std::string id = *made->Instances[0].InstanceId;
  run_for(1s);
  ASSERT_TRUE(call(&Api::StopInstances, StopInstancesRequest{.InstanceIds = {id}}));
  run_for(1s);
  const std::string spot = launch(spot_of(image));
  EXPECT_EQ(code(call(&Api::StartInstances, StartInstancesRequest{.InstanceIds = {id}})),
            "InsufficientInstanceCapacity");
  run_for(130s);
  EXPECT_EQ(state(spot), "terminated");
  EXPECT_TRUE(call(&Api::StartInstances, StartInstancesRequest{.InstanceIds = {id}}));
}

TEST_F(Spot, WhereTheMachineIsFullOneGivesWay) {
  const std::string image = make_image(), full = make_image();
  const std::string older = launch(spot_of(image));
  run_for(2s);
  const std::string younger = launch(spot_of(image));
  run_for(1s);
  machine.refuse[full] = Error{"InsufficientInstanceCapacity", "the disk is full", 500};
  launch(spot_of(full));  // a Spot Instance that does not start takes nobody's place
  run_for(1s);
  EXPECT_EQ(status(younger), "active fulfilled");
  launch(launch_of(full));
  run_for(1s);
  EXPECT_EQ(status(younger), "active marked-for-termination");
  launch(launch_of(full));
  run_for(1s);
  EXPECT_EQ(status(older), "active fulfilled");
}

}  // namespace
}  // namespace brume::ec2
