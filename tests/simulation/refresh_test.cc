// An instance refresh replaces a group that serves, whatever breaks and whenever the control plane is killed.
#include <gtest/gtest.h>

#include <algorithm>
#include <map>

#include "world.h"

namespace brume::simulation {
namespace {

using autoscaling::InstanceRefresh;
using std::chrono::hours;
using std::chrono::minutes;
using std::chrono::seconds;

// A group "web" of version 1 of its launch template; version 2 is there to go to.
class RefreshWorld : public World {
 public:
  explicit RefreshWorld(int desired, int max = 0, std::uint64_t seed = 1) : World(seed) {
    make_web(0, max == 0 ? desired : max, desired);
    ec2::CreateLaunchTemplateVersionRequest version;
    version.LaunchTemplateName = "web";
    version.SourceVersion = "1";
    version.LaunchTemplateData.emplace().InstanceType = "t2.small";
    EXPECT_TRUE(call([&] { return region().ec2.CreateLaunchTemplateVersion(caller, version); }));
    update([](auto& request) { request.LaunchTemplate = configuration("1"); });
    run_for(minutes(3));
    EXPECT_EQ(serving(), desired);
  }
  static autoscaling::LaunchTemplateSpecification configuration(const char* version) {
    autoscaling::LaunchTemplateSpecification configuration;
    configuration.LaunchTemplateName = "web";
    configuration.Version = version;
    return configuration;
  }
  template <typename F>
  void update(F change) {
    autoscaling::UpdateAutoScalingGroupType request;
    request.AutoScalingGroupName = "web";
    change(request);
    const auto done = call([&] { return region().autoscaling.UpdateAutoScalingGroup(caller, request); });
    EXPECT_TRUE(done) << done.error().message;
  }
  template <typename F>
  Result<autoscaling::StartInstanceRefreshAnswer> begin(F change) {
    autoscaling::StartInstanceRefreshType request;
    request.AutoScalingGroupName = "web";
    request.DesiredConfiguration.emplace().LaunchTemplate = configuration("2");
    request.Preferences.emplace().InstanceWarmup = 5;
    change(request, *request.Preferences);
    return call([&] { return region().autoscaling.StartInstanceRefresh(caller, request); });
  }
  InstanceRefresh refresh() {
    autoscaling::DescribeInstanceRefreshesType request;
    request.AutoScalingGroupName = "web";
    const auto found = region().autoscaling.DescribeInstanceRefreshes(caller, request);
    return found && !found->InstanceRefreshes.empty() ? found->InstanceRefreshes.front() : InstanceRefresh{};
  }
  std::string status() { return refresh().Status.value_or("none"); }
  // How many of which version are pending or in service.
  std::map<std::string, int> versions() {
    std::map<std::string, int> found;
    for (const autoscaling::Instance& i : group().Instances)
      if (i.LifecycleState == "InService" || i.LifecycleState == "Pending") ++found[*i.LaunchTemplate->Version];
    return found;
  }
  std::string version_of(const std::string& id) {
    for (const autoscaling::Instance& i : group().Instances)
      if (i.InstanceId == id) return *i.LaunchTemplate->Version;
    return "";
  }
  // Targets that the load balancer sends requests to.
  int serving() {
    int count = 0;
    elbv2::DescribeTargetHealthInput request;
    request.TargetGroupArn = group().TargetGroupARNs.front();
    const auto health = region().elbv2.DescribeTargetHealth(caller, request);
    if (!health) return -1;
    for (const auto& d : health->TargetHealthDescriptions) count += d.TargetHealth->State == "healthy";
    return count;
  }
  int present() { return int(instances("InService").size() + instances("Pending").size()); }
  // Runs until the refresh has this status, and watches all the way.
  void run_to(const std::string& wanted, int floor, int ceiling, env::Duration limit = hours(3)) {
    for (env::Duration run{}; run < limit && status() != wanted; run += std::chrono::milliseconds(500)) {
      run_for(std::chrono::milliseconds(500));
      ASSERT_GE(serving(), floor) << status();
      ASSERT_LE(present(), ceiling) << status();
    }
    EXPECT_EQ(status(), wanted) << refresh().StatusReason.value_or("");
  }
};

constexpr auto nothing = [](auto&, auto&) {};

TEST(Refresh, RollsToTheNewVersionAboveTheFloor) {
  RefreshWorld world(4);
  ASSERT_TRUE(world.begin([](auto&, auto& p) { p.MinHealthyPercentage = 50; }));
  EXPECT_EQ(world.status(), "Pending");
  EXPECT_EQ(world.begin(nothing).error().code, "InstanceRefreshInProgress");
  world.run_to("Successful", 2, 4);
  world.run_for(minutes(10));
  EXPECT_EQ(world.versions(), (std::map<std::string, int>{{"2", 4}}));
  EXPECT_EQ(world.driver.running(), 4U);
  EXPECT_EQ(world.driver.starts(), 8U);
  EXPECT_EQ(world.group().LaunchTemplate->Version, "2");
  const InstanceRefresh done = world.refresh();
  EXPECT_EQ(done.PercentageComplete, 100);
  EXPECT_EQ(done.InstancesToUpdate, 0);
  EXPECT_TRUE(done.StartTime && done.EndTime);
  const auto told = [&](const char* text) {
    return std::ranges::count_if(world.activities(),
                                 [&](const auto& a) { return a.Cause->find(text) != std::string::npos; });
  };
  EXPECT_EQ(told("an instance was taken out of service in response to an instance refresh."), 4);
  EXPECT_EQ(told("an instance was launched in response to an instance refresh."), 4);
}

TEST(Refresh, LaunchesBeforeItTerminates) {
  RefreshWorld world(2);
  ASSERT_TRUE(world.begin([](auto&, auto& p) {
    p.MinHealthyPercentage = 100;
    p.MaxHealthyPercentage = 150;
  }));
  world.run_to("Successful", 2, 3);
  EXPECT_EQ(world.versions(), (std::map<std::string, int>{{"2", 2}}));
  EXPECT_EQ(world.driver.starts(), 4U);
}

TEST(Refresh, ABrokenVersionIsRolledBackByItself) {
  RefreshWorld world(3);
  world.time_scale = 20;
  world.crash();
  world.broken = [&](const std::string& id) { return world.version_of(id) == "2"; };
  ASSERT_TRUE(world.begin([](auto&, auto& p) { p.AutoRollback = true; }));
  world.run_to("RollbackInProgress", 2, 3);
  world.run_to("RollbackSuccessful", 2, 3);
  world.run_for(minutes(10));
  EXPECT_EQ(world.versions(), (std::map<std::string, int>{{"1", 3}}));
  EXPECT_EQ(world.serving(), 3);
  EXPECT_EQ(world.group().LaunchTemplate->Version, "1");
  const auto details = *world.refresh().RollbackDetails;
  EXPECT_TRUE(details.RollbackReason->starts_with("No progress was made for too long.")) << *details.RollbackReason;
  EXPECT_EQ(details.InstancesToUpdateOnRollback, 3);
  // Without it the refresh fails and what it did stays.
  ASSERT_TRUE(world.begin(nothing));
  world.run_to("Failed", 2, 3);
  EXPECT_EQ(world.group().LaunchTemplate->Version, "1");
}

TEST(Refresh, RollsBackWhenAsked) {
  RefreshWorld world(2);
  ASSERT_TRUE(world.begin([](auto&, auto& p) {
    p.CheckpointPercentages = {50, 100};
    p.CheckpointDelay = 3600;
  }));
  world.run_for(minutes(10));
  EXPECT_EQ(world.versions(), (std::map<std::string, int>{{"1", 1}, {"2", 1}}));
  EXPECT_EQ(world.refresh().PercentageComplete, 50);
  // What is scaled out meanwhile is of the new version.
  world.update([](auto& request) { request.MaxSize = 3, request.DesiredCapacity = 3; });
  world.run_for(minutes(2));
  EXPECT_EQ(world.versions(), (std::map<std::string, int>{{"1", 1}, {"2", 2}}));
  autoscaling::UpdateAutoScalingGroupType update;
  update.AutoScalingGroupName = "web";
  update.LaunchTemplate = RefreshWorld::configuration("2");
  EXPECT_EQ(world.call([&] { return world.region().autoscaling.UpdateAutoScalingGroup(world.caller, update); })
                .error()
                .message.substr(0, 67),
            "An active instance refresh with a desired configuration exists. All");
  autoscaling::RollbackInstanceRefreshType back;
  back.AutoScalingGroupName = "web";
  ASSERT_TRUE(world.call([&] { return world.region().autoscaling.RollbackInstanceRefresh(world.caller, back); }));
  world.run_to("RollbackSuccessful", 1, 3);
  EXPECT_EQ(world.versions(), (std::map<std::string, int>{{"1", 3}}));
  EXPECT_EQ(
      world.call([&] { return world.region().autoscaling.RollbackInstanceRefresh(world.caller, back); }).error().code,
      "ActiveInstanceRefreshNotFound");
}

TEST(Refresh, StopsWhereItIsCancelled) {
  RefreshWorld world(4);
  ASSERT_TRUE(world.begin([](auto&, auto& p) { p.InstanceWarmup = 60; }));
  world.run_for(seconds(30));
  autoscaling::CancelInstanceRefreshType cancel;
  cancel.AutoScalingGroupName = "web";
  ASSERT_TRUE(world.call([&] { return world.region().autoscaling.CancelInstanceRefresh(world.caller, cancel); }));
  EXPECT_EQ(world.status(), "Cancelling");
  world.run_to("Cancelled", 3, 4);
  EXPECT_EQ(world.refresh().StatusReason, "Cancelled due to user request.");
  world.run_for(minutes(30));
  EXPECT_EQ(world.versions(), (std::map<std::string, int>{{"1", 3}, {"2", 1}}));
  EXPECT_EQ(
      world.call([&] { return world.region().autoscaling.CancelInstanceRefresh(world.caller, cancel); }).error().code,
      "ActiveInstanceRefreshNotFound");
  // The next one, with skip matching, leaves the one that is new already.
  ASSERT_TRUE(world.begin([](auto&, auto& p) { p.SkipMatching = true; }));
  world.run_to("Successful", 3, 4);
  EXPECT_EQ(world.driver.starts(), 8U);
}

TEST(Refresh, RestsWhileAProcessIsSuspended) {
  RefreshWorld world(2);
  autoscaling::ScalingProcessQuery processes;
  processes.AutoScalingGroupName = "web";
  processes.ScalingProcesses = {"InstanceRefresh"};
  ASSERT_TRUE(world.call([&] { return world.region().autoscaling.SuspendProcesses(world.caller, processes); }));
  ASSERT_TRUE(world.begin(nothing));
  world.run_for(hours(5));
  EXPECT_EQ(world.status(), "InProgress");
  EXPECT_EQ(world.versions(), (std::map<std::string, int>{{"1", 2}}));
  ASSERT_TRUE(world.call([&] { return world.region().autoscaling.ResumeProcesses(world.caller, processes); }));
  world.run_to("Successful", 1, 2);
}

TEST(Refresh, OneThatIsTerminatedOrDiesMeanwhileIsReplacedByANewOne) {
  RefreshWorld world(4);
  ASSERT_TRUE(world.begin(nothing));
  world.run_for(seconds(10));
  world.driver.kill(world.instances().back());
  autoscaling::TerminateInstanceInAutoScalingGroupType terminate;
  terminate.InstanceId = world.instances().front();
  terminate.ShouldDecrementDesiredCapacity = false;
  ASSERT_TRUE(world.call(
      [&] { return world.region().autoscaling.TerminateInstanceInAutoScalingGroup(world.caller, terminate); }));
  world.run_to("Successful", 0, 4);
  EXPECT_EQ(world.versions(), (std::map<std::string, int>{{"2", 4}}));
}

// The control plane dies at every commit of a refresh: it goes on where it was.
class RefreshCrash : public testing::TestWithParam<int> {};

TEST_P(RefreshCrash, AtEveryCommit) {
  const auto begin = [&](RefreshWorld& world) {
    if (GetParam() == 2) {  // an hour without progress in a minute
      world.time_scale = 60;
      world.crash();
    }
    world.broken = [&, back = GetParam() == 2](const std::string& id) { return back && world.version_of(id) == "2"; };
    return world.begin([](auto&, auto& p) {
      if (GetParam() != 0) p.MinHealthyPercentage = 100, p.MaxHealthyPercentage = 150;
      p.AutoRollback = true;
    });
  };
  const std::string wanted = GetParam() == 2 ? "RollbackSuccessful" : "Successful";
  const std::string version = GetParam() == 2 ? "1" : "2";
  const int floor = GetParam() == 0 ? 1 : 2, ceiling = GetParam() == 0 ? 2 : 3;
  std::uint64_t total = 0;
  {
    RefreshWorld world(2);
    const std::uint64_t before = world.disk.commits;
    ASSERT_TRUE(begin(world));
    world.run_to(wanted, floor, ceiling);
    total = world.disk.commits - before;
  }
  // Of a long one a sample.
  const std::uint64_t stride = std::max<std::uint64_t>(1, total / 80);
  for (std::uint64_t at = 1; at < total; at += stride) {
    RefreshWorld world(2);
    ASSERT_TRUE(begin(world));
    world.disk.left = at - 1;
    while (world.disk.left != 0) world.run_for(std::chrono::milliseconds(100));
    world.run_for(seconds(2));  // what it still does is not durable
    world.disk.left = ~0ULL;
    world.crash();
    world.run_to(wanted, floor, ceiling);
    ASSERT_FALSE(testing::Test::HasFailure()) << "at commit " << at << " of " << total;
    world.run_for(minutes(10));
    ASSERT_EQ(world.versions(), (std::map<std::string, int>{{version, 2}})) << at;
    ASSERT_EQ(world.driver.running(), 2U) << at;
    ASSERT_EQ(world.driver.list()->size(), 2U) << at;
    if (GetParam() != 2) {
      ASSERT_EQ(world.driver.starts(), 4U) << at;
    }
    for (const std::string& id : world.instances()) ASSERT_EQ(world.driver.starts_of(id), 1U) << at;
  }
}

INSTANTIATE_TEST_SUITE_P(Ways, RefreshCrash, testing::Range(0, 3));

TEST(Maintenance, APolicyLaunchesBeforeItTerminatesTheSick) {
  RefreshWorld world(2);
  world.update([](auto& request) {
    request.InstanceMaintenancePolicy.emplace().MinHealthyPercentage = 100;
    request.InstanceMaintenancePolicy->MaxHealthyPercentage = 150;
  });
  const std::string sick = world.instances().front();
  world.sick.insert(sick);
  int most = 0;
  for (int i = 0; i < 600 && std::ranges::count(world.instances(), sick) == 1; ++i) {
    world.run_for(seconds(1));
    most = std::max(most, world.present());
  }
  EXPECT_EQ(std::ranges::count(world.instances(), sick), 0);
  EXPECT_EQ(most, 3);
  EXPECT_EQ(world.serving(), 2);
  world.run_for(minutes(10));
  EXPECT_EQ(world.driver.running(), 2U);
  EXPECT_TRUE(std::ranges::any_of(world.activities(), [](const auto& a) {
    return a.Cause->find("an ELB system health check failure.") != std::string::npos;
  }));
  // Both at once: one after the other, and none is waited for in vain.
  for (const std::string& id : world.instances()) world.sick.insert(id);
  world.run_for(minutes(20));
  EXPECT_EQ(world.serving(), 2);
  EXPECT_EQ(world.driver.running(), 2U);
}

TEST(Maintenance, NoInstanceLivesLongerThanItMay) {
  RefreshWorld world(3);
  const auto before = world.instances();
  world.update([](auto& request) { request.MaxInstanceLifetime = 86400; });
  world.run_for(hours(23));
  EXPECT_EQ(world.instances(), before);
  for (int i = 0; i < 3600; ++i) {
    world.run_for(seconds(2));
    ASSERT_GE(world.serving(), 2);
    ASSERT_LE(world.present(), 3);
  }
  for (const std::string& id : before) EXPECT_EQ(std::ranges::count(world.instances(), id), 0);
  EXPECT_EQ(world.driver.running(), 3U);
}

}  // namespace
}  // namespace brume::simulation
