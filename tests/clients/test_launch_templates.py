"""Launch templates: versions, the default one, and what an instance takes from them."""

import base64

import pytest

from api import refused, tags, waiter


@pytest.fixture
def template(aws, image):
    made = aws.ec2.create_launch_template(
        LaunchTemplateName="web", VersionDescription="first", TagSpecifications=tags("launch-template", Stage="test"),
        LaunchTemplateData={"ImageId": image, "InstanceType": "t2.micro", "UserData": base64.b64encode(b"#!/bin/sh\necho one\n").decode(),
                            "TagSpecifications": [{"ResourceType": "instance", "Tags": [{"Key": "From", "Value": "template"}]}]})["LaunchTemplate"]
    yield made["LaunchTemplateId"]
    aws.ec2.delete_launch_template(LaunchTemplateId=made["LaunchTemplateId"])


def test_versions(aws, template):
    ec2 = aws.ec2
    with refused("InvalidLaunchTemplateName.AlreadyExistsException", "Launch template name already in use."):
        ec2.create_launch_template(LaunchTemplateName="web", LaunchTemplateData={"InstanceType": "t2.micro"})
    (shown,) = ec2.describe_launch_templates(LaunchTemplateNames=["web"])["LaunchTemplates"]
    assert (shown["LaunchTemplateId"], shown["DefaultVersionNumber"], shown["LatestVersionNumber"]) == (template, 1, 1)
    assert shown["Tags"] == [{"Key": "Stage", "Value": "test"}]

    second = ec2.create_launch_template_version(LaunchTemplateId=template, SourceVersion="1", VersionDescription="second",
                                                LaunchTemplateData={"InstanceType": "t2.small"})["LaunchTemplateVersion"]
    assert (second["VersionNumber"], second["DefaultVersion"]) == (2, False)
    assert second["LaunchTemplateData"]["InstanceType"] == "t2.small" and "UserData" in second["LaunchTemplateData"]
    ec2.modify_launch_template(LaunchTemplateId=template, DefaultVersion="2")
    by_name = {v: ec2.describe_launch_template_versions(LaunchTemplateId=template, Versions=[v])["LaunchTemplateVersions"][0]["VersionNumber"]
               for v in ("$Default", "$Latest", "1")}
    assert by_name == {"$Default": 2, "$Latest": 2, "1": 1}
    outcome = ec2.delete_launch_template_versions(LaunchTemplateId=template, Versions=["1", "2"])
    assert [v["VersionNumber"] for v in outcome["SuccessfullyDeletedLaunchTemplateVersions"]] == [1]
    assert [v["VersionNumber"] for v in outcome["UnsuccessfullyDeletedLaunchTemplateVersions"]] == [2]  # the default one
    with refused("InvalidLaunchTemplateId.VersionNotFound"):
        ec2.describe_launch_template_versions(LaunchTemplateId=template, Versions=["7"])


def test_launch_from_a_template_and_back(aws, template, network):
    ec2 = aws.ec2
    (made,) = ec2.run_instances(LaunchTemplate={"LaunchTemplateName": "web", "Version": "$Latest"}, MinCount=1, MaxCount=1,
                                SubnetId=network.subnets[1], TagSpecifications=tags("instance", Name="one"))["Instances"]
    instance = made["InstanceId"]
    try:
        waiter(ec2, "instance_running", InstanceIds=[instance])
        shown = ec2.describe_instances(InstanceIds=[instance])["Reservations"][0]["Instances"][0]
        assert {t["Key"]: t["Value"] for t in shown["Tags"]} == {
            "From": "template", "Name": "one", "aws:ec2launchtemplate:id": template, "aws:ec2launchtemplate:version": "1"}
        data = ec2.get_launch_template_data(InstanceId=instance)["LaunchTemplateData"]
        assert (data["InstanceType"], data["ImageId"]) == ("t2.micro", shown["ImageId"])
        assert base64.b64decode(data["UserData"]) == b"#!/bin/sh\necho one\n"
    finally:
        ec2.terminate_instances(InstanceIds=[instance])
        waiter(ec2, "instance_terminated", InstanceIds=[instance])


def test_templates_that_are_not_there(aws):
    with refused("InvalidLaunchTemplateName.NotFoundException", "The specified launch template, with template name absent, does not exist."):
        aws.ec2.describe_launch_templates(LaunchTemplateNames=["absent"])
    with refused("InvalidLaunchTemplateId.NotFound", "The specified launch template, with template ID lt-0123456789abcdef0, does not exist."):
        aws.ec2.delete_launch_template(LaunchTemplateId="lt-0123456789abcdef0")
    with refused("InvalidUserData.Malformed"):
        aws.ec2.create_launch_template(LaunchTemplateName="malformed", LaunchTemplateData={"UserData": "not base64!"})
