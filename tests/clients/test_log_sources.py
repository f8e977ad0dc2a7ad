"""What Brume itself writes into log groups: access logs, consoles, and who called what; each line once, whatever is killed."""

import json
import os
import time
from collections import Counter

import boto3
import pytest
from botocore.config import Config

import cloud as clouds
from api import refused, waiter
from cloud import eventually, free_port, get

ACCOUNT = "000000000000"
AUDIT = ("/brume/audit", f"{ACCOUNT}_CloudTrail_{clouds.REGION}")


@pytest.fixture(scope="module")
def own():
    """A Brume of these tests' own, since its daemon is killed."""
    made = clouds.Cloud()
    try:
        yield made.start()
    finally:
        made.down()


def messages(own, group, stream=None, pattern=None):
    """All messages of a group, or of a stream in it; none if there is no such group."""
    logs = own.client("logs")
    request = {"logGroupName": group, **({"logStreamNames": [stream]} if stream else {}), **({"filterPattern": pattern} if pattern else {})}
    found = []
    try:
        for page in logs.get_paginator("filter_log_events").paginate(**request):
            found += [event["message"] for event in page["events"]]
    except logs.exceptions.ResourceNotFoundException:
        return []
    return found


def retention(own, group):
    return own.client("logs").describe_log_groups(logGroupNamePrefix=group)["logGroups"][0]["retentionInDays"]


@pytest.fixture(scope="module")
def balancer(own):
    """A load balancer that answers everything itself: its ARN and its address."""
    ec2, elb = own.client("ec2"), own.client("elbv2")
    subnets = ec2.describe_subnets(Filters=[{"Name": "default-for-az", "Values": ["true"]}])["Subnets"][:2]
    group = ec2.create_security_group(GroupName="all", Description="all", VpcId=subnets[0]["VpcId"])["GroupId"]
    ec2.authorize_security_group_ingress(GroupId=group, IpProtocol="tcp", FromPort=1, ToPort=65535, CidrIp="0.0.0.0/0")
    arn = elb.create_load_balancer(Name="logged", Subnets=[s["SubnetId"] for s in subnets],
                                   SecurityGroups=[group])["LoadBalancers"][0]["LoadBalancerArn"]
    port = free_port()
    elb.create_listener(LoadBalancerArn=arn, Protocol="HTTP", Port=port, DefaultActions=[
        {"Type": "fixed-response", "FixedResponseConfig": {"StatusCode": "200", "ContentType": "text/plain", "MessageBody": "hello"}}])
    url = f"http://127.0.0.1:{port}"

    def answers():
        try:
            return get(url)[0] == 200
        except OSError:
            return False

    eventually(answers, 30, "the load balancer answers")
    return arn, url


