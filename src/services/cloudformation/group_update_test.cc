// UpdatePolicy in the engine: rolling and replacing updates of a group from beginning to end, and back.
#include "services/cloudformation/world_test.h"

namespace brume::cloudformation {
namespace {

using std::chrono::minutes;
using std::chrono::seconds;

std::string group_with(const std::string& policy, const std::string& more = "") {
  return R"(
Parameters: {Version: {Type: String, Default: '1'}, Desired: {Type: Number, Default: 2}}
Resources:
  G:
    Type: AWS::AutoScaling::AutoScalingGroup
    UpdatePolicy: )" +
         policy + R"(
    Properties:
      MinSize: 1
      MaxSize: 4
      DesiredCapacity: !Ref Desired
      LaunchTemplate: {LaunchTemplateId: lt-1, Version: !Ref Version}
)" + more;
}

std::string rolling(const std::string& settings) {
  return group_with("{AutoScalingRollingUpdate: {" + settings + "}}");
}

struct Rolling : World {
  std::string name() { return cloud->ids("asg").empty() ? "" : cloud->ids("asg")[0]; }
  FakeGroup group() { return cloud->group(name()); }
  std::string versions() {
    std::string out;
    for (const FakeMember& member : cloud->members(name())) out += member.launched_from;
    return out;
  }
  void deploy(const std::string& body) {
    ASSERT_TRUE(create(body));
    run(seconds(10));
    ASSERT_EQ(status(), "CREATE_COMPLETE") << events().back();
  }
  Result<void> signal(const std::string& id, const char* status_text) {
    SignalResourceInput request;
    request.StackName = "web";
    request.LogicalResourceId = "G";
    request.UniqueId = id;
    request.Status = status_text;
    return call([&](Service& s) { return s.SignalResource({}, request); });
  }
  // What the update told of the group, with names for the ids: a, b, … in the order in which they are first told.
  std::vector<std::string> told() {
    std::vector<std::string> out;
    std::map<std::string, std::string> names;
    for (std::string event : events()) {
      if (!event.starts_with("G UPDATE_IN_PROGRESS: ")) continue;
      event = event.substr(std::string("G UPDATE_IN_PROGRESS: ").size());
      for (std::size_t from = 0; (from = event.find("i-", from)) != std::string::npos;) {
        const std::size_t end = event.find_first_not_of("0123456789abcdef", from + 2);
        const std::string id = event.substr(from, end - from);
        const std::string& known = names.try_emplace(id, std::string(1, char('a' + int(names.size())))).first->second;
        event.replace(from, id.size(), known);
        ++from;
      }
      out.push_back(event);
    }
    return out;
  }
};

TEST(RollingGroup, OneAtATime) {
  Rolling world;
  world.deploy(rolling(""));
  EXPECT_EQ(world.versions(), "11");
  ASSERT_TRUE(world.update(rolling(""), {{"Version", "2"}}));
  world.run();
  EXPECT_EQ(world.status(), "UPDATE_COMPLETE") << world.events().back();
  EXPECT_EQ(world.versions(), "22");
  EXPECT_EQ(world.group().launched, 4);
  EXPECT_EQ(world.told(), (std::vector<std::string>{
                              "Rolling update initiated. Terminating 2 obsolete instance(s) in batches of 1.",
                              "Terminating instance(s) [a]; replacing with 1 new instance(s).",
                              "Successfully terminated instance(s) [a] (Progress 50%).",
                              "Terminating instance(s) [b]; replacing with 1 new instance(s).",
                              "Successfully terminated instance(s) [b] (Progress 100%).",
                          }));
  // What already is as the template says stays.
  const int launched = world.group().launched;
  ASSERT_TRUE(world.update(rolling(""), {{"Version", "2"}, {"Desired", "3"}}));
  world.run();
  EXPECT_EQ(world.status(), "UPDATE_COMPLETE");
  EXPECT_EQ(world.group().launched, launched + 1);
}

