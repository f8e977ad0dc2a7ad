"""Logs Insights by its clients: started, read, stopped, listed; and saved definitions."""

import time

import pytest

from api import refused
from cloud import eventually

LINES = ['{"level": "info", "took": 12, "path": "/"}', '{"level": "error", "took": 340, "path": "/buy"}',
         '{"level": "info", "took": 20, "path": "/"}', "not json at all"]


@pytest.fixture(scope="module")
def group(aws):
    name = "/test/queries"
    aws.logs.create_log_group(logGroupName=name)
    aws.logs.create_log_stream(logGroupName=name, logStreamName="web")
    at = int(time.time() * 1000) - 1000
    aws.logs.put_log_events(logGroupName=name, logStreamName="web",
                            logEvents=[{"timestamp": at + i, "message": line} for i, line in enumerate(LINES)])
    yield name
    aws.logs.delete_log_group(logGroupName=name)


def query(aws, group, text, **more):
    if isinstance(group, str):
        more["logGroupName"] = group
    else:
        more["logGroupNames"] = group
    id_ = aws.logs.start_query(startTime=int(time.time()) - 3600, endTime=int(time.time()) + 60, queryString=text, **more)["queryId"]
    done = eventually(lambda: (r := aws.logs.get_query_results(queryId=id_))["status"] not in ("Scheduled", "Running") and r, 20, "it ends")
    assert done["status"] == "Complete", done
    return [{f["field"]: f["value"] for f in row} for row in done["results"]], done


def test_rows(aws, group):
    rows, done = query(aws, group, "fields @timestamp, level, took | filter took > 15 | sort took desc")
    assert [(r["level"], r["took"]) for r in rows] == [("error", "340"), ("info", "20")] and all("@ptr" in r for r in rows)
    assert done["statistics"]["recordsScanned"] == 4 and done["statistics"]["recordsMatched"] == 2
    rows, _ = query(aws, group, "fields @message", limit=1)
    assert [r["@message"] for r in rows] == [LINES[-1]], "newest first"
    rows, _ = query(aws, group, "stats count(*) as n, avg(took) as mean by path | sort n desc")
    assert rows[0]["path"] == "/" and rows[0]["n"] == "2" and float(rows[0]["mean"]) == 16
    rows, _ = query(aws, group, 'filter @message like /json/ | display @message, @logStream, @log')
    assert rows[0]["@logStream"] == "web" and rows[0]["@log"] == "000000000000:/test/queries"


def test_several_groups(aws, group):
    other = "/test/queries-other"
    aws.logs.create_log_group(logGroupName=other)
    aws.logs.create_log_stream(logGroupName=other, logStreamName="s")
    aws.logs.put_log_events(logGroupName=other, logStreamName="s", logEvents=[{"timestamp": int(time.time() * 1000), "message": "newest of all"}])
    rows, _ = query(aws, [group, other], "fields @message | limit 2")
    assert [r["@message"] for r in rows] == ["newest of all", LINES[-1]]
    rows, _ = query(aws, [group, other], "stats count(*) as n by @log | sort n")
    assert [r["n"] for r in rows] == ["1", "4"]
    aws.logs.delete_log_group(logGroupName=other)


def test_listed_and_stopped(aws, group):
    _, _ = query(aws, group, "fields @message")
    listed = aws.logs.describe_queries(logGroupName=group, status="Complete")["queries"]
    assert listed and listed[0]["queryString"] and listed[0]["logGroupName"] == group
    with refused("InvalidParameterException", "has ended"):
        aws.logs.stop_query(queryId=listed[0]["queryId"])
    with refused("ResourceNotFoundException"):
        aws.logs.get_query_results(queryId="00000000-0000-0000-0000-000000000000")


def test_a_long_one_is_stopped(aws, group):
    stream = {"logGroupName": group, "logStreamName": "long"}
    aws.logs.create_log_stream(**stream)
    at = int(time.time() * 1000) - 2000
    for _ in range(12):
        aws.logs.put_log_events(**stream, logEvents=[{"timestamp": at, "message": f"{i} {'x' * 180}"} for i in range(4500)])
    for _ in range(20):
        id_ = aws.logs.start_query(logGroupName=group, startTime=0, endTime=int(time.time()) + 60,
                                   queryString="parse @message /(?<a>.*)x(?<b>.*)x(?<c>.*)x/ | stats count_distinct(a) by b")["queryId"]
        try:
            assert aws.logs.stop_query(queryId=id_)["success"]
        except aws.logs.exceptions.InvalidParameterException:
            continue  # it was quicker
        end = eventually(lambda: (s := aws.logs.get_query_results(queryId=id_)["status"]) not in ("Scheduled", "Running") and s, 20, "it ends")
        if end == "Cancelled":
            break
    else:
        pytest.fail("none of twenty could be stopped")
    aws.logs.delete_log_stream(**stream)


def test_refused(aws, group):
    start = lambda text, **more: aws.logs.start_query(startTime=1, endTime=2, queryString=text, **(more or {"logGroupName": group}))  # noqa: E731
    with refused("MalformedQueryException"):
        start("fields @message | nonsense")
    with refused("ResourceNotFoundException"):
        start("fields @message", logGroupName="/test/nothing")
    with refused("InvalidParameterException"):
        start("fields @message", logGroupNames=[group], logGroupIdentifiers=[group])
    with refused("InvalidParameterException", "CWLI"):
        start("select 1", logGroupName=group, queryLanguage="SQL")


def test_definitions(aws, group):
    id_ = aws.logs.put_query_definition(name="errors", queryString="filter level = 'error'", logGroupNames=[group])["queryDefinitionId"]
    aws.logs.put_query_definition(queryDefinitionId=id_, name="errors", queryString="filter level = 'error' | limit 5")
    (shown,) = aws.logs.describe_query_definitions(queryDefinitionNamePrefix="err")["queryDefinitions"]
    assert shown["queryString"].endswith("limit 5") and shown["queryDefinitionId"] == id_
    with refused("InvalidParameterException"):
        aws.logs.put_query_definition(name="bad", queryString="| |")
    assert aws.logs.delete_query_definition(queryDefinitionId=id_)["success"]
    with refused("ResourceNotFoundException"):
        aws.logs.delete_query_definition(queryDefinitionId=id_)
