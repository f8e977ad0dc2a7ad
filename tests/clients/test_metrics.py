"""CloudWatch metrics: put, read and list by boto3 in each protocol, by the AWS CLI and by plain forms, and across kill -9."""

import datetime
import gzip
import http.client
import json
import subprocess
import sys
import threading
import urllib.parse
from pathlib import Path

import boto3
import pytest
from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials

import cloud as clouds
from api import refused
from cloud import REGION, eventually

UTC = datetime.timezone.utc


def now():
    return datetime.datetime.now(UTC).replace(microsecond=0)


def minute(ago=0):
    return now().replace(second=0) - datetime.timedelta(minutes=ago)


def dimensions(**values):
    return [{"Name": name, "Value": value} for name, value in values.items()]


def statistics(client, namespace, name, *which, period=60, start=None, end=None, extended=(), **more):
    arguments = {"Statistics": list(which)} if which else {"ExtendedStatistics": list(extended)}
    return client.get_metric_statistics(Namespace=namespace, MetricName=name, Period=period, StartTime=start or minute(10),
                                        EndTime=end or minute(-2), **arguments, **more)["Datapoints"]


def test_values_sets_and_units(aws):
    cw, at = aws.cloudwatch, minute(3)
    shop = dimensions(Shop="Riga", Door="1")
    datum = {"MetricName": "Visitors", "Dimensions": shop, "Timestamp": at, "Unit": "Count"}
    cw.put_metric_data(Namespace="Shop", MetricData=[
        {**datum, "Value": 4},
        {**datum, "Values": [1.0, 2.0, 7.5], "Counts": [10.0, 1.0, 1.0]},
    ])
    cw.put_metric_data(Namespace="Shop", MetricData=[{**datum, "Dimensions": shop[::-1], "StatisticValues": {
        "SampleCount": 3, "Sum": 30, "Minimum": 10, "Maximum": 10}}])
    answer = cw.get_metric_statistics(Namespace="Shop", MetricName="Visitors", Dimensions=shop, StartTime=at, EndTime=at + datetime.timedelta(minutes=1),
                                      Period=60, Statistics=["SampleCount", "Average", "Sum", "Minimum", "Maximum"])
    assert answer["Label"] == "Visitors"
    assert answer["Datapoints"] == [{"Timestamp": at, "SampleCount": 16.0, "Average": 53.5 / 16, "Sum": 53.5, "Minimum": 1.0,
                                     "Maximum": 10.0, "Unit": "Count"}]
    # A set of equal values has percentiles; one of others has not.
    point = statistics(cw, "Shop", "Visitors", Dimensions=shop, extended=["p50", "p99.9", "tm50", "TC(:1)", "PR(1:10)"])[0]
    assert point["ExtendedStatistics"] == {"p50": 1.0, "p99.9": 10.0, "tm50": 1.0, "TC(:1)": 10.0, "PR(1:10)": 37.5}
    cw.put_metric_data(Namespace="Shop", MetricData=[{**datum, "StatisticValues": {"SampleCount": 2, "Sum": 3, "Minimum": 1, "Maximum": 2}}])
    assert statistics(cw, "Shop", "Visitors", Dimensions=shop, extended=["p50"]) == []
    assert statistics(cw, "Shop", "Visitors", "SampleCount", Dimensions=shop)[0]["SampleCount"] == 18
    # Another unit is a datapoint of its own; other dimensions are another metric.
    cw.put_metric_data(Namespace="Shop", MetricData=[{**datum, "Unit": "Percent", "Value": 1}])
    assert [p["Unit"] for p in statistics(cw, "Shop", "Visitors", "Sum", Dimensions=shop)] == ["Percent", "Count"]
    assert statistics(cw, "Shop", "Visitors", "Sum", Dimensions=shop, Unit="Percent")[0]["Sum"] == 1
    assert statistics(cw, "Shop", "Visitors", "Sum", Dimensions=shop, Unit="Bytes") == []
    assert statistics(cw, "Shop", "Visitors", "Sum", Dimensions=shop[:1]) == []


def test_high_resolution(aws):
    cw, at = aws.cloudwatch, minute(2)
    second = datetime.timedelta(seconds=1)
    cw.put_metric_data(Namespace="Shop", MetricData=[
        {"MetricName": "Fine", "Timestamp": at + i * second, "Value": i, "StorageResolution": 1} for i in range(20)])
    cw.put_metric_data(Namespace="Shop", MetricData=[{"MetricName": "Coarse", "Timestamp": at, "Value": 1}])
    window = {"start": at, "end": at + 60 * second}
    assert [p["Sum"] for p in statistics(cw, "Shop", "Fine", "Sum", period=1, **window)] == list(range(20))
    assert [p["Sum"] for p in statistics(cw, "Shop", "Fine", "Sum", period=5, **window)] == [10, 35, 60, 85]
    assert [p["Sum"] for p in statistics(cw, "Shop", "Fine", "Sum", period=60, **window)] == [190]
    assert statistics(cw, "Shop", "Coarse", "Sum", period=1, **window) == []
    assert len(statistics(cw, "Shop", "Coarse", "Sum", **window)) == 1


