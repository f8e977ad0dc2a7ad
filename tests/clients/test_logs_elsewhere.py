"""What leaves log groups for services elsewhere: subscription filters to Kinesis, Firehose and Lambda, exports to S3. They are moto's."""

import base64
import gzip
import json
import os
import subprocess
import time
from datetime import datetime, timedelta, timezone
from types import SimpleNamespace

import pytest

import cloud as clouds
from api import refused
from cloud import eventually
from conftest import record
from elsewhere import Elsewhere, credentials_file

GROUP = "/test/forwarded"
ROLE = "arn:aws:iam::000000000000:role/forward"


@pytest.fixture(scope="module")
def elsewhere():
    made = Elsewhere().start()
    try:
        yield made
    finally:
        made.kill()


@pytest.fixture(scope="module")
def own(elsewhere):
    """A Brume that is told of it: by its settings, and in part by its command line as `brume start` gives it on."""
    made = clouds.Cloud(endpoints={service: elsewhere.url for service in ("kinesis", "firehose", "lambda", "s3")})
    credentials_file(made)
    record(made, ("logs", "cloudformation"))
    try:
        yield made.start()
    finally:
        made.down()


@pytest.fixture(scope="module")
def aws(own):
    return SimpleNamespace(**{service: own.client(service) for service in ("logs", "cloudwatch", "cloudformation")})


@pytest.fixture
def group(aws):
    aws.logs.create_log_group(logGroupName=GROUP)
    for stream in ("a", "b/c"):
        aws.logs.create_log_stream(logGroupName=GROUP, logStreamName=stream)
    yield GROUP
    aws.logs.delete_log_group(logGroupName=GROUP)


def put(aws, stream, *messages):
    at = int(time.time() * 1000)
    aws.logs.put_log_events(logGroupName=GROUP, logStreamName=stream, logEvents=[{"timestamp": at, "message": m} for m in messages])


def make_stream(elsewhere, name, shards=1):
    kinesis = elsewhere.client("kinesis")
    kinesis.create_stream(StreamName=name, ShardCount=shards)
    kinesis.get_waiter("stream_exists").wait(StreamName=name, WaiterConfig={"Delay": 1, "MaxAttempts": 30})
    return kinesis.describe_stream_summary(StreamName=name)["StreamDescriptionSummary"]["StreamARN"]


def taken(elsewhere, name):
    """All that a stream has: (partition key, message) in order."""
    kinesis = elsewhere.client("kinesis")
    found = []
    for shard in kinesis.list_shards(StreamName=name)["Shards"]:
        at = kinesis.get_shard_iterator(StreamName=name, ShardId=shard["ShardId"], ShardIteratorType="TRIM_HORIZON")["ShardIterator"]
        found += [(r["PartitionKey"], json.loads(gzip.decompress(r["Data"]))) for r in kinesis.get_records(ShardIterator=at)["Records"]]
    return found


def lines(messages):
    return [event["message"] for _, message in messages if message["messageType"] == "DATA_MESSAGE" for event in message["logEvents"]]


def subscribe(aws, arn, name="f", pattern="", **more):
    aws.logs.put_subscription_filter(logGroupName=GROUP, filterName=name, filterPattern=pattern, destinationArn=arn, **{"roleArn": ROLE, **more})


