"""CloudFormation: stacks from creation to deletion, change sets, exports, rollbacks, signals, and templates with mistakes."""

import json

import pytest

from api import refused
from cloud import eventually
from conftest import SOURCE

NETWORK = """
AWSTemplateFormatVersion: "2010-09-09"
Description: A small network
Parameters:
  Range: {Type: String, Default: 10.70.0.0/16, Description: The address range}
  Stage: {Type: String, Default: test, AllowedValues: [test, live]}
Conditions:
  Live: !Equals [!Ref Stage, live]
Resources:
  Vpc:
    Type: AWS::EC2::VPC
    Properties:
      CidrBlock: !Ref Range
      Tags: [{Key: Name, Value: !Ref AWS::StackName}]
  Subnet:
    Type: AWS::EC2::Subnet
    Properties:
      VpcId: !Ref Vpc
      CidrBlock: !Select [0, !Cidr [!GetAtt Vpc.CidrBlock, 4, 8]]
      AvailabilityZone: !Select [0, !GetAZs ""]
      MapPublicIpOnLaunch: !If [Live, true, false]
  Gateway:
    Type: AWS::EC2::InternetGateway
    Condition: Live
Outputs:
  VpcId:
    Description: The network
    Value: !Ref Vpc
    Export: {Name: !Sub "${AWS::StackName}-vpc"}
  SubnetId: {Value: !Ref Subnet}
"""

IMPORTER = """
Parameters:
  From: {Type: String}
Resources:
  Group:
    Type: AWS::EC2::SecurityGroup
    Properties:
      GroupDescription: In somebody else's network
      VpcId:
        Fn::ImportValue: !Sub "${From}-vpc"
"""

# A group that waits for a signal, and a subnet whose update comes first.
WAITING = """
Parameters:
  Public: {Type: String, Default: "false"}
  Wait: {Type: String, Default: "no"}
Conditions:
  Waits: !Equals [!Ref Wait, "yes"]
Resources:
  Vpc: {Type: AWS::EC2::VPC, Properties: {CidrBlock: 10.71.0.0/16}}
  Changed: {Type: AWS::EC2::Subnet, Properties: {VpcId: !Ref Vpc, CidrBlock: 10.71.1.0/24, MapPublicIpOnLaunch: !Ref Public}}
  Used: {Type: AWS::EC2::Subnet, Properties: {VpcId: !Ref Vpc, CidrBlock: 10.71.2.0/24}}
  Template:
    Type: AWS::EC2::LaunchTemplate
    Properties:
      LaunchTemplateData: {InstanceType: t2.micro, ImageId: IMAGE}
  Waiting:
    Type: AWS::AutoScaling::AutoScalingGroup
    Condition: Waits
    DependsOn: Changed
    CreationPolicy: {ResourceSignal: {Count: 1, Timeout: PT10M}}
    Properties:
      MinSize: 0
      MaxSize: 0
      VPCZoneIdentifier: [!Ref Used]
      LaunchTemplate: {LaunchTemplateId: !Ref Template, Version: !GetAtt Template.LatestVersionNumber}
"""


def parameters(**values):
    return [{"ParameterKey": key, "ParameterValue": value} for key, value in values.items()]


def status(aws, name):
    return aws.cloudformation.describe_stacks(StackName=name)["Stacks"][0]["StackStatus"]


def at_rest(aws, name, wanted):
    def rested():
        now = status(aws, name)
        return now if not now.endswith("_IN_PROGRESS") else None

    reached = eventually(rested, 60, what=f"{name} has come to rest")
    assert reached == wanted, "\n".join(reasons(aws, name))


def reasons(aws, name):
    events = aws.cloudformation.describe_stack_events(StackName=name)["StackEvents"]
    return [f"{e['LogicalResourceId']} {e['ResourceStatus']} {e.get('ResourceStatusReason', '')}" for e in reversed(events)]


def deleted(aws, stack_id):
    """By id: a name no longer finds a stack that is gone."""
    def gone():
        now = status(aws, stack_id)
        assert now != "DELETE_FAILED", "\n".join(reasons(aws, stack_id))
        return now == "DELETE_COMPLETE"

    eventually(gone, 60, what="the stack is deleted")


@pytest.fixture
def stack(aws):
    """The small network, deployed."""
    made = aws.cloudformation.create_stack(StackName="small", TemplateBody=NETWORK, Tags=[{"Key": "Owner", "Value": "me"}])["StackId"]
    at_rest(aws, "small", "CREATE_COMPLETE")
    yield made
    aws.cloudformation.update_termination_protection(StackName=made, EnableTerminationProtection=False)
    aws.cloudformation.delete_stack(StackName=made)
    deleted(aws, made)


