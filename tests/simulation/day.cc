#include "day.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <map>
#include <numbers>
#include <stdexcept>

namespace brume::simulation {
namespace {

using std::chrono::minutes;
using std::chrono::seconds;

constexpr int kSize = 10;  // of a group at mean load
constexpr int kSmallest = 4, kGreatest = 16;
constexpr double kMean = 0.5;            // busy processors of an instance at mean load
constexpr double kSwing = 0.4;           // of the load about its mean
constexpr minutes kStep{5};              // the load changes so often
constexpr double kDeaths = 1;            // of a group a day
constexpr double kHigh = 60, kLow = 40;  // percent, where policies act

template <typename T>
T must(Result<T> result) {
  if (!result) throw std::runtime_error(result.error().code + ": " + result.error().message);
  if constexpr (!std::is_void_v<T>) return *std::move(result);
}

}  // namespace

Day::Day(std::uint64_t seed, int groups, int regions) : world(seed), random_(seed * 1000003) {
  world.disk.on_change = [this](const store::Change& change) {  // key "<group>/<instance>"
    if (change.table == "autoscaling.members")
      changed_[change.scope].insert(change.key.substr(0, change.key.find('/')));
  };
  const std::vector<std::string> names = {"ap-southeast-1", "eu-west-1", "us-east-1", "us-west-2"};
  for (int r = 0; r < regions; ++r) fill(names.at(std::size_t(r)), groups / regions);
  // Launches go a few at a time.
  for (int i = 0; i < 240 && world.driver.running() < groups_.size() * kSize; ++i) world.run_for(minutes(1));
  if (world.driver.running() < groups_.size() * kSize) throw std::runtime_error("the simulated groups did not come up");
}

void Day::fill(const std::string& name, int groups) {
  world.make_groups(name, groups, {.min = kSmallest, .max = kGreatest, .desired = kSize});
  daemon::Cloud::Region& region = *must(world.cloud().region(name));
  for (int i = 0; i < groups; ++i) {
    const std::string group = fmt::format("group-{:04}", i);
    put_policies(region, group);
    const double phase = 2 * std::numbers::pi * double(random_.below(1000)) / 1000;
    number_of_[{name, group}] = groups_.size();
    groups_.push_back({name, group, phase, {}});
  }
}

void Day::put_policies(daemon::Cloud::Region& region, const std::string& group) {
  const auto put = [&](const char* name, int by, double threshold, int periods) {
    autoscaling::PutScalingPolicyType policy;
    policy.AutoScalingGroupName = group;
    policy.PolicyName = name;
    policy.PolicyType = "StepScaling";
    policy.AdjustmentType = "ChangeInCapacity";
    policy.EstimatedInstanceWarmup = 300;
    autoscaling::StepAdjustment& step = policy.StepAdjustments.emplace_back();
    (by > 0 ? step.MetricIntervalLowerBound : step.MetricIntervalUpperBound) = 0;
    step.ScalingAdjustment = by;
    cloudwatch::PutMetricAlarmInput alarm;
    alarm.AlarmName = group + "-" + name;
    alarm.AlarmActions = {
        *must(world.call([&] { return region.autoscaling.PutScalingPolicy(world.caller, policy); })).PolicyARN};
    alarm.Namespace = "AWS/EC2";
    alarm.MetricName = "CPUUtilization";
    alarm.Dimensions = {{"AutoScalingGroupName", group}};
    alarm.Statistic = "Average";
    alarm.Period = 300;
    alarm.EvaluationPeriods = periods;
    alarm.Threshold = threshold;
    alarm.ComparisonOperator = by > 0 ? "GreaterThanThreshold" : "LessThanThreshold";
    must(world.call([&] { return region.cloudwatch.PutMetricAlarm(world.caller, alarm); }));
  };
  put("out", 1, kHigh, 1);
  put("in", -1, kLow, 3);
}

void Day::run_for(minutes time) {
  for (minutes passed{}; passed < time; passed += kStep) {
    see_instances();
    share_load();
    kill_some();
    world.run_for(kStep);
  }
}

void Day::see_instances() {
  for (const auto& [name, groups] : std::exchange(changed_, {})) {
    autoscaling::AutoScalingGroupNamesType request;
    request.AutoScalingGroupNames.assign(groups.begin(), groups.end());
    request.MaxRecords = 100;
    do {
      auto page = must(must(world.cloud().region(name))->autoscaling.DescribeAutoScalingGroups(world.caller, request));
      for (const autoscaling::AutoScalingGroup& group : page.AutoScalingGroups) {
        std::vector<std::string>& instances = groups_[number_of_.at({name, *group.AutoScalingGroupName})].instances;
        instances.clear();
        for (const autoscaling::Instance& instance : group.Instances)
          if (instance.LifecycleState == "InService") instances.push_back(*instance.InstanceId);
      }
      request.NextToken = page.NextToken;
    } while (request.NextToken);
  }
}

void Day::share_load() {
  const double hours =
      std::chrono::duration<double, std::ratio<3600>>(world.sim.clock.now().time_since_epoch()).count();
  for (const Group& group : groups_) {
    const double load = kSize * kMean * (1 + kSwing * std::sin(2 * std::numbers::pi * hours / 24 + group.phase));
    for (const std::string& instance : group.instances)
      world.driver.load(instance, std::min(1.0, load / double(group.instances.size())));
  }
}

void Day::kill_some() {
  constexpr double kSteps = 24 * 60 / double(kStep.count());
  for (due_ += kDeaths * double(groups_.size()) / kSteps; due_ >= 1; --due_) {
    const Group& group = groups_[random_.below(groups_.size())];
    if (group.instances.empty()) continue;
    world.driver.kill(group.instances[random_.below(group.instances.size())]);
    ++killed_;
  }
}

Day::Counts Day::counts() {
  see_instances();
  Counts counts{.starts = world.driver.starts(),
                .killed = killed_,
                .events = world.sim.loop.executed(),
                .commits = world.disk.commits};
  counts.smallest = kGreatest;
  for (const auto& [name, region] : world.cloud().regions())
    counts.metrics += region->cloudwatch.metric_store().series();
  for (const Group& group : groups_) {
    daemon::Cloud::Region& region = *must(world.cloud().region(group.region));
    for (const autoscaling::DecisionRecord& decision : region.autoscaling.decisions(group.name))
      counts.decisions += decision.before != decision.after;
    const int size = int(group.instances.size());
    counts.smallest = std::min(counts.smallest, size);
    counts.greatest = std::max(counts.greatest, size);
  }
  return counts;
}

}  // namespace brume::simulation
