"""What instances, load balancers and groups do is told as CloudWatch metrics, and to Prometheus: on a cloud of its own, in
which a minute takes a second."""

from datetime import datetime, timedelta, timezone

import pytest

import cloud as clouds
from api import refused, waiter
from cloud import eventually, free_port, get
from conftest import record

BUSY = """#!/bin/sh
echo well > /srv/healthz
httpd -p 80 -h /srv
while :; do :; done
"""


@pytest.fixture(scope="module")
def fast():
    made = clouds.Cloud(time_scale=60)
    record(made, ("ec2", "cloudwatch"))
    try:
        yield made.start()
    finally:
        made.down()


@pytest.fixture(scope="module")
def clients(fast):
    return {service: fast.client(service) for service in ("ec2", "elbv2", "autoscaling", "cloudwatch")}


@pytest.fixture(scope="module")
def instance(fast, clients):
    """One that is as busy as it can be, with detailed monitoring, in the default VPC."""
    ec2 = clients["ec2"]
    image = ec2.register_image(Name="busybox", ImageLocation=f"file://{clouds.make_image(fast.root / 'busybox.tar')}", Architecture="x86_64",
                               RootDeviceName="/dev/xvda", VirtualizationType="hvm")["ImageId"]
    waiter(ec2, "image_available", ImageIds=[image])
    made = ec2.run_instances(ImageId=image, InstanceType="t2.micro", MinCount=1, MaxCount=1, UserData=BUSY,
                             Monitoring={"Enabled": True})["Instances"][0]
    waiter(ec2, "instance_running", InstanceIds=[made["InstanceId"]])
    return made


def statistics(watch, namespace, metric, period=1, **dimensions):
    now = datetime.now(timezone.utc)
    found = watch.get_metric_statistics(
        Namespace=namespace, MetricName=metric, Dimensions=[{"Name": k, "Value": v} for k, v in dimensions.items()],
        StartTime=now - timedelta(seconds=120), EndTime=now + timedelta(seconds=5), Period=period, Statistics=["Average", "Maximum", "Sum", "SampleCount"])
    return sorted(found["Datapoints"], key=lambda point: point["Timestamp"])


def test_an_instance_says_how_busy_it_is(clients, instance):
    watch, id_ = clients["cloudwatch"], instance["InstanceId"]

    def busy():
        points = statistics(watch, "AWS/EC2", "CPUUtilization", InstanceId=id_)
        return points if len(points) > 3 and points[-1]["Average"] > 20 else None

    points = eventually(busy, 30, "its processor is busy")
    assert all(0 <= p["Average"] <= 100 and p["Unit"] == "Percent" and p["SampleCount"] == 1 for p in points), points
    for metric in ("NetworkIn", "EBSReadOps", "StatusCheckFailed", "StatusCheckFailed_Instance"):
        assert statistics(watch, "AWS/EC2", metric, InstanceId=id_), metric
    assert max(p["Maximum"] for p in statistics(watch, "AWS/EC2", "StatusCheckFailed", InstanceId=id_)) == 0
    assert statistics(watch, "AWS/EC2", "CPUUtilization", InstanceType="t2.micro")
    (memory, *_) = statistics(watch, "CWAgent", "mem_used_percent", InstanceId=id_)
    assert 0 < memory["Average"] < 100


def test_listed(clients, instance):
    listed = clients["cloudwatch"].list_metrics(Namespace="AWS/EC2", MetricName="CPUUtilization",
                                                Dimensions=[{"Name": "InstanceId", "Value": instance["InstanceId"]}])["Metrics"]
    assert len(listed) == 1, listed


def test_basic_monitoring_tells_five_minutes_at_once(clients, instance):
    ec2, watch, id_ = clients["ec2"], clients["cloudwatch"], instance["InstanceId"]
    assert ec2.unmonitor_instances(InstanceIds=[id_])["InstanceMonitorings"][0]["Monitoring"]["State"] == "disabled"
    eventually(lambda: any(p["SampleCount"] == 5 for p in statistics(watch, "AWS/EC2", "CPUUtilization", InstanceId=id_)), 30, "five at once")
    assert ec2.monitor_instances(InstanceIds=[id_])["InstanceMonitorings"][0]["Monitoring"]["State"] == "enabled"
    (shown,) = ec2.describe_instances(InstanceIds=[id_])["Reservations"][0]["Instances"]
    assert shown["Monitoring"]["State"] == "enabled"
    with refused("InvalidInstanceID.NotFound"):
        ec2.monitor_instances(InstanceIds=["i-0123456789abcdef0"])


