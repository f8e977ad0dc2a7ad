"""Scaling policies and scheduled actions: what changes a group's size by itself."""

import datetime
import time

import pytest

from api import refused
from cloud import eventually

NAME = "elastic"


def group(aws):
    found = aws.autoscaling.describe_auto_scaling_groups(AutoScalingGroupNames=[NAME])["AutoScalingGroups"]
    return found[0] if found else None


def desired(aws):
    return group(aws)["DesiredCapacity"]


def settled(aws, count):
    """Exactly `count` instances are in service, and nothing else is in the group."""
    def probe():
        instances = group(aws)["Instances"]
        return len(instances) == count and all(i["LifecycleState"] == "InService" for i in instances)

    eventually(probe, what=f"{count} instances are in service")


def latest_cause(aws):
    return aws.autoscaling.describe_scaling_activities(AutoScalingGroupName=NAME)["Activities"][0]["Cause"]


def policies(aws, **filters):
    return aws.autoscaling.describe_policies(AutoScalingGroupName=NAME, **filters)["ScalingPolicies"]


def scheduled(aws, **filters):
    return aws.autoscaling.describe_scheduled_actions(AutoScalingGroupName=NAME, **filters)["ScheduledUpdateGroupActions"]


def now():
    return datetime.datetime.now(datetime.timezone.utc).replace(microsecond=0)


@pytest.fixture(scope="module", autouse=True)
def elastic(aws, image, network):
    made = aws.ec2.create_launch_template(LaunchTemplateName=NAME, LaunchTemplateData={
        "ImageId": image, "InstanceType": "t2.micro", "SecurityGroupIds": [network.group]})["LaunchTemplate"]["LaunchTemplateId"]
    aws.autoscaling.create_auto_scaling_group(
        AutoScalingGroupName=NAME, LaunchTemplate={"LaunchTemplateId": made}, MinSize=0, MaxSize=4, DesiredCapacity=1,
        VPCZoneIdentifier=",".join(network.subnets), DefaultInstanceWarmup=0, DefaultCooldown=600)
    yield
    aws.autoscaling.delete_auto_scaling_group(AutoScalingGroupName=NAME, ForceDelete=True)
    eventually(lambda: group(aws) is None, 60, what="the group is gone")
    aws.ec2.delete_launch_template(LaunchTemplateId=made)


def test_step_policy(aws):
    settled(aws, 1)
    put = aws.autoscaling.put_scaling_policy(
        AutoScalingGroupName=NAME, PolicyName="steps", PolicyType="StepScaling", AdjustmentType="PercentChangeInCapacity",
        MinAdjustmentMagnitude=1, StepAdjustments=[
            {"MetricIntervalLowerBound": 0, "MetricIntervalUpperBound": 10, "ScalingAdjustment": 10},
            {"MetricIntervalLowerBound": 10, "ScalingAdjustment": 200}])
    assert put["PolicyARN"].endswith(f":autoScalingGroupName/{NAME}:policyName/steps") and put["Alarms"] == []
    shown = policies(aws, PolicyNames=["steps"])[0]
    assert (shown["PolicyARN"], shown["PolicyType"], shown["MetricAggregationType"], shown["Enabled"]) == (put["PolicyARN"], "StepScaling", "Average", True)
    assert [s["ScalingAdjustment"] for s in shown["StepAdjustments"]] == [10, 200] and "Cooldown" not in shown
    execute = {"AutoScalingGroupName": NAME, "PolicyName": "steps", "BreachThreshold": 50}
    aws.autoscaling.execute_policy(**execute, MetricValue=55)
    assert desired(aws) == 2
    settled(aws, 2)
    assert "a user request executed policy steps changing the desired capacity from 1 to 2.  At " in latest_cause(aws)
    aws.autoscaling.execute_policy(PolicyName=put["PolicyARN"], BreachThreshold=50, MetricValue=60)
    assert desired(aws) == 4  # two thirds more than there may be
    with refused("ValidationError", "No step adjustment of the policy is for a metric value of 40"):
        aws.autoscaling.execute_policy(**execute, MetricValue=40)
    with refused("ValidationError", "MetricValue and BreachThreshold must be specified"):
        aws.autoscaling.execute_policy(**execute)
    with refused("ValidationError", "StepAdjustment intervals cannot have gaps between them"):
        aws.autoscaling.put_scaling_policy(
            AutoScalingGroupName=NAME, PolicyName="gap", PolicyType="StepScaling", AdjustmentType="ChangeInCapacity",
            StepAdjustments=[{"MetricIntervalLowerBound": 0, "MetricIntervalUpperBound": 10, "ScalingAdjustment": 1},
                             {"MetricIntervalLowerBound": 20, "ScalingAdjustment": 2}])
    aws.autoscaling.delete_policy(AutoScalingGroupName=NAME, PolicyName="steps")
    with refused("ValidationError", "Policy steps not found"):
        aws.autoscaling.delete_policy(AutoScalingGroupName=NAME, PolicyName="steps")
    assert policies(aws) == []


