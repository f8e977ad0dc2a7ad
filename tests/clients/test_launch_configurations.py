"""Launch configurations: made, described, deleted; and groups that launch from them."""

import base64

import pytest

from api import refused, waiter
from cloud import eventually
from test_autoscaling import group, in_service
from test_cloudformation import at_rest, deleted, outputs, parameters

NAME = "configured"


def configuration(aws, name):
    (found,) = aws.autoscaling.describe_launch_configurations(LaunchConfigurationNames=[name])["LaunchConfigurations"]
    return found


@pytest.fixture
def make(aws, image):
    """Makes configurations of the image; they are deleted with the test, unless it did so."""
    made = []

    def one(name, **more):
        request = {"LaunchConfigurationName": name, "ImageId": image, "InstanceType": "t2.micro", **more}
        aws.autoscaling.create_launch_configuration(**{k: v for k, v in request.items() if v is not None})
        made.append(name)
        return name

    yield one
    there = {c["LaunchConfigurationName"] for c in aws.autoscaling.describe_launch_configurations()["LaunchConfigurations"]}
    for name in made:
        if name in there:
            aws.autoscaling.delete_launch_configuration(LaunchConfigurationName=name)


@pytest.fixture
def groups(aws, network):
    """Makes groups in the shared network; they are gone after the test."""
    made = []

    def one(name, **more):
        aws.autoscaling.create_auto_scaling_group(
            **{"AutoScalingGroupName": name, "MinSize": 0, "MaxSize": 4, "VPCZoneIdentifier": ",".join(network.subnets), **more})
        made.append(name)
        return name

    yield one
    for name in made:
        aws.autoscaling.delete_auto_scaling_group(AutoScalingGroupName=name, ForceDelete=True)
        eventually(lambda: group(aws, name) is None, 60, what="the group is gone")


def instances(aws, members):
    found = aws.ec2.describe_instances(InstanceIds=[m["InstanceId"] for m in members])["Reservations"]
    return [instance for reservation in found for instance in reservation["Instances"]]


def test_configuration_is_shown_as_made(aws, image, network, make):
    make("shown", SecurityGroups=[network.group], UserData="#!/bin/sh\n", EbsOptimized=True,
         BlockDeviceMappings=[{"DeviceName": "/dev/xvda", "Ebs": {"VolumeSize": 9, "VolumeType": "gp3"}}],
         MetadataOptions={"HttpTokens": "required", "HttpPutResponseHopLimit": 2})
    shown = configuration(aws, "shown")
    assert shown["LaunchConfigurationARN"].endswith(":launchConfigurationName/shown")
    assert (shown["ImageId"], shown["InstanceType"], shown["SecurityGroups"]) == (image, "t2.micro", [network.group])
    assert shown["InstanceMonitoring"] == {"Enabled": True} and shown["EbsOptimized"] is True and shown["KeyName"] == ""
    assert shown["BlockDeviceMappings"] == [{"DeviceName": "/dev/xvda", "Ebs": {"VolumeSize": 9, "VolumeType": "gp3"}}]
    assert shown["MetadataOptions"] == {"HttpTokens": "required", "HttpPutResponseHopLimit": 2}
    assert base64.b64decode(shown["UserData"]) == b"#!/bin/sh\n"


def test_pages_and_limits(aws, make):
    for name in ("page-a", "page-b", "page-c"):
        make(name)
    pages = list(aws.autoscaling.get_paginator("describe_launch_configurations").paginate(PaginationConfig={"PageSize": 1}))
    names = [c["LaunchConfigurationName"] for page in pages for c in page["LaunchConfigurations"]]
    assert len(pages) >= 3 and [n for n in names if n.startswith("page-")] == ["page-a", "page-b", "page-c"]
    assert aws.autoscaling.describe_launch_configurations(LaunchConfigurationNames=["none"])["LaunchConfigurations"] == []
    limits = aws.autoscaling.describe_account_limits()
    assert limits["NumberOfLaunchConfigurations"] == len(names) and limits["MaxNumberOfLaunchConfigurations"] == 200


