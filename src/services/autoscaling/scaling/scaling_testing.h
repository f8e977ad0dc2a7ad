// A region for tests of scaling: the whole Auto Scaling service over an EC2, an ELB and a CloudWatch that are made up.
// Instances run five seconds after their launch; alarms are evaluated when the test says so, on what the test measures.
#pragma once

#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <ranges>
#include <string>
#include <vector>

#include "env/sim.h"
#include "services/autoscaling/service.h"
#include "services/common/recorded_metrics.h"
#include "store/memory_backend.h"

namespace brume::autoscaling::testing {

inline constexpr const char* kRegion = "ap-southeast-1";

class FakeEc2 : public ec2::Api {
 public:
  FakeEc2(env::Env env, store::Store& store, services::Hints& hints, std::map<std::string, env::MonotonicTime>& running)
      : env_(env), store_(store), hints_(hints), running_(running) {}

  Result<ec2::DescribeLaunchTemplateVersionsResult> DescribeLaunchTemplateVersions(
      const aws::Call&, const ec2::DescribeLaunchTemplateVersionsRequest&) override {
    ec2::DescribeLaunchTemplateVersionsResult answer;
    answer.LaunchTemplateVersions.emplace_back().LaunchTemplateId = "lt-1";
    answer.LaunchTemplateVersions.front().LaunchTemplateName = "web";
    return answer;
  }
  Result<ec2::Reservation> RunInstances(const aws::Call&, const ec2::RunInstancesRequest& request) override {
    if (request.DryRun.value_or(false)) return fail("DryRunOperation", "It would have succeeded");
    ec2::Reservation answer;
    const std::string id = "i-" + env_.random.hex(17);
    answer.Instances.emplace_back().InstanceId = id;
    answer.Instances.front().InstanceType = "t2.micro";
    store_.after_commit([this, id] {
      running_[id] = env_.clock.now();
      env_.loop.after(kStarts, [this, id] { hints_.publish(id); });
    });
    return answer;
  }
  Result<ec2::DescribeInstancesResult> DescribeInstances(const aws::Call&,
                                                         const ec2::DescribeInstancesRequest& request) override {
    ec2::DescribeInstancesResult answer;
    auto& instances = answer.Reservations.emplace_back().Instances;
    for (const std::string& id : request.Filters.at(0).Values) {
      const auto found = running_.find(id);
      if (found == running_.end()) continue;
      ec2::Instance& instance = instances.emplace_back();
      instance.InstanceId = id;
      instance.State.emplace().Name = env_.clock.now() - found->second < kStarts ? "pending" : "running";
    }
    return answer;
  }
  Result<ec2::TerminateInstancesResult> TerminateInstances(const aws::Call&,
                                                           const ec2::TerminateInstancesRequest& request) override {
    for (const std::string& id : request.InstanceIds)
      store_.after_commit([this, id] {
        running_.erase(id);
        hints_.publish(id);
      });
    return ec2::TerminateInstancesResult{};
  }

 private:
  static constexpr std::chrono::seconds kStarts{5};
  env::Env env_;
  store::Store& store_;
  services::Hints& hints_;
  std::map<std::string, env::MonotonicTime>& running_;
};

class FakeElb : public elbv2::Api {
 public:
  Result<elbv2::DescribeTargetGroupsOutput> DescribeTargetGroups(const aws::Call&,
                                                                 const elbv2::DescribeTargetGroupsInput& r) override {
    elbv2::DescribeTargetGroupsOutput answer;
    for (const std::string& arn : r.TargetGroupArns) {
      elbv2::TargetGroup& group = answer.TargetGroups.emplace_back();
      group.TargetGroupArn = arn;
      group.LoadBalancerArns = {"arn:aws:elasticloadbalancing:ap-southeast-1:000000000000:loadbalancer/app/web/1a2b"};
    }
    return answer;
  }
  Result<elbv2::DescribeTargetHealthOutput> DescribeTargetHealth(const aws::Call&,
                                                                 const elbv2::DescribeTargetHealthInput&) override {
    return elbv2::DescribeTargetHealthOutput{};
  }
  Result<elbv2::RegisterTargetsOutput> RegisterTargets(const aws::Call&, const elbv2::RegisterTargetsInput&) override {
    return elbv2::RegisterTargetsOutput{};
  }
  Result<elbv2::DeregisterTargetsOutput> DeregisterTargets(const aws::Call&,
                                                           const elbv2::DeregisterTargetsInput&) override {
    return elbv2::DeregisterTargetsOutput{};
  }
};

class FakeCloudWatch : public cloudwatch::Api {
 public:
  using Measure = std::function<std::optional<double>(const cloudwatch::MetricAlarm&)>;

  FakeCloudWatch(env::Env env, store::Store& store, services::AlarmActions& actions)
      : env_(env), actions_(actions), alarms_(store, "fake.alarms", kRegion) {}
  Result<void> load() { return alarms_.load(); }

