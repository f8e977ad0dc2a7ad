"""Mixed instances policies: groups of several instance types, with and without weights."""

import pytest

from api import refused
from cloud import eventually
from test_autoscaling import activity, group, in_service
from test_cloudformation import at_rest, deleted, outputs, parameters, reasons

NAME = "mixed"


def overrides(**weights):
    """overrides(t3_micro="2"): types in order of preference; None: without a weight."""
    return [{"InstanceType": name.replace("_", "."), **({"WeightedCapacity": weight} if weight else {})} for name, weight in weights.items()]


# Of the burstable types with this t3.nano and t3a.nano are the smallest.
TWO_VCPUS = {"VCpuCount": {"Min": 2, "Max": 2}, "MemoryMiB": {"Min": 512}}


@pytest.fixture(scope="module")
def template(aws, image):
    made = aws.ec2.create_launch_template(LaunchTemplateName="mixed", LaunchTemplateData={"ImageId": image})["LaunchTemplate"]["LaunchTemplateId"]
    aws.ec2.create_launch_template_version(LaunchTemplateId=made, SourceVersion="1", LaunchTemplateData={"UserData": "IyEvYmluL3NoCg=="})
    yield made
    aws.ec2.delete_launch_template(LaunchTemplateId=made)


@pytest.fixture
def policy(template):
    def one(types, version="1", **distribution):
        made = {"LaunchTemplate": {"LaunchTemplateSpecification": {"LaunchTemplateId": template, "Version": version}, "Overrides": types}}
        return {**made, "InstancesDistribution": distribution} if distribution else made

    return one


@pytest.fixture
def make(aws, network):
    """Makes groups in the shared network; they are gone after the test."""
    made = []

    def one(name=NAME, **more):
        aws.autoscaling.create_auto_scaling_group(
            **{"AutoScalingGroupName": name, "MinSize": 0, "MaxSize": 20, "DesiredCapacity": 0, "VPCZoneIdentifier": ",".join(network.subnets), **more})
        made.append(name)
        return name

    yield one
    for name in made:
        aws.autoscaling.delete_auto_scaling_group(AutoScalingGroupName=name, ForceDelete=True)
        eventually(lambda: group(aws, name) is None, 60, what="the group is gone")


def types(members):
    return sorted((m["InstanceType"], m.get("WeightedCapacity")) for m in members)


