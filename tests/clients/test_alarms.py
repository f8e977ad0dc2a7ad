"""CloudWatch's alarms and dashboards: what is asked of them, their states, their history, what they do."""

import datetime
import json

import pytest

from api import refused, waiter
from cloud import REGION, eventually

TOPIC = f"arn:aws:sns:{REGION}:000000000000:ops"
ARN = f"arn:aws:cloudwatch:{REGION}:000000000000:alarm:"


def alarm(**changes):
    return {"AlarmName": "load", "Namespace": "App", "MetricName": "Load", "Statistic": "Average", "Period": 60,
            "EvaluationPeriods": 1, "Threshold": 80, "ComparisonOperator": "GreaterThanThreshold",
            "TreatMissingData": "ignore", **changes}


def described(cloudwatch, name):
    answer = cloudwatch.describe_alarms(AlarmNames=[name], AlarmTypes=["MetricAlarm", "CompositeAlarm"])
    (found,) = answer["MetricAlarms"] + answer["CompositeAlarms"]
    return found


def summaries(cloudwatch, name, kind):
    pages = cloudwatch.get_paginator("describe_alarm_history").paginate(
        AlarmName=name, HistoryItemType=kind, ScanBy="TimestampAscending", PaginationConfig={"PageSize": 2})
    return [item["HistorySummary"] for page in pages for item in page["AlarmHistoryItems"]]


@pytest.fixture
def cloudwatch(aws):
    yield aws.cloudwatch
    client = aws.cloudwatch
    for composite in client.describe_alarms(AlarmTypes=["CompositeAlarm"])["CompositeAlarms"]:
        client.put_composite_alarm(AlarmName=composite["AlarmName"], AlarmRule="FALSE")
    for composite in client.describe_alarms(AlarmTypes=["CompositeAlarm"])["CompositeAlarms"]:
        client.delete_alarms(AlarmNames=[composite["AlarmName"]])
    names = [a["AlarmName"] for page in client.get_paginator("describe_alarms").paginate() for a in page["MetricAlarms"]]
    if names:
        client.delete_alarms(AlarmNames=names)


def test_an_alarm(cloudwatch):
    cloudwatch.put_metric_alarm(**alarm(AlarmDescription="Too much", AlarmActions=[TOPIC], DatapointsToAlarm=1,
                                        Dimensions=[{"Name": "Host", "Value": "a"}], Unit="Percent",
                                        Tags=[{"Key": "Stage", "Value": "test"}]))
    shown = described(cloudwatch, "load")
    assert shown["AlarmArn"] == ARN + "load"
    assert (shown["StateValue"], shown["StateReason"]) == ("INSUFFICIENT_DATA", "Unchecked: Initial alarm creation")
    assert (shown["ActionsEnabled"], shown["AlarmActions"], shown["OKActions"]) == (True, [TOPIC], [])
    assert (shown["Threshold"], shown["Period"], shown["Unit"]) == (80.0, 60, "Percent")
    cloudwatch.set_alarm_state(AlarmName="load", StateValue="ALARM", StateReason="a try", StateReasonData='{"by":"hand"}')
    shown = described(cloudwatch, "load")
    assert (shown["StateValue"], shown["StateReason"], shown["StateReasonData"]) == ("ALARM", "a try", '{"by":"hand"}')
    eventually(lambda: summaries(cloudwatch, "load", "Action"), 10)
    assert summaries(cloudwatch, "load", "StateUpdate") == ["Alarm updated from INSUFFICIENT_DATA to ALARM"]
    assert summaries(cloudwatch, "load", "ConfigurationUpdate") == ['Alarm "load" created']
    (action,) = summaries(cloudwatch, "load", "Action")
    assert action == f"Recorded action {TOPIC}: there is no SNS here yet to publish it"
    # A change leaves the state.
    cloudwatch.put_metric_alarm(**alarm(Threshold=90))
    shown = described(cloudwatch, "load")
    assert (shown["StateValue"], shown["Threshold"], shown["AlarmActions"]) == ("ALARM", 90.0, [])
    (update,) = cloudwatch.describe_alarm_history(AlarmName="load", HistoryItemType="StateUpdate")["AlarmHistoryItems"]
    data = json.loads(update["HistoryData"])
    assert data["newState"] == {"stateValue": "ALARM", "stateReason": "a try", "stateReasonData": {"by": "hand"}}
    cloudwatch.delete_alarms(AlarmNames=["load"])
    with refused("ResourceNotFound", status=404):
        cloudwatch.set_alarm_state(AlarmName="load", StateValue="OK", StateReason="")
    with refused("ResourceNotFound", status=404):
        cloudwatch.delete_alarms(AlarmNames=["load"])