TEST(RollingGroup, CapacityIsKept) {
  const std::string body = rolling("MinInstancesInService: 2, SuspendProcesses: [AZRebalance, HealthCheck]");
  Rolling world;
  world.deploy(body);
  ASSERT_TRUE(world.store->transact([&]() -> Result<void> {
    autoscaling::ScalingProcessQuery request;
    request.AutoScalingGroupName = world.name();
    request.ScalingProcesses = {"HealthCheck"};  // by somebody else
    return world.cloud->SuspendProcesses({}, request);
  }));
  ASSERT_TRUE(world.update(body, {{"Version", "2"}}));
  autoscaling::AutoScalingGroupNamesType request;
  request.AutoScalingGroupNames = {world.name()};
  bool suspended = false;
  for (int i = 0; i < 120; ++i) {
    world.run(seconds(1));
    const auto shown = world.cloud->DescribeAutoScalingGroups({}, request)->AutoScalingGroups[0];
    EXPECT_GE(std::ranges::count(shown.Instances, "InService", &autoscaling::Instance::LifecycleState), 2);
    suspended |= world.group().suspended.size() == 2;
  }
  EXPECT_TRUE(suspended);
  EXPECT_EQ(world.status(), "UPDATE_COMPLETE") << world.events().back();
  EXPECT_EQ(world.versions(), "22");
  EXPECT_EQ(world.group().launched, 4);
  EXPECT_EQ(world.group().min_size, 1);
  EXPECT_EQ(world.group().desired, 2);
  EXPECT_EQ(world.group().suspended, List<std::string>{"HealthCheck"});
  EXPECT_EQ(
      world.told(),
      (std::vector<std::string>{
          "Temporarily setting autoscaling group MinSize and DesiredCapacity to 3.",
          "Rolling update initiated. Terminating 2 obsolete instance(s) in batches of 1, while keeping at least 2 "
          "instance(s) in service.",
          "Terminating instance(s) [a]; replacing with 1 new instance(s).",
          "Successfully terminated instance(s) [a] (Progress 50%).",
          "Terminating instance(s) [b]; replacing with 0 new instance(s).",
          "Successfully terminated instance(s) [b] (Progress 100%).",
      }));
}

TEST(RollingGroup, PauseTimePassesBetweenBatches) {
  Rolling world;
  world.deploy(rolling("PauseTime: PT1M"));
  ASSERT_TRUE(world.update(rolling("PauseTime: PT1M"), {{"Version", "2"}}));
  world.run(seconds(60));
  EXPECT_EQ(world.versions(), "12");
  world.run(seconds(30));
  EXPECT_EQ(world.versions(), "22");
  EXPECT_EQ(world.status(), "UPDATE_IN_PROGRESS");
  world.run(seconds(60));
  EXPECT_EQ(world.status(), "UPDATE_COMPLETE");
}

TEST(RollingGroup, SignalsOfNewInstancesAreAwaited) {
  const std::string body = rolling("WaitOnResourceSignals: true, PauseTime: PT5M");
  Rolling world;
  world.deploy(body);
  ASSERT_TRUE(world.update(body, {{"Version", "2"}}));
  world.run(seconds(30));
  EXPECT_EQ(world.versions(), "12");
  ASSERT_TRUE(world.signal("i-other", "SUCCESS"));  // not one of the new ones
  ASSERT_TRUE(world.signal(world.cloud->members(world.name())[0].id, "SUCCESS"));
  world.run(seconds(30));
  EXPECT_EQ(world.versions(), "12");
  ASSERT_TRUE(world.signal(world.cloud->members(world.name())[1].id, "SUCCESS"));
  world.run(seconds(30));
  EXPECT_EQ(world.versions(), "22");
  EXPECT_EQ(world.status(), "UPDATE_IN_PROGRESS");
  ASSERT_TRUE(world.signal(world.cloud->members(world.name())[1].id, "SUCCESS"));
  world.run(seconds(10));
  EXPECT_EQ(world.status(), "UPDATE_COMPLETE");
  const auto told = world.told();
  EXPECT_EQ(told[0],
            "Rolling update initiated. Terminating 2 obsolete instance(s) in batches of 1. Waiting on resource signals "
            "with a timeout of PT5M when new instances are added to the autoscaling group.");
  EXPECT_EQ(
      std::ranges::count(
          told, "New instance(s) added to autoscaling group - Waiting on 1 resource signal(s) with a timeout of PT5M."),
      2);
}