def test_a_kinesis_stream_gets_what_matches_in_the_form_of_aws(own, aws, group, elsewhere):
    arn = make_stream(elsewhere, "lines")
    put(aws, "a", "before")
    subscribe(aws, arn, pattern="-debug")
    ((_, control),) = taken(elsewhere, "lines")
    assert control["messageType"] == "CONTROL_MESSAGE" and control["owner"] == "CloudwatchLogs"
    (shown,) = aws.logs.describe_subscription_filters(logGroupName=GROUP, filterNamePrefix="f")["subscriptionFilters"]
    assert shown["destinationArn"] == arn and shown["roleArn"] == ROLE and shown["distribution"] == "ByLogStream"

    put(aws, "a", "one", "debug two")
    put(aws, "b/c", "three ü \"quoted\"")
    eventually(lambda: len(lines(taken(elsewhere, "lines"))) == 2, 15, "both lines are there")
    found = dict(taken(elsewhere, "lines")[1:])
    assert set(found) == {"a", "b/c"}
    (event,) = found["b/c"]["logEvents"]
    assert event["message"] == "three ü \"quoted\"" and abs(event["timestamp"] - time.time() * 1000) < 60_000
    assert found["a"] == {"messageType": "DATA_MESSAGE", "owner": "000000000000", "logGroup": GROUP, "logStream": "a", "subscriptionFilters": ["f"],
                          "logEvents": found["a"]["logEvents"]}
    # The id is that by which the event is found in its group.
    assert event["id"] in [e["eventId"] for e in aws.logs.filter_log_events(logGroupName=GROUP)["events"]]

    def told():
        now = datetime.now(timezone.utc)
        return aws.cloudwatch.get_metric_statistics(
            Namespace="AWS/Logs", MetricName="ForwardedLogEvents", Period=60, StartTime=now - timedelta(minutes=5), EndTime=now + timedelta(minutes=1),
            Statistics=["Sum"], Dimensions=[{"Name": "LogGroupName", "Value": GROUP}, {"Name": "FilterName", "Value": "f"},
                                            {"Name": "DestinationType", "Value": "Kinesis Data Streams"}])["Datapoints"]

    assert sum(p["Sum"] for p in told()) == 2


def test_what_was_acknowledged_arrives_though_both_ends_are_killed(own, aws, group, elsewhere):
    arn = make_stream(elsewhere, "durable")
    subscribe(aws, arn)
    for i in range(30):
        put(aws, "a", f"line {i}")
        if i % 10 == 5:
            own.kill()
            own.start()
    eventually(lambda: set(lines(taken(elsewhere, "durable"))) == {f"line {i}" for i in range(30)}, 30, "all lines are there")
    elsewhere.kill()
    try:
        put(aws, "a", "while it was away")
        with refused("InvalidParameterException", "Could not deliver test message to specified Kinesis stream."):
            subscribe(aws, arn, name="other")
        own.kill()
        own.start()
    finally:
        elsewhere.start()
    make_stream(elsewhere, "durable")  # it forgets all
    eventually(lambda: lines(taken(elsewhere, "durable")) == ["while it was away"], 90, "what was put meanwhile is there")


def test_filters_come_and_go(aws, group, elsewhere):
    arn = make_stream(elsewhere, "kept")
    for name in ("one", "two"):
        subscribe(aws, arn, name=name, distribution="Random")
    with refused("LimitExceededException"):
        subscribe(aws, arn, name="three")
    with refused("InvalidParameterException", "Could not deliver test message"):
        subscribe(aws, arn.replace("kept", "nothing"), name="one")
    with refused("InvalidParameterException", "roleArn"):
        aws.logs.put_subscription_filter(logGroupName=GROUP, filterName="one", filterPattern="", destinationArn=arn)
    with refused("InvalidParameterException"):
        subscribe(aws, "arn:aws:sqs:eu-west-1:000000000000:queue", name="one")
    aws.logs.delete_subscription_filter(logGroupName=GROUP, filterName="one")
    with refused("ResourceNotFoundException"):
        aws.logs.delete_subscription_filter(logGroupName=GROUP, filterName="one")
    assert [f["filterName"] for f in aws.logs.describe_subscription_filters(logGroupName=GROUP)["subscriptionFilters"]] == ["two"]


def test_a_destination_is_a_name_for_a_stream(aws, group, elsewhere):
    arn = make_stream(elsewhere, "named")
    made = aws.logs.put_destination(destinationName="to-named", targetArn=arn, roleArn=ROLE)["destination"]
    aws.logs.put_destination_policy(destinationName="to-named", accessPolicy='{"Version": "2012-10-17", "Statement": []}')
    (shown,) = aws.logs.describe_destinations(DestinationNamePrefix="to-")["destinations"]
    assert shown["arn"] == made["arn"] and shown["targetArn"] == arn and "Statement" in shown["accessPolicy"]
    aws.logs.put_subscription_filter(logGroupName=GROUP, filterName="f", filterPattern="", destinationArn=made["arn"])
    put(aws, "a", "by name")
    eventually(lambda: lines(taken(elsewhere, "named")) == ["by name"], 15, "the line is there")
    aws.logs.delete_destination(destinationName="to-named")
    with refused("ResourceNotFoundException"):
        aws.logs.delete_destination(destinationName="to-named")


