"""`brume deploy` under load, as steps of a test: to another image, to one that never serves, broken off, asked twice.

First a group without an UpdatePolicy, which deploy has refreshed, then one with. Each step ends with every instance on the
image that the step before ended with, or on its own, and with no request failed.
"""

import os
import signal
import subprocess

import world as worlds
from cloud import eventually
from world import Load, clouds, step

# Starts, and says nothing: whatever the user data says, its shell sleeps.
MUTE = {"bin/sh": "#!/bin/busybox sh\nexec /bin/busybox sleep 100000\n"}
UPDATE_POLICY = """    UpdatePolicy:
      AutoScalingRollingUpdate:
        MinInstancesInService: 1
        MaxBatchSize: 1
        SuspendProcesses: [HealthCheck, ReplaceUnhealthy, AZRebalance, AlarmNotification, ScheduledActions]
"""


def imported(world, name, programs):
    return world.cloud.run("image", "import", str(clouds.make_image(world.cloud.root / f"{name}.tar", programs))).stdout.strip()


def deploy(world, image, check=True, stack=worlds.STACK):
    return world.cloud.run("deploy", stack, "--image", image, check=check)


def sentence(done):
    """What a deployment that did not succeed says last: one line."""
    assert done.returncode == 1, done
    assert done.stderr.startswith("brume: ") and len(done.stderr.splitlines()) == 1, done.stderr
    return done.stderr.strip()


def begun(world, image, sign):
    """A deployment in the background, once it has said so."""
    running = subprocess.Popen([clouds.program(), "--root", str(world.cloud.root), "deploy", worlds.STACK, "--image", image], text=True,
                               stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE, env=clouds.plain_environment())
    for line in running.stdout:
        if sign in line:
            return running
    raise AssertionError(f"the deployment never said {sign}: {running.communicate()}")


def images(world):
    described = world.ec2.describe_instances(Filters=[{"Name": "instance-id", "Values": list(world.members())}])
    return {i["ImageId"] for r in described["Reservations"] for i in r["Instances"]}


def runs(world, image):
    world.settle()
    assert images(world) == {image}, images(world)


def named(world):
    return world.client("ssm").get_parameter(Name="/e2e/image")["Parameter"]["Value"]


def stack_status(world):
    (stack,) = world.client("cloudformation").describe_stacks(StackName=worlds.STACK)["Stacks"]
    return stack["StackStatus"]


def prepare(world):
    world.one = named(world)
    world.two, world.mute = imported(world, "two", {"etc/version": "two\n"}), imported(world, "mute", MUTE)


def refused(world):
    with step("Deploy: an unknown stack, an unknown image and a stack without a group are told in a sentence each"):
        world.client("cloudformation").create_stack(StackName="bare", TemplateBody='{"Resources": {"Vpc": {"Type": "AWS::EC2::InternetGateway"}}}')
        assert sentence(deploy(world, world.two, False, "nothere")) == "brume: Stack with id nothere does not exist"
        assert "'[ami-12345678901234567]' does not exist" in sentence(deploy(world, "ami-12345678901234567", False))
        eventually(lambda: "COMPLETE" in world.client("cloudformation").describe_stacks(StackName="bare")["Stacks"][0]["StackStatus"], 10)
        assert sentence(deploy(world, world.two, False, "bare")) == "brume: The stack bare has no Auto Scaling group"
        world.client("cloudformation").delete_stack(StackName="bare")


def refreshed(world):
    with step("Deploy without an UpdatePolicy: an instance refresh, and no request fails") as tell:
        with Load(world.port) as load:
            said = deploy(world, world.two).stdout
            load.more(20)
        assert load.failures == [], load.failures[:10]
        assert "2 of 2 instances run another image" in said and "Successful" in said and "\r" not in said, said
        assert said.endswith(f"Every instance of {worlds.STACK} runs {world.two}.\n"), said
        runs(world, world.two)
        tell(f"{sum(load.counts)} requests")
    with step("Deploy again: nothing is left to be done"):
        before = world.settle()
        assert deploy(world, world.two).stdout == f"Every instance of {worlds.STACK} runs {world.two} already.\n"
        assert world.settle() == before


