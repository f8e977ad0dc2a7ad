"""Instance refresh: a group that serves goes over to another version of its launch template, and back if that is no good."""

import base64
import contextlib
import threading
from types import SimpleNamespace

import pytest

import cloud as clouds
from api import refused, waiter
from cloud import eventually, free_port, get

NAME = "refreshed"
WARM = {"InstanceWarmup": 1}
LAUNCH_FIRST = {"MinHealthyPercentage": 100, "MaxHealthyPercentage": 150, **WARM}


def serve(word):
    """User data of an instance that answers with a word and its id."""
    return base64.b64encode(f"""#!/bin/sh
mkdir -p /srv
echo {word} > /srv/index.html
echo well > /srv/healthz
exec httpd -f -p 80 -h /srv
""".encode()).decode()


BROKEN = base64.b64encode(b"#!/bin/sh\nmkdir -p /srv\nexec httpd -f -p 80 -h /srv\n").decode()


class Site:
    """A group of two behind a load balancer. Versions of its template: 1 says one, 2 says two, 3 serves nothing."""

    def __init__(self, aws, image, subnets, vpc, security_group):
        self.aws = aws
        data = {"ImageId": image, "InstanceType": "t2.micro", "SecurityGroupIds": [security_group]}
        self.template = aws.ec2.create_launch_template(LaunchTemplateName=NAME, LaunchTemplateData={**data, "UserData": serve("one")})["LaunchTemplate"]["LaunchTemplateId"]
        for user_data in (serve("two"), BROKEN):
            aws.ec2.create_launch_template_version(LaunchTemplateId=self.template, LaunchTemplateData={**data, "UserData": user_data})
        self.target_group = aws.elbv2.create_target_group(
            Name=NAME, Protocol="HTTP", Port=80, VpcId=vpc, HealthCheckPath="/healthz", HealthCheckIntervalSeconds=5,
            HealthCheckTimeoutSeconds=2, HealthyThresholdCount=2, UnhealthyThresholdCount=2)["TargetGroups"][0]["TargetGroupArn"]
        aws.elbv2.modify_target_group_attributes(TargetGroupArn=self.target_group, Attributes=[{"Key": "deregistration_delay.timeout_seconds", "Value": "2"}])
        balancer = aws.elbv2.create_load_balancer(Name=NAME, Subnets=subnets, SecurityGroups=[security_group])["LoadBalancers"][0]
        self.balancer = balancer["LoadBalancerArn"]
        waiter(aws.elbv2, "load_balancer_available", LoadBalancerArns=[self.balancer])
        port = free_port()
        aws.elbv2.create_listener(LoadBalancerArn=self.balancer, Protocol="HTTP", Port=port, DefaultActions=[{"Type": "forward", "TargetGroupArn": self.target_group}])
        (shown,) = aws.elbv2.describe_load_balancers(LoadBalancerArns=[self.balancer])["LoadBalancers"]
        addresses = [a["IpAddress"] for z in shown["AvailabilityZones"] for a in z.get("LoadBalancerAddresses", [])]
        self.url = f"http://{addresses[0] if addresses else '127.0.0.1'}:{port}/"
        aws.autoscaling.create_auto_scaling_group(
            AutoScalingGroupName=NAME, LaunchTemplate={"LaunchTemplateId": self.template, "Version": "1"}, MinSize=0, MaxSize=3, DesiredCapacity=2,
            VPCZoneIdentifier=",".join(subnets), TargetGroupARNs=[self.target_group], HealthCheckType="ELB", HealthCheckGracePeriod=20)
        self.settled({"1": 2})

    def down(self):
        aws = self.aws
        aws.autoscaling.delete_auto_scaling_group(AutoScalingGroupName=NAME, ForceDelete=True)
        eventually(lambda: not aws.autoscaling.describe_auto_scaling_groups(AutoScalingGroupNames=[NAME])["AutoScalingGroups"], 60, "the group is gone")
        aws.elbv2.delete_load_balancer(LoadBalancerArn=self.balancer)
        waiter(aws.elbv2, "load_balancers_deleted", LoadBalancerArns=[self.balancer])
        aws.elbv2.delete_target_group(TargetGroupArn=self.target_group)
        aws.ec2.delete_launch_template(LaunchTemplateId=self.template)

    def group(self):
        return self.aws.autoscaling.describe_auto_scaling_groups(AutoScalingGroupNames=[NAME])["AutoScalingGroups"][0]

    def versions(self):
        found = {}
        for i in self.group()["Instances"]:
            if i["LifecycleState"] in ("InService", "Pending"):
                found[i["LaunchTemplate"]["Version"]] = found.get(i["LaunchTemplate"]["Version"], 0) + 1
        return found

    def settled(self, versions):
        """These, and all of them healthy."""
        def is_so():
            states = self.aws.elbv2.describe_target_health(TargetGroupArn=self.target_group)["TargetHealthDescriptions"]
            healthy = [s for s in states if s["TargetHealth"]["State"] == "healthy"]
            return self.versions() == versions and len(healthy) == sum(versions.values())

        eventually(is_so, 90, f"there are {versions}, healthy")

    def start(self, version, preferences, **more):
        return self.aws.autoscaling.start_instance_refresh(
            AutoScalingGroupName=NAME, DesiredConfiguration={"LaunchTemplate": {"LaunchTemplateId": self.template, "Version": version}},
            Preferences=preferences, **more)["InstanceRefreshId"]

    def refresh(self, which):
        (found,) = self.aws.autoscaling.describe_instance_refreshes(AutoScalingGroupName=NAME, InstanceRefreshIds=[which])["InstanceRefreshes"]
        return found

    def ends(self, which, status, limit=120):
        def ended():
            found = self.refresh(which)
            assert found["Status"] == status or "EndTime" not in found, found
            return found["Status"] == status and found

        return eventually(ended, limit, f"the refresh is {status}", every=0.2)

    def at(self, version):
        """A group with two of that version, whatever the test before left."""
        if self.group()["LaunchTemplate"]["Version"] != version or self.versions() != {version: 2}:
            self.aws.autoscaling.update_auto_scaling_group(AutoScalingGroupName=NAME, DesiredCapacity=2)
            self.ends(self.start(version, {"MinHealthyPercentage": 0, "SkipMatching": True, **WARM}), "Successful")
        self.settled({version: 2})