@pytest.mark.parametrize("code, text, change", [
    ("ValidationError", "both the ImageId and InstanceType parameters", {"ImageId": None}),
    ("ValidationError", "does not exist", {"ImageId": "ami-00000000000000000"}),
    ("ValidationError", "does not exist", {"KeyName": "nobody's"}),
    ("ValidationError", "does not exist", {"SecurityGroups": ["sg-00000000000000000"]}),
    ("UnsupportedOperation", "PlacementTenancy", {"PlacementTenancy": "dedicated"}),
    ("ValidationError", "does not exist", {"InstanceId": "i-00000000000000000"}),
])
def test_refused_configurations(aws, image, code, text, change):
    request = {"LaunchConfigurationName": "refused", "ImageId": image, "InstanceType": "t2.micro", **change}
    with refused(code, text):
        aws.autoscaling.create_launch_configuration(**{k: v for k, v in request.items() if v is not None})
    assert aws.autoscaling.describe_launch_configurations(LaunchConfigurationNames=["refused"])["LaunchConfigurations"] == []


@pytest.fixture
def original(aws, image, network):
    """An instance to copy."""
    id_ = aws.ec2.run_instances(
        ImageId=image, InstanceType="t2.micro", MinCount=1, MaxCount=1, SubnetId=network.subnets[0], SecurityGroupIds=[network.group],
        UserData="#!/bin/sh\n", MetadataOptions={"HttpTokens": "required"})["Instances"][0]["InstanceId"]
    waiter(aws.ec2, "instance_running", InstanceIds=[id_])
    yield aws.ec2.describe_instances(InstanceIds=[id_])["Reservations"][0]["Instances"][0]
    aws.ec2.terminate_instances(InstanceIds=[id_])
    waiter(aws.ec2, "instance_terminated", InstanceIds=[id_])


def test_configuration_after_an_instance(aws, image, network, make, original):
    make("copy", ImageId=None, InstanceType=None, InstanceId=original["InstanceId"])
    shown = configuration(aws, "copy")
    assert (shown["ImageId"], shown["InstanceType"], shown["SecurityGroups"]) == (image, "t2.micro", [network.group])
    assert base64.b64decode(shown["UserData"]) == b"#!/bin/sh\n" and shown["InstanceMonitoring"] == {"Enabled": False}
    assert shown["MetadataOptions"]["HttpTokens"] == "required" and shown["BlockDeviceMappings"] == []
    assert shown["AssociatePublicIpAddress"] is ("PublicIpAddress" in original)
    make("larger", ImageId=None, InstanceType="t2.small", InstanceId=original["InstanceId"])
    assert (configuration(aws, "larger")["InstanceType"], configuration(aws, "larger")["ImageId"]) == ("t2.small", image)


def test_group_after_an_instance(aws, network, original):
    arguments = {"MinSize": 0, "MaxSize": 2, "InstanceId": original["InstanceId"]}
    with refused("ValidationError", "Valid requests must contain either LaunchTemplate, LaunchConfigurationName, InstanceId"):
        aws.autoscaling.create_auto_scaling_group(AutoScalingGroupName="twins", LaunchConfigurationName="other", **arguments)
    aws.autoscaling.create_auto_scaling_group(AutoScalingGroupName="twins", DesiredCapacity=1, **arguments)
    (member,) = in_service(aws, 1, "twins")
    assert member["LaunchConfigurationName"] == "twins" and member["InstanceId"] != original["InstanceId"]
    shown = group(aws, "twins")
    assert (shown["LaunchConfigurationName"], shown["VPCZoneIdentifier"]) == ("twins", original["SubnetId"])
    assert shown["AvailabilityZones"] == [original["Placement"]["AvailabilityZone"]] and shown["Tags"] == []
    (twin,) = instances(aws, [member])
    assert [g["GroupId"] for g in twin["SecurityGroups"]] == [network.group] and twin["SubnetId"] == original["SubnetId"]
    with refused("ValidationError", "is already part of the Auto Scaling group twins"):
        aws.autoscaling.create_auto_scaling_group(AutoScalingGroupName="triplets", **{**arguments, "InstanceId": member["InstanceId"]})
    aws.autoscaling.delete_auto_scaling_group(AutoScalingGroupName="twins", ForceDelete=True)
    eventually(lambda: group(aws, "twins") is None, 60, what="the group is gone")
    assert configuration(aws, "twins")["ImageId"] == original["ImageId"]  # it stays
    with refused("AlreadyExists", "A launch configuration already exists with the name twins"):
        aws.autoscaling.create_auto_scaling_group(AutoScalingGroupName="twins", **arguments)
    aws.autoscaling.delete_launch_configuration(LaunchConfigurationName="twins")
    assert aws.autoscaling.describe_auto_scaling_groups(AutoScalingGroupNames=["twins", "triplets"])["AutoScalingGroups"] == []


