"""Stacks with what scales a group and what watches it."""

from test_cloudformation import at_rest, deleted, outputs, parameters

STACK = """
Parameters:
  Image: {Type: String}
  Subnets: {Type: CommaDelimitedList}
  Target: {Type: Number, Default: 50}
Resources:
  Template:
    Type: AWS::EC2::LaunchTemplate
    Properties: {LaunchTemplateData: {ImageId: !Ref Image, InstanceType: t2.micro}}
  Group:
    Type: AWS::AutoScaling::AutoScalingGroup
    Properties:
      MinSize: 0
      MaxSize: 3
      DesiredCapacity: 0
      VPCZoneIdentifier: !Ref Subnets
      LaunchTemplate: {LaunchTemplateId: !Ref Template, Version: !GetAtt Template.LatestVersionNumber}
      MetricsCollection: [{Granularity: 1Minute, Metrics: [GroupMaxSize]}]
  Tracking:
    Type: AWS::AutoScaling::ScalingPolicy
    Properties:
      AutoScalingGroupName: !Ref Group
      PolicyType: TargetTrackingScaling
      TargetTrackingConfiguration:
        TargetValue: !Ref Target
        PredefinedMetricSpecification: {PredefinedMetricType: ASGAverageCPUUtilization}
  Steps:
    Type: AWS::AutoScaling::ScalingPolicy
    Properties:
      AutoScalingGroupName: !Ref Group
      PolicyType: StepScaling
      AdjustmentType: ChangeInCapacity
      StepAdjustments: [{MetricIntervalLowerBound: 0, ScalingAdjustment: 1}]
  Busy:
    Type: AWS::CloudWatch::Alarm
    Properties:
      Namespace: Web
      MetricName: Queue
      Statistic: Maximum
      Period: 60
      EvaluationPeriods: 2
      Threshold: 10
      ComparisonOperator: GreaterThanThreshold
      TreatMissingData: notBreaching
      AlarmActions: [!Ref Steps]
  Anything:
    Type: AWS::CloudWatch::CompositeAlarm
    Properties: {AlarmName: anything-in-the-stack, AlarmRule: !Sub 'ALARM("${Busy}")'}
  Board:
    Type: AWS::CloudWatch::Dashboard
    Properties: {DashboardName: of-the-stack, DashboardBody: '{"widgets": [{"type": "text", "properties": {"markdown": "well"}}]}'}
  Mornings:
    Type: AWS::AutoScaling::ScheduledAction
    Properties: {AutoScalingGroupName: !Ref Group, Recurrence: "0 8 * * MON-FRI", TimeZone: Asia/Singapore, MinSize: 0, MaxSize: 3}
  Hook:
    Type: AWS::AutoScaling::LifecycleHook
    Properties:
      AutoScalingGroupName: !Ref Group
      LifecycleHookName: warm
      LifecycleTransition: autoscaling:EC2_INSTANCE_LAUNCHING
      HeartbeatTimeout: 60
      DefaultResult: CONTINUE
Outputs:
  Group: {Value: !Ref Group}
  Steps: {Value: !Ref Steps}
  Busy: {Value: !Ref Busy}
"""


def test_a_stack_that_scales_and_watches(aws, image, network):
    given = {"Image": image, "Subnets": ",".join(network.subnets)}
    scaling, watch = aws.autoscaling, aws.cloudwatch
    stack = aws.cloudformation.create_stack(StackName="scales", TemplateBody=STACK, Parameters=parameters(**given))["StackId"]
    at_rest(aws, "scales", "CREATE_COMPLETE")
    told = outputs(aws, "scales")
    name = told["Group"]
    (group,) = scaling.describe_auto_scaling_groups(AutoScalingGroupNames=[name])["AutoScalingGroups"]
    assert [m["Metric"] for m in group["EnabledMetrics"]] == ["GroupMaxSize"]
    policies = {p["PolicyType"]: p for p in scaling.describe_policies(AutoScalingGroupName=name)["ScalingPolicies"]}
    assert policies["StepScaling"]["PolicyARN"] == told["Steps"]
    assert [a["AlarmName"] for a in policies["StepScaling"]["Alarms"]] == [told["Busy"]]
    assert len(policies["TargetTrackingScaling"]["Alarms"]) == 2
    (busy,) = watch.describe_alarms(AlarmNames=[told["Busy"]])["MetricAlarms"]
    assert busy["AlarmActions"] == [told["Steps"]] and busy["Threshold"] == 10
    (anything,) = watch.describe_alarms(AlarmTypes=["CompositeAlarm"], AlarmNames=["anything-in-the-stack"])["CompositeAlarms"]
    assert told["Busy"] in anything["AlarmRule"]
    assert "well" in watch.get_dashboard(DashboardName="of-the-stack")["DashboardBody"]
    (mornings,) = scaling.describe_scheduled_actions(AutoScalingGroupName=name)["ScheduledUpdateGroupActions"]
    assert mornings["TimeZone"] == "Asia/Singapore"
    (hook,) = scaling.describe_lifecycle_hooks(AutoScalingGroupName=name)["LifecycleHooks"]
    assert (hook["LifecycleHookName"], hook["DefaultResult"]) == ("warm", "CONTINUE")

    changed = STACK.replace("Threshold: 10", "Threshold: 20").replace("GroupMaxSize", "GroupMinSize")
    aws.cloudformation.update_stack(StackName="scales", TemplateBody=changed, Parameters=parameters(Target="70", **given))
    at_rest(aws, "scales", "UPDATE_COMPLETE")
    assert watch.describe_alarms(AlarmNames=[told["Busy"]])["MetricAlarms"][0]["Threshold"] == 20
    (group,) = scaling.describe_auto_scaling_groups(AutoScalingGroupNames=[name])["AutoScalingGroups"]
    assert [m["Metric"] for m in group["EnabledMetrics"]] == ["GroupMinSize"]
    (high,) = [a for a in watch.describe_alarms(AlarmNamePrefix=f"TargetTracking-{name}-AlarmHigh")["MetricAlarms"]]
    assert high["Threshold"] == 70

    aws.cloudformation.delete_stack(StackName=stack)
    deleted(aws, stack)
    left = watch.describe_alarms(AlarmTypes=["MetricAlarm", "CompositeAlarm"])
    names = [a["AlarmName"] for a in left["MetricAlarms"] + left["CompositeAlarms"]]
    assert told["Busy"] not in names and "anything-in-the-stack" not in names and not [n for n in names if name in n], names
    assert scaling.describe_auto_scaling_groups(AutoScalingGroupNames=[name])["AutoScalingGroups"] == []