def outputs(aws, name):
    return {o["OutputKey"]: o["OutputValue"] for o in aws.cloudformation.describe_stacks(StackName=name)["Stacks"][0]["Outputs"]}


def test_what_a_stack_shows(aws, stack):
    cfn = aws.cloudformation
    (shown,) = cfn.describe_stacks(StackName="small")["Stacks"]
    assert (shown["StackId"], shown["Description"], shown["Tags"]) == (stack, "A small network", [{"Key": "Owner", "Value": "me"}])
    assert {p["ParameterKey"]: p["ParameterValue"] for p in shown["Parameters"]} == {"Range": "10.70.0.0/16", "Stage": "test"}
    vpc = outputs(aws, "small")["VpcId"]
    (found,) = aws.ec2.describe_vpcs(VpcIds=[vpc])["Vpcs"]
    tags = {t["Key"]: t["Value"] for t in found["Tags"]}
    assert tags == {"Name": "small", "Owner": "me", "aws:cloudformation:stack-name": "small", "aws:cloudformation:stack-id": stack,
                    "aws:cloudformation:logical-id": "Vpc"}
    (subnet,) = aws.ec2.describe_subnets(SubnetIds=[outputs(aws, "small")["SubnetId"]])["Subnets"]
    assert (subnet["CidrBlock"], subnet["AvailabilityZone"]) == ("10.70.0.0/24", "ap-southeast-1a")

    listed = {r["LogicalResourceId"]: r for r in cfn.list_stack_resources(StackName="small")["StackResourceSummaries"]}
    assert {k: v["ResourceStatus"] for k, v in listed.items()} == {"Vpc": "CREATE_COMPLETE", "Subnet": "CREATE_COMPLETE"}
    assert {r["PhysicalResourceId"] for r in cfn.describe_stack_resources(StackName="small")["StackResources"]} == set(outputs(aws, "small").values())
    detail = cfn.describe_stack_resource(StackName="small", LogicalResourceId="Vpc")["StackResourceDetail"]
    assert (detail["PhysicalResourceId"], detail["ResourceType"]) == (vpc, "AWS::EC2::VPC")
    assert cfn.describe_stack_resources(PhysicalResourceId=vpc)["StackResources"][0]["StackName"] == "small"
    events = reasons(aws, "small")
    assert events[0] == "small CREATE_IN_PROGRESS User Initiated" and events[-1] == "small CREATE_COMPLETE "
    assert "Vpc CREATE_IN_PROGRESS Resource creation Initiated" in events
    assert cfn.get_template(StackName="small")["TemplateBody"] == NETWORK
    assert "small" in {s["StackName"] for s in cfn.list_stacks(StackStatusFilter=["CREATE_COMPLETE"])["StackSummaries"]}
    with refused("AlreadyExistsException", "Stack [small] already exists"):
        cfn.create_stack(StackName="small", TemplateBody=NETWORK)


def test_update_in_place_and_by_replacement(aws, stack):
    cfn = aws.cloudformation
    before = outputs(aws, "small")
    with refused("ValidationError", "No updates are to be performed."):
        cfn.update_stack(StackName="small", UsePreviousTemplate=True)
    cfn.update_stack(StackName="small", UsePreviousTemplate=True, Parameters=parameters(Stage="live") + [{"ParameterKey": "Range", "UsePreviousValue": True}])
    at_rest(aws, "small", "UPDATE_COMPLETE")
    assert outputs(aws, "small") == before  # nothing was replaced
    assert aws.ec2.describe_subnets(SubnetIds=[before["SubnetId"]])["Subnets"][0]["MapPublicIpOnLaunch"] is True
    assert "Gateway" in {r["LogicalResourceId"] for r in cfn.list_stack_resources(StackName="small")["StackResourceSummaries"]}
    cfn.update_stack(StackName="small", UsePreviousTemplate=True, Parameters=parameters(Stage="test", Range="10.72.0.0/16"))
    at_rest(aws, "small", "UPDATE_COMPLETE")
    after = outputs(aws, "small")
    assert after["VpcId"] != before["VpcId"] and after["SubnetId"] != before["SubnetId"]
    assert any("Requested update requires the creation of a new physical resource; hence creating one." in r for r in reasons(aws, "small"))
    with refused("InvalidVpcID.NotFound"):
        aws.ec2.describe_vpcs(VpcIds=[before["VpcId"]])


