"""Spot Instances: their requests, the notice that one gets when an On-Demand Instance needs its room, and groups of both kinds."""

import json
from types import SimpleNamespace

import pytest
from botocore.exceptions import ClientError

import cloud as clouds
from api import refused, tags, waiter
from cloud import eventually
from test_autoscaling import activity, group, in_service

# Says on the console what the metadata service says of the end, and when.
WATCHES = """#!/bin/sh
told=
while sleep 0.2; do
  now=$(wget -q -O - http://169.254.169.254/latest/meta-data/spot/instance-action 2>/dev/null) || continue
  [ "$now" = "$told" ] && continue
  told=$now
  echo "notice: $(echo $now)"
  echo "rebalance: $(wget -q -O - http://169.254.169.254/latest/meta-data/events/recommendations/rebalance | tr -d '\\n')"
done
"""
SPOT = {"MarketType": "spot"}


def instance_of(aws, instance):
    return aws.ec2.describe_instances(InstanceIds=[instance])["Reservations"][0]["Instances"][0]


def request_of(aws, instance):
    (found,) = aws.ec2.describe_spot_instance_requests(Filters=[{"Name": "instance-id", "Values": [instance]}])["SpotInstanceRequests"]
    return found


def status(aws, instance):
    found = request_of(aws, instance)
    return found["State"], found["Status"]["Code"]


def test_a_request_goes_with_its_instance(aws, image, network):
    options = {**SPOT, "SpotOptions": {"MaxPrice": "0.01", "SpotInstanceType": "one-time", "InstanceInterruptionBehavior": "terminate"}}
    template = aws.ec2.create_launch_template(LaunchTemplateName="spot", LaunchTemplateData={
        "ImageId": image, "InstanceType": "t3.nano", "InstanceMarketOptions": options,
        "TagSpecifications": tags("spot-instances-request", Team="web")})["LaunchTemplate"]["LaunchTemplateId"]
    ran = aws.ec2.run_instances(LaunchTemplate={"LaunchTemplateId": template}, SubnetId=network.subnets[0], MinCount=1, MaxCount=1)["Instances"][0]
    instance, request = ran["InstanceId"], ran["SpotInstanceRequestId"]
    assert ran["InstanceLifecycle"] == "spot" and request.startswith("sir-")
    waiter(aws.ec2, "spot_instance_request_fulfilled", SpotInstanceRequestIds=[request])
    waiter(aws.ec2, "instance_running", InstanceIds=[instance])
    found = request_of(aws, instance)
    assert (found["Type"], found["SpotPrice"], found["InstanceInterruptionBehavior"]) == ("one-time", "0.01", "terminate")
    assert found["LaunchSpecification"]["InstanceType"] == "t3.nano" and found["Tags"] == [{"Key": "Team", "Value": "web"}]
    spots = [i["InstanceId"] for r in aws.ec2.describe_instances(Filters=[{"Name": "instance-lifecycle", "Values": ["spot"]}])["Reservations"]
             for i in r["Instances"]]
    assert instance in spots
    assert "spot" in aws.ec2.describe_instance_types(InstanceTypes=["t3.nano"])["InstanceTypes"][0]["SupportedUsageClasses"]
    aws.ec2.create_tags(Resources=[request], Tags=[{"Key": "Owner", "Value": "me"}])
    assert aws.ec2.describe_spot_instance_requests(Filters=[{"Name": "tag:Owner", "Values": ["me"]}])["SpotInstanceRequests"][0]["InstanceId"] == instance
    with refused("UnsupportedOperation", "one-time Spot Instance request"):
        aws.ec2.stop_instances(InstanceIds=[instance])
    (cancelled,) = aws.ec2.cancel_spot_instance_requests(SpotInstanceRequestIds=[request])["CancelledSpotInstanceRequests"]
    assert cancelled == {"SpotInstanceRequestId": request, "State": "cancelled"}
    assert status(aws, instance) == ("cancelled", "request-canceled-and-instance-running")
    assert instance_of(aws, instance)["State"]["Name"] == "running"
    aws.ec2.terminate_instances(InstanceIds=[instance])
    assert status(aws, instance) == ("cancelled", "instance-terminated-by-user")
    with refused("InvalidSpotInstanceRequestID.NotFound"):
        aws.ec2.describe_spot_instance_requests(SpotInstanceRequestIds=["sir-0123456789abcdef0"])
    aws.ec2.delete_launch_template(LaunchTemplateId=template)