@contextlib.contextmanager
def load(url):
    """Asks all the time; the answers, and what failed."""
    stop, said = threading.Event(), SimpleNamespace(answers=[], failures=[])

    def ask():
        while not stop.is_set():
            try:
                status, body = get(url, timeout=10)
                said.answers.append(body.strip())
                if status != 200:
                    said.failures.append((status, body))
            except OSError as error:
                said.failures.append(repr(error))

    threads = [threading.Thread(target=ask) for _ in range(2)]
    for thread in threads:
        thread.start()
    try:
        yield said
    finally:
        stop.set()
        for thread in threads:
            thread.join()


@pytest.fixture(scope="module")
def site(aws, image, network):
    made = Site(aws, image, network.subnets, network.vpc, network.group)
    yield made
    made.down()


def test_new_version_under_load(aws, site):
    before = {i["InstanceId"] for i in site.group()["Instances"]}
    with load(site.url) as said:
        which = site.start("2", LAUNCH_FIRST)
        with refused("InstanceRefreshInProgress", "An Instance Refresh is already in progress and blocks the execution of this Instance Refresh."):
            site.start("2", WARM)
        with refused("ValidationError", "An active instance refresh with a desired configuration exists."):
            aws.autoscaling.update_auto_scaling_group(AutoScalingGroupName=NAME, LaunchTemplate={"LaunchTemplateId": site.template, "Version": "3"})
        most = set()

        def over():
            most.add(sum(site.versions().values()))
            return site.refresh(which)["Status"] == "Successful"

        eventually(over, 120, "the refresh is over", every=0.1)
        eventually(lambda: len(site.group()["Instances"]) == 2, 60, "the old instances are gone")
    assert said.failures == [] and set(said.answers) == {"one", "two"} and len(said.answers) > 100, (said.failures[:5], len(said.answers))
    assert min(most) >= 2 and max(most) == 3, most
    assert site.versions() == {"2": 2}
    assert site.group()["LaunchTemplate"]["Version"] == "2"
    done = site.refresh(which)
    assert (done["PercentageComplete"], done["InstancesToUpdate"], done["Strategy"]) == (100, 0, "Rolling"), done
    assert done["StartTime"] < done["EndTime"] and done["DesiredConfiguration"]["LaunchTemplate"]["Version"] == "2"
    assert {k: done["Preferences"][k] for k in ("MinHealthyPercentage", "MaxHealthyPercentage", "SkipMatching", "AutoRollback", "StandbyInstances")} == {
        "MinHealthyPercentage": 100, "MaxHealthyPercentage": 150, "SkipMatching": False, "AutoRollback": False, "StandbyInstances": "Wait"}
    causes = [a["Cause"] for a in aws.autoscaling.describe_scaling_activities(AutoScalingGroupName=NAME)["Activities"]]
    for text in [f"instance {i} was selected for termination." for i in before] + ["an instance was launched in response to an instance refresh."]:
        assert any(text in c for c in causes), (text, causes)


