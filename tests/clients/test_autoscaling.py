"""Auto Scaling: groups that keep the number of instances they are told, and what their activities say."""

import re

import pytest

from api import refused
from cloud import eventually

NAME = "workers"


def group(aws, name=NAME):
    found = aws.autoscaling.describe_auto_scaling_groups(AutoScalingGroupNames=[name])["AutoScalingGroups"]
    return found[0] if found else None


def in_service(aws, count, name=NAME):
    """The group's instances once exactly `count` are in service and nothing else is in it."""
    def settled():
        instances = group(aws, name)["Instances"]
        return len(instances) == count and all(i["LifecycleState"] == "InService" for i in instances) and [instances]

    return eventually(settled, what=f"{count} instances are in service")[0]


def pair(aws):
    """Two instances in service, whatever the test before left."""
    aws.autoscaling.update_auto_scaling_group(AutoScalingGroupName=NAME, MinSize=0, MaxSize=4, DesiredCapacity=2)
    return in_service(aws, 2)


def activities(aws, name=NAME):
    return aws.autoscaling.describe_scaling_activities(AutoScalingGroupName=name)["Activities"]


def activity(aws, description, status="Successful", name=NAME):
    """The latest activity whose description has this text, once it has this status."""
    return eventually(lambda: next((a for a in activities(aws, name) if description in a["Description"] and a["StatusCode"] == status), None),
                      what=f"an activity '{description}' that is {status}")


@pytest.fixture(scope="module")
def template(aws, image, network):
    made = aws.ec2.create_launch_template(LaunchTemplateName="workers", LaunchTemplateData={
        "ImageId": image, "InstanceType": "t2.micro", "SecurityGroupIds": [network.group]})["LaunchTemplate"]["LaunchTemplateId"]
    yield {"LaunchTemplateId": made, "Version": "$Latest"}
    aws.ec2.delete_launch_template(LaunchTemplateId=made)


@pytest.fixture(scope="module")
def workers(aws, network, template):
    aws.autoscaling.create_auto_scaling_group(
        AutoScalingGroupName=NAME, LaunchTemplate=template, MinSize=0, MaxSize=4, DesiredCapacity=2,
        VPCZoneIdentifier=",".join(network.subnets), HealthCheckGracePeriod=0, DefaultCooldown=0,
        Tags=[{"Key": "Name", "Value": "worker", "PropagateAtLaunch": True}, {"Key": "Kept", "Value": "here", "PropagateAtLaunch": False}])
    yield NAME
    aws.autoscaling.delete_auto_scaling_group(AutoScalingGroupName=NAME, ForceDelete=True)
    eventually(lambda: group(aws) is None, 60, what="the group is gone")


def test_group_launches_in_both_zones(aws, workers, template):
    instances = in_service(aws, 2)
    assert sorted(i["AvailabilityZone"] for i in instances) == ["ap-southeast-1a", "ap-southeast-1b"]
    assert {i["HealthStatus"] for i in instances} == {"Healthy"}
    shown = group(aws)
    assert (shown["MinSize"], shown["MaxSize"], shown["DesiredCapacity"]) == (0, 4, 2)
    assert shown["LaunchTemplate"]["LaunchTemplateId"] == template["LaunchTemplateId"]
    launched = [a for a in activities(aws) if a["Description"].startswith("Launching a new EC2 instance: i-")]
    assert len(launched) == 2
    for each in launched:
        assert re.fullmatch(r"At \S+Z a user request created an AutoScalingGroup changing the desired capacity from 0 to 2\.  "
                            r"At \S+Z an instance was started in response to a difference between desired and actual capacity, "
                            r"increasing the capacity from \d to \d\.", each["Cause"]), each["Cause"]
    reservations = aws.ec2.describe_instances(InstanceIds=[i["InstanceId"] for i in instances])["Reservations"]
    for instance in (i for r in reservations for i in r["Instances"]):
        tags = {t["Key"]: t["Value"] for t in instance["Tags"]}
        assert (tags["Name"], tags["aws:autoscaling:groupName"]) == ("worker", NAME) and "Kept" not in tags
    details = aws.autoscaling.describe_auto_scaling_instances(InstanceIds=[instances[0]["InstanceId"]])["AutoScalingInstances"]
    assert [(d["AutoScalingGroupName"], d["LifecycleState"]) for d in details] == [(NAME, "InService")]


