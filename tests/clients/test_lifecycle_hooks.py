"""Lifecycle hooks: instances that wait on their way in and out; and the notifications that are recorded."""

import base64

import pytest

from api import refused, waiter
from cloud import eventually

NAME = "hooked"
LAUNCHING, TERMINATING = "autoscaling:EC2_INSTANCE_LAUNCHING", "autoscaling:EC2_INSTANCE_TERMINATING"
# Says on the console what the metadata service says of its group's intention, once a second when that changes.
TELLS = """#!/bin/sh
while true; do
  now=$(wget -q -O - http://169.254.169.254/latest/meta-data/autoscaling/target-lifecycle-state)
  [ "$now" = "$before" ] || echo "target state: $now"
  before=$now
  sleep 1
done
"""


@pytest.fixture(scope="module")
def hooked(aws, image, network):
    template = aws.ec2.create_launch_template(LaunchTemplateName=NAME, LaunchTemplateData={
        "ImageId": image, "InstanceType": "t2.micro", "SecurityGroupIds": [network.group],
        "UserData": base64.b64encode(TELLS.encode()).decode()})["LaunchTemplate"]["LaunchTemplateId"]
    aws.autoscaling.create_auto_scaling_group(
        AutoScalingGroupName=NAME, LaunchTemplate={"LaunchTemplateId": template, "Version": "1"}, MinSize=0, MaxSize=2, DesiredCapacity=0,
        VPCZoneIdentifier=",".join(network.subnets),
        LifecycleHookSpecificationList=[{"LifecycleHookName": "configure", "LifecycleTransition": LAUNCHING, "HeartbeatTimeout": 300}])
    yield NAME
    aws.autoscaling.delete_auto_scaling_group(AutoScalingGroupName=NAME, ForceDelete=True)
    eventually(lambda: not aws.autoscaling.describe_auto_scaling_groups(AutoScalingGroupNames=[NAME])["AutoScalingGroups"], 60, "the group is gone")
    aws.ec2.delete_launch_template(LaunchTemplateId=template)


def states(aws):
    (group,) = aws.autoscaling.describe_auto_scaling_groups(AutoScalingGroupNames=[NAME])["AutoScalingGroups"]
    return {i["InstanceId"]: i["LifecycleState"] for i in group["Instances"]}


def in_state(aws, state):
    """The id of the one instance once it is in that state."""
    return eventually(lambda: next((i for i, s in states(aws).items() if s == state), None), what=f"an instance is {state}")


def console(aws, instance, text):
    eventually(lambda: text in aws.ec2.get_console_output(InstanceId=instance).get("Output", ""), what=f"its console says '{text}'")


def test_hooks_are_put_described_and_deleted(aws, hooked):
    scaling = aws.autoscaling
    (hook,) = scaling.describe_lifecycle_hooks(AutoScalingGroupName=NAME)["LifecycleHooks"]
    assert hook == {"LifecycleHookName": "configure", "AutoScalingGroupName": NAME, "LifecycleTransition": LAUNCHING,
                    "HeartbeatTimeout": 300, "GlobalTimeout": 30000, "DefaultResult": "ABANDON"}
    scaling.put_lifecycle_hook(AutoScalingGroupName=NAME, LifecycleHookName="more", LifecycleTransition=TERMINATING, DefaultResult="CONTINUE",
                               NotificationTargetARN="arn:aws:sns:ap-southeast-1:000000000000:t", RoleARN="arn:aws:iam::000000000000:role/r",
                               NotificationMetadata="words")
    (hook,) = scaling.describe_lifecycle_hooks(AutoScalingGroupName=NAME, LifecycleHookNames=["more"])["LifecycleHooks"]
    assert (hook["HeartbeatTimeout"], hook["GlobalTimeout"], hook["NotificationMetadata"]) == (3600, 172800, "words")
    # An existing one is changed in what is said.
    scaling.put_lifecycle_hook(AutoScalingGroupName=NAME, LifecycleHookName="more", HeartbeatTimeout=30, NotificationTargetARN="")
    (hook,) = scaling.describe_lifecycle_hooks(AutoScalingGroupName=NAME, LifecycleHookNames=["more"])["LifecycleHooks"]
    assert (hook["HeartbeatTimeout"], hook["GlobalTimeout"], hook["DefaultResult"], "NotificationTargetARN" in hook) == (30, 3000, "CONTINUE", False)
    scaling.delete_lifecycle_hook(AutoScalingGroupName=NAME, LifecycleHookName="more")
    with refused("ValidationError", "No Lifecycle Hook found"):
        scaling.delete_lifecycle_hook(AutoScalingGroupName=NAME, LifecycleHookName="more")
    for wrong, text in (({"HeartbeatTimeout": 29}, "between 30 and 7200"), ({"DefaultResult": "MAYBE"}, "CONTINUE, ABANDON"), ({"LifecycleTransition": "x"}, "must be one of")):
        with refused("ValidationError", text):
            scaling.put_lifecycle_hook(**{"AutoScalingGroupName": NAME, "LifecycleHookName": "w", "LifecycleTransition": LAUNCHING, **wrong})
    with refused("ValidationError", "must be specified for the new lifecycle hook"):
        scaling.put_lifecycle_hook(AutoScalingGroupName=NAME, LifecycleHookName="w")
    with refused("ValidationError", "AutoScalingGroup name not found"):
        scaling.put_lifecycle_hook(AutoScalingGroupName="absent", LifecycleHookName="w", LifecycleTransition=LAUNCHING)


