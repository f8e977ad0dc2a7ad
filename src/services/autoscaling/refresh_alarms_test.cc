// What an instance refresh makes of its alarms and of its group's end, with an EC2 that only remembers.
#include <gtest/gtest.h>

#include "env/sim.h"
#include "services/autoscaling/service.h"
#include "services/common/recorded_metrics.h"
#include "store/memory_backend.h"

namespace brume::autoscaling {
namespace {

using aws::Call;
using std::chrono::minutes;
using std::chrono::seconds;

class FakeEc2 : public ec2::Api {
 public:
  Result<ec2::DescribeLaunchTemplateVersionsResult> DescribeLaunchTemplateVersions(
      const Call&, const ec2::DescribeLaunchTemplateVersionsRequest& request) override {
    ec2::DescribeLaunchTemplateVersionsResult answer;
    ec2::LaunchTemplateVersion& version = answer.LaunchTemplateVersions.emplace_back();
    version.LaunchTemplateId = "lt-1";
    version.LaunchTemplateName = "web";
    version.VersionNumber = std::stoll(request.Versions.front());
    return answer;
  }
  Result<ec2::Reservation> RunInstances(const Call&, const ec2::RunInstancesRequest& request) override {
    ec2::Reservation answer;
    ec2::Instance& instance = answer.Instances.emplace_back();
    instance.InstanceId = "i-" + std::to_string(states.size());
    instance.InstanceType = "t2.micro";
    instance.Tags.push_back({"aws:ec2launchtemplate:version", *request.LaunchTemplate->Version});
    states[*instance.InstanceId] = "running";
    return answer;
  }
  Result<ec2::DescribeInstancesResult> DescribeInstances(const Call&, const ec2::DescribeInstancesRequest&) override {
    ec2::DescribeInstancesResult answer;
    for (const auto& [id, state] : states) {
      ec2::Instance& instance = answer.Reservations.emplace_back().Instances.emplace_back();
      instance.InstanceId = id;
      instance.State.emplace().Name = state;
    }
    return answer;
  }
  Result<ec2::TerminateInstancesResult> TerminateInstances(const Call&,
                                                           const ec2::TerminateInstancesRequest& request) override {
    for (const std::string& id : request.InstanceIds) states[id] = "terminated";
    return ec2::TerminateInstancesResult{};
  }
  std::map<std::string, std::string> states;
};

class FakeCloudWatch : public cloudwatch::Api {
 public:
  Result<cloudwatch::DescribeAlarmsOutput> DescribeAlarms(const Call&,
                                                          const cloudwatch::DescribeAlarmsInput& request) override {
    if (fails) return fail("InternalFailure", "CloudWatch is not there");
    cloudwatch::DescribeAlarmsOutput answer;
    for (const std::string& name : request.AlarmNames) {
      if (name != "errors") continue;
      cloudwatch::MetricAlarm& alarm = answer.MetricAlarms.emplace_back();
      alarm.AlarmName = name;
      alarm.StateValue = state;
    }
    return answer;
  }
  std::string state = "OK";
  bool fails = false;
};

class World {
 public:
  World() {
    EXPECT_TRUE(service.load());
    service.start();
    CreateAutoScalingGroupType group;
    group.AutoScalingGroupName = "web";
    group.MinSize = group.MaxSize = 2;
    group.AvailabilityZones = {"a"};
    group.LaunchTemplate.emplace().LaunchTemplateName = "web";
    group.LaunchTemplate->Version = "1";
    EXPECT_TRUE(store.transact([&] { return service.CreateAutoScalingGroup({}, group); }));
    env.loop.run_for(minutes(1));
  }
  Result<StartInstanceRefreshAnswer> begin(const char* alarm, bool auto_rollback) {
    StartInstanceRefreshType request;
    request.AutoScalingGroupName = "web";
    request.DesiredConfiguration.emplace().LaunchTemplate.emplace().LaunchTemplateName = "web";
    request.DesiredConfiguration->LaunchTemplate->Version = "2";
    request.Preferences.emplace().InstanceWarmup = 30;
    request.Preferences->AutoRollback = auto_rollback;
    request.Preferences->BakeTime = 300;
    request.Preferences->AlarmSpecification.emplace().Alarms = {std::string(alarm)};
    return store.transact([&] { return service.StartInstanceRefresh({}, request); });
  }
  InstanceRefresh refresh() {
    DescribeInstanceRefreshesType request;
    request.AutoScalingGroupName = "web";
    return service.DescribeInstanceRefreshes({}, request)->InstanceRefreshes.front();
  }