def test_checkpoint_cancel_and_skip_matching(aws, site):
    site.at("1")
    which = site.start("2", {"CheckpointPercentages": [50, 100], "CheckpointDelay": 600, **WARM})
    waits = eventually(lambda: (r := site.refresh(which)).get("PercentageComplete") == 50 and "checkpoint of 50 percent" in r["StatusReason"] and r, 60, "the checkpoint")
    assert (waits["Status"], waits["InstancesToUpdate"]) == ("InProgress", 1)
    site.settled({"1": 1, "2": 1})
    assert aws.autoscaling.cancel_instance_refresh(AutoScalingGroupName=NAME)["InstanceRefreshId"] == which
    assert site.ends(which, "Cancelled")["StatusReason"] == "Cancelled due to user request."
    with refused("ActiveInstanceRefreshNotFound"):
        aws.autoscaling.cancel_instance_refresh(AutoScalingGroupName=NAME)
    site.settled({"1": 1, "2": 1})
    assert site.group()["LaunchTemplate"]["Version"] == "1"
    (kept,) = [i["InstanceId"] for i in site.group()["Instances"] if i["LaunchTemplate"]["Version"] == "2"]
    site.ends(site.start("2", {"SkipMatching": True, "BakeTime": 1, **WARM}), "Successful")
    assert kept in {i["InstanceId"] for i in site.group()["Instances"]}
    site.settled({"2": 2})


def test_rollback(aws, site):
    site.at("1")
    kept = {i["InstanceId"] for i in site.group()["Instances"]}
    with refused("ActiveInstanceRefreshNotFound"):
        aws.autoscaling.rollback_instance_refresh(AutoScalingGroupName=NAME)
    which = site.start("2", {"CheckpointPercentages": [50, 100], **WARM})
    eventually(lambda: site.refresh(which).get("PercentageComplete") == 50, 60, "half is done")
    assert aws.autoscaling.rollback_instance_refresh(AutoScalingGroupName=NAME)["InstanceRefreshId"] == which
    done = site.ends(which, "RollbackSuccessful")
    details = done["RollbackDetails"]
    assert (details["PercentageCompleteOnRollback"], details["InstancesToUpdateOnRollback"]) == (50, 1), details
    assert done["PercentageComplete"] == 0
    site.settled({"1": 2})
    assert len(kept & {i["InstanceId"] for i in site.group()["Instances"]}) == 1


def test_pages(aws, site):
    everything = aws.autoscaling.describe_instance_refreshes(AutoScalingGroupName=NAME)["InstanceRefreshes"]
    first = aws.autoscaling.describe_instance_refreshes(AutoScalingGroupName=NAME, MaxRecords=1)
    rest = aws.autoscaling.describe_instance_refreshes(AutoScalingGroupName=NAME, NextToken=first["NextToken"])
    assert [r["InstanceRefreshId"] for r in everything] == [r["InstanceRefreshId"] for r in first["InstanceRefreshes"] + rest["InstanceRefreshes"]]


def test_refusals(aws, site):
    site.at("1")
    cases = [
        ({"MaxHealthyPercentage": 110}, "MinHealthyPercentage"),
        ({"MinHealthyPercentage": 50, "MaxHealthyPercentage": 200}, "cannot be greater than 100"),
        ({"CheckpointPercentages": [50, 20]}, "ascending order"),
        ({"CheckpointDelay": 60}, "CheckpointPercentages"),
        ({"AlarmSpecification": {"Alarms": [f"alarm-{i}" for i in range(11)]}}, "at most 10 alarms"),
    ]
    for preferences, text in cases:
        with refused("ValidationError", text):
            site.start("2", preferences)
    with refused("ValidationError", "The AutoRollback parameter cannot be set to true when the DesiredConfiguration parameter is empty."):
        aws.autoscaling.start_instance_refresh(AutoScalingGroupName=NAME, Preferences={"AutoRollback": True})
    with refused("ValidationError", "You must use a valid fully-formed launch template."):
        site.start("99", WARM)
    with refused("UnsupportedOperation", "ReplaceRootVolume"):
        site.start("2", WARM, Strategy="ReplaceRootVolume")
    with refused("ValidationError", "AutoScalingGroup name not found"):
        aws.autoscaling.start_instance_refresh(AutoScalingGroupName="absent")
    # Without a desired configuration there is no way back.
    which = aws.autoscaling.start_instance_refresh(AutoScalingGroupName=NAME, Preferences={"InstanceWarmup": 600})["InstanceRefreshId"]
    with refused("IrreversibleInstanceRefresh"):
        aws.autoscaling.rollback_instance_refresh(AutoScalingGroupName=NAME)
    aws.autoscaling.cancel_instance_refresh(AutoScalingGroupName=NAME, WaitForTransitioningInstances=False)
    assert "without waiting" in site.ends(which, "Cancelled")["StatusReason"]


