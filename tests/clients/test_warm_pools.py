"""Warm pools: instances that are prepared beside a group, taken when it grows, and given back."""

import pytest

from api import refused
from cloud import eventually
from test_autoscaling import activity, group, in_service
from test_cloudformation import at_rest, deleted, outputs, parameters

NAME = "warmed"


def pool(aws, name=NAME):
    return aws.autoscaling.describe_warm_pool(AutoScalingGroupName=name)


def resting(aws, count, state="Warmed:Stopped", name=NAME):
    """The pool's instances once there are exactly so many, all in this state."""
    def settled():
        instances = pool(aws, name)["Instances"]
        return len(instances) == count and all(i["LifecycleState"] == state for i in instances) and [instances]

    return eventually(settled, 60, f"{count} instances are {state}")[0]


def ids(instances):
    return {i["InstanceId"] for i in instances}


def states(aws, instances):
    found = aws.ec2.describe_instances(InstanceIds=[i["InstanceId"] for i in instances])["Reservations"]
    return {instance["State"]["Name"] for reservation in found for instance in reservation["Instances"]}


@pytest.fixture
def warmed(aws, image, network):
    """A group of none, three at most, without a pool."""
    aws.autoscaling.create_launch_configuration(LaunchConfigurationName=NAME, ImageId=image, InstanceType="t2.micro")
    aws.autoscaling.create_auto_scaling_group(
        AutoScalingGroupName=NAME, LaunchConfigurationName=NAME, MinSize=0, MaxSize=3, VPCZoneIdentifier=",".join(network.subnets),
        HealthCheckGracePeriod=0)
    yield NAME
    aws.autoscaling.delete_auto_scaling_group(AutoScalingGroupName=NAME, ForceDelete=True)
    eventually(lambda: group(aws, NAME) is None, 60, what="the group is gone")
    aws.autoscaling.delete_launch_configuration(LaunchConfigurationName=NAME)


def test_group_grows_out_of_its_pool_and_back(aws, warmed):
    aws.autoscaling.put_warm_pool(AutoScalingGroupName=NAME, MaxGroupPreparedCapacity=2, InstanceReusePolicy={"ReuseOnScaleIn": True})
    prepared = resting(aws, 2)
    assert states(aws, prepared) == {"stopped"} and group(aws, NAME)["Instances"] == []
    assert sorted(i["AvailabilityZone"] for i in prepared) == ["ap-southeast-1a", "ap-southeast-1b"]
    assert group(aws, NAME)["WarmPoolSize"] == 2
    assert pool(aws)["WarmPoolConfiguration"] == {
        "MaxGroupPreparedCapacity": 2, "MinSize": 0, "PoolState": "Stopped", "InstanceReusePolicy": {"ReuseOnScaleIn": True}}
    activity(aws, f"Launching a new EC2 instance into warm pool: {prepared[0]['InstanceId']}", name=NAME)

    aws.autoscaling.set_desired_capacity(AutoScalingGroupName=NAME, DesiredCapacity=2)
    serving = in_service(aws, 2, NAME)
    assert ids(serving) == ids(prepared) and states(aws, serving) == {"running"} and pool(aws)["Instances"] == []
    activity(aws, f"Launching a new EC2 instance from warm pool: {prepared[0]['InstanceId']}", name=NAME)

    aws.autoscaling.set_desired_capacity(AutoScalingGroupName=NAME, DesiredCapacity=1)
    back = resting(aws, 1)
    assert ids(back) | ids(in_service(aws, 1, NAME)) == ids(prepared)
    (shown,) = aws.autoscaling.describe_auto_scaling_instances(InstanceIds=[back[0]["InstanceId"]])["AutoScalingInstances"]
    assert (shown["AutoScalingGroupName"], shown["LifecycleState"]) == (NAME, "Warmed:Stopped")

    # One of the pool is ended by hand: another takes its place.
    with refused("ValidationError", "is in the warm pool"):
        aws.autoscaling.terminate_instance_in_auto_scaling_group(InstanceId=back[0]["InstanceId"], ShouldDecrementDesiredCapacity=True)
    aws.autoscaling.terminate_instance_in_auto_scaling_group(InstanceId=back[0]["InstanceId"], ShouldDecrementDesiredCapacity=False)
    eventually(lambda: back[0]["InstanceId"] not in ids(pool(aws)["Instances"]), 60, "it is gone")
    resting(aws, 1)