TEST(RollingGroup, SignalsThatDoNotComeRollBack) {
  const std::string body =
      rolling("WaitOnResourceSignals: true, PauseTime: PT2M, MinInstancesInService: 2, MaxBatchSize: 2");
  Rolling world;
  world.deploy(body);
  ASSERT_TRUE(world.update(body, {{"Version", "2"}}));
  world.run(seconds(60));
  EXPECT_EQ(world.versions(), "1122");
  EXPECT_EQ(world.group().min_size, 4);
  world.run(seconds(90));
  EXPECT_TRUE(world.has_event(
      "G UPDATE_FAILED: Received 0 SUCCESS signal(s) out of 2.  Unable to satisfy 100% MinSuccessfulInstancesPercent "
      "requirement"));
  EXPECT_TRUE(
      world.has_event("G UPDATE_IN_PROGRESS: Failed to receive 2 resource signal(s) for the current batch.  Each "
                      "resource signal timeout "
                      "is counted as a FAILURE."));
  // The old ones never went, so there is nothing to roll on the way back.
  EXPECT_EQ(world.status(), "UPDATE_ROLLBACK_COMPLETE");
  EXPECT_EQ(world.versions(), "11");
  EXPECT_EQ(world.group().desired, 2);
  EXPECT_EQ(world.group().min_size, 1);
  EXPECT_EQ(world.group().launched, 4);
}

TEST(RollingGroup, OneFailureMayBeTolerated) {
  const std::string body = rolling("WaitOnResourceSignals: true, PauseTime: PT2M, MinSuccessfulInstancesPercent: 50");
  Rolling world;
  world.deploy(body);
  ASSERT_TRUE(world.update(body, {{"Version", "2"}}));
  world.run(seconds(30));
  ASSERT_TRUE(world.signal(world.cloud->members(world.name())[1].id, "FAILURE"));
  world.run(seconds(30));
  EXPECT_EQ(world.versions(), "22");
  ASSERT_TRUE(world.signal(world.cloud->members(world.name())[1].id, "SUCCESS"));
  world.run(seconds(30));
  EXPECT_EQ(world.status(), "UPDATE_COMPLETE") << world.events().back();

  ASSERT_TRUE(world.update(body, {{"Version", "3"}}));
  for (int i = 0; i < 2; ++i) {
    world.run(seconds(30));
    ASSERT_TRUE(world.signal(world.cloud->members(world.name())[1].id, "FAILURE"));
  }
  world.run(seconds(1));
  EXPECT_EQ(world.status(), "UPDATE_ROLLBACK_IN_PROGRESS");
  EXPECT_TRUE(world.has_event(
      "G UPDATE_FAILED: Received 2 FAILURE signal(s) out of 2.  Unable to satisfy 50% MinSuccessfulInstancesPercent "
      "requirement"));
  // It goes back by the same policy, and its instances signal again.
  for (int i = 0; i < 2; ++i) {
    world.run(seconds(30));
    ASSERT_TRUE(world.signal(world.cloud->members(world.name())[1].id, "SUCCESS"));
  }
  world.run(seconds(30));
  EXPECT_EQ(world.status(), "UPDATE_ROLLBACK_COMPLETE") << world.events().back();
  EXPECT_EQ(world.versions(), "22");
}

TEST(RollingGroup, AGroupThatCannotLaunchSaysSoSoon) {
  Rolling world;
  world.deploy(rolling(""));
  world.cloud->launches_fail = true;
  ASSERT_TRUE(world.update(rolling(""), {{"Version", "2"}}));
  world.run(seconds(3));
  EXPECT_EQ(world.status(), "UPDATE_ROLLBACK_FAILED");  // nor can it on the way back
  EXPECT_TRUE(std::ranges::any_of(world.events(), [](const std::string& event) {
    return event.starts_with("G UPDATE_FAILED: Group did not stabilize.") && event.contains("ami-1");
  }));
  world.cloud->launches_fail = false;
  ContinueUpdateRollbackInput go_on;
  go_on.StackName = "web";
  ASSERT_TRUE(world.call([&](Service& s) { return s.ContinueUpdateRollback({}, go_on); }));
  world.run();
  EXPECT_EQ(world.status(), "UPDATE_ROLLBACK_COMPLETE");
  EXPECT_EQ(world.versions(), "11");
}

// Behind a load balancer, without signals.
std::string behind_balancer(const std::string& policy) {
  return group_with(policy, "      HealthCheckType: ELB\n      TargetGroupARNs: [arn]\n");
}

