"""Acknowledged means durable: a daemon that is killed between two requests, or in the middle of one, has lost nothing that it answered."""

import subprocess
import threading

import pytest

import cloud as clouds
from api import tags
from cloud import eventually


@pytest.fixture
def own():
    """A Brume of this test's own, since its daemon is killed."""
    made = clouds.Cloud()
    try:
        yield made.start()
    finally:
        made.down()


def test_what_was_answered_is_there_after_kill(own):
    before = own.environment()
    acknowledged, attempted = [], [0]

    def write():
        ec2 = own.client("ec2", read_timeout=10)
        for i in range(500):
            attempted[0] += 1
            try:
                acknowledged.append(ec2.create_vpc(CidrBlock="10.0.0.0/24", TagSpecifications=tags("vpc", Number=str(i)))["Vpc"]["VpcId"])
            except Exception:  # the daemon is gone
                return

    writer = threading.Thread(target=write)
    writer.start()
    eventually(lambda: len(acknowledged) >= 20, what="some are acknowledged", every=0.001)
    own.kill()
    writer.join()
    own.start()
    found = {v["VpcId"]: v for v in own.client("ec2").describe_vpcs()["Vpcs"]}
    assert [vpc for vpc in acknowledged if vpc not in found] == []
    assert all(found[vpc]["Tags"] for vpc in acknowledged)
    # The one that was under way may have come to be or not, but nothing else has.
    assert len([v for v in found.values() if not v["IsDefault"]]) - len(acknowledged) in (0, 1) and attempted[0] <= len(acknowledged) + 1
    assert own.environment() == before  # the same keys


def test_a_token_is_remembered_over_a_restart(own):
    ec2 = own.client("ec2")
    first = ec2.create_launch_template(LaunchTemplateName="once", ClientToken="token", LaunchTemplateData={"InstanceType": "t2.micro"})["LaunchTemplate"]
    own.kill()
    own.start()
    again = ec2.create_launch_template(LaunchTemplateName="once", ClientToken="token", LaunchTemplateData={"InstanceType": "t2.micro"})["LaunchTemplate"]
    assert again["LaunchTemplateId"] == first["LaunchTemplateId"]


def test_two_daemons_do_not_meet(own, tmp_path):
    second = own.run("daemon", check=False)
    assert second.returncode == 1 and "another daemon has the state open" in second.stdout + second.stderr
    (tmp_path / "etc").mkdir()
    (tmp_path / "etc/brume.json").write_text(f'{{"api_port": {own.port}}}')
    other = subprocess.run([clouds.program(), "--root", str(tmp_path), "daemon"], capture_output=True, text=True)
    assert other.returncode == 1 and f"Port {own.port} on 127.0.0.1 is in use by another program" in other.stdout + other.stderr


def test_settings_that_are_wrong_are_named(tmp_path):
    (tmp_path / "etc").mkdir()
    (tmp_path / "etc/brume.json").write_text('{"api_port": "many"}')
    done = subprocess.run([clouds.program(), "--root", str(tmp_path), "start"], capture_output=True, text=True)
    assert done.returncode == 1 and "brume.json" in done.stderr and "api_port" in done.stderr and len(done.stderr.splitlines()) == 1, done
