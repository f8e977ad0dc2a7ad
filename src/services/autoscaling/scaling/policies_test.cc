// Policies over the whole service: their alarms, what they do when they are called, what is remembered.
#include <gtest/gtest.h>

#include "services/autoscaling/scaling/scaling_testing.h"

namespace brume::autoscaling {
namespace {

using std::chrono::hours;
using std::chrono::minutes;
using std::chrono::seconds;
using testing::simple;
using testing::stepped;
using testing::tracking;
using testing::World;

const std::string kCpu = "ASGAverageCPUUtilization";

TEST(Policies, ATrackingPolicyHasTwoAlarms) {
  World world;
  world.make_group(1, 10, 2);
  const auto put = world.put(tracking("cpu", kCpu, 50));
  ASSERT_TRUE(put) << put.error().message;
  EXPECT_TRUE(put->PolicyARN->starts_with("arn:aws:autoscaling:ap-southeast-1:000000000000:scalingPolicy:"));
  EXPECT_TRUE(put->PolicyARN->ends_with(":autoScalingGroupName/web:policyName/cpu"));
  ASSERT_EQ(put->Alarms.size(), 2U);
  const auto& alarms = world.cloudwatch().alarms();
  ASSERT_EQ(alarms.size(), 2U);
  const cloudwatch::MetricAlarm& high = alarms.at(*put->Alarms[0].AlarmName);
  const cloudwatch::MetricAlarm& low = alarms.at(*put->Alarms[1].AlarmName);
  EXPECT_TRUE(high.AlarmName->starts_with("TargetTracking-web-AlarmHigh-")) << *high.AlarmName;
  EXPECT_TRUE(low.AlarmName->starts_with("TargetTracking-web-AlarmLow-")) << *low.AlarmName;
  EXPECT_EQ(*put->Alarms[0].AlarmARN, *high.AlarmArn);
  EXPECT_EQ(*high.AlarmDescription, "DO NOT EDIT OR DELETE. For TargetTrackingScaling policy " + *put->PolicyARN + ".");
  for (const auto* alarm : {&high, &low}) {
    EXPECT_EQ(alarm->AlarmActions.at(0), *put->PolicyARN);
    EXPECT_EQ(alarm->Namespace, "AWS/EC2");
    EXPECT_EQ(alarm->MetricName, "CPUUtilization");
    EXPECT_EQ(alarm->Statistic, "Average");
    EXPECT_EQ(alarm->Period, 60);
    EXPECT_EQ(*alarm->Dimensions.at(0).Name + "=" + *alarm->Dimensions.at(0).Value, "AutoScalingGroupName=web");
  }
  EXPECT_EQ(high.EvaluationPeriods, 3);
  EXPECT_EQ(high.Threshold, 50);
  EXPECT_EQ(high.ComparisonOperator, "GreaterThanThreshold");
  EXPECT_EQ(low.EvaluationPeriods, 15);
  EXPECT_EQ(low.Threshold, 45);
  EXPECT_EQ(low.ComparisonOperator, "LessThanThreshold");

  // Put again it keeps its ARN and its alarms, which follow.
  auto changed = tracking("cpu", kCpu, 60);
  const auto again = world.put(changed);
  ASSERT_TRUE(again);
  EXPECT_EQ(*again->PolicyARN, *put->PolicyARN);
  EXPECT_EQ(*again->Alarms[0].AlarmName, *put->Alarms[0].AlarmName);
  EXPECT_EQ(world.cloudwatch().alarms().at(*put->Alarms[0].AlarmName).Threshold, 60);
  // Without scale-in there is nothing for a low alarm to do.
  changed.TargetTrackingConfiguration->DisableScaleIn = true;
  EXPECT_EQ(world.put(changed)->Alarms.size(), 1U);
  EXPECT_EQ(world.cloudwatch().alarms().size(), 1U);
  const auto described = world.service().DescribePolicies(world.call, {});
  ASSERT_EQ(described->ScalingPolicies.size(), 1U);
  EXPECT_EQ(described->ScalingPolicies[0].Alarms.size(), 1U);
  EXPECT_EQ(described->ScalingPolicies[0].TargetTrackingConfiguration->TargetValue, 60);

  // It goes with its alarms, also when somebody has deleted one.
  ASSERT_TRUE(world.put(tracking("cpu", kCpu, 60)));
  const auto remove = [&] { return world.service().DeletePolicy(world.call, {"web", "cpu"}); };
  cloudwatch::DeleteAlarmsInput one;
  one.AlarmNames = {*put->Alarms[0].AlarmName};
  ASSERT_TRUE(world.transact([&] { return world.cloudwatch().DeleteAlarms(world.call, one); }));
  ASSERT_TRUE(world.transact(remove));
  EXPECT_TRUE(world.cloudwatch().alarms().empty());
  EXPECT_EQ(world.transact(remove).error().message, "Policy cpu not found");
}

TEST(Policies, AlarmsMeasureWhatThePolicyNames) {
  World world;
  const std::string label = "app/web/1a2b/targetgroup/tg/3c4d";
  world.make_group(1, 10, 2, [](CreateAutoScalingGroupType& request) {
    request.TargetGroupARNs = {"arn:aws:elasticloadbalancing:ap-southeast-1:000000000000:targetgroup/tg/3c4d"};
  });
  const auto high_of = [&](const PutScalingPolicyType& request) {
    const auto put = world.put(request);
    if (!put) ADD_FAILURE() << put.error().message;
    return world.cloudwatch().alarms().at(*put->Alarms.at(0).AlarmName);
  };
  auto requests = tracking("requests", "ALBRequestCountPerTarget", 1000);
  EXPECT_EQ(world.put(requests).error().message,
            "Resource label should be specified for predefined metric type ALBRequestCountPerTarget");
  auto& given = requests.TargetTrackingConfiguration->PredefinedMetricSpecification->ResourceLabel;
  given = "app/web/1a2b/targetgroup/other/3c4d";
  EXPECT_NE(world.put(requests).error().message.find("is not attached to the group web"), std::string::npos);
  given = "app/other/1a2b/targetgroup/tg/3c4d";
  EXPECT_NE(world.put(requests).error().message.find("does not route traffic"), std::string::npos);
  given = "targetgroup/tg/3c4d";
  EXPECT_EQ(world.put(requests).error().code, "ValidationError");
  given = label;
  auto alarm = high_of(requests);
  EXPECT_EQ(alarm.Namespace, "AWS/ApplicationELB");
  EXPECT_EQ(alarm.MetricName, "RequestCountPerTarget");
  EXPECT_EQ(alarm.Statistic, "Sum");
  EXPECT_EQ(*alarm.Dimensions.at(0).Name + "=" + *alarm.Dimensions.at(0).Value, "TargetGroup=targetgroup/tg/3c4d");
  EXPECT_EQ(high_of(tracking("in", "ASGAverageNetworkIn", 1e6)).MetricName, "NetworkIn");
  EXPECT_EQ(high_of(tracking("out", "ASGAverageNetworkOut", 1e6)).MetricName, "NetworkOut");

  auto custom = tracking("custom", kCpu, 5);
  custom.TargetTrackingConfiguration->PredefinedMetricSpecification.reset();
  auto& metric = custom.TargetTrackingConfiguration->CustomizedMetricSpecification.emplace();
  metric.Namespace = "Shop";
  metric.MetricName = "Carts";
  metric.Statistic = "Maximum";
  metric.Dimensions = List<MetricDimension>(std::vector<MetricDimension>{{"Site", "eu"}});
  metric.Period = 10;
  alarm = high_of(custom);
  EXPECT_EQ(alarm.MetricName, "Carts");
  EXPECT_EQ(alarm.Statistic, "Maximum");
  EXPECT_EQ(alarm.Period, 10);
  EXPECT_EQ(alarm.EvaluationPeriods, 3);
  EXPECT_EQ(*alarm.Dimensions.at(0).Value, "eu");
  metric.Period = 300;
  EXPECT_EQ(world.put(custom).error().message, "A metric period greater than 60 isn't supported");
  // Metric maths.
  metric = {};
  TargetTrackingMetricDataQuery stat, ratio;
  stat.Id = "m";
  stat.ReturnData = false;
  stat.MetricStat.emplace().Stat = "Sum";
  stat.MetricStat->Period = 20;
  stat.MetricStat->Metric.emplace().Namespace = "Shop";
  stat.MetricStat->Metric->MetricName = "Jobs";
  ratio.Id = "e";
  ratio.Expression = "m / 4";
  metric.Metrics = List<TargetTrackingMetricDataQuery>(std::vector{stat, ratio});
  alarm = high_of(custom);
  ASSERT_EQ(alarm.Metrics.size(), 2U);
  EXPECT_EQ(alarm.Metrics[0].MetricStat->Period, 20);
  EXPECT_EQ(alarm.Metrics[0].ReturnData, false);
  EXPECT_EQ(alarm.Metrics[1].Expression, "m / 4");
  EXPECT_EQ(alarm.Metrics[1].ReturnData, true);
  metric.Metrics[0].ReturnData = true;
  EXPECT_EQ(world.put(custom).error().message, "Exactly one element of the metrics list should return data");
}

TEST(Policies, WhatIsNoPolicyIsRefused) {
  World world;
  world.make_group(1, 10, 2);
  const auto refused = [&](PutScalingPolicyType request, const std::function<void(PutScalingPolicyType&)>& change) {
    change(request);
    const auto put = world.put(request);
    return put ? std::string() : put.error().message;
  };
  using R = PutScalingPolicyType;
  EXPECT_EQ(refused(simple("p", 1), [](R& r) { r.AdjustmentType.reset(); }),
            "You must specify an AdjustmentType for policy type: SimpleScaling");
  EXPECT_EQ(refused(simple("p", 1), [](R& r) { r.ScalingAdjustment.reset(); }),
            "Scaling increment must be specified for a SimpleScaling policy");
  EXPECT_EQ(refused(simple("p", 1), [](R& r) { r.EstimatedInstanceWarmup = 1; }),
            "EstimatedInstanceWarmup is not supported for a SimpleScaling policy");
  EXPECT_NE(refused(simple("p", 1), [](R& r) { r.MinAdjustmentMagnitude = 1; }), "");
  EXPECT_NE(refused(simple("p", 1), [](R& r) { r.AdjustmentType = "Double"; }), "");
  EXPECT_NE(refused(simple("p", 1), [](R& r) { r.PolicyType = "Magic"; }), "");
  EXPECT_EQ(refused(simple("p", 1), [](R& r) { r.PolicyType = "PredictiveScaling"; }),
            "Brume's Auto Scaling groups do not support the policy type PredictiveScaling");
  EXPECT_EQ(refused(stepped("p", {{0, {}, 1}}), [](R& r) { r.ScalingAdjustment = 1; }),
            "ScalingAdjustment is not supported for a StepScaling policy");
  EXPECT_NE(refused(stepped("p", {{0, {}, 1}}), [](R& r) { r.MetricAggregationType = "Median"; }), "");
  EXPECT_EQ(refused(tracking("p", kCpu, 50), [](R& r) { r.ScalingAdjustment = 1; }),
            "ScalingAdjustment are not supported for a TargetTracking policy");
  EXPECT_EQ(refused(tracking("p", kCpu, 50), [](R& r) { r.TargetTrackingConfiguration.reset(); }),
            "You should provide a TargetTrackingConfiguration");
  EXPECT_EQ(refused(tracking("p", kCpu, 0), [](R&) {}), "TargetValue must be greater than 0");
  // What CloudWatch refuses leaves nothing behind.
  world.cloudwatch().refuse = Error{"InvalidParameterValue", "No such metric", 400};
  EXPECT_EQ(world.put(tracking("p", kCpu, 50)).error(), (Error{"ValidationError", "No such metric", 400}));
  EXPECT_TRUE(world.service().DescribePolicies(world.call, {})->ScalingPolicies.empty());
  world.cloudwatch().refuse.reset();
  for (int i = 0; i < 50; ++i) ASSERT_TRUE(world.put(simple(fmt::format("p{}", i), 1)));
  EXPECT_EQ(world.put(simple("one too many", 1)).error().code, "LimitExceeded");
}

TEST(Policies, TheGroupTakesThemAlong) {
  World world;
  world.make_group(0, 10, 0);
  ASSERT_TRUE(world.put(tracking("cpu", kCpu, 50)));
  ASSERT_TRUE(world.put(simple("more", 1)));
  DeleteAutoScalingGroupType request;
  request.AutoScalingGroupName = "web";
  ASSERT_TRUE(world.transact([&] { return world.service().DeleteAutoScalingGroup(world.call, request); }));
  EXPECT_TRUE(world.cloudwatch().alarms().empty());
  world.make_group(1, 10, 1);
  EXPECT_TRUE(world.service().DescribePolicies(world.call, {})->ScalingPolicies.empty());
  ASSERT_TRUE(world.put(tracking("cpu", kCpu, 50)));
  request.ForceDelete = true;
  world.cloudwatch().watched = true;  // a policy waits for that, its group does not
  EXPECT_FALSE(world.transact([&] { return world.service().DeletePolicy(world.call, {"web", "cpu"}); }));
  world.cloudwatch().watched = false;
  ASSERT_TRUE(world.transact([&] { return world.service().DeleteAutoScalingGroup(world.call, request); }));
  world.run_for(minutes(2));
  EXPECT_TRUE(world.cloudwatch().alarms().empty());
  EXPECT_TRUE(world.service().DescribeAutoScalingGroups(world.call, {})->AutoScalingGroups.empty());
  world.make_group(1, 10, 1);
  ASSERT_TRUE(world.put(tracking("cpu", kCpu, 50)));
  world.cloudwatch().watched = true;
  ASSERT_TRUE(world.transact([&] { return world.service().DeleteAutoScalingGroup(world.call, request); }));
  world.run_for(minutes(2));
  EXPECT_TRUE(world.service().DescribeAutoScalingGroups(world.call, {})->AutoScalingGroups.empty());
  EXPECT_TRUE(world.service().DescribePolicies(world.call, {})->ScalingPolicies.empty());
}

TEST(Alarms, AStepIsChosenByTheAggregationType) {
  struct Row {
    std::optional<std::string> type;
    int after;
  };
  for (const Row& row : std::vector<Row>{
           {std::nullopt, 3}, {std::string("Average"), 3}, {std::string("Minimum"), 2}, {std::string("Maximum"), 4}}) {
    World world;
    world.make_group(1, 9, 1, [](CreateAutoScalingGroupType& r) { r.DefaultInstanceWarmup = 0; });
    auto policy = stepped("steps", {{0, 10, 1}, {10, 30, 2}, {30, {}, 3}});
    policy.MetricAggregationType = row.type;
    const auto arn = *world.put(policy)->PolicyARN;
    ASSERT_TRUE(world.alarm_with(arn, {55, 60, 100}, 50));
    EXPECT_EQ(world.desired(), row.after) << row.type.value_or("");
    const DecisionRecord decision = world.service().decisions("web").at(0);
    EXPECT_EQ(decision.value, row.after == 2 ? 55 : row.after == 4 ? 100 : 215.0 / 3);
    EXPECT_EQ(*world.service().DescribePolicies(world.call, {})->ScalingPolicies.at(0).MetricAggregationType,
              row.type.value_or("Average"));
  }
}

TEST(Alarms, ChangeTheCapacityAndSayWhy) {
  World world;
  world.make_group(1, 4, 2, [](CreateAutoScalingGroupType& r) { r.DefaultInstanceWarmup = 60; });
  const std::string arn = *world.put(stepped("steps", {{0, 20, 1}, {20, {}, 3}}))->PolicyARN;
  world.run_for(minutes(2));
  EXPECT_EQ(*world.alarm(arn, 55, 50), "Policy steps changed the desired capacity from 2 to 3.");
  EXPECT_NE(world.last_cause().find("a monitor alarm busy in state ALARM triggered policy steps changing the desired "
                                    "capacity from 2 to 3.  At "),
            std::string::npos)
      << world.last_cause();
  // Once more: the new instance is still warming up. A larger breach wants five, but four are the most.
  EXPECT_EQ(*world.alarm(arn, 56, 50),
            "Policy steps left the desired capacity at 3: the instances that are warming up are enough.");
  EXPECT_EQ(*world.alarm(arn, 75, 50), "Policy steps changed the desired capacity from 3 to 4.");
  world.run_for(minutes(3));
  EXPECT_EQ(*world.alarm(arn, 75, 50),
            "Policy steps left the desired capacity at 4: the group is already at its maximum size of 4.");
  EXPECT_EQ(*world.alarm(arn, 45, 50),
            "Policy steps left the desired capacity at 4: no step of the policy is for this size of the breach.");
  EXPECT_EQ(*world.alarm(arn, std::nullopt, 50),
            "Policy steps left the desired capacity at 4: the alarm has no datapoint.");
  const auto described = world.service().DescribePolicies(world.call, {})->ScalingPolicies;
  EXPECT_TRUE(described.at(0).Alarms.empty());
  cloudwatch::PutMetricAlarmInput own;
  own.AlarmName = "mine";
  own.AlarmActions = {arn};
  ASSERT_TRUE(world.transact([&] { return world.cloudwatch().PutMetricAlarm(world.call, own); }));
  EXPECT_EQ(*world.service().DescribePolicies(world.call, {})->ScalingPolicies.at(0).Alarms.at(0).AlarmName, "mine");

  ScalingProcessQuery suspend;
  suspend.AutoScalingGroupName = "web";
  suspend.ScalingProcesses = {"AlarmNotification"};
  const std::string in = *world.put(stepped("in", {{{}, 0, -1}}))->PolicyARN;
  ASSERT_TRUE(world.transact([&] { return world.service().SuspendProcesses(world.call, suspend); }));
  EXPECT_EQ(*world.alarm(in, 10, 20),
            "Policy in left the desired capacity at 4: the process AlarmNotification is suspended.");
  ASSERT_TRUE(world.transact([&] { return world.service().ResumeProcesses(world.call, suspend); }));
  auto off = stepped("in", {{{}, 0, -1}});
  off.Enabled = false;
  ASSERT_TRUE(world.put(off));
  EXPECT_EQ(*world.alarm(in, 10, 20), "Policy in left the desired capacity at 4: the policy is disabled.");
  off.Enabled = true;
  ASSERT_TRUE(world.put(off));
  EXPECT_EQ(*world.alarm(in, 10, 20, "quiet", "OK"), "Policy in changed the desired capacity from 4 to 3.");
  EXPECT_NE(world.last_cause().find("a monitor alarm quiet in state OK triggered policy in"), std::string::npos);
  ASSERT_TRUE(world.transact([&] { return world.service().DeletePolicy(world.call, {{}, in}); }));
  EXPECT_EQ(world.alarm(in, 10, 20).error().message, fmt::format("The scaling policy {} does not exist", in));
  EXPECT_FALSE(world.alarm("arn:aws:autoscaling:x", 10, 20));
}

TEST(Weights, PoliciesCountUnits) {
  World world;
  // Three instances of three units each: one unit above what is desired stays.
  world.make_group(0, 30, 8, [](CreateAutoScalingGroupType& r) {
    r.DefaultInstanceWarmup = 60;
    r.LaunchTemplate.reset();
    LaunchTemplate& launch = r.MixedInstancesPolicy.emplace().LaunchTemplate.emplace();
    launch.LaunchTemplateSpecification.emplace().LaunchTemplateName = "web";
    launch.Overrides.emplace_back().InstanceType = "t2.micro";
    launch.Overrides.back().WeightedCapacity = "3";
  });
  world.run_for(minutes(2));
  EXPECT_EQ(world.in_service(), 3);
  const std::string out = *world.put(stepped("out", {{0, {}, 3}}))->PolicyARN;
  const std::string in = *world.put(stepped("in", {{{}, 0, -2}}))->PolicyARN;
  EXPECT_EQ(*world.alarm(in, 10, 20), "Policy in changed the desired capacity from 8 to 6.");
  world.run_for(minutes(2));
  EXPECT_EQ(world.in_service(), 2);
  EXPECT_EQ(*world.alarm(out, 60, 50), "Policy out changed the desired capacity from 6 to 9.");
  world.run_for(std::chrono::seconds(10));
  EXPECT_EQ(world.in_service(), 3);
  EXPECT_EQ(*world.alarm(out, 60, 50),
            "Policy out left the desired capacity at 9: the instances that are warming up are enough.");
  // Nine units at the double of the target need eighteen.
  ASSERT_TRUE(world.put(tracking("cpu", "ASGAverageCPUUtilization", 50)));
  world.run_minutes(4, [](const cloudwatch::MetricAlarm&) { return 100.0; });
  EXPECT_EQ(world.desired(), 18);
  EXPECT_EQ(world.group().Instances.size(), 6U);
}

TEST(Simple, WaitsForItsInstancesAndThenForTheCooldown) {
  for (const auto& [jump, crash] : std::initializer_list<std::pair<hours, bool>>{
           {hours(0), false}, {hours(1), false}, {hours(-1), false}, {hours(0), true}}) {
    World world;
    world.make_group(1, 10, 1);
    auto policy = simple("more", 1);
    policy.Cooldown = 120;
    const std::string arn = *world.put(policy)->PolicyARN;
    EXPECT_EQ(*world.alarm(arn, {}, 0), "Policy more changed the desired capacity from 1 to 2.");
    EXPECT_EQ(*world.alarm(arn, {}, 0),
              "Policy more left the desired capacity at 2: a scaling activity is in progress.");
    world.run_for(seconds(10));
    world.sim.clock.jump_wall(jump);
    if (crash) world.crash();
    const char* waits = "Policy more left the desired capacity at 2: the cooldown after policy more has not passed.";
    EXPECT_EQ(*world.alarm(arn, {}, 0), waits);
    ExecutePolicyType execute;
    execute.PolicyName = arn;
    execute.HonorCooldown = true;
    EXPECT_EQ(world.transact([&] { return world.service().ExecutePolicy(world.call, execute); }).error().code,
              "ScalingActivityInProgress");
    EXPECT_EQ(
        world.transact([&] { return world.service().SetDesiredCapacity(world.call, {"web", 5, true}); }).error().code,
        "ScalingActivityInProgress");
    world.run_for(seconds(105));
    EXPECT_EQ(*world.alarm(arn, {}, 0), waits) << jump.count() << crash;
    world.run_for(seconds(10));
    EXPECT_EQ(*world.alarm(arn, {}, 0), "Policy more changed the desired capacity from 2 to 3.")
        << jump.count() << crash;
  }
}

TEST(WarmUp, DoesNotHeedTheWallClock) {
  for (const auto& [jump, crash] : std::initializer_list<std::pair<hours, bool>>{
           {hours(0), false}, {hours(1), false}, {hours(-1), false}, {hours(0), true}}) {
    World world;
    world.make_group(1, 10, 2);
    auto policy = stepped("less", {{{}, 0, -1}});
    policy.EstimatedInstanceWarmup = 120;
    const std::string arn = *world.put(policy)->PolicyARN;
    world.sim.clock.jump_wall(jump);
    if (crash) world.crash();
    world.run_for(seconds(100));
    EXPECT_EQ(*world.alarm(arn, 1, 2),
              "Policy less left the desired capacity at 2: no scale-in while instances are "
              "warming up.");
    world.run_for(seconds(20));
    EXPECT_EQ(*world.alarm(arn, 1, 2), "Policy less changed the desired capacity from 2 to 1.")
        << jump.count() << crash;
  }
}

TEST(WarmUp, IsThePolicysElseTheGroupsElseTheCooldown) {
  for (const auto& [policys, groups, scale, expected] :
       std::initializer_list<std::tuple<std::optional<int>, std::optional<int>, double, int>>{
           {100, 50, 1, 100}, {{}, 50, 1, 50}, {{}, {}, 1, 200}, {{}, -1, 1, 200}, {{}, {}, 10, 20}, {0, 50, 1, 0}}) {
    World world(1, scale);
    world.make_group(1, 10, 2, [&](CreateAutoScalingGroupType& request) {
      request.DefaultCooldown = 200;
      request.DefaultInstanceWarmup = groups;
    });
    auto policy = stepped("less", {{{}, 0, -1}});
    policy.EstimatedInstanceWarmup = policys;
    const std::string arn = *world.put(policy)->PolicyARN;
    int waited = 5;  // of the ten seconds since make_group() the instances were launching for five
    while (*world.alarm(arn, 1, 2) != "Policy less changed the desired capacity from 2 to 1." && waited < 300) ++waited;
    EXPECT_NEAR(waited, std::max(expected, 5), 1);
  }
}

TEST(Execute, StepsAndSimplePolicies) {
  World world;
  world.make_group(1, 10, 2, [](CreateAutoScalingGroupType& r) { r.DefaultInstanceWarmup = 0; });
  ASSERT_TRUE(world.put(stepped("steps", {{0, 10, 1}, {10, {}, 4}})));
  ASSERT_TRUE(world.put(simple("less", -1)));
  ASSERT_TRUE(world.put(tracking("cpu", kCpu, 50)));
  const auto execute = [&](const char* name, std::optional<double> value = {}, std::optional<double> threshold = {}) {
    ExecutePolicyType request;
    request.AutoScalingGroupName = "web";
    request.PolicyName = name;
    request.MetricValue = value;
    request.BreachThreshold = threshold;
    const auto done = world.transact([&] { return world.service().ExecutePolicy(world.call, request); });
    world.run_for(seconds(10));
    return done ? std::to_string(world.desired()) : done.error().message;
  };
  EXPECT_EQ(execute("steps", 59, 50), "3");
  EXPECT_NE(world.last_cause().find("a user request executed policy steps changing the desired capacity from 2 to 3."),
            std::string::npos);
  EXPECT_EQ(execute("steps", 65, 50), "7");
  EXPECT_EQ(execute("less"), "6");
  EXPECT_EQ(execute("less"), "5");  // a cooldown only counts if it is to be honoured
  EXPECT_EQ(execute("steps"), "MetricValue and BreachThreshold must be specified for a StepScaling policy");
  EXPECT_EQ(execute("less", 1, 2), "MetricValue and BreachThreshold are not supported for a SimpleScaling policy");
  EXPECT_EQ(execute("steps", 40, 50),
            "No step adjustment of the policy is for a metric value of 40 with a threshold of 50");
  EXPECT_EQ(execute("cpu"), "Policies of type TargetTrackingScaling cannot be executed: their alarms call them");
  EXPECT_EQ(execute("absent"), "Policy absent not found");
}

TEST(Decisions, SayWhyTheCapacityIsWhatItIs) {
  World world;
  world.make_group(1, 3, 2, [](CreateAutoScalingGroupType& r) { r.DefaultInstanceWarmup = 0; });
  const std::string arn = *world.put(stepped("steps", {{0, {}, 1}}))->PolicyARN;
  ASSERT_TRUE(world.alarm(arn, 60, 50));
  for (int i = 0; i < 5; ++i) {
    world.run_for(minutes(1));
    ASSERT_TRUE(world.alarm(arn, 60 + i, 50));
  }
  world.crash();
  auto told = world.service().decisions("web");
  ASSERT_EQ(told.size(), 2U);
  EXPECT_EQ(told[0].reason, "the group is already at its maximum size of 3");
  EXPECT_EQ(told[0].times, 5);
  EXPECT_EQ(told[0].value, 64);
  EXPECT_GT(told[0].until, told[0].time);
  EXPECT_EQ(told[1].by + " " + told[1].name + " " + told[1].alarm, "policy steps busy");
  EXPECT_EQ(told[1].before, 2);
  EXPECT_EQ(told[1].after, 3);
  EXPECT_EQ(told[1].reason, "");
  for (int i = 0; i < 250; ++i)
    ASSERT_TRUE(world.transact([&] { return world.service().SetDesiredCapacity(world.call, {"web", 1 + i % 3}); }));
  told = world.service().decisions("web");
  EXPECT_EQ(told.size(), 100U);
  EXPECT_EQ(told[0].by, "user request");
  EXPECT_EQ(told[0].after, 1 + 249 % 3);
}

}  // namespace
}  // namespace brume::autoscaling