def test_desired_capacity(aws, workers):
    before = {i["InstanceId"] for i in pair(aws)}
    aws.autoscaling.set_desired_capacity(AutoScalingGroupName=NAME, DesiredCapacity=3)
    after = {i["InstanceId"] for i in in_service(aws, 3)}
    assert before < after
    (added,) = after - before
    assert "a user request explicitly set group desired capacity changing the desired capacity from 2 to 3." in activity(aws, added)["Cause"]
    aws.autoscaling.update_auto_scaling_group(AutoScalingGroupName=NAME, MaxSize=2)
    in_service(aws, 2)
    assert group(aws)["DesiredCapacity"] == 2
    assert "a user request update of AutoScalingGroup constraints to min: 0, max: 2, desired: 2 changing the desired capacity from 3 to 2." in \
        activity(aws, "Terminating EC2 instance")["Cause"]
    aws.autoscaling.update_auto_scaling_group(AutoScalingGroupName=NAME, MaxSize=4)
    with refused("ValidationError", "New SetDesiredCapacity value 9 is above max value 4 for the AutoScalingGroup."):
        aws.autoscaling.set_desired_capacity(AutoScalingGroupName=NAME, DesiredCapacity=9)


def test_terminated_instance_is_replaced(aws, workers):
    victim = pair(aws)[0]
    aws.ec2.terminate_instances(InstanceIds=[victim["InstanceId"]])
    eventually(lambda: victim["InstanceId"] not in {i["InstanceId"] for i in group(aws)["Instances"]}, what="it has left the group")
    instances = in_service(aws, 2)
    assert sorted(i["AvailabilityZone"] for i in instances) == ["ap-southeast-1a", "ap-southeast-1b"]
    ended = activity(aws, f"Terminating EC2 instance: {victim['InstanceId']}")
    assert "an instance was taken out of service in response to an EC2 health check indicating it has been terminated or stopped." in ended["Cause"]
    assert "an instance was launched in response to an unhealthy instance needing to be replaced." in activity(aws, "Launching a new EC2 instance")["Cause"]


def test_instance_said_to_be_unhealthy_is_replaced(aws, workers):
    victim = pair(aws)[1]["InstanceId"]
    aws.autoscaling.set_instance_health(InstanceId=victim, HealthStatus="Unhealthy")
    eventually(lambda: victim not in {i["InstanceId"] for i in group(aws)["Instances"]}, what="it has left the group")
    in_service(aws, 2)
    assert "an instance was taken out of service in response to a user health-check." in activity(aws, f"Terminating EC2 instance: {victim}")["Cause"]


def test_terminate_in_group(aws, workers):
    victim = pair(aws)[0]["InstanceId"]
    begun = aws.autoscaling.terminate_instance_in_auto_scaling_group(InstanceId=victim, ShouldDecrementDesiredCapacity=True)["Activity"]
    assert begun["Description"] == f"Terminating EC2 instance: {victim}"
    assert f"instance {victim} was taken out of service in response to a user request, shrinking the capacity from 2 to 1." in begun["Cause"]
    in_service(aws, 1)
    assert group(aws)["DesiredCapacity"] == 1
    aws.autoscaling.set_desired_capacity(AutoScalingGroupName=NAME, DesiredCapacity=2)
    in_service(aws, 2)
    with refused("ValidationError", "Instance Id not found - No managed instance found for instance ID: i-0123456789abcdef0"):
        aws.autoscaling.terminate_instance_in_auto_scaling_group(InstanceId="i-0123456789abcdef0", ShouldDecrementDesiredCapacity=False)


