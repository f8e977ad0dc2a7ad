#!/usr/bin/env python3
"""How soon a group follows a step of its load: to the alarm, to the launch, to the first answer of the new instance.

  scale_out.py [--time-scale N] [--times N]      BRUME_BIN: the program

A real daemon; busybox instances behind a load balancer; target tracking on requests per target, 60 a minute. The load steps
from 12 to 180 a minute just when a minute begins, so the rules' three periods above the target (user guide, "Target tracking
scaling policies"; what its alarm says of itself) end three minutes later: what is more than that is Brume's. At a time scale
minutes are so many times shorter, and there are as many requests in one. Times are the daemon's own (the alarm's history, the
activity) and, of the first answer, its client's. Prints rows of a Markdown table.
"""
import argparse
import base64
import json
import queue
import statistics
import sys
import threading
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "tests/clients"))
import cloud as clouds  # noqa: E402

TARGET, BEFORE, AFTER = 60, 12, 180  # requests a minute
PERIODS = 3
NAME = "step"
SERVE = base64.b64encode(b"""#!/bin/sh
mkdir -p /srv
hostname > /srv/index.html
exec httpd -f -p 80 -h /srv
""").decode()


class Load:
    """Asks `rate` times a second, each time on a new connection; remembers who answered first when."""

    def __init__(self, url):
        self.url, self.rate, self.seen, self.failed = url, 0, {}, 0
        self.due, self.stopped = queue.Queue(), threading.Event()
        self.threads = [threading.Thread(target=self.pace)] + [threading.Thread(target=self.ask) for _ in range(8)]
        for thread in self.threads:
            thread.start()

    def pace(self):
        owed, before = 0.0, time.monotonic()
        while not self.stopped.wait(0.002):
            now = time.monotonic()
            owed += (now - before) * self.rate
            before = now
            while owed >= 1:
                owed -= 1
                self.due.put(True)
        for _ in self.threads:
            self.due.put(False)

    def ask(self):
        while self.due.get():
            try:
                status, body = clouds.get(self.url)
            except OSError:
                status = 0
            if status == 200:
                self.seen.setdefault(body.strip(), time.time())
            else:
                self.failed += 1

    def stop(self):
        self.stopped.set()
        for thread in self.threads:
            thread.join(10)