def test_a_load_balancer_says_what_it_did(clients, instance):
    ec2, elbv2, watch = clients["ec2"], clients["elbv2"], clients["cloudwatch"]
    port = free_port()
    in_vpc = ec2.describe_subnets(Filters=[{"Name": "vpc-id", "Values": [instance["VpcId"]]}])["Subnets"]
    # Its own zone and another: a load balancer does not reach into zones that it is not in.
    subnets = [instance["SubnetId"], next(s["SubnetId"] for s in in_vpc if s["SubnetId"] != instance["SubnetId"])]
    group = ec2.create_security_group(GroupName="web", Description="web", VpcId=instance["VpcId"])["GroupId"]
    ec2.authorize_security_group_ingress(GroupId=group, IpProtocol="tcp", FromPort=port, ToPort=port, CidrIp="0.0.0.0/0")
    ec2.authorize_security_group_ingress(GroupId=instance["SecurityGroups"][0]["GroupId"], IpProtocol="tcp", FromPort=80, ToPort=80, CidrIp="0.0.0.0/0")
    balancer = elbv2.create_load_balancer(Name="told", Subnets=subnets, SecurityGroups=[group])["LoadBalancers"][0]["LoadBalancerArn"]
    target_group = elbv2.create_target_group(Name="told", Protocol="HTTP", Port=80, VpcId=instance["VpcId"], HealthCheckPath="/healthz",
                                             HealthCheckIntervalSeconds=5, HealthCheckTimeoutSeconds=2, HealthyThresholdCount=2)["TargetGroups"][0]["TargetGroupArn"]
    elbv2.create_listener(LoadBalancerArn=balancer, Protocol="HTTP", Port=port,
                          DefaultActions=[{"Type": "forward", "TargetGroupArn": target_group}])
    elbv2.register_targets(TargetGroupArn=target_group, Targets=[{"Id": instance["InstanceId"]}])
    waiter(elbv2, "target_in_service", TargetGroupArn=target_group)
    for path in ["/healthz"] * 30 + ["/nothing"] * 5:
        get(f"http://127.0.0.1:{port}{path}")
    named, of_group = balancer.split(":loadbalancer/")[1], target_group.rsplit(":", 1)[1]
    total = lambda metric, **dimensions: sum(p["Sum"] for p in statistics(watch, "AWS/ApplicationELB", metric, **dimensions))  # noqa: E731
    eventually(lambda: total("RequestCount", LoadBalancer=named) == 35, 20, "all requests are counted")
    assert total("HTTPCode_Target_2XX_Count", LoadBalancer=named) == 30
    assert total("HTTPCode_Target_4XX_Count", LoadBalancer=named, TargetGroup=of_group) == 5
    assert total("RequestCountPerTarget", TargetGroup=of_group) == 35
    (time, *_) = statistics(watch, "AWS/ApplicationELB", "TargetResponseTime", LoadBalancer=named)
    assert 0 < time["Average"] < 5 and time["Unit"] == "Seconds"
    assert statistics(watch, "AWS/ApplicationELB", "HealthyHostCount", LoadBalancer=named, TargetGroup=of_group)[-1]["Maximum"] == 1


def test_a_group_says_how_large_it_and_its_warm_pool_are(clients, instance):
    autoscaling, watch = clients["autoscaling"], clients["cloudwatch"]
    template = clients["ec2"].create_launch_template(LaunchTemplateName="pooled", LaunchTemplateData={
        "ImageId": instance["ImageId"], "InstanceType": "t2.micro"})["LaunchTemplate"]["LaunchTemplateId"]
    autoscaling.create_auto_scaling_group(
        AutoScalingGroupName="pooled", LaunchTemplate={"LaunchTemplateId": template}, MinSize=0, MaxSize=1, DesiredCapacity=0,
        VPCZoneIdentifier=instance["SubnetId"])
    autoscaling.enable_metrics_collection(AutoScalingGroupName="pooled", Granularity="1Minute")
    enabled = {m["Metric"] for m in autoscaling.describe_auto_scaling_groups()["AutoScalingGroups"][0]["EnabledMetrics"]}
    assert enabled == {m["Metric"] for m in autoscaling.describe_metric_collection_types()["Metrics"]}

    def newest(metric):
        points = statistics(watch, "AWS/AutoScaling", metric, AutoScalingGroupName="pooled")
        return points[-1]["Average"] if points else None

    eventually(lambda: newest("GroupDesiredCapacity") == 0, 20, "the group's metrics are told")
    assert newest("WarmPoolTotalCapacity") is None  # it has no pool yet
    autoscaling.put_warm_pool(AutoScalingGroupName="pooled", PoolState="Running")
    eventually(lambda: newest("WarmPoolWarmedCapacity") == 1, 60, "the pool is warm")
    assert [newest(f"WarmPool{what}") for what in ("MinSize", "DesiredCapacity", "PendingCapacity", "TotalCapacity")] == [0, 1, 0, 1]
    assert [newest(what) for what in ("GroupAndWarmPoolDesiredCapacity", "GroupAndWarmPoolTotalCapacity", "GroupTotalInstances")] == [1, 1, 0]
    autoscaling.delete_auto_scaling_group(AutoScalingGroupName="pooled", ForceDelete=True)
    eventually(lambda: not autoscaling.describe_auto_scaling_groups()["AutoScalingGroups"], 60, what="the group is gone")


def test_nobody_tells_metrics_of_aws(clients):
    with refused("InvalidParameterValue", "The value AWS/ for parameter Namespace is invalid."):
        clients["cloudwatch"].put_metric_data(Namespace="AWS/EC2", MetricData=[{"MetricName": "CPUUtilization", "Value": 1}])


def test_prometheus_can_scrape_them(fast, clients, instance):
    status, text = get(f"{fast.endpoint}/metrics")
    assert status == 200
    id_ = instance["InstanceId"]
    live = [line for line in text.splitlines() if line.startswith("brume_instance_cpu_percent{") and id_ in line]
    assert len(live) == 1 and 0 <= float(live[0].rsplit(" ", 1)[1]) <= 100, text[:500]
    assert f'aws_ec2_cpuutilization_average{{region="{clouds.REGION}",instance_id="{id_}"}}' in text
    assert "# TYPE aws_ec2_cpuutilization_average gauge" in text