def test_sizes_are_in_units(aws, make, policy, template):
    make(MixedInstancesPolicy=policy(overrides(t3_micro="3", t3_nano="1"), OnDemandBaseCapacity=2), DesiredCapacity=5)
    members = in_service(aws, 2, NAME)
    assert types(members) == [("t3.micro", "3"), ("t3.micro", "3")]
    assert sorted(m["AvailabilityZone"] for m in members) == ["ap-southeast-1a", "ap-southeast-1b"]
    shown = group(aws, NAME)
    assert "LaunchTemplate" not in shown and shown["DesiredCapacity"] == 5
    assert shown["MixedInstancesPolicy"]["LaunchTemplate"]["LaunchTemplateSpecification"] == {
        "LaunchTemplateId": template, "LaunchTemplateName": "mixed", "Version": "1"}
    assert shown["MixedInstancesPolicy"]["LaunchTemplate"]["Overrides"] == overrides(t3_micro="3", t3_nano="1")
    assert shown["MixedInstancesPolicy"]["InstancesDistribution"] == {
        "OnDemandAllocationStrategy": "prioritized", "OnDemandBaseCapacity": 2, "OnDemandPercentageAboveBaseCapacity": 100,
        "SpotAllocationStrategy": "lowest-price", "SpotInstancePools": 2}
    (one,) = aws.autoscaling.describe_auto_scaling_instances(InstanceIds=[members[0]["InstanceId"]])["AutoScalingInstances"]
    assert (one["WeightedCapacity"], one["LaunchTemplate"]["Version"]) == ("3", "1")
    found = aws.ec2.describe_instances(InstanceIds=[m["InstanceId"] for m in members])["Reservations"]
    assert {i["InstanceType"] for r in found for i in r["Instances"]} == {"t3.micro"}

    # Another preference is for what is launched from now; then what is preferred least goes first.
    aws.autoscaling.update_auto_scaling_group(AutoScalingGroupName=NAME, DesiredCapacity=7, MixedInstancesPolicy={
        "LaunchTemplate": {"Overrides": overrides(t3_nano="1", t3_micro="3")}})
    assert types(in_service(aws, 3, NAME)) == [("t3.micro", "3"), ("t3.micro", "3"), ("t3.nano", "1")]
    assert "increasing the capacity from 6 to 7." in activity(aws, "Launching a new EC2 instance", name=NAME)["Cause"]
    aws.autoscaling.set_desired_capacity(AutoScalingGroupName=NAME, DesiredCapacity=4)
    assert types(in_service(aws, 2, NAME)) == [("t3.micro", "3"), ("t3.nano", "1")]
    assert "shrinking the capacity from 7 to 4." in activity(aws, "Terminating EC2 instance", name=NAME)["Cause"]

    # An instance that leaves takes its units with it.
    heavy = next(m["InstanceId"] for m in group(aws, NAME)["Instances"] if m["InstanceType"] == "t3.micro")
    aws.autoscaling.enter_standby(AutoScalingGroupName=NAME, InstanceIds=[heavy], ShouldDecrementDesiredCapacity=True)
    assert group(aws, NAME)["DesiredCapacity"] == 1
    eventually(lambda: {m["InstanceId"]: m["LifecycleState"] for m in group(aws, NAME)["Instances"]}[heavy] == "Standby", what="it is in standby")
    aws.autoscaling.exit_standby(AutoScalingGroupName=NAME, InstanceIds=[heavy])
    assert group(aws, NAME)["DesiredCapacity"] == 4
    in_service(aws, 2, NAME)
    aws.autoscaling.detach_instances(AutoScalingGroupName=NAME, InstanceIds=[heavy], ShouldDecrementDesiredCapacity=True)
    assert group(aws, NAME)["DesiredCapacity"] == 1
    in_service(aws, 1, NAME)
    aws.autoscaling.attach_instances(AutoScalingGroupName=NAME, InstanceIds=[heavy])
    assert group(aws, NAME)["DesiredCapacity"] == 4
    assert types(in_service(aws, 2, NAME)) == [("t3.micro", "3"), ("t3.nano", "1")]
    aws.autoscaling.update_auto_scaling_group(AutoScalingGroupName=NAME, MinSize=2)
    with refused("ValidationError", "without replacement will violate group's min size constraint"):
        aws.autoscaling.terminate_instance_in_auto_scaling_group(InstanceId=heavy, ShouldDecrementDesiredCapacity=True)


def test_weights_come_and_go(aws, make, policy):
    make(MixedInstancesPolicy=policy(overrides(t3_micro=None, t3_small=None)), DesiredCapacity=2)
    assert types(in_service(aws, 2, NAME)) == [("t3.micro", None), ("t3.micro", None)]

    def change(types, **more):
        aws.autoscaling.update_auto_scaling_group(AutoScalingGroupName=NAME, MixedInstancesPolicy={"LaunchTemplate": {"Overrides": types}}, **more)

    with refused("ValidationError", "Cannot configure weights because instance type [t3.micro] is not in the overrides but is currently running in the "
                                    "group. Add [t3.micro] to the overrides, specify a weight, and try again."):
        change(overrides(t3_small="2"))
    change(overrides(t3_micro="2", t3_small="4"), DesiredCapacity=4)
    assert types(in_service(aws, 2, NAME)) == [("t3.micro", "2"), ("t3.micro", "2")]
    # New weights count for what is there; of a type that is gone, what it had.
    change(overrides(t3_micro="1", t3_small="2"))
    assert types(in_service(aws, 4, NAME)) == [("t3.micro", "1")] * 4
    change(overrides(t3_small="2"))
    assert types(in_service(aws, 4, NAME)) == [("t3.micro", "1")] * 4
    change(overrides(t3_small=None))
    assert types(in_service(aws, 4, NAME)) == [("t3.micro", None)] * 4


