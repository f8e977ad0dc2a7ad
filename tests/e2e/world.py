"""A cloud of a test's own with the stack of web/ in it, the steps of a test, and load on its service."""


import contextlib
import http.client
import json
import os
import re
import shutil
import subprocess
import sys
import threading
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "clients"))
import cloud as clouds  # noqa: E402
from cloud import eventually  # noqa: E402

STACK = "web-test"


@contextlib.contextmanager
def step(text):
    start = time.monotonic()
    told = []
    try:
        yield told.append
    except BaseException:
        print(f"FAILED {time.monotonic() - start:6.1f} s  {text}", flush=True)
        raise
    print(f"ok     {time.monotonic() - start:6.1f} s  {text}{'; ' if told else ''}{', '.join(told)}", flush=True)


class World:
    """The cloud under test and what the steps ask of it."""

    def __init__(self, **settings):
        self.cloud = clouds.Cloud(**settings)
        self.port = clouds.free_port()
        self.folder = self.cloud.root / "web"
        shutil.copytree(Path(__file__).resolve().parent / "web", self.folder)
        (self.folder / "parameters").mkdir()
        (self.folder / "parameters/test.json").write_text(json.dumps([f"ListenerPort={self.port}"]))
        # `brume up` runs image/build and imports the tarball that it names.
        tarball = clouds.make_image(self.cloud.root / "busybox-e2e.tar")
        (self.folder / "image").mkdir()
        build = self.folder / "image/build"
        build.write_text(f"#!/bin/sh\necho {tarball}\n")
        build.chmod(0o755)
        self.tables = host_tables()
        self.cgroups = set()

    def up(self, check=True):
        return self.cloud.run("up", str(self.folder), "--env", "test", check=check)

    def client(self, service):
        return self.cloud.client(service, retries={"total_max_attempts": 1}, read_timeout=10)

    def output(self, key):
        (stack,) = self.client("cloudformation").describe_stacks(StackName=STACK)["Stacks"]
        return {o["OutputKey"]: o["OutputValue"] for o in stack["Outputs"]}[key]

    def connect(self):
        self.group_name, self.target_group = self.output("AutoScalingGroupName"), self.output("TargetGroupArn")
        self.ec2, self.scaling, self.elbv2 = (self.client(s) for s in ("ec2", "autoscaling", "elbv2"))

    def members(self):
        (group,) = self.scaling.describe_auto_scaling_groups(AutoScalingGroupNames=[self.group_name])["AutoScalingGroups"]
        return {i["InstanceId"]: i for i in group["Instances"]}

    def healthy(self):
        """{instance: zone} once there are two in service, healthy, in two zones; None until then."""
        members = self.members()
        described = self.elbv2.describe_target_health(TargetGroupArn=self.target_group)["TargetHealthDescriptions"]
        healthy = {d["Target"]["Id"] for d in described if d["TargetHealth"]["State"] == "healthy"}
        zones = {i: m["AvailabilityZone"] for i, m in members.items() if m["LifecycleState"] == "InService"}
        return zones if len(members) == 2 and set(zones) == healthy and len(set(zones.values())) == 2 else None

    def settle(self):
        return eventually(self.healthy, 90, "two healthy instances in two zones", every=0.1)

    def get(self, path="/"):
        return clouds.get(f"http://127.0.0.1:{self.port}{path}", timeout=5)

    def answers(self, instances):
        """Each of the instances answers, and nobody else."""
        seen = set()
        for _ in range(200):
            status, body = self.get()
            assert status == 200, (status, body)
            seen.add(body)
            if seen == set(instances):
                return
        raise AssertionError(f"answers came from {seen}, not from {set(instances)}")

    def replaced(self, victim, cause):
        """The victim goes, another comes, both zones serve, and the activities say why."""
        eventually(lambda: victim not in self.members(), 90, f"{victim} has left the group", every=0.1)
        instances = self.settle()
        self.answers(instances)
        activities = self.scaling.describe_scaling_activities(AutoScalingGroupName=self.group_name)["Activities"]
        ended = [a["Cause"] for a in activities if a["Description"].startswith(f"Terminating EC2 instance: {victim}")]
        assert len(ended) == 1 and re.search(cause, ended[0]), ended
        (fresh,) = [i for i in instances if any(a["Description"] == f"Launching a new EC2 instance: {i}" and "unhealthy instance needing to be replaced" in a["Cause"]
                                                for a in activities) and i not in self.before]
        self.before = set(instances)
        return fresh

    def pid_of(self, instance):
        """PID 1 of an instance, as the host sees it."""
        return int((self.cloud.root / f"run/instances/{instance}/pid").read_text())

    def recorded(self, name):
        return int((self.cloud.root / f"run/{name}.pid").read_text().split()[0])

    def note_cgroups(self, pid):
        for line in Path(f"/proc/{pid}/cgroup").read_text().splitlines():
            top = line.split(":", 2)[2].strip("/").split("/")[0]
            if top.startswith("brume"):
                self.cgroups.add(top)