def test_which_alarms(cloudwatch):
    for number in range(7):
        cloudwatch.put_metric_alarm(**alarm(AlarmName=f"web-{number}", Period=60 if number else 300))
    cloudwatch.put_metric_alarm(**alarm(AlarmName="other", MetricName="Other", OKActions=[TOPIC]))
    pages = list(cloudwatch.get_paginator("describe_alarms").paginate(AlarmNamePrefix="web-", PaginationConfig={"PageSize": 3}))
    assert [len(page["MetricAlarms"]) for page in pages] == [3, 3, 1]
    assert [a["AlarmName"] for a in cloudwatch.describe_alarms(ActionPrefix="arn:aws:sns")["MetricAlarms"]] == ["other"]
    cloudwatch.set_alarm_state(AlarmName="web-3", StateValue="OK", StateReason="")
    assert [a["AlarmName"] for a in cloudwatch.describe_alarms(StateValue="OK")["MetricAlarms"]] == ["web-3"]
    for_metric = cloudwatch.describe_alarms_for_metric(Namespace="App", MetricName="Load", Period=300)
    assert [a["AlarmName"] for a in for_metric["MetricAlarms"]] == ["web-0"]
    assert not cloudwatch.describe_alarms_for_metric(Namespace="App", MetricName="Load",
                                                     Dimensions=[{"Name": "A", "Value": "b"}])["MetricAlarms"]
    with refused("InvalidNextToken"):
        cloudwatch.describe_alarms(NextToken="nonsense")
    with refused("InvalidParameterCombination"):
        cloudwatch.describe_alarms(AlarmNames=["web-1"], AlarmNamePrefix="web")


@pytest.mark.parametrize("change, text", [
    ({"Period": 45}, "must be 10, 20, 30 or a multiple of 60"),
    ({"EvaluationPeriods": 1441}, "Metrics cannot be checked across more than a day (EvaluationPeriods * Period must be <= 86400)."),
    ({"DatapointsToAlarm": 2}, "must not be more than EvaluationPeriods"),
    ({"TreatMissingData": "panic"}, "TreatMissingData is not supported"),
    ({"ComparisonOperator": "GreaterThanUpperThreshold"}, "anomaly detection"),
    ({"AlarmActions": ["arn:aws:sns:us-east-1:000000000000:ops"]}, f"Only {REGION} is supported."),
    ({"AlarmActions": [f"arn:aws:lambda:{REGION}:000000000000:function:f"]}, "does not carry out alarm actions of lambda"),
    ({"AlarmActions": [f"arn:aws:automate:{REGION}:ec2:stop"]}, "InstanceId"),
    ({"ExtendedStatistic": "p99"}, "Exactly one of Statistic and ExtendedStatistic"),
])
def test_refused_alarms(cloudwatch, change, text):
    with refused("ValidationError", text):
        cloudwatch.put_metric_alarm(**alarm(**change))


def test_alarms_on_maths(cloudwatch):
    def maths(expression):
        stat = {"Metric": {"Namespace": "App", "MetricName": "Load"}, "Period": 60, "Stat": "Sum"}
        return {"AlarmName": "maths", "EvaluationPeriods": 1, "Threshold": 1, "ComparisonOperator": "LessThanThreshold",
                "Metrics": [{"Id": "m1", "MetricStat": stat, "ReturnData": False}, {"Id": "e1", "Expression": expression}]}

    cloudwatch.put_metric_alarm(**maths("FILL(m1, 0) * 2"))
    assert described(cloudwatch, "maths")["Metrics"][1]["Expression"] == "FILL(m1, 0) * 2"
    assert [a["AlarmName"] for a in cloudwatch.describe_alarms_for_metric(Namespace="App", MetricName="Load")["MetricAlarms"]] == ["maths"]
    for expression, text in (("AVG(m1)", "comes to a number"), ("m1 +", "ends too early"), ("m2", "no query with the id m2"),
                             ("SUM(SEARCH('a', 'Sum', 60))", "SEARCH is not supported on Metric Alarms.")):
        with refused("ValidationError", text):
            cloudwatch.put_metric_alarm(**maths(expression))