def test_firehose_brings_it_to_a_bucket(aws, group, elsewhere):
    s3, firehose = elsewhere.client("s3"), elsewhere.client("firehose")
    s3.create_bucket(Bucket="lake", CreateBucketConfiguration={"LocationConstraint": "eu-west-1"})
    arn = firehose.create_delivery_stream(DeliveryStreamName="to-lake", S3DestinationConfiguration={
        "RoleARN": ROLE, "BucketARN": "arn:aws:s3:::lake"})["DeliveryStreamARN"]
    subscribe(aws, arn)
    put(aws, "a", "one", "two")

    def arrived():
        objects = s3.list_objects_v2(Bucket="lake").get("Contents", [])
        text = [gzip.decompress(s3.get_object(Bucket="lake", Key=o["Key"])["Body"].read()) for o in objects]
        return [("", json.loads(t)) for t in text]

    eventually(lambda: sorted(lines(arrived())) == ["one", "two"], 15, "both lines are there")
    assert sorted(m["messageType"] for _, m in arrived()) == ["CONTROL_MESSAGE", "DATA_MESSAGE"]


def test_a_function_is_invoked_with_it(aws, group, elsewhere):
    elsewhere.own("POST", "config", json={"lambda": {"use_docker": False}})
    elsewhere.own("POST", "recorder/reset-recording")
    elsewhere.own("POST", "recorder/start-recording")
    aws.logs.put_subscription_filter(logGroupName=GROUP, filterName="f", filterPattern="", destinationArn="arn:aws:lambda:eu-west-1:123456789012:function:reader")
    put(aws, "a", "one")

    def invocations():
        recorded = [json.loads(line) for line in elsewhere.own("GET", "recorder/download-recording").text.splitlines()]
        return [r for r in recorded if r["url"].endswith("/functions/reader/invocations")]

    test, event = eventually(lambda: len(found := invocations()) == 2 and found, 15, "it is invoked")
    headers = [{name.lower(): value for name, value in r["headers"].items()} for r in (test, event)]
    assert [h["x-amz-invocation-type"] for h in headers] == ["DryRun", "Event"]
    body = event["body"] if not event["body_encoded"] else base64.b64decode(event["body"])
    message = json.loads(gzip.decompress(base64.b64decode(json.loads(body)["awslogs"]["data"])))
    assert lines([("", message)]) == ["one"]


def test_a_stack_has_a_subscription_filter(aws, group, elsewhere):
    arn = make_stream(elsewhere, "stacked")
    template = {"Resources": {"Forward": {"Type": "AWS::Logs::SubscriptionFilter", "Properties": {
        "LogGroupName": GROUP, "FilterPattern": "", "DestinationArn": arn, "RoleArn": ROLE}}}}
    cfn = aws.cloudformation
    cfn.create_stack(StackName="forward", TemplateBody=json.dumps(template))
    cfn.get_waiter("stack_create_complete").wait(StackName="forward", WaiterConfig={"Delay": 1, "MaxAttempts": 60})
    put(aws, "a", "one")
    eventually(lambda: lines(taken(elsewhere, "stacked")) == ["one"], 15, "the line is there")
    cfn.delete_stack(StackName="forward")
    cfn.get_waiter("stack_delete_complete").wait(StackName="forward", WaiterConfig={"Delay": 1, "MaxAttempts": 60})
    assert aws.logs.describe_subscription_filters(logGroupName=GROUP)["subscriptionFilters"] == []
    template["Resources"]["Forward"]["Properties"]["DestinationArn"] = arn.replace("stacked", "nothing")
    cfn.create_stack(StackName="backward", TemplateBody=json.dumps(template))
    eventually(lambda: cfn.describe_stacks(StackName="backward")["Stacks"][0]["StackStatus"] == "ROLLBACK_COMPLETE", 60, "it is rolled back")
    assert any("Could not deliver test message" in e.get("ResourceStatusReason", "") for e in cfn.describe_stack_events(StackName="backward")["StackEvents"])
    cfn.delete_stack(StackName="backward")