def test_templates_of_overrides(aws, image, make, policy):
    other = aws.ec2.create_launch_template(LaunchTemplateName="mixed-other", LaunchTemplateData={
        "ImageId": image, "TagSpecifications": [{"ResourceType": "instance", "Tags": [{"Key": "From", "Value": "other"}]}]})["LaunchTemplate"]
    first = {"InstanceType": "t3.nano", "LaunchTemplateSpecification": {"LaunchTemplateName": "mixed-other", "Version": "$Latest"}}
    make(MixedInstancesPolicy=policy([first, {"InstanceType": "t3.micro"}]), DesiredCapacity=1)
    (member,) = in_service(aws, 1, NAME)
    assert member["InstanceType"] == "t3.nano"
    assert member["LaunchTemplate"] == {"LaunchTemplateId": other["LaunchTemplateId"], "LaunchTemplateName": "mixed-other", "Version": "1"}
    tags = aws.ec2.describe_instances(InstanceIds=[member["InstanceId"]])["Reservations"][0]["Instances"][0]["Tags"]
    assert {"Key": "From", "Value": "other"} in tags
    aws.ec2.delete_launch_template(LaunchTemplateId=other["LaunchTemplateId"])


def test_policy_and_template_take_each_others_place(aws, image, make, policy, template):
    whole = aws.ec2.create_launch_template(LaunchTemplateName="mixed-whole", LaunchTemplateData={"ImageId": image, "InstanceType": "t3.nano"})
    whole = {"LaunchTemplateId": whole["LaunchTemplate"]["LaunchTemplateId"], "Version": "1"}
    one_of = "either LaunchTemplate, LaunchConfigurationName, InstanceId or MixedInstancesPolicy parameter."
    with refused("ValidationError", one_of):
        make(MixedInstancesPolicy=policy(overrides(t3_micro=None)), LaunchTemplate=whole)
    make(LaunchTemplate=whole)
    aws.autoscaling.update_auto_scaling_group(AutoScalingGroupName=NAME, MixedInstancesPolicy=policy(overrides(t3_micro="2")))
    assert "LaunchTemplate" not in group(aws, NAME)
    with refused("ValidationError", "launches by a mixed instances policy and cannot have a warm pool"):
        aws.autoscaling.put_warm_pool(AutoScalingGroupName=NAME)
    aws.autoscaling.update_auto_scaling_group(AutoScalingGroupName=NAME, LaunchTemplate=whole)
    assert "MixedInstancesPolicy" not in group(aws, NAME)
    aws.autoscaling.start_instance_refresh(
        AutoScalingGroupName=NAME, DesiredConfiguration={"MixedInstancesPolicy": policy(overrides(t3_micro=None))})
    with refused("ValidationError", "launches by a mixed instances policy and cannot have a warm pool"):
        aws.autoscaling.put_warm_pool(AutoScalingGroupName=NAME)
    eventually(lambda: "MixedInstancesPolicy" in group(aws, NAME), 30, what="the refresh has succeeded")
    aws.ec2.delete_launch_template(LaunchTemplateId=whole["LaunchTemplateId"])


@pytest.mark.parametrize("code, text, types, distribution", [
    ("ValidationError", "more than once", [*overrides(t3_micro=None), *overrides(t3_micro=None)], {}),
    ("ValidationError", "from 1 to 999", overrides(t3_micro="0"), {}),
    ("ValidationError", "from 1 to 999", overrides(t3_micro="1000"), {}),
    ("ValidationError", "for all of them", overrides(t3_micro="1", t3_small=None), {}),
    ("ValidationError", "at most 40 overrides", [{"InstanceType": f"t{i}.micro"} for i in range(41)], {}),
    ("ValidationError", "t9.micro", overrides(t3_micro=None, t9_micro=None), {}),
    ("ValidationError", "You must use a valid fully-formed launch template.", [], {}),
    ("ValidationError", "launchTemplateId or LaunchTemplateName", [{"InstanceType": "t3.micro", "LaunchTemplateSpecification": {"Version": "1"}}], {}),
    ("ValidationError", "from 0 to 100", overrides(t3_micro=None), {"OnDemandPercentageAboveBaseCapacity": 101}),
    ("ValidationError", "SpotInstancePools option is only available with the lowest-price allocation strategy.", overrides(t3_micro=None),
     {"SpotAllocationStrategy": "capacity-optimized", "SpotInstancePools": 2}),
    ("ValidationError", "either an InstanceType or InstanceRequirements", [{"InstanceType": "t3.micro", "InstanceRequirements": TWO_VCPUS}], {}),
    ("ValidationError", "use lowest-price", [{"InstanceRequirements": TWO_VCPUS}], {"OnDemandAllocationStrategy": "prioritized"}),
    ("ValidationError", "No instance type", [{"InstanceRequirements": {**TWO_VCPUS, "AcceleratorCount": {"Min": 1}}}], {}),
    ("ValidationError", "NetworkBandwidthGbps", [{"InstanceRequirements": {**TWO_VCPUS, "NetworkBandwidthGbps": {"Min": 1}}}], {}),
])
def test_refused_policies(aws, make, policy, code, text, types, distribution):
    with refused(code, text):
        make("refused-mixed", MixedInstancesPolicy=policy(types, **distribution))
    assert group(aws, "refused-mixed") is None