TEST(RollingGroup, AVersionThatDoesNotServeRollsBack) {
  const std::string body = behind_balancer("{AutoScalingRollingUpdate: {MinInstancesInService: 1}}");
  Rolling world;
  world.deploy(body);
  world.cloud->mute = "2";
  ASSERT_TRUE(world.update(body, {{"Version", "2"}}));
  world.run(seconds(60));
  EXPECT_EQ(world.versions(), "12");  // the other one stays
  EXPECT_EQ(world.status(), "UPDATE_IN_PROGRESS");
  world.run();
  EXPECT_TRUE(std::ranges::any_of(world.events(), [](const std::string& event) {
    return event.starts_with("G UPDATE_FAILED: New instance(s) [i-") && event.contains("failed their health checks");
  }));
  EXPECT_EQ(world.status(), "UPDATE_ROLLBACK_COMPLETE") << world.events().back();
  EXPECT_EQ(world.versions(), "11");
  EXPECT_EQ(world.group().launched, 4);

  // The next batch waits until the load balancer has found the first healthy.
  ASSERT_TRUE(world.update(body, {{"Version", "3"}}));
  world.run(seconds(7));
  EXPECT_EQ(world.versions(), "13");
  world.run();
  EXPECT_EQ(world.status(), "UPDATE_COMPLETE") << world.events().back();
  EXPECT_EQ(world.versions(), "33");

  // What never served neither keeps an update from mending it nor a rollback from ending.
  world.cloud->mute = "3";
  ASSERT_TRUE(world.update(body, {{"Version", "4"}}));
  world.run();
  EXPECT_EQ(world.status(), "UPDATE_COMPLETE") << world.events().back();
  world.cloud->mute = "4";
  ASSERT_TRUE(world.update(body, {{"Version", "5"}}));
  world.run(seconds(4));
  EXPECT_EQ(world.versions(), "45");
  CancelUpdateStackInput cancel;
  cancel.StackName = "web";
  ASSERT_TRUE(world.call([&](Service& s) { return s.CancelUpdateStack({}, cancel); }));
  world.run();
  EXPECT_EQ(world.status(), "UPDATE_ROLLBACK_COMPLETE") << world.events().back();
}

TEST(ReplacingGroup, TheOldOneStaysUntilTheNewOneServes) {
  const std::string body = behind_balancer("{AutoScalingReplacingUpdate: {WillReplace: true}}");
  Rolling world;
  world.deploy(body);
  const std::string old = world.name();
  world.cloud->mute = "2";
  ASSERT_TRUE(world.update(body, {{"Version", "2"}}));
  world.run(seconds(55));
  EXPECT_EQ(world.cloud->ids("asg").size(), 2U);
  world.run();
  EXPECT_EQ(world.status(), "UPDATE_ROLLBACK_COMPLETE") << world.events().back();
  EXPECT_EQ(world.cloud->ids("asg"), std::vector<std::string>{old});
  ASSERT_TRUE(world.update(body, {{"Version", "3"}}));
  world.run();
  EXPECT_EQ(world.status(), "UPDATE_COMPLETE") << world.events().back();
  EXPECT_EQ(world.versions(), "33");
}

TEST(RollingGroup, CancelledInTheMiddle) {
  const std::string body = rolling("PauseTime: PT1M, MinInstancesInService: 2, SuspendProcesses: [HealthCheck]");
  Rolling world;
  world.deploy(body);
  ASSERT_TRUE(world.update(body, {{"Version", "2"}}));
  world.run(seconds(90));
  EXPECT_EQ(world.status(), "UPDATE_IN_PROGRESS");
  CancelUpdateStackInput cancel;
  cancel.StackName = "web";
  ASSERT_TRUE(world.call([&](Service& s) { return s.CancelUpdateStack({}, cancel); }));
  world.run(minutes(10));
  EXPECT_EQ(world.status(), "UPDATE_ROLLBACK_COMPLETE") << world.events().back();
  EXPECT_EQ(world.versions(), "11");
  EXPECT_EQ(world.group().desired, 2);
  EXPECT_EQ(world.group().min_size, 1);
  EXPECT_TRUE(world.group().suspended.empty());
}

TEST(RollingGroup, WithoutRollbackTheGroupIsLeftInOrder) {
  const std::string settings =
      "WaitOnResourceSignals: true, PauseTime: PT1M, MinInstancesInService: 2, SuspendProcesses: [HealthCheck]";
  Rolling world;
  world.deploy(rolling(settings));
  ASSERT_TRUE(world.update(rolling(settings), {{"Version", "2"}}, true));
  world.run();
  EXPECT_EQ(world.status(), "UPDATE_FAILED");
  EXPECT_EQ(world.group().desired, 2);
  EXPECT_EQ(world.group().min_size, 1);
  EXPECT_TRUE(world.group().suspended.empty());
  // What is left of the old ones is rolled when the same is asked for again.
  EXPECT_EQ(world.versions(), "11");
  ASSERT_TRUE(world.update(rolling("MinInstancesInService: 2"), {{"Version", "2"}}));
  world.run();
  EXPECT_EQ(world.status(), "UPDATE_COMPLETE") << world.events().back();
  EXPECT_EQ(world.versions(), "22");
}

