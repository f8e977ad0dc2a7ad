"""What a role's temporary keys may do, and what an instance is told by its metadata service; by the real clients."""

import base64
import json
import os
import socket
import socketserver
import subprocess
import threading
import urllib.error
import urllib.request
from types import SimpleNamespace

import boto3
import pytest
from botocore.config import Config
from botocore.utils import InstanceMetadataFetcher

import cloud as clouds
from api import refused, waiter

ACCOUNT = "000000000000"


def trust(**principal):
    return json.dumps({"Version": "2012-10-17",
                       "Statement": [{"Effect": "Allow", "Principal": principal, "Action": "sts:AssumeRole"}]})


def policy(*actions, resource="*"):
    return json.dumps({"Version": "2012-10-17",
                       "Statement": [{"Effect": "Allow", "Action": list(actions), "Resource": resource}]})


@pytest.fixture
def role(aws):
    """Makes a role with an inline policy; takes it away afterwards."""
    made = []

    def make(name, trusts, document):
        arn = aws.iam.create_role(RoleName=name, AssumeRolePolicyDocument=trusts)["Role"]["Arn"]
        made.append(name)
        aws.iam.put_role_policy(RoleName=name, PolicyName="p", PolicyDocument=document)
        return arn

    yield make
    for name in made:
        aws.iam.delete_role_policy(RoleName=name, PolicyName="p")
        aws.iam.delete_role(RoleName=name)


def clients(cloud, keys):
    session = boto3.Session(keys["AccessKeyId"], keys["SecretAccessKey"], keys["SessionToken"], region_name=clouds.REGION)
    return lambda service: session.client(service, endpoint_url=cloud.endpoint,
                                          config=Config(retries={"total_max_attempts": 1}, proxies={}))


def test_assumed_role(cloud, aws, role):
    arn = role("reader", trust(AWS=f"arn:aws:iam::{ACCOUNT}:root"), policy("ec2:Describe*", "ssm:GetParameter"))
    answer = aws.sts.assume_role(RoleArn=arn, RoleSessionName="me")
    assert answer["AssumedRoleUser"]["Arn"] == f"arn:aws:sts::{ACCOUNT}:assumed-role/reader/me"
    as_reader = clients(cloud, answer["Credentials"])
    identity = as_reader("sts").get_caller_identity()
    assert identity["Arn"] == f"arn:aws:sts::{ACCOUNT}:assumed-role/reader/me"
    assert identity["UserId"] == answer["AssumedRoleUser"]["AssumedRoleId"]
    as_reader("ec2").describe_instances()
    # Each protocol has its own way of saying no.
    user = f"User: arn:aws:sts::{ACCOUNT}:assumed-role/reader/me is not authorized to perform: "
    with refused("UnauthorizedOperation", user + "ec2:CreateVpc because no identity-based policy", 403):
        as_reader("ec2").create_vpc(CidrBlock="10.99.0.0/16")
    with refused("AccessDenied", user + "autoscaling:DescribeAutoScalingGroups because", 403):
        as_reader("autoscaling").describe_auto_scaling_groups()
    with refused("AccessDeniedException", user + "ssm:PutParameter on resource: arn:aws:ssm:", 400):
        as_reader("ssm").put_parameter(Name="x", Value="y", Type="String")
    with refused("AccessDenied", "Cannot call GetSessionToken with session credentials"):
        as_reader("sts").get_session_token()
    wrong = dict(answer["Credentials"], SessionToken=answer["Credentials"]["SessionToken"][:-8] + "AAAAAAA=")
    with refused("InvalidClientTokenId", status=403):
        clients(cloud, wrong)("sts").get_caller_identity()
    with refused("UnrecognizedClientException"):
        clients(cloud, wrong)("ssm").get_parameter(Name="x")
    with refused("AuthFailure"):
        clients(cloud, wrong)("ec2").describe_instances()


def test_who_may_assume(cloud, aws, role):
    arn = role("for-ec2", trust(Service="ec2.amazonaws.com"), policy("*"))
    with refused("AccessDenied", "is not authorized to perform: sts:AssumeRole on resource: " + arn, 403):
        aws.sts.assume_role(RoleArn=arn, RoleSessionName="me")


def test_session_of_the_owner(cloud, aws):
    keys = aws.sts.get_session_token()["Credentials"]
    session = clients(cloud, keys)
    assert session("sts").get_caller_identity()["Arn"] == f"arn:aws:iam::{ACCOUNT}:root"
    session("ec2").describe_vpcs()
    with refused("InvalidClientTokenId"):
        session("iam").list_roles()


class InNamespace(socketserver.ThreadingTCPServer):
    """A loopback port that leads into an instance's network namespace: what arrives there comes from the instance."""

    allow_reuse_address = True
    daemon_threads = True

    def __init__(self, namespace, port):
        self.namespace, self.target = namespace, port
        super().__init__(("127.0.0.1", 0), Forward)
        threading.Thread(target=self.serve_forever, daemon=True).start()

    @property
    def url(self):
        return f"http://127.0.0.1:{self.server_address[1]}"