def test_refresh_brings_a_policy(aws, make, policy, template):
    make(MixedInstancesPolicy=policy(overrides(t3_micro="2", t3_nano="1")), DesiredCapacity=4)
    in_service(aws, 2, NAME)

    def refreshed(wanted):
        which = aws.autoscaling.start_instance_refresh(
            AutoScalingGroupName=NAME, DesiredConfiguration={"MixedInstancesPolicy": wanted},
            Preferences={"MinHealthyPercentage": 50, "InstanceWarmup": 0, "SkipMatching": True})["InstanceRefreshId"]

        def ended():
            (found,) = aws.autoscaling.describe_instance_refreshes(AutoScalingGroupName=NAME, InstanceRefreshIds=[which])["InstanceRefreshes"]
            assert found["Status"] in ("Pending", "InProgress", "Successful"), found
            return found if found["Status"] == "Successful" else None

        return eventually(ended, 90, "the refresh has succeeded")

    done = refreshed(policy(overrides(t3_nano="1", t3_small="4"), version="2"))
    assert done["DesiredConfiguration"]["MixedInstancesPolicy"]["LaunchTemplate"]["Overrides"] == overrides(t3_nano="1", t3_small="4")
    members = in_service(aws, 4, NAME)
    assert types(members) == [("t3.nano", "1")] * 4 and {m["LaunchTemplate"]["Version"] for m in members} == {"2"}
    assert group(aws, NAME)["MixedInstancesPolicy"]["LaunchTemplate"]["LaunchTemplateSpecification"]["Version"] == "2"
    # What the policy has among its types stays.
    refreshed(policy(overrides(t3_micro="2", t3_nano="1"), version="2"))
    assert {m["InstanceId"] for m in in_service(aws, 4, NAME)} == {m["InstanceId"] for m in members}
    with refused("ValidationError", "either a launch template or a mixed instances policy"):
        aws.autoscaling.start_instance_refresh(AutoScalingGroupName=NAME, DesiredConfiguration={
            "LaunchTemplate": {"LaunchTemplateId": template, "Version": "2"}, "MixedInstancesPolicy": policy(overrides(t3_micro="2"))})
    with refused("UnsupportedOperation", "do not give a group weights or take them back"):
        aws.autoscaling.start_instance_refresh(AutoScalingGroupName=NAME, DesiredConfiguration={"MixedInstancesPolicy": policy(overrides(t3_micro=None))})


def lifecycles(aws, members):
    found = aws.ec2.describe_instances(InstanceIds=[m["InstanceId"] for m in members])["Reservations"]
    return sorted(i.get("InstanceLifecycle", "on-demand") for r in found for i in r["Instances"])


def test_on_demand_and_spot(aws, image, make, policy):
    make(MixedInstancesPolicy=policy(overrides(t3_micro=None, t3_nano=None), OnDemandBaseCapacity=1, OnDemandPercentageAboveBaseCapacity=50,
                                     SpotAllocationStrategy="lowest-price", SpotInstancePools=2), DesiredCapacity=5)
    members = in_service(aws, 5, NAME)
    assert lifecycles(aws, members) == ["on-demand"] * 3 + ["spot"] * 2
    aws.autoscaling.set_desired_capacity(AutoScalingGroupName=NAME, DesiredCapacity=3)
    assert lifecycles(aws, in_service(aws, 3, NAME)) == ["on-demand"] * 2 + ["spot"]
    # Another share: what is too much of one kind is replaced by the other.
    aws.autoscaling.update_auto_scaling_group(AutoScalingGroupName=NAME, MixedInstancesPolicy={
        "InstancesDistribution": {"OnDemandBaseCapacity": 0, "OnDemandPercentageAboveBaseCapacity": 0}})
    eventually(lambda: lifecycles(aws, [m for m in group(aws, NAME)["Instances"] if m["LifecycleState"] == "InService"]) == ["spot"] * 3, 60,
               "all are Spot Instances")

    whole = aws.ec2.create_launch_template(LaunchTemplateName="mixed-spot", LaunchTemplateData={
        "ImageId": image, "InstanceType": "t3.nano", "InstanceMarketOptions": {"MarketType": "spot"}})["LaunchTemplate"]["LaunchTemplateId"]
    whole = {"LaunchTemplateId": whole, "Version": "1"}
    with refused("InvalidQueryParameter", "Incompatible launch template: You cannot use a launch template that is set to request Spot Instances"):
        make("refused-mixed", MixedInstancesPolicy={"LaunchTemplate": {"LaunchTemplateSpecification": whole}})
    # A group that launches from such a template has Spot Instances only.
    make("spot-only", LaunchTemplate=whole, DesiredCapacity=1)
    assert lifecycles(aws, in_service(aws, 1, "spot-only")) == ["spot"]
    aws.ec2.delete_launch_template(LaunchTemplateId=whole["LaunchTemplateId"])