def test_simple_policy_and_its_cooldown(aws):
    aws.autoscaling.set_desired_capacity(AutoScalingGroupName=NAME, DesiredCapacity=1)
    settled(aws, 1)
    arn = aws.autoscaling.put_scaling_policy(
        AutoScalingGroupName=NAME, PolicyName="more", AdjustmentType="ChangeInCapacity", ScalingAdjustment=1,
        Cooldown=5)["PolicyARN"]
    assert policies(aws, PolicyTypes=["SimpleScaling"])[0]["PolicyName"] == "more"
    assert policies(aws, PolicyTypes=["StepScaling"]) == []
    aws.autoscaling.execute_policy(PolicyName=arn, HonorCooldown=True)
    settled(aws, 2)
    with refused("ScalingActivityInProgress", "the cooldown after policy more has not passed"):
        aws.autoscaling.execute_policy(PolicyName=arn, HonorCooldown=True)
    with refused("ScalingActivityInProgress"):
        aws.autoscaling.set_desired_capacity(AutoScalingGroupName=NAME, DesiredCapacity=4, HonorCooldown=True)
    aws.autoscaling.execute_policy(PolicyName=arn)
    assert desired(aws) == 3
    with refused("ValidationError", "You must specify an AdjustmentType for policy type: SimpleScaling"):
        aws.autoscaling.put_scaling_policy(AutoScalingGroupName=NAME, PolicyName="what", ScalingAdjustment=1)
    with refused("UnsupportedOperation", "PredictiveScaling"):
        aws.autoscaling.put_scaling_policy(AutoScalingGroupName=NAME, PolicyName="what", PolicyType="PredictiveScaling")
    with refused("ValidationError", "AutoScalingGroup name not found"):
        aws.autoscaling.put_scaling_policy(AutoScalingGroupName="absent", PolicyName="what", AdjustmentType="ExactCapacity", ScalingAdjustment=1)
    aws.autoscaling.delete_policy(PolicyName=arn)


def test_target_tracking_policy_keeps_two_alarms(aws):
    tracking = {"TargetValue": 50.0, "PredefinedMetricSpecification": {"PredefinedMetricType": "ASGAverageCPUUtilization"}}
    arguments = {"AutoScalingGroupName": NAME, "PolicyName": "cpu", "PolicyType": "TargetTrackingScaling"}
    put = aws.autoscaling.put_scaling_policy(**arguments, TargetTrackingConfiguration=tracking)
    names = [a["AlarmName"] for a in put["Alarms"]]
    assert names[0].startswith(f"TargetTracking-{NAME}-AlarmHigh-") and names[1].startswith(f"TargetTracking-{NAME}-AlarmLow-")
    alarms = {a["AlarmName"]: a for a in aws.cloudwatch.describe_alarms(AlarmNames=names)["MetricAlarms"]}
    high, low = (alarms[name] for name in names)
    assert [a["AlarmARN"] for a in put["Alarms"]] == [high["AlarmArn"], low["AlarmArn"]]
    assert (high["Threshold"], high["EvaluationPeriods"], high["ComparisonOperator"]) == (50, 3, "GreaterThanThreshold")
    assert (low["Threshold"], low["EvaluationPeriods"], low["ComparisonOperator"]) == (45, 15, "LessThanThreshold")
    for alarm in (high, low):
        assert alarm["AlarmDescription"] == f"DO NOT EDIT OR DELETE. For TargetTrackingScaling policy {put['PolicyARN']}."
        assert alarm["AlarmActions"] == [put["PolicyARN"]] and alarm["Period"] == 60
        assert alarm["Dimensions"] == [{"Name": "AutoScalingGroupName", "Value": NAME}]
    assert policies(aws)[0]["Alarms"] == put["Alarms"]
    aws.autoscaling.put_scaling_policy(**arguments, TargetTrackingConfiguration={**tracking, "TargetValue": 60.0, "DisableScaleIn": True})
    kept = aws.cloudwatch.describe_alarms(AlarmNamePrefix=f"TargetTracking-{NAME}-")["MetricAlarms"]
    assert [(a["AlarmName"], a["Threshold"]) for a in kept] == [(names[0], 60)]
    with refused("ValidationError", "cannot be executed"):
        aws.autoscaling.execute_policy(AutoScalingGroupName=NAME, PolicyName="cpu")
    with refused("ValidationError", "Resource label should be specified for predefined metric type ALBRequestCountPerTarget"):
        aws.autoscaling.put_scaling_policy(**arguments, TargetTrackingConfiguration={
            "TargetValue": 50.0, "PredefinedMetricSpecification": {"PredefinedMetricType": "ALBRequestCountPerTarget"}})
    aws.autoscaling.delete_policy(AutoScalingGroupName=NAME, PolicyName="cpu")
    assert aws.cloudwatch.describe_alarms(AlarmNamePrefix=f"TargetTracking-{NAME}-")["MetricAlarms"] == []


