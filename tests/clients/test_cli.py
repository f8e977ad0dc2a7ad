"""The AWS CLI, in a shell that `brume env` has told where to go: `eval "$(brume env)"` and then plain `aws …`."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

import cloud as clouds
from cloud import eventually

TEMPLATE = """
Parameters:
  Range: {Type: String}
  Zone: {Type: String, Default: "0"}
Resources:
  Vpc: {Type: AWS::EC2::VPC, Properties: {CidrBlock: !Ref Range, Tags: [{Key: Name, Value: by-cli}]}}
  Subnet: {Type: AWS::EC2::Subnet, Properties: {VpcId: !Ref Vpc, CidrBlock: !Select [0, !Cidr [!Ref Range, 2, 8]], AvailabilityZone: !Select [!Ref Zone, !GetAZs ""]}}
Outputs:
  VpcId: {Value: !Ref Vpc}
"""


@pytest.fixture(scope="module")
def shell(cloud, tmp_path_factory):
    """shell(command) in a folder of its own, where a user's AWS settings play no part."""
    home = tmp_path_factory.mktemp("home")
    environment = {"PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}", "HOME": str(home), "LC_ALL": "C.UTF-8", "AWS_PAGER": ""}

    def run(command, check=True):
        brume = f"'{clouds.program()}' --root '{cloud.root}'"
        done = subprocess.run(["bash", "-c", f'set -euo pipefail\neval "$({brume} env)"\n{command}'], cwd=home, env=environment,
                              capture_output=True, text=True, stdin=subprocess.DEVNULL, timeout=120)
        if check:
            assert done.returncode == 0, f"{command}\n{done.stdout}{done.stderr}"
        return done

    run.home = home
    return run


def test_the_clients_are_the_pinned_ones(shell):
    assert "aws-cli/1.45.11" in shell("aws --version").stdout


def test_looking_around(shell):
    for command in ("sts get-caller-identity", "ec2 describe-vpcs", "ec2 describe-instances", "ec2 describe-availability-zones",
                    "autoscaling describe-auto-scaling-groups", "elbv2 describe-load-balancers", "elbv2 describe-target-groups",
                    "cloudformation list-stacks", "iam list-roles", "ssm describe-parameters", "ec2 describe-images --owners self"):
        json.loads(shell(f"aws {command}").stdout or "{}")
    assert shell("aws sts get-caller-identity --query Account --output text").stdout.strip() == "000000000000"
    names = shell("aws ec2 describe-availability-zones --query 'AvailabilityZones[].ZoneName' --output text").stdout.split()
    assert names == ["ap-southeast-1a", "ap-southeast-1b", "ap-southeast-1c"]


def test_deploy_twice(shell):
    (shell.home / "stack.yaml").write_text(TEMPLATE)
    (shell.home / "parameters.json").write_text(json.dumps(["Range=10.80.0.0/16", "Zone=1"]))
    deploy = "aws cloudformation deploy --stack-name by-cli --template-file stack.yaml --parameter-overrides file://parameters.json"
    assert "Successfully created/updated stack - by-cli" in shell(deploy).stdout
    vpc = shell("aws cloudformation describe-stacks --stack-name by-cli --query 'Stacks[0].Outputs[0].OutputValue' --output text").stdout.strip()
    assert shell(f"aws ec2 describe-subnets --filters Name=vpc-id,Values={vpc} --query 'Subnets[].[AvailabilityZone,CidrBlock]' --output text").stdout.split() == [
        "ap-southeast-1b", "10.80.0.0/24"]
    again = shell(f"{deploy} --no-fail-on-empty-changeset")
    assert "No changes to deploy. Stack by-cli is up to date" in again.stdout
    assert "UPDATE" not in shell("aws cloudformation describe-stack-events --stack-name by-cli --query 'StackEvents[].ResourceStatus'").stdout
    shell("aws cloudformation delete-stack --stack-name by-cli")
    eventually(lambda: "does not exist" in shell("aws cloudformation describe-stacks --stack-name by-cli", check=False).stderr, what="the stack is deleted")