def test_types_by_requirements(aws, image, make, policy):
    burstable = {**TWO_VCPUS, "BurstablePerformance": "required", "AllowedInstanceTypes": ["t3*"]}
    make(MixedInstancesPolicy=policy([{"InstanceRequirements": burstable}]), DesiredCapacity=1)
    shown = group(aws, NAME)["MixedInstancesPolicy"]
    assert shown["LaunchTemplate"]["Overrides"] == [{"InstanceRequirements": burstable}]
    assert shown["InstancesDistribution"]["OnDemandAllocationStrategy"] == "lowest-price"
    assert types(in_service(aws, 1, NAME)) == [("t3.nano", None)]

    # Requirements of the template, where the policy names none.
    by_template = aws.ec2.create_launch_template(LaunchTemplateName="mixed-requirements", LaunchTemplateData={
        "ImageId": image, "InstanceRequirements": {**burstable, "CpuManufacturers": ["amd"]}})["LaunchTemplate"]["LaunchTemplateId"]
    specification = {"LaunchTemplateId": by_template, "Version": "1"}
    make("by-template", MixedInstancesPolicy={"LaunchTemplate": {"LaunchTemplateSpecification": specification}}, DesiredCapacity=1)
    assert types(in_service(aws, 1, "by-template")) == [("t3a.nano", None)]
    with refused("InvalidParameterCombination", "InstanceRequirements"):
        aws.ec2.run_instances(LaunchTemplate=specification, MinCount=1, MaxCount=1)
    with refused("InvalidParameterCombination", "not both"):
        aws.ec2.create_launch_template(LaunchTemplateName="mixed-both", LaunchTemplateData={
            "ImageId": image, "InstanceType": "t3.nano", "InstanceRequirements": TWO_VCPUS})
    aws.ec2.delete_launch_template(LaunchTemplateId=by_template)


STACK = """
Parameters:
  Image: {Type: String}
  Subnets: {Type: CommaDelimitedList}
  Type: {Type: String, Default: t3.micro}
Resources:
  Template:
    Type: AWS::EC2::LaunchTemplate
    Properties: {LaunchTemplateData: {ImageId: !Ref Image}}
  Group:
    Type: AWS::AutoScaling::AutoScalingGroup
    Properties:
      MinSize: 4
      MaxSize: 8
      VPCZoneIdentifier: !Ref Subnets
      MixedInstancesPolicy:
        InstancesDistribution: {OnDemandPercentageAboveBaseCapacity: 100}
        LaunchTemplate:
          LaunchTemplateSpecification: {LaunchTemplateId: !Ref Template, Version: !GetAtt Template.LatestVersionNumber}
          Overrides:
            - {InstanceType: !Ref Type, WeightedCapacity: 2}
            - {InstanceType: t3.nano, WeightedCapacity: 1}
Outputs:
  Group: {Value: !Ref Group}
"""