def test_instance_waits_on_its_way_in_and_out(aws, hooked):
    scaling = aws.autoscaling
    scaling.put_lifecycle_hook(AutoScalingGroupName=NAME, LifecycleHookName="save", LifecycleTransition=TERMINATING, HeartbeatTimeout=300)
    scaling.set_desired_capacity(AutoScalingGroupName=NAME, DesiredCapacity=1)
    instance = in_state(aws, "Pending:Wait")
    waiter(aws.ec2, "instance_running", InstanceIds=[instance])
    console(aws, instance, "target state: InService")
    (details,) = scaling.describe_auto_scaling_instances(InstanceIds=[instance])["AutoScalingInstances"]
    assert details["LifecycleState"] == "Pending:Wait"
    scaling.record_lifecycle_action_heartbeat(AutoScalingGroupName=NAME, LifecycleHookName="configure", InstanceId=instance)
    with refused("ValidationError", "must be one of: CONTINUE, ABANDON"):
        scaling.complete_lifecycle_action(AutoScalingGroupName=NAME, LifecycleHookName="configure", InstanceId=instance, LifecycleActionResult="YES")
    with refused("ValidationError", "No active Lifecycle Action found with token 00000000-0000-0000-0000-000000000000"):
        scaling.complete_lifecycle_action(AutoScalingGroupName=NAME, LifecycleHookName="configure", LifecycleActionResult="CONTINUE",
                                          LifecycleActionToken="00000000-0000-0000-0000-000000000000")
    scaling.complete_lifecycle_action(AutoScalingGroupName=NAME, LifecycleHookName="configure", InstanceId=instance, LifecycleActionResult="CONTINUE")
    assert in_state(aws, "InService") == instance
    with refused("ValidationError", f"No active Lifecycle Action found with instance ID {instance}"):
        scaling.complete_lifecycle_action(AutoScalingGroupName=NAME, LifecycleHookName="configure", InstanceId=instance, LifecycleActionResult="CONTINUE")

    scaling.set_desired_capacity(AutoScalingGroupName=NAME, DesiredCapacity=0)
    assert in_state(aws, "Terminating:Wait") == instance
    console(aws, instance, "target state: Terminated")
    assert aws.ec2.describe_instances(InstanceIds=[instance])["Reservations"][0]["Instances"][0]["State"]["Name"] == "running"
    scaling.complete_lifecycle_action(AutoScalingGroupName=NAME, LifecycleHookName="save", InstanceId=instance, LifecycleActionResult="CONTINUE")
    eventually(lambda: states(aws) == {}, what="it is gone")


def test_abandoned_launch_is_replaced(aws, hooked):
    scaling = aws.autoscaling
    scaling.set_desired_capacity(AutoScalingGroupName=NAME, DesiredCapacity=1)
    first = in_state(aws, "Pending:Wait")
    scaling.complete_lifecycle_action(AutoScalingGroupName=NAME, LifecycleHookName="configure", InstanceId=first, LifecycleActionResult="ABANDON")
    second = eventually(lambda: next((i for i, s in states(aws).items() if s == "Pending:Wait" and i != first), None), what="another waits")
    # Without the hook there is nothing to wait for: its launch is given up, and the next is in service at once.
    scaling.delete_lifecycle_hook(AutoScalingGroupName=NAME, LifecycleHookName="configure")
    for hook in scaling.describe_lifecycle_hooks(AutoScalingGroupName=NAME)["LifecycleHooks"]:
        scaling.delete_lifecycle_hook(AutoScalingGroupName=NAME, LifecycleHookName=hook["LifecycleHookName"])
    third = in_state(aws, "InService")
    assert third not in (first, second)
    eventually(lambda: set(states(aws)) == {third}, what="only the third is left")


def test_notifications_are_recorded(aws, hooked):
    scaling = aws.autoscaling
    topic = "arn:aws:sns:ap-southeast-1:000000000000:topic"
    scaling.put_notification_configuration(AutoScalingGroupName=NAME, TopicARN=topic, NotificationTypes=["autoscaling:EC2_INSTANCE_LAUNCH", "autoscaling:TEST_NOTIFICATION"])
    scaling.put_notification_configuration(AutoScalingGroupName=NAME, TopicARN=topic, NotificationTypes=["autoscaling:EC2_INSTANCE_LAUNCH", "autoscaling:EC2_INSTANCE_TERMINATE"])
    found = scaling.describe_notification_configurations(AutoScalingGroupNames=[NAME])["NotificationConfigurations"]
    assert found == [{"AutoScalingGroupName": NAME, "TopicARN": topic, "NotificationType": f"autoscaling:EC2_INSTANCE_{t}"} for t in ("LAUNCH", "TERMINATE")]
    page = scaling.describe_notification_configurations(AutoScalingGroupNames=[NAME], MaxRecords=1)
    assert page["NotificationConfigurations"] == found[:1] and page["NextToken"]
    with refused("ValidationError", "autoscaling:NOTHING is not a valid Notification Type"):
        scaling.put_notification_configuration(AutoScalingGroupName=NAME, TopicARN=topic, NotificationTypes=["autoscaling:NOTHING"])
    with refused("ValidationError", "not the ARN of an SNS topic"):
        scaling.put_notification_configuration(AutoScalingGroupName=NAME, TopicARN="topic", NotificationTypes=["autoscaling:EC2_INSTANCE_LAUNCH"])
    scaling.delete_notification_configuration(AutoScalingGroupName=NAME, TopicARN=topic)
    assert scaling.describe_notification_configurations(AutoScalingGroupNames=[NAME])["NotificationConfigurations"] == []