def test_an_instance_that_is_copied_runs(aws, original):
    aws.ec2.stop_instances(InstanceIds=[original["InstanceId"]])
    waiter(aws.ec2, "instance_stopped", InstanceIds=[original["InstanceId"]])
    with refused("ValidationError", "is not in the state running, but stopped"):
        aws.autoscaling.create_launch_configuration(LaunchConfigurationName="asleep", InstanceId=original["InstanceId"])


def test_names_are_taken_once_and_found(aws, make):
    make("once")
    with refused("AlreadyExists", "A launch configuration already exists with the name once"):
        make("once")
    with refused("ValidationError", "Launch configuration name not found"):
        aws.autoscaling.delete_launch_configuration(LaunchConfigurationName="never")


def test_group_launches_from_its_configuration(aws, network, make, groups):
    make("first", SecurityGroups=[network.group], AssociatePublicIpAddress=True, UserData="#!/bin/sh\necho first\n", MetadataOptions={"HttpTokens": "required"},
         BlockDeviceMappings=[{"DeviceName": "/dev/xvda", "Ebs": {"VolumeSize": 12}}])
    groups(NAME, LaunchConfigurationName="first", DesiredCapacity=2)
    members = in_service(aws, 2, NAME)
    assert {m["LaunchConfigurationName"] for m in members} == {"first"} and not any("LaunchTemplate" in m for m in members)
    assert group(aws, NAME)["LaunchConfigurationName"] == "first" and "LaunchTemplate" not in group(aws, NAME)
    assert sorted(m["AvailabilityZone"] for m in members) == ["ap-southeast-1a", "ap-southeast-1b"]
    for instance in instances(aws, members):
        assert instance["Monitoring"]["State"] == "enabled"
        assert [g["GroupId"] for g in instance["SecurityGroups"]] == [network.group]
        assert instance["PublicIpAddress"] and instance["MetadataOptions"]["HttpTokens"] == "required"
        assert instance["SubnetId"] in network.subnets
        said = aws.ec2.describe_instance_attribute(InstanceId=instance["InstanceId"], Attribute="userData")["UserData"]["Value"]
        assert base64.b64decode(said) == b"#!/bin/sh\necho first\n"
    (one,) = aws.autoscaling.describe_auto_scaling_instances(InstanceIds=[members[0]["InstanceId"]])["AutoScalingInstances"]
    assert one["LaunchConfigurationName"] == "first"
    with refused("ResourceInUse", "Cannot delete launch configuration first because it is attached to AutoScalingGroup configured"):
        aws.autoscaling.delete_launch_configuration(LaunchConfigurationName="first")

    # Another configuration is for the next launch; the old one's instance is the first to go.
    make("second", SecurityGroups=[network.group], InstanceMonitoring={"Enabled": False})
    aws.autoscaling.update_auto_scaling_group(AutoScalingGroupName=NAME, LaunchConfigurationName="second", DesiredCapacity=4)
    assert sorted(m["LaunchConfigurationName"] for m in in_service(aws, 4, NAME)) == ["first", "first", "second", "second"]
    aws.autoscaling.set_desired_capacity(AutoScalingGroupName=NAME, DesiredCapacity=2)
    kept = in_service(aws, 2, NAME)
    assert [m["LaunchConfigurationName"] for m in kept] == ["second", "second"]
    assert {i["Monitoring"]["State"] for i in instances(aws, kept)} == {"disabled"}
    aws.autoscaling.delete_launch_configuration(LaunchConfigurationName="first")


def test_refresh_replaces_what_another_configuration_launched(aws, make, groups):
    make("old")
    make("new")
    groups("refreshed-configuration", LaunchConfigurationName="old", DesiredCapacity=1)
    in_service(aws, 1, "refreshed-configuration")

    def refreshed():
        which = aws.autoscaling.start_instance_refresh(
            AutoScalingGroupName="refreshed-configuration",
            Preferences={"MinHealthyPercentage": 0, "InstanceWarmup": 0, "SkipMatching": True})["InstanceRefreshId"]

        def ended():
            (found,) = aws.autoscaling.describe_instance_refreshes(
                AutoScalingGroupName="refreshed-configuration", InstanceRefreshIds=[which])["InstanceRefreshes"]
            assert found["Status"] in ("Pending", "InProgress", "Successful"), found
            return found["Status"] == "Successful"

        eventually(ended, 60, "the refresh has succeeded")
        return in_service(aws, 1, "refreshed-configuration")[0]

    aws.autoscaling.update_auto_scaling_group(AutoScalingGroupName="refreshed-configuration", LaunchConfigurationName="new")
    first = refreshed()
    assert first["LaunchConfigurationName"] == "new"
    assert refreshed()["InstanceId"] == first["InstanceId"]