def test_termination_protection(aws, stack):
    aws.cloudformation.update_termination_protection(StackName="small", EnableTerminationProtection=True)
    with refused("ValidationError", "Stack [small] cannot be deleted while TerminationProtection is enabled"):
        aws.cloudformation.delete_stack(StackName="small")


def test_exports(aws, stack):
    cfn = aws.cloudformation
    (export,) = [e for e in cfn.list_exports()["Exports"] if e["Name"] == "small-vpc"]
    assert (export["Value"], export["ExportingStackId"]) == (outputs(aws, "small")["VpcId"], stack)
    importer = cfn.create_stack(StackName="importer", TemplateBody=IMPORTER, Parameters=parameters(From="small"))["StackId"]
    at_rest(aws, "importer", "CREATE_COMPLETE")
    assert cfn.list_imports(ExportName="small-vpc")["Imports"] == ["importer"]
    cfn.delete_stack(StackName=stack)
    eventually(lambda: status(aws, stack) != "DELETE_IN_PROGRESS", what="the deletion is given up")
    assert any("small-vpc" in reason and "importer" in reason for reason in reasons(aws, stack)), reasons(aws, stack)
    assert aws.ec2.describe_vpcs(VpcIds=[export["Value"]])["Vpcs"]
    cfn.delete_stack(StackName=importer)
    deleted(aws, importer)


def test_change_sets(aws):
    cfn = aws.cloudformation
    made = cfn.create_change_set(StackName="reviewed", ChangeSetName="first", ChangeSetType="CREATE", TemplateBody=NETWORK)
    cfn.get_waiter("change_set_create_complete").wait(ChangeSetName=made["Id"], WaiterConfig={"Delay": 1, "MaxAttempts": 10})
    assert status(aws, "reviewed") == "REVIEW_IN_PROGRESS"
    shown = cfn.describe_change_set(ChangeSetName="first", StackName="reviewed")
    assert (shown["Status"], shown["ExecutionStatus"]) == ("CREATE_COMPLETE", "AVAILABLE")
    assert {(c["ResourceChange"]["LogicalResourceId"], c["ResourceChange"]["Action"]) for c in shown["Changes"]} == {("Vpc", "Add"), ("Subnet", "Add")}
    cfn.execute_change_set(ChangeSetName=made["Id"])
    at_rest(aws, "reviewed", "CREATE_COMPLETE")

    cfn.create_change_set(StackName="reviewed", ChangeSetName="nothing", UsePreviousTemplate=True)
    nothing = eventually(lambda: (d := cfn.describe_change_set(ChangeSetName="nothing", StackName="reviewed"))["Status"] == "FAILED" and d)
    assert nothing["StatusReason"] == "The submitted information didn't contain changes. Submit different information to create a change set."
    with refused("InvalidChangeSetStatus"):
        cfn.execute_change_set(ChangeSetName="nothing", StackName="reviewed")
    cfn.create_change_set(StackName="reviewed", ChangeSetName="replacing", UsePreviousTemplate=True, Parameters=parameters(Range="10.73.0.0/16"))
    changes = {c["ResourceChange"]["LogicalResourceId"]: c["ResourceChange"]
               for c in cfn.describe_change_set(ChangeSetName="replacing", StackName="reviewed")["Changes"]}
    assert (changes["Vpc"]["Action"], changes["Vpc"]["Replacement"]) == ("Modify", "True")
    assert {s["ChangeSetName"] for s in cfn.list_change_sets(StackName="reviewed")["Summaries"]} >= {"nothing", "replacing"}
    for name in ("nothing", "replacing"):
        cfn.delete_change_set(ChangeSetName=name, StackName="reviewed")
    with refused("ChangeSetNotFound"):
        cfn.describe_change_set(ChangeSetName="replacing", StackName="reviewed")
    cfn.delete_stack(StackName="reviewed")
    deleted(aws, made["StackId"])