TEST(RollingGroup, NothingRollsWithoutAPolicy) {
  Rolling world;
  world.deploy(group_with("{}"));
  ASSERT_TRUE(world.update(group_with("{}"), {{"Version", "2"}}));
  world.run();
  EXPECT_EQ(world.status(), "UPDATE_COMPLETE");
  EXPECT_EQ(world.versions(), "11");
}

TEST(RollingGroup, SizesComeBackUnlessTheyAreToStay) {
  const auto scale = [](Rolling& world) {
    return world.store->transact([&]() -> Result<void> {
      autoscaling::UpdateAutoScalingGroupType request;
      request.AutoScalingGroupName = world.name();
      request.DesiredCapacity = 4;
      return world.cloud->UpdateAutoScalingGroup({}, request);
    });
  };
  Rolling world;
  world.deploy(group_with("{}"));
  ASSERT_TRUE(scale(world));
  ASSERT_TRUE(world.update(group_with("{}"), {{"Version", "2"}}));
  world.run();
  EXPECT_EQ(world.group().desired, 2);

  const std::string keeping = group_with("{AutoScalingScheduledAction: {IgnoreUnmodifiedGroupSizeProperties: true}}");
  Rolling kept;
  kept.deploy(keeping);
  ASSERT_TRUE(scale(kept));
  ASSERT_TRUE(kept.update(keeping, {{"Version", "2"}}));
  kept.run();
  EXPECT_EQ(kept.group().desired, 4);
  ASSERT_TRUE(kept.update(keeping, {{"Version", "2"}, {"Desired", "3"}}));
  kept.run();
  EXPECT_EQ(kept.group().desired, 3);
}

TEST(RollingGroup, MistakesInPoliciesAreNamed) {
  World world;
  for (const auto& [settings, told] : std::map<std::string, std::string>{
           {"MaxBatchSize: 0", "MaxBatchSize must be at least 1, not 0"},
           {"PauseTime: 5m", "'5m' is not a duration such as PT5M"},
           {"PauseTime: PT2H", "PauseTime must not be above one hour (PT1H), it is PT2H"},
           {"MinSuccessfulInstancesPercent: 101", "A percentage of instances must be between 0 and 100, not 101"},
           {"Batch: 1", "Encountered unsupported property UpdatePolicy.AutoScalingRollingUpdate.Batch"},
       }) {
    auto refused = world.create(rolling(settings));
    ASSERT_FALSE(refused) << settings;
    EXPECT_TRUE(refused.error().message.contains(told)) << refused.error().message;
  }
  // What cannot be told from the template is told by the update.
  Rolling full;
  full.deploy(rolling("MinInstancesInService: 4"));
  ASSERT_TRUE(full.update(rolling("MinInstancesInService: 4"), {{"Version", "2"}}));
  full.run();
  EXPECT_EQ(full.status(), "UPDATE_ROLLBACK_COMPLETE");
  EXPECT_TRUE(
      full.has_event("G UPDATE_FAILED: MinInstancesInService (4) must be less than the autoscaling group's MaxSize "
                     "(4): no instance could "
                     "be replaced"));
}

TEST(RollingGroup, PoliciesMayUseParameters) {
  const std::string body = rolling("MaxBatchSize: !Ref Desired");
  Rolling world;
  world.deploy(body);
  ASSERT_TRUE(world.update(body, {{"Version", "2"}}));
  world.run();
  EXPECT_EQ(world.told()[0], "Rolling update initiated. Terminating 2 obsolete instance(s) in batches of 2.");
}