def started(pid):
    """When a process started, in clock ticks: with its pid this names it for good."""
    return pid, int(Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[19])


def alive(pid):
    try:
        return Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0] != "Z"
    except OSError:
        return False


def host_tables():
    listed = subprocess.run(["nft", "list", "tables"], capture_output=True, text=True).stdout.splitlines()
    return {line for line in listed if "brume" in line}


def cgroup_folders(names):
    roots = [line.split()[1] for line in Path("/proc/mounts").read_text().splitlines() if line.split()[2] in ("cgroup", "cgroup2")]
    return [f"{root}/{name}" for root in roots for name in names if os.path.exists(f"{root}/{name}")]


class Load:
    """Clients that keep their connections and ask all the time. Any answer but 200, any broken connection is a failure."""

    path, expected = "/", b"i-"

    def __init__(self, port, clients=4):
        self.port, self.stopped, self.failures, self.counts = port, threading.Event(), [], [0] * clients
        self.threads = [threading.Thread(target=self.run, args=(i,)) for i in range(clients)]

    def run(self, number):
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=10)
        while not self.stopped.is_set():
            try:
                connection.request("GET", self.path)
                answer = connection.getresponse()
                body = answer.read()
                if answer.status != 200 or not body.startswith(self.expected):
                    self.failures.append(f"{answer.status} {body[:80]!r}")
            except (OSError, http.client.HTTPException) as error:
                self.failures.append(repr(error))
                connection.close()
            self.counts[number] += 1

    def __enter__(self):
        for thread in self.threads:
            thread.start()
        self.more(20)
        return self

    def __exit__(self, *_):
        self.stopped.set()
        for thread in self.threads:
            thread.join()

    def more(self, count):
        """Waits until every client has asked that many times more."""
        goal = [c + count for c in self.counts]
        eventually(lambda: all(c >= g for c, g in zip(self.counts, goal)), 60, f"{count} more requests a client")


def run(steps, make=World, **settings):
    """Takes each step, a function of the world that `make` makes, whose cloud has these settings; the exit status."""
    began = time.monotonic()
    reason = clouds.missing()
    if reason:
        print(f"SKIP: {reason}")
        return clouds.SKIPPED
    world = make(**settings)
    try:
        for one in steps:
            one(world)
    except BaseException as error:
        print(f"FAILED: {error!r}", flush=True)
        for log in ("lib/daemon.log", "lib/lb.log"):
            path = world.cloud.root / log
            if path.exists():
                print(f"--- {log}\n" + "\n".join(path.read_text(errors="replace").splitlines()[-60:]))
        if not isinstance(error, AssertionError):
            raise
        return 1
    finally:
        world.cloud.down()
    print(f"passed in {time.monotonic() - began:.0f} s")
    return 0