  Result<void> PutMetricAlarm(const aws::Call&, const cloudwatch::PutMetricAlarmInput& given) override {
    if (refuse) return std::unexpected(*refuse);
    cloudwatch::MetricAlarm alarm;
    alarm.AlarmName = given.AlarmName;
    alarm.AlarmArn = "arn:aws:cloudwatch:ap-southeast-1:000000000000:alarm:" + *given.AlarmName;
    alarm.AlarmDescription = given.AlarmDescription;
    alarm.AlarmActions = given.AlarmActions;
    alarm.Namespace = given.Namespace;
    alarm.MetricName = given.MetricName;
    alarm.Statistic = given.Statistic;
    alarm.Unit = given.Unit;
    alarm.Dimensions = given.Dimensions;
    alarm.Period = given.Period;
    alarm.EvaluationPeriods = given.EvaluationPeriods;
    alarm.Threshold = given.Threshold;
    alarm.ComparisonOperator = given.ComparisonOperator;
    alarm.Metrics = given.Metrics;
    alarm.StateValue = "INSUFFICIENT_DATA";
    alarms_.put(*given.AlarmName, std::move(alarm));
    return {};
  }
  Result<void> DeleteAlarms(const aws::Call&, const cloudwatch::DeleteAlarmsInput& request) override {
    for (const std::string& name : request.AlarmNames) {
      if (!alarms_.contains(name)) return fail("ResourceNotFound", "There is no alarm {}", name);
      if (watched)
        return fail("ValidationError", "Cannot delete {} as there are composite alarm(s) depending on it", name);
      alarms_.erase(name);
    }
    return {};
  }
  Result<cloudwatch::DescribeAlarmsOutput> DescribeAlarms(const aws::Call&,
                                                          const cloudwatch::DescribeAlarmsInput& request) override {
    cloudwatch::DescribeAlarmsOutput answer;
    for (const auto& [name, alarm] : alarms_.rows()) {
      const auto has = [](const List<std::string>& list, const std::string& value) {
        return std::ranges::find(list, value) != list.end();
      };
      if (!request.AlarmNames.empty() && !has(request.AlarmNames, name)) continue;
      if (request.ActionPrefix && !has(alarm.AlarmActions, *request.ActionPrefix)) continue;
      answer.MetricAlarms.push_back(alarm);
    }
    return answer;
  }

  [[nodiscard]] const std::map<std::string, cloudwatch::MetricAlarm, std::less<>>& alarms() const {
    return alarms_.rows();
  }
  // One period of every alarm: those that are in ALARM call what they have, again and again.
  void evaluate(store::Store& store, const Measure& measure) {
    std::vector<cloudwatch::MetricAlarm> all;
    for (const auto& [name, alarm] : alarms_.rows()) all.push_back(alarm);
    for (cloudwatch::MetricAlarm& alarm : all) {
      const auto value = measure(alarm);
      auto& seen = seen_[*alarm.AlarmName];
      seen.push_back(value);
      if (seen.size() > std::size_t(*alarm.EvaluationPeriods)) seen.pop_front();
      const bool high = *alarm.ComparisonOperator == "GreaterThanThreshold";
      const auto breaches = [&](const std::optional<double>& v) {
        return v && (high ? *v > *alarm.Threshold : *v < *alarm.Threshold);
      };
      const std::string state =
          !value ? "INSUFFICIENT_DATA"
          : seen.size() == std::size_t(*alarm.EvaluationPeriods) && std::ranges::all_of(seen, breaches) ? "ALARM"
                                                                                                        : "OK";
      const bool repeated = alarm.StateValue == state;
      if (!repeated) {
        alarm.StateValue = state;
        (void)store.transact([&]() -> Result<void> {
          if (alarms_.contains(*alarm.AlarmName)) alarms_.put(*alarm.AlarmName, alarm);
          return {};
        });
      }
      if (state != "ALARM") continue;
      for (const std::string& action : alarm.AlarmActions)
        (void)(*actions_.find("autoscaling"))({*alarm.AlarmName, *alarm.AlarmArn, state, action, env_.clock.wall(),
                                               datapoints_of(seen), *alarm.Threshold, repeated});
    }
  }

  // Newest first.
  static std::vector<double> datapoints_of(const std::deque<std::optional<double>>& seen) {
    std::vector<double> found;
    for (const auto& value : std::views::reverse(seen))
      if (value) found.push_back(*value);
    return found;
  }

  std::optional<Error> refuse;  // what PutMetricAlarm answers
  bool watched = false;         // by a composite alarm: cannot be deleted

 private:
  env::Env env_;
  services::AlarmActions& actions_;
  store::Table<cloudwatch::MetricAlarm> alarms_;
  std::map<std::string, std::deque<std::optional<double>>> seen_;
};

class World {
 public:
  explicit World(std::uint64_t seed = 1, double time_scale = 1) : sim(seed), time_scale_(time_scale) {
    call.region = kRegion;
    boot();
  }
  // `kill -9` of the control plane; what runs goes on running.
  void crash() {
    sim.loop.clear();
    parts_.reset();
    boot();
  }