def test_maintenance_policy(aws, site):
    site.at("1")
    scaling = aws.autoscaling
    with refused("ValidationError", "cannot be greater than 100"):
        scaling.update_auto_scaling_group(AutoScalingGroupName=NAME, InstanceMaintenancePolicy={"MinHealthyPercentage": 50, "MaxHealthyPercentage": 200})
    with refused("ValidationError", "MaxInstanceLifetime must be 0 or at least 86400 seconds, not 60"):
        scaling.update_auto_scaling_group(AutoScalingGroupName=NAME, MaxInstanceLifetime=60)
    policy = {"MinHealthyPercentage": 100, "MaxHealthyPercentage": 150}
    scaling.update_auto_scaling_group(AutoScalingGroupName=NAME, InstanceMaintenancePolicy=policy, MaxInstanceLifetime=86400, DefaultInstanceWarmup=1)
    assert (site.group()["InstanceMaintenancePolicy"], site.group()["MaxInstanceLifetime"]) == (policy, 86400)
    victim = site.group()["Instances"][0]["InstanceId"]
    with load(site.url) as said:
        scaling.set_instance_health(InstanceId=victim, HealthStatus="Unhealthy", ShouldRespectGracePeriod=False)
        eventually(lambda: sum(site.versions().values()) == 3, 30, "another is launched first")
        eventually(lambda: victim not in {i["InstanceId"] for i in site.group()["Instances"]}, 60, "it is replaced")
    assert said.failures == [], said.failures[:5]
    site.settled({"1": 2})
    scaling.update_auto_scaling_group(AutoScalingGroupName=NAME, InstanceMaintenancePolicy={"MinHealthyPercentage": -1, "MaxHealthyPercentage": -1},
                                      MaxInstanceLifetime=0)
    assert "InstanceMaintenancePolicy" not in site.group() and "MaxInstanceLifetime" not in site.group()


def test_broken_version_is_rolled_back(tmp_path):
    """What takes an hour takes half a minute here: the refresh gives up, and goes back by itself."""
    made = clouds.Cloud(time_scale=120)
    try:
        made.start()
        aws = SimpleNamespace(**{service: made.client(service) for service in ("ec2", "autoscaling", "elbv2")})
        image = aws.ec2.register_image(Name="busybox", ImageLocation=f"file://{clouds.make_image(tmp_path / 'busybox.tar')}", Architecture="x86_64",
                                       RootDeviceName="/dev/xvda", VirtualizationType="hvm")["ImageId"]
        waiter(aws.ec2, "image_available", ImageIds=[image])
        vpc = aws.ec2.describe_vpcs()["Vpcs"][0]["VpcId"]
        subnets = [s["SubnetId"] for s in aws.ec2.describe_subnets()["Subnets"]][:2]
        group = aws.ec2.create_security_group(GroupName="open", Description="all", VpcId=vpc)["GroupId"]
        aws.ec2.authorize_security_group_ingress(GroupId=group, IpProtocol="tcp", FromPort=0, ToPort=65535, CidrIp="0.0.0.0/0")
        site = Site(aws, image, subnets, vpc, group)
        with load(site.url) as said:
            which = site.start("3", {**LAUNCH_FIRST, "AutoRollback": True})
            done = site.ends(which, "RollbackSuccessful", 180)
        assert said.failures == [] and set(said.answers) == {"one"}, said.failures[:5]
        assert done["RollbackDetails"]["RollbackReason"].startswith("No progress was made for too long."), done
        site.settled({"1": 2})
        assert site.group()["LaunchTemplate"]["Version"] == "1"
        site.down()
        aws.ec2.delete_security_group(GroupId=group)
    finally:
        made.down()