def test_alarm_calls_a_policy(aws):
    aws.autoscaling.set_desired_capacity(AutoScalingGroupName=NAME, DesiredCapacity=1)
    settled(aws, 1)
    time.sleep(5)  # another policy's cooldown holds this one, too
    arn = aws.autoscaling.put_scaling_policy(
        AutoScalingGroupName=NAME, PolicyName="exactly", AdjustmentType="ExactCapacity", ScalingAdjustment=2, Cooldown=0)["PolicyARN"]
    aws.cloudwatch.put_metric_alarm(
        AlarmName="crowded", Namespace="Shop", MetricName="Carts", Statistic="Maximum", Period=60, EvaluationPeriods=1,
        Threshold=10, ComparisonOperator="GreaterThanThreshold", AlarmActions=[arn])
    assert [a["AlarmName"] for a in policies(aws, PolicyNames=["exactly"])[0]["Alarms"]] == ["crowded"]
    aws.cloudwatch.set_alarm_state(AlarmName="crowded", StateValue="ALARM", StateReason="a test")
    settled(aws, 2)
    assert "a monitor alarm crowded in state ALARM triggered policy exactly changing the desired capacity from 1 to 2." in latest_cause(aws)
    aws.cloudwatch.delete_alarms(AlarmNames=["crowded"])
    aws.autoscaling.delete_policy(PolicyName=arn)


def test_step_policy_compares_all_that_its_alarm_looked_at(aws):
    aws.autoscaling.set_desired_capacity(AutoScalingGroupName=NAME, DesiredCapacity=1)
    settled(aws, 1)
    arguments = {"AutoScalingGroupName": NAME, "PolicyName": "peak", "PolicyType": "StepScaling",
                 "AdjustmentType": "ChangeInCapacity", "StepAdjustments": [
                     {"MetricIntervalLowerBound": 0, "MetricIntervalUpperBound": 40, "ScalingAdjustment": 1},
                     {"MetricIntervalLowerBound": 40, "ScalingAdjustment": 2}]}
    with refused("ValidationError", "Invalid MetricAggregationType Median"):
        aws.autoscaling.put_scaling_policy(**arguments, MetricAggregationType="Median")
    arn = aws.autoscaling.put_scaling_policy(**arguments, MetricAggregationType="Maximum")["PolicyARN"]
    assert policies(aws, PolicyNames=["peak"])[0]["MetricAggregationType"] == "Maximum"
    # By the newest datapoint, or by their average, it would be one instance more.
    period = datetime.timedelta(seconds=10)
    this = now() - datetime.timedelta(seconds=now().second % 10)
    aws.cloudwatch.put_metric_data(Namespace="Shop", MetricData=[
        {"MetricName": "Queue", "Timestamp": this - i * period, "Value": value, "StorageResolution": 1}
        for i, value in ((1, 60), (2, 95))])
    aws.cloudwatch.put_metric_alarm(
        AlarmName="queue", Namespace="Shop", MetricName="Queue", Statistic="Average", Period=10, EvaluationPeriods=2,
        Threshold=50, ComparisonOperator="GreaterThanThreshold", AlarmActions=[arn])
    settled(aws, 3)
    assert "a monitor alarm queue in state ALARM triggered policy peak changing the desired capacity from 1 to 3." in latest_cause(aws)
    aws.cloudwatch.delete_alarms(AlarmNames=["queue"])
    aws.autoscaling.delete_policy(PolicyName=arn)


def test_scheduled_action_is_done_at_its_time(aws):
    aws.autoscaling.set_desired_capacity(AutoScalingGroupName=NAME, DesiredCapacity=1)
    settled(aws, 1)
    due = now() + datetime.timedelta(seconds=4)
    aws.autoscaling.put_scheduled_update_group_action(
        AutoScalingGroupName=NAME, ScheduledActionName="soon", StartTime=due, MinSize=1, MaxSize=5, DesiredCapacity=2)
    shown = scheduled(aws)[0]
    assert (shown["StartTime"], shown["Time"], shown["DesiredCapacity"]) == (due, due, 2)
    assert shown["ScheduledActionARN"].endswith(f":autoScalingGroupName/{NAME}:scheduledActionName/soon")
    assert desired(aws) == 1
    settled(aws, 2)
    assert "a scheduled action update of AutoScalingGroup constraints to min: 1, max: 5, desired: 2 changing the desired capacity from 1 to 2." in latest_cause(aws)
    assert (group(aws)["MinSize"], group(aws)["MaxSize"]) == (1, 5) and scheduled(aws) == []