  env::SimEnv env;
  store::MemoryBackend disk;
  store::Store store{disk};
  services::Hints hints{env.loop};
  services::AlarmActions actions;
  FakeEc2 ec2;
  elbv2::Api elbv2;
  FakeCloudWatch cloudwatch;
  services::RecordedMetrics metrics;
  Service service{services::Context{env.env, store, hints, "ap-southeast-1"}, ec2, elbv2, cloudwatch, actions, metrics};
};

TEST(RefreshAlarms, OneThatGoesOffEndsIt) {
  World world;
  ASSERT_TRUE(world.begin("errors", false));
  world.env.loop.run_for(seconds(5));
  EXPECT_EQ(world.refresh().Status, "InProgress");
  world.cloudwatch.state = "ALARM";
  world.env.loop.run_for(seconds(15));
  EXPECT_EQ(world.refresh().Status, "Failed");
  EXPECT_EQ(world.refresh().StatusReason, "The CloudWatch alarm errors is in the ALARM state.");
}

TEST(RefreshAlarms, OneThatGoesOffWhileItBakesRollsItBack) {
  World world;
  ASSERT_TRUE(world.begin("errors", true));
  world.env.loop.run_for(minutes(3));
  ASSERT_EQ(world.refresh().Status, "Baking");
  world.cloudwatch.state = "ALARM";
  world.env.loop.run_for(seconds(15));
  EXPECT_EQ(world.refresh().Status, "RollbackInProgress");
  world.env.loop.run_for(minutes(5));
  EXPECT_EQ(world.refresh().Status, "RollbackSuccessful");
  EXPECT_EQ(world.refresh().RollbackDetails->PercentageCompleteOnRollback, 100);
}

TEST(RefreshAlarms, OneThatIsNotThereIsRefused) {
  World world;
  const auto begun = world.begin("absent", false);
  ASSERT_FALSE(begun);
  EXPECT_EQ(begun.error().message, "The CloudWatch alarm absent does not exist");
}

TEST(RefreshAlarms, NothingIsReplacedWhileTheyCannotBeRead) {
  World world;
  ASSERT_TRUE(world.begin("errors", false));
  world.cloudwatch.fails = true;
  world.env.loop.run_for(minutes(10));
  EXPECT_EQ(world.refresh().Status, "InProgress");
  EXPECT_EQ(world.refresh().PercentageComplete, 0);
  world.cloudwatch.fails = false;
  world.env.loop.run_for(minutes(10));
  EXPECT_EQ(world.refresh().Status, "Successful");
}

// One that is to go once another has come goes with the group.
TEST(RefreshOfAGroup, ThatIsDeletedMeanwhile) {
  World world;
  StartInstanceRefreshType request;
  request.AutoScalingGroupName = "web";
  request.Preferences.emplace().MinHealthyPercentage = 100;
  request.Preferences->MaxHealthyPercentage = 150;
  request.Preferences->InstanceWarmup = 300;
  ASSERT_TRUE(world.store.transact([&] { return world.service.StartInstanceRefresh({}, request); }));
  world.env.loop.run_for(seconds(30));
  ASSERT_EQ(world.service.DescribeAutoScalingGroups({}, {})->AutoScalingGroups.front().Instances.size(), 3U);
  DeleteAutoScalingGroupType end;
  end.AutoScalingGroupName = "web";
  end.ForceDelete = true;
  ASSERT_TRUE(world.store.transact([&] { return world.service.DeleteAutoScalingGroup({}, end); }));
  world.env.loop.run_for(minutes(1));
  EXPECT_TRUE(world.service.DescribeAutoScalingGroups({}, {})->AutoScalingGroups.empty());
}

}  // namespace
}  // namespace brume::autoscaling