def test_access_logs(own, balancer):
    arn, url = balancer
    elb = own.client("elbv2")

    def modify(**values):
        changed = [{"Key": f"access_logs.s3.{key}", "Value": value} for key, value in values.items()]
        answer = elb.modify_load_balancer_attributes(LoadBalancerArn=arn, Attributes=changed)
        return {a["Key"]: a["Value"] for a in answer["Attributes"]}

    with refused("InvalidConfigurationRequest", "access_logs.s3.bucket"):
        modify(enabled="true")
    with refused("ValidationError"):
        modify(enabled="yes", bucket="logs")
    assert get(url + "/before")[0] == 200
    assert modify(enabled="true", bucket="logs", prefix="web")["access_logs.s3.bucket"] == "logs"

    group, stream = "/aws/elasticloadbalancing/logged", arn.split("loadbalancer/")[1]

    def logged(path):
        get(url + path)
        return messages(own, group, stream, f'"{path}"')

    line = eventually(lambda: logged("/first"), 30, "a request is logged", every=0.5)[0]
    assert retention(own, group) == 14
    fields = line.split(" ")
    assert fields[0] == "http" and fields[2] == stream and fields[3].startswith("127.0.0.1:")
    assert fields[4:10] == ["-", "-1", "-1", "-1", "200", "-"]
    assert f'"GET {url}/first HTTP/1.1" "Python-urllib/' in line
    assert '"Root=1-' in line and ' 0 2' in line and '"fixed-response" "-" "-" "-" "-" "-" "-" TID_' in line
    assert not messages(own, group, stream, '"/before"')

    # The daemon is killed, is away, and comes back.
    for i in range(100):
        if i == 40:
            own.kill()
        if i == 80:
            own.start()
        assert get(f"{url}/number/{i}")[0] == 200
        time.sleep(0.05)
    wanted = Counter({f"/number/{i}": 1 for i in range(100)})

    def numbers():
        return Counter(line.split('"')[1].split(" ")[1].removeprefix(url) for line in messages(own, group, stream, '"/number/"'))

    eventually(lambda: numbers() == wanted, 30, "every request is logged, once", every=0.5)
    time.sleep(3)
    assert numbers() == wanted

    # The process itself is killed while nobody is there to take what it wrote.
    own.kill()
    for i in range(10):
        assert get(f"{url}/last/{i}")[0] == 200
    time.sleep(3)
    os.kill(int((own.root / "run/lb.pid").read_text().split()[0]), 9)
    own.start()

    def last():
        return Counter(line.split('"')[1].split(" ")[1].removeprefix(url) for line in messages(own, group, stream, '"/last/"'))

    eventually(lambda: last() == Counter({f"/last/{i}": 1 for i in range(10)}), 30, "what it wrote is not lost", every=0.5)
    assert numbers() == wanted

    own.client("elbv2").modify_load_balancer_attributes(
        LoadBalancerArn=arn, Attributes=[{"Key": "access_logs.s3.enabled", "Value": "false"}])
    eventually(lambda: not (own.root / "lib/access-logs" / clouds.REGION / stream.replace("/", ".")).exists(), 30, "the spool is gone")


PRINTS = """#!/bin/sh
i=0
while [ $i -lt 200 ]; do i=$((i + 1)); echo "line $i of 200"; usleep 40000; done
echo "the last words"
"""


def test_consoles(own, tarball):
    ec2 = own.client("ec2")
    image = ec2.register_image(Name="busybox", ImageLocation=f"file://{tarball}", Architecture="x86_64",
                               RootDeviceName="/dev/xvda", VirtualizationType="hvm")["ImageId"]
    waiter(ec2, "image_available", ImageIds=[image])
    instance = ec2.run_instances(ImageId=image, InstanceType="t2.micro", MinCount=1, MaxCount=1, UserData=PRINTS)["Instances"][0]["InstanceId"]
    eventually(lambda: messages(own, "/brume/console", instance, '"line 20 of"'), 60, "its lines arrive", every=0.5)
    own.kill()
    own.start()
    # It is gone before anybody has looked at what it printed last.
    eventually(lambda: "the last words" in ec2.get_console_output(InstanceId=instance)["Output"], 60, "it has printed all", every=0.1)
    ec2.terminate_instances(InstanceIds=[instance])
    waiter(ec2, "instance_terminated", InstanceIds=[instance])
    found = eventually(lambda: messages(own, "/brume/console", instance) if messages(own, "/brume/console", instance, '"the last words"') else None,
                       30, "its last words arrive", every=0.5)
    lines = Counter(message for message in found if message.startswith("line "))
    assert lines == Counter({f"line {i} of 200": 1 for i in range(1, 201)})
    assert Counter(found)["the last words"] == 1
    assert retention(own, "/brume/console") == 14
    eventually(lambda: not (own.root / "lib/consoles" / instance).exists(), 30, "its console is forgotten")
    own.kill()
    own.start()
    time.sleep(6)
    assert Counter(messages(own, "/brume/console", instance)) == Counter(found)