def test_failed_creation_rolls_back_and_says_why(aws):
    template = """
Resources:
  Vpc: {Type: AWS::EC2::VPC, Properties: {CidrBlock: 10.74.0.0/16}}
  Subnet: {Type: AWS::EC2::Subnet, Properties: {VpcId: !Ref Vpc, CidrBlock: 10.99.0.0/24}}
"""
    before = {v["VpcId"] for v in aws.ec2.describe_vpcs()["Vpcs"]}
    made = aws.cloudformation.create_stack(StackName="failing", TemplateBody=template)["StackId"]
    at_rest(aws, "failing", "ROLLBACK_COMPLETE")
    events = reasons(aws, "failing")
    assert any(e.startswith("Subnet CREATE_FAILED") and "The CIDR '10.99.0.0/24' is invalid." in e for e in events), events
    assert any(e.startswith("failing ROLLBACK_IN_PROGRESS The following resource(s) failed to create: [Subnet].") for e in events), events
    assert {v["VpcId"] for v in aws.ec2.describe_vpcs()["Vpcs"]} == before
    with refused("ValidationError", "is in ROLLBACK_COMPLETE state and can not be updated."):
        aws.cloudformation.update_stack(StackName="failing", TemplateBody=NETWORK)
    aws.cloudformation.delete_stack(StackName=made)
    deleted(aws, made)


def test_failed_creation_can_be_left_as_it_is(aws):
    template = """
Resources:
  Vpc: {Type: AWS::EC2::VPC, Properties: {CidrBlock: 10.75.0.0/16}, DeletionPolicy: Retain}
  Subnet: {Type: AWS::EC2::Subnet, Properties: {VpcId: !Ref Vpc, CidrBlock: 10.99.0.0/24}}
"""
    made = aws.cloudformation.create_stack(StackName="left", TemplateBody=template, OnFailure="DO_NOTHING")["StackId"]
    at_rest(aws, "left", "CREATE_FAILED")
    vpc = aws.cloudformation.describe_stack_resource(StackName="left", LogicalResourceId="Vpc")["StackResourceDetail"]["PhysicalResourceId"]
    aws.cloudformation.delete_stack(StackName="left")
    deleted(aws, made)
    aws.ec2.delete_vpc(VpcId=vpc)  # retained


@pytest.fixture
def waiting(aws, image):
    """A stack whose update has changed a subnet and now waits for a signal."""
    template = WAITING.replace("IMAGE", image)
    made = aws.cloudformation.create_stack(StackName="waiting", TemplateBody=template)["StackId"]
    at_rest(aws, "waiting", "CREATE_COMPLETE")
    aws.cloudformation.update_stack(StackName="waiting", UsePreviousTemplate=True, Parameters=parameters(Public="true", Wait="yes"))
    eventually(lambda: any("Waiting CREATE_IN_PROGRESS Resource creation Initiated" in r for r in reasons(aws, "waiting")), what="the group waits")
    yield made
    aws.cloudformation.delete_stack(StackName=made)
    deleted(aws, made)


def subnet_of(aws):
    return aws.cloudformation.describe_stack_resource(StackName="waiting", LogicalResourceId="Changed")["StackResourceDetail"]["PhysicalResourceId"]


def test_signal_completes_an_update(aws, waiting):
    assert status(aws, "waiting") == "UPDATE_IN_PROGRESS"
    aws.cloudformation.signal_resource(StackName="waiting", LogicalResourceId="Waiting", UniqueId="one", Status="SUCCESS")
    at_rest(aws, "waiting", "UPDATE_COMPLETE")
    assert any("Received SUCCESS signal with UniqueId one" in r for r in reasons(aws, "waiting"))


def test_update_cancelled(aws, waiting):
    aws.cloudformation.cancel_update_stack(StackName="waiting")
    at_rest(aws, "waiting", "UPDATE_ROLLBACK_COMPLETE")
    assert aws.ec2.describe_subnets(SubnetIds=[subnet_of(aws)])["Subnets"][0]["MapPublicIpOnLaunch"] is False
    assert "Waiting" not in {r["LogicalResourceId"] for r in aws.cloudformation.list_stack_resources(StackName="waiting")["StackResourceSummaries"]}


def test_rollback_that_fails_and_goes_on(aws, waiting):
    """Somebody deletes what the rollback has to change back."""
    aws.ec2.delete_subnet(SubnetId=subnet_of(aws))
    aws.cloudformation.signal_resource(StackName="waiting", LogicalResourceId="Waiting", UniqueId="one", Status="FAILURE")
    at_rest(aws, "waiting", "UPDATE_ROLLBACK_FAILED")
    assert any(r.startswith("Changed UPDATE_FAILED") and "does not exist" in r for r in reasons(aws, "waiting")), reasons(aws, "waiting")
    aws.cloudformation.continue_update_rollback(StackName="waiting", ResourcesToSkip=["Changed"])
    at_rest(aws, "waiting", "UPDATE_ROLLBACK_COMPLETE")


