"""The agent inside instances: an image's own configuration of the CloudWatch agent is followed, with the role's keys."""

import json

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
                                      "processes": {"measurement": ["total"]}, "statsd": {}}},
}
FOLDER = "/opt/aws/amazon-cloudwatch-agent/etc"


def user_data(config):
    return f"#!/bin/sh\nmkdir -p {FOLDER}\ncat > {FOLDER}/amazon-cloudwatch-agent.json <<'E'\n{json.dumps(config)}\nE\nexec sleep 99999\n"


@pytest.fixture
def launch(aws, image, network):
    made = []

    def run(config, **more):
        (instance,) = aws.ec2.run_instances(ImageId=image, InstanceType="t3.micro", MinCount=1, MaxCount=1,
                                            SubnetId=network.subnets[0], UserData=user_data(config), **more)["Instances"]
        made.append(instance["InstanceId"])
        waiter(aws.ec2, "instance_running", InstanceIds=made)
        return instance["InstanceId"]

    yield run
    if made:
        aws.ec2.terminate_instances(InstanceIds=made)
        waiter(aws.ec2, "instance_terminated", InstanceIds=made)


def console(aws, instance):
    return aws.ec2.get_console_output(InstanceId=instance).get("Output", "")


def test_metrics(aws, launch, role):  # noqa: F811
    role("agent", trust(Service="ec2.amazonaws.com"), policy("cloudwatch:PutMetricData", "ec2:DescribeTags"))
    aws.iam.create_instance_profile(InstanceProfileName="agent")
    aws.iam.add_role_to_instance_profile(InstanceProfileName="agent", RoleName="agent")
    try:
        instance = launch(CONFIG, IamInstanceProfile={"Name": "agent"})
        expected = {"cpu_usage_active", "mem_used_percent", "Full", "processes_total"}
        eventually(lambda: {m["MetricName"] for m in aws.cloudwatch.list_metrics(Namespace="Own")["Metrics"]} == expected, 60,
                   "the metrics of the configuration")
        metrics = {m["MetricName"]: {d["Name"]: d["Value"] for d in m["Dimensions"]}
                   for m in aws.cloudwatch.list_metrics(Namespace="Own")["Metrics"]}
        assert metrics["mem_used_percent"] == {"InstanceId": instance}
        assert metrics["cpu_usage_active"] == {"InstanceId": instance, "cpu": "cpu-total"}
        assert metrics["Full"]["path"] == "/"
        text = eventually(lambda: (t := console(aws, instance)) and "publishes metrics in Own" in t and t, 30, "its line")
        assert "agent: metrics/metrics_collected/cpu/cpu_usage_iowait cannot be told here" in text
        assert "agent: metrics/metrics_collected/statsd is not followed" in text
    finally:
        aws.iam.remove_role_from_instance_profile(InstanceProfileName="agent", RoleName="agent")
        aws.iam.delete_instance_profile(InstanceProfileName="agent")


def test_without_a_role(aws, launch):
    config = {"logs": {"force_flush_interval": 1, "logs_collected": {"files": {"collect_list": [
        {"file_path": FOLDER + "/*.json", "log_group_name": "g"}]}}}}
    instance = launch(config)
    line = "NoCredentials: this instance has no role (an instance profile); it is tried again"
    text = eventually(lambda: (t := console(aws, instance)) and line in t and t, 60, "the trouble on the console")
    assert text.count(line) == 1