def test_standby(aws, workers):
    resting = pair(aws)[0]["InstanceId"]
    (begun,) = aws.autoscaling.enter_standby(AutoScalingGroupName=NAME, InstanceIds=[resting], ShouldDecrementDesiredCapacity=True)["Activities"]
    assert begun["Description"] == f"Moving EC2 instance to Standby: {resting}"
    assert f"instance {resting} was moved to standby in response to a user request, shrinking the capacity from 2 to 1." in begun["Cause"]
    eventually(lambda: {i["InstanceId"]: i["LifecycleState"] for i in group(aws)["Instances"]}.get(resting) == "Standby", what="it is in standby")
    assert group(aws)["DesiredCapacity"] == 1
    (begun,) = aws.autoscaling.exit_standby(AutoScalingGroupName=NAME, InstanceIds=[resting])["Activities"]
    assert begun["Description"] == f"Moving EC2 instance out of Standby: {resting}"
    assert resting in {i["InstanceId"] for i in in_service(aws, 2)}
    assert group(aws)["DesiredCapacity"] == 2


def test_protection_from_scale_in(aws, workers):
    instances = pair(aws)
    kept = instances[0]["InstanceId"]
    aws.autoscaling.set_instance_protection(AutoScalingGroupName=NAME, InstanceIds=[kept], ProtectedFromScaleIn=True)
    aws.autoscaling.set_desired_capacity(AutoScalingGroupName=NAME, DesiredCapacity=1)
    (left,) = in_service(aws, 1)
    assert (left["InstanceId"], left["ProtectedFromScaleIn"]) == (kept, True)
    aws.autoscaling.set_instance_protection(AutoScalingGroupName=NAME, InstanceIds=[kept], ProtectedFromScaleIn=False)
    aws.autoscaling.set_desired_capacity(AutoScalingGroupName=NAME, DesiredCapacity=2)
    in_service(aws, 2)


def test_detach_and_attach(aws, workers):
    lent = pair(aws)[0]["InstanceId"]
    (begun,) = aws.autoscaling.detach_instances(AutoScalingGroupName=NAME, InstanceIds=[lent], ShouldDecrementDesiredCapacity=True)["Activities"]
    assert begun["Description"] == f"Detaching EC2 instance: {lent}"
    in_service(aws, 1)
    assert aws.ec2.describe_instances(InstanceIds=[lent])["Reservations"][0]["Instances"][0]["State"]["Name"] == "running"
    aws.autoscaling.attach_instances(AutoScalingGroupName=NAME, InstanceIds=[lent])
    assert lent in {i["InstanceId"] for i in in_service(aws, 2)}
    with refused("ValidationError"):
        aws.autoscaling.attach_instances(AutoScalingGroupName=NAME, InstanceIds=[lent])


def test_suspended_processes(aws, workers):
    pair(aws)
    aws.autoscaling.suspend_processes(AutoScalingGroupName=NAME, ScalingProcesses=["Launch"])
    (suspended,) = group(aws)["SuspendedProcesses"]
    assert suspended["ProcessName"] == "Launch" and suspended["SuspensionReason"].startswith("User suspended at ")
    before = len(activities(aws))
    aws.autoscaling.set_desired_capacity(AutoScalingGroupName=NAME, DesiredCapacity=3)
    assert len(group(aws)["Instances"]) == 2 and len(activities(aws)) == before
    aws.autoscaling.resume_processes(AutoScalingGroupName=NAME, ScalingProcesses=["Launch"])
    in_service(aws, 3)
    aws.autoscaling.set_desired_capacity(AutoScalingGroupName=NAME, DesiredCapacity=2)
    in_service(aws, 2)
    names = {p["ProcessName"] for p in aws.autoscaling.describe_scaling_process_types()["Processes"]}
    assert names == {"Launch", "Terminate", "AddToLoadBalancer", "AlarmNotification", "AZRebalance", "HealthCheck", "InstanceRefresh",
                     "ReplaceUnhealthy", "ScheduledActions"}