  [[nodiscard]] Service& service() { return parts_->service; }
  [[nodiscard]] FakeCloudWatch& cloudwatch() { return parts_->cloudwatch; }
  [[nodiscard]] store::Store& store() { return parts_->store; }
  template <typename F>
  auto transact(F&& f) {
    return parts_->store.transact(std::forward<F>(f));
  }
  void run_for(env::Duration duration) { sim.loop.run_for(duration); }
  // Alarms are evaluated each minute meanwhile.
  void run_minutes(int minutes, const FakeCloudWatch::Measure& measure) {
    for (int i = 0; i < minutes; ++i) {
      run_for(std::chrono::minutes(1));
      cloudwatch().evaluate(parts_->store, measure);
    }
    run_for(std::chrono::seconds(1));
  }

  void make_group(int min, int max, int desired, const std::function<void(CreateAutoScalingGroupType&)>& change = {}) {
    CreateAutoScalingGroupType request;
    request.AutoScalingGroupName = "web";
    request.LaunchTemplate.emplace().LaunchTemplateName = "web";
    request.MinSize = min;
    request.MaxSize = max;
    request.DesiredCapacity = desired;
    request.AvailabilityZones = {"a", "b"};
    if (change) change(request);
    const auto made = transact([&] { return service().CreateAutoScalingGroup(call, request); });
    if (!made) throw std::runtime_error(made.error().message);
    run_for(std::chrono::seconds(10));
  }
  [[nodiscard]] AutoScalingGroup group() {
    return service().DescribeAutoScalingGroups(call, {})->AutoScalingGroups.at(0);
  }
  [[nodiscard]] int desired() { return *group().DesiredCapacity; }
  [[nodiscard]] int in_service() {
    const auto instances = group().Instances;
    return int(std::ranges::count(instances, std::optional<std::string>("InService"), &Instance::LifecycleState));
  }

  Result<PolicyARNType> put(PutScalingPolicyType request) {
    request.AutoScalingGroupName = "web";
    return transact([&] { return service().PutScalingPolicy(call, request); });
  }
  // Calls a policy as an alarm does.
  Result<std::string> alarm(const std::string& policy_arn, std::optional<double> value, double threshold,
                            const std::string& name = "busy", const std::string& state = "ALARM") {
    return alarm_with(policy_arn, value ? std::vector{*value} : std::vector<double>(), threshold, name, state);
  }
  // With several datapoints, newest first.
  Result<std::string> alarm_with(const std::string& policy_arn, std::vector<double> datapoints, double threshold,
                                 const std::string& name = "busy", const std::string& state = "ALARM") {
    const services::AlarmEvent event{
        name, "arn:of:" + name, state, policy_arn, sim.clock.wall(), std::move(datapoints), threshold};
    auto done = (*parts_->actions.find("autoscaling"))(event);
    run_for(std::chrono::seconds(1));
    return done;
  }
  [[nodiscard]] std::string last_cause() {
    return *service().DescribeScalingActivities(call, {})->Activities.at(0).Cause;
  }

  env::SimEnv sim;
  store::MemoryBackend disk;
  std::map<std::string, env::MonotonicTime> running;  // EC2's instances, since when
  aws::Call call;
  services::RecordedMetrics metrics;

 private:
  struct Parts {
    Parts(World& world, double time_scale)
        : store(world.disk),
          hints(world.sim.loop),
          ec2(world.sim.env, store, hints, world.running),
          cloudwatch(world.sim.env, store, actions),
          service({world.sim.env, store, hints, kRegion, time_scale}, ec2, elb, cloudwatch, actions, world.metrics) {}
    store::Store store;
    services::Hints hints;
    services::AlarmActions actions;
    FakeEc2 ec2;
    FakeElb elb;
    FakeCloudWatch cloudwatch;
    Service service;
  };
  void boot() {
    parts_ = std::make_unique<Parts>(*this, time_scale_);
    if (!parts_->cloudwatch.load() || !parts_->service.load()) throw std::runtime_error("cannot load");
    parts_->service.start();
    sim.loop.run_ready();
  }
  double time_scale_;
  std::unique_ptr<Parts> parts_;
};

// Requests for policies of the group "web".
inline PutScalingPolicyType tracking(const std::string& name, const std::string& metric, double target) {
  PutScalingPolicyType request;
  request.PolicyName = name;
  request.PolicyType = "TargetTrackingScaling";
  request.TargetTrackingConfiguration.emplace().TargetValue = target;
  request.TargetTrackingConfiguration->PredefinedMetricSpecification.emplace().PredefinedMetricType = metric;
  return request;
}
inline PutScalingPolicyType simple(const std::string& name, int by) {
  PutScalingPolicyType request;
  request.PolicyName = name;
  request.AdjustmentType = "ChangeInCapacity";
  request.ScalingAdjustment = by;
  return request;
}
inline PutScalingPolicyType stepped(const std::string& name, std::vector<StepAdjustment> steps) {
  PutScalingPolicyType request;
  request.PolicyName = name;
  request.PolicyType = "StepScaling";
  request.AdjustmentType = "ChangeInCapacity";
  request.StepAdjustments = List<StepAdjustment>(std::move(steps));
  return request;
}

}  // namespace brume::autoscaling::testing