def refresh_goes_back(world):
    with step("Deploy an image that never serves: it is rolled back; asked meanwhile, deploy begins nothing") as tell:
        before = world.settle()
        with Load(world.port) as load:
            running = begun(world, world.mute, "InProgress")
            assert "are being replaced (InProgress, 0 %), which goes on by itself" in sentence(deploy(world, world.one, False))
            out, said = running.communicate(timeout=120)
            load.more(20)
        assert load.failures == [], load.failures[:10]
        assert running.returncode == 1 and len(said.splitlines()) == 1 and said.endswith(f" Every instance runs {world.two} again.\n"), (out, said)
        assert "RollbackSuccessful" in out, out
        assert world.settle() == before, "an instance that served was replaced"
        runs(world, world.two)
        assert named(world) == world.two and stack_status(world) == "UPDATE_COMPLETE"
        tell(said.strip())


def refresh_is_broken_off(world):
    with step("Deploy and daemon are killed in the middle: the refresh goes on, and deploy finds it done") as tell:
        with Load(world.port) as load:
            running = begun(world, world.one, "InProgress")
            running.kill()
            os.kill(world.recorded("daemon"), signal.SIGKILL)
            world.cloud.run("start")
            running.communicate()
            newest = lambda: world.scaling.describe_instance_refreshes(AutoScalingGroupName=world.group_name)["InstanceRefreshes"][0]
            eventually(lambda: "EndTime" in newest(), 90, "the refresh ends", every=0.3)
            assert deploy(world, world.one).stdout.endswith("already.\n")
            load.more(20)
        assert load.failures == [], load.failures[:10]
        runs(world, world.one)
        tell(f"{sum(load.counts)} requests")


def give_update_policy(world):
    with step("The group gets an UpdatePolicy"):
        stack = world.folder / "stack.yaml"
        group = "    Type: AWS::AutoScaling::AutoScalingGroup\n"
        # A template that differs in its policy alone has no updates to be performed.
        stack.write_text(stack.read_text().replace(group, group + UPDATE_POLICY).replace("HealthCheckGracePeriod: 10", "HealthCheckGracePeriod: 9"))
        (world.folder / "image/build").unlink()
        world.up()
        runs(world, world.one)


def rolling_goes_back(world):
    with step("Deploy an image that never serves with an UpdatePolicy: the stack rolls back, and no request fails") as tell:
        with Load(world.port) as load:
            said = sentence(deploy(world, world.mute, False))
            load.more(20)
        assert load.failures == [], load.failures[:10]
        assert "failed their health checks" in said and said.endswith(f" Every instance runs {world.one} again."), said
        assert stack_status(world) == "UPDATE_ROLLBACK_COMPLETE"
        runs(world, world.one)
        assert named(world) == world.one
        tell(said)


def rolling_is_broken_off(world):
    with step("Deploy with an UpdatePolicy, interrupted, the daemon killed: the stack goes on, and no request fails") as tell:
        with Load(world.port) as load:
            running = begun(world, world.two, "Terminating instance(s)")
            running.send_signal(signal.SIGINT)
            running.communicate()
            assert "is being changed (UPDATE_IN_PROGRESS), which goes on by itself" in sentence(deploy(world, world.one, False))
            os.kill(world.recorded("daemon"), signal.SIGKILL)
            world.cloud.run("start")
            eventually(lambda: not stack_status(world).endswith("IN_PROGRESS"), 90, "the stack rests", every=0.3)
            assert deploy(world, world.two).stdout.endswith("already.\n")
            load.more(20)
        assert load.failures == [], load.failures[:10]
        assert stack_status(world) == "UPDATE_COMPLETE"
        runs(world, world.two)
        tell(f"{sum(load.counts)} requests")


STEPS = [prepare, refused, refreshed, refresh_goes_back, refresh_is_broken_off, give_update_policy, rolling_goes_back, rolling_is_broken_off]