def test_old_data(aws):
    cw, day = aws.cloudwatch, datetime.timedelta(days=1)
    at = minute() - 13 * day
    cw.put_metric_data(Namespace="Shop", MetricData=[{"MetricName": "Old", "Timestamp": at, "Value": 3}])
    assert statistics(cw, "Shop", "Old", "Sum", start=at, end=at + day / 24)[0]["Timestamp"] == at
    by_day = statistics(cw, "Shop", "Old", "Sum", period=86400, start=at - day, end=now())
    assert [p["Sum"] for p in by_day] == [3]
    assert statistics(cw, "Shop", "Old", "Sum", period=60, start=at - 20 * day, end=at - 20 * day + day / 24) == []


def test_list(aws):
    cw = aws.cloudwatch
    names = [f"m{i:04}" for i in range(1203)]
    for at in range(0, len(names), 1000):
        cw.put_metric_data(Namespace="Many", MetricData=[
            {"MetricName": name, "Dimensions": dimensions(Part=str(int(name[1:]) % 3)), "Value": 1} for name in names[at:at + 1000]])
    pages = list(cw.get_paginator("list_metrics").paginate(Namespace="Many"))
    assert [len(p["Metrics"]) for p in pages] == [500, 500, 203]
    assert [m["MetricName"] for p in pages for m in p["Metrics"]] == names
    assert pages[0]["Metrics"][1] == {"Namespace": "Many", "MetricName": "m0001", "Dimensions": dimensions(Part="1")}

    def listed(**filters):
        return [m["MetricName"] for m in cw.list_metrics(**filters)["Metrics"]]

    assert listed(Namespace="Many", MetricName="m0007") == ["m0007"]
    assert len(listed(Namespace="Many", Dimensions=[{"Name": "Part", "Value": "2"}])) == 401
    assert listed(MetricName="m0008", Dimensions=[{"Name": "Part"}]) == ["m0008"]
    assert listed(Namespace="Many", MetricName="m0008", Dimensions=[{"Name": "Part"}, {"Name": "Other"}]) == []
    hour = datetime.timedelta(hours=1)
    cw.put_metric_data(Namespace="Ages", MetricData=[{"MetricName": f"h{h}", "Value": 1, "Timestamp": now() - h * hour} for h in (0, 2, 4, 330)])
    assert listed(Namespace="Ages", RecentlyActive="PT3H") == ["h0", "h2"]
    assert listed(Namespace="Ages") == ["h0", "h2", "h330", "h4"]
    own = cw.list_metrics(Namespace="Ages", IncludeLinkedAccounts=True, OwningAccount="000000000000")
    assert own["OwningAccounts"] == ["000000000000"] * 4
    with refused("InvalidParameterValue", "OwningAccount"):
        cw.list_metrics(IncludeLinkedAccounts=True, OwningAccount="111111111111")
    with refused("InvalidParameterValue", "NextToken"):
        cw.list_metrics(NextToken="x")