SPOT_STACK = """
Parameters:
  Image: {Type: String}
  Subnets: {Type: CommaDelimitedList}
Resources:
  Spot:
    Type: AWS::EC2::LaunchTemplate
    Properties:
      LaunchTemplateData:
        ImageId: !Ref Image
        InstanceType: t3.nano
        InstanceMarketOptions: {MarketType: spot, SpotOptions: {MaxPrice: "0.02", SpotInstanceType: one-time}}
  Template:
    Type: AWS::EC2::LaunchTemplate
    Properties:
      LaunchTemplateData:
        ImageId: !Ref Image
        InstanceRequirements: {VCpuCount: {Min: 2}, MemoryMiB: {Min: 512}, BurstablePerformance: included, SpotMaxPricePercentageOverLowestPrice: 100}
  OnlySpot:
    Type: AWS::AutoScaling::AutoScalingGroup
    Properties:
      MinSize: 1
      MaxSize: 1
      VPCZoneIdentifier: !Ref Subnets
      LaunchTemplate: {LaunchTemplateId: !Ref Spot, Version: !GetAtt Spot.LatestVersionNumber}
  Group:
    Type: AWS::AutoScaling::AutoScalingGroup
    Properties:
      MinSize: 2
      MaxSize: 4
      VPCZoneIdentifier: !Ref Subnets
      CapacityRebalance: true
      MixedInstancesPolicy:
        InstancesDistribution:
          OnDemandBaseCapacity: 1
          OnDemandPercentageAboveBaseCapacity: 0
          SpotAllocationStrategy: price-capacity-optimized
          SpotMaxPrice: "0.05"
        LaunchTemplate:
          LaunchTemplateSpecification: {LaunchTemplateId: !Ref Template, Version: !GetAtt Template.LatestVersionNumber}
          Overrides:
            - InstanceRequirements: {VCpuCount: {Min: 2, Max: 2}, MemoryMiB: {Min: 512, Max: 2048}, BurstablePerformance: included}
Outputs:
  Group: {Value: !Ref Group}
  OnlySpot: {Value: !Ref OnlySpot}
"""


def test_stack_with_spot_and_requirements(aws, image, network):
    made = aws.cloudformation.create_stack(StackName="mixed-spot", TemplateBody=SPOT_STACK,
                                           Parameters=parameters(Image=image, Subnets=",".join(network.subnets)))["StackId"]
    at_rest(aws, "mixed-spot", "CREATE_COMPLETE")
    found = outputs(aws, "mixed-spot")
    members = in_service(aws, 2, found["Group"])
    assert types(members) == [("t3.nano", None)] * 2 and lifecycles(aws, members) == ["on-demand", "spot"]
    assert lifecycles(aws, in_service(aws, 1, found["OnlySpot"])) == ["spot"]
    assert group(aws, found["Group"])["CapacityRebalance"]
    aws.cloudformation.delete_stack(StackName="mixed-spot")
    deleted(aws, made)


def test_stack_with_a_policy(aws, image, network):
    given = {"Image": image, "Subnets": ",".join(network.subnets)}
    made = aws.cloudformation.create_stack(StackName="mixed", TemplateBody=STACK, Parameters=parameters(**given))["StackId"]
    at_rest(aws, "mixed", "CREATE_COMPLETE")
    name = outputs(aws, "mixed")["Group"]
    assert types(in_service(aws, 2, name)) == [("t3.micro", "2"), ("t3.micro", "2")]
    aws.cloudformation.update_stack(StackName="mixed", TemplateBody=STACK, Parameters=parameters(**given, Type="t3.small"))
    at_rest(aws, "mixed", "UPDATE_COMPLETE")
    assert group(aws, name)["MixedInstancesPolicy"]["LaunchTemplate"]["Overrides"] == overrides(t3_small="2", t3_nano="1")
    # A rolling update would count instances.
    rolled = STACK.replace("    Type: AWS::AutoScaling::AutoScalingGroup\n", "    Type: AWS::AutoScaling::AutoScalingGroup\n"
                                                                           "    UpdatePolicy: {AutoScalingRollingUpdate: {MaxBatchSize: 1}}\n")
    aws.cloudformation.update_stack(StackName="mixed", TemplateBody=rolled, Parameters=parameters(**given, Type="t3.micro"))
    at_rest(aws, "mixed", "UPDATE_ROLLBACK_COMPLETE")
    assert any("rolling updates count instances" in reason for reason in reasons(aws, "mixed"))
    assert group(aws, name)["MixedInstancesPolicy"]["LaunchTemplate"]["Overrides"] == overrides(t3_small="2", t3_nano="1")
    aws.cloudformation.delete_stack(StackName="mixed")
    deleted(aws, made)