def test_deploy_of_a_mistake(shell):
    (shell.home / "mistake.yaml").write_text(TEMPLATE.replace("CidrBlock: !Ref Range, Tags", "CidrBlok: !Ref Range, Tags"))
    failed = shell("aws cloudformation deploy --stack-name mistake --template-file mistake.yaml --parameter-overrides Range=10.81.0.0/16", check=False)
    assert failed.returncode != 0
    assert "Vpc" in failed.stderr and "CidrBlok" in failed.stderr and "(line 6)" in failed.stderr, failed.stderr
    assert "does not exist" in shell("aws cloudformation describe-stacks --stack-name mistake", check=False).stderr


def test_an_instance_by_hand(shell, image, network):
    made = shell(f"aws ec2 run-instances --image-id {image} --instance-type t2.micro --subnet-id {network.subnets[0]} "
                 "--user-data $'#!/bin/sh\\necho hello from user data' --query 'Instances[0].InstanceId' --output text").stdout.strip()
    shell(f"aws ec2 wait instance-running --instance-ids {made}")
    state = shell(f"aws ec2 describe-instances --instance-ids {made} --query 'Reservations[].Instances[].[State.Name,Placement.AvailabilityZone]' --output text").stdout.split()
    assert state == ["running", "ap-southeast-1a"]
    shell(f"for i in $(seq 100); do aws ec2 get-console-output --instance-id {made} --output text | grep -q 'hello from user data' && exit 0; done; exit 1")
    shell(f"aws ec2 create-tags --resources {made} --tags Key=Name,Value=by-hand")
    assert shell("aws ec2 describe-instances --filters Name=tag:Name,Values=by-hand --query 'Reservations[].Instances[].InstanceId' --output text").stdout.strip() == made
    shell(f"aws ec2 terminate-instances --instance-ids {made} > /dev/null; aws ec2 wait instance-terminated --instance-ids {made}")


def test_a_load_balancer_by_hand(shell, network):
    made = shell(f"aws elbv2 create-load-balancer --name by-hand --subnets {' '.join(network.subnets)} --scheme internal "
                 "--query 'LoadBalancers[0].LoadBalancerArn' --output text").stdout.strip()
    shell(f"aws elbv2 wait load-balancer-available --load-balancer-arns {made}")
    assert shell(f"aws elbv2 describe-load-balancers --names by-hand --query 'LoadBalancers[].State.Code' --output text").stdout.strip() == "active"
    shell(f"aws elbv2 delete-load-balancer --load-balancer-arn {made}; aws elbv2 wait load-balancers-deleted --load-balancer-arns {made}")


def test_errors_are_shown(shell):
    failed = shell("aws ec2 describe-vpcs --vpc-ids vpc-0123456789abcdef0", check=False)
    assert failed.returncode != 0
    assert "(InvalidVpcID.NotFound) when calling the DescribeVpcs operation: The vpc ID 'vpc-0123456789abcdef0' does not exist" in failed.stderr
    failed = shell("aws ec2 create-transit-gateway", check=False)
    assert "(NotImplemented)" in failed.stderr and "CreateTransitGateway" in failed.stderr
    failed = shell("AWS_SECRET_ACCESS_KEY=wrong aws ec2 describe-vpcs", check=False)
    assert "(AuthFailure)" in failed.stderr


def test_image_import(shell, cloud, tarball):
    brume = f"'{clouds.program()}' --root '{cloud.root}'"
    made = shell(f"{brume} image import '{tarball}' --name imported --parameter /imported/image").stdout.strip()
    assert shell(f"{brume} image import '{tarball}' --name imported").stdout.strip() == made  # it is there already
    assert shell("aws ssm get-parameter --name /imported/image --query Parameter.Value --output text").stdout.strip() == made
    failed = shell(f"{brume} image import /nowhere/at-all.tar", check=False)
    assert failed.returncode == 1 and failed.stderr.strip() == "brume: There is no /nowhere/at-all.tar"
    shell(f"aws ssm delete-parameter --name /imported/image; aws ec2 deregister-image --image-id {made}")