@pytest.mark.parametrize("datum, code, text", [
    ({}, "MissingParameter", "At least one of the parameters"),
    ({"Value": 1, "Values": [1.0]}, "InvalidParameterCombination",
     "The parameters MetricData.member.1.Value and MetricData.member.1.Values are mutually exclusive and you have specified both."),
    ({"Values": [1.0, 2.0], "Counts": [1.0]}, "InvalidParameterValue",
     "The parameters MetricData.member.1.Values and MetricData.member.1.Counts must be of the same size."),
    ({"Values": [float(i) for i in range(151)]}, "InvalidParameterValue", "must not have a size greater than 150"),
    ({"Value": float("nan")}, "InvalidParameterValue", "The value NaN for parameter MetricData.member.1.Value is invalid."),
    ({"Value": float("-inf")}, "InvalidParameterValue", "The value -Infinity for parameter MetricData.member.1.Value is invalid."),
    ({"Value": 2.0 ** 361}, "InvalidParameterValue", "for parameter MetricData.member.1.Value is invalid."),
    ({"Value": 1, "Unit": "Bananas"}, "InvalidParameterValue", "The parameter MetricData.member.1.Unit must be a value in the set [ Seconds"),
    ({"Value": 1, "StorageResolution": 30}, "InvalidParameterValue",
     "The parameter MetricData.member.1.StorageResolution must be a value in the set [ 1, 60 ]."),
    ({"Value": 1, "Timestamp": datetime.datetime(2020, 1, 1, tzinfo=UTC)}, "InvalidParameterValue",
     "The parameter MetricData.member.1.Timestamp must specify a time within the past two weeks."),
    ({"Value": 1, "Timestamp": "later"}, "InvalidParameterValue", "Timestamp"),
    ({"Value": 1, "Dimensions": dimensions(A="1") * 2}, "InvalidParameterValue", "No Metric may specify the same dimension twice."),
    ({"Value": 1, "Dimensions": dimensions(**{f"D{i}": "1" for i in range(31)})}, "InvalidParameterValue",
     "The collection MetricData.member.1.Dimensions must not have a size greater than 30."),
    ({"Value": 1, "Dimensions": [{"Name": ":A", "Value": "1"}]}, "InvalidParameterValue", "Dimensions.member.1.Name is invalid"),
    ({"StatisticValues": {"SampleCount": 0, "Sum": 0, "Minimum": 0, "Maximum": 0}}, "InvalidParameterValue", "SampleCount"),
    ({"StatisticValues": {"SampleCount": 1, "Sum": 0, "Minimum": 2, "Maximum": 1}}, "InvalidParameterValue", "Maximum"),
])
def test_refused_data(aws, datum, code, text):
    if datum.get("Timestamp") == "later":
        datum = {**datum, "Timestamp": now() + datetime.timedelta(hours=3)}
    with refused(code, text, 400):
        aws.cloudwatch.put_metric_data(Namespace="Refused", MetricData=[{"MetricName": "m", **datum}])
    # All or nothing.
    with refused(code, text.replace("MetricData.member.1.", "MetricData.member.2.")):
        aws.cloudwatch.put_metric_data(Namespace="Refused", MetricData=[{"MetricName": "good", "Value": 1}, {"MetricName": "m", **datum}])
    assert aws.cloudwatch.list_metrics(Namespace="Refused")["Metrics"] == []


def test_refused_calls(aws):
    cw = aws.cloudwatch
    one = {"MetricName": "m", "Value": 1}
    with refused("InvalidParameterValue", "The value AWS/ for parameter Namespace is invalid."):
        cw.put_metric_data(Namespace="AWS/EC2", MetricData=[one])
    with refused("InvalidParameterValue", "for parameter Namespace is invalid."):
        cw.put_metric_data(Namespace=":x", MetricData=[one])
    with refused("MissingParameter", "The parameter MetricData is required."):
        cw.put_metric_data(Namespace="Shop", MetricData=[])
    with refused("InvalidParameterValue", "The collection MetricData must not have a size greater than 1000."):
        cw.put_metric_data(Namespace="Shop", MetricData=[one] * 1001)
    with refused("InvalidParameterValue", "EntityMetricData"):
        cw.put_metric_data(Namespace="Shop", StrictEntityValidation=True, EntityMetricData=[{"MetricData": [one]}])

    def get(**changed):
        cw.get_metric_statistics(**{"Namespace": "Shop", "MetricName": "m", "StartTime": minute(10), "EndTime": minute(),
                                    "Period": 60, "Statistics": ["Sum"], **changed})

    with refused("InvalidParameterCombination", "which exceeds the limit of 1,440"):
        get(StartTime=minute(43200))
    with refused("InvalidParameterCombination", "You have requested up to 1,441 datapoints"):
        get(StartTime=minute(1441))
    get(StartTime=minute(1440))
    with refused("InvalidParameterValue", "The parameter StartTime must be less than the parameter EndTime."):
        get(StartTime=minute(-1))
    with refused("InvalidParameterValue", "must not equal"):
        get(StartTime=minute(5), EndTime=minute(5))
    with refused("InvalidParameterValue", "The parameter Period must be"):
        get(Period=45)
    with refused("InvalidParameterCombination", "Must specify either Statistics or ExtendedStatistics"):
        cw.get_metric_statistics(Namespace="Shop", MetricName="m", StartTime=minute(10), EndTime=minute(), Period=60)
    with refused("InvalidParameterCombination", "mutually exclusive"):
        get(ExtendedStatistics=["p50"])
    with refused("InvalidParameterValue", "The parameter Statistics.member.1 must be a value in the set"):
        get(Statistics=["p50"])
    with refused("InvalidParameterValue", "The value p101 for parameter ExtendedStatistics is not supported."):
        cw.get_metric_statistics(Namespace="Shop", MetricName="m", StartTime=minute(10), EndTime=minute(), Period=60, ExtendedStatistics=["p101"])