def test_exported_to_a_bucket(aws, group, elsewhere):
    s3 = elsewhere.client("s3")
    s3.create_bucket(Bucket="exports", CreateBucketConfiguration={"LocationConstraint": "eu-west-1"})
    put(aws, "a", "one", "two")
    put(aws, "b/c", "three")
    request = {"logGroupName": GROUP, "fromTime": 0, "to": int(time.time() * 1000) + 1000, "destination": "exports", "destinationPrefix": "logs/today"}
    task = aws.logs.create_export_task(**request)["taskId"]
    done = eventually(lambda: (t := aws.logs.describe_export_tasks(taskId=task)["exportTasks"][0])["status"]["code"] not in ("PENDING", "RUNNING") and t,
                      20, "the export ends")
    assert done["status"]["code"] == "COMPLETED", done
    objects = {o["Key"]: s3.get_object(Bucket="exports", Key=o["Key"])["Body"].read() for o in s3.list_objects_v2(Bucket="exports")["Contents"]}
    assert objects.pop("logs/today/aws-logs-write-test") == b"Permission Check Successful"
    texts = {key: [line.split(" ", 1)[1] for line in gzip.decompress(data).decode().splitlines()] for key, data in objects.items()}
    assert texts == {f"logs/today/{task}/a/000000.gz": ["one", "two"], f"logs/today/{task}/b-c/000000.gz": ["three"]}
    with refused("InvalidParameterException", "NoSuchBucket"):
        aws.logs.create_export_task(**{**request, "destination": "nothing"})


def test_over_tls_only_to_whom_the_certificate_names(tmp_path, monkeypatch):
    certificate, key = tmp_path / "certificate.pem", tmp_path / "key.pem"
    subprocess.run(["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-keyout", key, "-out", certificate, "-days", "2", "-subj", "/CN=elsewhere",
                    "-addext", "subjectAltName=IP:127.0.0.1"], check=True, capture_output=True)
    secure = Elsewhere(certificate, key).start()
    made = clouds.Cloud(endpoints={"kinesis": secure.url})
    credentials_file(made)
    try:
        arn = make_stream(secure, "lines")
        made.start()
        logs = made.client("logs")
        logs.create_log_group(logGroupName=GROUP)
        aws = SimpleNamespace(logs=logs)
        with refused("InvalidParameterException", "certificate verify failed"):
            subscribe(aws, arn)
        made.kill()
        monkeypatch.setenv("SSL_CERT_FILE", str(certificate))
        made.start()
        subscribe(aws, arn)
        assert [m["messageType"] for _, m in taken(secure, "lines")] == ["CONTROL_MESSAGE"]
        # What it is not told of, and keys that others can read, it says.
        with refused("InvalidParameterException", "--endpoint firehose=http://HOST:PORT"):
            subscribe(aws, "arn:aws:firehose:eu-west-1:000000000000:deliverystream/lines")
        os.chmod(made.root / "etc/credentials", 0o644)
        with refused("InvalidParameterException", "chmod 600"):
            subscribe(aws, arn)
    finally:
        secure.kill()
        made.down()


def test_endpoints_on_the_command_line(own, tmp_path):
    done = own.run("--endpoint", "sqs=http://127.0.0.1:1", "env", check=False)
    assert done.returncode != 0 and "Brume speaks to firehose, kinesis, lambda, s3" in done.stderr
    done = own.run("--endpoint", "s3=127.0.0.1", "env", check=False)
    assert done.returncode != 0 and "http://host:port" in done.stderr