def test_hooks_hold_on_the_way_in_and_out(aws, warmed):
    aws.autoscaling.put_lifecycle_hook(AutoScalingGroupName=NAME, LifecycleHookName="prepare", LifecycleTransition="autoscaling:EC2_INSTANCE_LAUNCHING",
                                       HeartbeatTimeout=300)

    def complete(instance):
        aws.autoscaling.complete_lifecycle_action(
            AutoScalingGroupName=NAME, LifecycleHookName="prepare", InstanceId=instance["InstanceId"], LifecycleActionResult="CONTINUE")

    aws.autoscaling.put_warm_pool(AutoScalingGroupName=NAME, MaxGroupPreparedCapacity=1, PoolState="Running")
    (entering,) = resting(aws, 1, "Warmed:Pending:Wait")
    complete(entering)
    (ready,) = resting(aws, 1, "Warmed:Running")
    assert ready["InstanceId"] == entering["InstanceId"]
    aws.autoscaling.set_desired_capacity(AutoScalingGroupName=NAME, DesiredCapacity=1)
    waiting = eventually(lambda: [i for i in group(aws, NAME)["Instances"] if i["LifecycleState"] == "Pending:Wait"], 60, "it waits")
    assert ids(waiting) == ids([entering])
    complete(entering)
    assert ids(in_service(aws, 1, NAME)) == ids([entering])


def test_pool_is_deleted_with_its_instances(aws, warmed):
    aws.autoscaling.put_warm_pool(AutoScalingGroupName=NAME, MinSize=1, MaxGroupPreparedCapacity=0)
    prepared = resting(aws, 1)
    with refused("ResourceInUse", "warm pool"):
        aws.autoscaling.delete_auto_scaling_group(AutoScalingGroupName=NAME)
    aws.autoscaling.delete_warm_pool(AutoScalingGroupName=NAME, ForceDelete=True)
    eventually(lambda: "WarmPoolConfiguration" not in pool(aws), 60, "the pool is gone")
    eventually(lambda: states(aws, prepared) == {"terminated"}, 60, "its instance is gone")
    with refused("ValidationError", "No warm pool found"):
        aws.autoscaling.delete_warm_pool(AutoScalingGroupName=NAME)


@pytest.mark.parametrize("code, text, change", [
    ("UnsupportedOperation", "Hibernated", {"PoolState": "Hibernated"}),
    ("ValidationError", "AutoScalingGroup name not found", {"AutoScalingGroupName": "none"}),
])
def test_refused_pools(aws, warmed, code, text, change):
    with refused(code, text):
        aws.autoscaling.put_warm_pool(**{"AutoScalingGroupName": NAME, **change})
    assert "WarmPoolConfiguration" not in pool(aws)


STACK = """
Parameters:
  Image: {Type: String}
  Subnets: {Type: CommaDelimitedList}
Resources:
  Template:
    Type: AWS::EC2::LaunchTemplate
    Properties: {LaunchTemplateData: {ImageId: !Ref Image, InstanceType: t2.micro}}
  Group:
    Type: AWS::AutoScaling::AutoScalingGroup
    Properties:
      MinSize: 0
      MaxSize: 1
      VPCZoneIdentifier: !Ref Subnets
      LaunchTemplate: {LaunchTemplateId: !Ref Template, Version: "1"}
  Pool:
    Type: AWS::AutoScaling::WarmPool
    Properties: {AutoScalingGroupName: !Ref Group, PoolState: Stopped}
Outputs:
  Group: {Value: !Ref Group}
"""


def test_stack_with_a_pool(aws, image, network):
    made = aws.cloudformation.create_stack(
        StackName="pooled", TemplateBody=STACK, Parameters=parameters(Image=image, Subnets=",".join(network.subnets)))["StackId"]
    at_rest(aws, "pooled", "CREATE_COMPLETE")
    resting(aws, 1, name=outputs(aws, "pooled")["Group"])
    aws.cloudformation.delete_stack(StackName=made)
    deleted(aws, made)