def test_compressed(cloud):
    """The SDK compresses what is over ten KiB."""
    sent = []
    cw = cloud.client("cloudwatch", request_min_compression_size_bytes=100)
    cw.meta.events.register("before-send.cloudwatch.*", lambda request, **_: sent.append(request.headers.get("Content-Encoding")))
    cw.put_metric_data(Namespace="Packed", MetricData=[{"MetricName": f"m{i}", "Value": i} for i in range(500)])
    assert [e.decode() if isinstance(e, bytes) else e for e in sent] == ["gzip"]
    assert len(cw.list_metrics(Namespace="Packed")["Metrics"]) == 500


@pytest.fixture
def send(cloud):
    """send(body, headers, target) signs and sends and answers (status, body)."""
    given = cloud.environment_cache()
    keys = Credentials(given["AWS_ACCESS_KEY_ID"], given["AWS_SECRET_ACCESS_KEY"])

    def sender(body, headers, target="/"):
        request = AWSRequest("POST", cloud.endpoint + target, data=body, headers=headers)
        SigV4Auth(keys, "monitoring", REGION).add_auth(request)
        connection = http.client.HTTPConnection("127.0.0.1", cloud.port, timeout=10)
        try:
            connection.request("POST", target, body, dict(request.prepare().headers))
            answer = connection.getresponse()
            return answer.status, answer.read().decode()
        finally:
            connection.close()

    return sender


@pytest.mark.parametrize("packed", [False, True])
def test_forms(aws, send, packed):
    """The query protocol, as older SDKs and scripts speak it, compressed or not."""
    name = f"Form{packed}"
    form = urllib.parse.urlencode({"Action": "PutMetricData", "Version": "2010-08-01", "Namespace": "Shop",
                                   "MetricData.member.1.MetricName": name, "MetricData.member.1.Value": "2.5",
                                   "MetricData.member.1.Unit": "Seconds", "MetricData.member.1.Dimensions.member.1.Name": "A",
                                   "MetricData.member.1.Dimensions.member.1.Value": "b c"}).encode()
    headers = {"Content-Type": "application/x-www-form-urlencoded; charset=utf-8"}
    status, body = send(gzip.compress(form) if packed else form, headers | ({"Content-Encoding": "gzip"} if packed else {}))
    assert status == 200 and "<PutMetricDataResponse" in body, body
    query = {"Action": "GetMetricStatistics", "Version": "2010-08-01", "Namespace": "Shop", "MetricName": name, "Period": "60",
             "StartTime": minute(5).strftime("%Y-%m-%dT%H:%M:%SZ"), "EndTime": minute(-5).strftime("%Y-%m-%dT%H:%M:%SZ"),
             "Dimensions.member.1.Name": "A", "Dimensions.member.1.Value": "b c", "Statistics.member.1": "Average"}
    status, body = send(urllib.parse.urlencode(query).encode(), headers)
    assert status == 200 and "<Average>2.5</Average>" in body and "<Unit>Seconds</Unit>" in body, body
    status, body = send(b"Action=PutMetricData&Version=2010-08-01&MetricData.member.1.MetricName=m", headers)
    assert status == 400 and "<Code>MissingParameter</Code>" in body and "The parameter Namespace is required." in body, body


def test_json(aws, send):
    body = json.dumps({"Namespace": "Shop", "MetricData": [{"MetricName": "Json", "Value": 5, "Timestamp": now().timestamp()}]})
    headers = {"Content-Type": "application/x-amz-json-1.0", "X-Amz-Target": "GraniteServiceVersion20100801.PutMetricData"}
    assert send(body.encode(), headers)[0] == 200
    status, body = send(json.dumps({"Namespace": "Shop", "MetricName": "Json"}).encode(), headers | {"X-Amz-Target": "GraniteServiceVersion20100801.ListMetrics"})
    assert (status, json.loads(body)["Metrics"]) == (200, [{"Namespace": "Shop", "MetricName": "Json", "Dimensions": []}])


