"""CloudFormation's UpdatePolicy: a group's instances replaced one after the other, its signals, the way back, and a group replaced as a whole."""

import pytest
from botocore.exceptions import ClientError

from cloud import eventually
from test_cloudformation import at_rest, deleted, outputs, parameters, reasons, status

GROUP = """
Parameters:
  Image: {Type: String}
  Subnets: {Type: CommaDelimitedList}
  Text: {Type: String, Default: one}
Resources:
  Template:
    Type: AWS::EC2::LaunchTemplate
    Properties:
      LaunchTemplateData:
        ImageId: !Ref Image
        InstanceType: t2.micro
        UserData: {"Fn::Base64": !Ref Text}
  Group:
    Type: AWS::AutoScaling::AutoScalingGroup
    UpdatePolicy:
      POLICY
    Properties:
      MinSize: 1
      MaxSize: 3
      DesiredCapacity: 2
      VPCZoneIdentifier: !Ref Subnets
      LaunchTemplate: {LaunchTemplateId: !Ref Template, Version: !GetAtt Template.LatestVersionNumber}
Outputs:
  Group: {Value: !Ref Group}
  Template: {Value: !Ref Template}
"""
ROLLING = GROUP.replace("POLICY", "AutoScalingRollingUpdate: {MinInstancesInService: 2, WaitOnResourceSignals: true, PauseTime: PT2M, "
                        "SuspendProcesses: [AZRebalance, HealthCheck]}")
REPLACING = GROUP.replace("POLICY", "AutoScalingReplacingUpdate: {WillReplace: true}")


@pytest.fixture
def group(aws, image, network):
    """A stack with a group of two instances; `update` deploys a template with another text in the instances' user data."""
    given = {"Image": image, "Subnets": ",".join(network.subnets)}
    made = aws.cloudformation.create_stack(StackName="rolls", TemplateBody=ROLLING, Parameters=parameters(**given))["StackId"]
    at_rest(aws, "rolls", "CREATE_COMPLETE")

    def update(template, text):
        aws.cloudformation.update_stack(StackName="rolls", TemplateBody=template, Parameters=parameters(Text=text, **given))

    yield update
    aws.cloudformation.delete_stack(StackName=made)
    deleted(aws, made)


def shown(aws):
    (found,) = aws.autoscaling.describe_auto_scaling_groups(AutoScalingGroupNames=[outputs(aws, "rolls")["Group"]])["AutoScalingGroups"]
    return found


def versions(aws):
    return sorted(i["LaunchTemplate"]["Version"] for i in shown(aws)["Instances"] if not i["LifecycleState"].startswith("Terminating"))


def sizes(aws):
    found = shown(aws)
    return found["MinSize"], found["DesiredCapacity"], found["SuspendedProcesses"]


def signal(aws, version, word):
    """Speaks for the group's instances of this version; those that have spoken already are passed over."""
    for instance in shown(aws)["Instances"]:
        if instance["LaunchTemplate"]["Version"] != version:
            continue
        try:
            aws.cloudformation.signal_resource(StackName="rolls", LogicalResourceId="Group", UniqueId=instance["InstanceId"], Status=word)
        except ClientError as error:
            assert error.response["Error"]["Code"] == "ValidationError", error


def test_a_group_rolls_and_goes_back(aws, group):
    assert versions(aws) == ["1", "1"]
    group(ROLLING, "two")
    fewest = 2

    def rolled():
        nonlocal fewest
        fewest = min(fewest, sum(i["LifecycleState"] == "InService" for i in shown(aws)["Instances"]))
        signal(aws, "2", "SUCCESS")
        return not status(aws, "rolls").endswith("_IN_PROGRESS")

    eventually(rolled, 90, "the group has rolled", every=0.2)
    at_rest(aws, "rolls", "UPDATE_COMPLETE")
    assert fewest == 2, "the group had fewer in service than it was to keep"
    # Both may be in one zone; then balance brings another before one goes.
    eventually(lambda: len(zones := [i["AvailabilityZone"] for i in shown(aws)["Instances"]]) == 2 == len(set(zones)), 60, "one is left in each zone")
    assert versions(aws) == ["2", "2"]
    assert sizes(aws) == (1, 2, [])
    told = [r.removeprefix("Group UPDATE_IN_PROGRESS ") for r in reasons(aws, "rolls")]
    for text in ("Temporarily setting autoscaling group MinSize and DesiredCapacity to 3.",
                 "Rolling update initiated. Terminating 2 obsolete instance(s) in batches of 1, while keeping at least 2 instance(s) in "
                 "service. Waiting on resource signals with a timeout of PT2M when new instances are added to the autoscaling group."):
        assert text in told, told
    assert sum("New instance(s) added to autoscaling group - Waiting on 1 resource signal(s) with a timeout of PT2M." == t for t in told) == 2
    assert [t.rpartition("] ")[2] for t in told if t.startswith("Successfully terminated")] == ["(Progress 50%).", "(Progress 100%)."]
    assert [t.rpartition("; ")[2] for t in told if t.startswith("Terminating instance(s)")] == [
        "replacing with 1 new instance(s).", "replacing with 0 new instance(s)."]

    # An instance that says it has failed ends the update; those that served go on.
    before = {i["InstanceId"] for i in shown(aws)["Instances"]}
    group(ROLLING, "three")

    def failed():
        if "3" in versions(aws):
            signal(aws, "3", "FAILURE")
        return status(aws, "rolls") == "UPDATE_ROLLBACK_COMPLETE"

    eventually(failed, 60, "the update has gone back", every=0.2)
    assert any(r == "Group UPDATE_FAILED Received 1 FAILURE signal(s) out of 2.  Unable to satisfy 100% MinSuccessfulInstancesPercent requirement"
               for r in reasons(aws, "rolls")), reasons(aws, "rolls")
    eventually(lambda: {i["InstanceId"] for i in shown(aws)["Instances"]} == before, 60, "what failed is gone")
    assert sizes(aws) == (1, 2, [])


def test_a_group_is_replaced_as_a_whole(aws, group):
    old = outputs(aws, "rolls")["Group"]
    group(REPLACING, "two")
    at_rest(aws, "rolls", "UPDATE_COMPLETE")
    new = outputs(aws, "rolls")["Group"]
    assert new != old and versions(aws) == ["2", "2"]
    assert aws.autoscaling.describe_auto_scaling_groups(AutoScalingGroupNames=[old])["AutoScalingGroups"] == []
