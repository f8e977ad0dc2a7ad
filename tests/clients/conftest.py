"""One live daemon for all tests of a run, and a record of which operations it has answered."""

from pathlib import Path
from types import SimpleNamespace

import pytest
from botocore.exceptions import ClientError

import cloud as clouds
from api import tags, waiter
from cloud import eventually

SOURCE = Path(__file__).resolve().parents[2]
SERVICES = ("ec2", "autoscaling", "cloudwatch", "elbv2", "cloudformation", "iam", "logs", "ssm", "sts")
answered = {service: set() for service in SERVICES}


def pytest_configure(config):
    reason = clouds.missing()
    if reason:
        pytest.exit(f"SKIP: {reason}", returncode=clouds.SKIPPED)


def pytest_collection_modifyitems(items):
    # What looks back on all others comes last.
    items.sort(key=lambda item: item.get_closest_marker("last") is not None)


@pytest.fixture(scope="session")
def cloud(request):
    made = clouds.Cloud()
    record(made, SERVICES)
    try:
        yield made.start()
    finally:
        if request.session.testsfailed:
            print(f"\nThe daemon's last words:\n{made.tail(100)}")
        made.down()


def event_name(service):
    return {"elbv2": "elastic-load-balancing-v2", "autoscaling": "auto-scaling"}.get(service, service)


def record(made, services):
    """What a cloud answers to clients of these services counts as answered."""
    for service in services:
        made.handlers.append((f"after-call.{event_name(service)}.*", recorder(service)))


def recorder(service):
    def after_call(http_response, model, **_):
        if http_response.status_code < 300:
            answered[service].add(model.name)

    return after_call


@pytest.fixture(scope="session")
def aws(cloud):
    """A boto3 client for each service: aws.ec2, aws.autoscaling, …"""
    return SimpleNamespace(**{service: cloud.client(service) for service in SERVICES})


@pytest.fixture(scope="session")
def operations():
    """What is to be answered, by service: codegen/operations/*.txt. And what has been."""
    wanted = {}
    for service in SERVICES:
        lines = (SOURCE / f"codegen/operations/{service}.txt").read_text().splitlines()
        wanted[service] = {line.strip() for line in lines if line.strip() and not line.startswith("#")}
    return SimpleNamespace(wanted=wanted, answered=answered)


@pytest.fixture(scope="session")
def tarball(cloud):
    return clouds.make_image(cloud.root / "busybox.tar")


@pytest.fixture(scope="session")
def image(aws, tarball):
    """An image with busybox, imported and available."""
    made = aws.ec2.register_image(Name="busybox", ImageLocation=f"file://{tarball}", Architecture="x86_64",
                                  RootDeviceName="/dev/xvda", VirtualizationType="hvm")["ImageId"]
    waiter(aws.ec2, "image_available", ImageIds=[made])
    return made


@pytest.fixture(scope="session")
def network(aws):
    """A VPC with two subnets in two zones and a group that lets in port 80 and those of free_port(); what stands on it is to
    be gone at the end."""
    ec2 = aws.ec2
    vpc = ec2.create_vpc(CidrBlock="10.20.0.0/16", TagSpecifications=tags("vpc", Name="shared"))["Vpc"]["VpcId"]
    subnets = [ec2.create_subnet(VpcId=vpc, CidrBlock=f"10.20.{i}.0/24", AvailabilityZone=f"{clouds.REGION}{zone}")["Subnet"]["SubnetId"]
               for i, zone in ((1, "a"), (2, "b"))]
    group = ec2.create_security_group(GroupName="web", Description="HTTP", VpcId=vpc)["GroupId"]
    ec2.authorize_security_group_ingress(GroupId=group, IpProtocol="tcp", FromPort=80, ToPort=80, CidrIp="0.0.0.0/0")
    ec2.authorize_security_group_ingress(GroupId=group, IpProtocol="tcp", FromPort=20000, ToPort=29999, CidrIp="0.0.0.0/0")
    yield SimpleNamespace(vpc=vpc, subnets=subnets, group=group)

    def gone():
        try:
            for subnet in ec2.describe_subnets(Filters=[{"Name": "vpc-id", "Values": [vpc]}])["Subnets"]:
                ec2.delete_subnet(SubnetId=subnet["SubnetId"])
            return True
        except ClientError as error:
            assert error.response["Error"]["Code"] == "DependencyViolation", error
            return False

    eventually(gone, 60, "nothing uses the subnets any more")
    ec2.delete_security_group(GroupId=group)
    ec2.delete_vpc(VpcId=vpc)