@pytest.mark.parametrize("template, told", [
    ("Resources:\n  Vpc:\n    Type: AWS::EC2::VPC\n    Properties:\n      CidrBlock: 10.0.0.0/16\n      Colour: blue\n",
     ["Vpc", "Colour", "line 6"]),
    ("Resources:\n  Queue:\n    Type: AWS::SQS::Queue\n", ["Queue", "AWS::SQS::Queue", "line 2"]),
    ("Resources:\n  Vpc: {Type: AWS::EC2::VPC, Properties: {CidrBlock: 10.0.0.0/16}}\n  Subnet:\n    Type: AWS::EC2::Subnet\n"
     "    Properties:\n      VpcId: !Ref Vcp\n      CidrBlock: 10.0.0.0/24\n", ["Subnet", "Vcp", "line 6"]),
    ("Resources:\n  Vpc:\n    Type: AWS::EC2::VPC\n   Properties: {}\n", ["line 4"]),
    ("Resources: {}\n", ["At least one Resources member must be defined."]),
    ("Nonsense", ["Template format error"]),
    ("{\"Resources\": ", ["Template format error"]),
    ("a: &a [*a, *a]\nResources: *a\n", ["Template format error"]),
])
def test_mistakes_are_named_and_nothing_is_made(aws, template, told):
    cfn = aws.cloudformation
    before = {v["VpcId"] for v in aws.ec2.describe_vpcs()["Vpcs"]}
    for attempt in (lambda: cfn.create_stack(StackName="mistaken", TemplateBody=template), lambda: cfn.validate_template(TemplateBody=template)):
        with refused("ValidationError") as caught:
            attempt()
        message = caught.value.response["Error"]["Message"]
        assert all(word in message for word in told), message
    with refused("ValidationError", "mistaken"):
        cfn.describe_stacks(StackName="mistaken")
    assert {v["VpcId"] for v in aws.ec2.describe_vpcs()["Vpcs"]} == before


@pytest.mark.parametrize("given, told", [
    ({"Stage": "staging"}, "Stage"),
    ({"Colour": "blue"}, "Colour"),
])
def test_parameters_are_checked(aws, given, told):
    with refused("ValidationError", told):
        aws.cloudformation.create_stack(StackName="mistaken", TemplateBody=NETWORK, Parameters=parameters(**given))


def test_capabilities(aws):
    template = json.dumps({"Resources": {"Role": {"Type": "AWS::IAM::Role", "Properties": {"AssumeRolePolicyDocument": {"Version": "2012-10-17", "Statement": []}}}}})
    with refused("InsufficientCapabilitiesException", "Requires capabilities : [CAPABILITY_IAM]"):
        aws.cloudformation.create_stack(StackName="roles", TemplateBody=template)
    made = aws.cloudformation.create_stack(StackName="roles", TemplateBody=template, Capabilities=["CAPABILITY_IAM"])["StackId"]
    at_rest(aws, "roles", "CREATE_COMPLETE")
    aws.cloudformation.delete_stack(StackName=made)
    deleted(aws, made)


def test_the_examples_template_is_understood(aws, image):
    body = (SOURCE / "examples/web/stack.yaml").read_text()
    validated = aws.cloudformation.validate_template(TemplateBody=body)
    assert validated["Capabilities"] == ["CAPABILITY_IAM"]
    summary = aws.cloudformation.get_template_summary(TemplateBody=body)
    assert {p["ParameterKey"]: p["ParameterType"] for p in summary["Parameters"]}["ImageId"] == "AWS::SSM::Parameter::Value<AWS::EC2::Image::Id>"
    aws.ssm.put_parameter(Name="/web/image", Value=image, Type="String", DataType="aws:ec2:image")
    try:
        for environment in ("staging", "production"):
            given = dict(pair.split("=", 1) for pair in json.loads((SOURCE / f"examples/web/parameters/{environment}.json").read_text()))
            made = aws.cloudformation.create_change_set(StackName=f"web-{environment}", ChangeSetName="all", ChangeSetType="CREATE", TemplateBody=body,
                                                        Parameters=parameters(**given), Capabilities=["CAPABILITY_IAM"])
            changes = aws.cloudformation.describe_change_set(ChangeSetName=made["Id"])["Changes"]
            assert {c["ResourceChange"]["ResourceType"] for c in changes} == set(summary["ResourceTypes"])
            aws.cloudformation.delete_stack(StackName=made["StackId"])
            deleted(aws, made["StackId"])
    finally:
        aws.ssm.delete_parameter(Name="/web/image")