@pytest.mark.parametrize("code, text, options", [
    ("UnsupportedOperation", "SpotInstanceType", {"SpotInstanceType": "persistent"}),
    ("UnsupportedOperation", "InstanceInterruptionBehavior", {"InstanceInterruptionBehavior": "hibernate"}),
    ("UnsupportedOperation", "BlockDurationMinutes", {"BlockDurationMinutes": 60}),
    ("InvalidParameterValue", "MaxPrice", {"MaxPrice": "cheap"}),
])
def test_refused_options(aws, image, network, code, text, options):
    with refused(code, text):
        aws.ec2.run_instances(ImageId=image, InstanceType="t3.nano", SubnetId=network.subnets[0], MinCount=1, MaxCount=1,
                              InstanceMarketOptions={**SPOT, "SpotOptions": options})


def test_types_by_requirements(aws):
    def types(**wanted):
        pages = aws.ec2.get_paginator("get_instance_types_from_instance_requirements").paginate(
            ArchitectureTypes=["x86_64"], VirtualizationTypes=["hvm"], PaginationConfig={"PageSize": 2},
            InstanceRequirements={"VCpuCount": {"Min": 2, "Max": 2}, "MemoryMiB": {"Min": 4096, "Max": 8192}, **wanted})
        return [t["InstanceType"] for page in pages for t in page["InstanceTypes"]]

    assert types() == ["c5.large", "c6i.large", "m5.large", "m6i.large"]
    assert types(AllowedInstanceTypes=["m*"], MemoryGiBPerVCpu={"Min": 4}) == ["m5.large", "m6i.large"]
    assert types(BurstablePerformance="required", CpuManufacturers=["amd"]) == ["t3a.large", "t3a.medium"]
    assert types(AcceleratorCount={"Min": 1}) == []
    with refused("UnsupportedOperation", "NetworkBandwidthGbps"):
        types(NetworkBandwidthGbps={"Min": 1})


@pytest.fixture(scope="module")
def small():
    """A cloud of its own whose instances may take 3 GiB, three of t3.micro, and whose two minutes are six seconds."""
    made = clouds.Cloud(instance_memory_mib=3072, time_scale=20)
    try:
        made.start()
        aws = SimpleNamespace(**{service: made.client(service) for service in ("ec2", "autoscaling")}, cloud=made)
        tarball = clouds.make_image(made.root / "busybox.tar")
        aws.image = aws.ec2.register_image(Name="busybox", ImageLocation=f"file://{tarball}", Architecture="x86_64", RootDeviceName="/dev/xvda",
                                           VirtualizationType="hvm")["ImageId"]
        waiter(aws.ec2, "image_available", ImageIds=[aws.image])
        yield aws
    finally:
        made.down()


def run(aws, **more):
    return aws.ec2.run_instances(**{"ImageId": aws.image, "InstanceType": "t3.micro", "MinCount": 1, "MaxCount": 1, **more})["Instances"][0]["InstanceId"]


def fits(aws, **more):
    """The id of what was launched; None while there is no room."""
    try:
        return run(aws, **more)
    except ClientError as error:
        assert error.response["Error"]["Code"] == "InsufficientInstanceCapacity", error
        return None


def running(aws):
    found = aws.ec2.describe_instances(Filters=[{"Name": "instance-state-name", "Values": ["pending", "running", "shutting-down"]}])
    return [i["InstanceId"] for r in found["Reservations"] for i in r["Instances"]]


def cleared(aws):
    if running(aws):
        aws.ec2.terminate_instances(InstanceIds=running(aws))
    eventually(lambda: not running(aws), 60, what="all instances are gone")


