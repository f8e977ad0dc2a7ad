// What belongs to an Auto Scaling group, and alarms: what they ask for, their updates, and that nothing of them is
// left.
#include "services/cloudformation/world_test.h"

namespace brume::cloudformation {
namespace {

constexpr const char* kScaling = R"(
Parameters:
  Target: {Type: Number, Default: 50}
  Until: {Type: String, Default: '2030-01-01T00:00:00Z'}
Conditions: {Ends: !Not [!Equals [!Ref Until, '']]}
Resources:
  Configuration: {Type: AWS::AutoScaling::LaunchConfiguration, Properties: {ImageId: ami-1, InstanceType: t2.micro, InstanceMonitoring: false}}
  Group:
    Type: AWS::AutoScaling::AutoScalingGroup
    Properties: {MinSize: 1, MaxSize: 3, LaunchConfigurationName: !Ref Configuration, AvailabilityZones: !GetAZs ''}
  Tracking:
    Type: AWS::AutoScaling::ScalingPolicy
    Properties:
      AutoScalingGroupName: !Ref Group
      PolicyType: TargetTrackingScaling
      TargetTrackingConfiguration: {TargetValue: !Ref Target, PredefinedMetricSpecification: {PredefinedMetricType: ASGAverageCPUUtilization}}
  Out: {Type: AWS::AutoScaling::ScalingPolicy, Properties: {AutoScalingGroupName: !Ref Group, AdjustmentType: ChangeInCapacity, ScalingAdjustment: 1, Cooldown: '60'}}
  Nightly:
    Type: AWS::AutoScaling::ScheduledAction
    Properties:
      AutoScalingGroupName: !Ref Group
      Recurrence: '0 22 * * *'
      DesiredCapacity: 1
      EndTime: !If [Ends, !Ref Until, !Ref AWS::NoValue]
  Hook: {Type: AWS::AutoScaling::LifecycleHook, Properties: {AutoScalingGroupName: !Ref Group, LifecycleTransition: 'autoscaling:EC2_INSTANCE_LAUNCHING', HeartbeatTimeout: 60}}
  Pool: {Type: AWS::AutoScaling::WarmPool, Properties: {AutoScalingGroupName: !Ref Group, MinSize: 1, PoolState: Running}}
  Busy:
    Type: AWS::CloudWatch::Alarm
    Properties:
      MetricName: CPUUtilization
      Namespace: AWS/EC2
      Statistic: Average
      Period: 60
      EvaluationPeriods: 2
      Threshold: !Ref Target
      ComparisonOperator: GreaterThanThreshold
      Dimensions: [{Name: AutoScalingGroupName, Value: !Ref Group}]
      AlarmActions: [!Ref Out]
      Tags: [{Key: target, Value: !Ref Target}]
  Both: {Type: AWS::CloudWatch::CompositeAlarm, Properties: {AlarmName: both, AlarmRule: !Sub 'ALARM("${Busy}")'}}
  Board: {Type: AWS::CloudWatch::Dashboard, Properties: {DashboardBody: !Sub '{"widgets":[{"alarm":"${Busy.Arn}"}]}'}}
Outputs:
  Policy: {Value: !Ref Tracking}
  Alarm: {Value: !Ref Busy}
  AlarmArn: {Value: !GetAtt Busy.Arn}
  Action: {Value: !Ref Nightly}
)";

TEST(ScalingTypes, FromCreationToDeletion) {
  World world;
  auto created = world.create(kScaling);
  ASSERT_TRUE(created) << created.error().message;
  world.run();
  ASSERT_EQ(world.status(), "CREATE_COMPLETE") << world.events().back();
  EXPECT_TRUE(world.output("Policy").starts_with("arn:aws:autoscaling:"));
  EXPECT_TRUE(world.output("Alarm").starts_with("web-Busy-"));
  EXPECT_EQ(world.output("AlarmArn"), "arn:aws:cloudwatch:ap-southeast-1:000000000000:alarm:" + world.output("Alarm"));
  EXPECT_TRUE(world.cloud->things.find(world.output("Alarm"))->text.contains("policyName/web-Out-"));
  EXPECT_TRUE(world.cloud->things.find("both")->text.contains("ALARM(\\\"" + world.output("Alarm") + "\\\")"));

  const std::string alarm = world.output("Alarm"), policy = world.output("Policy");
  ASSERT_TRUE(world.update(kScaling, {{"Target", "60"}, {"Until", ""}}));
  world.run();
  ASSERT_EQ(world.status(), "UPDATE_COMPLETE") << world.events().back();
  EXPECT_EQ(world.output("Alarm"), alarm);
  EXPECT_EQ(world.output("Policy"), policy);
  EXPECT_TRUE(world.cloud->things.find(alarm)->text.contains("\"Threshold\":60"));
  EXPECT_EQ(world.cloud->count("TagResource " + world.output("AlarmArn")), 1);
  EXPECT_FALSE(world.cloud->things.find(world.output("Action"))->text.contains("EndTime"));
  EXPECT_EQ(world.cloud->count("DeleteScheduledAction"), 1);  // made anew, without an end

  ASSERT_TRUE(world.remove());
  world.run();
  EXPECT_EQ(world.status(*created->StackId), "DELETE_COMPLETE");
  EXPECT_EQ(world.things(), 0U);
}

TEST(ScalingTypes, EveryCallMayFail) {
  every_call_may_fail(kScaling);
}

}  // namespace
}  // namespace brume::cloudformation
