"""The agent inside instances: an image's own configuration of the CloudWatch agent is followed, with the role's keys."""

import json
from datetime import datetime, timedelta, timezone

import pytest

from api import waiter
from cloud import eventually
from test_roles import policy, role, trust  # noqa: F401 (role is a fixture)

CONFIG = {
    "agent": {"metrics_collection_interval": 1},
    "metrics": {"namespace": "Own", "append_dimensions": {"InstanceId": "${aws:InstanceId}"}, "force_flush_interval": 2,
                "metrics_collected": {"cpu": {"measurement": ["usage_active", "usage_iowait"]},
                                      "mem": {"measurement": ["mem_used_percent"]},
                                      "disk": {"measurement": [{"name": "used_percent", "rename": "Full"}], "resources": ["/"]},
                                      "processes": {"measurement": ["total"]}, "collectd": {}}},
}
FOLDER = "/opt/aws/amazon-cloudwatch-agent/etc"


def user_data(config, commands=""):
    return (f"#!/bin/sh\nmkdir -p {FOLDER}\ncat > {FOLDER}/amazon-cloudwatch-agent.json <<'E'\n{json.dumps(config)}\nE\n"
            f"{commands}\nexec sleep 99999\n")


@pytest.fixture
def launch(aws, image, network):
    made = []

    def run(config, commands="", **more):
        (instance,) = aws.ec2.run_instances(ImageId=image, InstanceType="t3.micro", MinCount=1, MaxCount=1,
                                            SubnetId=network.subnets[0], UserData=user_data(config, commands), **more)["Instances"]
        made.append(instance["InstanceId"])
        waiter(aws.ec2, "instance_running", InstanceIds=made)
        return instance["InstanceId"]

    yield run
    if made:
        aws.ec2.terminate_instances(InstanceIds=made)
        waiter(aws.ec2, "instance_terminated", InstanceIds=made)


def console(aws, instance):
    return aws.ec2.get_console_output(InstanceId=instance).get("Output", "")


@pytest.fixture
def profile(aws, role):  # noqa: F811
    """An instance profile whose role may do what the agent does."""
    role("agent", trust(Service="ec2.amazonaws.com"),
         policy("cloudwatch:PutMetricData", "ec2:DescribeTags", "logs:CreateLogGroup", "logs:CreateLogStream", "logs:PutLogEvents"))
    aws.iam.create_instance_profile(InstanceProfileName="agent")
    aws.iam.add_role_to_instance_profile(InstanceProfileName="agent", RoleName="agent")
    yield {"Name": "agent"}
    aws.iam.remove_role_from_instance_profile(InstanceProfileName="agent", RoleName="agent")
    aws.iam.delete_instance_profile(InstanceProfileName="agent")


def metrics_of(aws, namespace):
    return {m["MetricName"]: {d["Name"]: d["Value"] for d in m["Dimensions"]}
            for m in aws.cloudwatch.list_metrics(Namespace=namespace)["Metrics"]}


def test_metrics(aws, launch, profile):
    instance = launch(CONFIG, IamInstanceProfile=profile)
    expected = {"cpu_usage_active", "mem_used_percent", "Full", "processes_total"}
    eventually(lambda: metrics_of(aws, "Own").keys() == expected, 60, "the metrics of the configuration")
    metrics = metrics_of(aws, "Own")
    assert metrics["mem_used_percent"] == {"InstanceId": instance}
    assert metrics["cpu_usage_active"] == {"InstanceId": instance, "cpu": "cpu-total"}
    assert metrics["Full"]["path"] == "/"
    text = eventually(lambda: (t := console(aws, instance)) and "publishes metrics in Own" in t and t, 30, "its line")
    assert "agent: metrics/metrics_collected/cpu/cpu_usage_iowait cannot be told here" in text
    assert "agent: metrics/metrics_collected/collectd is not followed" in text


def test_what_programs_send_and_use(aws, launch, profile):
    config = {"metrics": {"namespace": "Programs", "append_dimensions": {"InstanceId": "${aws:InstanceId}"}, "force_flush_interval": 1,
                          "metrics_collected": {
                              "statsd": {"metrics_collection_interval": 1, "metrics_aggregation_interval": 0},
                              "procstat": [{"pattern": "sleep 99999", "measurement": ["memory_rss", "pid_count"],
                                            "metrics_collection_interval": 1}]}}}
    # Busybox has one program that sends what one likes by UDP: a request for a file of that name, lines before and behind.
    send = "while :; do tftp -g -l /tmp/x -r \"$(printf 'x\\ndepth:7|g|#queue:mail\\nx')\" 127.0.0.1 8125; sleep 1; done >/dev/null 2>&1 &"
    instance = launch(config, send, IamInstanceProfile=profile)
    expected = {"depth", "procstat_memory_rss", "procstat_lookup_pid_count"}
    eventually(lambda: metrics_of(aws, "Programs").keys() == expected, 60, "the metrics of statsd and procstat")
    metrics = metrics_of(aws, "Programs")
    of_instance = {"InstanceId": instance}
    assert metrics["depth"] == of_instance | {"metric_type": "gauge", "queue": "mail"}
    assert metrics["procstat_memory_rss"] == of_instance | {"pattern": "sleep 99999", "process_name": "sleep"}
    assert metrics["procstat_lookup_pid_count"] == of_instance | {"pattern": "sleep 99999", "pid_finder": "native"}

    def maximum(name):
        now = datetime.now(timezone.utc)
        points = aws.cloudwatch.get_metric_statistics(
            Namespace="Programs", MetricName=name, Dimensions=[{"Name": k, "Value": v} for k, v in metrics[name].items()],
            StartTime=now - timedelta(minutes=5), EndTime=now + timedelta(minutes=1), Period=3600, Statistics=["Maximum"])["Datapoints"]
        return max(point["Maximum"] for point in points)

    assert maximum("depth") == 7
    assert maximum("procstat_lookup_pid_count") == 1
    assert 0 < maximum("procstat_memory_rss") < 1 << 30


def test_a_log_in_shift_jis(aws, launch, profile):
    config = {"logs": {"force_flush_interval": 1, "logs_collected": {"files": {"collect_list": [
        {"file_path": "/var/app.log", "log_group_name": "sjis", "encoding": "shift_jis"}]}}}}
    lines = ["ソフト 表示", "① 能 \\ 終"]
    octal = "".join(f"\\{byte:03o}" for byte in "".join(line + "\n" for line in lines).encode("cp932"))
    instance = launch(config, f"printf '{octal}' > /var/app.log", IamInstanceProfile=profile)

    def read():
        try:
            found = aws.logs.get_log_events(logGroupName="sjis", logStreamName=instance, startFromHead=True)["events"]
        except aws.logs.exceptions.ResourceNotFoundException:
            return []
        return [event["message"] for event in found]

    try:
        eventually(lambda: len(read()) >= len(lines), 60, "the lines")
        assert read() == lines
    finally:
        aws.logs.delete_log_group(logGroupName="sjis")


def test_without_a_role(aws, launch):
    config = {"logs": {"force_flush_interval": 1, "logs_collected": {"files": {"collect_list": [
        {"file_path": FOLDER + "/*.json", "log_group_name": "g"}]}}}}
    instance = launch(config)
    line = "NoCredentials: this instance has no role (an instance profile); it is tried again"
    text = eventually(lambda: (t := console(aws, instance)) and line in t and t, 60, "the trouble on the console")
    assert text.count(line) == 1