def test_spot_gives_way_with_notice(small):
    spots = [run(small, InstanceMarketOptions=SPOT, UserData=WATCHES) for _ in range(3)]
    waiter(small.ec2, "instance_running", InstanceIds=spots)
    with refused("InsufficientInstanceCapacity", "There is no Spot capacity available that matches your request."):
        run(small, InstanceMarketOptions=SPOT)
    assert {status(small, i) for i in spots} == {("active", "fulfilled")}
    youngest = max((request_of(small, i) for i in spots), key=lambda r: (r["CreateTime"], r["SpotInstanceRequestId"]))["InstanceId"]
    with refused("InsufficientInstanceCapacity", "t3.micro"):
        run(small)
    eventually(lambda: status(small, youngest) == ("active", "marked-for-termination"), 5, "it has got its notice")
    small.cloud.kill()
    small.cloud.start()
    assert status(small, youngest) == ("active", "marked-for-termination")
    end = json.loads(eventually(lambda: next((line.removeprefix("notice: ") for line in console(small, youngest) if line.startswith("notice: ")), None),
                                10, "the instance has seen its notice"))
    assert end["action"] == "terminate" and end["time"].endswith("Z")
    eventually(lambda: any("noticeTime" in line for line in console(small, youngest)), 5, "and a rebalance recommendation")
    on_demand = eventually(lambda: fits(small), 40, "the On-Demand Instance has the room", every=0.5)
    assert status(small, youngest) == ("closed", "instance-terminated-no-capacity")
    ended = instance_of(small, youngest)
    assert ended["State"]["Name"] == "terminated" and ended["StateReason"]["Code"] == "Server.SpotInstanceTermination"
    waiter(small.ec2, "instance_running", InstanceIds=[on_demand])
    assert {status(small, i) for i in spots if i != youngest} == {("active", "fulfilled")}
    cleared(small)


def console(aws, instance):
    return aws.ec2.get_console_output(InstanceId=instance, Latest=True).get("Output", "").splitlines()


def test_a_group_replaces_what_was_interrupted(small):
    template = small.ec2.create_launch_template(LaunchTemplateName="web", LaunchTemplateData={"ImageId": small.image})["LaunchTemplate"]["LaunchTemplateId"]
    small.autoscaling.create_auto_scaling_group(
        AutoScalingGroupName="web", MinSize=0, MaxSize=5, DesiredCapacity=3, AvailabilityZones=[f"{clouds.REGION}a", f"{clouds.REGION}b"],
        MixedInstancesPolicy={
            "LaunchTemplate": {"LaunchTemplateSpecification": {"LaunchTemplateId": template, "Version": "1"}, "Overrides": [{"InstanceType": "t3.micro"}]},
            "InstancesDistribution": {"OnDemandBaseCapacity": 1, "OnDemandPercentageAboveBaseCapacity": 0,
                                      "SpotAllocationStrategy": "price-capacity-optimized", "SpotMaxPrice": "0.05"}})

    def kinds(members):
        return sorted(instance_of(small, m["InstanceId"]).get("InstanceLifecycle", "on-demand") for m in members)

    members = in_service(small, 3, "web")
    assert kinds(members) == ["on-demand", "spot", "spot"]
    assert {request_of(small, m["InstanceId"])["SpotPrice"] for m in members
            if instance_of(small, m["InstanceId"]).get("InstanceLifecycle")} == {"0.05"}
    outside = eventually(lambda: fits(small), 60, "an On-Demand Instance has the room of a Spot Instance", every=0.5)
    assert "an EC2 health check indicating it has been terminated or stopped." in activity(small, "Terminating EC2 instance", name="web")["Cause"]
    failed = activity(small, "Launching a new EC2 instance", "Failed", "web")
    assert "There is no Spot capacity available that matches your request." in failed["StatusMessage"]
    assert kinds(in_service(small, 2, "web")) == ["on-demand", "spot"]
    small.ec2.terminate_instances(InstanceIds=[outside])
    eventually(lambda: kinds([m for m in group(small, "web")["Instances"] if m["LifecycleState"] == "InService"]) == ["on-demand", "spot", "spot"],
               120, "the group has its Spot Instance again")
    small.autoscaling.delete_auto_scaling_group(AutoScalingGroupName="web", ForceDelete=True)
    eventually(lambda: group(small, "web") is None, 60, what="the group is gone")
    cleared(small)