def test_enabled_actions_and_tags(cloudwatch):
    cloudwatch.put_metric_alarm(**alarm(AlarmName="quiet", AlarmActions=[TOPIC], Tags=[{"Key": "Stage", "Value": "test"}]))
    cloudwatch.disable_alarm_actions(AlarmNames=["quiet"])
    cloudwatch.set_alarm_state(AlarmName="quiet", StateValue="ALARM", StateReason="")
    assert described(cloudwatch, "quiet")["ActionsEnabled"] is False
    assert summaries(cloudwatch, "quiet", "Action") == []
    cloudwatch.enable_alarm_actions(AlarmNames=["quiet"])
    assert described(cloudwatch, "quiet")["ActionsEnabled"] is True
    cloudwatch.tag_resource(ResourceARN=ARN + "quiet", Tags=[{"Key": "Owner", "Value": "me"}])
    cloudwatch.untag_resource(ResourceARN=ARN + "quiet", TagKeys=["Stage"])
    assert cloudwatch.list_tags_for_resource(ResourceARN=ARN + "quiet")["Tags"] == [{"Key": "Owner", "Value": "me"}]
    with refused("ResourceNotFoundException", status=404):
        cloudwatch.list_tags_for_resource(ResourceARN=ARN + "absent")


def test_composite_alarms(cloudwatch):
    for name in ("a", "b", "maintenance"):
        cloudwatch.put_metric_alarm(**alarm(AlarmName=name))
    cloudwatch.put_composite_alarm(AlarmName="c", AlarmRule="ALARM(a) AND NOT ALARM(\"b\")", AlarmActions=[TOPIC],
                                   ActionsSuppressor="maintenance", ActionsSuppressorWaitPeriod=1, ActionsSuppressorExtensionPeriod=1)
    eventually(lambda: described(cloudwatch, "c")["StateValue"] == "OK", 10)
    cloudwatch.set_alarm_state(AlarmName="a", StateValue="ALARM", StateReason="")
    eventually(lambda: described(cloudwatch, "c")["StateValue"] == "ALARM", 10)
    assert described(cloudwatch, "c")["StateReason"].startswith(ARN + "a transitioned to ALARM at ")
    eventually(lambda: [s for s in summaries(cloudwatch, "c", "Action") if s.startswith("Recorded action")], 10)
    children = cloudwatch.describe_alarms(ChildrenOfAlarmName="c")["MetricAlarms"]
    assert [a["AlarmName"] for a in children] == ["a", "b"]
    assert [a["AlarmName"] for a in cloudwatch.describe_alarms(ParentsOfAlarmName="a")["CompositeAlarms"]] == ["c"]
    with refused("ValidationError", "depending on it"):
        cloudwatch.delete_alarms(AlarmNames=["a"])
    with refused("ValidationError", "would watch itself"):
        cloudwatch.put_composite_alarm(AlarmName="c", AlarmRule="ALARM(c)")
    with refused("ValidationError", "alarm absent in the alarm rule does not exist"):
        cloudwatch.put_composite_alarm(AlarmName="d", AlarmRule="OK(absent)")


def test_an_alarm_stops_an_instance(aws, cloudwatch, image, network):
    (made,) = aws.ec2.run_instances(ImageId=image, InstanceType="t2.micro", MinCount=1, MaxCount=1,
                                    SubnetId=network.subnets[0], SecurityGroupIds=[network.group])["Instances"]
    instance = made["InstanceId"]
    waiter(aws.ec2, "instance_running", InstanceIds=[instance])
    cloudwatch.put_metric_alarm(**alarm(AlarmName="cpu", Namespace="AWS/EC2", MetricName="CPUUtilization",
                                        Dimensions=[{"Name": "InstanceId", "Value": instance}],
                                        AlarmActions=[f"arn:aws:automate:{REGION}:ec2:stop"]))
    cloudwatch.set_alarm_state(AlarmName="cpu", StateValue="ALARM", StateReason="stop it")
    waiter(aws.ec2, "instance_stopped", InstanceIds=[instance])
    assert summaries(cloudwatch, "cpu", "Action") == [f"Successfully executed action arn:aws:automate:{REGION}:ec2:stop"]
    aws.ec2.terminate_instances(InstanceIds=[instance])
    cloudwatch.set_alarm_state(AlarmName="cpu", StateValue="OK", StateReason="")
    waiter(aws.ec2, "instance_terminated", InstanceIds=[instance])


def test_an_alarm_fires_and_clears(cloudwatch):
    cloudwatch.put_metric_alarm(**alarm(AlarmName="quick", MetricName="Quick", Period=10, TreatMissingData="missing"))

    def until(state, value):
        def reached():
            cloudwatch.put_metric_data(Namespace="App", MetricData=[{"MetricName": "Quick", "Value": value, "StorageResolution": 1}])
            return described(cloudwatch, "quick")["StateValue"] == state

        eventually(reached, 60, state, every=1)

    until("OK", 10)
    until("ALARM", 95)
    # The first period that breaches may hold a sample from before.
    assert described(cloudwatch, "quick")["StateReason"].startswith("Threshold Crossed: 1 datapoint [")
    until("OK", 10)
    eventually(lambda: described(cloudwatch, "quick")["StateValue"] == "INSUFFICIENT_DATA", 90, every=1)
    assert described(cloudwatch, "quick")["StateReason"] == "Insufficient Data: 1 datapoint was unknown."