class Forward(socketserver.BaseRequestHandler):
    def handle(self):
        done = subprocess.Popen(["nsenter", f"--net={self.server.namespace}", clouds.BUSYBOX, "nc", "169.254.169.254",
                                 str(self.server.target)], stdin=subprocess.PIPE, stdout=subprocess.PIPE)

        def upstream():
            try:
                while data := self.request.recv(65536):
                    done.stdin.write(data)
                    done.stdin.flush()
            except OSError:
                pass

        threading.Thread(target=upstream, daemon=True).start()
        try:
            while data := os.read(done.stdout.fileno(), 65536):
                self.request.sendall(data)
            self.request.shutdown(socket.SHUT_RDWR)
        except OSError:
            pass
        done.kill()
        done.wait()


@pytest.fixture
def instance(cloud, aws, image, network, role):
    """A running instance whose role may describe instances; ports that lead to its metadata service and its API."""
    role("web", trust(Service="ec2.amazonaws.com"), policy("ec2:Describe*"))
    aws.iam.create_instance_profile(InstanceProfileName="web")
    aws.iam.add_role_to_instance_profile(InstanceProfileName="web", RoleName="web")
    name = aws.ec2.run_instances(ImageId=image, InstanceType="t3.micro", MinCount=1, MaxCount=1, SubnetId=network.subnets[0],
                                 UserData="#!/bin/sh\nexec sleep 99999\n", IamInstanceProfile={"Name": "web"})["Instances"][0]["InstanceId"]
    servers = []
    try:
        waiter(aws.ec2, "instance_running", InstanceIds=[name])
        servers = [InNamespace(cloud.root / "run/netns" / name, port) for port in (80, 4566)]
        yield SimpleNamespace(id=name, metadata=servers[0].url, api=servers[1].url)
    finally:
        for server in servers:
            server.shutdown()
            server.server_close()
        aws.ec2.terminate_instances(InstanceIds=[name])
        waiter(aws.ec2, "instance_terminated", InstanceIds=[name])
        aws.iam.remove_role_from_instance_profile(InstanceProfileName="web", RoleName="web")
        aws.iam.delete_instance_profile(InstanceProfileName="web")


def test_instance(cloud, aws, instance, tmp_path):
    token = ask(instance.metadata, "/latest/api/token", "PUT", {"X-aws-ec2-metadata-token-ttl-seconds": "60"})[1]

    def get(path):
        status, body = ask(instance.metadata, "/latest/" + path, headers={"X-aws-ec2-metadata-token": token})
        assert status == 200, (path, status)
        return body

    # botocore finds the role's keys as it does on EC2.
    fetched = InstanceMetadataFetcher(base_url=instance.metadata + "/", config={}).retrieve_iam_role_credentials()
    assert fetched["role_name"] == "web" and fetched["access_key"].startswith("ASIA")
    session = boto3.Session(fetched["access_key"], fetched["secret_key"], fetched["token"], region_name=clouds.REGION)
    wanted = f"arn:aws:sts::{ACCOUNT}:assumed-role/web/{instance.id}"
    for endpoint in (cloud.endpoint, instance.api):
        client = lambda service: session.client(service, endpoint_url=endpoint,
                                                config=Config(retries={"total_max_attempts": 1}, proxies={}))
        assert client("sts").get_caller_identity()["Arn"] == wanted
        found = client("ec2").describe_instances(InstanceIds=[instance.id])["Reservations"][0]["Instances"][0]
        assert found["InstanceId"] == instance.id
        with refused("UnauthorizedOperation"):
            client("ec2").terminate_instances(InstanceIds=[instance.id])
    # The owner's keys are no good where instances are.
    owner = cloud.environment_cache()
    with refused("InvalidClientTokenId"):
        boto3.client("sts", endpoint_url=instance.api, region_name=clouds.REGION, aws_access_key_id=owner["AWS_ACCESS_KEY_ID"],
                     aws_secret_access_key=owner["AWS_SECRET_ACCESS_KEY"]).get_caller_identity()
    assert json.loads(get("meta-data/iam/security-credentials/web"))["AccessKeyId"] == fetched["access_key"]
    assert json.loads(get("meta-data/iam/info"))["InstanceProfileArn"] == f"arn:aws:iam::{ACCOUNT}:instance-profile/web"

    # The identity document, verified as AWS's documentation has it.
    (tmp_path / "certificate").write_text(cloud.run("env", "--certificate").stdout)
    (tmp_path / "document").write_text(get("dynamic/instance-identity/document"))
    (tmp_path / "signature").write_bytes(base64.b64decode(get("dynamic/instance-identity/signature")))
    (tmp_path / "rsa2048").write_text("-----BEGIN PKCS7-----\n" + get("dynamic/instance-identity/rsa2048") + "\n-----END PKCS7-----\n")
    openssl = lambda *a: subprocess.run(["openssl", *a], cwd=tmp_path, check=True, capture_output=True, text=True).stdout
    (tmp_path / "key").write_text(openssl("x509", "-pubkey", "-noout", "-in", "certificate"))
    assert "Verified OK" in openssl("dgst", "-sha256", "-verify", "key", "-signature", "signature", "document")
    content = openssl("smime", "-verify", "-in", "rsa2048", "-inform", "PEM", "-certfile", "certificate", "-noverify")
    assert json.loads(content)["instanceId"] == instance.id
    openssl("smime", "-verify", "-in", "rsa2048", "-inform", "PEM", "-content", "document", "-certfile", "certificate", "-noverify")


def ask(base, path, method="GET", headers=None):
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    try:
        with opener.open(urllib.request.Request(base + path, method=method, headers=headers or {}), timeout=5) as answer:
            return answer.status, answer.read().decode()
    except urllib.error.HTTPError as error:
        return error.code, error.read().decode()