def test_template_and_configuration_take_each_others_place(aws, image, make, groups):
    make("either")
    template = aws.ec2.create_launch_template(LaunchTemplateName="either", LaunchTemplateData={"ImageId": image, "InstanceType": "t2.micro"})
    template = {"LaunchTemplateId": template["LaunchTemplate"]["LaunchTemplateId"], "Version": "1"}
    one_of = "either LaunchTemplate, LaunchConfigurationName, InstanceId or MixedInstancesPolicy parameter."
    with refused("ValidationError", one_of):
        groups("either", LaunchConfigurationName="either", LaunchTemplate=template)
    with refused("ValidationError", one_of):
        groups("either")
    with refused("ValidationError", "Launch configuration name not found"):
        groups("either", LaunchConfigurationName="neither")
    groups("either", LaunchConfigurationName="either")
    with refused("ValidationError", one_of):
        aws.autoscaling.update_auto_scaling_group(AutoScalingGroupName="either", LaunchConfigurationName="either", LaunchTemplate=template)
    aws.autoscaling.update_auto_scaling_group(AutoScalingGroupName="either", LaunchTemplate=template)
    assert "LaunchConfigurationName" not in group(aws, "either")
    aws.autoscaling.update_auto_scaling_group(AutoScalingGroupName="either", LaunchConfigurationName="either")
    assert "LaunchTemplate" not in group(aws, "either")
    aws.ec2.delete_launch_template(LaunchTemplateId=template["LaunchTemplateId"])


def test_instances_outlive_their_configuration(aws, make, groups):
    make("short")
    make("long")
    groups("outliving", LaunchConfigurationName="short", DesiredCapacity=1)
    in_service(aws, 1, "outliving")
    aws.autoscaling.update_auto_scaling_group(AutoScalingGroupName="outliving", LaunchConfigurationName="long")
    aws.autoscaling.delete_launch_configuration(LaunchConfigurationName="short")
    (member,) = in_service(aws, 1, "outliving")
    assert "LaunchConfigurationName" not in member


STACK = """
Parameters:
  Image: {Type: String}
  Subnets: {Type: CommaDelimitedList}
Resources:
  Configuration:
    Type: AWS::AutoScaling::LaunchConfiguration
    Properties: {ImageId: !Ref Image, InstanceType: t2.micro, InstanceMonitoring: false}
  Group:
    Type: AWS::AutoScaling::AutoScalingGroup
    Properties:
      MinSize: 1
      MaxSize: 1
      VPCZoneIdentifier: !Ref Subnets
      LaunchConfigurationName: !Ref Configuration
Outputs:
  Group: {Value: !Ref Group}
  Configuration: {Value: !Ref Configuration}
"""


def test_stack_with_a_configuration(aws, image, network):
    given = parameters(Image=image, Subnets=",".join(network.subnets))
    made = aws.cloudformation.create_stack(StackName="configured", TemplateBody=STACK, Parameters=given)["StackId"]
    at_rest(aws, "configured", "CREATE_COMPLETE")
    said = outputs(aws, "configured")
    (member,) = in_service(aws, 1, said["Group"])
    assert member["LaunchConfigurationName"] == said["Configuration"]
    assert configuration(aws, said["Configuration"])["InstanceMonitoring"] == {"Enabled": False}

    # Configurations do not change: another takes its place, the group goes over, and the first is deleted.
    aws.cloudformation.update_stack(StackName="configured", TemplateBody=STACK.replace("t2.micro", "t2.nano"), Parameters=given)
    at_rest(aws, "configured", "UPDATE_COMPLETE")
    another = outputs(aws, "configured")["Configuration"]
    assert another != said["Configuration"] and group(aws, said["Group"])["LaunchConfigurationName"] == another
    gone = aws.autoscaling.describe_launch_configurations(LaunchConfigurationNames=[said["Configuration"]])["LaunchConfigurations"]
    assert gone == []
    aws.cloudformation.delete_stack(StackName=made)
    deleted(aws, made)
    assert group(aws, said["Group"]) is None