def test_get_metric_data(cloudwatch):
    now = datetime.datetime.now(datetime.timezone.utc).replace(second=0, microsecond=0)
    data = [{"MetricName": name, "Value": value * factor, "Timestamp": now - datetime.timedelta(minutes=value),
             "Dimensions": [{"Name": "Kind", "Value": "test"}]}
            for value in range(1, 11) for name, factor in (("Requests", 10), ("Errors", 1))]
    cloudwatch.put_metric_data(Namespace="Maths", MetricData=data)

    def query(name, **more):
        metric = {"Namespace": "Maths", "MetricName": name, "Dimensions": [{"Name": "Kind", "Value": "test"}]}
        return {"Id": name.lower(), "MetricStat": {"Metric": metric, "Period": 60, "Stat": "Sum"}, **more}

    span = {"StartTime": now - datetime.timedelta(minutes=10), "EndTime": now}
    queries = [query("Requests"), query("Errors", ReturnData=False),
               {"Id": "rate", "Expression": "errors / requests * 100", "Label": "error rate ${MAX}"},
               {"Id": "found", "Expression": "SUM(SEARCH('{Maths,Kind} MetricName=\"Errors\"', 'Sum', 60))"}]
    answer = cloudwatch.get_metric_data(MetricDataQueries=queries, **span)
    results = {r["Id"]: r for r in answer["MetricDataResults"]}
    assert set(results) == {"requests", "rate", "found"}
    assert results["requests"]["Values"] == [10.0 * n for n in range(1, 11)]
    assert results["rate"]["Values"] == [10.0] * 10
    assert results["rate"]["Label"] == "error rate 10"
    assert results["found"]["Values"] == [float(n) for n in range(1, 11)]
    pages = list(cloudwatch.get_paginator("get_metric_data").paginate(
        MetricDataQueries=[query("Requests")], ScanBy="TimestampAscending", PaginationConfig={"PageSize": 4}, **span))
    assert [v for page in pages for r in page["MetricDataResults"] for v in r["Values"]] == [10.0 * n for n in range(10, 0, -1)]
    assert len(pages) == 3
    for expression, text in (("SELECT AVG(x) FROM y", "Metrics Insights"), ("SERVICE_QUOTA(requests)", "SERVICE_QUOTA"),
                             ("AVG(requests)", "comes to a number"), ("requests +", "ends too early")):
        with refused("ValidationError", text):
            cloudwatch.get_metric_data(MetricDataQueries=[query("Requests"), {"Id": "e", "Expression": expression}], **span)
    with refused("ValidationError", "must be less than"):
        cloudwatch.get_metric_data(MetricDataQueries=[query("Requests")], StartTime=now, EndTime=now)


def test_dashboards(aws):
    client = aws.cloudwatch
    body = json.dumps({"widgets": [
        {"type": "text", "x": 0, "y": 0, "width": 6, "height": 3, "properties": {"markdown": "# The web"}},
        {"type": "metric", "properties": {"region": REGION, "metrics": [["AWS/EC2", "CPUUtilization", "InstanceId", "i-1"]]}}]})
    assert client.put_dashboard(DashboardName="web", DashboardBody=body)["DashboardValidationMessages"] == []
    shown = client.get_dashboard(DashboardName="web")
    assert (shown["DashboardBody"], shown["DashboardName"]) == (body, "web")
    assert shown["DashboardArn"] == "arn:aws:cloudwatch::000000000000:dashboard/web"
    (entry,) = client.list_dashboards(DashboardNamePrefix="we")["DashboardEntries"]
    assert (entry["DashboardName"], entry["Size"]) == ("web", len(body))
    client.tag_resource(ResourceARN=shown["DashboardArn"], Tags=[{"Key": "a", "Value": "b"}])
    assert client.list_tags_for_resource(ResourceARN=shown["DashboardArn"])["Tags"] == [{"Key": "a", "Value": "b"}]
    with refused("InvalidParameterInput", "The field DashboardBody must be a valid JSON object"):
        client.put_dashboard(DashboardName="web", DashboardBody="{")
    with refused("InvalidParameterInput", "/widgets/0/properties/metrics/0"):
        client.put_dashboard(DashboardName="web", DashboardBody=json.dumps({"widgets": [
            {"type": "metric", "properties": {"region": REGION, "metrics": [["AWS/EC2", "CPUUtilization", "InstanceId"]]}}]}))
    client.delete_dashboards(DashboardNames=["web"])
    with refused("ResourceNotFound", status=404):
        client.get_dashboard(DashboardName="web")
    with refused("ResourceNotFound", status=404):
        client.delete_dashboards(DashboardNames=["web"])
