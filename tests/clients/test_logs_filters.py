"""Metric filters: tried out, kept, and at work; live tails; exports."""

import contextlib
import gzip
import threading
import time
from datetime import datetime, timedelta, timezone

import pytest

from api import refused
from cloud import eventually


@pytest.fixture
def group(aws):
    name = "/test/filters"
    aws.logs.create_log_group(logGroupName=name)
    aws.logs.create_log_stream(logGroupName=name, logStreamName="s")
    yield name
    aws.logs.delete_log_group(logGroupName=name)


def put(aws, group, *messages):
    at = int(time.time() * 1000)
    aws.logs.put_log_events(logGroupName=group, logStreamName="s", logEvents=[{"timestamp": at, "message": m} for m in messages])


def transformation(name, value="1", **more):
    return [{"metricName": name, "metricNamespace": "Test", "metricValue": value, **more}]


def test_tried_out(aws):
    matches = aws.logs.test_metric_filter(filterPattern="[ip, user, ..., status=5*, bytes]",
                                          logEventMessages=["10.0.0.1 me GET / 200 10", "10.0.0.2 you GET / 503 7"])["matches"]
    assert len(matches) == 1 and matches[0]["eventNumber"] == 2
    assert matches[0]["extractedValues"]["$status"] == "503"
    with refused("InvalidParameterException"):
        aws.logs.test_metric_filter(filterPattern="{ $.a", logEventMessages=["x"])


def test_kept(aws, group):
    aws.logs.put_metric_filter(logGroupName=group, filterName="errors", filterPattern="ERROR", metricTransformations=transformation("Errors", defaultValue=0.0))
    aws.logs.put_metric_filter(logGroupName=group, filterName="errors", filterPattern="FATAL", metricTransformations=transformation("Errors"))
    (shown,) = aws.logs.describe_metric_filters(logGroupName=group, filterNamePrefix="err")["metricFilters"]
    assert shown["filterPattern"] == "FATAL" and shown["logGroupName"] == group and shown["metricTransformations"] == transformation("Errors")
    assert aws.logs.describe_metric_filters(metricName="Errors", metricNamespace="Test")["metricFilters"]
    assert aws.logs.describe_log_groups(logGroupNamePrefix=group)["logGroups"][0]["metricFilterCount"] == 1
    with refused("InvalidParameterException", "AWS/"):
        aws.logs.put_metric_filter(logGroupName=group, filterName="x", filterPattern="", metricTransformations=[
            {"metricName": "x", "metricNamespace": "AWS/EC2", "metricValue": "1"}])
    with refused("InvalidParameterException"):
        aws.logs.put_metric_filter(logGroupName=group, filterName="x", filterPattern="[", metricTransformations=transformation("x"))
    aws.logs.delete_metric_filter(logGroupName=group, filterName="errors")
    with refused("ResourceNotFoundException"):
        aws.logs.delete_metric_filter(logGroupName=group, filterName="errors")


def test_at_work(aws, group):
    aws.logs.put_metric_filter(logGroupName=group, filterName="took", filterPattern="{ $.status >= 500 }",
                               metricTransformations=transformation("Took", "$.took", dimensions={"path": "$.path"}, unit="Milliseconds"))
    put(aws, group, '{"status": 500, "took": 12, "path": "/"}', '{"status": 503, "took": 20, "path": "/"}', '{"status": 200, "took": 99, "path": "/"}', "not json")

    def told():
        now = datetime.now(timezone.utc)
        return aws.cloudwatch.get_metric_statistics(Namespace="Test", MetricName="Took", Dimensions=[{"Name": "path", "Value": "/"}], Period=60,
                                                    StartTime=now - timedelta(minutes=5), EndTime=now + timedelta(minutes=1), Statistics=["Sum", "SampleCount"])["Datapoints"]

    (point,) = eventually(told, 10, "the metric is there")
    assert point["Sum"] == 32 and point["SampleCount"] == 2 and point["Unit"] == "Milliseconds"


def test_live_tail(cloud, aws, group):
    client = cloud.client("logs", inject_host_prefix=False)
    session = client.start_live_tail(logGroupIdentifiers=[f"arn:aws:logs:ap-southeast-1:000000000000:log-group:{group}"], logEventFilterPattern="ERROR")
    stream, events, started = session["responseStream"], [], threading.Event()

    def read():
        with contextlib.suppress(AttributeError):  # of a stream that is closed under its reader
            for event in stream:
                if "sessionStart" in event:
                    started.set()
                events.extend(event.get("sessionUpdate", {}).get("sessionResults", []))

    threading.Thread(target=read, daemon=True).start()
    assert started.wait(10)
    put(aws, group, "an ERROR", "all well")
    eventually(lambda: events, 10, "the event is told")
    time.sleep(1.2)
    assert [e["message"] for e in events] == ["an ERROR"] and events[0]["logStreamName"] == "s"
    stream.close()
    with refused("ResourceNotFoundException"):
        client.start_live_tail(logGroupIdentifiers=["arn:aws:logs:ap-southeast-1:000000000000:log-group:/test/nothing"])


def test_exported(cloud, aws, group):
    put(aws, group, "one", "two")
    now = int(time.time() * 1000)
    request = {"logGroupName": group, "fromTime": 0, "to": now + 1000, "destination": "my-bucket", "destinationPrefix": "logs/today"}
    task = aws.logs.create_export_task(taskName="all", **request)["taskId"]
    done = eventually(lambda: (t := aws.logs.describe_export_tasks(taskId=task)["exportTasks"][0])["status"]["code"] not in ("PENDING", "RUNNING") and t,
                      20, "the export ends")
    assert done["status"]["code"] == "COMPLETED" and done["executionInfo"]["completionTime"] >= now
    text = gzip.decompress((cloud.root / f"lib/exports/my-bucket/logs/today/{task}/s/000000.gz").read_bytes()).decode()
    assert [line.split(" ", 1)[1] for line in text.splitlines()] == ["one", "two"]
    with refused("InvalidOperationException"):
        aws.logs.cancel_export_task(taskId=task)
    with refused("InvalidParameterException", "bucket"):
        aws.logs.create_export_task(**{**request, "destination": "../etc"})
    with refused("InvalidParameterException", "destinationPrefix"):
        aws.logs.create_export_task(**{**request, "destinationPrefix": "a/../../b"})


def test_an_export_is_cancelled(aws, group):
    for _ in range(10):
        put(aws, group, *["x" * 150 for _ in range(5000)])
    for _ in range(20):
        task = aws.logs.create_export_task(logGroupName=group, fromTime=0, to=int(time.time() * 1000) + 1000, destination="my-bucket")["taskId"]
        try:
            aws.logs.cancel_export_task(taskId=task)
        except aws.logs.exceptions.InvalidOperationException:
            continue
        end = eventually(lambda: (c := aws.logs.describe_export_tasks(taskId=task)["exportTasks"][0]["status"]["code"]) in ("CANCELLED", "COMPLETED") and c, 20, "it ends")
        if end == "CANCELLED":
            return
    pytest.fail("none of twenty could be cancelled")