def test_cli(cloud, tmp_path):
    """The AWS CLI, with its shorthand for values and dimensions."""
    aws_cli = str(Path(sys.executable).parent / "aws")

    def run(*arguments):
        done = subprocess.run([aws_cli, "cloudwatch", *arguments], env={**clouds.plain_environment(), **cloud.environment_cache()}, capture_output=True, text=True, timeout=60)
        assert done.returncode == 0, done.stderr
        return json.loads(done.stdout) if done.stdout else None

    run("put-metric-data", "--namespace", "Cli", "--metric-name", "Load", "--value", "0.5", "--unit", "Percent", "--dimensions", "Host=a,Core=1")
    run("put-metric-data", "--namespace", "Cli", "--metric-name", "Load", "--statistic-values", "Sum=3,Minimum=1,Maximum=2,SampleCount=2")
    data = [{"MetricName": "File", "Values": [1, 2], "Counts": [1, 3], "StorageResolution": 1}]
    (tmp_path / "data.json").write_text(json.dumps(data))
    run("put-metric-data", "--namespace", "Cli", "--metric-data", f"file://{tmp_path}/data.json")
    listed = run("list-metrics", "--namespace", "Cli")["Metrics"]
    assert [(m["MetricName"], len(m["Dimensions"])) for m in listed] == [("File", 0), ("Load", 0), ("Load", 2)]
    times = ["--start-time", minute(10).isoformat(), "--end-time", minute(-5).isoformat(), "--period", "900"]
    got = run("get-metric-statistics", "--namespace", "Cli", "--metric-name", "Load", "--dimensions", "Name=Core,Value=1", "Name=Host,Value=a",
              "--statistics", "Average", *times)
    assert [(p["Average"], p["Unit"]) for p in got["Datapoints"]] == [(0.5, "Percent")]
    got = run("get-metric-statistics", "--namespace", "Cli", "--metric-name", "File", "--extended-statistics", "p75", "tm50", *times)
    assert got["Datapoints"][0]["ExtendedStatistics"] == {"p75": 2.0, "tm50": 1.5}


def test_a_roles_permission(cloud, aws):
    """Actions are CloudWatch's, though requests are signed for `monitoring`; a policy may name the namespace."""
    trust = {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Principal": {"AWS": "arn:aws:iam::000000000000:root"}, "Action": "sts:AssumeRole"}]}
    allowed = {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "cloudwatch:PutMetricData", "Resource": "*",
                                                       "Condition": {"StringEquals": {"cloudwatch:namespace": "Role"}}}]}
    arn = aws.iam.create_role(RoleName="measures", AssumeRolePolicyDocument=json.dumps(trust))["Role"]["Arn"]
    aws.iam.put_role_policy(RoleName="measures", PolicyName="p", PolicyDocument=json.dumps(allowed))
    try:
        keys = aws.sts.assume_role(RoleArn=arn, RoleSessionName="me")["Credentials"]
        client = boto3.client("cloudwatch", endpoint_url=cloud.endpoint, region_name=REGION, aws_access_key_id=keys["AccessKeyId"],
                              aws_secret_access_key=keys["SecretAccessKey"], aws_session_token=keys["SessionToken"])
        client.put_metric_data(Namespace="Role", MetricData=[{"MetricName": "m", "Value": 1}])
        with refused("AccessDeniedException", "cloudwatch:PutMetricData"):
            client.put_metric_data(Namespace="Other", MetricData=[{"MetricName": "m", "Value": 1}])
        with refused("AccessDeniedException", "cloudwatch:ListMetrics"):
            client.list_metrics()
    finally:
        aws.iam.delete_role_policy(RoleName="measures", PolicyName="p")
        aws.iam.delete_role(RoleName="measures")


def test_kill(tmp_path):
    """What was acknowledged is there after kill -9, once."""
    own = clouds.Cloud()
    try:
        own.start()
        at, acknowledged, attempted = minute(1), [0], [0]

        def write():
            cw = own.client("cloudwatch", read_timeout=10)
            for i in range(5000):
                attempted[0] += 1
                try:
                    cw.put_metric_data(Namespace="Kill", MetricData=[{"MetricName": "m", "Value": 1, "Timestamp": at},
                                                                     {"MetricName": f"m{i}", "Value": 1, "Timestamp": at}])
                    acknowledged[0] += 1
                except Exception:  # the daemon is gone
                    return

        writer = threading.Thread(target=write)
        writer.start()
        eventually(lambda: acknowledged[0] >= 50, what="some are acknowledged", every=0.001)
        own.kill()
        writer.join()
        own.start()
        cw = own.client("cloudwatch")
        count = statistics(cw, "Kill", "m", "Sum", start=at - datetime.timedelta(minutes=1), end=at + datetime.timedelta(minutes=2))[0]["Sum"]
        assert acknowledged[0] <= count <= attempted[0]
        listed = [m for page in cw.get_paginator("list_metrics").paginate(Namespace="Kill") for m in page["Metrics"]]
        assert len(listed) == count + 1
    finally:
        own.down()