def test_target_groups(aws, workers, network):
    pair(aws)
    arns = [aws.elbv2.create_target_group(Name=f"workers-{i}", Protocol="HTTP", Port=80, VpcId=network.vpc)["TargetGroups"][0]["TargetGroupArn"]
            for i in range(2)]
    scaling = aws.autoscaling
    scaling.attach_load_balancer_target_groups(AutoScalingGroupName=NAME, TargetGroupARNs=arns[:1])
    scaling.attach_traffic_sources(AutoScalingGroupName=NAME, TrafficSources=[{"Identifier": arns[1], "Type": "elbv2"}])
    states = scaling.describe_load_balancer_target_groups(AutoScalingGroupName=NAME)["LoadBalancerTargetGroups"]
    assert {s["LoadBalancerTargetGroupARN"] for s in states} == set(arns)
    assert {s["Identifier"] for s in scaling.describe_traffic_sources(AutoScalingGroupName=NAME)["TrafficSources"]} == set(arns)
    members = {i["InstanceId"] for i in group(aws)["Instances"]}
    for arn in arns:
        eventually(lambda: {t["Target"]["Id"] for t in aws.elbv2.describe_target_health(TargetGroupArn=arn)["TargetHealthDescriptions"]} == members,
                   what="the members are registered")
    scaling.detach_load_balancer_target_groups(AutoScalingGroupName=NAME, TargetGroupARNs=arns[:1])
    scaling.detach_traffic_sources(AutoScalingGroupName=NAME, TrafficSources=[{"Identifier": arns[1], "Type": "elbv2"}])
    for arn in arns:
        eventually(lambda: aws.elbv2.describe_target_health(TargetGroupArn=arn)["TargetHealthDescriptions"] == [], what="nothing is registered")
        aws.elbv2.delete_target_group(TargetGroupArn=arn)


def test_tags(aws, workers):
    tag = {"ResourceId": NAME, "ResourceType": "auto-scaling-group", "Key": "Owner", "Value": "me", "PropagateAtLaunch": False}
    aws.autoscaling.create_or_update_tags(Tags=[tag])
    found = aws.autoscaling.describe_tags(Filters=[{"Name": "auto-scaling-group", "Values": [NAME]}, {"Name": "key", "Values": ["Owner"]}])["Tags"]
    assert found == [tag]
    by_tag = aws.autoscaling.describe_auto_scaling_groups(Filters=[{"Name": "tag:Owner", "Values": ["me"]}])["AutoScalingGroups"]
    assert [g["AutoScalingGroupName"] for g in by_tag] == [NAME]
    aws.autoscaling.delete_tags(Tags=[tag])
    assert {t["Key"] for t in group(aws)["Tags"]} == {"Name", "Kept"}


def test_pages(aws, network, template):
    names = [f"page-{i}" for i in range(5)]
    for name in names:
        aws.autoscaling.create_auto_scaling_group(AutoScalingGroupName=name, LaunchTemplate=template, MinSize=0, MaxSize=0,
                                                  VPCZoneIdentifier=network.subnets[0])
    pages = list(aws.autoscaling.get_paginator("describe_auto_scaling_groups").paginate(AutoScalingGroupNames=names, PaginationConfig={"PageSize": 2}))
    assert [len(p["AutoScalingGroups"]) for p in pages] == [2, 2, 1]
    for name in names:
        aws.autoscaling.delete_auto_scaling_group(AutoScalingGroupName=name)
    assert group(aws, names[0]) is None


def test_what_is_refused(aws, workers, network, template):
    scaling = aws.autoscaling
    arguments = {"AutoScalingGroupName": "refused", "LaunchTemplate": template, "MinSize": 0, "MaxSize": 1, "VPCZoneIdentifier": network.subnets[0]}
    with refused("AlreadyExists", f"AutoScalingGroup by this name already exists - A group with the name {NAME} already exists"):
        scaling.create_auto_scaling_group(**{**arguments, "AutoScalingGroupName": NAME})
    with refused("ValidationError", "Max bound, 1, must be greater than or equal to min bound, 2"):
        scaling.create_auto_scaling_group(**{**arguments, "MinSize": 2})
    with refused("ValidationError", "Desired capacity:5 must be between the specified min size:0 and max size:1"):
        scaling.create_auto_scaling_group(**{**arguments, "DesiredCapacity": 5})
    with refused("ValidationError", "You must use a valid fully-formed launch template."):
        scaling.create_auto_scaling_group(**{**arguments, "LaunchTemplate": {"LaunchTemplateName": "absent"}})
    with refused("ValidationError"):
        scaling.create_auto_scaling_group(**{**arguments, "VPCZoneIdentifier": "subnet-0123456789abcdef0"})
    with refused("ResourceInUse", "You cannot delete an AutoScalingGroup while there are instances or pending Spot instance request(s) still in the group."):
        scaling.delete_auto_scaling_group(AutoScalingGroupName=NAME)
    with refused("ValidationError", "AutoScalingGroup name not found"):
        scaling.set_desired_capacity(AutoScalingGroupName="absent", DesiredCapacity=1)
    assert group(aws, "refused") is None