class Site:
    def __init__(self, cloud, minute):
        self.minute = minute
        self.ec2, self.elbv2, self.watch, self.autoscaling = (cloud.client(s) for s in ("ec2", "elbv2", "cloudwatch", "autoscaling"))
        image = self.ec2.register_image(Name=NAME, ImageLocation=f"file://{clouds.make_image(cloud.root / 'busybox.tar')}",
                                        Architecture="x86_64", RootDeviceName="/dev/xvda", VirtualizationType="hvm")["ImageId"]
        self.ec2.get_waiter("image_available").wait(ImageIds=[image])
        subnets = self.ec2.describe_subnets()["Subnets"][:2]
        vpc, subnets = subnets[0]["VpcId"], [s["SubnetId"] for s in subnets]
        port = clouds.free_port()
        group = self.ec2.create_security_group(GroupName=NAME, Description=NAME, VpcId=vpc)["GroupId"]
        for open_port in (80, port):
            self.ec2.authorize_security_group_ingress(GroupId=group, IpProtocol="tcp", FromPort=open_port, ToPort=open_port, CidrIp="0.0.0.0/0")
        self.ec2.create_launch_template(LaunchTemplateName=NAME, LaunchTemplateData={
            "ImageId": image, "InstanceType": "t2.micro", "SecurityGroupIds": [group], "UserData": SERVE})
        self.target_group = self.elbv2.create_target_group(
            Name=NAME, Protocol="HTTP", Port=80, VpcId=vpc, HealthCheckIntervalSeconds=5, HealthCheckTimeoutSeconds=2,
            HealthyThresholdCount=2)["TargetGroups"][0]["TargetGroupArn"]
        self.elbv2.modify_target_group_attributes(
            TargetGroupArn=self.target_group, Attributes=[{"Key": "deregistration_delay.timeout_seconds", "Value": "1"}])
        balancer = self.elbv2.create_load_balancer(Name=NAME, Subnets=subnets, SecurityGroups=[group])["LoadBalancers"][0]["LoadBalancerArn"]
        self.elbv2.create_listener(LoadBalancerArn=balancer, Protocol="HTTP", Port=port,
                                   DefaultActions=[{"Type": "forward", "TargetGroupArn": self.target_group}])
        self.autoscaling.create_auto_scaling_group(
            AutoScalingGroupName=NAME, LaunchTemplate={"LaunchTemplateName": NAME}, MinSize=1, MaxSize=4, DesiredCapacity=1,
            VPCZoneIdentifier=",".join(subnets), TargetGroupARNs=[self.target_group], HealthCheckType="ELB", HealthCheckGracePeriod=60)
        label = f"{balancer.split(':loadbalancer/')[1]}/{self.target_group.rsplit(':', 1)[1]}"
        made = self.autoscaling.put_scaling_policy(
            AutoScalingGroupName=NAME, PolicyName=NAME, PolicyType="TargetTrackingScaling", EstimatedInstanceWarmup=60,
            TargetTrackingConfiguration={"TargetValue": TARGET, "PredefinedMetricSpecification": {
                "PredefinedMetricType": "ALBRequestCountPerTarget", "ResourceLabel": label}})
        (self.alarm,) = [a["AlarmName"] for a in made["Alarms"] if "AlarmHigh" in a["AlarmName"]]
        self.load = Load(f"http://127.0.0.1:{port}/")
        clouds.eventually(lambda: self.healthy() == 1, 60, "one instance serves", every=0.5)

    def healthy(self):
        targets = self.elbv2.describe_target_health(TargetGroupArn=self.target_group)["TargetHealthDescriptions"]
        return len(targets) if all(t["TargetHealth"]["State"] == "healthy" for t in targets) else None

    def state(self):
        return self.watch.describe_alarms(AlarmNames=[self.alarm])["MetricAlarms"][0]["StateValue"]

    def history(self, kind, since):
        """Entries since then, oldest first."""
        found = self.watch.describe_alarm_history(AlarmName=self.alarm, HistoryItemType=kind, ScanBy="TimestampAscending")["AlarmHistoryItems"]
        return [item for item in found if item["Timestamp"].timestamp() > since]

    def settle(self):
        """One instance, little load, and the alarm has seen it."""
        self.load.rate = BEFORE / self.minute
        self.autoscaling.set_desired_capacity(AutoScalingGroupName=NAME, DesiredCapacity=1, HonorCooldown=False)
        clouds.eventually(lambda: self.healthy() == 1, 120, "one instance serves", every=0.5)
        clouds.eventually(lambda: self.state() == "OK", 6 * self.minute + 30, "the alarm is quiet", every=0.2)
        time.sleep(self.minute)  # the instance has warmed up

    def step(self):
        """Seconds from the step: to ALARM, to the launch, to the first answer of another instance."""
        self.settle()
        time.sleep(self.minute - time.time() % self.minute)
        begin = time.time() // self.minute * self.minute
        known = set(self.load.seen)
        self.load.rate = AFTER / self.minute
        fresh = lambda: [at for name, at in self.load.seen.items() if name not in known]  # noqa: E731
        clouds.eventually(fresh, 6 * self.minute + 60, "another instance answers", every=0.1)
        first = min(fresh())
        alarm = next(item for item in self.history("StateUpdate", begin)
                     if json.loads(item["HistoryData"])["newState"]["stateValue"] == "ALARM")["Timestamp"].timestamp()
        # The launch is begun in the turn of the loop after the policy's act; EC2 shows its time in whole seconds.
        launched = self.history("Action", begin)[0]["Timestamp"].timestamp()
        return alarm - begin, launched - begin, first - begin


def measure(scale, times):
    cloud = clouds.Cloud(time_scale=scale).start()
    load = None
    try:
        minute = 60 / scale
        site = Site(cloud, minute)
        load = site.load
        rows = [site.step() for _ in range(times)]
        alarm, launch, first = (statistics.median(column) for column in zip(*rows))
        rules = PERIODS * minute
        cells = [f"{scale:g}", str(times), f"{rules:.1f}", f"{alarm - rules:.2f}", f"{launch - alarm:.3f}", f"{first - launch:.2f}",
                 f"{first - rules:.2f}", f"{max(row[2] for row in rows) - rules:.2f}", str(load.failed)]
        print("| " + " | ".join(cells) + " |", flush=True)
    finally:
        if load:
            load.stop()
        cloud.down()


def main():
    reason = clouds.missing()
    if reason:
        print(f"| skipped: {reason} |" + " |" * 8)
        return
    options = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    options.add_argument("--time-scale", type=float, default=60)
    options.add_argument("--times", type=int, default=5)
    asked = options.parse_args()
    measure(asked.time_scale, asked.times)


main()