def records(own, event):
    return [json.loads(m) for m in messages(own, *AUDIT) if f'"eventName":"{event}"' in m]


def test_audit(own):
    trust = {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Principal": {"AWS": f"arn:aws:iam::{ACCOUNT}:root"}, "Action": "sts:AssumeRole"}]}
    iam, sts, ec2 = own.client("iam"), own.client("sts"), own.client("ec2")
    role = iam.create_role(RoleName="nobody", AssumeRolePolicyDocument=json.dumps(trust))["Role"]["Arn"]
    keys = sts.assume_role(RoleArn=role, RoleSessionName="me")["Credentials"]
    denied = boto3.Session(keys["AccessKeyId"], keys["SecretAccessKey"], keys["SessionToken"], region_name=clouds.REGION).client(
        "ec2", endpoint_url=own.endpoint, config=Config(retries={"total_max_attempts": 1}, proxies={}))
    vpc = ec2.create_vpc(CidrBlock="10.99.0.0/16")
    ec2.create_key_pair(KeyName="mine")
    ec2.describe_vpcs()
    with refused("UnauthorizedOperation"):
        denied.describe_vpcs()
    with refused("InvalidVpcID.NotFound"):
        ec2.delete_vpc(VpcId="vpc-00000000")

    made = eventually(lambda: records(own, "CreateVpc"), 10, "the call is recorded")
    assert len(made) == 1 and retention(own, "/brume/audit") == 14
    made = made[0]
    assert made["requestID"] == vpc["ResponseMetadata"]["RequestId"]
    assert made["requestParameters"] == {"cidrBlock": "10.99.0.0/16"}
    assert made["responseElements"]["vpc"]["vpcId"] == vpc["Vpc"]["VpcId"]
    assert made["userIdentity"]["type"] == "Root" and made["userIdentity"]["arn"] == f"arn:aws:iam::{ACCOUNT}:root"
    assert (made["eventSource"], made["awsRegion"], made["sourceIPAddress"], made["readOnly"], made["recipientAccountId"]) == (
        "ec2.amazonaws.com", clouds.REGION, "127.0.0.1", False, ACCOUNT)
    assert "Boto3" in made["userAgent"]

    no = eventually(lambda: records(own, "DescribeVpcs"), 10, "the denied call is recorded")
    assert len(no) == 1, "reads that succeed are not recorded"
    assert no[0]["errorCode"] == "Client.UnauthorizedOperation" and "not authorized" in no[0]["errorMessage"]
    assert no[0]["userIdentity"]["type"] == "AssumedRole" and no[0]["userIdentity"]["arn"].endswith("assumed-role/nobody/me")
    assert no[0]["userIdentity"]["accessKeyId"] == keys["AccessKeyId"] and no[0]["responseElements"] is None
    assert records(own, "DeleteVpc")[0]["errorCode"] == "Client.InvalidVpcID.NotFound"

    # No secret is in it.
    text = "\n".join(messages(own, *AUDIT))
    assert keys["SecretAccessKey"] not in text and keys["SessionToken"] not in text and "PRIVATE KEY" not in text
    assert records(own, "CreateKeyPair")[0]["responseElements"]["keyMaterial"] == "HIDDEN_DUE_TO_SECURITY_REASONS"

    # Killed: what is older than a second is there, once. Ended: all is.
    time.sleep(1.5)
    before = Counter(r["eventID"] for r in map(json.loads, messages(own, *AUDIT)))
    own.kill()
    own.start()
    after = Counter(r["eventID"] for r in map(json.loads, messages(own, *AUDIT)))
    assert before - after == Counter() and set(after.values()) == {1}
    last = own.client("ec2").create_vpc(CidrBlock="10.98.0.0/16")["Vpc"]["VpcId"]
    own.kill(15)
    own.start()
    assert [r["responseElements"]["vpc"]["vpcId"] for r in records(own, "CreateVpc")].count(last) == 1