def test_launch_that_fails_says_why(aws, network, image):
    absent = {"ImageId": "ami-0123456789abcdef0", "InstanceType": "t2.micro"}
    made = aws.ec2.create_launch_template(LaunchTemplateName="hopeless", LaunchTemplateData=absent)["LaunchTemplate"]["LaunchTemplateId"]
    arguments = {"AutoScalingGroupName": "hopeless", "LaunchTemplate": {"LaunchTemplateId": made, "Version": "$Latest"},
                 "MinSize": 0, "MaxSize": 1, "VPCZoneIdentifier": network.subnets[0]}
    with refused("ValidationError", "You must use a valid fully-formed launch template. The image id '[ami-0123456789abcdef0]' does not exist"):
        aws.autoscaling.create_auto_scaling_group(**arguments)
    # What was valid when the group was made may not be when it launches.
    aws.ec2.create_launch_template_version(LaunchTemplateId=made, LaunchTemplateData={**absent, "ImageId": image})
    aws.autoscaling.create_auto_scaling_group(**arguments)
    aws.ec2.create_launch_template_version(LaunchTemplateId=made, LaunchTemplateData=absent)
    aws.autoscaling.set_desired_capacity(AutoScalingGroupName="hopeless", DesiredCapacity=1)
    failed = activity(aws, "Launching a new EC2 instance", status="Failed", name="hopeless")
    assert failed["StatusMessage"] == "The image id '[ami-0123456789abcdef0]' does not exist. Launching EC2 instance failed."
    assert failed["Description"] == f"Launching a new EC2 instance.  Status Reason: {failed['StatusMessage']}"
    aws.autoscaling.delete_auto_scaling_group(AutoScalingGroupName="hopeless", ForceDelete=True)
    eventually(lambda: group(aws, "hopeless") is None, what="the group is gone")
    aws.ec2.delete_launch_template(LaunchTemplateId=made)


def test_what_the_console_asks_for(aws, workers):
    scaling = aws.autoscaling
    limits = scaling.describe_account_limits()
    assert limits["NumberOfAutoScalingGroups"] >= 1 and limits["MaxNumberOfAutoScalingGroups"] >= 200
    assert {a["AdjustmentType"] for a in scaling.describe_adjustment_types()["AdjustmentTypes"]} == {
        "ChangeInCapacity", "ExactCapacity", "PercentChangeInCapacity"}
    assert "autoscaling:EC2_INSTANCE_LAUNCH" in scaling.describe_auto_scaling_notification_types()["AutoScalingNotificationTypes"]
    assert "Default" in scaling.describe_termination_policy_types()["TerminationPolicyTypes"]
    assert "autoscaling:EC2_INSTANCE_LAUNCHING" in scaling.describe_lifecycle_hook_types()["LifecycleHookTypes"]
    assert "GroupDesiredCapacity" in {m["Metric"] for m in scaling.describe_metric_collection_types()["Metrics"]}
    assert scaling.describe_policies(AutoScalingGroupName=NAME)["ScalingPolicies"] == []
    assert scaling.describe_lifecycle_hooks(AutoScalingGroupName=NAME)["LifecycleHooks"] == []
    assert scaling.describe_instance_refreshes(AutoScalingGroupName=NAME)["InstanceRefreshes"] == []
    assert scaling.describe_scheduled_actions(AutoScalingGroupName=NAME)["ScheduledUpdateGroupActions"] == []
    assert scaling.describe_notification_configurations(AutoScalingGroupNames=[NAME])["NotificationConfigurations"] == []
    assert scaling.describe_warm_pool(AutoScalingGroupName=NAME)["Instances"] == []
    assert scaling.describe_load_balancers(AutoScalingGroupName=NAME)["LoadBalancers"] == []