TEST(ReplacingGroup, TheNewOneComesBeforeTheOldOneGoes) {
  const std::string body = group_with("{AutoScalingReplacingUpdate: {WillReplace: true}, AutoScalingRollingUpdate: {}}",
                                      "    CreationPolicy: {ResourceSignal: {Count: !Ref Desired, Timeout: PT5M}}\n");
  Rolling world;
  ASSERT_TRUE(world.create(body));
  world.run(seconds(10));
  const auto signal_all = [&](const std::string& group) {
    for (const FakeMember& member : world.cloud->members(group)) ASSERT_TRUE(world.signal(member.id, "SUCCESS"));
  };
  signal_all(world.name());
  world.run(seconds(10));
  ASSERT_EQ(world.status(), "CREATE_COMPLETE") << world.events().back();
  const std::string old = world.name();
  ASSERT_TRUE(world.update(body, {{"Version", "2"}}));
  world.run(seconds(10));
  EXPECT_EQ(world.status(), "UPDATE_IN_PROGRESS");
  ASSERT_EQ(world.cloud->ids("asg").size(), 2U);
  const std::string fresh = world.cloud->ids("asg")[world.cloud->ids("asg")[0] == old ? 1 : 0];
  EXPECT_EQ(world.cloud->members(old).size(), 2U);
  signal_all(fresh);
  world.run();
  EXPECT_EQ(world.status(), "UPDATE_COMPLETE");
  EXPECT_EQ(world.cloud->ids("asg"), std::vector<std::string>{fresh});

  // Without signals it fails, and the new one goes again.
  ASSERT_TRUE(world.update(body, {{"Version", "3"}}));
  world.run(minutes(10));
  EXPECT_EQ(world.status(), "UPDATE_ROLLBACK_COMPLETE");
  EXPECT_EQ(world.cloud->ids("asg"), std::vector<std::string>{fresh});
  EXPECT_TRUE(world.has_event("G UPDATE_FAILED: Failed to receive 2 resource signal(s) within the specified duration"));
}

// Whatever was on disk, no instance goes or comes twice, and the group is as it was.
TEST(RollingGroup, CrashAtEveryCommit) {
  const std::string body = rolling("MinInstancesInService: 2, SuspendProcesses: [HealthCheck], PauseTime: PT10S");
  std::uint64_t total = 0;
  const auto prepare = [&](Rolling& world) {
    world.deploy(body);
    ASSERT_TRUE(world.update(body, {{"Version", "2"}}));
  };
  {
    Rolling world;
    prepare(world);
    const std::uint64_t before = world.disk.commits;
    world.run();
    ASSERT_EQ(world.status(), "UPDATE_COMPLETE");
    total = world.disk.commits - before;
  }
  for (std::uint64_t at = 0; at < total; ++at) {
    Rolling world;
    prepare(world);
    world.disk.left = at;
    world.run();
    world.disk.left = ~0ULL;
    world.boot();
    world.run();
    ASSERT_EQ(world.status(), "UPDATE_COMPLETE") << at;
    ASSERT_EQ(world.versions(), "22") << at;
    ASSERT_EQ(world.group().launched, 4) << at;
    ASSERT_EQ(world.group().desired, 2) << at;
    ASSERT_EQ(world.group().min_size, 1) << at;
    ASSERT_TRUE(world.group().suspended.empty()) << at;
    ASSERT_EQ(world.told().size(), 6U) << at;
  }
}

TEST(RollingGroup, CrashAtEveryCommitOfTheWayBack) {
  const std::string policy = "{AutoScalingRollingUpdate: {MinInstancesInService: 2, SuspendProcesses: [HealthCheck]}}";
  const std::string before = group_with(policy);
  const std::string after =
      group_with(policy, "  Last: {Type: AWS::SSM::Parameter, DependsOn: G, Properties: {Type: String, Value: x}}\n");
  std::uint64_t total = 0;
  const auto prepare = [&](Rolling& world) {
    world.deploy(before);
    world.cloud->fail_with["PutParameter"] = "no";
    ASSERT_TRUE(world.update(after, {{"Version", "2"}}));
  };
  {
    Rolling world;
    prepare(world);
    const std::uint64_t commits = world.disk.commits;
    world.run();
    ASSERT_EQ(world.status(), "UPDATE_ROLLBACK_COMPLETE") << world.events().back();
    ASSERT_EQ(world.versions(), "11");
    ASSERT_EQ(world.group().launched, 6);
    total = world.disk.commits - commits;
  }
  for (std::uint64_t at = 0; at < total; ++at) {
    Rolling world;
    prepare(world);
    world.disk.left = at;
    world.run();
    world.disk.left = ~0ULL;
    world.boot();
    world.cloud->fail_with["PutParameter"] = "no";
    world.run();
    ASSERT_EQ(world.status(), "UPDATE_ROLLBACK_COMPLETE") << at;
    ASSERT_EQ(world.versions(), "11") << at;
    ASSERT_EQ(world.group().launched, 6) << at;
    ASSERT_EQ(world.group().desired, 2) << at;
    ASSERT_EQ(world.group().min_size, 1) << at;
    ASSERT_TRUE(world.group().suspended.empty()) << at;
  }
}

}  // namespace
}  // namespace brume::cloudformation