def test_scheduled_actions_are_kept(aws):
    put = aws.autoscaling.put_scheduled_update_group_action
    put(AutoScalingGroupName=NAME, ScheduledActionName="mornings", Recurrence="0 8 * * MON-FRI", TimeZone="Asia/Singapore", DesiredCapacity=3)
    shown = scheduled(aws, ScheduledActionNames=["mornings"])[0]
    assert shown["TimeZone"] == "Asia/Singapore" and shown["StartTime"] > now() and (shown["StartTime"].hour, shown["StartTime"].minute) == (0, 0)
    failed = aws.autoscaling.batch_put_scheduled_update_group_action(AutoScalingGroupName=NAME, ScheduledUpdateGroupActions=[
        {"ScheduledActionName": "evenings", "Recurrence": "0 20 * * *", "DesiredCapacity": 1},
        {"ScheduledActionName": "never", "Recurrence": "0 0 30 2 *", "DesiredCapacity": 1}])["FailedScheduledUpdateGroupActions"]
    assert [(f["ScheduledActionName"], f["ErrorCode"], f["ErrorMessage"]) for f in failed] == [
        ("never", "ValidationError", "Given recurrence string: 0 0 30 2 * is invalid")]
    assert [a["ScheduledActionName"] for a in scheduled(aws)] == ["evenings", "mornings"]
    arguments = {"AutoScalingGroupName": NAME, "ScheduledActionName": "refused"}
    with refused("ValidationError", "Given start time is in the past"):
        put(**arguments, StartTime=now() - datetime.timedelta(hours=1), DesiredCapacity=1)
    with refused("ValidationError", "At least one of max size, min size, or desired capacity must be specified"):
        put(**arguments, Recurrence="0 8 * * *")
    with refused("ValidationError", "The time zone Mars/Olympus is not valid"):
        put(**arguments, Recurrence="0 8 * * *", TimeZone="Mars/Olympus", DesiredCapacity=1)
    aws.autoscaling.delete_scheduled_action(AutoScalingGroupName=NAME, ScheduledActionName="mornings")
    with refused("ValidationError", "Scheduled action name not found"):
        aws.autoscaling.delete_scheduled_action(AutoScalingGroupName=NAME, ScheduledActionName="mornings")
    failed = aws.autoscaling.batch_delete_scheduled_action(AutoScalingGroupName=NAME, ScheduledActionNames=["evenings", "mornings"])["FailedScheduledActions"]
    assert [f["ScheduledActionName"] for f in failed] == ["mornings"] and scheduled(aws) == []


def test_suspended_scheduled_actions_are_lost(aws):
    before = desired(aws)
    aws.autoscaling.suspend_processes(AutoScalingGroupName=NAME, ScalingProcesses=["ScheduledActions"])
    due = now() + datetime.timedelta(seconds=2)
    aws.autoscaling.put_scheduled_update_group_action(AutoScalingGroupName=NAME, ScheduledActionName="lost", StartTime=due, DesiredCapacity=4)
    eventually(lambda: scheduled(aws) == [], what="its time has come")
    aws.autoscaling.resume_processes(AutoScalingGroupName=NAME, ScalingProcesses=["ScheduledActions"])
    time.sleep(0.5)
    assert desired(aws) == before


def test_metrics_collection(aws):
    aws.autoscaling.enable_metrics_collection(AutoScalingGroupName=NAME, Granularity="1Minute", Metrics=["GroupMinSize", "GroupDesiredCapacity"])
    assert [(m["Metric"], m["Granularity"]) for m in group(aws)["EnabledMetrics"]] == [("GroupMinSize", "1Minute"), ("GroupDesiredCapacity", "1Minute")]
    aws.autoscaling.disable_metrics_collection(AutoScalingGroupName=NAME, Metrics=["GroupMinSize"])
    assert [m["Metric"] for m in group(aws)["EnabledMetrics"]] == ["GroupDesiredCapacity"]
    aws.autoscaling.disable_metrics_collection(AutoScalingGroupName=NAME)
    assert group(aws)["EnabledMetrics"] == []
    with refused("ValidationError", "The granularity 5Minutes is not valid"):
        aws.autoscaling.enable_metrics_collection(AutoScalingGroupName=NAME, Granularity="5Minutes")
    with refused("ValidationError", "GroupHappiness"):
        aws.autoscaling.enable_metrics_collection(AutoScalingGroupName=NAME, Granularity="1Minute", Metrics=["GroupHappiness"])
